"""How often a network asks for emails, a person is mailed by sign-ups, and a used code is guessed, in a day."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import pytest

import app
from chalicelib import contract
from chalicelib.accounts.free_credits import FreeCreditRules
from chalicelib.accounts.mail import Mail
from chalicelib.accounts.sign_ups import REPEATED_CODES_PER_DAY, REPLACEMENTS_PER_DAY
from chalicelib.errors import AppError, EmailTakenError, InvalidRequestError, RateLimitedError, UnavailableError
from chalicelib.http.endpoint import route_spec
from chalicelib.http.openapi import errors as openapi_errors
from chalicelib.providers.cognito import Cognito
from chalicelib.repositories.conditions import Attr
from chalicelib.wiring import accounts as wiring
from scripts.local.aws import LocalAws
from tests.accounts.accounts_env import PASSWORD, AccountsEnv, at_once, open_accounts_env
from tests.accounts.test_sign_ups import CODE, OTHER_PASSWORD, confirm, mails_to, opening, register
from tests.engines import Engine
from tests.fakes import Backend, Clock
from tests.fault_injection import Crash, Fault, FaultInjector, fail_call, no_faults

KEY, NETWORK, OTHER_NETWORK = "a key of this test", "198.51.100.7", "198.51.100.8"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def shared_env(ministack: LocalAws) -> Iterator[AccountsEnv]:
    with open_accounts_env(ministack) as created:
        yield created.with_verification()


@pytest.fixture
def env(shared_env: AccountsEnv) -> AccountsEnv:
    return shared_env


@pytest.fixture
def email() -> str:
    return f"limits{next(_numbers)}@example.com"


@pytest.fixture
def mail(backend: Backend) -> Mail:
    return Mail(backend.tables, KEY, backend.clock)


def is_refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except RateLimitedError:
        return True
    return False


# By network


def test_a_network_asks_for_so_many_mails_a_day_and_others_for_theirs(mail: Mail, clock: Clock) -> None:
    for _ in range(Mail.per_network_day):
        mail.claim(NETWORK)

    for _ in range(2):
        with pytest.raises(RateLimitedError) as refused:
            mail.claim(NETWORK)
        wait_seconds = refused.value.details["retry_after_seconds"]
        assert isinstance(wait_seconds, int)
        assert 0 < wait_seconds <= 86_400
    mail.claim(OTHER_NETWORK)
    clock.forward(wait_seconds)
    mail.claim(NETWORK)


def test_an_ipv6_site_asks_for_four_times_as_many_and_each_network_of_it_for_its_own(mail: Mail) -> None:
    refused = [is_refused(lambda n=n: mail.claim(f"2001:db8:7:{n:x}::/64")) for n in range(4 * Mail.per_network_day)]
    assert not any(refused)

    assert is_refused(lambda: mail.claim("2001:db8:7:ffff::/64"))
    mail.claim("2001:db8:8:1::/64")
    refused = [is_refused(lambda: mail.claim("2001:db8:9:1::/64")) for _ in range(Mail.per_network_day + 1)]
    assert refused == [False] * Mail.per_network_day + [True]


def test_the_network_is_not_stored_as_it_is(mail: Mail) -> None:
    mail.claim(NETWORK)
    mail.claim("2001:db8:7:1::/64")

    items, _ = mail.tables.scan("app", Attr("pk").exists(), limit=100)
    assert len(items) == 3
    assert not any(part in str(items) for part in (NETWORK, "2001:db8"))


def test_requests_at_once_do_not_pass_the_cap_together(engine: Engine, names: tuple[str, str], clock: Clock) -> None:
    mail = Mail(Backend.on(FaultInjector().tables(engine, names), clock).tables, KEY, clock, per_network_day=7)

    refused = at_once(16, lambda: is_refused(lambda: mail.claim("203.0.113.1")))

    assert refused.count(False) == 7


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST, Fault.UNSENT])
def test_a_crash_while_counting_never_lets_more_through(
    engine: Engine, names: tuple[str, str], clock: Clock, fault: Fault
) -> None:
    fault_injector, network = FaultInjector(), f"203.0.113.{10 + list(Fault).index(fault)}"
    mail = Mail(Backend.on(fault_injector.tables(engine, names), clock).tables, KEY, clock, per_network_day=3)
    fault_injector.use_plan(fail_call(0, fault))
    passed = 0
    for _ in range(6):
        try:
            mail.claim(network)
            passed += 1
        except (Crash, UnavailableError, RateLimitedError):
            pass
    fault_injector.use_plan(no_faults)

    assert 2 <= passed <= 3


def test_every_address_gets_the_same_429_once_its_network_has_asked_too_often(
    env: AccountsEnv, ministack: LocalAws, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that get no mail: they count and are refused as the others are."""
    waiting, unknown = f"waiting-{email}", f"unknown-{email}"
    register(env, email)
    confirm(env, email)
    register(env, waiting)
    mail = replace(env.accounts.mail, per_network_day=3)
    accounts = replace(env.accounts, mail=mail, sign_ups=replace(env.accounts.sign_ups, mail=mail))
    acts: list[Callable[[str, str], object]] = [
        lambda address, network: accounts.register(contract.Register(email=address, password=PASSWORD), network),
        lambda address, network: accounts.resend_code(contract.ResendCode(email=address), network),
        lambda address, network: accounts.forgot_password(contract.ForgotPassword(email=address), network),
    ]
    for number, act in enumerate(acts):
        network = f"192.0.2.{number}"
        for address in (email, unknown, email):
            with suppress(EmailTakenError):
                act(address, network)
        sent = [len(mails_to(ministack, address)) for address in (email, waiting, unknown)]
        answers = set()
        with monkeypatch.context() as patch:
            for name in ("person", "sign_up", "resend_code", "send_reset_code"):
                patch.setattr(Cognito, name, lambda *_, name=name: pytest.fail(f"{name} was called"))
            for other in acts:
                for address in (email, waiting, unknown, f"new-{email}"):
                    with pytest.raises(RateLimitedError) as refused:
                        other(address, network)
                    answers.add((refused.value.message, str(refused.value.details.keys())))
        assert len(answers) == 1
        assert sent == [len(mails_to(ministack, address)) for address in (email, waiting, unknown)]


def test_a_stage_without_verification_counts_no_sign_ups(env: AccountsEnv, email: str) -> None:
    """They send no mail."""
    mail = replace(env.accounts.mail, per_network_day=0)
    sign_ups = replace(env.accounts.sign_ups, mail=mail, is_verification_on=False)
    accounts = replace(env.accounts, mail=mail, sign_ups=sign_ups, is_verification_on=False)

    assert accounts.register(contract.Register(email=email, password=PASSWORD), NETWORK).token
    with pytest.raises(RateLimitedError):
        accounts.forgot_password(contract.ForgotPassword(email=email), NETWORK)


def test_the_setting_is_the_cap_of_every_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "secret", lambda _: KEY)
    monkeypatch.setattr(wiring, "free_credit_rules", FreeCreditRules)
    monkeypatch.setattr(wiring, "aws", SimpleNamespace(cognito=lambda: None, verifier=lambda: None))
    fields = dict.fromkeys(("tables", "now"))
    of = lambda kind: fields | dict.fromkeys({"ledger", "new_id"} & kind.__dataclass_fields__.keys())  # noqa: E731
    monkeypatch.setattr(wiring, "common", lambda: SimpleNamespace(of=of))
    for cap in (1, 500):
        settings = SimpleNamespace(emails_per_network_day=cap, email_verification="on")
        monkeypatch.setattr(wiring, "settings", lambda settings=settings: settings)
        accounts = wiring.accounts.__wrapped__()
        assert (accounts.mail.per_network_day, accounts.sign_ups.mail) == (cap, accounts.mail)


@pytest.mark.parametrize("view", ["register", "resend_code", "forgot_password"])
def test_a_route_that_mails_counts_the_address_that_the_gateway_reports(
    view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks: list[str] = []
    accounts = SimpleNamespace(**{view: lambda _, network: networks.append(network)})
    monkeypatch.setattr(app.use_cases, "accounts", lambda: accounts)
    for address, network in (("192.0.2.7", "192.0.2.7"), ("2001:db8:7:1::9", "2001:db8:7:1::/64")):
        call = SimpleNamespace(context={"identity": {"sourceIp": address}})
        monkeypatch.setattr(app, "request", lambda call=call: call)
        getattr(app, view).__wrapped__(None)
        assert networks.pop() == network


# By person


def test_all_tags_of_an_address_share_the_sign_ups_that_replace_another(
    env: AccountsEnv, ministack: LocalAws, email: str
) -> None:
    mailbox, domain = email.split("@")
    variants = [email, *(f"{mailbox}+{tag}@{domain}" for tag in ("a", "b", "c.d"))]
    for variant in variants:
        register(env, variant)

    replaced = [not is_refused(lambda v=variant: register(env, v)) for variant in variants * 2]

    assert replaced == [number < REPLACEMENTS_PER_DAY for number in range(2 * len(variants))]
    assert sum(len(mails_to(ministack, variant)) for variant in variants) == len(variants) + REPLACEMENTS_PER_DAY
    other = f"other-{email}"
    register(env, other)
    register(env, other)


# By code


def test_the_sixth_guess_of_a_used_code_a_day_is_refused_even_if_it_is_right(env: AccountsEnv, email: str) -> None:
    """The user pool counts no attempts with a code that was used."""
    register(env, email)
    register(env, email, OTHER_PASSWORD)
    assert confirm(env, email).password_required  # It has used the code.
    guess = lambda code: env.accounts.confirm(  # noqa: E731
        contract.Confirm(email=email, code=code, password=OTHER_PASSWORD)
    )
    for number in range(REPEATED_CODES_PER_DAY):
        with pytest.raises(InvalidRequestError) as wrong:
            guess(f"00000{number}")
        assert wrong.value.details == {"field": "code"}

    for code in ("000009", CODE):
        with pytest.raises(RateLimitedError) as refused:
            guess(code)
        wait_seconds = refused.value.details["retry_after_seconds"]
        assert isinstance(wait_seconds, int)
        assert 0 < wait_seconds <= 86_400
    assert opening(env, email, PASSWORD, OTHER_PASSWORD) == []

    env.accounts.forgot_password(contract.ForgotPassword(email=email))  # The way that the answer names.
    env.accounts.reset_password(contract.ResetPassword(email=email, code="654321", password=PASSWORD + "?"))
    assert opening(env, email, PASSWORD, OTHER_PASSWORD, PASSWORD + "?") == [PASSWORD + "?"]


def test_guesses_at_once_are_counted_all_the_same(env: AccountsEnv, email: str) -> None:
    register(env, email)
    register(env, email)
    assert confirm(env, email).password_required

    def send_wrong_code() -> str:
        code = f"{next(_numbers):06}"
        for _ in range(200):
            try:
                env.accounts.confirm(contract.Confirm(email=email, code=code, password=OTHER_PASSWORD))
            except UnavailableError:  # Another guess has the lock.
                continue
            except AppError as error:
                return error.code
        return "busy"

    guesses = at_once(8, send_wrong_code)

    assert guesses.count("invalid_request") <= REPEATED_CODES_PER_DAY
    assert {*guesses} <= {"invalid_request", "rate_limited", "busy"}
    assert opening(env, email, OTHER_PASSWORD) == []


def test_guesses_for_an_address_that_waits_for_no_password_count_nowhere(env: AccountsEnv, email: str) -> None:
    """The answer is that of a wrong code, so it tells nobody that the address is confirmed."""
    register(env, email)
    confirm(env, email)

    for _ in range(2 * REPEATED_CODES_PER_DAY):
        with pytest.raises(InvalidRequestError) as refused:
            env.accounts.confirm(contract.Confirm(email=email, code="000000", password=OTHER_PASSWORD))
        assert refused.value.details == {"field": "code"}


@pytest.mark.parametrize("view", ["register", "confirm", "resend_code", "forgot_password", "reset_password"])
def test_the_routes_declare_the_429(view: str) -> None:
    assert "rate_limited" in openapi_errors.codes(route_spec(getattr(app, view)))
