"""Parts of a transcript that fit into one response."""

from collections.abc import Callable, Sequence

from ..models.transcripts import Segment


def take_segments(
    segments: Sequence[Segment], first: int, max_bytes: int, size: Callable[[Segment], int]
) -> tuple[Sequence[Segment], int | None]:
    """The segments from number `first` that fit, at least one, and the number of the next one if there is one."""
    total = 0
    for number in range(first, len(segments)):
        total += size(segments[number])
        if total > max_bytes and number > first:
            return segments[first:number], number
    return segments[first:], None
