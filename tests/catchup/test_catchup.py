"""Catch-ups as their listener sees them: requests, prices, free repetitions and refusals."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib import contract
from chalicelib.catchup.job_rules import webhook_secret
from chalicelib.catchup.requested_range import LONGEST_RANGE_MS
from chalicelib.errors import (
    AccountBlockedError,
    ConflictError,
    IdempotencyMismatchError,
    InsufficientCreditsError,
    InvalidRequestError,
    InvalidSignatureError,
    NotFoundError,
    ProviderRefusedError,
    UnavailableError,
)
from chalicelib.models.accounts import Caller
from chalicelib.models.catchup import Recording
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import Write
from tests.catchup.catchup_env import WEBHOOK_KEY, CatchupEnv
from tests.default_prices import PRICE_VERSION, live_credits

URL = "https://media.example.com/talk.mp3"


@pytest.fixture
def ada(catchup_env: CatchupEnv) -> Caller:
    return catchup_env.backend.person(200)


def save_session(catchup_env: CatchupEnv, caller: Caller, minutes: int = 5) -> str:
    """A running session with a saved sentence every ten seconds."""
    session_id = catchup_env.backend.start(caller).session_id
    for minute in range(minutes):
        segments = [
            contract.SegmentInput(
                seq=minute * 6 + n,
                start_ms=(at := (minute * 6 + n) * 10_000),
                end_ms=at + 9_000,
                text=f"Sentence {minute} {n}.",
            )
            for n in range(6)
        ]
        catchup_env.backend.streaming.save(caller, session_id, segments)
    return session_id


def test_an_upload_is_held_transcribed_and_charged_by_the_second(catchup_env: CatchupEnv, ada: Caller) -> None:
    started = catchup_env.start(ada, upload_id=catchup_env.upload(ada), from_ms=60_000, to_ms=180_000, title="A talk")

    assert (started.status, started.progress, started.credits_held, started.credits_used) == ("queued", 0, 20, 0)
    assert catchup_env.backend.ledger.balance(ada.user_id).held == 20

    catchup_env.work()
    catchup_env.webhook(started.job_id, "transcript-1")
    catchup_env.work()
    done = catchup_env.catchups.get_status(ada, started.job_id)

    assert (done.status, done.progress, done.credits_held, done.credits_used) == ("done", 100, 0, 10)
    assert done.summary == "14 lines."
    assert [(moment.start_ms, moment.title) for moment in done.key_moments] == [(60_000, "The start")]
    answer = catchup_env.backend.history.get_transcript(ada, done.transcript_id)
    assert (answer.transcript.kind, answer.transcript.title, answer.transcript.credits) == (
        "catchup",
        "A talk",
        10,
    )
    assert [(c.start_ms, c.end_ms) for c in answer.covered] == [(60_000, 120_000)]
    assert [(c.start_ms, c.end_ms) for c in answer.uncovered] == [(0, 60_000)]
    assert answer.segments[0].start_ms == 60_000
    assert catchup_env.recordings.deleted == ["transcript-1"]
    (entry,) = [entry for entry in catchup_env.backend.entries(ada.user_id) if entry.kind == "usage"]
    assert [(use.model, use.audio_ms, use.input_tokens, use.cost_micro_usd) for use in entry.uses] == [
        ("assemblyai/universal-3-5-pro", 60_000, 0, 3_500),
        ("openai/gpt-6-luna", 0, 1_000, 150),
    ]
    catchup_env.backend.check_invariants(ada.user_id)


def test_an_order_names_the_range_the_language_and_its_own_webhook(catchup_env: CatchupEnv, ada: Caller) -> None:
    started = catchup_env.start(ada, audio_url=URL, from_ms=1_000, to_ms=31_000, language="pt-BR")
    catchup_env.work()

    (order,) = catchup_env.recordings.orders
    assert (order.audio_url, order.from_ms, order.to_ms, order.language) == (URL, 1_000, 31_000, "pt-BR")
    assert order.webhook_url == f"https://api.example/api/webhooks/assemblyai?job={started.job_id}"
    assert order.webhook_secret == webhook_secret(WEBHOOK_KEY, started.job_id)


@pytest.mark.parametrize(
    ("recording", "used"), [(Recording((), 0, ""), 0), (Recording((), 60_000, "assemblyai/universal-2"), 10)]
)
def test_a_recording_without_speech_is_done(
    catchup_env: CatchupEnv, ada: Caller, recording: Recording, used: int
) -> None:
    catchup_env.recordings.recording = lambda _: recording  # type: ignore[method-assign]
    upload_id = catchup_env.upload(ada)
    job_id = catchup_env.start(ada, upload_id=upload_id, to_ms=60_000).job_id

    catchup_env.work()
    done = catchup_env.catchups.get_status(ada, job_id)

    assert (done.status, done.summary, done.credits_used) == ("done", "No words were recognised.", used)
    assert catchup_env.text.tasks == []
    assert catchup_env.recordings.deleted == ["transcript-1"]
    whole = catchup_env.backend.history.get_transcript(ada, done.transcript_id)
    assert [interval.end_ms for interval in whole.covered] == [60_000] * bool(used)
    assert catchup_env.start(ada, upload_id=upload_id, to_ms=60_000).job_id == job_id
    assert catchup_env.backend.ledger.balance(ada.user_id).available == 200 - used
    catchup_env.backend.check_invariants(ada.user_id)


def test_a_session_is_summarised_from_its_saved_segments(catchup_env: CatchupEnv, ada: Caller) -> None:
    session_id = save_session(catchup_env, ada)

    started = catchup_env.start(ada, session_id=session_id, minutes=2)
    catchup_env.work()
    done = catchup_env.catchups.get_status(ada, started.job_id)

    assert (done.from_ms, done.to_ms, started.credits_held, done.credits_used) == (179_000, 299_000, 2, 2)
    assert (done.status, done.summary, done.session_id) == ("done", "12 lines.", session_id)
    assert catchup_env.recordings.orders == []
    (summary,) = catchup_env.backend.history.get_transcript(ada, done.transcript_id).summaries
    assert (summary.summary, summary.from_ms) == ("12 lines.", 179_000)


def test_the_same_range_of_the_same_source_is_the_same_job(catchup_env: CatchupEnv, ada: Caller) -> None:
    upload_id = catchup_env.upload(ada)
    first = catchup_env.start(ada, upload_id=upload_id, to_ms=60_000)

    joined = catchup_env.start(ada, upload_id=upload_id, to_ms=60_000)
    catchup_env.work()
    stored = catchup_env.start(ada, upload_id=upload_id, to_ms=60_000)
    longer = catchup_env.start(ada, upload_id=upload_id, to_ms=61_000)

    assert first.job_id == joined.job_id == stored.job_id != longer.job_id
    assert (stored.status, stored.credits_used) == ("done", 10)
    assert len([entry for entry in catchup_env.backend.entries(ada.user_id) if entry.kind == "usage"]) == 1
    assert catchup_env.backend.ledger.balance(ada.user_id).held == longer.credits_held


def test_a_changed_file_is_another_source(catchup_env: CatchupEnv, ada: Caller) -> None:
    upload_id = catchup_env.upload(ada, "one")
    first = catchup_env.start(ada, upload_id=upload_id, to_ms=60_000)
    catchup_env.uploads.files[ada.user_id, upload_id] = "two"

    assert catchup_env.start(ada, upload_id=upload_id, to_ms=60_000).job_id != first.job_id


def test_the_recording_at_an_address_counts_as_unchanged_for_a_day(catchup_env: CatchupEnv, ada: Caller) -> None:
    first = catchup_env.start(ada, audio_url=URL, to_ms=6_000)
    catchup_env.work()
    catchup_env.backend.clock.forward(86_399)
    same = catchup_env.start(ada, audio_url=URL, to_ms=6_000)
    catchup_env.backend.clock.forward(1)
    fresh = catchup_env.start(ada, audio_url=URL, to_ms=6_000)

    assert first.job_id == same.job_id != fresh.job_id


def test_new_segments_in_a_range_make_it_a_different_range(catchup_env: CatchupEnv, ada: Caller) -> None:
    session_id = save_session(catchup_env, ada, minutes=1)
    first = catchup_env.start(ada, session_id=session_id, from_ms=0, to_ms=30_000)
    catchup_env.backend.streaming.save(
        ada, session_id, [contract.SegmentInput(seq=100, start_ms=90_000, end_ms=91_000, text="Later, outside.")]
    )
    same = catchup_env.start(ada, session_id=session_id, from_ms=0, to_ms=30_000)
    catchup_env.backend.streaming.save(
        ada, session_id, [contract.SegmentInput(seq=101, start_ms=5_000, end_ms=6_000, text="Inside.")]
    )
    other = catchup_env.start(ada, session_id=session_id, from_ms=0, to_ms=30_000)

    assert first.job_id == same.job_id != other.job_id


def test_a_failed_job_frees_its_range(catchup_env: CatchupEnv, ada: Caller) -> None:
    catchup_env.recordings.script = [ConnectionError()]
    upload_id = catchup_env.upload(ada)
    first = catchup_env.start(ada, upload_id=upload_id, to_ms=60_000)
    catchup_env.backend.clock.forward(catchup_env.rules.abandon_after_seconds)
    catchup_env.work()
    failed = catchup_env.catchups.get_status(ada, first.job_id)

    again = catchup_env.start(ada, upload_id=upload_id, to_ms=60_000)

    assert (failed.status, failed.credits_held, failed.credits_used) == ("failed", 0, 0)
    assert "Nothing was charged" in failed.error.message
    assert again.job_id != first.job_id
    assert catchup_env.backend.ledger.balance(ada.user_id).held == 10


def test_what_a_failed_job_cost_us_is_booked_and_its_user_pays_nothing(catchup_env: CatchupEnv, ada: Caller) -> None:
    catchup_env.text.script = [ProviderRefusedError("The text was refused.")]
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id
    catchup_env.work()

    job = catchup_env.catchups.get_status(ada, job_id)
    assert (job.status, job.credits_used) == ("failed", 0)
    assert catchup_env.backend.ledger.balance(ada.user_id).held == 0
    (entry,) = [entry for entry in catchup_env.backend.entries(ada.user_id) if entry.kind == "usage"]
    assert (entry.credits, entry.audio_ms, entry.service, entry.reference) == (0, 0, "catchup", job_id)
    (use,) = entry.uses
    assert (use.audio_ms, use.cost_micro_usd) == (60_000, entry.cost_micro_usd)
    assert entry.cost_micro_usd > 0
    catchup_env.backend.check_books(ada.user_id)


def test_deleting_a_transcript_deletes_its_job_and_frees_the_range(catchup_env: CatchupEnv, ada: Caller) -> None:
    upload_id = catchup_env.upload(ada)
    first = catchup_env.start(ada, upload_id=upload_id, to_ms=60_000)
    catchup_env.work()
    catchup_env.backend.history.delete(ada, catchup_env.catchups.get_status(ada, first.job_id).transcript_id)

    with pytest.raises(NotFoundError):
        catchup_env.catchups.get_status(ada, first.job_id)
    assert catchup_env.start(ada, upload_id=upload_id, to_ms=60_000).job_id != first.job_id

    catchup_env.backend.history.delete_marked_segments()
    assert catchup_env.worker.advance(first.job_id) is None


def test_the_key_of_a_deleted_job_cannot_be_used_again(catchup_env: CatchupEnv, ada: Caller) -> None:
    upload_id = catchup_env.upload(ada)
    first = catchup_env.start(ada, "key", upload_id=upload_id, to_ms=60_000)
    catchup_env.work()
    catchup_env.backend.history.delete(ada, catchup_env.catchups.get_status(ada, first.job_id).transcript_id)
    catchup_env.backend.history.delete_marked_segments()

    for body_hash, to_ms in (("hash", 60_000), ("another", 30_000)):
        with pytest.raises(NotFoundError):
            catchup_env.start(ada, "key", body_hash, upload_id=upload_id, to_ms=to_ms)
    assert catchup_env.start(ada, "another key", upload_id=upload_id, to_ms=60_000).status == "queued"


def test_a_quote_holds_nothing(catchup_env: CatchupEnv, ada: Caller) -> None:
    body = contract.Catchup(audio_url=URL, to_ms=61_000, quote=True)
    quote = catchup_env.catchups.start(ada, body, "job", "hash", "https://api.example")

    assert isinstance(quote, contract.Quote)
    assert (quote.credits, quote.credits_available, quote.price_version) == (11, 200, PRICE_VERSION)
    assert catchup_env.queue.sent == []
    assert catchup_env.backend.holds(ada.user_id) == []


def test_the_same_request_again_is_the_same_job_and_another_body_is_refused(
    catchup_env: CatchupEnv, ada: Caller
) -> None:
    first = catchup_env.start(ada, "the-job", audio_url=URL, to_ms=60_000)
    again = catchup_env.start(ada, "the-job", audio_url=URL, to_ms=60_000)

    assert first == again
    assert catchup_env.backend.ledger.balance(ada.user_id).held == 10
    with pytest.raises(IdempotencyMismatchError):
        catchup_env.start(ada, "the-job", "another hash", audio_url=URL, to_ms=50_000)


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "no source": ({"to_ms": 1_000}, "body"),
    "two sources": ({"audio_url": URL, "upload_id": "u", "to_ms": 1_000}, "audio_url"),
    "a start after ten hours": ({"audio_url": URL, "from_ms": LONGEST_RANGE_MS}, "from_ms"),
    "an inverted range": ({"audio_url": URL, "from_ms": 2_000, "to_ms": 1_000}, "to_ms"),
    "an empty range": ({"audio_url": URL, "from_ms": 1_000, "to_ms": 1_000}, "to_ms"),
    "a range too long": ({"audio_url": URL, "to_ms": LONGEST_RANGE_MS + 1}, "to_ms"),
    "minutes of a recording": ({"audio_url": URL, "minutes": 5}, "minutes"),
    "plain http": ({"audio_url": "http://media.example.com/a.mp3", "to_ms": 1_000}, "audio_url"),
}


@pytest.mark.parametrize(("body", "field"), INVALID.values(), ids=INVALID)
def test_an_invalid_request_is_refused_before_anything_is_held(
    catchup_env: CatchupEnv, ada: Caller, body: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        catchup_env.start(ada, **body)

    assert refusal.value.details["field"] == field
    assert catchup_env.backend.holds(ada.user_id) == []
    assert catchup_env.queue.sent == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "minutes"),
        ({"minutes": 5, "to_ms": 5}, "minutes"),
        ({"minutes": 5, "from_ms": 5}, "from_ms"),
        ({"from_ms": 60_000, "to_ms": 90_000}, "from_ms"),
        ({"from_ms": 9_500, "to_ms": 9_900}, "from_ms"),
        ({"from_ms": 9_000, "to_ms": 3_000}, "to_ms"),
    ],
)
def test_an_invalid_range_of_a_session_is_refused(
    catchup_env: CatchupEnv, ada: Caller, body: dict[str, Any], field: str
) -> None:
    session_id = save_session(catchup_env, ada, minutes=1)

    with pytest.raises(InvalidRequestError) as refusal:
        catchup_env.start(ada, session_id=session_id, **body)

    assert refusal.value.details["field"] == field


def test_a_session_without_saved_segments_is_a_conflict(catchup_env: CatchupEnv, ada: Caller) -> None:
    session_id = catchup_env.backend.start(ada).session_id

    with pytest.raises(ConflictError, match="saved"):
        catchup_env.start(ada, session_id=session_id, minutes=1)


def test_another_users_sources_and_jobs_are_not_found(catchup_env: CatchupEnv, ada: Caller) -> None:
    eve = catchup_env.backend.person(200)
    upload_id, session_id = catchup_env.upload(ada), save_session(catchup_env, ada, minutes=1)
    job_id = catchup_env.start(ada, upload_id=upload_id, to_ms=60_000).job_id

    with pytest.raises(NotFoundError):
        catchup_env.start(eve, upload_id=upload_id, to_ms=60_000)
    with pytest.raises(NotFoundError):
        catchup_env.start(eve, session_id=session_id, minutes=1)
    with pytest.raises(NotFoundError):
        catchup_env.catchups.get_status(eve, job_id)
    with pytest.raises(NotFoundError):
        catchup_env.catchups.get_status(ada, "another-job")


def test_another_users_job_id_is_not_found(catchup_env: CatchupEnv, ada: Caller) -> None:
    """A job id is derived from user and key, so only the same user can send it again; this is checked all the same."""
    eve = catchup_env.backend.person(200)
    catchup_env.start(ada, "the-job", audio_url=URL, to_ms=60_000)

    with pytest.raises(NotFoundError):
        catchup_env.start(eve, "the-job", audio_url=URL, to_ms=60_000)


def test_a_user_without_enough_credits_holds_nothing(catchup_env: CatchupEnv) -> None:
    bob = catchup_env.backend.person(9)

    with pytest.raises(InsufficientCreditsError) as refusal:
        catchup_env.start(bob, audio_url=URL, to_ms=60_000)

    assert refusal.value.details == {"required": 10, "available": 9}
    assert catchup_env.backend.holds(bob.user_id) == []


def test_a_blocked_account_can_neither_start_nor_read_a_catchup(catchup_env: CatchupEnv, ada: Caller) -> None:
    job_id = catchup_env.start(ada, audio_url=URL, to_ms=60_000).job_id
    catchup_env.backend.ledger.set_blocked(ada.user_id, True)

    for act in (
        lambda: catchup_env.start(ada, audio_url=URL, to_ms=50_000),
        lambda: catchup_env.catchups.get_status(ada, job_id),
        lambda: catchup_env.catchups.create_upload(ada, contract.NewUpload(content_type="audio/wav")),
    ):
        with pytest.raises(AccountBlockedError):
            act()


def test_a_queue_outage_only_delays_the_job(catchup_env: CatchupEnv, ada: Caller) -> None:
    catchup_env.queue.is_down = True
    job_id = catchup_env.start(ada, audio_url=URL, to_ms=60_000).job_id
    catchup_env.backend.clock.forward(60)
    with pytest.raises(ExceptionGroup):
        catchup_env.catchups.sweep()

    catchup_env.queue.is_down = False
    assert catchup_env.catchups.sweep() == 1
    assert catchup_env.catchups.sweep() == 0
    catchup_env.work()
    assert catchup_env.catchups.get_status(ada, job_id).status == "done"


def test_each_sweep_checks_a_silent_job_even_if_it_runs_a_little_early(catchup_env: CatchupEnv, ada: Caller) -> None:
    catchup_env.recordings.is_slow = True
    catchup_env.start(ada, audio_url=URL, to_ms=60_000)
    catchup_env.backend.clock.forward(60)

    for seconds in (60, 57, 63, 55):
        assert catchup_env.catchups.sweep() == 1
        catchup_env.work()
        catchup_env.backend.clock.forward(seconds)


def test_a_webhook_is_trusted_only_with_the_secret_of_its_own_job(catchup_env: CatchupEnv, ada: Caller) -> None:
    job_id = catchup_env.start(ada, audio_url=URL, to_ms=60_000).job_id
    catchup_env.queue.sent.clear()

    for secret in ("", "wrong", webhook_secret(WEBHOOK_KEY, "another-job"), webhook_secret("another key", job_id)):
        with pytest.raises(InvalidSignatureError):
            catchup_env.catchups.record_notification(job_id, secret, "transcript-1")
    assert catchup_env.queue.sent == []
    with pytest.raises(InvalidSignatureError):
        catchup_env.catchups.record_notification(job_id, "geheim€", "transcript-1")


def test_a_webhook_that_cannot_be_queued_is_refused_so_that_it_is_retried(catchup_env: CatchupEnv, ada: Caller) -> None:
    job_id = catchup_env.start(ada, audio_url=URL, to_ms=60_000).job_id
    catchup_env.queue.is_down = True

    with pytest.raises(UnavailableError):
        catchup_env.webhook(job_id, "transcript-1")


@pytest.mark.parametrize(
    ("credits", "held_seconds", "gets_form"),
    [
        (200, 0, True),
        (1, 0, True),
        (0, 0, False),
        (-5, 0, False),
        (live_credits(60), 60, False),
        (live_credits(60) + 1, 60, True),
    ],
)
def test_an_upload_form_needs_a_positive_balance(
    catchup_env: CatchupEnv, credits: int, held_seconds: int, gets_form: bool
) -> None:
    """Credits that another session holds are not available for a catch-up either."""
    backend = catchup_env.backend
    caller = backend.person(max(credits, 1))
    backend.tables.write(Write(balance_key(caller.user_id), add={"available": min(credits, 1) - 1, "version": 1}))
    if held_seconds:
        backend.start(caller, lease_seconds=held_seconds)
    body = contract.NewUpload(content_type="audio/wav")

    if gets_form:
        assert catchup_env.catchups.create_upload(caller, body).upload_id
        return
    with pytest.raises(InsufficientCreditsError) as refusal:
        catchup_env.catchups.create_upload(caller, body)
    assert refusal.value.details == {"required": 1, "available": credits if held_seconds == 0 else 0}
    assert refusal.value.held == live_credits(held_seconds)
    assert ("Stop sessions that are still open" in refusal.value.message) == bool(held_seconds)


def test_every_refusal_for_want_of_credits_says_what_is_held(catchup_env: CatchupEnv) -> None:
    """An open session holds all: the credits come back when it is stopped, so nothing has to be bought."""
    backend = catchup_env.backend
    caller = backend.person(live_credits(120))
    recorded = backend.start(caller, lease_seconds=60)
    words = [contract.SegmentInput(seq=0, start_ms=0, end_ms=900, text="A sentence.")]
    backend.streaming.save(caller, recorded.session_id, words)
    backend.streaming.stop(caller, recorded.session_id)
    balance = backend.ledger.balance(caller.user_id)
    open_lease = backend.start(caller, lease_seconds=120)
    assert open_lease.credits_held == balance.available
    requests = (
        lambda: catchup_env.catchups.create_upload(caller, contract.NewUpload(content_type="audio/wav")),
        lambda: catchup_env.start(caller, upload_id=catchup_env.upload(caller), to_ms=60_000),
        lambda: catchup_env.start(caller, upload_id=catchup_env.upload(caller)),
        lambda: catchup_env.start(caller, session_id=recorded.session_id, minutes=5),
        lambda: catchup_env.ask(caller, session_id=recorded.session_id),
        lambda: backend.start(caller, lease_seconds=60),
        lambda: backend.start(caller, lease_seconds=60, transport="direct"),
    )

    for request in requests:
        with pytest.raises(InsufficientCreditsError) as refusal:
            request()
        assert refusal.value.held == open_lease.credits_held
        assert f"and {open_lease.credits_held} are held by open sessions" in refusal.value.message
        assert "Stop sessions that are still open" in refusal.value.message


def test_an_upload_form_belongs_to_its_owner(catchup_env: CatchupEnv, ada: Caller) -> None:
    upload = catchup_env.catchups.create_upload(ada, contract.NewUpload(content_type="audio/wav"))

    assert upload.fields["key"] == f"{ada.user_id}/{upload.upload_id}"
    assert upload.max_bytes == 500


def test_without_a_text_model_nothing_is_started(catchup_env: CatchupEnv, ada: Caller) -> None:
    off = replace(catchup_env.catchups, is_on=False)

    with pytest.raises(UnavailableError):
        off.start(ada, contract.Catchup(audio_url=URL, to_ms=60_000), "job", "hash", "https://api.example")
    with pytest.raises(UnavailableError):
        replace(catchup_env.questions, is_on=False).ask(
            ada, contract.Ask(question="What?", transcript_id="t"), "question", "hash"
        )
    assert catchup_env.backend.holds(ada.user_id) == []
