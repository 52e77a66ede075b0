"""The words of a session: which segments are kept, last words, late words, and the bounds of what is kept."""

from typing import Any

import msgspec
import pytest

from chalicelib import contract
from chalicelib.errors import ConflictError, NotFoundError
from chalicelib.models.accounts import Caller
from chalicelib.models.transcripts import Segment
from chalicelib.streaming.lease_rules import LeaseRules
from chalicelib.streaming.words import BASE_BYTES, BYTES_PER_MINUTE, MAX_BLOCK_BYTES, MAX_TRANSCRIPT_BYTES
from tests.fakes import Backend
from tests.streaming.direct_env import StreamingEnv

OVERHEAD = 100
FULL = "x" * (20_000 - OVERHEAD)  # 20,000 bytes as they are counted


def segment(seq: int = 0, text: str | None = "a word", **fields: Any) -> contract.SegmentInput:
    """As a body of JSON names it."""
    body = {"seq": seq, "start_ms": seq * 1_000, "end_ms": seq * 1_000 + 900, "text": text} | fields
    return msgspec.json.decode(msgspec.json.encode(body), type=contract.SegmentInput)


def save(env: Backend, caller: Caller, lease: contract.Lease, *segments: contract.SegmentInput) -> contract.Saved:
    return env.streaming.save(caller, lease.session_id, list(segments))


def stored_segments(backend: Backend, caller: Caller, lease: contract.Lease) -> dict[int, Segment]:
    return {stored.seq: stored for stored in backend.transcripts.segments(caller.user_id, lease.transcript_id)}


def reasons(response: contract.Saved | contract.Stopped) -> dict[int, str]:
    return {rejected.seq: rejected.reason for rejected in response.rejected}


def full_segments(first: int, count: int) -> list[contract.SegmentInput]:
    return [segment(seq, FULL) for seq in range(first, first + count)]


# One odd segment


@pytest.mark.parametrize(
    ("fields", "stored"),
    [
        ({"start_ms": -20, "end_ms": 480.6}, {"start_ms": 0, "end_ms": 481}),
        ({"start_ms": 1234.4, "end_ms": 2000}, {"start_ms": 1234, "end_ms": 2000}),
        ({"start_ms": 500, "end_ms": 499}, {"start_ms": 500, "end_ms": 500}),
        ({"start_ms": -9, "end_ms": -20}, {"start_ms": 0, "end_ms": 0}),
        ({"start_ms": 0, "end_ms": 10**30}, {"start_ms": 0, "end_ms": 2_592_000_000}),
        ({"start_ms": 1e12, "end_ms": 5}, {"start_ms": 2_592_000_000, "end_ms": 2_592_000_000}),
        ({"text": "x" * 2_001}, {"text": "x" * 2_001}),
        ({"text": "é" * 20_001}, {"text": "é" * 20_000}),
        ({"text": "  \n a \x00 \u200f"}, {"text": "  \n a \x00 \u200f"}),
        ({"speaker": None}, {"speaker": ""}),
        ({"speaker": 1}, {"speaker": "1"}),
        ({"speaker": "Ada\r\nLovelace\x00"}, {"speaker": "Ada Lovelace"}),
        ({"speaker": "می\u200cخواهم"}, {"speaker": "می\u200cخواهم"}),
        ({"speaker": "x" * 51}, {"speaker": "x" * 50}),
    ],
)
def test_an_odd_segment_is_stored_as_far_as_it_can_be_read(
    backend: Backend, fields: dict[str, Any], stored: dict[str, Any]
) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)

    saved = save(backend, ada, lease, segment(0), segment(1, **fields), segment(2))

    assert (saved.saved, saved.rejected) == ([0, 1, 2], [])
    expected = {"start_ms": 1_000, "end_ms": 1_900, "text": "a word", "speaker": ""} | stored
    found = stored_segments(backend, ada, lease)
    assert {name: getattr(found[1], name) for name in expected} == expected
    assert set(found) == {0, 1, 2}


@pytest.mark.parametrize("text", ["", None, " ", "\n\t ", "\u3000"])
def test_a_segment_without_text_is_in_neither_list_and_replaces_nothing(backend: Backend, text: str | None) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    save(backend, ada, lease, segment(1, "said before"))

    saved = save(backend, ada, lease, segment(0), segment(1, text))

    assert (saved.saved, saved.rejected) == ([0], [])
    assert stored_segments(backend, ada, lease)[1].text == "said before"


def test_of_a_hundred_segments_with_odd_ones_all_but_the_empty_one_are_kept(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    odd = [
        segment(0, start_ms=-20, end_ms=480.6),
        segment(1, start_ms=500, end_ms=499),
        segment(2, ""),
        segment(3, "x" * 2_001),
    ]

    saved = save(backend, ada, lease, *odd, *map(segment, range(4, 100)))

    assert (saved.saved, saved.rejected) == ([0, 1, *range(3, 100)], [])
    assert sorted(stored_segments(backend, ada, lease)) == saved.saved


@pytest.mark.parametrize("seq", [-1, 10_000_000, 1.5, "1", None])
def test_a_segment_that_does_not_say_which_it_is_is_refused(seq: object) -> None:
    body = {"seq": seq, "start_ms": 0, "end_ms": 900, "text": "a word"}

    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, contract.SegmentInput)


# What fits


def test_what_does_not_fit_into_a_block_is_rejected_and_the_rest_is_stored(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)

    saved = save(backend, ada, lease, *full_segments(0, 15), segment(15, "short"))

    assert saved.saved == [*range(13), 15]  # 13 × 20,000 bytes, and the short one
    assert reasons(saved) == {13: "save_full", 14: "save_full"}
    assert sorted(stored_segments(backend, ada, lease)) == saved.saved


def test_words_are_bounded_by_a_base_and_each_billed_minute(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    first = save(backend, ada, lease, *full_segments(0, 13))
    assert first.rejected == []

    refused = save(backend, ada, lease, segment(20, FULL), segment(21, "short"))
    assert (refused.saved, reasons(refused)) == ([21], {20: "words_limit"})

    backend.send(ada, lease.session_id, 0, seconds=120)  # Two minutes more.
    backend.send(ada, lease.session_id, 1, seconds=120)
    more = save(backend, ada, lease, *full_segments(30, 5))
    used = 13 * 20_000 + OVERHEAD + len("short")
    fitting = (BASE_BYTES + 4 * BYTES_PER_MINUTE - used) // 20_000
    assert (fitting, more.saved) == (3, [30, 31, 32])
    assert set(reasons(more).values()) == {"words_limit"}


def test_each_running_minute_of_a_direct_lease_adds_to_what_may_be_kept(streaming_env: StreamingEnv) -> None:
    backend = streaming_env.backend
    ada = backend.person(500)
    lease = streaming_env.start(ada)
    save(backend, ada, lease, *full_segments(0, 13))
    assert reasons(save(backend, ada, lease, segment(13, FULL))) == {13: "words_limit"}

    streaming_env.clock.forward(120)
    assert save(backend, ada, lease, segment(13, FULL)).saved == [13]
    streaming_env.stop(ada, lease)
    assert save(backend, ada, lease, segment(14, "x" * 14_000)).saved == [14]  # As much as was billed.
    assert reasons(save(backend, ada, lease, segment(15, FULL))) == {15: "words_limit"}


def test_a_transcript_of_hours_has_an_upper_bound(streaming_env: StreamingEnv) -> None:
    backend = streaming_env.backend
    ada = backend.person(5_000)
    lease = streaming_env.start(ada, lease_seconds=10_800)
    streaming_env.clock.forward(10_799)

    saves = [save(backend, ada, lease, *full_segments(13 * n, 13)) for n in range(14)]

    stored = sum(len(saved.saved) for saved in saves)
    assert stored == MAX_TRANSCRIPT_BYTES // 20_000
    assert set(reasons(saves[-1]).values()) == {"words_limit"}


def test_words_beyond_the_bytes_of_a_day_are_rejected_and_a_stop_settles(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.send(ada, lease.session_id, 0, seconds=6)
    per_day = LeaseRules().words_bytes_per_day

    def save_after(sent_today: int, *segments: contract.SegmentInput) -> contract.Saved:
        return backend.streaming.save(ada, lease.session_id, segments, sent_today)

    assert save_after(per_day - 110, segment(1, "ten chars."), segment(2)).saved == [1]
    beyond = save_after(per_day, segment(3))
    assert (beyond.saved, reasons(beyond)) == ([], {3: "words_limit"})
    assert save_after(per_day * 9).rejected == []  # A heartbeat.
    stopped = backend.streaming.stop(ada, lease.session_id, None, [segment(4)], per_day * 9)
    assert (stopped.credits_used, reasons(stopped)) == (1, {4: "words_limit"})
    assert backend.open_holds(ada.user_id) == []


def test_fifty_sessions_that_cost_nothing_keep_no_more_than_their_base(backend: Backend) -> None:
    ada = backend.person(200)
    for _ in range(50):
        lease = backend.start(ada)
        for first in (0, 13, 26):
            save(backend, ada, lease, *full_segments(first, 13))
        assert backend.streaming.stop(ada, lease.session_id).credits_used == 0
        size = sum(len(stored.text) + OVERHEAD for stored in stored_segments(backend, ada, lease).values())
        assert size <= BASE_BYTES == MAX_BLOCK_BYTES


# Last words and late words


def test_a_stop_stores_the_last_words_and_again_the_same_answer(streaming_env: StreamingEnv) -> None:
    backend = streaming_env.backend
    ada = backend.person(200)
    lease = streaming_env.start(ada)
    streaming_env.clock.forward(60)
    words = [segment(0, "Goodbye."), segment(1, ""), *full_segments(2, 14)]

    stopped = backend.streaming.stop(ada, lease.session_id, 60, words)

    assert (stopped.billed_seconds, stopped.credits_used, stopped.credits_available) == (60, 10, 190)
    assert reasons(stopped) == {15: "save_full"}
    assert sorted(stored_segments(backend, ada, lease)) == [0, *range(2, 15)]
    again = backend.streaming.stop(ada, lease.session_id, 60, words[:2])
    assert again == msgspec.structs.replace(stopped, rejected=[])
    assert streaming_env.available(ada) == 190


@pytest.mark.parametrize("transport", ["direct", "relay"])
def test_words_are_saved_for_two_minutes_after_a_stop_for_nothing(backend: Backend, transport: str) -> None:
    ada = backend.person(200)
    lease = backend.start(ada, transport=transport)
    backend.clock.forward(30)
    stopped = backend.streaming.stop(ada, lease.session_id)
    before = backend.ledger.balance(ada.user_id)

    backend.clock.forward(120)
    saved = save(backend, ada, lease, segment(7, "the last turn"))
    assert (saved.saved, saved.seconds_left, saved.warnings) == ([7], 0, [])
    assert backend.streaming.stop(ada, lease.session_id, None, [segment(8)]) == stopped
    backend.clock.forward(1)
    with pytest.raises(ConflictError) as refusal:
        save(backend, ada, lease, segment(9))
    late = backend.streaming.stop(ada, lease.session_id, None, [segment(9)])

    assert refusal.value.details == {"reason": "session_stopped", "state": "stopped"}
    assert (reasons(late), late.credits_used) == ({9: "session_stopped"}, stopped.credits_used)
    assert sorted(stored_segments(backend, ada, lease)) == [7, 8]
    assert backend.ledger.balance(ada.user_id) == before
    backend.check_invariants(ada.user_id)


def test_a_stop_of_what_can_no_longer_be_resumed_opens_nothing(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.clock.forward(600 + 86_401)
    backend.streaming.sweep()

    stopped = backend.streaming.stop(ada, lease.session_id, None, [segment(1)])

    assert reasons(stopped) == {1: "resume_expired"}
    with pytest.raises(ConflictError):
        save(backend, ada, lease, segment(1))
    assert stored_segments(backend, ada, lease) == {}


@pytest.mark.parametrize("is_stopped", [False, True])
def test_late_words_of_a_lapsed_session_extend_what_it_covers(streaming_env: StreamingEnv, is_stopped: bool) -> None:
    backend = streaming_env.backend
    ada = backend.person(500)
    lease = streaming_env.start(ada, lease_seconds=60)
    streaming_env.save(ada, lease, (0, 0, 20_000, "before"))
    streaming_env.clock.forward(200)
    assert backend.streaming.sweep() == 1
    assert streaming_env.get_covered_intervals(ada, lease) == ((0, 20_000),)
    if is_stopped:
        streaming_env.stop(ada, lease)
    charged = streaming_env.available(ada)

    streaming_env.save(ada, lease, (1, 30_000, 41_000, "unsaved when the worker slept"))
    assert streaming_env.get_covered_intervals(ada, lease) == ((0, 41_000),)
    streaming_env.save(ada, lease, (2, 50_000, 90_000, "by a clock that is fast"), (3, 5_000, 6_000, "early"))

    assert streaming_env.get_covered_intervals(ada, lease) == ((0, 60_000),)
    assert streaming_env.available(ada) == charged
    if not is_stopped:
        resumed = streaming_env.renew(ada, lease)
        assert (resumed.offset_ms, resumed.next_seq) == (200_000, 4)
        streaming_env.stop(ada, lease)
        assert streaming_env.get_covered_intervals(ada, lease) == ((0, 60_000),)


def test_the_last_words_of_a_stop_extend_what_a_lapsed_session_covers(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(500)
    lease = streaming_env.start(ada, lease_seconds=60)
    streaming_env.clock.forward(200)
    streaming_env.backend.streaming.sweep()

    streaming_env.backend.streaming.stop(ada, lease.session_id, None, [segment(0, start_ms=0, end_ms=33_000)])

    assert streaming_env.get_covered_intervals(ada, lease) == ((0, 33_000),)


def test_late_words_of_a_deleted_transcript_are_404(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.streaming.stop(ada, lease.session_id)
    backend.history.delete(ada, lease.transcript_id)

    for command in (
        lambda: save(backend, ada, lease, segment(1)),
        lambda: backend.streaming.stop(ada, lease.session_id, None, [segment(1)]),
    ):
        with pytest.raises(NotFoundError):
            command()
    assert stored_segments(backend, ada, lease) == {}
