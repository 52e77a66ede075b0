"""Deleting an account under crashes and lost answers at every call to tables, files, queue, user pool and provider."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest

from chalicelib.accounts.deletion import DeletionRules
from chalicelib.errors import AppError
from tests.accounts.deletion_env import DeletionEnv
from tests.engines import Engine
from tests.fault_injection import Crash, Fault, fail_call, no_faults

ALL_FAULTS = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST, Fault.UNSENT)


def prepare_account(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()


def prepare_deletion(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.deletion.start(accounts_env.caller)
    accounts_env.catchup_env.queue.sent.clear()


def prepare_without_holds(accounts_env: DeletionEnv) -> None:
    """Its holds have ended; everything else is stored."""
    accounts_env.fill()
    accounts_env.recordings.is_slow = False
    accounts_env.catchup_env.worker.advance(accounts_env.left["running"])
    accounts_env.clock.forward(61)
    for name in ("relay", "direct"):
        accounts_env.catchup_env.backend.streaming.stop(accounts_env.caller, accounts_env.left[name])
    accounts_env.deletion.start(accounts_env.caller)
    accounts_env.catchup_env.queue.sent.clear()


def prepare_last_pass(accounts_env: DeletionEnv) -> None:
    """Everything was erased once, and the last pass is due."""
    prepare_without_holds(accounts_env)
    accounts_env.deletion.advance(accounts_env.caller.user_id)
    accounts_env.catchup_env.queue.sent.clear()
    accounts_env.clock.forward(DeletionRules().last_pass_after_seconds)


def start_deletion(accounts_env: DeletionEnv) -> None:
    accounts_env.deletion.start(accounts_env.caller)


def run_pass(accounts_env: DeletionEnv) -> None:
    accounts_env.deletion.advance(accounts_env.caller.user_id)


COMMANDS: dict[str, tuple[Callable[[DeletionEnv], None], Callable[[DeletionEnv], None]]] = {
    "delete": (prepare_account, start_deletion),
    "a pass that ends holds": (prepare_deletion, run_pass),
    "a pass that erases": (prepare_without_holds, run_pass),
    "the last pass": (prepare_last_pass, run_pass),
    "the sweep": (
        prepare_deletion,
        lambda accounts_env: (accounts_env.clock.forward(61), accounts_env.deletion.sweep())[0],
    ),
}


@pytest.mark.long
def test_a_crash_during_the_request_deletes_all_or_nothing(engine: Engine) -> None:
    assert run_with_faults("delete", (Fault.CRASH_AFTER, Fault.LOST), engine) == 4


@pytest.mark.long
@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST])
@pytest.mark.parametrize("command", ["a pass that ends holds", "a pass that erases"])
def test_a_job_that_fails_one_call_later_each_time_completes(command: str, fault: Fault, engine: Engine) -> None:
    """Each run continues with what the last one left. A soak run crashes each call once on a complete account."""
    prepare, act = COMMANDS[command]
    with engine.tables() as names:
        accounts_env = DeletionEnv.on(engine, names)
        prepare(accounts_env)
        number, died = 0, True
        while died:
            accounts_env.fault_injector.use_plan(fail_call(number, fault))
            with suppress(Crash, AppError):
                act(accounts_env)
            number, died = number + 1, number < len(accounts_env.fault_injector.calls)
        accounts_env.settle_down()
        accounts_env.check_gone()
        assert number > 6


@pytest.mark.soak
@pytest.mark.parametrize("command", COMMANDS)
def test_every_fault_at_every_call(command: str, engine: Engine, soak_counts: Counter[str]) -> None:
    soak_counts.update({"crash points in the erasing of accounts": run_with_faults(command, ALL_FAULTS, engine)})


def run_with_faults(command: str, faults: tuple[Fault, ...], engine: Engine) -> int:
    """Inject each fault at each call of the command in turn; return how many."""
    calls = run_with_fault(command, None, engine)
    for number, _ in enumerate(calls):
        for fault in faults:
            try:
                run_with_fault(command, (number, fault), engine)
            except BaseException as error:
                error.add_note(f"{fault} at call {number}, {calls[number]}")
                raise
    return len(calls) * len(faults)


def run_with_fault(command: str, plan: tuple[int, Fault] | None, engine: Engine) -> list[str]:
    """Run the command with one fault, then complete the deletion; return the command's calls."""
    prepare, act = COMMANDS[command]
    with engine.tables() as names:
        accounts_env = DeletionEnv.on(engine, names)
        prepare(accounts_env)
        accounts_env.fault_injector.use_plan(fail_call(*plan) if plan else no_faults)
        with suppress(Crash, AppError, ExceptionGroup):
            act(accounts_env)
        calls = list(accounts_env.fault_injector.calls)
        accounts_env.fault_injector.use_plan(no_faults)
        if act is start_deletion:
            with suppress(AppError):  # The client retries: it succeeds now, or the account is already deleted.
                start_deletion(accounts_env)
        accounts_env.settle_down()
        accounts_env.check_gone()
    return calls
