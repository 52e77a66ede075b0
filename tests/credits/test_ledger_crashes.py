"""A process may die before or after each call, and each response may be lost: nothing is lost, doubled or stuck.

Each history is one client command with a fault at one of its calls, what the client does next, and the end of the
lease. `make test` tries every call; the soak also tries every pair of a call in the command and one after it, and
every kind of fault.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import count

import pytest

from chalicelib.errors import AppError
from tests.credits.commands import COMMANDS, Command
from tests.credits.money_env import MoneyEnv, done_chunks, use_up
from tests.engines import Engine
from tests.fault_injection import CRASHES, OUTAGES, Crash, Fault, Plan, fail_call, no_faults, retry_until_answered

Names = tuple[str, str]
every_command = pytest.mark.parametrize("command", COMMANDS, ids=str)


@pytest.mark.long
@pytest.mark.sampled(6)
@every_command
def test_a_crash_at_any_call_loses_doubles_and_blocks_nothing(command: Command, engine: Engine, names: Names) -> None:
    calls = calls_without_faults(command, engine, names)
    # A crash before any other call is the crash after the one before it.
    for number, fault in [(0, Fault.CRASH_BEFORE), *crash_points(calls, (Fault.CRASH_AFTER, Fault.LOST))]:
        run_with_note(f"{fault}, call {number}", command, fail_call(number, fault), engine, names)


@pytest.mark.sampled(6)
@every_command
def test_a_client_that_never_returns_leaves_no_open_hold(command: Command, engine: Engine, names: Names) -> None:
    for number, fault in crash_points(calls_without_faults(command, engine, names), (Fault.CRASH_AFTER,)):
        money_env = MoneyEnv.on(engine, names)
        command.prepare(money_env)
        money_env.fault_injector.use_plan(fail_call(number, fault))
        with suppress(Crash, AppError):
            command.act(money_env)

        money_env.check_the_end()


@pytest.mark.soak
@every_command
def test_two_faults_in_a_row_lose_double_and_block_nothing(
    command: Command, engine: Engine, names: Names, soak_counts: Counter[str]
) -> None:
    calls = calls_without_faults(command, engine, names)
    for number, fault in crash_points(calls, (*CRASHES, *OUTAGES)):
        soak_counts["crash points"] += 1
        soak_counts["operations"] += run_with_note(
            f"{fault}, call {number}", command, fail_call(number, fault), engine, names
        ).operations
    for number, fault in crash_points(calls, (Fault.CRASH_AFTER, Fault.LOST)):
        for later in count(number + 1):
            plan = {number: fault, later: fault}
            money_env = run_with_note(f"{plan}", command, lambda n, _, plan=plan: plan.get(n), engine, names)
            soak_counts.update({"pairs of crash points": 1, "operations": money_env.operations})
            if money_env.calls_under_plan <= later:
                break


def calls_without_faults(command: Command, engine: Engine, names: Names) -> list[str]:
    """The calls that the command makes without faults."""
    money_env = MoneyEnv.on(engine, names)
    command.prepare(money_env)
    money_env.fault_injector.use_plan(no_faults)
    with suppress(AppError):
        command.act(money_env)
    calls = money_env.fault_injector.calls
    money_env.check_the_end()
    return calls


def crash_points(calls: list[str], faults: tuple[Fault, ...]) -> Iterator[tuple[int, Fault]]:
    """Every call with every fault; of several equal reads in a row only the first and the last."""
    for number, call in enumerate(calls):
        if not (call == "Query" and calls[number - 1 : number + 2] == [call] * 3):
            yield from ((number, fault) for fault in faults)


def run_with_note(note: str, command: Command, plan: Plan, engine: Engine, names: Names) -> MoneyEnv:
    try:
        return run_command(command, plan, engine, names)
    except BaseException as error:
        error.add_note(note)
        raise


def run_command(command: Command, plan: Plan, engine: Engine, names: Names) -> MoneyEnv:
    """Run the command under the plan, retried until it has a response, then what follows it."""
    money_env = MoneyEnv.on(engine, names)
    command.prepare(money_env)
    money_env.fault_injector.use_plan(plan)

    retry_until_answered(lambda: command.act(money_env), money_env.wait)

    money_env.calls_under_plan = len(money_env.fault_injector.calls)
    money_env.fault_injector.use_plan(no_faults)
    books = money_env.books()
    assert set(command.chunks) <= done_chunks(books).keys(), "a chunk was lost"
    if f"SESSION#{money_env.session_id}" in books.app:
        use_up(money_env)
    money_env.check_the_end()
    return money_env
