"""What was recorded: the list, newest first, and one transcript whole."""

from dataclasses import dataclass

from . import contract, cursors
from .errors import NotFoundError
from .models import Caller, Segment, Transcript
from .repositories.ledger import Ledger
from .repositories.transcripts import Transcripts, transcript, transcript_key
from .times import rfc3339

CURSOR_PREFIX = "TRANSCRIPT#"


@dataclass(frozen=True)
class History:
    """Reading a user's own transcripts."""

    ledger: Ledger
    transcripts: Transcripts

    def page(self, caller: Caller, limit: int, cursor: str | None) -> contract.HistoryPage:
        """One page, newest first. Raises InvalidRequestError for a foreign cursor."""
        after = cursors.decode(CURSOR_PREFIX, cursor)
        self.ledger.admit(caller)
        lines, last = self.transcripts.page(caller.user_id, limit, after)
        return contract.HistoryPage([_line(line) for line in lines], cursors.encode(CURSOR_PREFIX, last))

    def whole(self, caller: Caller, transcript_id: str) -> contract.TranscriptWhole:
        """One transcript with the stretches of time that it covers, and those in between that it does not."""
        _, (item,) = self.ledger.admit(caller, also=[transcript_key(caller.user_id, transcript_id)])
        if item is None or "started_at" not in item:
            raise NotFoundError("There is no such transcript.")
        segments = self.transcripts.segments(caller.user_id, transcript_id)
        line = transcript(item)
        covered = [contract.Interval(*stretch) for stretch in line.covered_ms] or merged(segments)
        return contract.TranscriptWhole(
            transcript=_line(line),
            segments=[contract.SegmentOut(s.seq, s.start_ms, s.end_ms, s.text, s.speaker) for s in segments],
            covered=covered,
            uncovered=gaps(covered),
        )


def merged(segments: list[Segment]) -> list[contract.Interval]:
    """The stretches that the segments cover, by time, none touching another."""
    covered: list[contract.Interval] = []
    for segment in sorted(segments, key=lambda s: s.start_ms):
        if covered and segment.start_ms <= covered[-1].end_ms:
            end_ms = max(covered[-1].end_ms, segment.end_ms)
            covered[-1] = contract.Interval(covered[-1].start_ms, end_ms)
        else:
            covered.append(contract.Interval(segment.start_ms, segment.end_ms))
    return covered


def gaps(covered: list[contract.Interval]) -> list[contract.Interval]:
    """What lies between the beginning and the last covered moment without being covered."""
    starts = [0, *(interval.end_ms for interval in covered)]
    return [
        contract.Interval(start_ms, interval.start_ms)
        for start_ms, interval in zip(starts, covered, strict=False)
        if start_ms < interval.start_ms
    ]


def _line(line: Transcript) -> contract.HistoryLine:
    return contract.HistoryLine(
        id=line.transcript_id,
        kind=line.kind,
        state=line.state,
        started_at=rfc3339(line.started_at),
        duration_ms=line.audio_ms,
        credits=line.credits,
        title=line.title,
        source_url=line.source_url,
        language=line.language,
        session_id=line.session_id,
        ended_at=rfc3339(line.ended_at) if line.ended_at else "",
    )
