"""A process that dies anywhere while an account is made: the next sign-in finds it whole, with its credits once."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from threading import Lock
from typing import Any

import pytest
from msgspec import structs

from chalicelib import contract
from chalicelib.accounts.email_address import canonical_address, normal_address
from chalicelib.accounts.free_credits import GIVEN_BEFORE, WelcomeRules
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
from chalicelib.repositories.profiles import profile, profile_key
from scripts.local.aws import LocalAws
from tests.accounts.accounts_env import PASSWORD, House, at_once, opened

CODE = "123456"  # The emulator mails the same code to everybody.
REGISTER_CALLS, CONFIRM_CALLS = 9, 6
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def house(ministack: LocalAws) -> Iterator[House]:
    with opened(ministack) as made:
        yield made


@pytest.fixture
def email() -> str:
    return f"crash{next(_numbers)}@example.com"


# Crashes


def test_the_crashes_below_reach_every_aws_call(house: House, email: str) -> None:
    house.aws.calls = 0
    house.accounts.register(contract.Register(email, PASSWORD))
    registering, house.aws.calls = house.aws.calls, 0
    waiting = "waiting-" + email
    house.verifying().accounts.register(contract.Register(waiting, PASSWORD))
    house.aws.calls = 0
    house.verifying().accounts.confirm(contract.Confirm(waiting, CODE))

    assert (registering, house.aws.calls) == (REGISTER_CALLS, CONFIRM_CALLS)


@pytest.mark.parametrize("call", range(REGISTER_CALLS))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_registration_that_died_is_made_up_for_at_the_next_sign_in(
    house: House, email: str, moment: str, call: int
) -> None:
    wish = contract.Register(email, PASSWORD, "Ada")
    with house.aws.dying(moment, call):
        house.accounts.register(wish)

    if (moment, call) == ("before", 0):  # Nothing had happened: it is registered anew.
        with pytest.raises(InvalidCredentialsError):
            house.accounts.login(contract.Login(email, PASSWORD))
        house.accounts.register(wish)
    else:
        with pytest.raises(EmailTakenError):
            house.accounts.register(wish)

    house.check_whole(house.accounts.login(contract.Login(email, PASSWORD)), email)


@pytest.mark.parametrize("call", range(CONFIRM_CALLS))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_confirmation_that_died_is_made_up_for(house: House, email: str, moment: str, call: int) -> None:
    house = house.verifying()
    house.accounts.register(contract.Register(email, PASSWORD, "Ada"))
    confirm = contract.Confirm(email, CODE)
    with house.aws.dying(moment, call):
        house.accounts.confirm(confirm)

    if (moment, call) == ("before", 0):
        with pytest.raises(EmailUnverifiedError):
            house.accounts.login(contract.Login(email, PASSWORD))
        house.accounts.confirm(confirm)
    else:
        with pytest.raises(InvalidRequestError):
            house.accounts.confirm(confirm)

    house.check_whole(house.accounts.login(contract.Login(email, PASSWORD)), email)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", range(7))  # sign in, look, guard, network, budget, grant, read
def test_healing_may_die_as_well(house: House, email: str, moment: str, call: int) -> None:
    with house.aws.dying("after", 2):  # confirmed and verified, and nothing of ours yet
        house.accounts.register(contract.Register(email, PASSWORD))
    with house.aws.dying(moment, call):
        house.accounts.login(contract.Login(email, PASSWORD))

    house.check_whole(house.accounts.login(contract.Login(email, PASSWORD)), email)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", [3, 4])  # the guard; the account without credits
def test_a_second_account_that_died_gets_its_profile_and_no_credits(
    house: House, email: str, moment: str, call: int
) -> None:
    house.accounts.register(contract.Register(email, PASSWORD))
    second = email.replace("@", "+second@")
    with house.aws.dying(moment, call):
        house.accounts.register(contract.Register(second, PASSWORD))

    house.check_whole(house.accounts.login(contract.Login(second, PASSWORD)), second, credits=0)


def test_a_sign_out_that_died_has_not_locked_anyone_out(house: House, email: str) -> None:
    registered = house.accounts.register(contract.Register(email, PASSWORD))
    caller = house.accounts.verifier.caller(str(registered.token))
    with house.aws.dying("after", 1):  # Cognito has signed out, the ledger has not heard of it
        house.accounts.logout(caller)

    house.accounts.logout(caller)
    house.check_whole(house.accounts.login(contract.Login(email, PASSWORD)), email)


def test_a_token_of_somebody_whom_the_pool_forgot_can_be_signed_out(house: House, email: str) -> None:
    """An owner may delete people in the console: their ID tokens are good for an hour all the same."""
    caller = signed_up(house, email)
    house.accounts.cognito.delete(caller.user_id)

    assert house.accounts.logout(caller).signed_out

    with pytest.raises(UnauthenticatedError):
        house.accounts.user(caller)


# A forgotten password, another name, the end

RESET_CODE, OTHER_PASSWORD = "654321", "another horse battery"


def signed_up(house: House, email: str) -> Caller:
    return house.accounts.verifier.caller(str(house.accounts.register(contract.Register(email, PASSWORD)).token))


def test_a_new_password_ends_every_earlier_sign_in(house: House, email: str) -> None:
    before = house.accounts.register(contract.Register(email, PASSWORD))
    house.accounts.forgot_password(contract.ForgotPassword(email.upper()))

    told = house.accounts.reset_password(contract.ResetPassword(email, RESET_CODE, OTHER_PASSWORD))

    assert told.reset
    with pytest.raises(UnauthenticatedError):
        house.accounts.user(house.accounts.verifier.caller(str(before.token)))
    with pytest.raises((UnauthenticatedError, InvalidCredentialsError)):
        house.accounts.refresh(contract.Refresh(str(before.refresh_token)))
    with pytest.raises(InvalidCredentialsError):
        house.accounts.login(contract.Login(email, PASSWORD))
    assert house.accounts.login(contract.Login(email, OTHER_PASSWORD)).user.email == email


@pytest.mark.parametrize("is_there", [True, False])
def test_a_wrong_code_says_the_same_whether_or_not_anybody_is_there(house: House, email: str, is_there: bool) -> None:
    if is_there:
        signed_up(house, email)
        house.accounts.forgot_password(contract.ForgotPassword(email))

    with pytest.raises(InvalidRequestError) as refused:
        house.accounts.reset_password(contract.ResetPassword(email, "000000", OTHER_PASSWORD))

    assert refused.value.details == {"field": "code"}
    assert refused.value.message == "The code is wrong or too old: ask for a new one."


@pytest.mark.parametrize("took_seconds", [0.0, 0.3, 1.4, 9.0])
def test_asking_for_a_code_takes_the_same_time_however_long_the_pool_takes(
    house: House, email: str, took_seconds: float
) -> None:
    waited: list[float] = []
    moments = iter((100.0, 100.0 + took_seconds))
    even = replace(house.accounts, elapsed=lambda: next(moments), pause=waited.append)

    assert even.forgot_password(contract.ForgotPassword(email)).sent

    assert waited == [pytest.approx(max(0.0, EVEN_SECONDS - took_seconds))]


def test_a_code_is_used_once(house: House, email: str) -> None:
    signed_up(house, email)
    house.accounts.forgot_password(contract.ForgotPassword(email))
    wish = contract.ResetPassword(email, RESET_CODE, OTHER_PASSWORD)
    house.accounts.reset_password(wish)

    with pytest.raises(InvalidRequestError):
        house.accounts.reset_password(wish)


CODE_USED = 2  # which call sets the password, after the look at who it is and the note


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", range(6))  # who it is, a note, the code, the sign-out here, no note, at Cognito
def test_a_reset_that_died_is_made_up_for_by_the_owners_next_sign_in(
    house: House, email: str, moment: str, call: int
) -> None:
    caller = signed_up(house, email)
    earlier = structs.replace(caller, auth_time_at=caller.auth_time_at - 1)  # A sign-in tells its second only.
    house.accounts.forgot_password(contract.ForgotPassword(email))
    with house.aws.dying(moment, call):
        house.accounts.reset_password(contract.ResetPassword(email, RESET_CODE, OTHER_PASSWORD))

    is_changed = call > CODE_USED or (moment, call) == ("after", CODE_USED)
    good, bad = (OTHER_PASSWORD, PASSWORD) if is_changed else (PASSWORD, OTHER_PASSWORD)
    with pytest.raises(InvalidCredentialsError):
        house.accounts.login(contract.Login(email, bad))
    signed_in = house.accounts.login(contract.Login(email, good))

    assert signed_in.user.email == email
    assert house.accounts.user(house.accounts.verifier.caller(signed_in.token)).email == email
    if is_changed:
        with pytest.raises(UnauthenticatedError):
            house.accounts.user(earlier)
    assert not note(house, caller)


@pytest.mark.parametrize("code", [RESET_CODE, "000000"])
def test_a_second_try_after_a_lost_answer_does_not_forget_to_end_the_earlier_sign_ins(
    house: House, email: str, code: str
) -> None:
    """The first one has used the code up: so the second is refused, be it the owner's or a thief's guess."""
    caller = signed_up(house, email)
    earlier = structs.replace(caller, auth_time_at=caller.auth_time_at - 1)
    house.accounts.forgot_password(contract.ForgotPassword(email))
    with house.aws.dying("after", CODE_USED):
        house.accounts.reset_password(contract.ResetPassword(email, RESET_CODE, OTHER_PASSWORD))

    with pytest.raises(InvalidRequestError):
        house.accounts.reset_password(contract.ResetPassword(email, code, OTHER_PASSWORD))
    house.accounts.login(contract.Login(email, OTHER_PASSWORD))

    with pytest.raises(UnauthenticatedError):
        house.accounts.user(earlier)
    assert not note(house, caller)


@pytest.mark.parametrize("word", ["code", "password"])
def test_whoever_guesses_a_code_signs_nobody_out(house: House, email: str, word: str) -> None:
    caller = signed_up(house, email)
    earlier = structs.replace(caller, auth_time_at=caller.auth_time_at - 1)
    house.accounts.forgot_password(contract.ForgotPassword(email))
    wish = {"code": RESET_CODE, "password": OTHER_PASSWORD} | {word: {"code": "000000", "password": "weak"}[word]}

    with pytest.raises(InvalidRequestError):
        house.accounts.reset_password(contract.ResetPassword(email, **wish))
    house.accounts.login(contract.Login(email, PASSWORD))

    assert house.accounts.user(earlier).email == email
    assert not note(house, caller)


def test_nor_does_who_guesses_until_the_pool_takes_no_more(
    house: House, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = signed_up(house, email)
    earlier = structs.replace(caller, auth_time_at=caller.auth_time_at - 1)
    monkeypatch.setattr(Cognito, "reset_password", too_many)

    with pytest.raises(RateLimitedError):
        house.accounts.reset_password(contract.ResetPassword(email, "000000", OTHER_PASSWORD))
    house.accounts.login(contract.Login(email, PASSWORD))

    assert house.accounts.user(earlier).email == email


def too_many(*_: object) -> None:
    raise RateLimitedError("Too many attempts: wait a little.", retry_after_seconds=30)


def note(house: House, caller: Caller) -> bool:
    found = profile(caller.user_id, house.accounts.tables.get(profile_key(caller.user_id)))
    assert found is not None
    return found.has_new_password


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", range(3))
def test_another_name_may_be_given_again_after_a_crash(house: House, email: str, moment: str, call: int) -> None:
    who = signed_up(house, email)
    with house.aws.dying(moment, call):
        house.accounts.rename(who, contract.UpdateUser("Ada L."))

    assert house.accounts.rename(who, contract.UpdateUser("Ada L.")).name == "Ada L."
    assert house.accounts.user(who).name == "Ada L."
    assert house.accounts.cognito.person(email).name == "Ada L."
    assert house.accounts.rename(who, contract.UpdateUser("")).name == ""


def test_who_comes_back_after_an_account_was_deleted_is_somebody_new_without_free_credits(
    house: House, email: str
) -> None:
    who = signed_up(house, email)
    house.accounts.ledger.close(who, at=house.accounts.now())
    house.accounts.cognito.delete(who.user_id)
    house.accounts.cognito.delete(who.user_id)

    with pytest.raises(InvalidCredentialsError):
        house.accounts.login(contract.Login(email, PASSWORD))
    back = house.accounts.register(contract.Register(email, PASSWORD))

    assert back.user.user_id != who.user_id
    assert (back.free_credits, back.free_credits_reason) == (0, GIVEN_BEFORE)
    house.check_whole(house.accounts.login(contract.Login(email, PASSWORD)), email, credits=0)


def test_a_deleted_account_is_not_made_whole_by_a_sign_in_of_the_same_moment(house: House, email: str) -> None:
    """It was looked at before it was deleted, and had no profile yet."""
    with house.aws.dying("after", 2):
        house.accounts.register(contract.Register(email, PASSWORD))
    who = house.accounts.verifier.caller(house.accounts.cognito.sign_in(email, PASSWORD).id_token)
    house.accounts.ledger.close(who, at=house.accounts.now())

    with pytest.raises(UnauthenticatedError):
        house.accounts.welcome.open(who.user_id, email, "", "")

    assert house.accounts.tables.get(profile_key(who.user_id)) is None
    assert house.books.entries(who.user_id) == []


# Many at once


def test_sign_ins_that_heal_at_once_give_the_credits_once(house: House, email: str) -> None:
    with house.aws.dying("after", 2):
        house.accounts.register(contract.Register(email, PASSWORD))

    answers = at_once(6, lambda: house.accounts.login(contract.Login(email, PASSWORD)))

    assert len({str(answer.user) for answer in answers}) == 1
    house.check_whole(answers[0], email)


def test_one_person_registering_two_addresses_at_once_gets_the_credits_once(house: House, email: str) -> None:
    addresses = [email, *(email.replace("@", f"+{tag}@") for tag in "abc")]
    waiting = iter(addresses)

    answers = at_once(4, lambda: house.accounts.register(contract.Register(next(waiting), PASSWORD)))

    assert sorted(answer.free_credits for answer in answers) == [0, 0, 0, 200]
    for answer in answers:
        house.books.check_invariants(answer.user.user_id)


def test_the_same_registration_at_once_makes_one_account(
    house: House, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One at a time at SignUp itself: the emulator looks and then writes, in threads; a pool does both at once."""
    alone, sign_up = Lock(), Cognito.sign_up

    def sign_up_alone(*words: Any) -> str:
        with alone:
            return sign_up(*words)

    monkeypatch.setattr(Cognito, "sign_up", sign_up_alone)

    def register() -> str:
        try:
            return house.accounts.register(contract.Register(email, PASSWORD)).user.user_id
        except EmailTakenError:
            return ""

    (made,) = set(at_once(4, register)) - {""}

    house.books.check_invariants(made)
    house.check_whole(house.accounts.login(contract.Login(email, PASSWORD)), email)


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
    assert canonical_address(spelling) == person
    assert canonical_address(canonical_address(spelling)) == person


def test_cognito_gets_the_address_as_it_is_but_for_its_case() -> None:
    assert normal_address(" Ada.L+News@GMail.com ") == "ada.l+news@gmail.com"


def test_free_credits_can_be_off(house: House, email: str) -> None:
    stingy = house.under(WelcomeRules(free_credits=0)).accounts

    answer = stingy.register(contract.Register(email, PASSWORD))

    assert (answer.free_credits, answer.user.credits.available) == (0, 0)
    assert answer.free_credits_reason
    house.check_whole(house.accounts.login(contract.Login(email, PASSWORD)), email, credits=0)
