"""Answers about a transcript are deleted with it."""

import pytest

from chalicelib import contract
from chalicelib.errors import NotFoundError
from chalicelib.models.accounts import Caller
from tests.catchup.catchup_env import CatchupEnv


def save_talk(catchup_env: CatchupEnv, caller: Caller, text: str) -> tuple[str, str]:
    """The session and the transcript of a talk that has ended."""
    lease = catchup_env.backend.start(caller)
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
