"""Random transcripts, and the checks of what is selected from them."""

from collections.abc import Sequence

import msgspec
from hypothesis import settings, strategies as st

from chalicelib.models.text_tasks import TextTask, encode_data
from chalicelib.models.transcripts import Segment
from chalicelib.pricing.text_budget import CUT_BYTES, segment_bytes

PROFILE = settings(derandomize=True, deadline=None, database=None)
LONGEST_MS = 2_592_000_000
CHARACTERS = 'ab "\\/<é語😀\x00\x1f\x7f'  # each takes a different number of bytes in JSON
random_segments = st.builds(
    Segment,
    st.integers(0, 9_999_999),
    st.integers(0, LONGEST_MS),
    st.integers(0, LONGEST_MS),
    st.text(st.sampled_from(CHARACTERS), min_size=1, max_size=30)
    | st.builds(lambda character, times: character * times, st.sampled_from(CHARACTERS), st.integers(1, 2_000)),
    st.sampled_from(["", "A", "😀" * 50]),
)
transcripts = st.lists(random_segments, max_size=40)


def encoded_bytes(segments: Sequence[Segment]) -> int:
    """The bytes that the lines really take in a task's data."""
    return len(encode_data(segments).encode()) - len(encode_data([]).encode())


def task_bytes(task: TextTask) -> int:
    """Everything that a model reads of a task."""
    return len((task.instructions + task.data).encode()) + len(msgspec.json.encode(task.schema))


def is_ordered_selection(selected: Sequence[Segment], segments: Sequence[Segment]) -> bool:
    """Whether all of `selected` are in `segments` in this order, none twice; long ones may have lost their end."""
    remaining = iter(segments)
    return all(any(_is_beginning(segment, original) for original in remaining) for segment in selected)


def _is_beginning(segment: Segment, original: Segment) -> bool:
    is_cut = len(segment.text) < len(original.text)
    is_same = (segment.seq, segment.start_ms, segment.end_ms, segment.speaker) == (
        original.seq, original.start_ms, original.end_ms, original.speaker)  # fmt: skip
    may_be_cut = not is_cut or segment_bytes(original) >= CUT_BYTES
    return is_same and original.text.startswith(segment.text) and may_be_cut
