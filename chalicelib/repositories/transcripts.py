"""The history: one `TRANSCRIPT#<ulid>` line per recording, and its words under `SEGMENT#<transcript>#…`.

Relayed chunks are items of their own (`…#C#<seq>`, repositories/sessions.py). What the extension saves comes in blocks
(`…#S#<ulid>`), one item a call, so that a hundred segments cost one write; reading lays the blocks over each other in
the order they were saved and the last write of a `seq` wins.

A deleted transcript's line goes at once; `ERASING` / `DELETED#<user>#<transcript>` says that its words have yet to go.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from boto3.dynamodb.conditions import Attr
from msgspec.structs import asdict

from ..ids import ulid
from ..models.sessions import Session
from ..models.transcripts import Segment, Summary, Transcript
from .jobs import SUMMARY, job_key, summary_from
from .questions import QUESTION
from .sessions import session_key
from .table import Item, ItemKey, Path, Tables, Write

TRANSCRIPT, SEGMENT, ERASING, DELETED = "TRANSCRIPT#", "SEGMENT#", "ERASING", "DELETED#"
ERASED_AT_ONCE = 100
# A line's id is made a moment after its second began, or at most a little later.
ID_SLACK_SECONDS = 5
BLOCK_BYTES = 200 * 1024
SEGMENT_OVERHEAD_BYTES = 100


def transcript_key(user_id: str, transcript_id: str) -> ItemKey:
    return ItemKey("app", f"USER#{user_id}", f"TRANSCRIPT#{transcript_id}")


def put_transcript(user_id: str, transcript: Transcript) -> Write:
    """A new line of the history."""
    item = {name: value for name, value in asdict(transcript).items() if value not in ("", None, ())}
    return Write(transcript_key(user_id, transcript.transcript_id), item=item, when=Attr("pk").not_exists())


def update_live_transcript(session: Session, ended_at: int | None) -> Write:
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


def delete_transcript(user_id: str, transcript_id: str) -> Write:
    """No such line any more."""
    return Write(transcript_key(user_id, transcript_id), delete=True)


def delete_transcript_and_session(line: Transcript, user_id: str, session: Session | None, at: int) -> list[Write]:
    """The line goes, its session with it, if nothing happened to it since; its words are left to be erased."""
    key = transcript_key(user_id, line.transcript_id)
    writes = [
        Write(key, delete=True, when=Attr("started_at").exists()),
        mark_segments_for_deletion(user_id, line.transcript_id, at),
    ]
    if session:
        same = Attr("state").eq(session.state.value) & Attr("lease_number").eq(session.lease_number)
        writes.append(Write(session_key(user_id, session.session_id), delete=True, when=same))
    return writes


def mark_segments_for_deletion(user_id: str, transcript_id: str, at: int) -> Write:
    """What there is of the transcript's words is left to be erased."""
    return Write(
        deletion_key(user_id, transcript_id), item={"user_id": user_id, "transcript_id": transcript_id, "at": at}
    )


def increment_catchup_count(user_id: str, transcript_id: str) -> Write:
    """The transcript has one catch-up more, if it is still there."""
    return Write(transcript_key(user_id, transcript_id), add={"catchups": 1}, when=Attr("started_at").exists())


def split_into_blocks(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """The segments in pieces that each fit into one item, which holds 400 KB."""
    block: list[Segment] = []
    size = 0
    for segment in segments:
        bytes_here = len(segment.text.encode()) + SEGMENT_OVERHEAD_BYTES
        if block and size + bytes_here > BLOCK_BYTES:
            yield block
            block, size = [], 0
        block.append(segment)
        size += bytes_here
    if block:
        yield block


def deletion_key(user_id: str, transcript_id: str) -> ItemKey:
    return ItemKey("app", ERASING, f"{DELETED}{user_id}#{transcript_id}")


def put_segments(user_id: str, transcript_id: str, block_id: str, segments: list[Segment]) -> Write:
    """One block of saved segments."""
    packed = [[s.seq, s.start_ms, s.end_ms, s.text, s.speaker] for s in segments]
    key = ItemKey("app", f"USER#{user_id}", f"SEGMENT#{transcript_id}#S#{block_id}")
    return Write(key, item={"segments": packed})


class Transcripts:
    """Reading the history back."""

    def __init__(self, tables: Tables):
        self._tables = tables

    def page(
        self, user_id: str, limit: int, after: str | None, begun: tuple[int, int] | None = None
    ) -> tuple[list[Transcript], str | None]:
        """Newest first; the second value is where the next page starts.

        `begun`: only lines begun about from the first to the second, epoch seconds; the caller looks at the seconds.
        """
        between = (
            (TRANSCRIPT + _first_id(begun[0] - ID_SLACK_SECONDS), TRANSCRIPT + _first_id(begun[1] + ID_SLACK_SECONDS))
            if begun
            else None
        )
        items, last = self._tables.query(
            "app", f"USER#{user_id}", TRANSCRIPT, limit=limit, newest_first=True, after=after, between=between
        )
        # A settlement may touch a line that was just deleted; what it leaves is no line.
        return [transcript_from(item) for item in items if "started_at" in item], last

    def segments(self, user_id: str, transcript_id: str) -> list[Segment]:
        """All pieces of one transcript by time; chunks still with a provider are not in it."""
        found: list[Item] = []
        after: str | None = None
        while True:
            items, after = self._tables.query("app", f"USER#{user_id}", f"SEGMENT#{transcript_id}#", after=after)
            found += items
            if after is None:
                return segments_from(found)

    def summaries(self, user_id: str, transcript_id: str, limit: int) -> list[Summary]:
        """What was missed, as far as somebody asked."""
        items, _ = self._tables.query("app", f"USER#{user_id}", f"{SUMMARY}{transcript_id}#", limit=limit)
        return [summary_from(item) for item in items]

    def list_deleted(self, limit: int) -> list[tuple[str, str]]:
        """Deleted transcripts whose words are still there: user and transcript."""
        items, _ = self._tables.query("app", ERASING, DELETED, limit=limit)
        return [(item["user_id"], item["transcript_id"]) for item in items]

    def delete_segments(self, user_id: str, transcript_id: str, pages: int) -> bool:
        """Erase the words of a deleted transcript, so many pages at most; whether nothing of it is left."""
        prefixes = [f"SEGMENT#{transcript_id}#", f"{SUMMARY}{transcript_id}#"]
        for _ in range(pages):
            items, more = self._tables.query("app", f"USER#{user_id}", prefixes[0], limit=ERASED_AT_ONCE)
            if prefixes[0].startswith(SUMMARY):  # A job knows a title and an address: it goes before what names it.
                self._tables.delete_many([job_key(summary_from(item).job_id) for item in items])
            self._tables.delete_many([ItemKey("app", item["pk"], item["sk"]) for item in items])
            if more is None:
                prefixes.pop(0)
            if not prefixes:
                self._erase_answers(user_id, transcript_id)
                # A settlement that came late may have left a stub where the line was.
                self._tables.write(delete_transcript(user_id, transcript_id))
                self._tables.write(Write(deletion_key(user_id, transcript_id), delete=True))
                return True
        return False

    def _erase_answers(self, user_id: str, transcript_id: str) -> None:
        """Of a user's questions, which are those of the last days, the ones about this transcript."""
        after: str | None = None
        while True:
            items, after = self._tables.query("app", f"USER#{user_id}", QUESTION, after=after)
            about = [item for item in items if item.get("transcript_id") == transcript_id]
            self._tables.delete_many([ItemKey("app", item["pk"], item["sk"]) for item in about])
            if after is None:
                return


def transcript_from(item: Item) -> Transcript:
    """The history line that was read."""
    fields = {name: item[name] for name in Transcript.__struct_fields__ if name in item}
    covered = tuple((start, end) for start, end in item.get("covered_ms", ()))
    return Transcript(**fields | {"covered_ms": covered})


def segments_from(items: Iterable[Item]) -> list[Segment]:
    """The pieces that these items of one transcript hold, laid over each other, by time."""
    by_seq = {segment.seq: segment for item in items for segment in _segments(item)}
    return sorted(by_seq.values(), key=lambda segment: (segment.start_ms, segment.seq))


def _first_id(at: int) -> str:
    """The smallest id of a line begun at `at`, as far as an id can tell."""
    return ulid(max(0, at) * 1000, bytes(10))


def _segments(item: Item) -> list[Segment]:
    if "segments" in item:
        return [Segment(*packed) for packed in item["segments"]]
    if item["state"] != "done":
        return []
    return [Segment(item["seq"], item["start_ms"], item["start_ms"] + item["audio_ms"], item["text"])]
