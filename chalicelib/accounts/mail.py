"""Mails with codes, whose number per day the user pool limits. When none is left, nobody learns who has an account."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..errors import EmailTakenError, MailQuotaError
from ..repositories.mail_quota import is_mail_quota_empty, mark_mail_quota
from ..repositories.table import Tables

Sent = TypeVar("Sent")


@dataclass(frozen=True)
class Mail:
    """Sends mails, and refuses every address alike from the first mail that the quota stopped until one passes again.

    The user pool pretends to mail to an address without an account. So only a mail that is really sent shows that the
    quota has returned.
    """

    tables: Tables
    now: Callable[[], int]  # epoch seconds, UTC

    def send(self, send: Callable[[], Sent], would_arrive: Callable[[], bool]) -> Sent:
        """Do `send`, whose result is false where nothing was mailed. `would_arrive`: whether it would be a real mail.

        Raises MailQuotaError, and what `send` raises.
        """
        is_empty = is_mail_quota_empty(self.tables, self.now())
        if is_empty and not would_arrive():
            raise MailQuotaError
        try:
            sent = send()
        except MailQuotaError:
            mark_mail_quota(self.tables, is_empty=True, at=self.now())
            raise
        except EmailTakenError as error:
            if is_empty:
                raise MailQuotaError from error
            raise
        if is_empty and not sent:
            raise MailQuotaError
        if is_empty:
            mark_mail_quota(self.tables, is_empty=False, at=self.now())
        return sent
