"""The history: one `TRANSCRIPT#<ulid>` line per recording, and its words under `SEGMENT#<transcript>#…`.

Relayed chunks are items of their own (`…#C#<seq>`, repositories/sessions.py). What the extension saves comes in blocks
(`…#S#<ulid>`), one item a call, so that a hundred segments cost one write; reading lays the blocks over each other in
the order they were saved and the last write of a `seq` wins.
"""

from typing import Any

from boto3.dynamodb.conditions import Attr

from ..models import Segment, Session, Transcript
from .table import Item, ItemKey, Path, Tables, Write


def transcript_key(user_id: str, transcript_id: str) -> ItemKey:
    return ItemKey("app", f"USER#{user_id}", f"TRANSCRIPT#{transcript_id}")


def transcript_put(user_id: str, transcript: Transcript) -> Write:
    """A new line of the history."""
    item = {name: value for name, value in vars(transcript).items() if value not in ("", None, ())}
    return Write(transcript_key(user_id, transcript.transcript_id), item=item, when=Attr("pk").not_exists())


def transcript_progress(session: Session, ended_at: int | None) -> Write:
    """The line of a live session after a settlement: how long it is, what it covers and what it cost."""
    figures: dict[Path, Any] = {
        "state": session.state.value,
        "audio_ms": session.done_ms,
        "credits": session.charged,
        "covered_ms": [list(stretch) for stretch in session.covered_ms],
    }
    if ended_at is not None:
        figures["ended_at"] = ended_at
    return Write(transcript_key(session.user_id, session.transcript_id), put_in=figures)


def transcript_delete(user_id: str, transcript_id: str) -> Write:
    """No such line any more."""
    return Write(transcript_key(user_id, transcript_id), delete=True)


def segments_put(user_id: str, transcript_id: str, block_id: str, segments: list[Segment]) -> Write:
    """One block of saved segments."""
    packed = [[s.seq, s.start_ms, s.end_ms, s.text, s.speaker] for s in segments]
    key = ItemKey("app", f"USER#{user_id}", f"SEGMENT#{transcript_id}#S#{block_id}")
    return Write(key, item={"segments": packed})


class Transcripts:
    """Reading the history back."""

    def __init__(self, tables: Tables):
        self._tables = tables

    def page(self, user_id: str, limit: int, after: str | None) -> tuple[list[Transcript], str | None]:
        """Newest first; the second value is where the next page starts."""
        items, last = self._tables.query(
            "app", f"USER#{user_id}", "TRANSCRIPT#", limit=limit, newest_first=True, after=after
        )
        # A settlement may touch a line that was just deleted; what it leaves is no line.
        return [transcript(item) for item in items if "started_at" in item], last

    def segments(self, user_id: str, transcript_id: str) -> list[Segment]:
        """All pieces of one transcript by time; chunks still with a provider are not in it."""
        by_seq: dict[int, Segment] = {}
        after: str | None = None
        while True:
            items, after = self._tables.query("app", f"USER#{user_id}", f"SEGMENT#{transcript_id}#", after=after)
            for item in items:
                by_seq |= {segment.seq: segment for segment in _segments(item)}
            if after is None:
                return sorted(by_seq.values(), key=lambda segment: (segment.start_ms, segment.seq))


def transcript(item: Item) -> Transcript:
    """The history line that was read."""
    fields = {name: item[name] for name in Transcript.__dataclass_fields__ if name in item}
    covered = tuple((start, end) for start, end in item.get("covered_ms", ()))
    return Transcript(**fields | {"covered_ms": covered})


def _segments(item: Item) -> list[Segment]:
    if "segments" in item:
        return [Segment(*packed) for packed in item["segments"]]
    if item["state"] != "done":
        return []
    return [Segment(item["seq"], item["start_ms"], item["start_ms"] + item["audio_ms"], item["text"])]
