"""What a direct session covers: what was heard, what was lost, and where words stand after days."""

import msgspec

from chalicelib import contract
from tests.streaming.direct_env import StreamingEnv


def test_an_interrupted_session_is_resumed_with_its_gap_marked(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(500)
    lease = streaming_env.start(ada)
    streaming_env.clock.forward(30)
    streaming_env.save(ada, lease, (0, 0, 25_000, "before"))
    streaming_env.sweep_everything()
    streaming_env.renew(ada, lease)
    streaming_env.clock.forward(60)
    streaming_env.save(ada, lease, (1, 20_031_000, 20_060_000, "after"))
    stopped = streaming_env.stop(ada, lease)

    assert streaming_env.get_covered_intervals(ada, lease) == ((0, 25_000), (20_030_000, 20_090_000))
    assert stopped.billed_seconds == 600 + 60
    words = streaming_env.backend.transcripts.segments(ada.user_id, stopped.transcript_id)
    assert [segment.text for segment in words] == ["before", "after"]


def test_segments_saved_after_a_network_loss_do_not_hide_the_gap(streaming_env: StreamingEnv) -> None:
    """The extension saves what it has before it renews: what was said meanwhile is a gap all the same."""
    ada = streaming_env.backend.person(500)
    lease = streaming_env.start(ada)
    streaming_env.clock.forward(120)
    streaming_env.save(ada, lease, (0, 0, 40_000, "early"), (1, 60_000, 95_000, "heard before the loss"))
    streaming_env.save(ada, lease, (0, 0, 41_000, "early, put right"))
    streaming_env.renew(ada, lease, interrupted=True)
    streaming_env.clock.forward(60)
    streaming_env.stop(ada, lease)

    assert streaming_env.get_covered_intervals(ada, lease) == ((0, 95_000), (120_000, 180_000))


def test_no_saved_word_lies_in_a_gap(streaming_env: StreamingEnv) -> None:
    """They may be saved when the session has long been taken up again."""
    ada = streaming_env.backend.person(500)
    lease = streaming_env.start(ada)
    streaming_env.clock.forward(100)
    streaming_env.renew(ada, lease, interrupted=True)
    streaming_env.save(ada, lease, (0, 20_000, 30_000, "late"))
    streaming_env.clock.forward(60)
    streaming_env.stop(ada, lease)

    whole = streaming_env.backend.history.get_transcript(ada, lease.transcript_id)

    assert whole.covered == [
        contract.Interval(start_ms=20_000, end_ms=30_000),
        contract.Interval(start_ms=100_000, end_ms=160_000),
    ]
    assert whole.uncovered == [
        contract.Interval(start_ms=0, end_ms=20_000),
        contract.Interval(start_ms=30_000, end_ms=100_000),
    ]


def test_an_interrupted_stream_covers_no_future_time(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(500)
    lease = streaming_env.start(ada)
    streaming_env.clock.forward(30)
    streaming_env.save(ada, lease, (0, 0, 90_000, "by a clock that is fast"))
    streaming_env.renew(ada, lease, interrupted=True)

    assert streaming_env.get_covered_intervals(ada, lease) == ((0, 30_000),)


def test_a_session_resumed_day_after_day_keeps_its_segments(streaming_env: StreamingEnv) -> None:
    """Their place in the transcript is one that a request may name."""
    ada = streaming_env.backend.person(500)
    lease = streaming_env.start(ada, lease_seconds=60)
    for _ in range(3):
        streaming_env.clock.forward(60 + 86_000)
        streaming_env.backend.streaming.sweep()
        lease = streaming_env.renew(ada, lease)
    start_ms = lease.offset_ms + 500
    assert start_ms > 86_400_000

    segment = {"seq": 1, "start_ms": start_ms, "end_ms": start_ms + 900, "text": "on the fourth day"}
    stored = msgspec.convert(segment, contract.SegmentInput)
    streaming_env.backend.streaming.save(ada, lease.session_id, [stored])

    (kept,) = streaming_env.backend.transcripts.segments(ada.user_id, lease.transcript_id)
    assert (kept.start_ms, kept.text) == (start_ms, "on the fourth day")
