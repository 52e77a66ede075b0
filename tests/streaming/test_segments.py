"""Each segment is judged by itself: how odd ones are read, and that they keep no others out of a save or a stop."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from chalicelib import contract
from chalicelib.contract.streaming import MOST_READ_SEGMENTS
from chalicelib.http import request
from chalicelib.http.parameters import MAX_LARGE_JSON_BYTES
from chalicelib.models.accounts import Caller
from chalicelib.models.transcripts import Segment
from chalicelib.repositories.sessions import session_from, session_key
from chalicelib.streaming.segments import MAX_REJECTED, MAX_SEGMENTS
from tests.fakes import Backend
from tests.streaming.test_words import reasons, save, segment, stored_segments


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
        ({"text": "a" + "🇩🇪" * 10_000}, {"text": "a" + "🇩🇪" * 9_999}),
        ({"text": "ab" + "👨‍👩‍👧" * 4_000}, {"text": "ab" + "👨‍👩‍👧" * 3_999}),
        ({"text": "ก" + "กำ" * 10_000}, {"text": "ก" + "กำ" * 9_999}),
        ({"text": "e\u0301" * 10_001}, {"text": "e\u0301" * 10_000}),
        ({"speaker": "a" + "👩🏽‍🚀" * 13}, {"speaker": "a" + "👩🏽‍🚀" * 12}),
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

    stopped = send(backend, ada, lease, "stop", [*[7] * 100_000, word])
    many = send(backend, ada, backend.start(ada), "stop", [word] * 30_000)

    assert len(stopped.rejected) == len(many.rejected) == MAX_REJECTED
    item = backend.tables.get(session_key(ada.user_id, many.session_id))
    assert item
    assert len(session_from(item).left_out) < MAX_SEGMENTS


@pytest.mark.parametrize("segment_bytes", [b"0", b"{}", b"null", b'""', b"[]"])
def test_a_stop_full_of_tiny_segments_keeps_few_of_them_in_memory(segment_bytes: bytes) -> None:
    beginning, end = b'{"action":"stop","session_id":"5a1de7d4","segments":[', b"0]}"
    times = (MAX_LARGE_JSON_BYTES - len(beginning + end)) // (len(segment_bytes) + 1)
    body = beginning + (segment_bytes + b",") * times + end

    stop = request.body(SimpleNamespace(raw_body=body), contract.StreamAction, MAX_LARGE_JSON_BYTES)  # type: ignore[arg-type]

    assert times > MOST_READ_SEGMENTS > MAX_REJECTED > MAX_SEGMENTS
    assert len(stop.segments) == MOST_READ_SEGMENTS
