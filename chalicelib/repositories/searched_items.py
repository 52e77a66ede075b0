"""Reads what a search looks through, downwards: lines of the history, and what is stored of many transcripts at once.

The keys of all segments of a user are in one order: the newest transcript first and, within one, its blocks before its
chunks. So one range of keys has the segments of many transcripts, however small each is.
"""

from ..models.transcripts import Transcript
from .table import Item, Tables
from .transcripts import SEGMENT, TRANSCRIPT, existing_transcript_from

# What begins the key of a chunk within its transcript, and what follows all of them, before the blocks.
CHUNK, LAST_CHUNK, AFTER_ALL = "C#", "C~", "~"


class SearchedItems:
    """The lines and segments of one user at a time; each method makes one query, which returns at most 1 MB."""

    def __init__(self, tables: Tables):
        self._tables = tables

    def lines_down_from(
        self, user_id: str, transcript_id: str | None, limit: int
    ) -> tuple[list[Transcript], str | None]:
        """Lines from this transcript on, if it is there, newest first; the second value is the last one's id.

        It is None where no more follow. Without `transcript_id` they are the newest ones.
        """
        between = (TRANSCRIPT, TRANSCRIPT + transcript_id) if transcript_id else None
        items, last = self._tables.query(
            "app", f"USER#{user_id}", TRANSCRIPT, limit=limit, newest_first=True, between=between
        )
        lines = list(filter(None, map(existing_transcript_from, items)))
        return lines, last.removeprefix(TRANSCRIPT) if last else None

    def segment_items(
        self, user_id: str, newest_id: str, oldest_id: str, suffix: str, after: str | None
    ) -> tuple[list[Item], str | None]:
        """What is stored of these transcripts and those between; the second value is the key to continue `after`.

        `suffix`: where the newest one begins, if not at its end.
        """
        between = (f"{SEGMENT}{oldest_id}#", f"{SEGMENT}{newest_id}#{suffix or AFTER_ALL}")
        return self._tables.query("app", f"USER#{user_id}", SEGMENT, newest_first=True, between=between, after=after)

    def newest_blocks(self, user_id: str, transcript_id: str) -> list[Item]:
        """The blocks of saved segments that were written last."""
        items, _ = self._tables.query("app", f"USER#{user_id}", f"{SEGMENT}{transcript_id}#S#", newest_first=True)
        return items


def transcript_id_in(segment_key: str) -> str:
    """The transcript of a stored chunk or block, by its sort key."""
    return segment_key.split("#")[1]


def suffix_in_transcript(segment_key: str) -> str:
    """The rest of that key: which chunk or block of the transcript it is."""
    return segment_key.split("#", 2)[2]
