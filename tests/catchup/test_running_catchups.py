"""How many catch-ups of a transcript run: its deletion waits for them. Some began before anything counted them."""

import pytest

from chalicelib.errors import ConflictError
from chalicelib.repositories.jobs import abandon_job
from chalicelib.repositories.table import Item, ItemKey, Write
from chalicelib.repositories.transcripts import RUNNING_CATCHUPS, transcript_key
from tests.catchup.catchup_env import CatchupEnv
from tests.streaming.test_words_races import segments

MINUTES = {0: "The first minute.", 100: "The second minute."}


class Talk:
    """A listener's stopped session."""

    def __init__(self, catchup_env: CatchupEnv):
        self.env, self.ada = catchup_env, catchup_env.backend.person(1_000)
        self.lease = catchup_env.backend.start(self.ada)
        catchup_env.backend.streaming.save(self.ada, self.lease.session_id, segments(MINUTES))
        catchup_env.backend.streaming.stop(self.ada, self.lease.session_id)

    def start(self, to_ms: int = 60_000) -> str:
        return self.env.start(self.ada, session_id=self.lease.session_id, from_ms=0, to_ms=to_ms).job_id

    def start_uncounted(self) -> str:
        """A catch-up as it was begun before running ones were counted."""
        job_id = self.start()
        self.env.backend.tables.write(Write(self._key, drop=(RUNNING_CATCHUPS,)))
        return job_id

    def status(self, job_id: str) -> str:
        return self.env.catchups.get_status(self.ada, job_id).status

    @property
    def line(self) -> Item:
        return self.env.backend.tables.get(self._key) or {}

    def delete(self) -> None:
        self.env.backend.history.delete(self.ada, self.lease.transcript_id)

    @property
    def _key(self) -> ItemKey:
        return transcript_key(self.ada.user_id, self.lease.transcript_id)


@pytest.fixture
def talk(catchup_env: CatchupEnv) -> Talk:
    return Talk(catchup_env)


@pytest.mark.parametrize("end", ["done", "failed"])
def test_the_end_of_an_uncounted_catchup_leaves_the_count_at_zero(talk: Talk, end: str) -> None:
    job_id = talk.start_uncounted()
    if end == "failed":
        talk.env.backend.tables.write(abandon_job(job_id))
    talk.env.work()

    assert talk.status(job_id) == end
    assert talk.line.get(RUNNING_CATCHUPS, 0) == 0
    assert talk.line.get("catchups", 0) == (1 if end == "done" else 0)
    assert talk.env.backend.open_holds(talk.ada.user_id) == []
    talk.env.backend.check_invariants(talk.ada.user_id)


def test_a_transcript_waits_for_the_catchup_after_an_uncounted_one(talk: Talk) -> None:
    talk.start_uncounted()
    talk.env.work()
    job_id = talk.start(to_ms=110_000)

    with pytest.raises(ConflictError) as refused:
        talk.delete()
    talk.env.work()

    assert refused.value.details == {"reason": "catchup_running"}
    assert talk.status(job_id) == "done"
    assert (talk.line[RUNNING_CATCHUPS], talk.line["catchups"]) == (0, 2)
    talk.delete()


def test_an_uncounted_catchup_whose_transcript_was_deleted_fails(talk: Talk) -> None:
    job_id = talk.start_uncounted()
    talk.env.text.script = [talk.delete]
    talk.env.work()

    assert talk.status(job_id) == "failed"
    assert talk.line == {}
    (entry,) = [e for e in talk.env.backend.entries(talk.ada.user_id) if e.service == "catchup_session"]
    assert (entry.credits, [use.input_tokens for use in entry.uses]) == (0, [1_000])
