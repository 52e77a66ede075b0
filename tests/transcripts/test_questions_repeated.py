"""Repeated questions, at once, after a failure and after a crash: paid once, and no hold is left."""

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
from chalicelib.transcripts.questions import RETENTION_SECONDS, STALE_AFTER_SECONDS, SWEEP_AFTER_SECONDS
from tests.catchup.catchup_env import CatchupEnv
from tests.fault_injection import Crash
from tests.transcripts.test_questions import (
    PRICE,
    ask,
    check_nothing_happened,
    check_only_our_cost,
    save_session,
    spend,
)


@pytest.fixture
def ada(catchup_env: CatchupEnv) -> Caller:
    return catchup_env.backend.person(200)


@pytest.fixture
def session_id(catchup_env: CatchupEnv, ada: Caller) -> str:
    return save_session(catchup_env, ada).session_id


def crash() -> None:
    raise Crash


def crash_while_answering(catchup_env: CatchupEnv, caller: Caller, session_id: str) -> None:
    catchup_env.text.script = [crash]
    with pytest.raises(Crash):
        ask(catchup_env, caller, "key", session_id=session_id)
    catchup_env.text.tasks.clear()


# The same key


def test_repeating_a_question_returns_the_same_answer_for_free(
    catchup_env: CatchupEnv, ada: Caller, session_id: str
) -> None:
    first = ask(catchup_env, ada, "key", session_id=session_id)
    spend(catchup_env, ada, 200 - PRICE)
    catchup_env.backend.clock.forward(RETENTION_SECONDS - 1)

    assert ask(catchup_env, ada, "key", session_id=session_id) == first
    assert len(catchup_env.text.tasks) == 1
    assert catchup_env.backend.ledger.balance(ada.user_id).used == 200


def test_another_body_under_the_same_key_is_refused(catchup_env: CatchupEnv, ada: Caller, session_id: str) -> None:
    ask(catchup_env, ada, "key", session_id=session_id)

    with pytest.raises(IdempotencyMismatchError):
        ask(catchup_env, ada, "key", "another hash", session_id=session_id)

    assert len(catchup_env.text.tasks) == 1


def test_after_a_day_the_key_can_be_used_again(catchup_env: CatchupEnv, ada: Caller, session_id: str) -> None:
    ask(catchup_env, ada, "key", session_id=session_id)
    catchup_env.backend.clock.forward(RETENTION_SECONDS)

    again = ask(catchup_env, ada, "key", "another hash", session_id=session_id)

    assert (again.credits_available, len(catchup_env.text.tasks)) == (200 - 2 * PRICE, 2)
    assert ask(catchup_env, ada, "key", "another hash", session_id=session_id) == again
    catchup_env.backend.check_invariants(ada.user_id)


def test_a_question_that_is_being_answered_is_a_conflict(catchup_env: CatchupEnv, ada: Caller, session_id: str) -> None:
    refusals: list[AppError] = []

    def repeat_question() -> None:
        for body_hash, expected in (("hash", ConflictError), ("another hash", IdempotencyMismatchError)):
            catchup_env.backend.clock.forward(1)
            with pytest.raises(expected) as refusal:
                ask(catchup_env, ada, "key", body_hash, session_id=session_id)
            refusals.append(refusal.value)

    catchup_env.text.script = [repeat_question]
    ask(catchup_env, ada, "key", session_id=session_id)

    assert [refusal.details.get("retry_after_seconds") for refusal in refusals] == [2, None]
    assert len(catchup_env.text.tasks) == 1
    assert catchup_env.backend.ledger.balance(ada.user_id).available == 200 - PRICE


# Crashed processes


def test_a_crashed_attempt_blocks_the_question_until_its_process_has_ended(
    catchup_env: CatchupEnv, ada: Caller, session_id: str
) -> None:
    crash_while_answering(catchup_env, ada, session_id)
    catchup_env.backend.clock.forward(STALE_AFTER_SECONDS - 1)
    with pytest.raises(ConflictError) as refusal:
        ask(catchup_env, ada, "key", session_id=session_id)
    catchup_env.backend.clock.forward(1)

    answer = ask(catchup_env, ada, "key", session_id=session_id)

    assert refusal.value.details == {"reason": "still_running", "retry_after_seconds": 2}
    assert (answer.credits_used, answer.credits_available) == (PRICE, 200 - PRICE)
    assert catchup_env.backend.open_holds(ada.user_id) == []
    assert catchup_env.backend.ledger.balance(ada.user_id).used == PRICE
    catchup_env.backend.clock.forward(1_000)
    assert catchup_env.questions.sweep() == 0
    assert ask(catchup_env, ada, "key", session_id=session_id) == answer


def test_a_crashed_attempt_that_holds_the_last_credits_can_be_repeated(
    catchup_env: CatchupEnv, ada: Caller, session_id: str
) -> None:
    spend(catchup_env, ada, 200 - PRICE)
    crash_while_answering(catchup_env, ada, session_id)
    catchup_env.backend.clock.forward(STALE_AFTER_SECONDS)

    assert ask(catchup_env, ada, "key", session_id=session_id).credits_available == 0
    catchup_env.backend.check_invariants(ada.user_id)


def test_another_body_cannot_replace_a_crashed_attempt(catchup_env: CatchupEnv, ada: Caller, session_id: str) -> None:
    crash_while_answering(catchup_env, ada, session_id)
    catchup_env.backend.clock.forward(STALE_AFTER_SECONDS)

    with pytest.raises(IdempotencyMismatchError):
        ask(catchup_env, ada, "key", "another hash", session_id=session_id)


def test_a_replaced_attempt_returns_and_charges_nothing(catchup_env: CatchupEnv, ada: Caller, session_id: str) -> None:
    """It was slower than the gateway's timeout."""
    answers: list[contract.AskAnswer] = []

    def replace_attempt() -> None:
        catchup_env.backend.clock.forward(STALE_AFTER_SECONDS)
        answers.append(ask(catchup_env, ada, "key", session_id=session_id))

    catchup_env.text.script = [replace_attempt]
    with pytest.raises(UnavailableError, match="too long"):
        ask(catchup_env, ada, "key", session_id=session_id)

    assert ask(catchup_env, ada, "key", session_id=session_id) == answers[0]
    assert catchup_env.backend.ledger.balance(ada.user_id).used == PRICE
    assert catchup_env.backend.open_holds(ada.user_id) == []


def test_the_sweep_releases_a_crashed_attempt_and_deletes_the_question(
    catchup_env: CatchupEnv, ada: Caller, session_id: str
) -> None:
    crash_while_answering(catchup_env, ada, session_id)
    catchup_env.backend.clock.forward(SWEEP_AFTER_SECONDS - 1)
    assert catchup_env.questions.sweep() == 0
    assert catchup_env.backend.ledger.balance(ada.user_id).held == PRICE
    catchup_env.backend.clock.forward(1)

    assert catchup_env.questions.sweep() == 1
    assert catchup_env.questions.sweep() == 0
    check_nothing_happened(catchup_env, ada)
    assert ask(catchup_env, ada, "key", "another hash", session_id=session_id).credits_available == 200 - PRICE


def test_a_question_swept_while_it_is_answered_charges_nothing(
    catchup_env: CatchupEnv, ada: Caller, session_id: str
) -> None:
    def sweep() -> None:
        catchup_env.backend.clock.forward(SWEEP_AFTER_SECONDS)
        assert catchup_env.questions.sweep() == 1

    catchup_env.text.script = [sweep]
    with pytest.raises(UnavailableError, match="too long"):
        ask(catchup_env, ada, "key", session_id=session_id)

    check_nothing_happened(catchup_env, ada)


def test_the_sweep_releases_a_hold_whose_question_was_deleted(
    catchup_env: CatchupEnv, ada: Caller, session_id: str
) -> None:
    crash_while_answering(catchup_env, ada, session_id)
    catchup_env.backend.tables.write(Write(question_key(ada.user_id, "key"), delete=True))
    catchup_env.backend.clock.forward(SWEEP_AFTER_SECONDS)

    assert catchup_env.questions.sweep() == 1
    check_nothing_happened(catchup_env, ada)


def test_releasing_a_hold_does_not_change_another_attempts_question(
    catchup_env: CatchupEnv, ada: Caller, session_id: str
) -> None:
    crash_while_answering(catchup_env, ada, session_id)
    key = question_key(ada.user_id, "key")
    catchup_env.backend.tables.write(Write(key, put_in={"attempt": "another"}))
    catchup_env.backend.clock.forward(SWEEP_AFTER_SECONDS)

    assert catchup_env.questions.sweep() == 1
    assert (catchup_env.backend.tables.get(key) or {})["attempt"] == "another"
    assert catchup_env.backend.open_holds(ada.user_id) == []


def test_an_answer_to_a_deleted_question_is_not_charged(catchup_env: CatchupEnv, ada: Caller, session_id: str) -> None:
    deletion = Write(question_key(ada.user_id, "key"), delete=True)
    catchup_env.text.script = [lambda: catchup_env.backend.tables.write(deletion)]

    with pytest.raises(UnavailableError, match="too long"):
        ask(catchup_env, ada, "key", session_id=session_id)

    catchup_env.backend.clock.forward(SWEEP_AFTER_SECONDS)
    assert catchup_env.questions.sweep() == 0
    check_only_our_cost(catchup_env, ada)


def test_the_sweep_ignores_other_holds_and_continues_after_a_failure(
    catchup_env: CatchupEnv, ada: Caller, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = catchup_env.backend.person(200)
    crash_while_answering(catchup_env, ada, session_id)
    crash_while_answering(catchup_env, bob, save_session(catchup_env, bob).session_id)
    other = Hold(ada.user_id, "other", 7, "stream", "s", catchup_env.backend.clock())
    catchup_env.backend.ledger.hold(ada, other, at=catchup_env.backend.clock())
    release = catchup_env.backend.ledger.release

    def broken_for_ada(hold: Hold, **rest: Any) -> None:
        if hold.user_id == ada.user_id:
            raise UnavailableError("The database did not answer.")
        release(hold, **rest)

    catchup_env.backend.clock.forward(SWEEP_AFTER_SECONDS)
    monkeypatch.setattr(catchup_env.backend.ledger, "release", broken_for_ada)
    with pytest.raises(ExceptionGroup, match="1 questions could not be ended, 1 were"):
        catchup_env.questions.sweep()
    monkeypatch.undo()

    assert catchup_env.backend.open_holds(bob.user_id) == []
    assert catchup_env.questions.sweep() == 1
    assert [hold.hold_id for hold in catchup_env.backend.open_holds(ada.user_id)] == ["other"]


# Failing providers

FAILURES: dict[str, Exception | dict[str, object]] = {
    "an error": ProviderError("an invalid response"),
    "a refusal": ProviderRefusedError("no"),
    "no answer": ProviderTimeoutError("too slow"),
    "out of quota": ProviderUnavailableError("later"),
    "a bug": ValueError("a bug"),
    "no fields": {},
    "fields of another shape": {"answered": "yes", "answer": ["a"], "quotes": 5},
    "a summary": {"summary": "What was said.", "key_moments": []},
    "no numbers": {"answered": True, "answer": "a", "quotes": [{"line": "first"}]},
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_failure_costs_nothing_and_the_question_can_be_repeated_at_once(
    catchup_env: CatchupEnv, ada: Caller, session_id: str, failure: Exception | dict[str, object]
) -> None:
    catchup_env.text.script = [failure]

    with pytest.raises(type(failure) if isinstance(failure, Exception) else ProviderError):
        ask(catchup_env, ada, "key", session_id=session_id)

    check_nothing_happened(catchup_env, ada)
    assert ask(catchup_env, ada, "key", "another hash", session_id=session_id).credits_available == 200 - PRICE


@pytest.mark.parametrize("second", [crash, None])
def test_a_hold_that_cannot_be_released_is_left_to_the_sweep(
    catchup_env: CatchupEnv,
    ada: Caller,
    session_id: str,
    second: Callable[[], None] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        if second:
            second()
        raise UnavailableError("The database did not answer.")

    catchup_env.text.script = [ProviderRefusedError("no")]
    monkeypatch.setattr(catchup_env.backend.ledger, "settle", broken)
    with pytest.raises(Crash if second else ProviderRefusedError):
        ask(catchup_env, ada, "key", session_id=session_id)
    monkeypatch.undo()

    assert catchup_env.backend.ledger.balance(ada.user_id).held == PRICE
    catchup_env.backend.clock.forward(SWEEP_AFTER_SECONDS)
    assert catchup_env.questions.sweep() == 1
    check_nothing_happened(catchup_env, ada)
