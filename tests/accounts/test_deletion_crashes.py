"""Deleting an account under crashes and lost answers at every call to tables, files, queue, user pool and provider."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest

from chalicelib.accounts.deletion import ErasureRules
from chalicelib.errors import AppError
from tests.accounts.deletion_env import Household
from tests.engines import Engine
from tests.fault_injection import Crash, Fault, at, no_faults

ALL_FAULTS = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST, Fault.UNSENT)


def filled(house: Household) -> None:
    house.fill()


def deleted(house: Household) -> None:
    house.fill()
    house.erasures.begin(house.who)
    house.desk.queue.sent.clear()


def without_holds(house: Household) -> None:
    """The holds have ended; all else is there."""
    house.fill()
    house.recordings.is_slow = False
    house.desk.worker.advance(house.left["running"])
    house.clock.forward(61)
    for name in ("relay", "direct"):
        house.desk.backend.streaming.stop(house.who, house.left[name])
    house.erasures.begin(house.who)
    house.desk.queue.sent.clear()


def nearly_gone(house: Household) -> None:
    """All was erased once, and the time of the last pass has come."""
    without_holds(house)
    house.erasures.advance(house.who.user_id)
    house.desk.queue.sent.clear()
    house.clock.forward(ErasureRules().last_pass_after_seconds)


def begin(house: Household) -> None:
    house.erasures.begin(house.who)


def one_pass(house: Household) -> None:
    house.erasures.advance(house.who.user_id)


COMMANDS: dict[str, tuple[Callable[[Household], None], Callable[[Household], None]]] = {
    "delete": (filled, begin),
    "a pass that ends holds": (deleted, one_pass),
    "a pass that erases": (without_holds, one_pass),
    "the last pass": (nearly_gone, one_pass),
    "the sweep": (deleted, lambda house: (house.clock.forward(61), house.erasures.sweep())[0]),
}


def test_a_crash_at_any_call_of_the_request_deletes_wholly_or_not_at_all(engine: Engine) -> None:
    assert with_faults("delete", (Fault.CRASH_AFTER, Fault.LOST), engine) == 4


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST])
@pytest.mark.parametrize("command", ["a pass that ends holds", "a pass that erases"])
def test_a_job_that_dies_one_call_later_each_time_comes_to_its_end(command: str, fault: Fault, engine: Engine) -> None:
    """Each time it begins anew on what the last one left. A soak lets each of them die once on a whole account."""
    prepare, act = COMMANDS[command]
    with engine.tables() as names:
        house = Household.on(engine, names)
        prepare(house)
        number, died = 0, True
        while died:
            house.wire.under(at(number, fault))
            with suppress(Crash, AppError):
                act(house)
            number, died = number + 1, number < len(house.wire.calls)
        house.settle_down()
        house.check_gone()
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
        house = Household.on(engine, names)
        prepare(house)
        house.wire.under(at(*plan) if plan else no_faults)
        with suppress(Crash, AppError, ExceptionGroup):
            act(house)
        calls = list(house.wire.calls)
        house.wire.under(no_faults)
        if act is begin:
            with suppress(AppError):  # The client asks again: it is done now, or the account is gone already.
                begin(house)
        house.settle_down()
        house.check_gone()
    return calls
