"""Live sessions: start, save, stop, sweep, on both engines. Renewals are in test_renewals.py."""

import pytest

from chalicelib import contract
from chalicelib.dates import rfc3339
from chalicelib.errors import (
    AccountBlockedError,
    ConflictError,
    IdempotencyMismatchError,
    InsufficientCreditsError,
    NotFoundError,
)
from chalicelib.repositories.ledger import Guard
from tests.default_prices import LIVE_PER_MINUTE, live_credits
from tests.fakes import Backend

SESSION = "5f1c1a52-0000-4000-8000-000000000001"
LATE = contract.SegmentInput(seq=1, start_ms=0, end_ms=900, text="late")


# Start


def test_a_session_is_held_used_and_settled_to_the_credit(backend: Backend) -> None:
    ada = backend.person(200)

    lease = backend.start(ada)
    assert (lease.lease_seconds, lease.credits_held, lease.credits_available) == (
        600,
        live_credits(600),
        200 - live_credits(600),
    )
    chunk = backend.send(ada, lease.session_id, 0, seconds=7.1)
    assert (chunk.text, chunk.duration_ms, chunk.credits_used) == ("some words", 7100, live_credits(7.1))
    backend.check_invariants(ada.user_id)
    stopped = backend.streaming.stop(ada, lease.session_id)

    assert (stopped.billed_seconds, stopped.credits_used, stopped.credits_available) == (
        8,
        live_credits(7.1),
        200 - live_credits(7.1),
    )
    assert backend.streaming.stop(ada, lease.session_id) == stopped
    assert backend.ledger.balance(ada.user_id).available == stopped.credits_available
    backend.check_invariants(ada.user_id)


def test_a_lease_says_when_it_ends_and_may_be_renewed(backend: Backend) -> None:
    ada, now = backend.person(200), backend.clock()

    lease = backend.start(ada, lease_seconds=300)

    assert (lease.lease_expires_at, lease.renew_after) == (rfc3339(now + 300), rfc3339(now + 240))
    assert (lease.credits_held, lease.credits_per_minute, lease.offset_ms) == (live_credits(300), LIVE_PER_MINUTE, 0)


SMALLEST, LARGEST = live_credits(60), live_credits(600)


@pytest.mark.parametrize(
    ("credits", "seconds"),
    [
        (SMALLEST, SMALLEST * 60 // LIVE_PER_MINUTE),
        (SMALLEST + 1, (SMALLEST + 1) * 60 // LIVE_PER_MINUTE),
        (LARGEST - 1, (LARGEST - 1) * 60 // LIVE_PER_MINUTE),
        (LARGEST, 600),
        (5 * LARGEST, 600),
    ],
)
def test_a_lease_is_as_long_as_the_balance_affords(backend: Backend, credits: int, seconds: int) -> None:
    lease = backend.start(backend.person(credits))

    assert lease.lease_seconds == seconds


def test_no_lease_is_shorter_than_a_minute(backend: Backend) -> None:
    ada = backend.person(SMALLEST - 1)

    with pytest.raises(InsufficientCreditsError) as refused:
        backend.start(ada)

    assert refused.value.details == {"required": SMALLEST, "available": SMALLEST - 1}
    assert backend.open_holds(ada.user_id) == []


def test_a_repeated_start_returns_the_same_response_and_holds_once(backend: Backend) -> None:
    ada = backend.person(200)
    first = backend.start(ada, SESSION)
    backend.clock.forward(30)

    assert backend.start(ada, SESSION) == first
    assert backend.ledger.balance(ada.user_id).held == live_credits(600)


def test_the_same_start_with_another_body_is_a_mismatch(backend: Backend) -> None:
    ada = backend.person(200)
    backend.start(ada, SESSION)

    with pytest.raises(IdempotencyMismatchError):
        backend.streaming.start(ada, contract.Start(transport="relay"), SESSION, "another hash")


def test_another_users_session_is_not_found(backend: Backend) -> None:
    ada, eve = backend.person(200), backend.person(200)
    backend.start(ada, SESSION)

    for command in (backend.streaming.stop, lambda caller, session: backend.streaming.renew(caller, session, False)):
        with pytest.raises(NotFoundError):
            command(eve, SESSION)


# Save


def test_the_last_write_of_a_segment_wins(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    for text in ("I sad", "I said"):
        backend.clock.forward(1)
        segments = [
            contract.SegmentInput(seq=2, start_ms=900, end_ms=1_800, text="hello"),
            contract.SegmentInput(seq=1, start_ms=0, end_ms=900, text=text, speaker="A"),
        ]
        backend.streaming.save(ada, lease.session_id, segments)

    kept = backend.transcripts.segments(ada.user_id, lease.transcript_id)

    assert [(s.seq, s.start_ms, s.end_ms, s.text, s.speaker) for s in kept] == [
        (1, 0, 900, "I said", "A"),
        (2, 900, 1_800, "hello", ""),
    ]


def test_saving_returns_warnings(backend: Backend) -> None:
    ada = backend.person(live_credits(600) + LIVE_PER_MINUTE - 1)
    lease = backend.start(ada)

    def save() -> contract.Saved:
        return backend.streaming.save(ada, lease.session_id, [])

    assert (save().seconds_left, save().warnings) == (600, ["credits_low"])
    backend.ledger.grant(ada.user_id, 1, "purchase", Guard.reference(ada.user_id, "x", "1"), at=1, reason="")
    assert save().warnings == []
    backend.clock.forward(61)
    assert (save().seconds_left, save().warnings) == (539, ["no_audio"])
    backend.send(ada, lease.session_id, 0)
    assert save().warnings == []
    backend.clock.forward(479)
    assert (save().seconds_left, save().warnings) == (60, ["lease_ending", "no_audio"])


def test_the_transcript_of_a_session_that_can_no_longer_be_resumed_is_closed(backend: Backend) -> None:
    """The reason is the one that a renewal gives, so that an extension handles both alike."""
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.clock.forward(600 + 86_400)
    backend.streaming.save(ada, lease.session_id, [LATE])
    backend.clock.forward(1)

    with pytest.raises(ConflictError) as save_refusal:
        backend.streaming.save(ada, lease.session_id, [LATE])
    with pytest.raises(ConflictError) as renewal_refusal:
        backend.streaming.renew(ada, lease.session_id, interrupted=True)

    assert save_refusal.value.details["reason"] == "resume_expired"
    assert save_refusal.value.details == renewal_refusal.value.details
    assert len(backend.transcripts.segments(ada.user_id, lease.transcript_id)) == 1


# The end


def test_the_sweep_settles_an_abandoned_lease(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.send(ada, lease.session_id, 0, seconds=60)

    backend.clock.forward(659)
    assert backend.streaming.sweep() == 0
    backend.clock.forward(1)
    assert backend.streaming.sweep() == 1

    assert backend.ledger.balance(ada.user_id).available == 200 - live_credits(60)
    stopped = backend.streaming.stop(ada, lease.session_id)
    assert (stopped.billed_seconds, stopped.credits_used) == (60, live_credits(60))
    backend.check_invariants(ada.user_id)


def test_a_blocked_account_can_do_nothing_and_its_lease_is_swept(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.send(ada, lease.session_id, 0, seconds=12)
    backend.ledger.set_blocked(ada.user_id, True)

    for command in (
        lambda: backend.start(ada),
        lambda: backend.streaming.renew(ada, lease.session_id, True),
        lambda: backend.send(ada, lease.session_id, 1),
        lambda: backend.streaming.save(ada, lease.session_id, []),
        lambda: backend.streaming.stop(ada, lease.session_id),
    ):
        with pytest.raises(AccountBlockedError):
            command()
    backend.clock.forward(660)

    assert backend.streaming.sweep() == 1
    assert backend.ledger.balance(ada.user_id).available == 200 - live_credits(12)
