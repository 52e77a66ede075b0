"""Transcripts with words, stored as the backend stores them, and a table that returns few items per query."""

from dataclasses import dataclass
from typing import Any

from chalicelib.models.transcripts import Segment, Transcript
from chalicelib.repositories.table import Item, ItemKey, TableName, Tables, Write
from chalicelib.repositories.transcripts import numbered_block_id, put_segments, put_transcript


def store_line(tables: Tables, user_id: str, transcript_id: str, title: str = "") -> None:
    tables.write(put_transcript(user_id, Transcript(transcript_id, "live", 1_795_400_000, title=title)))


def store_block(tables: Tables, user_id: str, transcript_id: str, number: int, segments: list[Segment]) -> None:
    """The segments of one save; `number`: how many saves it saw, plus one."""
    tables.write(put_segments(user_id, transcript_id, numbered_block_id(number, "x"), segments, is_packed=True))


def store_chunk(
    tables: Tables, user_id: str, transcript_id: str, segment: Segment, saves_before: int = 0, state: str = "done"
) -> None:
    """A relayed chunk that lasts a second."""
    item = {"seq": segment.seq, "start_ms": segment.start_ms, "audio_ms": 1_000, "saves_before": saves_before}
    key = ItemKey("app", f"USER#{user_id}", f"SEGMENT#{transcript_id}#C#{segment.seq:010d}")
    tables.write(Write(key, item=item | {"state": state, "text": segment.text}))


@dataclass
class QueryCount:
    queries: int = 0


class SmallPages(Tables):
    """Tables whose queries return at most `items` items, as those with large items do, and are counted."""

    def __init__(self, tables: Tables, items: int):
        self.__dict__ |= vars(tables)
        self._items, self.count = items, QueryCount()

    def query(self, table: TableName, pk: str, prefix: str, **options: Any) -> tuple[list[Item], str | None]:
        self.count.queries += 1
        return super().query(table, pk, prefix, **{"limit": self._items} | options)
