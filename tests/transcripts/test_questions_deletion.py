"""What was answered from a transcript goes with it."""

import pytest

from chalicelib import contract
from chalicelib.errors import NotFoundError
from chalicelib.models.accounts import Caller
from tests.catchup.catchup_env import Desk


def a_talk(desk: Desk, caller: Caller, text: str) -> tuple[str, str]:
    """The session and the transcript of a talk that has ended."""
    lease = desk.backend.start(caller)
    desk.backend.streaming.save(caller, lease.session_id, [contract.Segment(0, 0, 1_000, text)])
    desk.backend.streaming.stop(caller, lease.session_id)
    return lease.session_id, lease.transcript_id


@pytest.mark.parametrize("where", ["transcript_id", "session_id"])
def test_an_answer_is_told_again_only_while_its_transcript_is_there(desk: Desk, where: str) -> None:
    ada = desk.backend.person(200)
    session_id, transcript_id = a_talk(desk, ada, "A secret was told.")
    place = {where: {"transcript_id": transcript_id, "session_id": session_id}[where]}
    first = desk.ask(ada, question_id="the-question", **place)
    assert desk.ask(ada, question_id="the-question", **place) == first

    desk.backend.history.delete(ada, transcript_id)

    with pytest.raises(NotFoundError):
        desk.ask(ada, question_id="the-question", **place)


def test_its_answers_are_erased_with_a_transcript_and_no_others(desk: Desk) -> None:
    ada = desk.backend.person(200)
    _, gone = a_talk(desk, ada, "A secret was told.")
    _, kept = a_talk(desk, ada, "Nothing special was told.")
    for transcript_id in (gone, kept, gone):
        desk.ask(ada, transcript_id=transcript_id)

    desk.backend.history.delete(ada, gone)
    desk.backend.history.erase_deleted()

    (answer,), _ = desk.backend.tables.query("app", f"USER#{ada.user_id}", "QUESTION#")
    assert (answer["transcript_id"], "secret" in str(answer)) == (kept, False)
    desk.backend.check_invariants(ada.user_id)
