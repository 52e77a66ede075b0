"""Searching the own text: what is found, in which order, how much one call reads, and what is never found."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from chalicelib import contract
from chalicelib.errors import AccountBlockedError, InvalidRequestError, UnauthenticatedError
from chalicelib.models.accounts import Caller
from chalicelib.models.transcripts import Segment
from chalicelib.repositories.searched_items import SearchedItems
from chalicelib.repositories.table import Tables
from chalicelib.transcripts.search import SEGMENT_QUERIES, Search
from tests.fakes import CURSORS, Backend
from tests.transcripts.stored_words import SmallPages, store_block, store_chunk, store_line

MAX_CALLS = 200
# Words as they are text, and as the model below compares them.
FOLDED = {"Äpfel": "apfel", "apfel": "apfel", "STRASSE": "strasse", "straße": "strasse", "the": "the", "THE": "the"}
FOLDED |= {"é": "e", "e\u0301": "e", "İ": "i", "i": "i", "café": "cafe"}
words = st.sampled_from(list(FOLDED))
lines = st.lists(words, min_size=0, max_size=4).map(" ".join)


def segment(seq: int, text: str, speaker: str = "") -> Segment:
    return Segment(seq, seq * 1_000, seq * 1_000 + 900, text, speaker)


@dataclass
class Owner:
    """Somebody with transcripts, and the search over them."""

    tables: Tables
    caller: Caller
    backend: Backend

    def search(self, tables: Tables | None = None) -> Search:
        return Search(self.backend.ledger, SearchedItems(tables or self.tables), CURSORS)

    def store(self, transcript_id: str, *texts: str, title: str = "") -> None:
        store_line(self.tables, self.caller.user_id, transcript_id, title)
        if texts:
            segments = [segment(seq, text) for seq, text in enumerate(texts)]
            store_block(self.tables, self.caller.user_id, transcript_id, 1, segments)

    def pages(self, q: str, limit: int = 50, tables: Tables | None = None) -> Iterator[list[contract.SearchResult]]:
        """The results, call by call, until there is no cursor."""
        cursor = None
        for _ in range(MAX_CALLS):
            page = self.search(tables).find(self.caller, contract.SearchQuery(q=q, limit=limit, cursor=cursor))
            yield page.items
            cursor = page.next_cursor
            if cursor is None:
                return
        raise AssertionError("the search does not end")

    def find(self, q: str, limit: int = 50, tables: Tables | None = None) -> list[contract.SearchResult]:
        return [result for page in self.pages(q, limit, tables) for result in page]

    def ids(self, q: str, limit: int = 50) -> list[str]:
        return [result.transcript_id for result in self.find(q, limit)]


@pytest.fixture
def owner(backend: Backend) -> Owner:
    return Owner(backend.tables, backend.person(200), backend)


def test_a_result_names_the_transcript_the_moment_and_the_words_around_it(owner: Owner) -> None:
    store_line(owner.tables, owner.caller.user_id, "T1", "Stand-up")
    block = [segment(3, "So the Budget"), segment(4, "for next year, stays.", "Ada"), segment(5, "Good.")]
    store_block(owner.tables, owner.caller.user_id, "T1", 1, block)

    (result,) = owner.find('budget "NEXT year"')

    assert (result.transcript_id, result.title, result.started_at) == ("T1", "Stand-up", "2026-11-23T02:13:20Z")
    assert (result.seq, result.start_ms, result.speaker) == (4, 4_000, "Ada")
    assert (result.snippet.before, result.snippet.match, result.snippet.after) == (
        "So the Budget for ",
        "next year",
        ", stays. Good.",
    )


def test_a_phrase_across_two_saved_segments_is_found_where_it_begins(owner: Owner) -> None:
    owner.store("T1", "So we text good", "morning, everybody.")

    (result,) = owner.find('"Good morning"')

    assert (result.seq, result.snippet.match) == (0, "good morning")
    assert owner.find('"morning good"') == []


def test_all_words_are_needed_in_any_order_also_from_the_title(owner: Owner) -> None:
    owner.store("T1", "The budget", "was fine.", title="Council")
    owner.store("T2", "The budget", title="Weekly")

    assert owner.ids("fine budget council") == ["T1"]
    assert owner.ids("budget") == ["T2", "T1"]
    assert owner.ids("budget missing") == []


def test_a_match_in_the_title_alone_has_no_moment(owner: Owner) -> None:
    owner.store("T1", "Nothing", title="Weekly Stand-up")

    (result,) = owner.find("stand")

    assert (result.seq, result.start_ms) == (None, None)
    assert (result.snippet.before, result.snippet.match, result.snippet.after) == ("Weekly ", "Stand", "-up")
    assert b"start_ms" not in msgspec.json.encode(result)


def test_words_that_were_saved_again_or_deleted_are_not_found(owner: Owner) -> None:
    owner.store("T1", "first words", "stay")
    assert owner.ids("first") == ["T1"]

    store_block(owner.tables, owner.caller.user_id, "T1", 2, [segment(0, "second words")])
    assert (owner.ids("first"), owner.ids('"words stay"')) == ([], ["T1"])
    store_chunk(owner.tables, owner.caller.user_id, "T1", segment(0, "third"), saves_before=2)
    store_chunk(owner.tables, owner.caller.user_id, "T1", segment(9, "pending"), state="reserved")
    assert (owner.ids("second"), owner.ids("third"), owner.ids("pending")) == ([], ["T1"], [])

    owner.backend.history.delete(owner.caller, "T1")
    assert (owner.ids("third"), owner.ids("stay")) == ([], [])


def test_nobody_finds_the_words_of_another(owner: Owner) -> None:
    owner.store("T1", "secret words", title="secret title")
    other = Owner(owner.tables, owner.backend.person(), owner.backend)
    other.store("T2", "words")

    assert (other.ids("secret"), other.ids("words")) == ([], ["T2"])


def test_a_cursor_is_of_one_person_and_one_query(owner: Owner) -> None:
    for number in range(3):
        owner.store(f"T{number}", "words of mine")
    cursor = owner.search().find(owner.caller, contract.SearchQuery(q="words", limit=1)).next_cursor
    other = owner.backend.person()

    same = owner.search().find(owner.caller, contract.SearchQuery(q="  WORDS ", limit=5, cursor=cursor))
    assert [result.transcript_id for result in same.items] == ["T1", "T0"]
    for caller, q in ((owner.caller, "mine"), (other, "words")):
        with pytest.raises(InvalidRequestError) as refused:
            owner.search().find(caller, contract.SearchQuery(q=q, cursor=cursor))
        assert refused.value.details["field"] == "cursor"


@pytest.mark.parametrize("q", [" ", "?!", '""', "🎧"])
def test_a_query_without_a_word_is_refused_before_anything_is_read(owner: Owner, q: str) -> None:
    tables = SmallPages(owner.tables, 3)

    with pytest.raises(InvalidRequestError, match="a letter or a digit") as refused:
        owner.search(tables).find(owner.caller, contract.SearchQuery(q=q))

    assert refused.value.details["field"] == "q"
    assert tables.count.queries == 0


def test_who_is_blocked_or_gone_searches_nothing(owner: Owner) -> None:
    owner.store("T1", "words")
    owner.backend.ledger.set_blocked(owner.caller.user_id, True)
    with pytest.raises(AccountBlockedError):
        owner.find("words")
    owner.backend.ledger.set_blocked(owner.caller.user_id, False)
    owner.backend.ledger.close(owner.caller, at=owner.backend.clock())
    with pytest.raises(UnauthenticatedError):
        owner.find("words")


def test_a_call_makes_at_most_four_queries_however_much_there_is(owner: Owner) -> None:
    for number in range(40):
        owner.store(f"T{number:02}", "some words", "and more", title="odd" if number % 2 else "even")
    tables = SmallPages(owner.tables, 5)

    pages = list(owner.pages("odd words", tables=tables))

    assert [result.transcript_id for page in pages for result in page] == [f"T{n:02}" for n in range(39, 0, -2)]
    assert len(pages) == 3
    assert tables.count.queries <= len(pages) * (1 + SEGMENT_QUERIES)
    tables.count.queries = 0
    owner.search(tables).find(owner.caller, contract.SearchQuery(q="nowhere"))
    assert tables.count.queries == 1 + SEGMENT_QUERIES


def test_pages_without_a_result_still_lead_to_the_oldest_transcript(owner: Owner) -> None:
    owner.store("A0", "the needle")
    for number in range(30):
        owner.store(f"T{number:02}", "hay", "more hay")

    pages = list(owner.pages("needle", tables=SmallPages(owner.tables, 3)))

    assert [len(page) for page in pages[:-1]] == [0] * (len(pages) - 1)
    assert [result.transcript_id for result in pages[-1]] == ["A0"]


def test_segments_of_deleted_transcripts_hide_nothing_and_are_not_found(owner: Owner) -> None:
    owner.store("T1", "old words")
    for number in range(30):  # Their lines are gone, and the sweep has not come yet.
        store_block(owner.tables, owner.caller.user_id, "T2", number, [segment(number, "deleted words")])
    owner.store("T3", "new words")

    results = owner.find("words", tables=SmallPages(owner.tables, 2))

    assert [result.transcript_id for result in results] == ["T3", "T1"]
    assert owner.find("deleted") == []


def test_a_transcript_longer_than_a_call_reads_is_searched_to_its_end(owner: Owner) -> None:
    store_line(owner.tables, owner.caller.user_id, "T1", "Long day")
    store_block(owner.tables, owner.caller.user_id, "T1", 1, [segment(50, "replaced by the save"), segment(200, "end")])
    for seq in range(100):
        text = {0: "first words", 50: "replaced chunk", 60: "good", 61: "morning", 99: "last words"}.get(seq, "hm")
        store_chunk(owner.tables, owner.caller.user_id, "T1", segment(seq, text))
    small = SmallPages(owner.tables, 4)

    for q in ("first", '"good morning"', "last first day", '"hm replaced by the save"', "end", '"last words end"'):
        assert [result.transcript_id for result in owner.find(q, tables=small)] == ["T1"], q
    for q in ("chunk", "first missing", '"words good"', '"end hm"'):
        assert owner.find(q, tables=small) == [], q
    assert len(list(owner.pages("missing", tables=small))) > 5


@dataclass
class Model:
    """What a plain search over plain lists finds. `texts`: transcript → seq → the text that was written last."""

    titles: dict[str, str] = field(default_factory=dict)
    texts: dict[str, dict[int, str]] = field(default_factory=dict)

    def find(self, terms: list[str]) -> list[str]:
        found = []
        for transcript_id in sorted(self.titles, reverse=True):
            words_of = " ".join(text for _, text in sorted(self.texts[transcript_id].items()) if text)
            places = [_plain(words_of), _plain(self.titles[transcript_id])]
            if all(any(_plain(term) in place for place in places) for term in terms):
                found.append(transcript_id)
        return found


def _plain(text: str) -> str:
    return " ".join(FOLDED[word] for word in text.split())


transcripts = st.lists(
    st.tuples(
        lines,  # the title
        st.lists(st.lists(st.tuples(st.integers(0, 9), lines), max_size=4), max_size=3),  # saves
        st.lists(st.tuples(st.integers(0, 30), lines), max_size=14),  # chunks
        st.booleans(),  # whether it is deleted
    ),
    max_size=6,
)
phrases = st.lists(words, min_size=1, max_size=3).map(" ".join)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(transcripts, st.lists(phrases, min_size=1, max_size=3), st.integers(3, 6), st.integers(1, 4))
def test_a_search_finds_what_a_plain_search_finds(
    backend: Backend, stored: list[tuple[str, list[list[tuple[int, str]]], list[tuple[int, str]], bool]],
    terms: list[str], items_per_query: int, limit: int,
) -> None:  # fmt: skip
    """Chunks have numbers of their own here: what one replaces is in the test of long transcripts."""
    owner, model = Owner(backend.tables, backend.person(), backend), Model()
    other = Owner(backend.tables, backend.person(), backend)
    for place, (title, saves, chunks, is_deleted) in enumerate(stored):
        transcript_id, user_id = f"T{place}", owner.caller.user_id
        store_line(owner.tables, user_id, transcript_id, title)
        other.store(transcript_id, " ".join(terms))
        by_seq: dict[int, str] = {}
        for number, save in enumerate(saves):
            last = dict(save)
            store_block(owner.tables, user_id, transcript_id, number + 1, [segment(*pair) for pair in last.items()])
            by_seq |= last
        for seq, text in dict(chunks).items():
            store_chunk(owner.tables, user_id, transcript_id, segment(seq + 10, text))
            by_seq[seq + 10] = text
        if is_deleted:
            backend.history.delete(owner.caller, transcript_id)
        else:
            model.titles[transcript_id], model.texts[transcript_id] = title, by_seq
    q = " ".join(f'"{term}"' for term in terms)

    found = owner.find(q, limit, SmallPages(owner.tables, items_per_query))

    assert [result.transcript_id for result in found] == model.find(terms)
    for result in found:
        title, texts = model.titles[result.transcript_id], sorted(model.texts[result.transcript_id].items())
        shown = " ".join(text for _, text in texts) if result.seq is not None else title
        assert " ".join(result.snippet.match.split()) in " ".join(shown.split())
        assert (result.seq is None) == (result.start_ms is None)
