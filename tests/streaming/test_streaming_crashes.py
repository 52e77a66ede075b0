"""Direct leases under crashes and lost answers at every call to the tables and the provider."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from chalicelib.errors import AppError
from tests.engines import Engine
from tests.fault_injection import Crash, Fault, fail_call, no_faults, retry_until_answered
from tests.streaming.listener import (
    Listener,
    Names,
    abandon_while_opening,
    do_nothing,
    let_lease_expire,
    let_session_lapse,
    start_listening,
)


def with_a_broken_provider(listener: Listener) -> None:
    start_listening(listener)
    listener.providers[0].is_down = True


def crash_then_recover(act: Callable[[Listener], object]) -> Callable[[Listener], None]:
    """The provider comes back while the client tries again."""

    def act_and_repair(listener: Listener) -> None:
        try:
            act(listener)
        finally:
            if "CreateToken" in listener.fault_injector.calls:
                listener.providers[0].is_down = False

    return act_and_repair


COMMANDS: dict[str, tuple[Callable[[Listener], None], Callable[[Listener], None]]] = {
    "start": (do_nothing, Listener.start),
    "renew": (start_listening, Listener.renew),
    "renew after a lapse": (let_session_lapse, Listener.renew),
    "renew while the provider is down": (with_a_broken_provider, crash_then_recover(Listener.renew)),
    "save": (start_listening, Listener.save),
    "stop": (start_listening, Listener.stop),
    "sweep a running lease": (let_lease_expire, Listener.sweep),
    "sweep one whose token never came": (abandon_while_opening, Listener.sweep),
}


@pytest.mark.long
@pytest.mark.sampled(4)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_crash_at_any_call_loses_nothing_doubles_nothing_blocks_nothing(
    command: str, engine: Engine, names: Names
) -> None:
    calls = run_to_the_end(command, None, engine, names)
    for number, _ in enumerate(calls):
        for fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST):
            try:
                run_to_the_end(command, (number, fault), engine, names)
            except BaseException as error:
                error.add_note(f"{fault} at call {number}, {calls[number]}")
                raise


@pytest.mark.sampled(4)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_client_that_never_returns_leaves_nothing_open(command: str, engine: Engine, names: Names) -> None:
    for number, _ in enumerate(run_to_the_end(command, None, engine, names)):
        run_to_the_end(command, (number, Fault.CRASH_AFTER), engine, names, comes_back=False)


def run_to_the_end(
    command: str, plan: tuple[int, Fault] | None, engine: Engine, names: Names, comes_back: bool = True
) -> list[str]:
    """The command with one fault, what the client does then, and the end of everything; its calls."""
    prepare, act = COMMANDS[command]
    listener = Listener.on(engine, names)
    prepare(listener)
    listener.fault_injector.use_plan(fail_call(*plan) if plan else no_faults)
    if comes_back:
        retry_until_answered(lambda: act(listener), listener.wait)
    else:
        with suppress(Crash, AppError):
            act(listener)
    calls = list(listener.fault_injector.calls)
    listener.check_the_end()
    return calls
