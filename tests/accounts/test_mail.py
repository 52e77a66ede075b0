"""When the mails of the day are used up, every address gets the same 503, until a mail is sent again."""

from collections.abc import Callable

import pytest

from chalicelib.accounts.mail import Mail
from chalicelib.dates import DAY_SECONDS
from chalicelib.errors import EmailTakenError, InvalidRequestError, MailQuotaError
from tests.fakes import Backend, Clock

KEY = "a key of this test"
Send = Callable[[], object]


def refuse_mail() -> None:
    raise MailQuotaError


def fail_if_sent() -> None:
    pytest.fail("a sign-up that waits would have been deleted")


def refuse_taken_address() -> None:
    raise EmailTakenError("An account with this email address exists. Sign in.")


# What the user pool does for each kind of address while the quota is empty, and whether it would mail to it.
ADDRESSES: dict[str, tuple[Send, bool]] = {
    "has an account": (refuse_mail, True),
    "has none": (lambda: True, False),  # the pool pretends
    "is to be confirmed": (lambda: False, False),  # a new password cannot be set yet
    "asked too often": (lambda: False, True),
    "registers and is new": (refuse_mail, True),
    "registers and has an account": (refuse_taken_address, True),
    "registers and waits": (fail_if_sent, False),
}


@pytest.fixture
def mail(backend: Backend) -> Mail:
    return Mail(backend.tables, KEY, backend.clock)


def test_every_address_is_refused_alike_once_a_mail_was_refused(mail: Mail) -> None:
    with pytest.raises(MailQuotaError):
        mail.send(refuse_mail, lambda: True)

    for send, would_arrive in ADDRESSES.values():
        for _ in range(2):
            with pytest.raises(MailQuotaError) as refused:
                mail.send(send, lambda would=would_arrive: would)
            assert (refused.value.code, refused.value.details) == ("unavailable", {"retry_after_seconds": 3_600})


def test_a_mail_that_is_sent_again_lets_every_address_through(mail: Mail) -> None:
    with pytest.raises(MailQuotaError):
        mail.send(refuse_mail, lambda: True)

    assert mail.send(lambda: True, lambda: True) is True

    assert mail.send(lambda: True, lambda: False) is True  # an address without an account
    assert mail.send(lambda: False, lambda: True) is False
    with pytest.raises(EmailTakenError):
        mail.send(refuse_taken_address, lambda: True)


def test_a_mail_that_the_pool_only_pretends_to_send_proves_nothing(mail: Mail) -> None:
    with pytest.raises(MailQuotaError):
        mail.send(refuse_mail, lambda: True)
    for send, would_arrive in ((lambda: True, False), (lambda: False, True)):
        with pytest.raises(MailQuotaError):
            mail.send(send, lambda would=would_arrive: would)

    with pytest.raises(MailQuotaError):
        mail.send(lambda: True, lambda: False)


def test_the_quota_is_taken_for_returned_a_day_after_the_last_refusal(mail: Mail, clock: Clock) -> None:
    for _ in range(2):
        with pytest.raises(MailQuotaError):
            mail.send(refuse_mail, lambda: True)
        clock.forward(DAY_SECONDS - 1)
    with pytest.raises(MailQuotaError):
        mail.send(lambda: True, lambda: False)

    clock.forward(1)
    assert mail.send(lambda: True, lambda: False) is True


def test_other_errors_change_nothing(mail: Mail) -> None:
    def invalid() -> None:
        raise InvalidRequestError("A password has at least 10 characters.", "password")

    with pytest.raises(InvalidRequestError):
        mail.send(invalid, lambda: True)
    assert mail.send(lambda: True, lambda: False) is True
