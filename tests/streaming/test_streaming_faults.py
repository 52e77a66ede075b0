"""Conflicts, throttles, outages and lost answers under a direct session, below the SDK: what is answered is right, or
503 and tried again; and providers that are down, with and without a second one."""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from chalicelib import contract
from chalicelib.dates import rfc3339
from chalicelib.errors import AppError, ConflictError, ProviderError, UnavailableError
from chalicelib.repositories.table import CONFLICT_TRIES
from tests.default_prices import live_credits
from tests.engines import Engine
from tests.fault_injection import CANCELLED, TRANSIENT, Fault, fail_call, no_faults, retry_until_answered
from tests.streaming.listener import (
    CREDITS,
    Listener,
    Names,
    approach_lease_end,
    do_nothing,
    let_session_lapse,
    start_listening,
)

TABLE_CALLS = ("BatchGetItem", "TransactWriteItems")


@dataclass(frozen=True)
class Command:
    """`prepare` is undisturbed; `act` is one client command, safe to repeat; `is_right` looks at its answer."""

    name: str
    prepare: Callable[[Listener], object]
    act: Callable[[Listener], object]
    is_right: Callable[[Listener, object], object]

    def __str__(self) -> str:
        return self.name


def is_a_lease_of(seconds: int) -> Callable[[Listener, object], None]:
    """Fresh, paid for, with a socket; and the balance it tells is the real one."""

    def check(listener: Listener, answer: object) -> None:
        assert isinstance(answer, contract.Lease)
        balance = listener.books().balance
        assert (answer.lease_seconds, answer.credits_held) == (seconds, balance.held)
        assert answer.credits_available == balance.available > 0
        assert answer.lease_expires_at == rfc3339(listener.backend.clock() + seconds)
        assert answer.token == f"token-{len(listener.providers[0].socket_credentials)}"

    return check


def says_how_long(listener: Listener, answer: object) -> None:
    assert answer == contract.Saved(saved=[0], rejected=[], seconds_left=500, warnings=[])


def bills_a_hundred_seconds(listener: Listener, answer: object) -> None:
    assert isinstance(answer, contract.Stopped)
    assert (answer.billed_seconds, answer.credits_used, answer.credits_available) == (
        100,
        live_credits(100),
        CREDITS - live_credits(100),
    )


START = Command("start", do_nothing, Listener.start, is_a_lease_of(600))
RENEW = Command("renew", approach_lease_end, Listener.renew, is_a_lease_of(581))  # a third of the allowance
RESUME = Command("renew after a lapse", let_session_lapse, Listener.renew, is_a_lease_of(600))
SAVE = Command("save", start_listening, Listener.save, says_how_long)
STOP = Command("stop", start_listening, Listener.stop, bills_a_hundred_seconds)
COMMANDS = (START, RENEW, RESUME, SAVE, STOP)
every_command = pytest.mark.parametrize("command", COMMANDS, ids=str)


@pytest.fixture(autouse=True)
def sdk_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))


def prepare(command: Command, engine: Engine, names: Names, attempts: int = 1) -> Listener:
    listener = Listener.on(engine, names, attempts=attempts)
    command.prepare(listener)
    return listener


def calls_of(command: Command, engine: Engine, names: Names) -> list[str]:
    """The calls of the command on a quiet day, whose answer is right."""
    listener = prepare(command, engine, names)
    listener.fault_injector.use_plan(no_faults)
    command.is_right(listener, command.act(listener))
    calls = list(listener.fault_injector.calls)
    listener.check_the_end(every_answer_came=True)
    return calls


def faults_of(call: str) -> tuple[Fault, ...]:
    """Those that differ for this call: only a transaction is cancelled, and a provider knows two kinds."""
    if call == "CreateToken":
        return (Fault.UNSENT, Fault.LOST)
    return TRANSIENT if call == "TransactWriteItems" else tuple(fault for fault in TRANSIENT if fault not in CANCELLED)


@pytest.mark.long
@pytest.mark.sampled(3)
@every_command
def test_any_fault_at_any_call_is_recovered_or_503(command: Command, engine: Engine, names: Names) -> None:
    for number, call in enumerate(calls_of(command, engine, names)):
        for fault in faults_of(call):
            try:
                lived_through(command, number, fault, engine, names)
            except BaseException as error:
                error.add_note(f"{fault} at call {number}, {call}")
                raise


def lived_through(command: Command, number: int, fault: Fault, engine: Engine, names: Names) -> None:
    listener = prepare(command, engine, names)
    listener.fault_injector.use_plan(fail_call(number, fault))
    failure: AppError | None = None
    try:
        command.is_right(listener, command.act(listener))
    except (UnavailableError, ProviderError) as error:
        failure = error
    if failure:
        is_the_providers = listener.fault_injector.calls[number] == "CreateToken"
        assert isinstance(failure, ProviderError) == is_the_providers
        assert "retry_after_seconds" in failure.details or is_the_providers
        listener.books().check()
        retry_until_answered(lambda: command.act(listener), listener.wait)
    listener.check_the_end()


@every_command
def test_the_sdks_own_retries_hide_one_fault_in_a_write(command: Command, engine: Engine, names: Names) -> None:
    for fault in (Fault.LOST, Fault.THROTTLED, Fault.CONFLICT):
        listener = prepare(command, engine, names, attempts=3)
        left = [fault]
        listener.fault_injector.use_plan(
            lambda _, call, left=left: left.pop() if call == "TransactWriteItems" and left else None
        )

        command.is_right(listener, command.act(listener))

        assert left == []
        listener.check_the_end(every_answer_came=True)


@every_command
def test_a_lasting_conflict_is_503_and_leaves_nothing_half_done(command: Command, engine: Engine, names: Names) -> None:
    """From each write on."""
    writes = [number for number, call in enumerate(calls_of(command, engine, names)) if call == "TransactWriteItems"]
    for number in writes:
        listener = prepare(command, engine, names)
        before = listener.books()
        listener.fault_injector.use_plan(
            lambda each, call, number=number: Fault.CONFLICT if each >= number and call in TABLE_CALLS else None
        )
        with pytest.raises(UnavailableError) as unavailable:
            command.act(listener)

        assert unavailable.value.details["retry_after_seconds"] > 0
        assert listener.fault_injector.calls.count("TransactWriteItems") >= CONFLICT_TRIES
        books = listener.books()
        books.check()
        assert (books == before) == (number == writes[0])
        listener.fault_injector.use_plan(no_faults)
        retry_until_answered(lambda listener=listener: command.act(listener), listener.wait)
        listener.check_the_end()


def test_an_outage_while_saving_costs_the_time_and_loses_no_words(engine: Engine, names: Names) -> None:
    """The database is away for a third of a lease; the socket needs it for nothing."""
    listener = Listener.on(engine, names)
    start_listening(listener)
    listener.fault_injector.use_plan(lambda *_: Fault.SERVER_ERROR)
    for _ in range(20):
        with pytest.raises(UnavailableError):
            listener.save()
        listener.wait(10)
    listener.fault_injector.use_plan(no_faults)

    assert listener.save().seconds_left == 300
    assert listener.stop().billed_seconds == 300
    listener.check_the_end(every_answer_came=True)


# Providers that are down


def down(listener: Listener, *numbers: int) -> None:
    for number in numbers:
        listener.providers[number].is_down = True


def test_a_start_that_every_provider_refuses_holds_nothing_and_can_be_retried(engine: Engine, names: Names) -> None:
    for has_second in (False, True):
        listener = Listener.on(engine, names, has_second=has_second)
        before = listener.books()
        down(listener, *range(1 + has_second))

        with pytest.raises(ProviderError) as refusal:
            listener.start()

        assert refusal.value.code == "provider_error"
        books = listener.books()
        assert (books.balance.available, books.balance.held, books.app) == (CREDITS, 0, before.app)
        listener.providers[0].is_down = False
        is_a_lease_of(600)(listener, listener.start())
        listener.check_the_end(every_answer_came=True)


def test_a_renewal_that_every_provider_refuses_bills_usage_and_can_be_retried(engine: Engine, names: Names) -> None:
    for has_second in (False, True):
        listener = Listener.on(engine, names, has_second=has_second)
        approach_lease_end(listener)
        down(listener, *range(1 + has_second))

        for _ in range(2):
            with pytest.raises(ProviderError):
                listener.renew()
            books = listener.books()
            assert (books.balance.held, books.balance.used, len(books.usage)) == (0, live_credits(545), 1)
        listener.save()
        listener.providers[0].is_down = False
        is_a_lease_of(581)(listener, listener.renew())
        listener.wait(10)
        assert listener.stop().billed_seconds == 555
        listener.check_the_end(every_answer_came=True)


def test_the_second_provider_takes_over_at_a_start_until_the_renewal(engine: Engine, names: Names) -> None:
    listener = Listener.on(engine, names, has_second=True)
    down(listener, 0)
    lease = listener.start()
    assert (lease.provider, lease.lease_seconds) == ("openai", 60)
    assert lease.lease_expires_at == rfc3339(listener.backend.clock() + 60)

    listener.providers[0].is_down = False
    listener.wait(50)
    following = listener.renew(interrupted=False)

    assert (following.provider, following.lease_seconds) == ("assemblyai", 596)
    listener.wait(50)
    assert listener.stop().billed_seconds == 100
    models = [use.model for entry in listener.books().usage for use in entry.uses]
    assert sorted(models) == ["assemblyai/universal-streaming-english", "openai/gpt-live-transcribe"]
    listener.check_the_end(every_answer_came=True)


def test_the_second_provider_takes_over_at_a_renewal(engine: Engine, names: Names) -> None:
    listener = Listener.on(engine, names, has_second=True)
    approach_lease_end(listener)
    down(listener, 0)

    following = listener.renew(interrupted=False)

    assert (following.provider, following.lease_seconds) == ("openai", 60)
    listener.wait(700)
    listener.sweep()
    assert listener.books().balance.used == live_credits(545 + 60)
    listener.check_the_end(every_answer_came=True)


def test_a_renewal_whose_response_was_lost_is_retried_by_its_key(engine: Engine, names: Names) -> None:
    """The lease was recorded, its answer went astray: the same key gets the same socket, another key a refusal."""
    listener = Listener.on(engine, names)
    approach_lease_end(listener)
    listener.fault_injector.use_plan(fail_call(3, Fault.LOST))
    with pytest.raises(UnavailableError):
        listener.renew(interrupted=False)
    assert listener.leases[1:] == []

    with pytest.raises(ConflictError):
        listener.renew(key="another", interrupted=False)
    following = listener.renew(interrupted=False)

    assert (following.token, len(listener.providers[0].socket_credentials)) == ("token-2", 2)
    listener.check_the_end(every_answer_came=True)
