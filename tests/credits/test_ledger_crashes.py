"""A process may die before and after every call it makes, and any answer may be lost: nothing is lost, doubled, stuck.

Each history is one client command with the fault at one of its calls, what the client does next, and the end of the
lease. `make test` goes through every point; the soak also through every pair of a point in the command and one in what
follows, and through every kind of fault.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import count

import pytest

from chalicelib.errors import AppError
from tests.credits.commands import COMMANDS, Command
from tests.credits.money_env import World, done_chunks, use_up
from tests.engines import Engine
from tests.fault_injection import CRASHES, OUTAGES, Crash, Fault, Plan, fail_call, no_faults, retry_until_answered

Names = tuple[str, str]
every_command = pytest.mark.parametrize("command", COMMANDS, ids=str)


@pytest.mark.sampled(6)
@every_command
def test_a_crash_at_any_call_loses_doubles_and_blocks_nothing(command: Command, engine: Engine, names: Names) -> None:
    calls = quiet_calls(command, engine, names)
    # A crash before any other call is the crash after the one before it.
    for number, fault in [(0, Fault.CRASH_BEFORE), *crash_points(calls, (Fault.CRASH_AFTER, Fault.LOST))]:
        with_note(f"{fault}, call {number}", command, fail_call(number, fault), engine, names)


@pytest.mark.sampled(6)
@every_command
def test_a_client_that_never_comes_back_leaves_no_open_hold(command: Command, engine: Engine, names: Names) -> None:
    for number, fault in crash_points(quiet_calls(command, engine, names), (Fault.CRASH_AFTER,)):
        world = World.on(engine, names)
        command.prepare(world)
        world.fault_injector.use_plan(fail_call(number, fault))
        with suppress(Crash, AppError):
            command.act(world)

        world.check_the_end()


@pytest.mark.soak
@every_command
def test_two_faults_in_a_row_lose_double_and_block_nothing(
    command: Command, engine: Engine, names: Names, tally: Counter[str]
) -> None:
    calls = quiet_calls(command, engine, names)
    for number, fault in crash_points(calls, (*CRASHES, *OUTAGES)):
        tally["crash points"] += 1
        tally["operations"] += with_note(
            f"{fault}, call {number}", command, fail_call(number, fault), engine, names
        ).operations
    for number, fault in crash_points(calls, (Fault.CRASH_AFTER, Fault.LOST)):
        for later in count(number + 1):
            plan = {number: fault, later: fault}
            world = with_note(f"{plan}", command, lambda n, _, plan=plan: plan.get(n), engine, names)
            tally.update({"pairs of crash points": 1, "operations": world.operations})
            if world.calls_under_plan <= later:
                break


def quiet_calls(command: Command, engine: Engine, names: Names) -> list[str]:
    """The boundary calls of the command on a quiet day."""
    world = World.on(engine, names)
    command.prepare(world)
    world.fault_injector.use_plan(no_faults)
    with suppress(AppError):
        command.act(world)
    calls = world.fault_injector.calls
    world.check_the_end()
    return calls


def crash_points(calls: list[str], faults: tuple[Fault, ...]) -> Iterator[tuple[int, Fault]]:
    """Every call with every fault; of a row of equal reads, where nothing differs, the first and the last."""
    for number, call in enumerate(calls):
        if not (call == "Query" and calls[number - 1 : number + 2] == [call] * 3):
            yield from ((number, fault) for fault in faults)


def with_note(note: str, command: Command, plan: Plan, engine: Engine, names: Names) -> World:
    try:
        return live_through(command, plan, engine, names)
    except BaseException as error:
        error.add_note(note)
        raise


def live_through(command: Command, plan: Plan, engine: Engine, names: Names) -> World:
    """The command under the plan by a client that tries until it has its answer, and what comes after."""
    world = World.on(engine, names)
    command.prepare(world)
    world.fault_injector.use_plan(plan)

    retry_until_answered(lambda: command.act(world), world.wait)

    world.calls_under_plan = len(world.fault_injector.calls)
    world.fault_injector.use_plan(no_faults)
    books = world.books()
    assert set(command.chunks) <= done_chunks(books).keys(), "a chunk was lost"
    if f"SESSION#{world.session_id}" in books.app:
        use_up(world)
    world.check_the_end()
    return world
