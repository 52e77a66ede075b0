"""Catch-ups where two things happen at once, or one thing too late."""

import pytest

from chalicelib import contract
from chalicelib.errors import NotFoundError, ProviderRefusedError, ProviderUnavailableError
from chalicelib.models.accounts import Caller
from chalicelib.models.catchup import TranscriptionOrder
from chalicelib.models.transcripts import Word
from chalicelib.repositories.jobs import job_from, job_key
from tests.catchup.catchup_env import CatchupEnv, FakeRecordings
from tests.fakes import Backend


@pytest.fixture
def ada(catchup_env: CatchupEnv) -> Caller:
    return catchup_env.backend.person(200)


def test_a_webhook_while_the_summary_is_written_does_not_have_it_written_again(
    catchup_env: CatchupEnv, ada: Caller
) -> None:
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id
    catchup_env.text.script = [{"summary": ""}, lambda: catchup_env.webhook(job_id, "transcript-1")]
    catchup_env.work()

    assert catchup_env.catchups.get_status(ada, job_id).status == "done"
    assert len(catchup_env.text.tasks) == 2
    catchup_env.backend.check_invariants(ada.user_id)


def test_every_call_to_the_text_model_begins_with_a_fresh_claim(catchup_env: CatchupEnv) -> None:
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
    assert len(catchup_env.text.tasks) == 3  # two parts, and the two together


def test_words_that_come_after_the_job_was_given_up_are_not_stored(catchup_env: CatchupEnv, ada: Caller) -> None:
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id

    def gives_up() -> None:
        catchup_env.backend.clock.forward(catchup_env.rules.abandon_after_seconds)
        catchup_env.worker.advance(job_id)
        catchup_env.backend.history.delete_marked_segments()

    catchup_env.recordings.script = [lambda: None, gives_up]
    catchup_env.work()

    given_up = job_from(catchup_env.backend.tables.get(job_key(job_id)) or {})
    assert catchup_env.catchups.get_status(ada, job_id).status == "failed"
    assert catchup_env.backend.transcripts.segments(ada.user_id, given_up.transcript_id) == []


def test_an_order_that_was_taken_behind_a_503_is_not_made_twice(backend: Backend) -> None:
    class BehindAGateway(FakeRecordings):
        def submit(self, order: TranscriptionOrder) -> str:
            super().submit(order)
            raise ProviderUnavailableError("AssemblyAI is overloaded.")

    catchup_env = CatchupEnv(backend, recordings=BehindAGateway())
    ada = backend.person(200)
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id
    catchup_env.work()
    catchup_env.worker.advance(job_id)

    assert len(catchup_env.recordings.orders) == 1
    assert catchup_env.catchups.get_status(ada, job_id).status == "done"


def test_an_overload_is_no_try(catchup_env: CatchupEnv, ada: Caller) -> None:
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id
    for _ in range(2 * catchup_env.rules.submissions):
        catchup_env.recordings.script = [ProviderUnavailableError("AssemblyAI is overloaded.")]
        catchup_env.worker.advance(job_id)
        assert catchup_env.catchups.get_status(ada, job_id).status == "queued"
        catchup_env.recordings.script = [lambda: None, ProviderUnavailableError("AssemblyAI is overloaded.")]
        catchup_env.worker.advance(job_id)
    catchup_env.worker.advance(job_id)

    assert catchup_env.catchups.get_status(ada, job_id).status == "done"


def test_a_copy_that_could_not_be_forgotten_while_it_was_made_is_forgotten_when_the_provider_tells_of_it(
    catchup_env: CatchupEnv, ada: Caller
) -> None:
    catchup_env.recordings.is_slow = True
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id
    catchup_env.work()
    catchup_env.backend.clock.forward(catchup_env.rules.abandon_after_seconds)
    catchup_env.recordings.script = [ProviderRefusedError("It is being transcribed.")]
    catchup_env.worker.advance(job_id)
    assert catchup_env.recordings.deleted == []

    catchup_env.webhook(job_id, "transcript-1")
    catchup_env.work()

    assert catchup_env.recordings.deleted == ["transcript-1"]


@pytest.mark.parametrize("recording_ms", [120_000, 0])
def test_an_ended_job_keeps_no_signed_address(catchup_env: CatchupEnv, ada: Caller, recording_ms: int) -> None:
    catchup_env.recordings.recording_ms = recording_ms
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id
    catchup_env.work()

    ended = catchup_env.backend.tables.get(job_key(job_id)) or {}
    assert catchup_env.catchups.get_status(ada, job_id).status == ("done" if recording_ms else "failed")
    assert "signature" not in str(ended)


def test_a_repeated_request_for_what_was_deleted_and_erased_is_not_found(catchup_env: CatchupEnv, ada: Caller) -> None:
    upload_id = catchup_env.upload(ada)
    catchup_env.start(ada, "the-job", upload_id=upload_id, to_ms=60_000)
    catchup_env.work()
    catchup_env.backend.history.delete(ada, catchup_env.catchups.get_status(ada, "the-job").transcript_id)

    for _ in range(2):
        with pytest.raises(NotFoundError):
            catchup_env.start(ada, "the-job", upload_id=upload_id, to_ms=60_000)
        catchup_env.backend.history.delete_marked_segments()

    assert catchup_env.backend.ledger.balance(ada.user_id).available == 190


def test_a_language_makes_no_other_catchup_of_a_session(catchup_env: CatchupEnv, ada: Caller) -> None:
    session_id = catchup_env.backend.start(ada).session_id
    catchup_env.backend.streaming.save(ada, session_id, [contract.Segment(0, 0, 60_000, "All that was said.")])

    first = catchup_env.start(ada, session_id=session_id, minutes=1)
    other = catchup_env.start(ada, session_id=session_id, minutes=1, language="en-GB")

    assert first.job_id == other.job_id


def test_a_summary_of_words_that_were_cut_says_so_for_ever(catchup_env: CatchupEnv, ada: Caller) -> None:
    lease = catchup_env.backend.start(ada)
    catchup_env.backend.streaming.save(ada, lease.session_id, [contract.Segment(0, 0, 1_000, "漢" * 2_000)])
    job_id = catchup_env.start(ada, session_id=lease.session_id, minutes=1).job_id
    catchup_env.work()

    (summary,) = catchup_env.backend.history.get_transcript(ada, lease.transcript_id).summaries
    assert (catchup_env.catchups.get_status(ada, job_id).summary_is_whole, summary.is_whole) == (False, False)
