"""The driver of interleavings: a second act, whole, before each call of a first act in turn, or before one of them."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from tests.fault_injection import FaultInjector, no_faults


class HasFaultInjector(Protocol):
    """An environment whose calls to DynamoDB and the providers pass through one fault injector."""

    fault_injector: FaultInjector


Env = TypeVar("Env", bound=HasFaultInjector)


def interleave(
    new_env: Callable[[], Env],
    first: Callable[[Env], object],
    second: Callable[[Env], object],
    check: Callable[[Env], object],
    label: str,
    *,
    clean_up: Callable[[Env], object] = lambda _: None,
) -> int:
    """Run `second` before each call of `first` in turn, each time in a new environment, then `check`.

    `clean_up` ends the last environment, in which `first` made fewer calls. Returns how many calls `first` makes.
    """
    call_number = 0
    while True:
        env = new_env()
        try:
            if not interrupt(env, first, second, at=call_number):
                clean_up(env)
                return call_number
            check(env)
        except BaseException as error:
            calls = env.fault_injector.calls
            error.add_note(f"{label}: the second act before call {call_number} of the first, of {calls}")
            raise
        call_number += 1


def interrupt(env: Env, first: Callable[[Env], object], second: Callable[[Env], object], *, at: int | str) -> bool:
    """Run `second` once, before one call of `first`; return whether there was such a call.

    `at`: the number of the call, or an operation, whose first call is meant.
    """
    is_interrupted = False

    def plan(number: int, operation: str) -> None:
        nonlocal is_interrupted
        if at in (number, operation) and not is_interrupted:
            is_interrupted = True
            second(env)

    env.fault_injector.use_plan(plan)
    first(env)
    env.fault_injector.use_plan(no_faults)
    return is_interrupted
