"""Which time of a recording its transcript covers, and which it does not. Pure rules."""

from collections.abc import Sequence

from .. import contract
from ..models.transcripts import Segment, Transcript


def covered_intervals(transcript: Transcript, segments: Sequence[Segment]) -> list[contract.Interval]:
    """What leases covered, and what was saved of the time between them, so that no text is in a gap.

    Segments after that belong to a lease that is still open: it will cover its pauses too.
    """
    if not transcript.covered_ms:
        return merge_intervals(segments)
    leased = [contract.Interval(start_ms=start_ms, end_ms=end_ms) for start_ms, end_ms in transcript.covered_ms]
    return merge_intervals([*leased, *(segment for segment in segments if segment.end_ms <= leased[-1].end_ms)])


def merge_intervals(segments: Sequence[Segment | contract.Interval]) -> list[contract.Interval]:
    """The intervals that these cover, by time; no two of them touch."""
    merged: list[contract.Interval] = []
    for segment in sorted(segments, key=lambda s: s.start_ms):
        if merged and segment.start_ms <= merged[-1].end_ms:
            end_ms = max(merged[-1].end_ms, segment.end_ms)
            merged[-1] = contract.Interval(start_ms=merged[-1].start_ms, end_ms=end_ms)
        else:
            merged.append(contract.Interval(start_ms=segment.start_ms, end_ms=segment.end_ms))
    return merged


def uncovered_intervals(covered: list[contract.Interval], end_ms: int = 0) -> list[contract.Interval]:
    """The gaps from the start of the recording to the end of the last covered interval, or to `end_ms` if later."""
    starts = [0, *(interval.end_ms for interval in covered)]
    ends = [*(interval.start_ms for interval in covered), end_ms]
    return [
        contract.Interval(start_ms=start_ms, end_ms=end_ms)
        for start_ms, end_ms in zip(starts, ends, strict=True)
        if start_ms < end_ms
    ]
