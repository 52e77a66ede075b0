"""A process that dies anywhere while an account is made: the next sign-in finds it whole, with its credits once."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from threading import Lock
from typing import Any

import pytest
from msgspec import structs

from chalicelib import contract
from chalicelib.accounts.email_address import canonical_email, normalise_email
from chalicelib.accounts.free_credits import ALREADY_GRANTED, FreeCreditRules
from chalicelib.accounts.service import EVEN_SECONDS
from chalicelib.errors import (
    EmailTakenError,
    EmailUnverifiedError,
    InvalidCredentialsError,
    InvalidRequestError,
    RateLimitedError,
    UnauthenticatedError,
)
from chalicelib.models.accounts import Caller
from chalicelib.providers.cognito import Cognito
from chalicelib.repositories.profiles import profile_from, profile_key
from scripts.local.aws import LocalAws
from tests.accounts.accounts_env import PASSWORD, AccountsEnv, at_once, opened

CODE = "123456"  # The emulator mails the same code to everybody.
REGISTER_CALLS, CONFIRM_CALLS = 9, 6
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def accounts_env(ministack: LocalAws) -> Iterator[AccountsEnv]:
    with opened(ministack) as made:
        yield made


@pytest.fixture
def email() -> str:
    return f"crash{next(_numbers)}@example.com"


# Crashes


def test_the_crashes_below_reach_every_aws_call(accounts_env: AccountsEnv, email: str) -> None:
    accounts_env.aws.calls = 0
    accounts_env.accounts.register(contract.Register(email, PASSWORD))
    registering, accounts_env.aws.calls = accounts_env.aws.calls, 0
    waiting = "waiting-" + email
    accounts_env.verifying().accounts.register(contract.Register(waiting, PASSWORD))
    accounts_env.aws.calls = 0
    accounts_env.verifying().accounts.confirm(contract.Confirm(waiting, CODE))

    assert (registering, accounts_env.aws.calls) == (REGISTER_CALLS, CONFIRM_CALLS)


@pytest.mark.parametrize("call", range(REGISTER_CALLS))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_registration_that_died_is_made_up_for_at_the_next_sign_in(
    accounts_env: AccountsEnv, email: str, moment: str, call: int
) -> None:
    body = contract.Register(email, PASSWORD, "Ada")
    with accounts_env.aws.dying(moment, call):
        accounts_env.accounts.register(body)

    if (moment, call) == ("before", 0):  # Nothing had happened: it is registered anew.
        with pytest.raises(InvalidCredentialsError):
            accounts_env.accounts.login(contract.Login(email, PASSWORD))
        accounts_env.accounts.register(body)
    else:
        with pytest.raises(EmailTakenError):
            accounts_env.accounts.register(body)

    accounts_env.check_whole(accounts_env.accounts.login(contract.Login(email, PASSWORD)), email)


@pytest.mark.parametrize("call", range(CONFIRM_CALLS))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_confirmation_that_died_is_made_up_for(accounts_env: AccountsEnv, email: str, moment: str, call: int) -> None:
    accounts_env = accounts_env.verifying()
    accounts_env.accounts.register(contract.Register(email, PASSWORD, "Ada"))
    confirm = contract.Confirm(email, CODE)
    with accounts_env.aws.dying(moment, call):
        accounts_env.accounts.confirm(confirm)

    if (moment, call) == ("before", 0):
        with pytest.raises(EmailUnverifiedError):
            accounts_env.accounts.login(contract.Login(email, PASSWORD))
        accounts_env.accounts.confirm(confirm)
    else:
        with pytest.raises(InvalidRequestError):
            accounts_env.accounts.confirm(confirm)

    accounts_env.check_whole(accounts_env.accounts.login(contract.Login(email, PASSWORD)), email)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", range(7))  # sign in, look, guard, network, budget, grant, read
def test_healing_may_die_as_well(accounts_env: AccountsEnv, email: str, moment: str, call: int) -> None:
    with accounts_env.aws.dying("after", 2):  # confirmed and verified, and nothing of ours yet
        accounts_env.accounts.register(contract.Register(email, PASSWORD))
    with accounts_env.aws.dying(moment, call):
        accounts_env.accounts.login(contract.Login(email, PASSWORD))

    accounts_env.check_whole(accounts_env.accounts.login(contract.Login(email, PASSWORD)), email)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", [3, 4])  # the guard; the account without credits
def test_a_second_account_that_died_gets_its_profile_and_no_credits(
    accounts_env: AccountsEnv, email: str, moment: str, call: int
) -> None:
    accounts_env.accounts.register(contract.Register(email, PASSWORD))
    second = email.replace("@", "+second@")
    with accounts_env.aws.dying(moment, call):
        accounts_env.accounts.register(contract.Register(second, PASSWORD))

    accounts_env.check_whole(accounts_env.accounts.login(contract.Login(second, PASSWORD)), second, credits=0)


def test_a_sign_out_that_died_has_not_locked_anyone_out(accounts_env: AccountsEnv, email: str) -> None:
    registered = accounts_env.accounts.register(contract.Register(email, PASSWORD))
    caller = accounts_env.accounts.verifier.caller(str(registered.token))
    with accounts_env.aws.dying("after", 1):  # Cognito has signed out, the ledger has not heard of it
        accounts_env.accounts.logout(caller)

    accounts_env.accounts.logout(caller)
    accounts_env.check_whole(accounts_env.accounts.login(contract.Login(email, PASSWORD)), email)


def test_a_token_of_somebody_whom_the_pool_forgot_can_be_signed_out(accounts_env: AccountsEnv, email: str) -> None:
    """An owner may delete people in the console: their ID tokens are good for an hour all the same."""
    caller = signed_up(accounts_env, email)
    accounts_env.accounts.cognito.delete(caller.user_id)

    assert accounts_env.accounts.logout(caller).signed_out

    with pytest.raises(UnauthenticatedError):
        accounts_env.accounts.user(caller)


# A forgotten password, another name, the end

RESET_CODE, OTHER_PASSWORD = "654321", "another horse battery"


def signed_up(accounts_env: AccountsEnv, email: str) -> Caller:
    return accounts_env.accounts.verifier.caller(
        str(accounts_env.accounts.register(contract.Register(email, PASSWORD)).token)
    )


def test_a_new_password_ends_every_earlier_sign_in(accounts_env: AccountsEnv, email: str) -> None:
    before = accounts_env.accounts.register(contract.Register(email, PASSWORD))
    accounts_env.accounts.forgot_password(contract.ForgotPassword(email.upper()))

    told = accounts_env.accounts.reset_password(contract.ResetPassword(email, RESET_CODE, OTHER_PASSWORD))

    assert told.reset
    with pytest.raises(UnauthenticatedError):
        accounts_env.accounts.user(accounts_env.accounts.verifier.caller(str(before.token)))
    with pytest.raises((UnauthenticatedError, InvalidCredentialsError)):
        accounts_env.accounts.refresh(contract.Refresh(str(before.refresh_token)))
    with pytest.raises(InvalidCredentialsError):
        accounts_env.accounts.login(contract.Login(email, PASSWORD))
    assert accounts_env.accounts.login(contract.Login(email, OTHER_PASSWORD)).user.email == email


@pytest.mark.parametrize("is_there", [True, False])
def test_a_wrong_code_says_the_same_whether_or_not_anybody_is_there(
    accounts_env: AccountsEnv, email: str, is_there: bool
) -> None:
    if is_there:
        signed_up(accounts_env, email)
        accounts_env.accounts.forgot_password(contract.ForgotPassword(email))

    with pytest.raises(InvalidRequestError) as refused:
        accounts_env.accounts.reset_password(contract.ResetPassword(email, "000000", OTHER_PASSWORD))

    assert refused.value.details == {"field": "code"}
    assert refused.value.message == "The code is wrong or too old: ask for a new one."


@pytest.mark.parametrize("took_seconds", [0.0, 0.3, 1.4, 9.0])
def test_asking_for_a_code_takes_the_same_time_however_long_the_pool_takes(
    accounts_env: AccountsEnv, email: str, took_seconds: float
) -> None:
    waited: list[float] = []
    moments = iter((100.0, 100.0 + took_seconds))
    even = replace(accounts_env.accounts, elapsed=lambda: next(moments), pause=waited.append)

    assert even.forgot_password(contract.ForgotPassword(email)).sent

    assert waited == [pytest.approx(max(0.0, EVEN_SECONDS - took_seconds))]


def test_a_code_is_used_once(accounts_env: AccountsEnv, email: str) -> None:
    signed_up(accounts_env, email)
    accounts_env.accounts.forgot_password(contract.ForgotPassword(email))
    body = contract.ResetPassword(email, RESET_CODE, OTHER_PASSWORD)
    accounts_env.accounts.reset_password(body)

    with pytest.raises(InvalidRequestError):
        accounts_env.accounts.reset_password(body)


CODE_USED = 2  # which call sets the password, after the look at who it is and the note


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", range(6))  # who it is, a note, the code, the sign-out here, no note, at Cognito
def test_a_reset_that_died_is_made_up_for_by_the_owners_next_sign_in(
    accounts_env: AccountsEnv, email: str, moment: str, call: int
) -> None:
    caller = signed_up(accounts_env, email)
    earlier = structs.replace(caller, auth_time_at=caller.auth_time_at - 1)  # A sign-in tells its second only.
    accounts_env.accounts.forgot_password(contract.ForgotPassword(email))
    with accounts_env.aws.dying(moment, call):
        accounts_env.accounts.reset_password(contract.ResetPassword(email, RESET_CODE, OTHER_PASSWORD))

    is_changed = call > CODE_USED or (moment, call) == ("after", CODE_USED)
    good, bad = (OTHER_PASSWORD, PASSWORD) if is_changed else (PASSWORD, OTHER_PASSWORD)
    with pytest.raises(InvalidCredentialsError):
        accounts_env.accounts.login(contract.Login(email, bad))
    signed_in = accounts_env.accounts.login(contract.Login(email, good))

    assert signed_in.user.email == email
    assert accounts_env.accounts.user(accounts_env.accounts.verifier.caller(signed_in.token)).email == email
    if is_changed:
        with pytest.raises(UnauthenticatedError):
            accounts_env.accounts.user(earlier)
    assert not note(accounts_env, caller)


@pytest.mark.parametrize("code", [RESET_CODE, "000000"])
def test_a_second_try_after_a_lost_answer_does_not_forget_to_end_the_earlier_sign_ins(
    accounts_env: AccountsEnv, email: str, code: str
) -> None:
    """The first one has used the code up: so the second is refused, be it the owner's or a thief's guess."""
    caller = signed_up(accounts_env, email)
    earlier = structs.replace(caller, auth_time_at=caller.auth_time_at - 1)
    accounts_env.accounts.forgot_password(contract.ForgotPassword(email))
    with accounts_env.aws.dying("after", CODE_USED):
        accounts_env.accounts.reset_password(contract.ResetPassword(email, RESET_CODE, OTHER_PASSWORD))

    with pytest.raises(InvalidRequestError):
        accounts_env.accounts.reset_password(contract.ResetPassword(email, code, OTHER_PASSWORD))
    accounts_env.accounts.login(contract.Login(email, OTHER_PASSWORD))

    with pytest.raises(UnauthenticatedError):
        accounts_env.accounts.user(earlier)
    assert not note(accounts_env, caller)


@pytest.mark.parametrize("word", ["code", "password"])
def test_whoever_guesses_a_code_signs_nobody_out(accounts_env: AccountsEnv, email: str, word: str) -> None:
    caller = signed_up(accounts_env, email)
    earlier = structs.replace(caller, auth_time_at=caller.auth_time_at - 1)
    accounts_env.accounts.forgot_password(contract.ForgotPassword(email))
    body = {"code": RESET_CODE, "password": OTHER_PASSWORD} | {word: {"code": "000000", "password": "weak"}[word]}

    with pytest.raises(InvalidRequestError):
        accounts_env.accounts.reset_password(contract.ResetPassword(email, **body))
    accounts_env.accounts.login(contract.Login(email, PASSWORD))

    assert accounts_env.accounts.user(earlier).email == email
    assert not note(accounts_env, caller)


def test_nor_does_who_guesses_until_the_pool_takes_no_more(
    accounts_env: AccountsEnv, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = signed_up(accounts_env, email)
    earlier = structs.replace(caller, auth_time_at=caller.auth_time_at - 1)
    monkeypatch.setattr(Cognito, "reset_password", too_many)

    with pytest.raises(RateLimitedError):
        accounts_env.accounts.reset_password(contract.ResetPassword(email, "000000", OTHER_PASSWORD))
    accounts_env.accounts.login(contract.Login(email, PASSWORD))

    assert accounts_env.accounts.user(earlier).email == email


def too_many(*_: object) -> None:
    raise RateLimitedError("Too many attempts: wait a little.", retry_after_seconds=30)


def note(accounts_env: AccountsEnv, caller: Caller) -> bool:
    found = profile_from(caller.user_id, accounts_env.accounts.tables.get(profile_key(caller.user_id)))
    assert found is not None
    return found.has_new_password


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", range(3))
def test_another_name_may_be_given_again_after_a_crash(
    accounts_env: AccountsEnv, email: str, moment: str, call: int
) -> None:
    who = signed_up(accounts_env, email)
    with accounts_env.aws.dying(moment, call):
        accounts_env.accounts.rename(who, contract.UpdateUser("Ada L."))

    assert accounts_env.accounts.rename(who, contract.UpdateUser("Ada L.")).name == "Ada L."
    assert accounts_env.accounts.user(who).name == "Ada L."
    assert accounts_env.accounts.cognito.person(email).name == "Ada L."
    assert accounts_env.accounts.rename(who, contract.UpdateUser("")).name == ""


def test_who_comes_back_after_an_account_was_deleted_is_somebody_new_without_free_credits(
    accounts_env: AccountsEnv, email: str
) -> None:
    who = signed_up(accounts_env, email)
    accounts_env.accounts.ledger.close(who, at=accounts_env.accounts.now())
    accounts_env.accounts.cognito.delete(who.user_id)
    accounts_env.accounts.cognito.delete(who.user_id)

    with pytest.raises(InvalidCredentialsError):
        accounts_env.accounts.login(contract.Login(email, PASSWORD))
    back = accounts_env.accounts.register(contract.Register(email, PASSWORD))

    assert back.user.user_id != who.user_id
    assert (back.free_credits, back.free_credits_reason) == (0, ALREADY_GRANTED)
    accounts_env.check_whole(accounts_env.accounts.login(contract.Login(email, PASSWORD)), email, credits=0)


def test_a_deleted_account_is_not_made_whole_by_a_sign_in_of_the_same_moment(
    accounts_env: AccountsEnv, email: str
) -> None:
    """It was looked at before it was deleted, and had no profile yet."""
    with accounts_env.aws.dying("after", 2):
        accounts_env.accounts.register(contract.Register(email, PASSWORD))
    who = accounts_env.accounts.verifier.caller(accounts_env.accounts.cognito.sign_in(email, PASSWORD).id_token)
    accounts_env.accounts.ledger.close(who, at=accounts_env.accounts.now())

    with pytest.raises(UnauthenticatedError):
        accounts_env.accounts.free_credits.open_account(who.user_id, email, "", "")

    assert accounts_env.accounts.tables.get(profile_key(who.user_id)) is None
    assert accounts_env.books.entries(who.user_id) == []


# Many at once


def test_sign_ins_that_heal_at_once_give_the_credits_once(accounts_env: AccountsEnv, email: str) -> None:
    with accounts_env.aws.dying("after", 2):
        accounts_env.accounts.register(contract.Register(email, PASSWORD))

    answers = at_once(6, lambda: accounts_env.accounts.login(contract.Login(email, PASSWORD)))

    assert len({str(answer.user) for answer in answers}) == 1
    accounts_env.check_whole(answers[0], email)


def test_one_person_registering_two_addresses_at_once_gets_the_credits_once(
    accounts_env: AccountsEnv, email: str
) -> None:
    addresses = [email, *(email.replace("@", f"+{tag}@") for tag in "abc")]
    waiting = iter(addresses)

    answers = at_once(4, lambda: accounts_env.accounts.register(contract.Register(next(waiting), PASSWORD)))

    assert sorted(answer.free_credits for answer in answers) == [0, 0, 0, 200]
    for answer in answers:
        accounts_env.books.check_invariants(answer.user.user_id)


def test_the_same_registration_at_once_makes_one_account(
    accounts_env: AccountsEnv, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One at a time at SignUp itself: the emulator looks and then writes, in threads; a pool does both at once."""
    alone, sign_up = Lock(), Cognito.sign_up

    def sign_up_alone(*words: Any) -> str:
        with alone:
            return sign_up(*words)

    monkeypatch.setattr(Cognito, "sign_up", sign_up_alone)

    def register() -> str:
        try:
            return accounts_env.accounts.register(contract.Register(email, PASSWORD)).user.user_id
        except EmailTakenError:
            return ""

    (made,) = set(at_once(4, register)) - {""}

    accounts_env.books.check_invariants(made)
    accounts_env.check_whole(accounts_env.accounts.login(contract.Login(email, PASSWORD)), email)


# One person


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
def test_all_spellings_of_an_address_are_one_person(spelling: str, person: str) -> None:
    assert canonical_email(spelling) == person
    assert canonical_email(canonical_email(spelling)) == person


def test_cognito_gets_the_address_as_it_is_but_for_its_case() -> None:
    assert normalise_email(" Ada.L+News@GMail.com ") == "ada.l+news@gmail.com"


def test_free_credits_can_be_off(accounts_env: AccountsEnv, email: str) -> None:
    stingy = accounts_env.under(FreeCreditRules(free_credits=0)).accounts

    answer = stingy.register(contract.Register(email, PASSWORD))

    assert (answer.free_credits, answer.user.credits.available) == (0, 0)
    assert answer.free_credits_reason
    accounts_env.check_whole(accounts_env.accounts.login(contract.Login(email, PASSWORD)), email, credits=0)
