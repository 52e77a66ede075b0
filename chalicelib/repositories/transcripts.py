"""The history: one `TRANSCRIPT#<ulid>` item per recording, and its segments under `SEGMENT#<transcript>#…`.

Each relayed chunk is an item (`…#C#<seq>`, repositories/sessions.py). Segments that the extension saves are stored in
blocks (`…#S#N<number>#<ulid>`), one item per call, so that a hundred segments cost one write. Reading merges the blocks
in that order, and the last one that has a `seq` wins. The number is how many saves the request saw, plus one: a save
that begins after another was answered has a higher one, whatever the clocks say. A chunk is laid over the blocks that
its own request saw.

Deleting a transcript deletes its `TRANSCRIPT#` item at once; `ERASING` / `DELETED#<user>#<transcript>` marks the rest
for deletion by the sweep.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec.structs import asdict

from ..ids import ulid
from ..models.sessions import Session
from ..models.transcripts import Segment, Summary, Transcript
from .conditions import Attr
from .jobs import SUMMARY, delete_job, job_from, job_key, summary_from
from .packed_rows import pack, unpack
from .provider_copies import ERASING
from .questions import QUESTION
from .session_responses import delete_responses
from .sessions import delete_open_session, session_key
from .shares import delete_share, is_shared_as
from .table import Item, ItemKey, Path, Tables, Write, WriteRefusedError

TRANSCRIPT, SEGMENT, DELETED = "TRANSCRIPT#", "SEGMENT#", "DELETED#"
RUNNING_CATCHUPS = "running_catchups"
DELETED_PER_QUERY = 100
# An id is created up to a few seconds after the time that is stored as the start.
ID_SLACK_SECONDS = 5
BLOCK_BYTES = 200 * 1024
NUMBERED_BLOCK = "N"  # sorts after the digit that blocks without a number begin with, which are older
SEGMENT_OVERHEAD_BYTES = 100  # of a stored segment, beside its text


def transcript_key(user_id: str, transcript_id: str) -> ItemKey:
    return ItemKey("app", f"USER#{user_id}", f"TRANSCRIPT#{transcript_id}")


def put_transcript(user_id: str, transcript: Transcript) -> Write:
    """A new transcript; refused if there is one with this id."""
    item = {name: value for name, value in asdict(transcript).items() if value not in ("", None, ())}
    return Write(transcript_key(user_id, transcript.transcript_id), item=item, when=Attr("pk").not_exists())


def update_live_transcript(session: Session, ended_at: int | None) -> Write:
    """The transcript of a live session after a settlement: its length, what it covers and what it cost."""
    figures: dict[Path, Any] = {
        "state": session.history_state.value,
        "audio_ms": session.audio_ms,
        "credits": session.charged,
        "covered_ms": [list(interval) for interval in session.covered_ms],
    }
    if ended_at is not None:
        figures["ended_at"] = ended_at
    return Write(transcript_key(session.user_id, session.transcript_id), put_in=figures)


def rename_transcript(user_id: str, transcript_id: str, title: str) -> Write:
    """Give the transcript another title, or none; refused if it was deleted."""
    change: dict[str, Any] = {"put_in": {"title": title}} if title else {"drop": ["title"]}
    return Write(transcript_key(user_id, transcript_id), when=Attr("started_at").exists(), **change)


def delete_transcript(user_id: str, transcript_id: str) -> Write:
    return Write(transcript_key(user_id, transcript_id), delete=True)


def delete_transcript_and_session(
    transcript: Transcript, user_id: str, session: Session | None, at: int
) -> list[Write]:
    """Delete both, and the share of the transcript, and mark the segments for deletion.

    Refused if the session or the share has changed, or a catch-up runs.
    """
    key = transcript_key(user_id, transcript.transcript_id)
    is_deletable = Attr("started_at").exists() & ~Attr(RUNNING_CATCHUPS).gt(0) & is_shared_as(transcript.share_hash)
    writes = [
        Write(key, delete=True, when=is_deletable),
        mark_segments_for_deletion(user_id, transcript.transcript_id, at),
        *delete_share(transcript.share_hash),
    ]
    if session:
        is_same = Attr("state").eq(session.state.value) & Attr("lease_number").eq(session.lease_number)
        writes.append(Write(session_key(user_id, session.session_id), delete=True, when=is_same))
        writes.append(delete_open_session(user_id, transcript.transcript_id))
        writes += delete_responses(session)
    return writes


def mark_segments_for_deletion(user_id: str, transcript_id: str, at: int) -> Write:
    """Let the sweep delete the transcript's segments, summaries and answers."""
    return Write(
        deletion_key(user_id, transcript_id), item={"user_id": user_id, "transcript_id": transcript_id, "at": at}
    )


def begin_catchup(user_id: str, transcript_id: str) -> Write:
    """Count a running catch-up, if the transcript exists: it cannot be deleted until then."""
    return Write(transcript_key(user_id, transcript_id), add={RUNNING_CATCHUPS: 1}, when=Attr("started_at").exists())


def end_catchup(user_id: str, transcript_id: str, *, is_done: bool, is_counted: bool = True) -> Write:
    """Count one running catch-up less and, if it is done, one more of the transcript, if that still exists.

    Refused where none is counted as running, unless `is_counted` is false: see `was_not_counted`.
    """
    counts = ({RUNNING_CATCHUPS: -1} if is_counted else {}) | ({"catchups": 1} if is_done else {})
    exists = Attr("started_at").exists()
    when = exists & Attr(RUNNING_CATCHUPS).gt(0) if is_counted else exists
    return Write(transcript_key(user_id, transcript_id), add=counts, when=when)


def was_not_counted(transcript_item: Item) -> bool:
    """Whether `end_catchup` was refused because the catch-up began before running ones were counted.

    `transcript_item`: the transcript as the refusal shows it; empty if it is deleted.
    """
    return "started_at" in transcript_item


def split_into_blocks(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """The segments in blocks that each fit into one item (at most 400 KB)."""
    block: list[Segment] = []
    size = 0
    for segment in segments:
        segment_bytes = len(segment.text.encode()) + SEGMENT_OVERHEAD_BYTES
        if block and size + segment_bytes > BLOCK_BYTES:
            yield block
            block, size = [], 0
        block.append(segment)
        size += segment_bytes
    if block:
        yield block


def deletion_key(user_id: str, transcript_id: str) -> ItemKey:
    return ItemKey("app", ERASING, f"{DELETED}{user_id}#{transcript_id}")


def numbered_block_id(number: int, suffix: str) -> str:
    """The id of a block; `suffix` tells it from those of the same number, which ran at the same time."""
    return f"{NUMBERED_BLOCK}{number:08d}#{suffix}"


def put_segments(
    user_id: str, transcript_id: str, block_id: str, segments: list[Segment], *, is_packed: bool = False
) -> Write:
    """A block of saved segments. Older releases cannot read one that is packed."""
    rows = [[s.seq, s.start_ms, s.end_ms, s.text, s.speaker] for s in segments]
    key = ItemKey("app", f"USER#{user_id}", f"SEGMENT#{transcript_id}#S#{block_id}")
    return Write(key, item={"packed": pack(rows)} if is_packed else {"segments": rows})


def read_newest_segments(tables: Tables, user_id: str, transcript_id: str, after: int) -> dict[int, Segment]:
    """The segments that were saved last, by `seq`: those of the newest blocks, up to 1 MB, from one call.

    Of blocks with a number above `after`: chunks may have replaced the words of earlier ones.
    """
    found, _ = tables.query("app", f"USER#{user_id}", f"{SEGMENT}{transcript_id}#S#", newest_first=True)
    blocks = [block for block in found if after == 0 or _place_of_writing(block)[0] > after]
    return {segment.seq: segment for block in reversed(blocks) for segment in segments_in(block)}


class Transcripts:
    """Reads the history, and deletes what is marked for deletion."""

    def __init__(self, tables: Tables):
        self._tables = tables

    def page(
        self, user_id: str, limit: int, after: str | None, period: tuple[int, int] | None = None
    ) -> tuple[list[Transcript], str | None]:
        """Newest first; the second value is where the next page starts.

        `period`: from when to when the transcripts started, epoch seconds, within a few seconds: the caller filters
        exactly.
        """
        between = (
            (TRANSCRIPT + _first_id(period[0] - ID_SLACK_SECONDS), TRANSCRIPT + _first_id(period[1] + ID_SLACK_SECONDS))
            if period
            else None
        )
        items, last = self._tables.query(
            "app", f"USER#{user_id}", TRANSCRIPT, limit=limit, newest_first=True, after=after, between=between
        )
        return list(filter(None, map(existing_transcript_from, items))), last

    def segments(self, user_id: str, transcript_id: str) -> list[Segment]:
        """All pieces of one transcript by time; chunks still with a provider are not in it."""
        return segments_from(self._tables.query_all("app", f"USER#{user_id}", f"SEGMENT#{transcript_id}#"))

    def summaries(self, user_id: str, transcript_id: str, limit: int) -> list[Summary]:
        """The summaries of the transcript's catch-ups."""
        items, _ = self._tables.query("app", f"USER#{user_id}", f"{SUMMARY}{transcript_id}#", limit=limit)
        return [summary_from(item) for item in items]

    def list_deleted(self, limit: int) -> list[tuple[str, str]]:
        """Deleted transcripts whose segments are still stored, as (user id, transcript id)."""
        items, _ = self._tables.query("app", ERASING, DELETED, limit=limit)
        return [(item["user_id"], item["transcript_id"]) for item in items]

    def delete_segments(self, user_id: str, transcript_id: str, max_pages: int) -> bool:
        """Delete what is left of a deleted transcript, at most `max_pages` pages; whether everything is deleted."""
        prefixes = [f"SEGMENT#{transcript_id}#", f"{SUMMARY}{transcript_id}#"]
        for _ in range(max_pages):
            items, more = self._tables.query("app", f"USER#{user_id}", prefixes[0], limit=DELETED_PER_QUERY)
            # A job holds a title and an address: it is deleted before its name.
            jobs = [summary_from(item).job_id for item in items] if prefixes[0].startswith(SUMMARY) else []
            if not self._delete_jobs(jobs):
                return False
            self._tables.delete_many([ItemKey("app", item["pk"], item["sk"]) for item in items])
            if more is None:
                prefixes.pop(0)
            if not prefixes:
                self._delete_answers(user_id, transcript_id)
                # A late settlement may have left an item without a start.
                self._tables.write(delete_transcript(user_id, transcript_id))
                self._tables.write(Write(deletion_key(user_id, transcript_id), delete=True))
                return True
        return False

    def _delete_jobs(self, job_ids: list[str]) -> bool:
        """Delete these jobs, which have ended; false if one was changed or deleted just now: the next run goes on.

        What the provider still has of them stays on record until it is deleted there.
        """
        items = self._tables.get_many([job_key(job_id) for job_id in job_ids]) if job_ids else []
        try:
            for item in filter(None, items):
                self._tables.transact(delete_job(job_from(item)))
        except WriteRefusedError:
            return False
        return True

    def _delete_answers(self, user_id: str, transcript_id: str) -> None:
        """Delete the user's questions about this transcript; only those of the last day are stored."""
        for items in self._tables.query_pages("app", f"USER#{user_id}", QUESTION):
            about = [item for item in items if item.get("transcript_id") == transcript_id]
            self._tables.delete_many([ItemKey("app", item["pk"], item["sk"]) for item in about])


def transcript_from(item: Item) -> Transcript:
    """The transcript that was read."""
    fields = {name: item[name] for name in Transcript.__struct_fields__ if name in item}
    covered = tuple((start, end) for start, end in item.get("covered_ms", ()))
    return Transcript(**fields | {"covered_ms": covered})


def existing_transcript_from(item: Item | None) -> Transcript | None:
    """The transcript that was read; None if it was deleted. A late settlement leaves a line without a start."""
    return transcript_from(item) if item and "started_at" in item else None


def segments_from(items: Iterable[Item]) -> list[Segment]:
    """The pieces that these items of one transcript hold, laid over each other, by time."""
    by_seq = {segment.seq: segment for item in in_order_of_writing(items) for segment in segments_in(item)}
    return sorted(by_seq.values(), key=lambda segment: (segment.start_ms, segment.seq))


def in_order_of_writing(items: Iterable[Item]) -> list[Item]:
    """The chunks and blocks of one transcript, such that the words of a later one replace those of an earlier one."""
    return sorted(items, key=_place_of_writing)


def _place_of_writing(item: Item) -> tuple[int, bool]:
    """By how many saves were before it: a chunk comes after the last of them, a block before the chunks that saw it.

    Chunks and blocks of sessions that were open when this came have no numbers: there, blocks replace chunks.
    """
    if not _is_block(item):
        return item.get("saves_before", -1), True
    number, _, _ = item["sk"].rpartition(f"#S#{NUMBERED_BLOCK}")[2].partition("#")
    return int(number) if f"#S#{NUMBERED_BLOCK}" in item["sk"] else 0, False


def segments_in(item: Item) -> list[Segment]:
    """The segments of one stored chunk or block; none while a provider has the chunk."""
    if _is_block(item):
        rows = [*item.get("segments", ()), *(unpack(item["packed"]) if "packed" in item else ())]
        return [Segment(*row) for row in rows]
    if item["state"] != "done":
        return []
    return [Segment(item["seq"], item["start_ms"], item["start_ms"] + item["audio_ms"], item["text"])]


def _is_block(item: Item) -> bool:
    return "segments" in item or "packed" in item


def _first_id(at: int) -> str:
    """The smallest id of a line begun at `at`, as far as an id can tell."""
    return ulid(max(0, at) * 1000, bytes(10))
