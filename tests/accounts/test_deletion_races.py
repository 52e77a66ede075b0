"""Deleting an account beside everything that may happen to it at the same moment: the books stay right, all goes."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from chalicelib import contract
from chalicelib.errors import AppError
from chalicelib.payments.purchase_state import Payment
from tests.accounts.accounts_env import at_once
from tests.accounts.deletion_env import MARKER, DeletionEnv, Names
from tests.engines import Engine
from tests.fault_injection import no_faults

Act = Callable[[DeletionEnv], object]
SAID = [contract.Segment(7, 0, 9, f"late {MARKER}")]
OTHERS: dict[str, Act] = {
    "a save": lambda h: h.catchup_env.backend.streaming.save(h.who, h.left["direct"], SAID),
    "a renewal": lambda h: h.catchup_env.backend.streaming.renew(h.who, h.left["direct"], interrupted=True),
    "a stop": lambda h: h.catchup_env.backend.streaming.stop(h.who, h.left["relay"]),
    "a chunk": lambda h: h.catchup_env.backend.send(h.who, h.left["relay"], 3),
    "a start": lambda h: h.catchup_env.backend.start(h.who, title=MARKER, transport="direct"),
    "the sweep of streams": lambda h: h.catchup_env.backend.streaming.sweep(),
    "a catch-up": lambda h: h.catchup_env.start(h.who, audio_url=f"https://{MARKER}.com/b.mp3", to_ms=60_000),
    "a worker of a catch-up": lambda h: h.catchup_env.worker.advance(h.left["running"]),
    "a webhook of a catch-up": lambda h: h.catchup_env.webhook(h.left["running"], "transcript-2"),
    "a question": lambda h: h.catchup_env.ask(h.who, transcript_id=h.left["transcript"]),
    "a transcript's deletion": lambda h: h.catchup_env.backend.history.delete(h.who, h.left["transcript"]),
    "the sweep of deleted transcripts": lambda h: h.catchup_env.backend.history.delete_marked_segments(),
    "a purchase": lambda h: h.payments_env.buy(h.who),
    "a payment": lambda h: h.payments_env.hears(h.left["paid"], Payment.PAID),
    "an export": lambda h: (h.exports.start(h.who), h.exports.advance(h.who.user_id)),
    "another deletion": lambda h: h.erasures.begin(h.who),
    "another pass": lambda h: h.erasures.advance(h.who.user_id),
}


@pytest.fixture
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


def deletion(accounts_env: DeletionEnv) -> None:
    accounts_env.erasures.begin(accounts_env.who)
    accounts_env.erasures.advance(accounts_env.who.user_id)


@pytest.mark.sampled(7)
@pytest.mark.parametrize("other", OTHERS)
def test_a_deletion_between_what_something_else_read_and_what_it_writes(other: str, engine: Engine) -> None:
    """The account is deleted, and passed over once, before the second call that the other makes."""
    interrupted(other, 1, engine)


@pytest.mark.soak
@pytest.mark.parametrize("other", OTHERS)
def test_a_deletion_at_every_call_of_something_else(other: str, engine: Engine, tally: Counter[str]) -> None:
    calls = interrupted(other, None, engine)
    for number in range(len(calls)):
        try:
            interrupted(other, number, engine)
        except BaseException as error:
            error.add_note(f"deleted before call {number}, {calls[number]}")
            raise
    tally.update({"deletions between two calls of something else": len(calls)})


def interrupted(other: str, before: int | None, engine: Engine) -> list[str]:
    with engine.tables() as names:
        return between(DeletionEnv.on(engine, names), OTHERS[other], before)


def between(accounts_env: DeletionEnv, other: Act, before: int | None) -> list[str]:
    accounts_env.fill()
    done: list[bool] = []

    def plan(number: int, _: str) -> None:
        if number == before and not done:
            done.append(True)
            with suppress(AppError):
                deletion(accounts_env)

    accounts_env.wire.under(plan)
    with suppress(AppError, ExceptionGroup):
        other(accounts_env)
    calls = list(accounts_env.wire.calls)
    accounts_env.wire.under(no_faults)
    if not done:
        with suppress(AppError):
            accounts_env.erasures.begin(accounts_env.who)
    accounts_env.settle_down()
    accounts_env.check_gone()
    return calls


@pytest.mark.soak
@pytest.mark.parametrize("other", OTHERS)
def test_a_deletion_beside_something_else_in_another_thread(other: str, engine: Engine, names: Names) -> None:
    accounts_env = DeletionEnv.on(engine, names)
    accounts_env.fill()
    acts = iter((deletion, OTHERS[other]))

    def act() -> None:
        mine = next(acts)
        with suppress(AppError, ExceptionGroup):
            mine(accounts_env)

    at_once(2, act)

    accounts_env.settle_down()
    accounts_env.check_gone()
