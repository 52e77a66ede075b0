"""What a direct session covers: what was heard, what was lost, and where words stand after days."""

import msgspec

from chalicelib import contract
from tests.streaming.direct_env import StreamingEnv


def test_an_interrupted_session_is_taken_up_again_with_its_gap_marked(world: StreamingEnv) -> None:
    ada = world.backend.person(500)
    lease = world.start(ada)
    world.clock.forward(30)
    world.save(ada, lease, (0, 0, 25_000, "before"))
    world.sweep_everything()
    world.renew(ada, lease)
    world.clock.forward(60)
    world.save(ada, lease, (1, 20_031_000, 20_060_000, "after"))
    stopped = world.stop(ada, lease)

    assert world.covered(ada, lease) == ((0, 25_000), (20_030_000, 20_090_000))
    assert stopped.billed_seconds == 600 + 60
    words = world.backend.transcripts.segments(ada.user_id, stopped.transcript_id)
    assert [segment.text for segment in words] == ["before", "after"]


def test_words_saved_after_the_network_was_lost_do_not_hide_the_loss(world: StreamingEnv) -> None:
    """The extension saves what it has before it renews: what was said meanwhile is a gap all the same."""
    ada = world.backend.person(500)
    lease = world.start(ada)
    world.clock.forward(120)
    world.save(ada, lease, (0, 0, 40_000, "early"), (1, 60_000, 95_000, "heard before the loss"))
    world.save(ada, lease, (0, 0, 41_000, "early, put right"))
    world.renew(ada, lease, interrupted=True)
    world.clock.forward(60)
    world.stop(ada, lease)

    assert world.covered(ada, lease) == ((0, 95_000), (120_000, 180_000))


def test_no_word_that_was_saved_stands_in_a_gap(world: StreamingEnv) -> None:
    """They may be saved when the session has long been taken up again."""
    ada = world.backend.person(500)
    lease = world.start(ada)
    world.clock.forward(100)
    world.renew(ada, lease, interrupted=True)
    world.save(ada, lease, (0, 20_000, 30_000, "late"))
    world.clock.forward(60)
    world.stop(ada, lease)

    whole = world.backend.history.get_transcript(ada, lease.transcript_id)

    assert whole.covered == [contract.Interval(20_000, 30_000), contract.Interval(100_000, 160_000)]
    assert whole.uncovered == [contract.Interval(0, 20_000), contract.Interval(30_000, 100_000)]


def test_a_stream_that_broke_off_covers_no_time_that_has_yet_to_come(world: StreamingEnv) -> None:
    ada = world.backend.person(500)
    lease = world.start(ada)
    world.clock.forward(30)
    world.save(ada, lease, (0, 0, 90_000, "by a clock that is fast"))
    world.renew(ada, lease, interrupted=True)

    assert world.covered(ada, lease) == ((0, 30_000),)


def test_a_session_taken_up_again_day_after_day_keeps_its_words(world: StreamingEnv) -> None:
    """Their place in the transcript is one that a request may name."""
    ada = world.backend.person(500)
    lease = world.start(ada, lease_seconds=60)
    for _ in range(3):
        world.clock.forward(60 + 86_000)
        world.backend.streaming.sweep()
        lease = world.renew(ada, lease)
    start_ms = lease.offset_ms + 500
    assert start_ms > 86_400_000

    segment = {"seq": 1, "start_ms": start_ms, "end_ms": start_ms + 900, "text": "on the fourth day"}
    said = msgspec.convert(segment, contract.Segment)
    world.backend.streaming.save(ada, lease.session_id, [said])

    (kept,) = world.backend.transcripts.segments(ada.user_id, lease.transcript_id)
    assert (kept.start_ms, kept.text) == (start_ms, "on the fourth day")
