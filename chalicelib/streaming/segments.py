"""The segments of one request: how each is read, and which of them are stored. Pure rules.

Each segment is judged by itself, so that an odd one does not keep the others out.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from .. import contract
from ..contract.cleaning import read_number
from ..models.rounding import round_half_up
from ..models.text import cut_text, one_line
from ..models.transcripts import Segment
from ..repositories.transcripts import SEGMENT_OVERHEAD_BYTES

MAX_BLOCK_BYTES = 256 * 1024  # an item of DynamoDB holds 400 KB
MAX_SEGMENTS = 1_000  # that one request stores; the places of those that it left out are kept with the session
MAX_REJECTED = 10_000  # that one response names: of a body of 4 MB, more would exceed Lambda's response of 6 MB
MAX_TEXT_CHARACTERS, MAX_SPEAKER_CHARACTERS = 20_000, 50
LATEST_MS = 2_592_000_000  # thirty days: a session can be resumed within a day, any number of times
LARGEST_SEQ = 9_999_999
WHOLE_NUMBER = re.compile(r"\s*[0-9]{1,7}(\.0*)?\s*", re.ASCII)


class SegmentSelection(Struct, frozen=True):
    """The `segments` to store, of `size` bytes, and those that are not stored.

    `seqs`: of all that are stored once these are, in the order of the request. `left_out`: where those that are not are
    in the request, of its first `MAX_SEGMENTS`.
    """

    segments: list[Segment]
    size: int
    seqs: list[int]
    rejected: list[contract.RejectedSegment]
    left_out: tuple[int, ...]


class ReadableSegments(Struct, frozen=True):
    """What can be stored of a request, and what is not read, by places; segments without text are in neither."""

    segments: dict[int, Segment]
    unreadable: dict[int, int | None]  # with the `seq`, where that can be read


def select_segments(
    sent: Sequence[contract.SegmentInput], bytes_left: int, stored: frozenset[int] = frozenset(), closed: str = ""
) -> SegmentSelection:
    """Which segments are stored, of what fits into one block and into `bytes_left`; those without text are ignored.

    `stored`: the places of those that are stored already. Neither they nor what they replace in this request are stored
    again. `closed`: why no other is stored.
    """
    readable = read_segments(sent)
    last_stored = {segment.seq: place for place, segment in readable.segments.items() if place in stored}
    call_bytes = sum(_stored_bytes(segment) for place, segment in readable.segments.items() if place in stored)
    new, seqs, reasons, size = [], [], {}, 0
    for place, segment in readable.segments.items():
        if place <= last_stored.get(segment.seq, -1):
            seqs.append(segment.seq)
            continue
        segment_bytes = _stored_bytes(segment)
        is_call_full = place >= MAX_SEGMENTS or call_bytes + segment_bytes > MAX_BLOCK_BYTES
        if closed or is_call_full or size + segment_bytes > bytes_left:
            reasons[place] = closed or ("save_full" if is_call_full else "words_limit")
        else:
            new.append(segment)
            seqs.append(segment.seq)
            call_bytes += segment_bytes
            size += segment_bytes
    rejected = [
        contract.RejectedSegment(seq=readable.segments[place].seq, reason=reasons[place])
        if place in reasons
        else _unreadable(place, readable.unreadable[place])
        for place in sorted([*reasons, *readable.unreadable])[:MAX_REJECTED]
    ]
    left_out = tuple(place for place in reasons if place < MAX_SEGMENTS)
    return SegmentSelection(new, size, seqs, rejected, left_out)


def _unreadable(index: int, seq: int | None) -> contract.RejectedSegment:
    if seq is None:
        return contract.RejectedSegment(index=index, reason="unreadable")
    return contract.RejectedSegment(seq=seq, reason="unreadable")


def places_of(stored: Mapping[int, Segment], sent: Sequence[contract.SegmentInput]) -> frozenset[int]:
    """The places of the segments that are stored as they are sent. `stored`: by `seq`."""
    readable = read_segments(sent).segments.items()
    return frozenset(place for place, segment in readable if stored.get(segment.seq) == segment)


def read_segments(sent: Sequence[contract.SegmentInput]) -> ReadableSegments:
    """The segments as they are stored, and those that cannot be."""
    readable = ReadableSegments({}, {})
    for place, segment in enumerate(sent):
        seq, text = _seq(segment.seq), _text(segment.text)
        if text is not None and not text[:MAX_TEXT_CHARACTERS].strip():
            continue
        if seq is None or text is None:
            readable.unreadable[place] = seq
        else:
            readable.segments[place] = _as_stored(segment, seq, text)
    return readable


def _as_stored(segment: contract.SegmentInput, seq: int, text: str) -> Segment:
    start_ms = _milliseconds(segment.start_ms, 0)
    end_ms = max(start_ms, _milliseconds(segment.end_ms, start_ms))
    speaker = cut_text(one_line(_text(segment.speaker) or ""), MAX_SPEAKER_CHARACTERS)
    return Segment(seq, start_ms, end_ms, cut_text(text, MAX_TEXT_CHARACTERS), speaker)


def _stored_bytes(segment: Segment) -> int:
    return len(segment.text.encode()) + len(segment.speaker.encode()) + SEGMENT_OVERHEAD_BYTES


def _seq(value: Any) -> int | None:
    """The whole number that was sent, also as text or with a fraction of zero; None if it is none, or out of range."""
    if isinstance(value, str) and not WHOLE_NUMBER.fullmatch(value):
        return None
    number = read_number(value)
    is_seq = number is not None and 0 <= number <= LARGEST_SEQ and number.is_integer()
    return int(number) if number is not None and is_seq else None


def _milliseconds(time: Any, otherwise: int) -> int:
    """The time, put between 0 and 30 days; `otherwise` where there is none."""
    number = read_number(time)
    return otherwise if number is None else round_half_up(min(max(number, 0), LATEST_MS))


def _text(value: Any) -> str | None:
    """A text or number as text; nothing for null, true and false; None for what cannot be read."""
    match value:
        case None | bool():
            return ""
        case float() if value.is_integer():
            return str(int(value))
        case str() | int() | float():
            return str(value)
    return None
