"""Answers about a transcript are deleted with it."""

import pytest

from chalicelib import contract
from chalicelib.errors import NotFoundError, UnavailableError
from chalicelib.models.accounts import Caller
from tests.catchup.catchup_env import CatchupEnv
from tests.default_prices import QUESTION_CREDITS


def save_talk(catchup_env: CatchupEnv, caller: Caller, text: str, session_id: str | None = None) -> tuple[str, str]:
    """The session and the transcript of a talk that has ended."""
    lease = catchup_env.backend.start(caller, session_id)
    catchup_env.backend.streaming.save(
        caller, lease.session_id, [contract.SegmentInput(seq=0, start_ms=0, end_ms=1_000, text=text)]
    )
    catchup_env.backend.streaming.stop(caller, lease.session_id)
    return lease.session_id, lease.transcript_id


@pytest.mark.parametrize("where", ["transcript_id", "session_id"])
def test_an_answer_is_repeated_only_while_its_transcript_exists(catchup_env: CatchupEnv, where: str) -> None:
    ada = catchup_env.backend.person(200)
    session_id, transcript_id = save_talk(catchup_env, ada, "A secret was told.")
    place = {where: {"transcript_id": transcript_id, "session_id": session_id}[where]}
    first = catchup_env.ask(ada, question_id="the-question", **place)
    assert catchup_env.ask(ada, question_id="the-question", **place) == first

    catchup_env.backend.history.delete(ada, transcript_id)

    with pytest.raises(NotFoundError):
        catchup_env.ask(ada, question_id="the-question", **place)


def test_deleting_a_transcript_deletes_its_answers_and_no_others(catchup_env: CatchupEnv) -> None:
    ada = catchup_env.backend.person(200)
    _, deleted_id = save_talk(catchup_env, ada, "A secret was told.")
    _, remaining_id = save_talk(catchup_env, ada, "Nothing special was told.")
    for transcript_id in (deleted_id, remaining_id, deleted_id):
        catchup_env.ask(ada, transcript_id=transcript_id)

    catchup_env.backend.history.delete(ada, deleted_id)
    catchup_env.backend.history.delete_marked_segments()

    (answer,), _ = catchup_env.backend.tables.query("app", f"USER#{ada.user_id}", "QUESTION#")
    assert (answer["transcript_id"], "secret" in str(answer)) == (remaining_id, False)
    catchup_env.backend.check_invariants(ada.user_id)


def restart(catchup_env: CatchupEnv, caller: Caller, session_id: str, transcript_id: str) -> str:
    """Delete the talk, and hold another one under the same Idempotency-Key."""
    catchup_env.backend.history.delete(caller, transcript_id)
    _, new_id = save_talk(catchup_env, caller, "Another talk.", session_id)
    return new_id


def test_a_session_that_was_started_again_gets_an_answer_from_its_own_transcript(catchup_env: CatchupEnv) -> None:
    ada = catchup_env.backend.person(200)
    session_id, transcript_id = save_talk(catchup_env, ada, "A secret was told.")
    assert catchup_env.ask(ada, question_id="the-question", session_id=session_id).transcript_id == transcript_id

    new_id = restart(catchup_env, ada, session_id, transcript_id)
    answer = catchup_env.ask(ada, question_id="the-question", session_id=session_id)

    assert answer.transcript_id == new_id
    assert catchup_env.ask(ada, question_id="the-question", session_id=session_id) == answer
    usage = [entry for entry in catchup_env.backend.entries(ada.user_id) if entry.service == "ask"]
    assert [-entry.credits for entry in usage] == [QUESTION_CREDITS] * 2


def test_an_answer_about_a_deleted_transcript_is_neither_stored_nor_charged(catchup_env: CatchupEnv) -> None:
    """The session is started again, and the question repeated, while the text model reads the deleted one."""
    ada = catchup_env.backend.person(200)
    session_id, transcript_id = save_talk(catchup_env, ada, "A secret was told.")
    answers: list[contract.AskAnswer] = []

    def act_meanwhile() -> None:
        restart(catchup_env, ada, session_id, transcript_id)
        answers.append(catchup_env.ask(ada, question_id="the-question", session_id=session_id))

    catchup_env.text.script = [act_meanwhile]
    with pytest.raises(UnavailableError):
        catchup_env.ask(ada, question_id="the-question", session_id=session_id)

    assert [catchup_env.ask(ada, question_id="the-question", session_id=session_id)] == answers
    usage = [entry for entry in catchup_env.backend.entries(ada.user_id) if entry.service == "ask"]
    charges = sorted((-entry.credits, entry.uses[0].input_tokens) for entry in usage)
    assert charges == [(0, 1_000), (QUESTION_CREDITS, 1_000)]
    assert catchup_env.backend.open_holds(ada.user_id) == []
