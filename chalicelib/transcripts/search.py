"""Searches the caller's transcripts, titles and segments, newest transcript first.

A call reads a bounded part of what the caller has: the lines of some transcripts in one query, then their segments, all
in one range of keys, in a few more. A cursor names the transcript after which the next call goes on. Where one
transcript alone is longer than a call may read, it names a suffix inside, and which terms were found before it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import msgspec

from .. import contract
from ..cursors import Cursors
from ..dates import rfc3339
from ..errors import InvalidRequestError
from ..models.accounts import Caller
from ..models.transcripts import Segment, Transcript
from ..repositories.ledger import Ledger
from ..repositories.searched_items import CHUNK, LAST_CHUNK, SearchedItems, suffix_in_transcript, transcript_id_in
from ..repositories.table import Item
from ..repositories.transcripts import segments_from, segments_in
from .folding import FoldedTexts, find_missing, fold, parse_terms
from .snippets import cut_snippet

CURSOR = "SEARCH#"
# DynamoDB returns at most 1 MB per query, so a call reads at most 4 MB: one page of lines, and so many of segments.
SEGMENT_QUERIES = 3
LINES_PER_CALL = 100
NOTHING_TO_FIND = "Search for a word or a phrase that has a letter or a digit."


class Position(msgspec.Struct, frozen=True):
    """The transcript after which a search goes on or, with `suffix`, inside which, at this stored segment or below.

    `found`: a bit for each term that is in what was read of it before.
    """

    transcript_id: str
    suffix: str = ""
    found: int = 0

    @classmethod
    def read(cls, text: str) -> Self:
        transcript_id, suffix, found = text.split("/")
        return cls(transcript_id, suffix, int(found, 16))

    def __str__(self) -> str:
        return f"{self.transcript_id}/{self.suffix}/{self.found:x}"


@dataclass
class _Progress:
    """What one call reads and finds. `items`: of the transcript that is being read; `found`: as in Position.

    `is_first`: whether they are from its end on, and not a later part of a transcript that is longer than a call reads.
    """

    terms: Sequence[str]
    limit: int
    found: int = 0
    is_first: bool = True
    items: list[Item] = field(default_factory=list)
    results: list[contract.SearchResult] = field(default_factory=list)

    def finish(self, line: Transcript) -> Position:
        """Search all that was read of this transcript; return where to go on after it."""
        self._search(line, self._segments(is_last=True))
        self.items, self.found, self.is_first = [], 0, True
        return Position(line.transcript_id)

    def finish_part(self, line: Transcript, suffix: str) -> Position:
        """Search what was read of this transcript, which goes on at `suffix`; return where to go on."""
        is_found = self._search(line, self._segments(is_last=False))
        return Position(line.transcript_id) if is_found else Position(line.transcript_id, suffix, self.found)

    def _segments(self, *, is_last: bool) -> list[Segment]:
        """The segments, by time; with a part of the chunks only those blocks that are between them.

        Otherwise words would follow each other that do not.
        """
        segments = segments_from(self.items)
        chunks = [segment for item in self.items if _is_chunk(item) for segment in segments_in(item)]
        if not chunks:
            return segments
        earliest, latest = min(map(_time_of, chunks)), max(map(_time_of, chunks))
        return [
            segment
            for segment in segments
            if (is_last or earliest <= _time_of(segment)) and (self.is_first or _time_of(segment) <= latest)
        ]

    def _search(self, line: Transcript, segments: list[Segment]) -> bool:
        missing = find_missing([line.title], find_missing([segment.text for segment in segments], self.terms))
        self.found |= sum(1 << bit for bit, term in enumerate(self.terms) if term not in missing)
        is_found = self.found + 1 == 1 << len(self.terms)
        if is_found:
            self.results.append(_result(line, segments, self.terms))
        return is_found


@dataclass(frozen=True)
class Search:
    """Searches a user's own transcripts."""

    ledger: Ledger
    items: SearchedItems
    cursors: Cursors

    def find(self, caller: Caller, query: contract.SearchQuery) -> contract.SearchPage:
        """Transcripts that have all terms of the query; a page may be short, even empty, and still have a next page.

        Raises InvalidRequestError for a query without a letter or a digit, and for a cursor of another query.
        """
        terms = parse_terms(query.q)
        if not terms:
            raise InvalidRequestError(NOTHING_TO_FIND, "q")
        scope = (caller.user_id, *terms)
        after = self.cursors.decode(CURSOR, query.cursor, *scope)
        self.ledger.admit(caller)
        progress = _Progress(terms, query.limit)
        following = self._read(caller.user_id, Position.read(after.removeprefix(CURSOR)) if after else None, progress)
        last = f"{CURSOR}{following}" if following else None
        return contract.SearchPage(items=progress.results, next_cursor=self.cursors.encode(CURSOR, last, *scope))

    def _read(self, user_id: str, position: Position | None, progress: _Progress) -> Position | None:
        """Read and search from `position` on, as far as one call may; return where to go on, None at the end."""
        lines, last_id = self.items.lines_down_from(
            user_id, position.transcript_id if position else None, LINES_PER_CALL
        )
        suffix, queries = "", SEGMENT_QUERIES
        if position and lines and lines[0].transcript_id == position.transcript_id:
            if position.suffix:
                suffix, queries, progress.found = position.suffix, queries - 1, position.found
                progress.is_first = suffix == LAST_CHUNK
                progress.items += self.items.newest_blocks(user_id, position.transcript_id)
            else:
                lines = lines[1:]
        following = Position(last_id) if last_id else None
        waiting, after = deque(lines), None
        for _ in range(queries if lines else 0):
            items, after = self.items.segment_items(
                user_id, lines[0].transcript_id, lines[-1].transcript_id, suffix, after
            )
            for item in items:
                while waiting[0].transcript_id > transcript_id_in(item["sk"]):
                    reached = progress.finish(waiting.popleft())
                    if len(progress.results) == progress.limit:
                        return reached
                if waiting[0].transcript_id == transcript_id_in(item["sk"]):  # Else it is of a deleted transcript.
                    progress.items.append(item)
            if after is None:
                break
        if after is None:
            while waiting:
                reached = progress.finish(waiting.popleft())
                if len(progress.results) == progress.limit:
                    return reached if waiting else following
            return following
        if len(waiting) < len(lines):  # The next call reads the unfinished one as a whole.
            return Position(lines[len(lines) - len(waiting) - 1].transcript_id)
        return progress.finish_part(lines[0], _suffix_to_go_on(progress, suffix_in_transcript(after)))


def _suffix_to_go_on(progress: _Progress, last_suffix: str) -> str:
    """Where the next part of a long transcript begins, such that a phrase across the two parts is in it.

    Saved blocks are read first, the newest of them; all chunks follow, and overlap by the longest term.
    """
    if not last_suffix.startswith(CHUNK):
        return LAST_CHUNK
    chunks = [item for item in progress.items if _is_chunk(item)]
    longest, characters = max(map(len, progress.terms)), 0
    for chunk in reversed(chunks[1:]):
        characters += sum(len(fold(segment.text)) for segment in segments_in(chunk))
        if characters >= longest:
            return suffix_in_transcript(chunk["sk"])
    return last_suffix


def _is_chunk(item: Item) -> bool:
    return suffix_in_transcript(item["sk"]).startswith(CHUNK)


def _time_of(segment: Segment) -> tuple[int, int]:
    return segment.start_ms, segment.seq


def _result(line: Transcript, segments: Sequence[Segment], terms: Sequence[str]) -> contract.SearchResult:
    """The result for a transcript with all terms: where the longest one in its words is first, or the title."""
    words, title = FoldedTexts([segment.text for segment in segments]), FoldedTexts([line.title])
    by_length = sorted(terms, key=len, reverse=True)
    in_words = next(filter(None, map(words.find, by_length)), None)
    places = in_words or next(filter(None, map(title.find, by_length)))
    snippet = cut_snippet((words if in_words else title).texts, *places)
    segment = segments[in_words[0][0]] if in_words else None
    return contract.SearchResult(
        transcript_id=line.transcript_id,
        title=line.title,
        started_at=rfc3339(line.started_at),
        snippet=contract.SearchSnippet(before=snippet.before, match=snippet.match, after=snippet.after),
        start_ms=segment.start_ms if segment else None,
        seq=segment.seq if segment else None,
        speaker=segment.speaker if segment else "",
    )
