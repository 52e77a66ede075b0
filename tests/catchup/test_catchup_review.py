"""Catch-ups where two things happen at once, or one thing too late."""

import pytest

from chalicelib import contract
from chalicelib.errors import NotFoundError, ProviderRefusedError, ProviderUnavailableError
from chalicelib.models.accounts import Caller
from chalicelib.models.catchup import Order
from chalicelib.models.transcripts import Word
from chalicelib.repositories.jobs import job, job_key
from tests.catchup.catchup_env import Desk, FakeRecordings
from tests.fakes import Backend


@pytest.fixture
def ada(desk: Desk) -> Caller:
    return desk.backend.person(200)


def test_a_webhook_while_the_summary_is_written_does_not_have_it_written_again(desk: Desk, ada: Caller) -> None:
    job_id = desk.start(ada, upload_id=desk.upload(ada), to_ms=60_000).job_id
    desk.text.script = [{"summary": ""}, lambda: desk.webhook(job_id, "transcript-1")]
    desk.work()

    assert desk.catchups.look(ada, job_id).status == "done"
    assert len(desk.text.tasks) == 2
    desk.backend.check_invariants(ada.user_id)


def test_every_call_to_the_text_model_begins_with_a_fresh_claim(desk: Desk) -> None:
    ada = desk.backend.person(1_000)
    desk.recordings.recording_ms = 3_600_000
    desk.recordings.words = tuple(Word(f"{'long' * 40}.", n * 1_000, n * 1_000 + 900, 0.9) for n in range(1_500))
    job_id = desk.start(ada, upload_id=desk.upload(ada), to_ms=3_600_000).job_id

    def slow() -> None:
        desk.backend.clock.forward(desk.rules.claim_seconds - 1)
        desk.worker.advance(job_id)

    desk.text.script = [slow] * 10
    desk.work()

    assert desk.catchups.look(ada, job_id).status == "done"
    assert len(desk.text.tasks) == 3  # two parts, and the two together


def test_words_that_come_after_the_job_was_given_up_are_not_stored(desk: Desk, ada: Caller) -> None:
    job_id = desk.start(ada, upload_id=desk.upload(ada), to_ms=60_000).job_id

    def gives_up() -> None:
        desk.backend.clock.forward(desk.rules.give_up_seconds)
        desk.worker.advance(job_id)
        desk.backend.history.erase_deleted()

    desk.recordings.script = [lambda: None, gives_up]
    desk.work()

    given_up = job(desk.backend.tables.get(job_key(job_id)) or {})
    assert desk.catchups.look(ada, job_id).status == "failed"
    assert desk.backend.transcripts.segments(ada.user_id, given_up.transcript_id) == []


def test_an_order_that_was_taken_behind_a_503_is_not_made_twice(backend: Backend) -> None:
    class BehindAGateway(FakeRecordings):
        def submit(self, order: Order) -> str:
            super().submit(order)
            raise ProviderUnavailableError("AssemblyAI is overloaded.")

    desk = Desk(backend, recordings=BehindAGateway())
    ada = backend.person(200)
    job_id = desk.start(ada, upload_id=desk.upload(ada), to_ms=60_000).job_id
    desk.work()
    desk.worker.advance(job_id)

    assert len(desk.recordings.orders) == 1
    assert desk.catchups.look(ada, job_id).status == "done"


def test_an_overload_is_no_try(desk: Desk, ada: Caller) -> None:
    job_id = desk.start(ada, upload_id=desk.upload(ada), to_ms=60_000).job_id
    for _ in range(2 * desk.rules.submissions):
        desk.recordings.script = [ProviderUnavailableError("AssemblyAI is overloaded.")]
        desk.worker.advance(job_id)
        assert desk.catchups.look(ada, job_id).status == "queued"
        desk.recordings.script = [lambda: None, ProviderUnavailableError("AssemblyAI is overloaded.")]
        desk.worker.advance(job_id)
    desk.worker.advance(job_id)

    assert desk.catchups.look(ada, job_id).status == "done"


def test_a_copy_that_could_not_be_forgotten_while_it_was_made_is_forgotten_when_the_provider_tells_of_it(
    desk: Desk, ada: Caller
) -> None:
    desk.recordings.is_slow = True
    job_id = desk.start(ada, upload_id=desk.upload(ada), to_ms=60_000).job_id
    desk.work()
    desk.backend.clock.forward(desk.rules.give_up_seconds)
    desk.recordings.script = [ProviderRefusedError("It is being transcribed.")]
    desk.worker.advance(job_id)
    assert desk.recordings.deleted == []

    desk.webhook(job_id, "transcript-1")
    desk.work()

    assert desk.recordings.deleted == ["transcript-1"]


@pytest.mark.parametrize("recording_ms", [120_000, 0])
def test_an_ended_job_keeps_no_signed_address(desk: Desk, ada: Caller, recording_ms: int) -> None:
    desk.recordings.recording_ms = recording_ms
    job_id = desk.start(ada, upload_id=desk.upload(ada), to_ms=60_000).job_id
    desk.work()

    ended = desk.backend.tables.get(job_key(job_id)) or {}
    assert desk.catchups.look(ada, job_id).status == ("done" if recording_ms else "failed")
    assert "signature" not in str(ended)


def test_a_repeated_request_for_what_was_deleted_and_erased_is_not_found(desk: Desk, ada: Caller) -> None:
    upload_id = desk.upload(ada)
    desk.start(ada, "the-job", upload_id=upload_id, to_ms=60_000)
    desk.work()
    desk.backend.history.delete(ada, desk.catchups.look(ada, "the-job").transcript_id)

    for _ in range(2):
        with pytest.raises(NotFoundError):
            desk.start(ada, "the-job", upload_id=upload_id, to_ms=60_000)
        desk.backend.history.erase_deleted()

    assert desk.backend.ledger.balance(ada.user_id).available == 190


def test_a_language_makes_no_other_catchup_of_a_session(desk: Desk, ada: Caller) -> None:
    session_id = desk.backend.start(ada).session_id
    desk.backend.streaming.save(ada, session_id, [contract.Segment(0, 0, 60_000, "All that was said.")])

    first = desk.start(ada, session_id=session_id, minutes=1)
    other = desk.start(ada, session_id=session_id, minutes=1, language="en-GB")

    assert first.job_id == other.job_id


def test_a_summary_of_words_that_were_cut_says_so_for_ever(desk: Desk, ada: Caller) -> None:
    lease = desk.backend.start(ada)
    desk.backend.streaming.save(ada, lease.session_id, [contract.Segment(0, 0, 1_000, "漢" * 2_000)])
    job_id = desk.start(ada, session_id=lease.session_id, minutes=1).job_id
    desk.work()

    (summary,) = desk.backend.history.whole(ada, lease.transcript_id).summaries
    assert (desk.catchups.look(ada, job_id).summary_is_whole, summary.is_whole) == (False, False)
