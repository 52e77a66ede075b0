"""The ranges of keys that a search reads: newest first, blocks before chunks, and nothing of other transcripts."""

from chalicelib.models.accounts import Caller
from chalicelib.models.transcripts import Segment
from chalicelib.repositories.searched_items import (
    LAST_CHUNK,
    SearchedItems,
    suffix_in_transcript,
    transcript_id_in,
)
from chalicelib.repositories.table import Item
from tests.fakes import Backend
from tests.transcripts.stored_words import SmallPages, store_block, store_chunk, store_line

WORDS = [Segment(0, 0, 1, "words")]


def store(backend: Backend, user_id: str, transcript_id: str) -> None:
    store_line(backend.tables, user_id, transcript_id)
    for number in (1, 2):
        store_block(backend.tables, user_id, transcript_id, number, WORDS)
        store_chunk(backend.tables, user_id, transcript_id, Segment(number, 0, 1, "words"))


def places(items: list[Item]) -> list[str]:
    return [f"{transcript_id_in(item['sk'])} {suffix_in_transcript(item['sk'])[:3]}" for item in items]


def test_lines_are_read_from_one_down_whether_it_is_there_or_not(backend: Backend, ada: Caller) -> None:
    items = SearchedItems(backend.tables)
    for transcript_id in ("T1", "T3", "T5"):
        store_line(backend.tables, ada.user_id, transcript_id)

    def ids(first: str | None, limit: int = 9) -> tuple[list[str], str | None]:
        lines, last = items.lines_down_from(ada.user_id, first, limit)
        return [line.transcript_id for line in lines], last

    assert ids(None) == (["T5", "T3", "T1"], None)
    assert ids("T4") == (["T3", "T1"], None)
    assert ids("T5", limit=2) == (["T5", "T3"], "T3")
    assert ids("T0") == ([], None)


def test_one_range_has_the_segments_of_many_transcripts(backend: Backend, ada: Caller) -> None:
    items = SearchedItems(SmallPages(backend.tables, 3))
    for transcript_id in ("T1", "T2", "T3", "T4"):
        store(backend, ada.user_id, transcript_id)
    store(backend, backend.person().user_id, "T2")

    found, after = [], None
    while True:
        some, after = items.segment_items(ada.user_id, "T3", "T2", "", after)
        found += some
        if after is None:
            break

    assert places(found) == [f"{t} {p}" for t in ("T3", "T2") for p in ("S#N", "S#N", "C#0", "C#0")]
    assert [item["sk"] for item in found] == sorted((item["sk"] for item in found), reverse=True)


def test_a_range_begins_inside_a_transcript_at_a_key_that_may_be_gone(backend: Backend, ada: Caller) -> None:
    items = SearchedItems(backend.tables)
    store(backend, ada.user_id, "T1")

    def list_suffixes(suffix: str) -> list[str]:
        return [
            suffix_in_transcript(item["sk"]) for item in items.segment_items(ada.user_id, "T1", "T1", suffix, None)[0]
        ]

    assert list_suffixes(LAST_CHUNK) == ["C#0000000002", "C#0000000001"]
    assert list_suffixes("C#0000000001") == ["C#0000000001"]
    assert list_suffixes("C#0000000000") == []
    assert len(items.newest_blocks(ada.user_id, "T1")) == 2
