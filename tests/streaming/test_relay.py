"""Relayed chunks: what they cost, and what happens to each that fails, comes twice, too late or too long."""

import pytest

from chalicelib.errors import (
    ConflictError,
    IdempotencyMismatchError,
    NotFoundError,
    ProviderError,
    ProviderTimeoutError,
)
from chalicelib.models.accounts import Caller
from chalicelib.providers.openai_transcription import SHORTEST_MS as OPENAI_SHORTEST_MS
from chalicelib.repositories.table import Tables
from tests.default_prices import PRICES, live_credits
from tests.fakes import MODEL, Backend, Clock, ScriptedRecogniser, silence

FALLBACK = "openai/gpt-transcribe"


@pytest.fixture
def two(tables: Tables, clock: Clock) -> Backend:
    """With a fallback behind the first recogniser."""
    return Backend.on(tables, clock, (ScriptedRecogniser(), ScriptedRecogniser(model=FALLBACK)))


def fallback_of(two: Backend) -> ScriptedRecogniser:
    return two.relay.recognisers[1]


@pytest.mark.parametrize("seconds", [1, 10, 30])
def test_the_same_audio_costs_the_same_in_chunks_of_any_length(backend: Backend, seconds: int) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)

    for n in range(30 // seconds):
        chunk = backend.send(ada, lease.session_id, n, seconds)
    stopped = backend.streaming.stop(ada, lease.session_id)

    assert (chunk.credits_used, stopped.credits_used, stopped.billed_seconds) == (
        live_credits(30),
        live_credits(30),
        30,
    )


@pytest.mark.parametrize(
    ("chunk_ms", "billed_seconds", "billed_ms"),
    [
        ([80], 1, 1_000),
        ([80] * 60, 60, 60_000),
        ([999, 1_000, 1_001], 4, 3_001),  # a second that has begun is shown whole
        ([120_000, 500, 80], 122, 122_000),
        ([1_500] * 4, 6, 6_000),
    ],
    ids=str,
)
def test_a_chunk_is_billed_as_a_second_at_least(
    backend: Backend, chunk_ms: list[int], billed_seconds: int, billed_ms: int
) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)

    for seq, milliseconds in enumerate(chunk_ms):
        chunk = backend.send(ada, lease.session_id, seq, milliseconds / 1000)
        assert chunk.duration_ms == milliseconds
    stopped = backend.streaming.stop(ada, lease.session_id)

    assert stopped.billed_seconds == billed_seconds
    assert stopped.credits_used == chunk.credits_used == live_credits(billed_ms / 1_000)
    (usage,) = (entry for entry in backend.entries(ada.user_id) if entry.kind == "usage")
    assert usage.audio_ms == sum(max(milliseconds, 1_000) for milliseconds in chunk_ms)
    assert [use.audio_ms for use in usage.uses] == [sum(chunk_ms)]
    assert usage.cost_micro_usd == sum(PRICES.cost_micro_usd(MODEL, milliseconds) for milliseconds in chunk_ms)
    backend.check_invariants(ada.user_id)


def test_short_chunks_follow_each_other_without_gaps(backend: Backend) -> None:
    """Their places and the length of the transcript are those of the audio, whatever is billed."""
    ada = backend.person(200)
    lease = backend.start(ada)
    for seq, seconds in enumerate([0.2, 0.5, 2]):
        backend.send(ada, lease.session_id, seq, seconds)
    renewed = backend.streaming.renew(ada, lease.session_id, interrupted=True)

    kept = backend.transcripts.segments(ada.user_id, lease.transcript_id)
    assert [(segment.start_ms, segment.end_ms) for segment in kept] == [(0, 200), (200, 700), (700, 2_700)]
    assert renewed.offset_ms == 2_700
    backend.streaming.stop(ada, lease.session_id)
    (line,), _ = backend.transcripts.page(ada.user_id, 10, None)
    assert line.audio_ms == 2_700


def test_a_short_chunk_needs_a_second_of_the_lease(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada, lease_seconds=60)
    backend.send(ada, lease.session_id, 0, seconds=59.5)

    with pytest.raises(ConflictError) as used_up:
        backend.send(ada, lease.session_id, 1, seconds=0.1)

    assert (used_up.value.details["reason"], used_up.value.details["free_ms"]) == ("lease_used_up", 500)
    backend.streaming.renew(ada, lease.session_id, False)
    assert backend.send(ada, lease.session_id, 1, seconds=0.1).start_ms == 59_500


def test_a_short_chunk_that_fails_gives_its_whole_second_back(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada, lease_seconds=60)
    backend.recogniser.script.append(ProviderError("broken"))
    with pytest.raises(ProviderError):
        backend.send(ada, lease.session_id, 0, seconds=0.1)

    backend.send(ada, lease.session_id, 0, seconds=60)

    assert backend.streaming.stop(ada, lease.session_id).credits_used == live_credits(60)


def test_splitting_into_leases_does_not_change_the_price(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)

    for n in range(7):
        backend.send(ada, lease.session_id, n, seconds=1)
        backend.streaming.renew(ada, lease.session_id, interrupted=True)

    assert backend.streaming.stop(ada, lease.session_id).credits_used == live_credits(7)
    charges = [live_credits(second) - live_credits(second + 1) for second in range(7)]
    assert sorted(entry.credits for entry in backend.entries(ada.user_id)) == sorted([*charges, 200])
    backend.check_invariants(ada.user_id)


def test_a_repeated_chunk_is_free_and_returns_the_same_words_even_after_a_stop(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    first = backend.send(ada, lease.session_id, 0, seconds=7.1)

    assert backend.send(ada, lease.session_id, 0, seconds=7.1) == first
    backend.streaming.stop(ada, lease.session_id)
    assert backend.send(ada, lease.session_id, 0, seconds=7.1) == first
    assert len(backend.recogniser.received) == 1


def test_different_audio_under_a_used_seq_is_a_mismatch(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.send(ada, lease.session_id, 0, seconds=1)

    with pytest.raises(IdempotencyMismatchError):
        backend.send(ada, lease.session_id, 0, seconds=2)
    assert backend.streaming.stop(ada, lease.session_id).billed_seconds == 1


def test_chunks_follow_each_other_unless_start_ms_is_given(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)

    backend.send(ada, lease.session_id, 0, seconds=2)
    backend.send(ada, lease.session_id, 1, seconds=3)
    backend.relay.chunk(ada, lease.session_id, 2, 60_000, silence(1))

    kept = backend.transcripts.segments(ada.user_id, lease.transcript_id)
    assert [(s.seq, s.start_ms, s.end_ms, s.text) for s in kept] == [
        (0, 0, 2_000, "some words"),
        (1, 2_000, 5_000, "some words"),
        (2, 60_000, 61_000, "some words"),
    ]


@pytest.mark.parametrize(("seconds", "is_sent_on"), [(0.08, False), (0.0999, False), (0.1, True), (0.5, True)])
def test_a_chunk_too_short_for_the_fallback_never_goes_to_it(two: Backend, seconds: float, is_sent_on: bool) -> None:
    ada = two.person(200)
    lease = two.start(ada)
    fallback_of(two).shortest_ms = OPENAI_SHORTEST_MS
    two.recogniser.script.append(ProviderTimeoutError("slow"))

    if is_sent_on:
        two.send(ada, lease.session_id, 0, seconds)
    else:
        with pytest.raises(ProviderTimeoutError, match="slow"):
            two.send(ada, lease.session_id, 0, seconds)
        two.send(ada, lease.session_id, 0, seconds)  # The first provider answers the retry.

    assert len(fallback_of(two).received) == is_sent_on
    two.check_invariants(ada.user_id)


def test_the_fallback_is_called_and_its_cost_booked_under_its_name(two: Backend) -> None:
    ada = two.person(200)
    lease = two.start(ada)
    two.send(ada, lease.session_id, 0, seconds=60)
    two.recogniser.script.append(ProviderTimeoutError("slow"))
    two.send(ada, lease.session_id, 1, seconds=30)
    two.streaming.stop(ada, lease.session_id)

    (usage,) = (entry for entry in two.entries(ada.user_id) if entry.kind == "usage")

    prices = PRICES
    costs = {MODEL: prices.cost_micro_usd(MODEL, 60_000), FALLBACK: prices.cost_micro_usd(FALLBACK, 30_000)}
    assert {use.model: use.cost_micro_usd for use in usage.uses} == costs
    assert {use.model: use.audio_ms for use in usage.uses} == {MODEL: 60_000, FALLBACK: 30_000}
    assert usage.cost_micro_usd == sum(costs.values())


def test_a_chunk_that_no_provider_recognises_is_free_and_can_be_retried(two: Backend) -> None:
    ada = two.person(200)
    lease = two.start(ada, lease_seconds=60)
    two.recogniser.script.append(ProviderTimeoutError("slow"))
    fallback_of(two).script.append(ProviderError("broken"))

    with pytest.raises(ProviderError, match="broken"):
        two.send(ada, lease.session_id, 0, seconds=60)

    assert two.send(ada, lease.session_id, 0, seconds=60).credits_used == live_credits(60)
    assert two.streaming.stop(ada, lease.session_id).credits_used == live_credits(60)


def test_a_lease_accepts_the_audio_it_holds_and_then_needs_a_renewal(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada, lease_seconds=60)
    backend.send(ada, lease.session_id, 0, seconds=50)

    with pytest.raises(ConflictError) as full:
        backend.send(ada, lease.session_id, 1, seconds=10.1)

    assert (full.value.details["reason"], full.value.details["free_ms"]) == ("lease_used_up", 10_000)
    backend.send(ada, lease.session_id, 1, seconds=10)
    assert len(backend.recogniser.received) == 2


def test_an_expired_lease_accepts_no_chunk_until_renewed(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.clock.forward(600)

    for _ in ("before the sweep", "after it"):
        with pytest.raises(ConflictError) as over:
            backend.send(ada, lease.session_id, 0)
        assert over.value.details["reason"] == "lease_over"
        backend.clock.forward(60)
        backend.streaming.sweep()

    backend.streaming.renew(ada, lease.session_id, interrupted=False)
    assert backend.send(ada, lease.session_id, 0).credits_used == live_credits(1)


def test_a_stopped_session_accepts_no_chunk(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.streaming.stop(ada, lease.session_id)

    with pytest.raises(ConflictError, match="stopped"):
        backend.send(ada, lease.session_id, 0)
    with pytest.raises(NotFoundError):
        backend.send(ada, "no-such-session", 0)
    assert backend.recogniser.received == []


def test_a_chunk_in_flight_is_carried_into_the_next_lease(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    following = []
    backend.recogniser.script.append(
        lambda: following.append(backend.streaming.renew(ada, lease.session_id, interrupted=True))
    )

    backend.send(ada, lease.session_id, 0, seconds=30)

    assert following[0].offset_ms == 30_000
    assert [entry.credits for entry in backend.entries(ada.user_id)] == [200]
    assert backend.streaming.stop(ada, lease.session_id).credits_used == live_credits(30)
    backend.check_invariants(ada.user_id)


def test_a_stop_waits_for_a_chunk_in_flight_but_not_for_a_stale_one(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    refused = []

    def stop_then_die() -> None:
        with pytest.raises(ConflictError) as conflict:
            backend.streaming.stop(ada, lease.session_id)
        refused.append(conflict.value.details["retry_after_seconds"])
        raise KeyboardInterrupt

    backend.recogniser.script.append(stop_then_die)
    with pytest.raises(KeyboardInterrupt):
        backend.send(ada, lease.session_id, 0)
    assert refused == [1]

    backend.clock.forward(34)
    with pytest.raises(ConflictError):
        backend.streaming.stop(ada, lease.session_id)
    backend.clock.forward(1)
    assert backend.streaming.stop(ada, lease.session_id).credits_used == 0
    backend.check_invariants(ada.user_id)


def test_a_stale_chunk_can_be_sent_again_and_is_billed_once(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)

    def die() -> None:
        raise KeyboardInterrupt

    backend.recogniser.script.append(die)
    with pytest.raises(KeyboardInterrupt):
        backend.send(ada, lease.session_id, 0, seconds=30)
    backend.clock.forward(34)
    with pytest.raises(ConflictError) as under_way:
        backend.send(ada, lease.session_id, 0, seconds=30)
    assert under_way.value.details == {"reason": "still_running", "seq": 0, "retry_after_seconds": 1}
    backend.clock.forward(1)

    assert backend.send(ada, lease.session_id, 0, seconds=30).credits_used == live_credits(30)
    assert backend.streaming.stop(ada, lease.session_id).credits_used == live_credits(30)


def test_two_processes_with_the_same_chunk_bill_it_once(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)

    def die() -> None:
        raise KeyboardInterrupt

    def be_overtaken() -> None:
        backend.clock.forward(36)
        backend.send(ada, lease.session_id, 0)
        backend.recogniser.script.append(die)
        with pytest.raises(KeyboardInterrupt):
            backend.send(ada, lease.session_id, 1)  # Its reserved time must not pay for the slow process.

    backend.recogniser.script.append(be_overtaken)
    with pytest.raises(ConflictError, match="took too long"):
        backend.send(ada, lease.session_id, 0)

    backend.clock.forward(36)
    assert backend.streaming.stop(ada, lease.session_id).billed_seconds == 1
    check_lost_recognition(backend, ada, lease.session_id)
    backend.check_invariants(ada.user_id)


def check_lost_recognition(backend: Backend, caller: Caller, session_id: str) -> None:
    """A second that was recognised and could not be billed is our cost, at no credits."""
    (lost,) = [entry for entry in backend.entries(caller.user_id) if entry.kind == "usage" and not entry.credits]
    cost = PRICES.cost_micro_usd(MODEL, 1_000)
    assert (lost.service, lost.reference, lost.audio_ms) == ("live", session_id, 0)
    assert [(use.model, use.audio_ms, use.cost_micro_usd) for use in lost.uses] == [(MODEL, 1_000, cost)]


def test_a_recognition_after_the_sessions_end_is_not_charged(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)

    def outlive_the_lease() -> None:
        backend.clock.forward(700)
        assert backend.streaming.sweep() == 1

    backend.recogniser.script.append(outlive_the_lease)
    with pytest.raises(ConflictError, match="not charged"):
        backend.send(ada, lease.session_id, 0)

    check_lost_recognition(backend, ada, lease.session_id)
    assert backend.ledger.balance(ada.user_id).available == 200
    backend.check_invariants(ada.user_id)
