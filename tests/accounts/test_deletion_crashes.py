"""Deleting an account under crashes and lost answers at every call to tables, files, queue, user pool and provider."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest

from chalicelib.accounts.deletion import DeletionRules
from chalicelib.errors import AppError
from tests.accounts.deletion_env import DeletionEnv
from tests.engines import Engine
from tests.fault_injection import Crash, Fault, at, no_faults

ALL_FAULTS = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST, Fault.UNSENT)


def filled(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()


def deleted(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.deletion.start(accounts_env.who)
    accounts_env.catchup_env.queue.sent.clear()


def without_holds(accounts_env: DeletionEnv) -> None:
    """The holds have ended; all else is there."""
    accounts_env.fill()
    accounts_env.recordings.is_slow = False
    accounts_env.catchup_env.worker.advance(accounts_env.left["running"])
    accounts_env.clock.forward(61)
    for name in ("relay", "direct"):
        accounts_env.catchup_env.backend.streaming.stop(accounts_env.who, accounts_env.left[name])
    accounts_env.deletion.start(accounts_env.who)
    accounts_env.catchup_env.queue.sent.clear()


def nearly_gone(accounts_env: DeletionEnv) -> None:
    """All was erased once, and the time of the last pass has come."""
    without_holds(accounts_env)
    accounts_env.deletion.advance(accounts_env.who.user_id)
    accounts_env.catchup_env.queue.sent.clear()
    accounts_env.clock.forward(DeletionRules().last_pass_after_seconds)


def begin(accounts_env: DeletionEnv) -> None:
    accounts_env.deletion.start(accounts_env.who)


def one_pass(accounts_env: DeletionEnv) -> None:
    accounts_env.deletion.advance(accounts_env.who.user_id)


COMMANDS: dict[str, tuple[Callable[[DeletionEnv], None], Callable[[DeletionEnv], None]]] = {
    "delete": (filled, begin),
    "a pass that ends holds": (deleted, one_pass),
    "a pass that erases": (without_holds, one_pass),
    "the last pass": (nearly_gone, one_pass),
    "the sweep": (deleted, lambda accounts_env: (accounts_env.clock.forward(61), accounts_env.deletion.sweep())[0]),
}


def test_a_crash_at_any_call_of_the_request_deletes_wholly_or_not_at_all(engine: Engine) -> None:
    assert with_faults("delete", (Fault.CRASH_AFTER, Fault.LOST), engine) == 4


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST])
@pytest.mark.parametrize("command", ["a pass that ends holds", "a pass that erases"])
def test_a_job_that_dies_one_call_later_each_time_comes_to_its_end(command: str, fault: Fault, engine: Engine) -> None:
    """Each time it begins anew on what the last one left. A soak lets each of them die once on a whole account."""
    prepare, act = COMMANDS[command]
    with engine.tables() as names:
        accounts_env = DeletionEnv.on(engine, names)
        prepare(accounts_env)
        number, died = 0, True
        while died:
            accounts_env.wire.under(at(number, fault))
            with suppress(Crash, AppError):
                act(accounts_env)
            number, died = number + 1, number < len(accounts_env.wire.calls)
        accounts_env.settle_down()
        accounts_env.check_gone()
        assert number > 6


@pytest.mark.soak
@pytest.mark.parametrize("command", COMMANDS)
def test_every_fault_at_every_call(command: str, engine: Engine, tally: Counter[str]) -> None:
    tally.update({"crash points in the erasing of accounts": with_faults(command, ALL_FAULTS, engine)})


def with_faults(command: str, faults: tuple[Fault, ...], engine: Engine) -> int:
    """Each fault at each call of the command in turn; how many."""
    calls = lived(command, None, engine)
    for number, _ in enumerate(calls):
        for fault in faults:
            try:
                lived(command, (number, fault), engine)
            except BaseException as error:
                error.add_note(f"{fault} at call {number}, {calls[number]}")
                raise
    return len(calls) * len(faults)


def lived(command: str, plan: tuple[int, Fault] | None, engine: Engine) -> list[str]:
    """The command with one fault, and the end of everything; the command's calls."""
    prepare, act = COMMANDS[command]
    with engine.tables() as names:
        accounts_env = DeletionEnv.on(engine, names)
        prepare(accounts_env)
        accounts_env.wire.under(at(*plan) if plan else no_faults)
        with suppress(Crash, AppError, ExceptionGroup):
            act(accounts_env)
        calls = list(accounts_env.wire.calls)
        accounts_env.wire.under(no_faults)
        if act is begin:
            with suppress(AppError):  # The client asks again: it is done now, or the account is gone already.
                begin(accounts_env)
        accounts_env.settle_down()
        accounts_env.check_gone()
    return calls
