"""Catch-ups where two events coincide, or one comes too late."""

import pytest

from chalicelib import contract
from chalicelib.errors import NotFoundError, ProviderRefusedError, ProviderUnavailableError
from chalicelib.models.accounts import Caller
from chalicelib.models.catchup import TranscriptionOrder
from chalicelib.models.transcripts import Word
from chalicelib.repositories.jobs import job_from, job_key
from tests.catchup.catchup_env import CatchupEnv, FakeRecordings
from tests.fakes import Backend

pytestmark = pytest.mark.long


@pytest.fixture
def ada(catchup_env: CatchupEnv) -> Caller:
    return catchup_env.backend.person(200)


def test_a_webhook_during_the_summary_does_not_cause_a_second_summary(catchup_env: CatchupEnv, ada: Caller) -> None:
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id
    catchup_env.text.script = [{"summary": ""}, lambda: catchup_env.webhook(job_id, "transcript-1")]
    catchup_env.work()

    assert catchup_env.catchups.get_status(ada, job_id).status == "done"
    assert len(catchup_env.text.tasks) == 2
    catchup_env.backend.check_invariants(ada.user_id)


def test_every_call_to_the_text_model_starts_with_a_renewed_claim(catchup_env: CatchupEnv) -> None:
    ada = catchup_env.backend.person(1_000)
    catchup_env.recordings.recording_ms = 3_600_000
    catchup_env.recordings.words = tuple(Word(f"{'long' * 40}.", n * 1_000, n * 1_000 + 900, 0.9) for n in range(1_500))
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=3_600_000).job_id

    def slow() -> None:
        catchup_env.backend.clock.forward(catchup_env.rules.claim_seconds - 1)
        catchup_env.worker.advance(job_id)

    catchup_env.text.script = [slow] * 10
    catchup_env.work()

    assert catchup_env.catchups.get_status(ada, job_id).status == "done"
    assert len(catchup_env.text.tasks) == 3  # two parts, and their summaries


def test_segments_that_arrive_after_the_job_failed_are_not_stored(catchup_env: CatchupEnv, ada: Caller) -> None:
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id

    def expire_job() -> None:
        catchup_env.backend.clock.forward(catchup_env.rules.abandon_after_seconds)
        catchup_env.worker.advance(job_id)
        catchup_env.backend.history.delete_marked_segments()

    catchup_env.recordings.script = [lambda: None, expire_job]
    catchup_env.work()

    failed_job = job_from(catchup_env.backend.tables.get(job_key(job_id)) or {})
    assert catchup_env.catchups.get_status(ada, job_id).status == "failed"
    assert catchup_env.backend.transcripts.segments(ada.user_id, failed_job.transcript_id) == []


def test_an_order_that_was_accepted_behind_a_503_is_not_repeated(backend: Backend) -> None:
    class RecordingsBehindGateway(FakeRecordings):
        def submit(self, order: TranscriptionOrder) -> str:
            super().submit(order)
            raise ProviderUnavailableError("AssemblyAI is overloaded.")

    catchup_env = CatchupEnv(backend, recordings=RecordingsBehindGateway())
    ada = backend.person(200)
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id
    catchup_env.work()
    catchup_env.worker.advance(job_id)

    assert len(catchup_env.recordings.orders) == 1
    assert catchup_env.catchups.get_status(ada, job_id).status == "done"


def test_an_overload_does_not_count_as_an_attempt(catchup_env: CatchupEnv, ada: Caller) -> None:
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id
    for _ in range(2 * catchup_env.rules.submissions):
        catchup_env.recordings.script = [ProviderUnavailableError("AssemblyAI is overloaded.")]
        catchup_env.worker.advance(job_id)
        assert catchup_env.catchups.get_status(ada, job_id).status == "queued"
        catchup_env.recordings.script = [lambda: None, ProviderUnavailableError("AssemblyAI is overloaded.")]
        catchup_env.worker.advance(job_id)
    catchup_env.worker.advance(job_id)

    assert catchup_env.catchups.get_status(ada, job_id).status == "done"


def test_a_copy_that_was_still_in_the_making_is_deleted_after_its_webhook(catchup_env: CatchupEnv, ada: Caller) -> None:
    catchup_env.recordings.is_slow = True
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id
    catchup_env.work()
    catchup_env.backend.clock.forward(catchup_env.rules.abandon_after_seconds)
    catchup_env.recordings.script = [lambda: None, ProviderRefusedError("It is being transcribed.")]
    catchup_env.worker.advance(job_id)
    assert catchup_env.recordings.deleted == []

    catchup_env.webhook(job_id, "transcript-1")
    catchup_env.work()

    assert catchup_env.recordings.deleted == ["transcript-1"]


@pytest.mark.parametrize("recording_ms", [120_000, 0])
def test_an_ended_job_stores_no_signed_address(catchup_env: CatchupEnv, ada: Caller, recording_ms: int) -> None:
    catchup_env.recordings.recording_ms = recording_ms
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id
    catchup_env.work()

    ended = catchup_env.backend.tables.get(job_key(job_id)) or {}
    assert catchup_env.catchups.get_status(ada, job_id).status == ("done" if recording_ms else "failed")
    assert "signature" not in str(ended)


def test_a_repeated_request_for_a_deleted_transcript_is_not_found(catchup_env: CatchupEnv, ada: Caller) -> None:
    upload_id = catchup_env.upload(ada)
    catchup_env.start(ada, "the-job", upload_id=upload_id, to_ms=60_000)
    catchup_env.work()
    catchup_env.backend.history.delete(ada, catchup_env.catchups.get_status(ada, "the-job").transcript_id)

    for _ in range(2):
        with pytest.raises(NotFoundError):
            catchup_env.start(ada, "the-job", upload_id=upload_id, to_ms=60_000)
        catchup_env.backend.history.delete_marked_segments()

    assert catchup_env.backend.ledger.balance(ada.user_id).available == 190


def test_another_language_is_the_same_catchup_of_a_session(catchup_env: CatchupEnv, ada: Caller) -> None:
    session_id = catchup_env.backend.start(ada).session_id
    catchup_env.backend.streaming.save(
        ada, session_id, [contract.SegmentInput(seq=0, start_ms=0, end_ms=60_000, text="All that was said.")]
    )

    first = catchup_env.start(ada, session_id=session_id, minutes=1)
    other = catchup_env.start(ada, session_id=session_id, minutes=1, language="en-GB")

    assert first.job_id == other.job_id


def test_a_summary_of_cut_text_is_marked_as_incomplete_permanently(catchup_env: CatchupEnv, ada: Caller) -> None:
    lease = catchup_env.backend.start(ada)
    catchup_env.backend.streaming.save(
        ada, lease.session_id, [contract.SegmentInput(seq=0, start_ms=0, end_ms=1_000, text="漢" * 2_000)]
    )
    job_id = catchup_env.start(ada, session_id=lease.session_id, minutes=1).job_id
    catchup_env.work()

    (summary,) = catchup_env.backend.history.get_transcript(ada, lease.transcript_id).summaries
    assert (catchup_env.catchups.get_status(ada, job_id).summary_is_whole, summary.is_whole) == (False, False)
