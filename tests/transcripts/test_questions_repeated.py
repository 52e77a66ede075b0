"""The same question again, at once, after a failure and after a crash: paid once, and nothing held for ever."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import contract
from chalicelib.errors import (
    AppError,
    ConflictError,
    IdempotencyMismatchError,
    ProviderError,
    ProviderRefusedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    UnavailableError,
)
from chalicelib.models.accounts import Caller
from chalicelib.models.ledger import Hold
from chalicelib.repositories.questions import question_key
from chalicelib.repositories.table import Write
from chalicelib.transcripts.questions import KEPT_SECONDS, STALE_AFTER_SECONDS, SWEPT_AFTER_SECONDS
from tests.catchup.catchup_env import Desk
from tests.fault_injection import Crash
from tests.transcripts.test_questions import PRICE, a_session, ask, check_nothing_happened, spend


@pytest.fixture
def ada(desk: Desk) -> Caller:
    return desk.backend.person(200)


@pytest.fixture
def session_id(desk: Desk, ada: Caller) -> str:
    return a_session(desk, ada).session_id


def die() -> None:
    raise Crash


def die_while_answering(desk: Desk, caller: Caller, session_id: str) -> None:
    desk.text.script = [die]
    with pytest.raises(Crash):
        ask(desk, caller, "key", session_id=session_id)
    desk.text.tasks.clear()


# The same key


def test_the_same_question_again_is_the_same_answer_for_nothing(desk: Desk, ada: Caller, session_id: str) -> None:
    first = ask(desk, ada, "key", session_id=session_id)
    spend(desk, ada, 195)
    desk.backend.clock.forward(KEPT_SECONDS - 1)

    assert ask(desk, ada, "key", session_id=session_id) == first
    assert len(desk.text.tasks) == 1
    assert desk.backend.ledger.balance(ada.user_id).used == PRICE + 195


def test_another_body_under_the_same_key_is_refused(desk: Desk, ada: Caller, session_id: str) -> None:
    ask(desk, ada, "key", session_id=session_id)

    with pytest.raises(IdempotencyMismatchError):
        ask(desk, ada, "key", "another hash", session_id=session_id)

    assert len(desk.text.tasks) == 1


def test_after_a_day_the_key_may_be_used_anew(desk: Desk, ada: Caller, session_id: str) -> None:
    ask(desk, ada, "key", session_id=session_id)
    desk.backend.clock.forward(KEPT_SECONDS)

    again = ask(desk, ada, "key", "another hash", session_id=session_id)

    assert (again.credits_available, len(desk.text.tasks)) == (190, 2)
    assert ask(desk, ada, "key", "another hash", session_id=session_id) == again
    desk.backend.check_invariants(ada.user_id)


def test_while_it_is_being_answered_the_same_question_is_to_come_later(
    desk: Desk, ada: Caller, session_id: str
) -> None:
    refusals: list[AppError] = []

    def meanwhile() -> None:
        for body_hash, expected in (("hash", ConflictError), ("another hash", IdempotencyMismatchError)):
            desk.backend.clock.forward(1)
            with pytest.raises(expected) as refusal:
                ask(desk, ada, "key", body_hash, session_id=session_id)
            refusals.append(refusal.value)

    desk.text.script = [meanwhile]
    ask(desk, ada, "key", session_id=session_id)

    assert [refusal.details.get("retry_after_seconds") for refusal in refusals] == [2, None]
    assert len(desk.text.tasks) == 1
    assert desk.backend.ledger.balance(ada.user_id).available == 195


# A process that died


def test_a_dead_attempt_blocks_the_question_until_its_process_is_surely_gone(
    desk: Desk, ada: Caller, session_id: str
) -> None:
    die_while_answering(desk, ada, session_id)
    desk.backend.clock.forward(STALE_AFTER_SECONDS - 1)
    with pytest.raises(ConflictError) as refusal:
        ask(desk, ada, "key", session_id=session_id)
    desk.backend.clock.forward(1)

    answer = ask(desk, ada, "key", session_id=session_id)

    assert refusal.value.details == {"retry_after_seconds": 2}
    assert (answer.credits_used, answer.credits_available) == (PRICE, 195)
    assert desk.backend.open_holds(ada.user_id) == []
    assert desk.backend.ledger.balance(ada.user_id).used == PRICE
    desk.backend.clock.forward(1_000)
    assert desk.assistant.sweep() == 0
    assert ask(desk, ada, "key", session_id=session_id) == answer


def test_a_dead_attempt_that_holds_the_last_credits_may_be_asked_anew(desk: Desk, ada: Caller, session_id: str) -> None:
    spend(desk, ada, 200 - PRICE)
    die_while_answering(desk, ada, session_id)
    desk.backend.clock.forward(STALE_AFTER_SECONDS)

    assert ask(desk, ada, "key", session_id=session_id).credits_available == 0
    desk.backend.check_invariants(ada.user_id)


def test_another_body_does_not_take_over_a_dead_attempt(desk: Desk, ada: Caller, session_id: str) -> None:
    die_while_answering(desk, ada, session_id)
    desk.backend.clock.forward(STALE_AFTER_SECONDS)

    with pytest.raises(IdempotencyMismatchError):
        ask(desk, ada, "key", "another hash", session_id=session_id)


def test_an_attempt_that_was_taken_over_answers_nobody_and_charges_nothing(
    desk: Desk, ada: Caller, session_id: str
) -> None:
    """It was only slow: slower than a gateway lets anybody be."""
    answers: list[contract.AskAnswer] = []

    def another_takes_over() -> None:
        desk.backend.clock.forward(STALE_AFTER_SECONDS)
        answers.append(ask(desk, ada, "key", session_id=session_id))

    desk.text.script = [another_takes_over]
    with pytest.raises(UnavailableError, match="too long"):
        ask(desk, ada, "key", session_id=session_id)

    assert ask(desk, ada, "key", session_id=session_id) == answers[0]
    assert desk.backend.ledger.balance(ada.user_id).used == PRICE
    assert desk.backend.open_holds(ada.user_id) == []


def test_the_sweep_gives_back_what_a_dead_attempt_holds_and_forgets_the_question(
    desk: Desk, ada: Caller, session_id: str
) -> None:
    die_while_answering(desk, ada, session_id)
    desk.backend.clock.forward(SWEPT_AFTER_SECONDS - 1)
    assert desk.assistant.sweep() == 0
    assert desk.backend.ledger.balance(ada.user_id).held == PRICE
    desk.backend.clock.forward(1)

    assert desk.assistant.sweep() == 1
    assert desk.assistant.sweep() == 0
    check_nothing_happened(desk, ada)
    assert ask(desk, ada, "key", "another hash", session_id=session_id).credits_available == 195


def test_a_question_that_is_swept_while_it_is_answered_charges_nothing(
    desk: Desk, ada: Caller, session_id: str
) -> None:
    def sweep() -> None:
        desk.backend.clock.forward(SWEPT_AFTER_SECONDS)
        assert desk.assistant.sweep() == 1

    desk.text.script = [sweep]
    with pytest.raises(UnavailableError, match="too long"):
        ask(desk, ada, "key", session_id=session_id)

    check_nothing_happened(desk, ada)


def test_the_sweep_ends_a_hold_whose_question_is_gone(desk: Desk, ada: Caller, session_id: str) -> None:
    die_while_answering(desk, ada, session_id)
    desk.backend.tables.write(Write(question_key(ada.user_id, "key"), delete=True))
    desk.backend.clock.forward(SWEPT_AFTER_SECONDS)

    assert desk.assistant.sweep() == 1
    check_nothing_happened(desk, ada)


def test_a_hold_ends_without_touching_a_question_that_is_not_its_own(desk: Desk, ada: Caller, session_id: str) -> None:
    die_while_answering(desk, ada, session_id)
    key = question_key(ada.user_id, "key")
    desk.backend.tables.write(Write(key, put_in={"attempt": "another"}))
    desk.backend.clock.forward(SWEPT_AFTER_SECONDS)

    assert desk.assistant.sweep() == 1
    assert (desk.backend.tables.get(key) or {})["attempt"] == "another"
    assert desk.backend.open_holds(ada.user_id) == []


def test_an_answer_to_a_question_that_is_gone_is_not_charged(desk: Desk, ada: Caller, session_id: str) -> None:
    gone = Write(question_key(ada.user_id, "key"), delete=True)
    desk.text.script = [lambda: desk.backend.tables.write(gone)]

    with pytest.raises(UnavailableError, match="too long"):
        ask(desk, ada, "key", session_id=session_id)

    desk.backend.clock.forward(SWEPT_AFTER_SECONDS)
    assert desk.assistant.sweep() == 1
    check_nothing_happened(desk, ada)


def test_the_sweep_leaves_other_holds_alone_and_one_that_fails_keeps_no_other(
    desk: Desk, ada: Caller, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = desk.backend.person(200)
    die_while_answering(desk, ada, session_id)
    die_while_answering(desk, bob, a_session(desk, bob).session_id)
    other = Hold(ada.user_id, "other", 7, "stream", "s", desk.backend.clock())
    desk.backend.ledger.hold(ada, other, at=desk.backend.clock())
    release = desk.backend.ledger.release

    def broken_for_ada(hold: Hold, **rest: Any) -> None:
        if hold.user_id == ada.user_id:
            raise UnavailableError("The database did not answer.")
        release(hold, **rest)

    desk.backend.clock.forward(SWEPT_AFTER_SECONDS)
    monkeypatch.setattr(desk.backend.ledger, "release", broken_for_ada)
    with pytest.raises(ExceptionGroup, match="1 questions could not be ended, 1 were"):
        desk.assistant.sweep()
    monkeypatch.undo()

    assert desk.backend.open_holds(bob.user_id) == []
    assert desk.assistant.sweep() == 1
    assert [hold.hold_id for hold in desk.backend.open_holds(ada.user_id)] == ["other"]


# Providers that fail

FAILURES: dict[str, Exception | dict[str, object]] = {
    "an error": ProviderError("nonsense"),
    "a refusal": ProviderRefusedError("no"),
    "no answer": ProviderTimeoutError("too slow"),
    "out of quota": ProviderUnavailableError("later"),
    "a bug of ours": ValueError("a bug"),
    "no fields": {},
    "fields of another shape": {"answered": "yes", "answer": ["a"], "quotes": 5},
    "a summary": {"summary": "What was said.", "key_moments": []},
    "no numbers": {"answered": True, "answer": "a", "quotes": [{"line": "first"}]},
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_failure_costs_nothing_and_the_question_may_come_again_at_once(
    desk: Desk, ada: Caller, session_id: str, failure: Exception | dict[str, object]
) -> None:
    desk.text.script = [failure]

    with pytest.raises(type(failure) if isinstance(failure, Exception) else ProviderError):
        ask(desk, ada, "key", session_id=session_id)

    check_nothing_happened(desk, ada)
    assert ask(desk, ada, "key", "another hash", session_id=session_id).credits_available == 195


@pytest.mark.parametrize("second", [die, None])
def test_a_failure_whose_hold_cannot_be_given_back_is_left_to_the_sweep(
    desk: Desk, ada: Caller, session_id: str, second: Callable[[], None] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        if second:
            second()
        raise UnavailableError("The database did not answer.")

    desk.text.script = [ProviderRefusedError("no")]
    monkeypatch.setattr(desk.backend.ledger, "release", broken)
    with pytest.raises(Crash if second else ProviderRefusedError):
        ask(desk, ada, "key", session_id=session_id)
    monkeypatch.undo()

    assert desk.backend.ledger.balance(ada.user_id).held == PRICE
    desk.backend.clock.forward(SWEPT_AFTER_SECONDS)
    assert desk.assistant.sweep() == 1
    check_nothing_happened(desk, ada)
