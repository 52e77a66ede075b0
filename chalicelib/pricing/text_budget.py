"""How much text a price pays for: segments are shortened, sampled or split so that they fit. Pure rules."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from ..models.text_tasks import number_line
from ..models.transcripts import Segment
from .price_table import TEXT_CALL_BYTES

CUT_BYTES = 1_000  # a longer segment that does not fit is shortened; a shorter one is left out


def segment_bytes(segment: Segment) -> int:
    """How many bytes the segment takes in a task's data; its number may make that a few more or fewer."""
    return len(msgspec.json.encode(number_line(99_999, segment))) + 1


def shorten_segment(segment: Segment, max_bytes: int) -> Segment | None:
    """The beginning of the segment that fits; None if that is too little to be of use."""
    while (size := segment_bytes(segment)) > max_bytes:
        if min(size, max_bytes) < CUT_BYTES:
            return None
        segment = replace(segment, text=segment.text[: len(segment.text) * max_bytes // size])
    return segment


def sample_segments(segments: Sequence[Segment], max_bytes: int) -> list[Segment]:
    """All segments, or as many as fit, taken evenly from the whole range; of long ones the beginning."""
    total = sum(map(segment_bytes, segments))
    if total <= max_bytes:
        return list(segments)
    sample: list[Segment] = []
    used_bytes = read_bytes = 0
    for segment in segments:
        read_bytes += segment_bytes(segment)
        if shortened := shorten_segment(segment, max_bytes * read_bytes // total - used_bytes):
            sample.append(shortened)
            used_bytes += segment_bytes(shortened)
    return sample


def split_into_calls(segments: Sequence[Segment]) -> list[list[Segment]]:
    """The segments in groups that each fit into one call of the text model."""
    groups: list[list[Segment]] = []
    used_bytes = TEXT_CALL_BYTES
    for segment in segments:
        size = segment_bytes(segment)
        if used_bytes + size > TEXT_CALL_BYTES:
            groups.append([])
            used_bytes = 0
        groups[-1].append(segment)
        used_bytes += size
    return groups
