"""Mails with codes, whose number per day the user pool limits. When none is left, nobody learns who has an account.

Anybody can ask for them, so a network has a part of the day's mails only.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ..dates import DAY_SECONDS
from ..errors import EmailTakenError, MailQuotaError, RateLimitedError
from ..repositories.daily_caps import claim_daily_amount
from ..repositories.mail_quota import is_mail_quota_empty, mark_mail_quota
from ..repositories.table import Tables
from .network_caps import network_caps

Sent = TypeVar("Sent")


@dataclass(frozen=True)
class Mail:
    """Sends mails, and refuses every address alike from the first mail that the quota stopped until one passes again.

    The user pool pretends to mail to an address without an account. So only a mail that is really sent shows that the
    quota has returned.
    """

    tables: Tables
    identity_key: str = field(repr=False)
    now: Callable[[], int]  # epoch seconds, UTC
    # The user pool sends 50 in a day without a verified sender. An office needs one or two a person.
    per_network_day: int = 20

    def claim(self, network: str) -> None:
        """Count a request that mails, or pretends to, before anything depends on its address.

        `network`: the client's address, or the /64 of an IPv6 one. Raises RateLimitedError.
        """
        now = self.now()
        for part, ceiling in network_caps(network, self.per_network_day):
            if not claim_daily_amount(self.tables, f"mails#{self._hash(part)}", 1, ceiling, now):
                message = "Too many emails were requested from your network today. Retry tomorrow (UTC)."
                raise RateLimitedError(message, retry_after_seconds=DAY_SECONDS - now % DAY_SECONDS)

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

    def _hash(self, network: str) -> str:
        return hmac.new(self.identity_key.encode(), f"network\n{network}".encode(), hashlib.sha256).hexdigest()
