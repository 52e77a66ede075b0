"""The words of a session: which segments are kept, last words, late words, and the bounds of what is kept."""

from typing import Any

import msgspec
import pytest

from chalicelib import contract
from chalicelib.errors import ConflictError, NotFoundError
from chalicelib.models.accounts import Caller
from chalicelib.models.transcripts import Segment
from chalicelib.repositories.sessions import session_key
from chalicelib.repositories.transcripts import put_segments
from chalicelib.streaming.lease_rules import LeaseRules
from chalicelib.streaming.segments import MAX_BLOCK_BYTES, MAX_REJECTED, MAX_SEGMENTS
from chalicelib.streaming.words import BASE_BYTES, BYTES_PER_MINUTE, MAX_TRANSCRIPT_BYTES
from tests.default_prices import live_credits
from tests.fakes import Backend
from tests.streaming.direct_env import StreamingEnv

OVERHEAD = 100
FULL = "x" * (20_000 - OVERHEAD)  # 20,000 bytes as they are counted


def segment(seq: int = 0, text: contract.Scalar = "a word", **fields: Any) -> contract.SegmentInput:
    """As a body of JSON names it."""
    body = {"seq": seq, "start_ms": seq * 1_000, "end_ms": seq * 1_000 + 900, "text": text} | fields
    return msgspec.json.decode(msgspec.json.encode(body), type=contract.SegmentInput)


def save(env: Backend, caller: Caller, lease: contract.Lease, *segments: contract.SegmentInput) -> contract.Saved:
    return env.streaming.save(caller, lease.session_id, list(segments))


def read_stop(segments: Any, report: Any = None) -> contract.Stop:
    body = {"session_id": "5a1de7d4", "segments": segments, "provider_session_seconds": report, "action": "stop"}
    return msgspec.json.decode(msgspec.json.encode(body), type=contract.Stop)


def send(
    backend: Backend, caller: Caller, lease: contract.Lease, act: str, segments: list[Any]
) -> contract.Saved | contract.Stopped:
    """Segments as a body of JSON has them."""
    if act == "stop":
        return backend.streaming.stop(caller, lease.session_id, None, read_stop(segments).segments)
    body = {"session_id": lease.session_id, "segments": segments, "action": "save"}
    read = msgspec.json.decode(msgspec.json.encode(body), type=contract.Save)
    return backend.streaming.save(caller, lease.session_id, read.segments)


def stored_segments(backend: Backend, caller: Caller, lease: contract.Lease) -> dict[int, Segment]:
    return {stored.seq: stored for stored in backend.transcripts.segments(caller.user_id, lease.transcript_id)}


def reasons(response: contract.Saved | contract.Stopped) -> dict[Any, str]:
    return {rejected.seq: rejected.reason for rejected in response.rejected}


def full_segments(first: int, count: int) -> list[contract.SegmentInput]:
    return [segment(seq, FULL) for seq in range(first, first + count)]


@pytest.mark.parametrize("old_block", ["01JDVN3Z6Q0000000000000000", "01" + "Z" * 24, "7" + "Z" * 25, "0" * 26])
def test_a_save_replaces_the_words_of_blocks_that_have_no_number(backend: Backend, old_block: str) -> None:
    """They are those of sessions that were open when numbers came: named by a time alone."""
    ada = backend.person(200)
    lease = backend.start(ada)
    old = [Segment(seq, seq, seq, "old") for seq in (0, 1)]
    backend.tables.write(put_segments(ada.user_id, lease.transcript_id, old_block, old))

    save(backend, ada, lease, segment(1, "new"))

    assert {seq: stored.text for seq, stored in stored_segments(backend, ada, lease).items()} == {0: "old", 1: "new"}


# One odd segment


@pytest.mark.parametrize(
    ("fields", "stored"),
    [
        ({"start_ms": -20, "end_ms": 480.6}, {"start_ms": 0, "end_ms": 481}),
        ({"start_ms": 1234.4, "end_ms": 2000}, {"start_ms": 1234, "end_ms": 2000}),
        ({"start_ms": 1234.5, "end_ms": 1235.5}, {"start_ms": 1_235, "end_ms": 1_236}),
        ({"start_ms": "1234.5", "end_ms": 1235.49}, {"start_ms": 1_235, "end_ms": 1_235}),
        ({"start_ms": 0.5, "end_ms": 2.5}, {"start_ms": 1, "end_ms": 3}),
        ({"start_ms": -0.5, "end_ms": 0.49999999999999994}, {"start_ms": 0, "end_ms": 0}),
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
        ({"speaker": 1.0}, {"speaker": "1"}),
        ({"speaker": 1.5}, {"speaker": "1.5"}),
        ({"speaker": True}, {"speaker": ""}),
        ({"start_ms": None}, {"start_ms": 0}),
        ({"start_ms": None, "end_ms": None}, {"start_ms": 0, "end_ms": 0}),
        ({"end_ms": None}, {"end_ms": 1_000}),
        ({"start_ms": "1200.4", "end_ms": "1900"}, {"start_ms": 1_200, "end_ms": 1_900}),
        ({"start_ms": "soon", "end_ms": True}, {"start_ms": 0, "end_ms": 0}),
        ({"start_ms": "nan", "end_ms": "inf"}, {"start_ms": 0, "end_ms": 2_592_000_000}),
        ({"start_ms": 1e308, "end_ms": -1e308}, {"start_ms": 2_592_000_000, "end_ms": 2_592_000_000}),
        ({"text": 42}, {"text": "42"}),
        ({"text": 4.5}, {"text": "4.5"}),
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


@pytest.mark.parametrize("text", ["", None, True, False, " ", "\n\t ", "\u3000"])
def test_a_segment_without_text_is_in_neither_list_and_replaces_nothing(backend: Backend, text: Any) -> None:
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


@pytest.mark.parametrize("lacking", [["start_ms"], ["end_ms"], ["start_ms", "end_ms", "speaker"], ["text"]])
def test_a_segment_that_lacks_fields_keeps_no_other_out_of_a_stop(backend: Backend, lacking: list[str]) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    whole = {"seq": 1, "start_ms": 500, "end_ms": 900, "text": "a word", "speaker": "Ada"}
    odd = msgspec.convert({n: v for n, v in whole.items() if n not in lacking}, contract.SegmentInput)

    stopped = backend.streaming.stop(ada, lease.session_id, None, [segment(0), odd, segment(2)])

    found = stored_segments(backend, ada, lease)
    assert (stopped.rejected, backend.ledger.balance(ada.user_id).held) == ([], 0)
    assert set(found) == ({0, 2} if lacking == ["text"] else {0, 1, 2})


@pytest.mark.parametrize(
    ("seq", "stored"), [(1.0, 1), ("1", 1), (" 1 ", 1), ("1.0", 1), ("0", 0), (9_999_999, 9_999_999)]
)
def test_a_seq_is_read_from_a_number_or_a_text(backend: Backend, seq: Any, stored: int) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)

    saved = send(backend, ada, lease, "save", [{"seq": seq, "text": "a word"}])

    assert (saved.saved, saved.rejected) == ([stored], [])
    assert list(stored_segments(backend, ada, lease)) == [stored]


UNREADABLE = [
    *({"seq": seq, "text": "a word"} for seq in (-1, 10_000_000, 1.5, "one", "1.5", "١", "1e3", None, True, [1])),
    {"text": "a word"},
    {"seq": [], "text": {}},
    [], "a word", 7, True, [{"seq": 1, "text": "a word"}],
]  # fmt: skip


@pytest.mark.parametrize("act", ["save", "stop"])
@pytest.mark.parametrize("odd", UNREADABLE, ids=str)
def test_a_segment_without_a_readable_seq_is_named_by_its_place(backend: Backend, odd: Any, act: str) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    sent = [{"seq": 0, "text": "a word"}, odd, {"seq": 2, "text": "a word"}]

    response = send(backend, ada, lease, act, sent)

    assert response.rejected == [contract.RejectedSegment(index=1, reason="unreadable")]
    assert sorted(stored_segments(backend, ada, lease)) == [0, 2]
    if act == "stop":
        assert backend.open_holds(ada.user_id) == []
        assert send(backend, ada, lease, act, sent) == response


@pytest.mark.parametrize("text", [["a word"], {"text": "a word"}, []], ids=str)
def test_a_text_that_cannot_be_read_is_named_by_its_seq_and_replaces_nothing(backend: Backend, text: Any) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    save(backend, ada, lease, segment(1, "said before"))

    saved = send(backend, ada, lease, "save", [{"seq": 1, "text": text}, {"seq": "2", "text": "a word"}])

    assert saved.rejected == [contract.RejectedSegment(seq=1, reason="unreadable")]
    assert {seq: found.text for seq, found in stored_segments(backend, ada, lease).items()} == {
        1: "said before",
        2: "a word",
    }


@pytest.mark.parametrize(
    "fields",
    [{"confidence": 1}, {"words": [{"text": "a"}], "": None}, {"speaker": ["x"]}, {"speaker": {}}, {"start_ms": []},
     {"end_ms": {"ms": 1}}],
    ids=str,
)  # fmt: skip
def test_what_is_unknown_or_odd_beside_the_words_is_ignored(backend: Backend, fields: dict[str, Any]) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)

    stopped = send(backend, ada, lease, "stop", [{"seq": 1, "text": "a word"} | fields])

    assert (stopped.rejected, stored_segments(backend, ada, lease)) == ([], {1: Segment(1, 0, 0, "a word")})


@pytest.mark.parametrize("report", ["12", 12, 12.4, " 12 "])
def test_a_stop_reads_a_report_as_a_number(report: Any) -> None:
    assert read_stop({}, report).provider_session_seconds == 12


@pytest.mark.parametrize("segments", [None, True, "a word", {"seq": 1, "text": "a word"}, [None], 7, [[]], {}], ids=str)
@pytest.mark.parametrize("report", [True, "twelve", [12], {}, None, "nan"], ids=str)
def test_a_stop_settles_whatever_its_segments_and_its_report_are(backend: Backend, segments: Any, report: Any) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    body = read_stop(segments, report)

    backend.streaming.stop(ada, lease.session_id, body.provider_session_seconds, body.segments)

    assert (backend.open_holds(ada.user_id), body.provider_session_seconds) == ([], None)
    assert list(stored_segments(backend, ada, lease)) == ([1] if isinstance(segments, dict) and segments else [])


def test_a_stop_takes_more_segments_than_a_save_and_rejects_those_that_one_call_does_not_hold(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    sent = [{"seq": seq, "text": "a"} for seq in range(MAX_SEGMENTS + 20)]

    stopped = send(backend, ada, lease, "stop", sent)

    assert reasons(stopped) == dict.fromkeys(range(MAX_SEGMENTS, MAX_SEGMENTS + 20), "save_full")
    assert sorted(stored_segments(backend, ada, lease)) == list(range(MAX_SEGMENTS))
    assert send(backend, ada, lease, "stop", sent) == stopped
    assert send(backend, ada, lease, "save", sent[-20:]).rejected == []
    assert len(stored_segments(backend, ada, lease)) == MAX_SEGMENTS + 20
    with pytest.raises(msgspec.ValidationError):
        send(backend, ada, lease, "save", sent[:101])


def test_the_answer_to_a_stop_of_a_whole_body_fits_into_a_response(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    word = {"seq": 9_999_999, "text": "a"}

    stopped = send(backend, ada, lease, "stop", [*[7] * 1_000_000, word])
    many = send(backend, ada, backend.start(ada), "stop", [word] * 150_000)

    assert len(stopped.rejected) == len(many.rejected) == MAX_REJECTED
    item = backend.tables.get(session_key(ada.user_id, many.session_id))
    assert item
    assert len(item["left_out"]) < MAX_SEGMENTS


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
    assert (stopped.credits_used, reasons(stopped)) == (live_credits(6), {4: "words_limit"})
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

    assert (stopped.billed_seconds, stopped.credits_used, stopped.credits_available) == (
        60,
        live_credits(60),
        200 - live_credits(60),
    )
    assert reasons(stopped) == {15: "save_full"}
    assert sorted(stored_segments(backend, ada, lease)) == [0, *range(2, 15)]
    again = backend.streaming.stop(ada, lease.session_id, 60, words[:2])
    assert again == msgspec.structs.replace(stopped, rejected=[])
    assert streaming_env.available(ada) == 200 - live_credits(60)


NEARLY_FULL = [segment(seq, "x" * 19_900) for seq in range(10)]


@pytest.mark.parametrize("later_seconds", [0, 60, 119, 3_600])
@pytest.mark.parametrize(
    ("words", "rejected"),
    [
        (NEARLY_FULL, {}),
        (full_segments(0, 14), {13: "save_full"}),
        ([segment(0, "Goodbye."), segment(1, ""), segment(2, start_ms=None)], {}),
        ([*NEARLY_FULL, segment(3, "again")], {}),
    ],
)
def test_a_repeated_stop_says_again_what_it_stored(
    backend: Backend, words: list[contract.SegmentInput], rejected: dict[int, str], later_seconds: int
) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    stopped = backend.streaming.stop(ada, lease.session_id, None, words)
    stored = stored_segments(backend, ada, lease)

    backend.clock.forward(later_seconds)
    again = backend.streaming.stop(ada, lease.session_id, None, words)

    assert reasons(stopped) == rejected
    late = {seq: "session_stopped" if later_seconds > 120 else reason for seq, reason in rejected.items()}
    assert reasons(again) == late
    assert stored_segments(backend, ada, lease) == stored


@pytest.mark.parametrize("act", ["save", "stop"])
def test_a_repeated_save_or_a_stop_with_its_words_stores_and_counts_nothing_again(backend: Backend, act: str) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    save(backend, ada, lease, *NEARLY_FULL)

    for _ in range(3):
        if act == "save":
            again: contract.Saved | contract.Stopped = save(backend, ada, lease, *NEARLY_FULL)
        else:
            again = backend.streaming.stop(ada, lease.session_id, None, NEARLY_FULL)
        assert again.rejected == []

    item = backend.tables.get(session_key(ada.user_id, lease.session_id))
    assert item
    assert (item["saves"], item["saved_bytes"]) == (1, 200_000)


def test_other_words_are_counted_also_of_a_seq_that_is_stored(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    save(backend, ada, lease, *NEARLY_FULL)

    corrected = save(backend, ada, lease, *(segment(seq, "y" * 19_900) for seq in [*range(1, 10), 0]))

    assert set(reasons(corrected)) == {*range(4, 10), 0}
    assert stored_segments(backend, ada, lease)[0].text == "x" * 19_900


def test_a_save_that_is_repeated_when_there_is_room_stores_the_rest(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(200)
    lease = streaming_env.start(ada)
    save(streaming_env.backend, ada, lease, *full_segments(20, 12))

    first = save(streaming_env.backend, ada, lease, *full_segments(0, 4))
    streaming_env.clock.forward(240)
    again = save(streaming_env.backend, ada, lease, *full_segments(0, 4))

    assert (first.saved, set(reasons(first).values())) == ([0], {"words_limit"})
    assert (again.saved, again.rejected) == ([0, 1, 2, 3], [])
    assert sorted(stored_segments(streaming_env.backend, ada, lease)) == [0, 1, 2, 3, *range(20, 32)]


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
