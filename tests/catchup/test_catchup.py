"""Catch-ups as their listener sees them: what is asked for, what it costs, what is free, what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib import contract
from chalicelib.catchup.job_rules import LONGEST_RANGE_MS, webhook_secret
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
from tests.catchup.catchup_env import WEBHOOK_KEY, Desk

URL = "https://media.example.com/talk.mp3"


@pytest.fixture
def ada(desk: Desk) -> Caller:
    return desk.backend.person(200)


def a_session(desk: Desk, caller: Caller, minutes: int = 5) -> str:
    """A running session with a saved sentence each ten seconds."""
    session_id = desk.backend.start(caller).session_id
    for minute in range(minutes):
        said = [
            contract.Segment(minute * 6 + n, at := (minute * 6 + n) * 10_000, at + 9_000, f"Sentence {minute} {n}.")
            for n in range(6)
        ]
        desk.backend.streaming.save(caller, session_id, said)
    return session_id


def test_a_catchup_of_an_upload_is_held_done_and_charged_by_the_second(desk: Desk, ada: Caller) -> None:
    started = desk.start(ada, upload_id=desk.upload(ada), from_ms=60_000, to_ms=180_000, title="A talk")

    assert (started.status, started.progress, started.credits_held, started.credits_used) == ("queued", 0, 20, 0)
    assert desk.backend.ledger.balance(ada.user_id).held == 20

    desk.work()
    desk.webhook(started.job_id, "transcript-1")
    desk.work()
    done = desk.catchups.look(ada, started.job_id)

    assert (done.status, done.progress, done.credits_held, done.credits_used) == ("done", 100, 0, 10)
    assert done.summary == "14 lines."
    assert [(moment.start_ms, moment.title) for moment in done.key_moments] == [(60_000, "The start")]
    whole = desk.backend.history.whole(ada, done.transcript_id)
    assert (whole.transcript.kind, whole.transcript.title, whole.transcript.credits) == ("catchup", "A talk", 10)
    assert [(c.start_ms, c.end_ms) for c in whole.covered] == [(60_000, 120_000)]
    assert [(c.start_ms, c.end_ms) for c in whole.uncovered] == [(0, 60_000)]
    assert whole.segments[0].start_ms == 60_000
    assert desk.recordings.deleted == ["transcript-1"]
    (entry,) = [entry for entry in desk.backend.entries(ada.user_id) if entry.kind == "usage"]
    assert [(use.model, use.audio_ms, use.input_tokens, use.cost_micro_usd) for use in entry.uses] == [
        ("assemblyai/universal-3-5-pro", 60_000, 0, 3_500),
        ("openai/gpt-6-luna", 0, 1_000, 150),
    ]
    desk.backend.check_invariants(ada.user_id)


def test_an_order_names_the_range_the_language_and_a_webhook_of_its_own(desk: Desk, ada: Caller) -> None:
    started = desk.start(ada, audio_url=URL, from_ms=1_000, to_ms=31_000, language="pt-BR")
    desk.work()

    (order,) = desk.recordings.orders
    assert (order.audio_url, order.from_ms, order.to_ms, order.language) == (URL, 1_000, 31_000, "pt-BR")
    assert order.webhook_url == f"https://api.example/api/webhooks/assemblyai?job={started.job_id}"
    assert order.webhook_secret == webhook_secret(WEBHOOK_KEY, started.job_id)


def test_a_session_is_caught_up_with_from_its_saved_words(desk: Desk, ada: Caller) -> None:
    session_id = a_session(desk, ada)

    started = desk.start(ada, session_id=session_id, minutes=2)
    desk.work()
    done = desk.catchups.look(ada, started.job_id)

    assert (done.from_ms, done.to_ms, started.credits_held, done.credits_used) == (179_000, 299_000, 2, 2)
    assert (done.status, done.summary, done.session_id) == ("done", "12 lines.", session_id)
    assert desk.recordings.orders == []
    (summary,) = desk.backend.history.whole(ada, done.transcript_id).summaries
    assert (summary.summary, summary.from_ms) == ("12 lines.", 179_000)


def test_the_same_range_of_the_same_source_is_the_same_job(desk: Desk, ada: Caller) -> None:
    upload_id = desk.upload(ada)
    first = desk.start(ada, upload_id=upload_id, to_ms=60_000)

    joined = desk.start(ada, upload_id=upload_id, to_ms=60_000)
    desk.work()
    stored = desk.start(ada, upload_id=upload_id, to_ms=60_000)
    longer = desk.start(ada, upload_id=upload_id, to_ms=61_000)

    assert first.job_id == joined.job_id == stored.job_id != longer.job_id
    assert (stored.status, stored.credits_used) == ("done", 10)
    assert len([entry for entry in desk.backend.entries(ada.user_id) if entry.kind == "usage"]) == 1
    assert desk.backend.ledger.balance(ada.user_id).held == longer.credits_held


def test_a_changed_file_is_another_source(desk: Desk, ada: Caller) -> None:
    upload_id = desk.upload(ada, "one")
    first = desk.start(ada, upload_id=upload_id, to_ms=60_000)
    desk.uploads.files[ada.user_id, upload_id] = "two"

    assert desk.start(ada, upload_id=upload_id, to_ms=60_000).job_id != first.job_id


def test_what_lies_at_an_address_counts_as_the_same_for_a_day(desk: Desk, ada: Caller) -> None:
    first = desk.start(ada, audio_url=URL, to_ms=6_000)
    desk.work()
    desk.backend.clock.forward(86_399)
    same = desk.start(ada, audio_url=URL, to_ms=6_000)
    desk.backend.clock.forward(1)
    fresh = desk.start(ada, audio_url=URL, to_ms=6_000)

    assert first.job_id == same.job_id != fresh.job_id


def test_new_words_in_a_range_make_it_another(desk: Desk, ada: Caller) -> None:
    session_id = a_session(desk, ada, minutes=1)
    first = desk.start(ada, session_id=session_id, from_ms=0, to_ms=30_000)
    desk.backend.streaming.save(ada, session_id, [contract.Segment(100, 90_000, 91_000, "Later, outside.")])
    same = desk.start(ada, session_id=session_id, from_ms=0, to_ms=30_000)
    desk.backend.streaming.save(ada, session_id, [contract.Segment(101, 5_000, 6_000, "Inside.")])
    other = desk.start(ada, session_id=session_id, from_ms=0, to_ms=30_000)

    assert first.job_id == same.job_id != other.job_id


def test_a_failed_job_frees_its_range(desk: Desk, ada: Caller) -> None:
    desk.recordings.script = [ConnectionError()]
    upload_id = desk.upload(ada)
    first = desk.start(ada, upload_id=upload_id, to_ms=60_000)
    desk.backend.clock.forward(desk.rules.give_up_seconds)
    desk.work()
    failed = desk.catchups.look(ada, first.job_id)

    again = desk.start(ada, upload_id=upload_id, to_ms=60_000)

    assert (failed.status, failed.credits_held, failed.credits_used) == ("failed", 0, 0)
    assert "Nothing was charged" in failed.error.message
    assert again.job_id != first.job_id
    assert desk.backend.ledger.balance(ada.user_id).held == 10


def test_what_a_failed_job_cost_us_is_booked_and_its_user_pays_nothing(desk: Desk, ada: Caller) -> None:
    desk.text.script = [ProviderRefusedError("It will not read that.")]
    job_id = desk.start(ada, upload_id=desk.upload(ada), to_ms=60_000).job_id
    desk.work()

    job = desk.catchups.look(ada, job_id)
    assert (job.status, job.credits_used) == ("failed", 0)
    assert desk.backend.ledger.balance(ada.user_id).held == 0
    (entry,) = [entry for entry in desk.backend.entries(ada.user_id) if entry.kind == "usage"]
    assert (entry.credits, entry.audio_ms, entry.service, entry.reference) == (0, 0, "catchup", job_id)
    (use,) = entry.uses
    assert (use.audio_ms, use.cost_micro_usd) == (60_000, entry.cost_micro_usd)
    assert entry.cost_micro_usd > 0
    desk.backend.check_books(ada.user_id)


def test_a_deleted_transcript_takes_its_job_along_and_frees_the_range(desk: Desk, ada: Caller) -> None:
    upload_id = desk.upload(ada)
    first = desk.start(ada, upload_id=upload_id, to_ms=60_000)
    desk.work()
    desk.backend.history.delete(ada, desk.catchups.look(ada, first.job_id).transcript_id)

    with pytest.raises(NotFoundError):
        desk.catchups.look(ada, first.job_id)
    assert desk.start(ada, upload_id=upload_id, to_ms=60_000).job_id != first.job_id

    desk.backend.history.erase_deleted()
    assert desk.worker.advance(first.job_id) is None


def test_the_key_of_an_erased_job_is_used_up(desk: Desk, ada: Caller) -> None:
    upload_id = desk.upload(ada)
    first = desk.start(ada, "key", upload_id=upload_id, to_ms=60_000)
    desk.work()
    desk.backend.history.delete(ada, desk.catchups.look(ada, first.job_id).transcript_id)
    desk.backend.history.erase_deleted()

    for body_hash, to_ms in (("hash", 60_000), ("another", 30_000)):
        with pytest.raises(NotFoundError):
            desk.start(ada, "key", body_hash, upload_id=upload_id, to_ms=to_ms)
    assert desk.start(ada, "another key", upload_id=upload_id, to_ms=60_000).status == "queued"


def test_a_quote_holds_nothing(desk: Desk, ada: Caller) -> None:
    wish = contract.Catchup(audio_url=URL, to_ms=61_000, quote=True)
    quote = desk.catchups.start(ada, wish, "job", "hash", "https://api.example")

    assert isinstance(quote, contract.Quote)
    assert (quote.credits, quote.credits_available, quote.price_version) == (11, 200, "2026-11")
    assert desk.queue.sent == []
    assert desk.backend.holds(ada.user_id) == []


def test_the_same_request_again_is_the_same_job_and_another_body_is_refused(desk: Desk, ada: Caller) -> None:
    first = desk.start(ada, "the-job", audio_url=URL, to_ms=60_000)
    again = desk.start(ada, "the-job", audio_url=URL, to_ms=60_000)

    assert first == again
    assert desk.backend.ledger.balance(ada.user_id).held == 10
    with pytest.raises(IdempotencyMismatchError):
        desk.start(ada, "the-job", "another hash", audio_url=URL, to_ms=50_000)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no source": ({"to_ms": 1_000}, "body"),
    "two sources": ({"audio_url": URL, "upload_id": "u", "to_ms": 1_000}, "audio_url"),
    "no end": ({"audio_url": URL}, "to_ms"),
    "an inverted range": ({"audio_url": URL, "from_ms": 2_000, "to_ms": 1_000}, "to_ms"),
    "an empty range": ({"audio_url": URL, "from_ms": 1_000, "to_ms": 1_000}, "to_ms"),
    "a range too long": ({"audio_url": URL, "to_ms": LONGEST_RANGE_MS + 1}, "to_ms"),
    "minutes of a recording": ({"audio_url": URL, "minutes": 5}, "minutes"),
    "plain http": ({"audio_url": "http://media.example.com/a.mp3", "to_ms": 1_000}, "audio_url"),
}


@pytest.mark.parametrize(("wish", "field"), BAD.values(), ids=BAD)
def test_a_bad_wish_is_refused_before_anything_is_held(
    desk: Desk, ada: Caller, wish: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        desk.start(ada, **wish)

    assert refusal.value.details["field"] == field
    assert desk.backend.holds(ada.user_id) == []
    assert desk.queue.sent == []


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({}, "minutes"),
        ({"minutes": 5, "to_ms": 5}, "minutes"),
        ({"minutes": 5, "from_ms": 5}, "from_ms"),
        ({"from_ms": 60_000, "to_ms": 90_000}, "from_ms"),
        ({"from_ms": 9_500, "to_ms": 9_900}, "from_ms"),
        ({"from_ms": 9_000, "to_ms": 3_000}, "to_ms"),
    ],
)
def test_a_bad_range_of_a_session_is_refused(desk: Desk, ada: Caller, wish: dict[str, Any], field: str) -> None:
    session_id = a_session(desk, ada, minutes=1)

    with pytest.raises(InvalidRequestError) as refusal:
        desk.start(ada, session_id=session_id, **wish)

    assert refusal.value.details["field"] == field


def test_a_session_without_words_is_a_conflict(desk: Desk, ada: Caller) -> None:
    session_id = desk.backend.start(ada).session_id

    with pytest.raises(ConflictError, match="saved"):
        desk.start(ada, session_id=session_id, minutes=1)


def test_what_is_another_users_is_not_there(desk: Desk, ada: Caller) -> None:
    eve = desk.backend.person(200)
    upload_id, session_id = desk.upload(ada), a_session(desk, ada, minutes=1)
    job_id = desk.start(ada, upload_id=upload_id, to_ms=60_000).job_id

    with pytest.raises(NotFoundError):
        desk.start(eve, upload_id=upload_id, to_ms=60_000)
    with pytest.raises(NotFoundError):
        desk.start(eve, session_id=session_id, minutes=1)
    with pytest.raises(NotFoundError):
        desk.catchups.look(eve, job_id)
    with pytest.raises(NotFoundError):
        desk.catchups.look(ada, "another-job")


def test_another_users_key_is_no_collision(desk: Desk, ada: Caller) -> None:
    """A job id comes from user and key, so that it can only be met again by the same user; it is held to be so."""
    eve = desk.backend.person(200)
    desk.start(ada, "the-job", audio_url=URL, to_ms=60_000)

    with pytest.raises(NotFoundError):
        desk.start(eve, "the-job", audio_url=URL, to_ms=60_000)


def test_who_cannot_pay_holds_nothing(desk: Desk) -> None:
    bob = desk.backend.person(9)

    with pytest.raises(InsufficientCreditsError) as refusal:
        desk.start(bob, audio_url=URL, to_ms=60_000)

    assert refusal.value.details == {"required": 10, "available": 9}
    assert desk.backend.holds(bob.user_id) == []


def test_a_blocked_account_starts_and_sees_nothing(desk: Desk, ada: Caller) -> None:
    job_id = desk.start(ada, audio_url=URL, to_ms=60_000).job_id
    desk.backend.ledger.set_blocked(ada.user_id, True)

    for act in (
        lambda: desk.start(ada, audio_url=URL, to_ms=50_000),
        lambda: desk.catchups.look(ada, job_id),
        lambda: desk.catchups.new_upload(ada, contract.NewUpload("audio/wav")),
    ):
        with pytest.raises(AccountBlockedError):
            act()


def test_a_queue_that_is_down_only_delays(desk: Desk, ada: Caller) -> None:
    desk.queue.is_down = True
    job_id = desk.start(ada, audio_url=URL, to_ms=60_000).job_id
    desk.backend.clock.forward(60)
    with pytest.raises(ExceptionGroup):
        desk.catchups.sweep()

    desk.queue.is_down = False
    assert desk.catchups.sweep() == 1
    assert desk.catchups.sweep() == 0
    desk.work()
    assert desk.catchups.look(ada, job_id).status == "done"


def test_each_sweep_looks_at_a_silent_job_also_where_schedules_are_a_little_early(desk: Desk, ada: Caller) -> None:
    desk.recordings.is_slow = True
    desk.start(ada, audio_url=URL, to_ms=60_000)
    desk.backend.clock.forward(60)

    for seconds in (60, 57, 63, 55):
        assert desk.catchups.sweep() == 1
        desk.work()
        desk.backend.clock.forward(seconds)


def test_a_webhook_is_believed_by_its_own_jobs_secret_only(desk: Desk, ada: Caller) -> None:
    job_id = desk.start(ada, audio_url=URL, to_ms=60_000).job_id
    desk.queue.sent.clear()

    for secret in ("", "wrong", webhook_secret(WEBHOOK_KEY, "another-job"), webhook_secret("another key", job_id)):
        with pytest.raises(InvalidSignatureError):
            desk.catchups.notified(job_id, secret, "transcript-1")
    assert desk.queue.sent == []
    with pytest.raises(InvalidSignatureError):
        desk.catchups.notified(job_id, "geheim€", "transcript-1")


def test_a_webhook_that_cannot_be_passed_on_is_to_come_again(desk: Desk, ada: Caller) -> None:
    job_id = desk.start(ada, audio_url=URL, to_ms=60_000).job_id
    desk.queue.is_down = True

    with pytest.raises(UnavailableError):
        desk.webhook(job_id, "transcript-1")


def test_an_upload_is_a_form_of_its_owners(desk: Desk, ada: Caller) -> None:
    upload = desk.catchups.new_upload(ada, contract.NewUpload("audio/wav"))

    assert upload.fields["key"] == f"{ada.user_id}/{upload.upload_id}"
    assert upload.max_bytes == 500


def test_without_a_text_model_nothing_is_begun(desk: Desk, ada: Caller) -> None:
    off = replace(desk.catchups, is_on=False)

    with pytest.raises(UnavailableError):
        off.start(ada, contract.Catchup(audio_url=URL, to_ms=60_000), "job", "hash", "https://api.example")
    with pytest.raises(UnavailableError):
        replace(desk.assistant, is_on=False).ask(
            ada, contract.Ask(question="What?", transcript_id="t"), "question", "hash"
        )
    assert desk.backend.holds(ada.user_id) == []
