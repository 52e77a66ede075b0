"""Long days, told by the clock alone: a meeting that keeps breaking off, and a listener who cheats."""

from itertools import pairwise

import pytest

from chalicelib.repositories.ledger import Guard
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import Write
from tests.default_prices import live_credits
from tests.streaming.direct_env import StreamingEnv

OUTAGE_SECONDS = 20


@pytest.mark.parametrize(("hours", "drops_count"), [(1, 4), pytest.param(3, 12, marks=pytest.mark.soak)])
def test_a_meeting_with_drops_is_one_transcript_with_exact_credits(
    streaming_env: StreamingEnv, hours: int, drops_count: int
) -> None:
    """Renewed 10 s before each lease's end, words saved every 10 s, credits bought half-way."""
    meeting_seconds = hours * 3_600
    ada = streaming_env.backend.person(1_000)
    began = streaming_env.clock()
    lease = streaming_env.start(ada)
    expected, seq, bought = [], 0, False
    drops = [700 * n + 123 for n in range(1, drops_count + 1)]  # moments at which the network goes
    lost, lengths = [], []
    while (passed := streaming_env.clock() - began) < meeting_seconds:
        if drops and passed >= drops[0]:
            drops.pop(0)
            lost.append((passed * 1_000, (passed + OUTAGE_SECONDS) * 1_000))
            streaming_env.clock.forward(OUTAGE_SECONDS)
            lease = streaming_env.renew(ada, lease, interrupted=True)
            continue
        if not bought and passed >= meeting_seconds // 2:
            guard = Guard.reference(ada.user_id, "purchase", "p1")
            streaming_env.backend.ledger.grant(
                ada.user_id, 2_000, "purchase", guard, at=streaming_env.clock(), reason="popular"
            )
            streaming_env.backend.tables.write(Write(balance_key(ada.user_id), add={"purchased": 2_000, "version": 1}))
            bought = True
        start_ms = passed * 1_000
        words = f"words {seq}"
        saved = streaming_env.save(ada, lease, (seq, start_ms, start_ms + 10_000, words))
        if seq % 50 == 0:
            streaming_env.save(ada, lease, (seq, start_ms, start_ms + 10_000, words))  # its answer was lost: sent again
        expected.append(words)
        seq += 1
        streaming_env.clock.forward(10)
        if saved.seconds_left <= 20:
            lease = streaming_env.renew(ada, lease)
            lengths.append((bought, lease.lease_seconds))
    stopped = streaming_env.stop(ada, lease)

    segments = streaming_env.backend.transcripts.segments(ada.user_id, stopped.transcript_id)
    assert [segment.text for segment in segments] == expected
    covered = streaming_env.get_covered_intervals(ada, lease)
    recognised_seconds = sum(end_ms - start_ms for start_ms, end_ms in covered) // 1_000
    assert [(before[1], after[0]) for before, after in pairwise(covered)] == lost
    assert len(lost) == drops_count
    assert {seconds for was_bought, seconds in lengths if was_bought} == {600}
    assert recognised_seconds <= stopped.billed_seconds <= meeting_seconds + 60
    usage = [entry for entry in streaming_env.backend.entries(ada.user_id) if entry.kind == "usage"]
    assert -sum(entry.credits for entry in usage) == stopped.credits_used == live_credits(stopped.billed_seconds)
    assert sum(entry.audio_ms for entry in usage) == stopped.billed_seconds * 1_000
    assert streaming_env.available(ada) == 3_000 - stopped.credits_used
    line, _ = streaming_env.backend.transcripts.page(ada.user_id, 10, None)
    assert len(line) == 1
    print(
        f"\n  {seq} saves, {len(usage)} leases: billed {stopped.billed_seconds} s, heard {recognised_seconds} s, "
        f"{meeting_seconds} s spoken, {drops_count} gaps"
    )


@pytest.mark.long
def test_starting_and_stopping_all_day_gains_at_most_the_allowance(
    streaming_env: StreamingEnv,
) -> None:
    """Stop after a second, keep the socket to the token's cap, again and again for a day."""
    ada = streaming_env.backend.person(20_000)
    streaming_env.clock.forward(-streaming_env.clock() % 86_400)
    began = streaming_env.clock()
    while streaming_env.clock() - began < 86_000:
        lease = streaming_env.start(ada)
        streaming_env.clock.forward(1)
        streaming_env.stop(ada, lease)
        streaming_env.clock.forward(599)
    streaming_env.backend.check_invariants(ada.user_id)

    possible = sum(seconds for _, seconds in streaming_env.provider.socket_credentials)
    billed = (
        sum(entry.audio_ms for entry in streaming_env.backend.entries(ada.user_id) if entry.kind == "usage") // 1_000
    )

    assert possible - billed <= 1_800
    loss = (possible - billed) * 150_000 / 3_600 / 1_000_000
    sockets = len(streaming_env.provider.socket_credentials)
    print(f"\n  {sockets} sockets, {possible} s possible, {billed} s billed: ${loss:.3f} lost at most")
