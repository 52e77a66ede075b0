"""A crash anywhere while an account is created: the next sign-in completes it, with its credits once."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from threading import Lock
from typing import Any

import pytest
from msgspec import structs

from chalicelib import contract
from chalicelib.accounts.email_address import canonical_email, normalise_email, normalise_new_email
from chalicelib.accounts.free_credits import ALREADY_GRANTED, FreeCreditRules
from chalicelib.accounts.service import EVEN_SECONDS
from chalicelib.errors import (
    EmailTakenError,
    EmailUnverifiedError,
    InvalidCredentialsError,
    InvalidRequestError,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
)
from chalicelib.models.accounts import Caller
from chalicelib.providers.cognito import Cognito
from chalicelib.repositories.profiles import profile_from, profile_key
from scripts.local.aws import LocalAws
from tests.accounts.accounts_env import PASSWORD, AccountsEnv, at_once, open_accounts_env

CODE = "123456"  # The emulator sends the same code to every user.
REGISTER_CALLS, CONFIRM_CALLS = 10, 11
NETWORK = "198.51.100.7"
PASSWORD_SET = 2  # the call of a registration, after the lock and the account; then the lock ends
CODE_SENT = 4  # the call that confirms, after the lock, and reading who signed up and where
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def accounts_env(ministack: LocalAws) -> Iterator[AccountsEnv]:
    with open_accounts_env(ministack) as created:
        yield created


@pytest.fixture
def email() -> str:
    return f"crash{next(_numbers)}@example.com"


# Crashes


def test_the_crashes_below_reach_every_aws_call(accounts_env: AccountsEnv, email: str) -> None:
    accounts_env.aws.calls = 0
    accounts_env.accounts.register(contract.Register(email=email, password=PASSWORD))
    registering, accounts_env.aws.calls = accounts_env.aws.calls, 0
    waiting = "waiting-" + email
    accounts = accounts_env.with_verification().accounts
    accounts.register(contract.Register(email=waiting, password=PASSWORD), NETWORK)
    accounts_env.aws.calls = 0
    accounts.confirm(contract.Confirm(email=waiting, code=CODE), NETWORK)

    assert (registering, accounts_env.aws.calls) == (REGISTER_CALLS, CONFIRM_CALLS)


@pytest.mark.parametrize("call", range(REGISTER_CALLS))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_next_sign_in_completes_a_registration_that_crashed(
    accounts_env: AccountsEnv, email: str, moment: str, call: int
) -> None:
    body = contract.Register(email=email, password=PASSWORD, name="Ada")
    with accounts_env.aws.dying(moment, call):
        accounts_env.accounts.register(body)

    accounts_env.end_locks()
    if call < PASSWORD_SET or (moment, call) == (
        "before",
        PASSWORD_SET,
    ):  # There is no password yet: the user registers again.
        with pytest.raises(InvalidCredentialsError):
            accounts_env.accounts.login(contract.Login(email=email, password=PASSWORD))
        accounts_env.accounts.register(body)
    else:
        with pytest.raises(EmailTakenError):
            accounts_env.accounts.register(body)

    accounts_env.check_whole(accounts_env.accounts.login(contract.Login(email=email, password=PASSWORD)), email)


@pytest.mark.parametrize("call", range(CONFIRM_CALLS))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_next_sign_in_completes_a_confirmation_that_crashed(
    accounts_env: AccountsEnv, email: str, moment: str, call: int
) -> None:
    accounts_env = accounts_env.with_verification()
    accounts_env.accounts.register(contract.Register(email=email, password=PASSWORD, name="Ada"), NETWORK)
    confirm = contract.Confirm(email=email, code=CODE)
    with accounts_env.aws.dying(moment, call):
        accounts_env.accounts.confirm(confirm, NETWORK)

    accounts_env.end_locks()
    if call < CODE_SENT or (moment, call) == ("before", CODE_SENT):
        with pytest.raises(EmailUnverifiedError):
            accounts_env.accounts.login(contract.Login(email=email, password=PASSWORD))
        accounts_env.accounts.confirm(confirm, NETWORK)
    else:
        with pytest.raises(InvalidRequestError):
            accounts_env.accounts.confirm(confirm, NETWORK)

    accounts_env.check_whole(accounts_env.accounts.login(contract.Login(email=email, password=PASSWORD)), email)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", range(7))  # sign in, read, guard, network, budget, grant, read
def test_a_crash_while_a_sign_in_completes_an_account_is_completed_too(
    accounts_env: AccountsEnv, email: str, moment: str, call: int
) -> None:
    with accounts_env.aws.dying("after", PASSWORD_SET):  # confirmed and verified, without a profile
        accounts_env.accounts.register(contract.Register(email=email, password=PASSWORD))
    with accounts_env.aws.dying(moment, call):
        accounts_env.accounts.login(contract.Login(email=email, password=PASSWORD))

    accounts_env.check_whole(accounts_env.accounts.login(contract.Login(email=email, password=PASSWORD)), email)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", [4, 5])  # the guard; the account without credits
def test_a_second_account_whose_registration_crashed_gets_no_credits(
    accounts_env: AccountsEnv, email: str, moment: str, call: int
) -> None:
    accounts_env.accounts.register(contract.Register(email=email, password=PASSWORD))
    second = email.replace("@", "+second@")
    with accounts_env.aws.dying(moment, call):
        accounts_env.accounts.register(contract.Register(email=second, password=PASSWORD))

    accounts_env.check_whole(
        accounts_env.accounts.login(contract.Login(email=second, password=PASSWORD)), second, credits=0
    )


def test_a_user_can_sign_in_again_after_a_crashed_sign_out(accounts_env: AccountsEnv, email: str) -> None:
    registered = accounts_env.accounts.register(contract.Register(email=email, password=PASSWORD))
    caller = accounts_env.accounts.verifier.caller(str(registered.token))
    with accounts_env.aws.dying("after", 1):  # Cognito has signed out, the ledger has not
        accounts_env.accounts.logout(caller)

    accounts_env.accounts.logout(caller)
    accounts_env.check_whole(accounts_env.accounts.login(contract.Login(email=email, password=PASSWORD)), email)


def test_a_user_whom_the_pool_deleted_can_be_signed_out(accounts_env: AccountsEnv, email: str) -> None:
    """An operator may delete users in the console: their ID tokens stay valid for an hour."""
    caller = register(accounts_env, email)
    accounts_env.accounts.cognito.delete(caller.user_id)

    assert accounts_env.accounts.logout(caller).signed_out

    with pytest.raises(UnauthenticatedError):
        accounts_env.accounts.user(caller)


# Password reset, rename and deletion

RESET_CODE, OTHER_PASSWORD = "654321", "another horse battery"


def register(accounts_env: AccountsEnv, email: str) -> Caller:
    return accounts_env.accounts.verifier.caller(
        str(accounts_env.accounts.register(contract.Register(email=email, password=PASSWORD)).token)
    )


def test_a_new_password_ends_every_earlier_sign_in(accounts_env: AccountsEnv, email: str) -> None:
    before = accounts_env.accounts.register(contract.Register(email=email, password=PASSWORD))
    accounts_env.accounts.forgot_password(contract.ForgotPassword(email=email.upper()))

    response = accounts_env.accounts.reset_password(
        contract.ResetPassword(email=email, code=RESET_CODE, password=OTHER_PASSWORD)
    )

    assert response.reset
    with pytest.raises(UnauthenticatedError):
        accounts_env.accounts.user(accounts_env.accounts.verifier.caller(str(before.token)))
    with pytest.raises((UnauthenticatedError, InvalidCredentialsError)):
        accounts_env.accounts.refresh(contract.Refresh(refresh_token=str(before.refresh_token)))
    with pytest.raises(InvalidCredentialsError):
        accounts_env.accounts.login(contract.Login(email=email, password=PASSWORD))
    assert accounts_env.accounts.login(contract.Login(email=email, password=OTHER_PASSWORD)).user.email == email


@pytest.mark.parametrize("is_there", [True, False])
def test_a_wrong_code_gets_the_same_error_whether_or_not_the_account_exists(
    accounts_env: AccountsEnv, email: str, is_there: bool
) -> None:
    if is_there:
        register(accounts_env, email)
        accounts_env.accounts.forgot_password(contract.ForgotPassword(email=email))

    with pytest.raises(InvalidRequestError) as refused:
        accounts_env.accounts.reset_password(
            contract.ResetPassword(email=email, code="000000", password=OTHER_PASSWORD)
        )

    assert refused.value.details == {"field": "code"}
    assert refused.value.message == "The code is wrong, has expired or was used. Sign in, or request a new one."


@pytest.mark.parametrize("took_seconds", [0.0, 0.3, 1.4, 9.0])
def test_requesting_a_code_takes_the_same_time_however_fast_the_pool_is(
    accounts_env: AccountsEnv, email: str, took_seconds: float
) -> None:
    waited: list[float] = []
    moments = iter((100.0, 100.0 + took_seconds))
    even = replace(accounts_env.accounts, elapsed=lambda: next(moments), pause=waited.append)

    assert even.forgot_password(contract.ForgotPassword(email=email)).sent

    assert waited == [pytest.approx(max(0.0, EVEN_SECONDS - took_seconds))]


def test_a_code_is_used_once(accounts_env: AccountsEnv, email: str) -> None:
    register(accounts_env, email)
    accounts_env.accounts.forgot_password(contract.ForgotPassword(email=email))
    body = contract.ResetPassword(email=email, code=RESET_CODE, password=OTHER_PASSWORD)
    accounts_env.accounts.reset_password(body)

    with pytest.raises(InvalidRequestError):
        accounts_env.accounts.reset_password(body)


CODE_USED = 2  # the call that sets the password, after reading the user and writing the note


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", range(6))  # read user, note, code, sign-out here, clear note, at Cognito
def test_the_next_sign_in_completes_a_password_reset_that_crashed(
    accounts_env: AccountsEnv, email: str, moment: str, call: int
) -> None:
    caller = register(accounts_env, email)
    earlier = structs.replace(caller, auth_time_at=caller.auth_time_at - 1)  # Tokens have whole seconds only.
    accounts_env.accounts.forgot_password(contract.ForgotPassword(email=email))
    with accounts_env.aws.dying(moment, call):
        accounts_env.accounts.reset_password(
            contract.ResetPassword(email=email, code=RESET_CODE, password=OTHER_PASSWORD)
        )

    is_changed = call > CODE_USED or (moment, call) == ("after", CODE_USED)
    good, bad = (OTHER_PASSWORD, PASSWORD) if is_changed else (PASSWORD, OTHER_PASSWORD)
    with pytest.raises(InvalidCredentialsError):
        accounts_env.accounts.login(contract.Login(email=email, password=bad))
    signed_in = accounts_env.accounts.login(contract.Login(email=email, password=good))

    assert signed_in.user.email == email
    assert accounts_env.accounts.user(accounts_env.accounts.verifier.caller(signed_in.token)).email == email
    if is_changed:
        with pytest.raises(UnauthenticatedError):
            accounts_env.accounts.user(earlier)
    assert not has_new_password_note(accounts_env, caller)


@pytest.mark.parametrize("code", [RESET_CODE, "000000"])
def test_a_retried_reset_still_ends_the_earlier_sign_ins(accounts_env: AccountsEnv, email: str, code: str) -> None:
    """The first attempt used the code, so the second is refused, from the owner as from an attacker."""
    caller = register(accounts_env, email)
    earlier = structs.replace(caller, auth_time_at=caller.auth_time_at - 1)
    accounts_env.accounts.forgot_password(contract.ForgotPassword(email=email))
    with accounts_env.aws.dying("after", CODE_USED):
        accounts_env.accounts.reset_password(
            contract.ResetPassword(email=email, code=RESET_CODE, password=OTHER_PASSWORD)
        )

    with pytest.raises(InvalidRequestError):
        accounts_env.accounts.reset_password(contract.ResetPassword(email=email, code=code, password=OTHER_PASSWORD))
    accounts_env.accounts.login(contract.Login(email=email, password=OTHER_PASSWORD))

    with pytest.raises(UnauthenticatedError):
        accounts_env.accounts.user(earlier)
    assert not has_new_password_note(accounts_env, caller)


@pytest.mark.parametrize("word", ["code", "password"])
def test_guessing_a_code_signs_no_user_out(accounts_env: AccountsEnv, email: str, word: str) -> None:
    caller = register(accounts_env, email)
    earlier = structs.replace(caller, auth_time_at=caller.auth_time_at - 1)
    accounts_env.accounts.forgot_password(contract.ForgotPassword(email=email))
    body = contract.ResetPassword(email=email, code=RESET_CODE, password=OTHER_PASSWORD)
    setattr(body, word, {"code": "000000", "password": "weak"}[word])  # so weak that only the pool refuses it here

    with pytest.raises(InvalidRequestError):
        accounts_env.accounts.reset_password(body)
    accounts_env.accounts.login(contract.Login(email=email, password=PASSWORD))

    assert accounts_env.accounts.user(earlier).email == email
    assert not has_new_password_note(accounts_env, caller)


def test_guessing_until_the_pool_refuses_signs_no_user_out(
    accounts_env: AccountsEnv, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = register(accounts_env, email)
    earlier = structs.replace(caller, auth_time_at=caller.auth_time_at - 1)
    monkeypatch.setattr(Cognito, "reset_password", raise_rate_limited)

    with pytest.raises(RateLimitedError):
        accounts_env.accounts.reset_password(
            contract.ResetPassword(email=email, code="000000", password=OTHER_PASSWORD)
        )
    accounts_env.accounts.login(contract.Login(email=email, password=PASSWORD))

    assert accounts_env.accounts.user(earlier).email == email


def raise_rate_limited(*_: object) -> None:
    raise RateLimitedError("Too many attempts: wait a little.", retry_after_seconds=30)


def has_new_password_note(accounts_env: AccountsEnv, caller: Caller) -> bool:
    found = profile_from(caller.user_id, accounts_env.accounts.tables.get(profile_key(caller.user_id)))
    assert found is not None
    return found.has_new_password


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", range(3))
def test_a_crashed_rename_can_be_retried(accounts_env: AccountsEnv, email: str, moment: str, call: int) -> None:
    caller = register(accounts_env, email)
    with accounts_env.aws.dying(moment, call):
        accounts_env.accounts.rename(caller, contract.UpdateUser(name="Ada L."))

    assert accounts_env.accounts.rename(caller, contract.UpdateUser(name="Ada L.")).name == "Ada L."
    assert accounts_env.accounts.user(caller).name == "Ada L."
    assert accounts_env.accounts.cognito.person(email).name == "Ada L."
    assert accounts_env.accounts.rename(caller, contract.UpdateUser(name="")).name == ""


def test_registering_again_after_a_deletion_makes_a_new_user_without_credits(
    accounts_env: AccountsEnv, email: str
) -> None:
    caller = register(accounts_env, email)
    accounts_env.accounts.ledger.close(caller, at=accounts_env.accounts.now())
    accounts_env.accounts.cognito.delete(caller.user_id)
    accounts_env.accounts.cognito.delete(caller.user_id)

    with pytest.raises(InvalidCredentialsError):
        accounts_env.accounts.login(contract.Login(email=email, password=PASSWORD))
    back = accounts_env.accounts.register(contract.Register(email=email, password=PASSWORD))

    assert back.user.user_id != caller.user_id
    assert (back.free_credits, back.free_credits_reason) == (0, ALREADY_GRANTED)
    accounts_env.check_whole(
        accounts_env.accounts.login(contract.Login(email=email, password=PASSWORD)), email, credits=0
    )


def test_a_concurrent_sign_in_does_not_restore_a_deleted_account(accounts_env: AccountsEnv, email: str) -> None:
    """It was read before it was deleted, and had no profile yet."""
    with accounts_env.aws.dying("after", PASSWORD_SET):
        accounts_env.accounts.register(contract.Register(email=email, password=PASSWORD))
    caller = accounts_env.accounts.verifier.caller(accounts_env.accounts.cognito.sign_in(email, PASSWORD).id_token)
    accounts_env.accounts.ledger.close(caller, at=accounts_env.accounts.now())

    with pytest.raises(UnauthenticatedError):
        accounts_env.accounts.free_credits.open_account(caller.user_id, email, "", "")

    assert accounts_env.accounts.tables.get(profile_key(caller.user_id)) is None
    assert accounts_env.books.entries(caller.user_id) == []


# Concurrency


def test_concurrent_sign_ins_grant_missing_credits_once(accounts_env: AccountsEnv, email: str) -> None:
    with accounts_env.aws.dying("after", PASSWORD_SET):
        accounts_env.accounts.register(contract.Register(email=email, password=PASSWORD))

    responses = at_once(6, lambda: accounts_env.accounts.login(contract.Login(email=email, password=PASSWORD)))

    assert len({str(response.user) for response in responses}) == 1
    accounts_env.check_whole(responses[0], email)


def test_one_person_registering_two_addresses_at_once_gets_the_credits_once(
    accounts_env: AccountsEnv, email: str
) -> None:
    addresses = [email, *(email.replace("@", f"+{tag}@") for tag in "abc")]
    waiting = iter(addresses)

    responses = at_once(
        4, lambda: accounts_env.accounts.register(contract.Register(email=next(waiting), password=PASSWORD))
    )

    assert sorted(response.free_credits for response in responses) == [0, 0, 0, 200]
    for response in responses:
        accounts_env.books.check_invariants(response.user.user_id)


def test_the_same_registration_at_once_makes_one_account(
    accounts_env: AccountsEnv, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account itself is made one at a time: the emulator reads, then writes; a real pool does both at once."""
    alone, create_user = Lock(), Cognito.create_user

    def create_user_alone(*words: Any) -> str:
        with alone:
            return create_user(*words)

    monkeypatch.setattr(Cognito, "create_user", create_user_alone)

    def register() -> str:
        try:
            return accounts_env.accounts.register(contract.Register(email=email, password=PASSWORD)).user.user_id
        except (EmailTakenError, UnavailableError):
            return ""

    (created,) = set(at_once(4, register)) - {""}

    accounts_env.books.check_invariants(created)
    accounts_env.check_whole(accounts_env.accounts.login(contract.Login(email=email, password=PASSWORD)), email)


# Spellings of an address


@pytest.mark.parametrize(
    ("spelling", "person"),
    [
        ("Ada@Example.com", "ada@example.com"),
        ("ada+news@example.com", "ada@example.com"),
        ("ada+a+b@example.com", "ada@example.com"),
        ("A.d.a+x@googlemail.com", "ada@gmail.com"),
        ("a.d.a@gmail.com", "ada@gmail.com"),
        ("a.da@example.com", "a.da@example.com"),
        ("ada@example.com.", "ada@example.com"),
        ("+tag@example.com", "+tag@example.com"),
        ("\N{FULLWIDTH LATIN SMALL LETTER A}da@example.com", "ada@example.com"),
    ],
)
def test_all_spellings_of_an_address_belong_to_one_person(spelling: str, person: str) -> None:
    assert canonical_email(spelling) == person
    assert canonical_email(canonical_email(spelling)) == person


def test_an_address_is_stored_in_lower_case_with_its_tag() -> None:
    assert normalise_email(" Ada.L+News@GMail.com ") == "ada.l+news@gmail.com"


@pytest.mark.parametrize(
    "address",
    [
        '"ada"@example.com',
        '"ada lovelace"@example.com',
        "ada(work)@example.com",
        "(work)ada@example.com",
        "ada@[192.0.2.1]",
        "ada@[IPv6:2001:db8::1]",
        "<ada@example.com>",
        "ada@localhost",
        "ada@com",
        "ada@192.0.2.1",
        "ada@example..com",
        "ada@example.com.",
        "ada@example.com\N{IDEOGRAPHIC FULL STOP}",
        "ada@-example.com",
        "ada@example.com(home)",
        ".ada@example.com",
        "ada.@example.com",
        "a..da@example.com",
        "ada,bob@example.com",
        "ada;bob@example.com",
        "ada\\@example.com",
        "ada@example.c",
        "\N{FULLWIDTH QUOTATION MARK}ada\N{FULLWIDTH QUOTATION MARK}@example.com",
    ],
)
def test_addresses_that_no_mail_service_gives_are_refused_at_sign_up(address: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        normalise_new_email(address)

    assert refused.value.details == {"field": "email"}


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com",
        "o'hara_l-1+tag=x!#$%&*/?^`{|}~@sub.example.co.uk",
        "ada@b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example",
        "\N{LATIN SMALL LETTER A WITH ACUTE}da@example.com",
        "ada@xn--p1ai.xn--p1ai",
        "1@2.example",
        "Ada@Example.COM",
    ],
)
def test_ordinary_addresses_are_accepted_at_sign_up(address: str) -> None:
    assert normalise_new_email(address) == normalise_email(address)


def test_registering_refuses_such_an_address_and_signing_in_only_fails(accounts_env: AccountsEnv) -> None:
    with pytest.raises(InvalidRequestError):
        accounts_env.accounts.register(contract.Register(email="ada@localhost", password=PASSWORD))
    with pytest.raises(InvalidCredentialsError):
        accounts_env.accounts.login(contract.Login(email="ada@localhost", password=PASSWORD))


def test_free_credits_can_be_off(accounts_env: AccountsEnv, email: str) -> None:
    accounts = accounts_env.with_rules(FreeCreditRules(free_credits=0)).accounts

    response = accounts.register(contract.Register(email=email, password=PASSWORD))

    assert (response.free_credits, response.user.credits.available) == (0, 0)
    assert response.free_credits_reason
    accounts_env.check_whole(
        accounts_env.accounts.login(contract.Login(email=email, password=PASSWORD)), email, credits=0
    )
