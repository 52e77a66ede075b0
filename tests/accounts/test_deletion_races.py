"""Deleting an account while other tasks work on it: the accounting stays correct, everything else is erased."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from chalicelib import contract
from chalicelib.errors import AppError
from chalicelib.models.purchase_facts import PaymentState
from tests.accounts.accounts_env import at_once
from tests.accounts.deletion_env import MARKER, DeletionEnv, Names
from tests.engines import Engine
from tests.fault_injection import no_faults

Act = Callable[[DeletionEnv], object]
SEGMENTS = [contract.SegmentInput(seq=7, start_ms=0, end_ms=9, text=f"late {MARKER}")]
OTHERS: dict[str, Act] = {
    "a save": lambda h: h.catchup_env.backend.streaming.save(h.caller, h.left["direct"], SEGMENTS),
    "a renewal": lambda h: h.catchup_env.backend.streaming.renew(h.caller, h.left["direct"], interrupted=True),
    "a stop": lambda h: h.catchup_env.backend.streaming.stop(h.caller, h.left["relay"]),
    "a chunk": lambda h: h.catchup_env.backend.send(h.caller, h.left["relay"], 3),
    "a start": lambda h: h.catchup_env.backend.start(h.caller, title=MARKER, transport="direct"),
    "the sweep of streams": lambda h: h.catchup_env.backend.streaming.sweep(),
    "a catch-up": lambda h: h.catchup_env.start(h.caller, audio_url=f"https://{MARKER}.com/b.mp3", to_ms=60_000),
    "a worker of a catch-up": lambda h: h.catchup_env.worker.advance(h.left["running"]),
    "a webhook of a catch-up": lambda h: h.catchup_env.webhook(h.left["running"], "transcript-2"),
    "a question": lambda h: h.catchup_env.ask(h.caller, transcript_id=h.left["transcript"]),
    "a transcript's deletion": lambda h: h.catchup_env.backend.history.delete(h.caller, h.left["transcript"]),
    "the sweep of deleted transcripts": lambda h: h.catchup_env.backend.history.delete_marked_segments(),
    "a purchase": lambda h: h.payments_env.buy(h.caller),
    "a payment": lambda h: h.payments_env.receive_fact(h.left["paid"], PaymentState.PAID),
    "an export": lambda h: (h.exports.start(h.caller), h.exports.advance(h.caller.user_id)),
    "another deletion": lambda h: h.deletion.start(h.caller),
    "another pass": lambda h: h.deletion.advance(h.caller.user_id),
}


@pytest.fixture
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


def delete_account(accounts_env: DeletionEnv) -> None:
    accounts_env.deletion.start(accounts_env.caller)
    accounts_env.deletion.advance(accounts_env.caller.user_id)


@pytest.mark.long
@pytest.mark.sampled(7)
@pytest.mark.parametrize("other", OTHERS)
def test_an_account_can_be_deleted_between_another_tasks_read_and_write(other: str, engine: Engine) -> None:
    """The account is deleted, and one pass is made, before the second call of the other task."""
    run_with_deletion(other, 1, engine)


@pytest.mark.soak
@pytest.mark.parametrize("other", OTHERS)
def test_an_account_can_be_deleted_at_every_call_of_another_task(
    other: str, engine: Engine, soak_counts: Counter[str]
) -> None:
    calls = run_with_deletion(other, None, engine)
    for number in range(len(calls)):
        try:
            run_with_deletion(other, number, engine)
        except BaseException as error:
            error.add_note(f"deleted before call {number}, {calls[number]}")
            raise
    soak_counts.update({"deletions between two calls of something else": len(calls)})


def run_with_deletion(other: str, before: int | None, engine: Engine) -> list[str]:
    with engine.tables() as names:
        return delete_before_call(DeletionEnv.on(engine, names), OTHERS[other], before)


def delete_before_call(accounts_env: DeletionEnv, other: Act, before: int | None) -> list[str]:
    accounts_env.fill()
    done: list[bool] = []

    def plan(number: int, _: str) -> None:
        if number == before and not done:
            done.append(True)
            with suppress(AppError):
                delete_account(accounts_env)

    accounts_env.fault_injector.use_plan(plan)
    with suppress(AppError, ExceptionGroup):
        other(accounts_env)
    calls = list(accounts_env.fault_injector.calls)
    accounts_env.fault_injector.use_plan(no_faults)
    if not done:
        with suppress(AppError):
            accounts_env.deletion.start(accounts_env.caller)
    accounts_env.settle_down()
    accounts_env.check_gone()
    return calls


@pytest.mark.soak
@pytest.mark.parametrize("other", OTHERS)
def test_an_account_can_be_deleted_while_another_thread_works_on_it(other: str, engine: Engine, names: Names) -> None:
    accounts_env = DeletionEnv.on(engine, names)
    accounts_env.fill()
    acts = iter((delete_account, OTHERS[other]))

    def act() -> None:
        task = next(acts)
        with suppress(AppError, ExceptionGroup):
            task(accounts_env)

    at_once(2, act)

    accounts_env.settle_down()
    accounts_env.check_gone()
