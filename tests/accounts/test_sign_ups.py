"""The owner of the mailbox opens the account, even if others signed up with its address; and what is mailed to whom."""

import itertools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests

from chalicelib import contract
from chalicelib.accounts.sign_ups import REPLACEMENTS_PER_DAY, check_password
from chalicelib.errors import (
    AppError,
    EmailTakenError,
    EmailUnverifiedError,
    InvalidCredentialsError,
    InvalidRequestError,
    MailQuotaError,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
)
from chalicelib.providers.cognito import Cognito
from chalicelib.providers.cognito_errors import invalid_code_error
from chalicelib.repositories.mail_quota import is_mail_quota_empty, mark_mail_quota
from chalicelib.repositories.sign_up_locks import LOCK_SECONDS, lock_sign_up, unlock_sign_up
from scripts.local.aws import LocalAws
from tests.accounts.accounts_env import PASSWORD, AccountsEnv, open_accounts_env
from tests.fakes import Backend

CALLS_OF_CONFIRMING = {PASSWORD: 11, None: 13}  # with a password; without one, from another network
NETWORK, OTHER_NETWORK = "198.51.100.7", "203.0.113.9"
USER_CREATED = 1  # the call of a sign-up without verification, after its lock
CODE, OTHER_PASSWORD = "123456", "the password of another"  # The emulator sends the same code to every user.
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def quiet_env(ministack: LocalAws) -> Iterator[AccountsEnv]:
    """Accounts of a stage that does not verify addresses."""
    with open_accounts_env(ministack) as created:
        yield created


@pytest.fixture
def env(quiet_env: AccountsEnv) -> AccountsEnv:
    return quiet_env.with_verification()


@pytest.fixture
def email() -> str:
    return f"signup{next(_numbers)}@example.com"


def register(env: AccountsEnv, email: str, password: str = PASSWORD, network: str = NETWORK) -> contract.Registered:
    return env.accounts.register(contract.Register(email=email, password=password), network)


def confirm(
    env: AccountsEnv, email: str, password: str | None = None, network: str = NETWORK, code: str = CODE
) -> contract.Confirmed:
    return env.accounts.confirm(contract.Confirm(email=email, code=code, password=password), network)


def reset(env: AccountsEnv, email: str, password: str) -> None:
    env.accounts.forgot_password(contract.ForgotPassword(email=email))
    env.accounts.reset_password(contract.ResetPassword(email=email, code="654321", password=password))


def opening(env: AccountsEnv, email: str, *passwords: str) -> list[str]:
    """Those of the passwords that open the account."""
    return [password for password in passwords if can_sign_in(env, email, password)]


def can_sign_in(env: AccountsEnv, email: str, password: str) -> bool:
    try:
        env.accounts.login(contract.Login(email=email, password=password))
    except (InvalidCredentialsError, EmailUnverifiedError):
        return False
    return True


def join(env: AccountsEnv, email: str, groups: tuple[str, ...]) -> None:
    pool, pool_id = env.accounts.cognito._client, env.accounts.cognito._pool
    for group in groups:
        with suppress(pool.exceptions.GroupExistsException):
            pool.create_group(UserPoolId=pool_id, GroupName=group)
        pool.admin_add_user_to_group(UserPoolId=pool_id, Username=email, GroupName=group)


def mails_to(ministack: LocalAws, email: str) -> list[dict[str, Any]]:
    """What the emulator would have sent."""
    stored = requests.get(f"{ministack.endpoint_url}/_ministack/ses/messages", timeout=5).json()["messages"]
    return [mail for mails in stored.values() for mail in mails if email in mail["To"]]


# Taking over an address


def test_the_next_sign_up_takes_over_an_address_that_was_never_confirmed(env: AccountsEnv, email: str) -> None:
    first = register(env, email, OTHER_PASSWORD)

    owner = register(env, email)
    assert (owner.confirmation_required, owner.user.user_id == first.user.user_id) == (True, False)
    assert confirm(env, email, PASSWORD).free_credits == 200

    assert opening(env, email, OTHER_PASSWORD, PASSWORD) == [PASSWORD]


def test_a_person_who_signs_up_and_confirms_in_one_place_keeps_the_password(env: AccountsEnv, email: str) -> None:
    register(env, email)

    confirmed = confirm(env, email)

    assert (confirmed.free_credits, confirmed.password_required) == (200, False)
    assert opening(env, email, PASSWORD) == [PASSWORD]


@pytest.mark.parametrize("network", [OTHER_NETWORK, "2001:db8:1:2::/64", ""])
def test_the_password_of_another_person_opens_nothing_that_the_owner_confirms(
    env: AccountsEnv, email: str, network: str
) -> None:
    """Nobody signed up but somebody else, and the owner of the mailbox has nothing but the code."""
    register(env, email, OTHER_PASSWORD, network)

    confirmed = confirm(env, email, network=NETWORK if network else "")

    assert (confirmed.confirmed, confirmed.free_credits, confirmed.password_required) == (True, 200, True)
    assert opening(env, email, OTHER_PASSWORD) == []
    reset(env, email, PASSWORD)
    assert opening(env, email, OTHER_PASSWORD, PASSWORD) == [PASSWORD]


def test_who_confirmed_without_a_password_sends_it_with_the_same_code(env: AccountsEnv, email: str) -> None:
    register(env, email, OTHER_PASSWORD, OTHER_NETWORK)
    for _ in range(2):  # Also again: the answer may be lost.
        assert confirm(env, email).password_required

    confirmed = confirm(env, email, PASSWORD)

    assert (confirmed.free_credits, confirmed.password_required) == (200, False)
    assert opening(env, email, OTHER_PASSWORD, PASSWORD) == [PASSWORD]
    for password in (None, OTHER_PASSWORD):  # The password is set: the code is used up.
        with pytest.raises(InvalidRequestError) as refused:
            confirm(env, email, password)
        assert refused.value.details == {"field": "code"}
    assert opening(env, email, OTHER_PASSWORD, PASSWORD) == [PASSWORD]


def test_the_network_of_an_earlier_sign_up_proves_nothing_about_a_later_one(
    env: AccountsEnv, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note of the later sign-up was lost, and that of the earlier one stayed."""
    waiting = register(env, email)
    env.accounts.cognito.delete(waiting.user.user_id)

    def fail(*_: object) -> None:
        raise UnavailableError("The tables did not respond.")

    with monkeypatch.context() as patch:
        patch.setattr("chalicelib.accounts.sign_ups.note_network", fail)
        register(env, email, OTHER_PASSWORD, OTHER_NETWORK)

    assert confirm(env, email).password_required
    assert opening(env, email, OTHER_PASSWORD) == []


@pytest.mark.sampled(6)
@pytest.mark.parametrize("call", range(CALLS_OF_CONFIRMING[None]))
@pytest.mark.parametrize("retried_with", [None, PASSWORD])
def test_a_crash_while_the_password_of_another_is_replaced_lets_nobody_in(
    env: AccountsEnv, email: str, call: int, retried_with: str | None
) -> None:
    register(env, email, OTHER_PASSWORD, OTHER_NETWORK)
    with env.aws.dying("after", call):
        confirm(env, email)
    env.end_locks()

    assert opening(env, email, OTHER_PASSWORD) == []
    assert confirm(env, email, retried_with).password_required == (retried_with is None)
    if retried_with is None:
        assert opening(env, email, OTHER_PASSWORD) == []
        reset(env, email, PASSWORD)
    assert opening(env, email, OTHER_PASSWORD, PASSWORD) == [PASSWORD]


@pytest.mark.parametrize("before", ["confirm", "set_password", "sign_out_everywhere"])
def test_a_sign_in_of_another_person_between_any_two_steps_gets_nothing_that_lasts(
    env: AccountsEnv, email: str, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(env, email, OTHER_PASSWORD, OTHER_NETWORK)
    original, let_in = getattr(Cognito, before), []

    def act_meanwhile(pool: Cognito, *words: str) -> None:
        let_in.append(opening(env, email, OTHER_PASSWORD))
        original(pool, *words)
        let_in.append(opening(env, email, OTHER_PASSWORD))

    monkeypatch.setattr(Cognito, before, act_meanwhile)

    assert confirm(env, email).password_required
    assert let_in == [[], []]
    assert opening(env, email, OTHER_PASSWORD) == []


def test_a_password_set_with_another_code_meanwhile_can_be_set_again(
    env: AccountsEnv, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(env, email, OTHER_PASSWORD, OTHER_NETWORK)
    set_password_at_pool = Cognito.set_password

    def set_later(pool: Cognito, *words: str) -> None:
        monkeypatch.setattr(Cognito, "set_password", set_password_at_pool)
        reset(env, email, PASSWORD)
        set_password_at_pool(pool, *words)

    monkeypatch.setattr(Cognito, "set_password", set_later)
    assert confirm(env, email).password_required

    assert opening(env, email, OTHER_PASSWORD) == []
    reset(env, email, PASSWORD)
    assert opening(env, email, OTHER_PASSWORD, PASSWORD) == [PASSWORD]


@pytest.mark.parametrize(
    "sign_ups",
    [(OTHER_PASSWORD,), (OTHER_PASSWORD, PASSWORD), (PASSWORD, OTHER_PASSWORD),
     (PASSWORD, OTHER_PASSWORD, OTHER_PASSWORD + "!"), (OTHER_PASSWORD, PASSWORD, OTHER_PASSWORD)],
)  # fmt: skip
def test_no_password_set_before_opens_an_account_that_is_confirmed_with_one(
    env: AccountsEnv, email: str, sign_ups: tuple[str, ...]
) -> None:
    """In whatever order others sign up."""
    for password in sign_ups:
        register(env, email, password)

    confirm(env, email, PASSWORD + "?")

    assert opening(env, email, *sign_ups, PASSWORD + "?") == [PASSWORD + "?"]


@pytest.mark.parametrize("sign_ups", [(OTHER_PASSWORD, PASSWORD), (PASSWORD, OTHER_PASSWORD)])
def test_an_address_registered_twice_is_opened_only_by_a_password_with_a_code(
    env: AccountsEnv, email: str, sign_ups: tuple[str, ...]
) -> None:
    for password in sign_ups:
        register(env, email, password)

    for _ in range(2):
        assert confirm(env, email).password_required
        assert opening(env, email, *sign_ups) == []
    with pytest.raises(InvalidRequestError) as refused:  # Not with another code than the one that was used.
        confirm(env, email, OTHER_PASSWORD, code="000000")
    assert refused.value.details == {"field": "code"}

    assert confirm(env, email, PASSWORD + "?").free_credits == 200
    assert opening(env, email, *sign_ups, PASSWORD + "?") == [PASSWORD + "?"]


def test_a_forgotten_password_opens_an_address_that_was_registered_twice(env: AccountsEnv, email: str) -> None:
    register(env, email)
    register(env, email, OTHER_PASSWORD)
    assert confirm(env, email).password_required

    reset(env, email, PASSWORD + "?")

    assert opening(env, email, PASSWORD, OTHER_PASSWORD, PASSWORD + "?") == [PASSWORD + "?"]


@pytest.mark.parametrize("call", range(CALLS_OF_CONFIRMING[PASSWORD]))
def test_a_crash_while_the_password_is_set_lets_nobody_in_and_is_completed(
    env: AccountsEnv, email: str, call: int
) -> None:
    register(env, email, OTHER_PASSWORD)
    with env.aws.dying("after", call):
        confirm(env, email, PASSWORD)
    env.end_locks()

    assert opening(env, email, OTHER_PASSWORD) == []
    with suppress(InvalidRequestError):  # Or it was complete: the code is used up.
        confirm(env, email, PASSWORD)
    assert opening(env, email, OTHER_PASSWORD, PASSWORD) == [PASSWORD]


@pytest.mark.parametrize("password", [PASSWORD, None])
def test_the_crashes_above_reach_every_call_until_the_password_is_set(
    env: AccountsEnv, email: str, password: str | None
) -> None:
    register(env, email, OTHER_PASSWORD, OTHER_NETWORK)
    env.aws.calls = 0
    env.accounts.sign_ups.confirm(email, CODE, password or "", NETWORK)

    assert env.aws.calls == CALLS_OF_CONFIRMING[password]


@pytest.mark.parametrize("failing", ["set_password", "confirm", "sign_out_everywhere", "person"])
def test_a_failure_of_the_pool_lets_nobody_in_and_a_retry_completes(
    env: AccountsEnv, email: str, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(env, email, OTHER_PASSWORD)

    def fail(*_: str) -> None:
        raise UnavailableError("The sign-in service did not respond.")

    with monkeypatch.context() as patch:
        patch.setattr(Cognito, failing, fail)
        with suppress(UnavailableError):
            confirm(env, email, PASSWORD)

    assert opening(env, email, OTHER_PASSWORD) == []
    with suppress(InvalidRequestError):
        confirm(env, email, PASSWORD)
    assert opening(env, email, OTHER_PASSWORD, PASSWORD) == [PASSWORD]


@pytest.mark.parametrize("failure", [invalid_code_error(), RateLimitedError("Wait.", retry_after_seconds=30)])
@pytest.mark.parametrize("sign_ups", [1, 2])
def test_a_code_whose_answer_was_lost_lets_nobody_in_and_is_completed(
    env: AccountsEnv, email: str, failure: AppError, sign_ups: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(sign_ups):
        register(env, email, OTHER_PASSWORD)
    confirm_at_pool = Cognito.confirm

    def confirm_and_send_again(pool: Cognito, *words: str) -> None:
        confirm_at_pool(pool, *words)
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(Cognito, "confirm", confirm_and_send_again)
        with pytest.raises(UnavailableError):
            confirm(env, email, PASSWORD)

    assert opening(env, email, OTHER_PASSWORD) == []
    assert confirm(env, email, PASSWORD).free_credits == 200
    assert opening(env, email, OTHER_PASSWORD, PASSWORD) == [PASSWORD]


def test_a_sign_in_between_the_code_and_the_password_gets_nothing_that_lasts(
    env: AccountsEnv, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(env, email, OTHER_PASSWORD)
    set_password_at_pool, refused, signed_in = Cognito.set_password, [], []

    def set_slowly(pool: Cognito, *words: str) -> None:
        refused.append(opening(env, email, OTHER_PASSWORD))
        signed_in.append(pool.sign_in(email, OTHER_PASSWORD))  # as a login that reads the tables only later
        set_password_at_pool(pool, *words)

    monkeypatch.setattr(Cognito, "set_password", set_slowly)
    confirm(env, email, PASSWORD)

    assert refused == [[]]
    caller = env.accounts.verifier.caller(signed_in[0].id_token)
    with pytest.raises(UnauthenticatedError):
        env.accounts.user(caller)
    with pytest.raises(AppError):
        env.accounts.refresh(contract.Refresh(refresh_token=signed_in[0].refresh_token))
    assert opening(env, email, OTHER_PASSWORD, PASSWORD) == [PASSWORD]


@pytest.mark.parametrize("password", [None, OTHER_PASSWORD])
def test_a_wrong_code_changes_nothing(env: AccountsEnv, email: str, password: str | None) -> None:
    register(env, email)
    for _ in range(2):
        with pytest.raises(InvalidRequestError) as refused:
            env.accounts.confirm(contract.Confirm(email=email, code="000000", password=password))
        assert refused.value.details == {"field": "code"}

    assert confirm(env, email).confirmed
    with pytest.raises(InvalidRequestError):
        env.accounts.confirm(contract.Confirm(email=email, code="000000", password=OTHER_PASSWORD))
    assert opening(env, email, PASSWORD, OTHER_PASSWORD) == [PASSWORD]


def test_a_confirmed_address_cannot_be_taken_over(env: AccountsEnv, email: str) -> None:
    register(env, email)
    confirm(env, email)

    with pytest.raises(EmailTakenError):
        register(env, email, OTHER_PASSWORD)
    with pytest.raises(InvalidRequestError):
        confirm(env, email, OTHER_PASSWORD)

    assert can_sign_in(env, email, PASSWORD)
    assert not can_sign_in(env, email, OTHER_PASSWORD)


def test_an_address_is_not_replaced_while_it_is_being_confirmed(
    env: AccountsEnv, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(env, email)
    confirm_at_pool, refusals = Cognito.confirm, []

    def confirm_slowly(pool: Cognito, *words: str) -> None:
        for again in (lambda: register(env, email, OTHER_PASSWORD), lambda: confirm(env, email)):
            with pytest.raises(UnavailableError) as refused:
                again()
            refusals.append(refused.value)
        confirm_at_pool(pool, *words)

    monkeypatch.setattr(Cognito, "confirm", confirm_slowly)

    assert confirm(env, email).free_credits == 200
    assert len(refusals) == 2
    assert can_sign_in(env, email, PASSWORD)


def test_a_lock_is_exclusive_and_ends_by_itself(backend: Backend) -> None:
    tables, now = backend.tables, backend.clock()

    assert lock_sign_up(tables, "a", "first", now)
    assert not lock_sign_up(tables, "a", "second", now + LOCK_SECONDS - 1)
    assert lock_sign_up(tables, "a", "first", now)  # The answer was lost, and the write is sent again.
    assert not lock_sign_up(tables, "a", "second", now + LOCK_SECONDS - 1)
    assert lock_sign_up(tables, "b", "second", now)
    unlock_sign_up(tables, "a", "second")
    assert not lock_sign_up(tables, "a", "second", now)
    assert lock_sign_up(tables, "a", "second", now + LOCK_SECONDS)
    unlock_sign_up(tables, "a", "first")
    assert not lock_sign_up(tables, "a", "third", now + LOCK_SECONDS)
    unlock_sign_up(tables, "a", "second")
    assert lock_sign_up(tables, "a", "third", now)


# Accounts of the administrator, on stages without verification


@pytest.mark.parametrize("groups", [(), ("admins",), ("admins", "testers")])
@pytest.mark.parametrize("temporary", [{}, {"TemporaryPassword": "sent to the invited person"}])
def test_an_invited_user_is_not_taken_over(
    quiet_env: AccountsEnv, email: str, groups: tuple[str, ...], temporary: dict[str, str]
) -> None:
    pool, pool_id = quiet_env.accounts.cognito._client, quiet_env.accounts.cognito._pool
    pool.admin_create_user(UserPoolId=pool_id, Username=email, MessageAction="SUPPRESS", **temporary)
    join(quiet_env, email, groups)

    for env in (quiet_env, quiet_env.with_verification()):
        with pytest.raises(EmailTakenError):
            register(env, email)

    assert pool.admin_get_user(UserPoolId=pool_id, Username=email)["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    assert not can_sign_in(quiet_env, email, PASSWORD)


@pytest.mark.parametrize("is_waiting", [False, True])
def test_an_unfinished_sign_up_with_a_group_is_not_taken_over(
    quiet_env: AccountsEnv, email: str, is_waiting: bool
) -> None:
    """It was finished by an administrator, who may have given it to somebody."""
    if is_waiting:
        register(quiet_env.with_verification(), email)
    else:
        with quiet_env.aws.dying("after", USER_CREATED):
            register(quiet_env, email)
        quiet_env.end_locks()
    join(quiet_env, email, ("admins",))

    with pytest.raises(EmailTakenError):
        register(quiet_env, email, OTHER_PASSWORD)

    assert not can_sign_in(quiet_env, email, OTHER_PASSWORD)


@pytest.mark.parametrize("is_waiting", [False, True])
def test_an_unfinished_sign_up_is_finished_by_the_next(quiet_env: AccountsEnv, email: str, is_waiting: bool) -> None:
    if is_waiting:
        register(quiet_env.with_verification(), email, OTHER_PASSWORD)
    else:
        with quiet_env.aws.dying("after", USER_CREATED):
            register(quiet_env, email, OTHER_PASSWORD)
        quiet_env.end_locks()

    register(quiet_env, email)

    assert opening(quiet_env, email, OTHER_PASSWORD, PASSWORD) == [PASSWORD]


@pytest.mark.parametrize("call", ["create_user", "set_password"])
def test_of_two_sign_ups_at_once_only_the_one_that_is_answered_opens_the_account(
    quiet_env: AccountsEnv, email: str, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The second one runs before a call of the first."""
    answered: list[str] = []
    original = getattr(Cognito, call)

    def sign_up(password: str) -> None:
        with suppress(UnavailableError, EmailTakenError):
            register(quiet_env, email, password)
            answered.append(password)

    def act_meanwhile(*values: str) -> str | None:
        monkeypatch.setattr(Cognito, call, original)
        sign_up(OTHER_PASSWORD)
        return original(*values)

    monkeypatch.setattr(Cognito, call, act_meanwhile)
    sign_up(PASSWORD)

    assert answered == [PASSWORD]
    assert opening(quiet_env, email, OTHER_PASSWORD, PASSWORD) == answered


# Answers that reveal nothing


def test_confirming_answers_a_confirmed_address_as_nobody(env: AccountsEnv, email: str) -> None:
    register(env, email)
    confirm(env, email)
    register(env, "waiting-" + email)
    answers = []
    for address, code in ((email, CODE), (email, "000000"), ("nobody-" + email, CODE), ("waiting-" + email, "000000")):
        with pytest.raises(AppError) as refused:
            env.accounts.confirm(contract.Confirm(email=address, code=code))
        answers.append((refused.value.code, refused.value.message, refused.value.details))

    assert set(map(str, answers)) == {str(answers[0])}
    assert answers[0][2] == {"field": "code"}


def test_an_empty_mail_quota_is_503_for_every_address(
    env: AccountsEnv, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(env, email)
    confirm(env, email)
    register(env, "waiting-" + email)

    def used_up(*_: str) -> None:
        raise MailQuotaError

    with monkeypatch.context() as patch:
        for name in ("resend_code", "send_reset_code", "sign_up"):
            patch.setattr(Cognito, name, used_up)
        with pytest.raises(MailQuotaError):
            register(env, "new-" + email)
    with monkeypatch.context() as patch:  # The pool still pretends to mail to those without an account.
        for name in ("resend_code", "send_reset_code"):
            patch.setattr(Cognito, name, lambda _, address: None if email == address else used_up())
        patch.setattr(Cognito, "sign_up", used_up)
        for address in ("nobody-" + email, "nobody2-" + email):
            with pytest.raises(MailQuotaError):
                env.accounts.forgot_password(contract.ForgotPassword(email=address))
            with pytest.raises(MailQuotaError):
                env.accounts.resend_code(contract.ResendCode(email=address))
    assert env.accounts.forgot_password(contract.ForgotPassword(email=email)).sent  # A real mail: the quota is back.
    for address in ("nobody-" + email, email, "waiting-" + email):
        assert env.accounts.forgot_password(contract.ForgotPassword(email=address)).sent
        assert env.accounts.resend_code(contract.ResendCode(email=address)).sent


@pytest.mark.parametrize("earlier", [1, 2])
def test_a_sign_up_without_mails_keeps_the_one_that_waits(env: AccountsEnv, email: str, earlier: int) -> None:
    for _ in range(earlier):
        waiting = register(env, email, OTHER_PASSWORD)
    tables, now = env.accounts.tables, env.accounts.now()
    mark_mail_quota(tables, is_empty=True, at=now)
    try:
        for password in (PASSWORD, OTHER_PASSWORD):
            with pytest.raises(MailQuotaError):
                register(env, email, password)
        assert env.accounts.cognito.person(email).user_id == waiting.user.user_id
        register(env, "new-" + email)  # A real mail: the quota is back.
        assert not is_mail_quota_empty(tables, now)
    finally:
        mark_mail_quota(tables, is_empty=False, at=now)

    assert confirm(env, email, PASSWORD).confirmed
    assert opening(env, email, OTHER_PASSWORD, PASSWORD) == [PASSWORD]


# Mails


def test_an_address_is_replaced_and_mailed_only_so_often_a_day(
    env: AccountsEnv, ministack: LocalAws, email: str
) -> None:
    for _ in range(1 + REPLACEMENTS_PER_DAY):
        register(env, email, OTHER_PASSWORD)
    waiting = env.accounts.cognito.person(email)

    for _ in range(2):
        with pytest.raises(RateLimitedError) as refused:
            register(env, email)
        seconds = refused.value.details["retry_after_seconds"]
        assert isinstance(seconds, int)
        assert 1 <= seconds <= 86_400
    assert register(env, "other-" + email).confirmation_required

    assert len([mail for mail in mails_to(ministack, email) if mail["To"] == [email]]) == 1 + REPLACEMENTS_PER_DAY
    assert env.accounts.cognito.person(email) == waiting
    assert confirm(env, email, PASSWORD).confirmed  # The owner of the mailbox needs no sign-up of their own.
    assert opening(env, email, OTHER_PASSWORD, PASSWORD) == [PASSWORD]


def test_a_stage_without_verification_mails_nothing_at_a_sign_up(
    quiet_env: AccountsEnv, ministack: LocalAws, email: str
) -> None:
    register(quiet_env, email)
    quiet_env.accounts.login(contract.Login(email=email, password=PASSWORD))

    assert mails_to(ministack, email) == []


def test_a_mail_names_the_product_and_says_what_to_do_if_it_was_not_you(
    env: AccountsEnv, ministack: LocalAws, email: str
) -> None:
    register(env, email)
    confirm(env, email)
    env.accounts.forgot_password(contract.ForgotPassword(email=email))

    mails = mails_to(ministack, email)

    assert len(mails) == 2
    for mail, code in zip(mails, (CODE, "654321"), strict=True):
        text = mail["BodyText"] or mail["BodyHtml"]
        assert mail["Subject"] == "Your code for Live Transcription"
        assert code in text
        assert "Live Transcription" in text
        assert "Not you?" in text
        assert len(text) < 600


# Passwords


@pytest.mark.parametrize(
    "password",
    [" correct horse battery", "correct horse battery ", "\tcorrect horse", "correct\nhorse battery",
     "correct horse\u2028battery", "correct horse\x85battery", "correct horse\r", " " * 12],
)  # fmt: skip
def test_a_password_that_the_pool_refuses_names_its_field(password: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        check_password(password)

    assert refused.value.details == {"field": "password"}


@pytest.mark.parametrize(
    "password", ["correct horse battery", "ten chars!", "p\u00e4ssw\u00f6rter", "\U0001f50b" * 12, "\xa0" * 10]
)
def test_any_other_password_is_the_pools_to_judge(password: str) -> None:
    check_password(password)


def test_a_refused_password_uses_no_code(env: AccountsEnv, email: str) -> None:
    register(env, email)
    for act in (
        lambda: confirm(env, email, PASSWORD + " "),
        lambda: register(env, "other-" + email, PASSWORD + "\n"),
        lambda: env.accounts.reset_password(contract.ResetPassword(email=email, code=CODE, password=" " + PASSWORD)),
    ):
        with pytest.raises(InvalidRequestError) as refused:
            act()
        assert refused.value.details == {"field": "password"}

    assert confirm(env, email).confirmed
    with pytest.raises(InvalidCredentialsError):
        env.accounts.login(contract.Login(email="other-" + email, password=PASSWORD))


def test_an_address_that_waits_is_not_signed_in(env: AccountsEnv, email: str) -> None:
    register(env, email)

    with pytest.raises(EmailUnverifiedError):
        env.accounts.login(contract.Login(email=email, password=PASSWORD))
