"""What a transcript covers, the pages of the list, files, and deletion."""

from collections.abc import Sequence
from dataclasses import replace as replace_fields
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from chalicelib import contract
from chalicelib.errors import ConflictError, InvalidRequestError, NotFoundError, TooLargeError
from chalicelib.ids import ulid
from chalicelib.logs.request_facts import collect_request_facts, count_aws_calls
from chalicelib.models.accounts import Caller
from chalicelib.models.transcripts import Segment, Transcript
from chalicelib.repositories.table import Tables, Write
from chalicelib.repositories.transcripts import put_transcript
from chalicelib.transcripts.coverage import merge_intervals, uncovered_intervals
from chalicelib.transcripts.history import QUERIES_PER_PAGE
from tests.engines import Engine
from tests.fakes import Backend, Clock

MINUTE_MS = 60_000
random_segments = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 200)).map(sorted).map(lambda ends: Segment(0, *ends, "a word")),
    max_size=12,
)


def moments(intervals: list[contract.Interval]) -> set[int]:
    """Every millisecond that the intervals hold."""
    return {at for interval in intervals for at in range(interval.start_ms, interval.end_ms)}


@given(random_segments)
def test_covered_is_exactly_the_time_of_the_segments(segments: list[Segment]) -> None:
    covered = merge_intervals(segments)

    assert moments(covered) == {at for s in segments for at in range(s.start_ms, s.end_ms)}
    assert all(a.end_ms < b.start_ms for a, b in pairwise(covered))


@given(random_segments)
def test_covered_and_uncovered_fill_the_time_up_to_the_last_word(segments: list[Segment]) -> None:
    covered = merge_intervals(segments)
    uncovered = uncovered_intervals(covered)

    end_ms = covered[-1].end_ms if covered else 0
    assert moments(covered) | moments(uncovered) == set(range(end_ms))
    assert not moments(covered) & moments(uncovered)
    assert all(gap.start_ms < gap.end_ms for gap in uncovered)


def test_no_segments_cover_nothing() -> None:
    assert (merge_intervals([]), uncovered_intervals([])) == ([], [])


def test_the_pages_are_newest_first_and_neither_miss_nor_repeat_any(backend: Backend) -> None:
    ada, history = backend.person(200), backend.history
    made = []
    for _ in range(5):
        made.append(backend.start(ada, lease_seconds=60).transcript_id)
        backend.clock.forward(1)

    ids, cursor = [], None
    while True:
        page = history.page(ada, contract.HistoryQuery(limit=2, cursor=cursor))
        ids += [line.id for line in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert ids == made[::-1]


@pytest.mark.parametrize("title", ["Stand-up", "", "週報 🎧", "x" * 200])
def test_a_transcript_gets_another_title_and_keeps_the_rest(backend: Backend, title: str) -> None:
    ada, history = backend.person(200), backend.history
    lease = backend.start(ada, title="Austen", lease_seconds=60)
    before = history.get_transcript(ada, lease.transcript_id).transcript

    renamed = history.rename(ada, lease.transcript_id, title)

    assert renamed == replace(before, title=title)
    assert history.get_transcript(ada, lease.transcript_id).transcript == renamed
    backend.streaming.stop(ada, lease.session_id)
    assert history.page(ada, contract.HistoryQuery()).items[0].title == title


def test_only_its_owner_renames_a_transcript_and_none_that_was_deleted(backend: Backend) -> None:
    ada, history = backend.person(200), backend.history
    lease = backend.start(ada, title="Austen", lease_seconds=60)
    backend.streaming.stop(ada, lease.session_id)

    with pytest.raises(NotFoundError):
        history.rename(backend.person(), lease.transcript_id, "Mine")
    with pytest.raises(NotFoundError):
        history.rename(ada, "unknown", "Mine")
    history.delete(ada, lease.transcript_id)
    with pytest.raises(NotFoundError):
        history.rename(ada, lease.transcript_id, "Mine")
    assert history.page(ada, contract.HistoryQuery()).items == []


@pytest.mark.parametrize(
    ("title", "url_characters", "limit", "expected"),
    [
        ("short", 20, 100, [60]),
        ("語" * 200, 20, 100, [60]),
        ("long", 1_900, 100, [48, 12]),
        ("long", 1_900, 20, [20, 20, 20]),
        ("語" * 200, 60_000, 100, [1] * 60),
    ],
    ids=["short lines", "long titles", "long addresses", "a smaller limit", "longer than a page may be"],
)
def test_a_page_of_long_lines_is_shorter_and_none_is_missed(
    backend: Backend, title: str, url_characters: int, limit: int, expected: list[int]
) -> None:
    ada = backend.person(200)
    for number in range(60):
        line = Transcript(
            f"{number:026d}", "live", number, title=title, source_url="https://a.b/" + "x" * url_characters
        )
        backend.tables.write(put_transcript(ada.user_id, line))

    found, sizes, cursor = [], [], None
    while not sizes or cursor:
        page = backend.history.page(ada, contract.HistoryQuery(limit=limit, cursor=cursor))
        found += [item.id for item in page.items]
        sizes.append(len(page.items))
        cursor = page.next_cursor

    assert found == [f"{number:026d}" for number in reversed(range(60))]
    assert [size for size in sizes if size] == expected


def test_a_transcript_merges_relayed_and_saved_segments_and_shows_gaps(backend: Backend) -> None:
    ada, history = backend.person(200), backend.history
    lease = backend.start(ada, title="Austen")
    backend.send(ada, lease.session_id, 0, seconds=2)
    later = contract.SegmentInput(seq=1, start_ms=5_000, end_ms=6_000, text="saved", speaker="A")
    backend.streaming.save(ada, lease.session_id, [later])
    corrected = contract.SegmentInput(seq=1, start_ms=5_000, end_ms=6_000, text="saved again")
    backend.clock.forward(1)
    backend.streaming.save(ada, lease.session_id, [corrected])

    page_answer = history.get_transcript(ada, lease.transcript_id)

    assert [(piece.seq, piece.text) for piece in page_answer.segments] == [(0, "some words"), (1, "saved again")]
    assert page_answer.covered == [
        contract.Interval(start_ms=0, end_ms=2_000),
        contract.Interval(start_ms=5_000, end_ms=6_000),
    ]
    assert page_answer.uncovered == [contract.Interval(start_ms=2_000, end_ms=5_000)]
    assert (page_answer.transcript.title, page_answer.transcript.state) == ("Austen", "active")


# Filters


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def all_pages(backend: Backend, caller: Caller, **filters: object) -> list[str]:
    """The ids on all pages of two."""
    ids, cursor = [], None
    while True:
        page = backend.history.page(caller, contract.HistoryQuery(limit=2, cursor=cursor, **filters))
        ids += [line.id for line in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return ids


@pytest.fixture
def ten_transcripts(backend: Backend) -> tuple[Caller, list[tuple[int, str]]]:
    """A user with ten transcripts, ten seconds apart: when each started, and its id, newest first."""
    ada, made = backend.person(500), []
    for _ in range(10):
        made.append((backend.clock(), backend.start(ada, lease_seconds=60).transcript_id))
        backend.clock.forward(10)
    return ada, made[::-1]


@pytest.mark.parametrize(("first", "last"), [(0, 9), (3, 6), (4, 5), (0, 1), (8, 9)])
def test_from_is_included_and_to_is_not(backend: Backend, ten_transcripts, first: int, last: int) -> None:
    ada, made = ten_transcripts
    started_from, started_before = at(made[last][0]), at(made[first][0])

    assert all_pages(backend, ada, started_from=started_from, started_before=started_before) == [
        name for _, name in made[first + 1 : last + 1]
    ]
    assert all_pages(backend, ada, started_from=started_from) == [name for _, name in made[: last + 1]]
    assert all_pages(backend, ada, started_before=started_before) == [name for _, name in made[first + 1 :]]
    assert all_pages(backend, ada, kind="live", started_from=started_from) == [name for _, name in made[: last + 1]]


def test_a_time_between_two_seconds_is_after_the_first(backend: Backend, ten_transcripts) -> None:
    ada, made = ten_transcripts
    half = at(made[5][0]) + timedelta(microseconds=1)

    assert all_pages(backend, ada, started_from=half) == [name for _, name in made[:5]]
    assert all_pages(backend, ada, started_before=half) == [name for _, name in made[5:]]


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_distant_times_are_valid_filters(backend: Backend, ten_transcripts, year: int) -> None:
    ada, made = ten_transcripts
    far = datetime(year, 12, 31, 23, 59, 58, tzinfo=UTC)
    all_ids = [name for _, name in made]

    assert all_pages(backend, ada, started_from=far) == ([] if year == 9999 else all_ids)
    assert all_pages(backend, ada, started_before=far) == (all_ids if year == 9999 else [])


def test_a_period_that_ends_before_it_starts_is_refused(backend: Backend, ten_transcripts) -> None:
    ada, _ = ten_transcripts

    for started_before in (at(1_000), at(999)):
        with pytest.raises(InvalidRequestError):
            backend.history.page(ada, contract.HistoryQuery(started_from=at(1_000), started_before=started_before))


def test_a_filtered_page_reads_a_bounded_number_however_few_match(engine: Engine, names: tuple[str, str]) -> None:
    client = engine.new_client()
    backend = Backend.on(Tables(client, *names), Clock())
    ada = backend.person(0)
    lines = [Transcript(ulid((backend.clock() + n) * 1000), "other", backend.clock() + n) for n in range(320)]
    for first in range(0, len(lines), 100):
        backend.tables.transact([put_transcript(ada.user_id, line) for line in lines[first : first + 100]])

    with collect_request_facts() as counted:
        count_aws_calls(client)
        page = backend.history.page(ada, contract.HistoryQuery(kind="live"))

    assert (page.items, page.next_cursor is None) == ([], False)
    assert counted.aws_calls == 1 + QUERIES_PER_PAGE
    assert all_pages(backend, ada, kind="live") == []


def test_a_filtered_page_of_long_lines_ends_after_one_query(engine: Engine, names: tuple[str, str]) -> None:
    """With titles and addresses as long as they may be, 300 lines are 2 MB."""
    client = engine.new_client()
    backend = Backend.on(Tables(client, *names), Clock())
    ada = backend.person(0)
    for n in range(110):
        at_n = backend.clock() + n
        line = Transcript(
            ulid(at_n * 1000), "other", at_n, title="語" * 200, source_url="https://x.example/" + "x" * 1_900
        )
        backend.tables.write(put_transcript(ada.user_id, line))

    with collect_request_facts() as counted:
        count_aws_calls(client)
        page = backend.history.page(ada, contract.HistoryQuery(kind="live"))

    assert (page.items, page.next_cursor is None) == ([], False)
    assert counted.aws_calls == 1 + 1
    assert all_pages(backend, ada, kind="live") == []


def test_a_cursor_is_valid_only_for_its_user_and_its_filters(backend: Backend, ten_transcripts) -> None:
    ada, _ = ten_transcripts
    eve = backend.person(0)
    cursor = backend.history.page(ada, contract.HistoryQuery(limit=2)).next_cursor

    for caller, filters in ((eve, {}), (ada, {"kind": "live"}), (ada, {"started_from": at(5)})):
        with pytest.raises(InvalidRequestError):
            backend.history.page(caller, contract.HistoryQuery(cursor=cursor, **filters))


# Long transcripts


def test_segments_that_do_not_fit_into_one_answer_come_in_pages(backend: Backend, monkeypatch) -> None:
    monkeypatch.setattr("chalicelib.transcripts.history.MAX_PAGE_BYTES", 1_000)
    ada = backend.person(200)
    lease = backend.start(ada)
    segments = [
        contract.SegmentInput(seq=n, start_ms=n * 10, end_ms=n * 10 + 9, text=f"word {n} " * (1 + n % 7))
        for n in range(60)
    ]
    backend.streaming.save(ada, lease.session_id, segments)

    pages, cursor = [], None
    while True:
        page_answer = backend.history.get_transcript(ada, lease.transcript_id, cursor)
        pages.append(page_answer)
        cursor = page_answer.next_cursor
        if cursor is None:
            break

    assert [piece.seq for page in pages for piece in page.segments] == list(range(60))
    assert len(pages) > 5
    assert all(page.covered == pages[0].covered for page in pages)
    with pytest.raises(InvalidRequestError):
        backend.history.get_transcript(ada, lease.transcript_id, pages[0].next_cursor[:-2])


def test_a_segment_larger_than_a_page_is_still_returned(backend: Backend, monkeypatch) -> None:
    monkeypatch.setattr("chalicelib.transcripts.history.MAX_PAGE_BYTES", 10)
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.streaming.save(
        ada, lease.session_id, [contract.SegmentInput(seq=n, start_ms=n, end_ms=n, text="x" * 100) for n in range(2)]
    )

    first = backend.history.get_transcript(ada, lease.transcript_id)
    second = backend.history.get_transcript(ada, lease.transcript_id, first.next_cursor)

    assert [[piece.seq for piece in page.segments] for page in (first, second)] == [[0], [1]]
    assert second.next_cursor is None


# Files


@pytest.fixture
def saved_transcript(backend: Backend) -> tuple[Caller, str]:
    ada = backend.person(200)
    lease = backend.start(ada)
    words = [
        contract.SegmentInput(seq=0, start_ms=500, end_ms=1_500, text="Good morning."),
        contract.SegmentInput(seq=1, start_ms=2_000, end_ms=3_000, text="Who <b>is</b> it?", speaker="B"),
    ]
    backend.streaming.save(ada, lease.session_id, words)
    return ada, lease.transcript_id


@pytest.mark.parametrize(
    ("form", "content_type", "part"),
    [
        ("srt", "application/x-subrip", "1\n00:00:00,500 --> 00:00:01,500\nGood morning.\n"),
        ("vtt", "text/vtt; charset=utf-8", "00:00:02.000 --> 00:00:03.000\n<v B>Who &lt;b&gt;is&lt;/b&gt; it?\n"),
        ("txt", "text/plain; charset=utf-8", "[00:00:02] B: Who <b>is</b> it?\n"),
        ("json", "application/json", '"text":"Good morning."'),
    ],
)
def test_a_transcript_can_be_exported_in_each_format(
    backend: Backend, saved_transcript, form: str, content_type: str, part: str
) -> None:
    ada, transcript_id = saved_transcript

    file = backend.history.export(ada, transcript_id, form)

    assert part in file.content
    assert (file.content_type, file.file_name) == (content_type, f"transcript-{transcript_id}.{form}")


@pytest.mark.parametrize(
    ("title", "file_name"),
    [
        ("Stand-up", "Stand-up.txt"),
        ("Q3: results / plans?", "Q3 results plans.txt"),
        ("مرحبا", "مرحبا.txt"),
        ("..\\..\\..", "transcript-{id}.txt"),
        (" .hidden. ", "hidden.txt"),
        ("\u202etxt.exe", "txt.exe.txt"),
        ("👨\u200d👩\u200d👧" * 40, "👨\u200d👩\u200d👧" * 12 + ".txt"),
    ],
)
def test_a_file_is_named_by_its_title(backend: Backend, title: str, file_name: str) -> None:
    ada = backend.person(200)
    lease = backend.start(ada, title=title)

    file = backend.history.export(ada, lease.transcript_id, "txt")

    assert file.file_name == file_name.format(id=lease.transcript_id)
    assert len(file.file_name.encode()) <= 255


def test_a_file_larger_than_a_response_may_be_is_refused(backend: Backend, saved_transcript, monkeypatch) -> None:
    monkeypatch.setattr("chalicelib.transcripts.history.MAX_FILE_BYTES", 20)
    with pytest.raises(TooLargeError):
        backend.history.export(*saved_transcript, "txt")


# Deleting


def stored_segments(backend: Backend, caller: Caller) -> list[str]:
    items, _ = backend.tables.query("app", f"USER#{caller.user_id}", "SEGMENT#")
    return [item["sk"] for item in items]


def test_a_deleted_transcript_disappears_at_once_and_its_segments_with_the_sweep(backend: Backend) -> None:
    ada = backend.person(200)
    lease, kept = backend.start(ada, lease_seconds=60), backend.start(ada, lease_seconds=60)
    for session in (lease, kept):
        for seq in range(3):
            backend.send(ada, session.session_id, seq)
    backend.streaming.stop(ada, lease.session_id)
    before = backend.ledger.balance(ada.user_id)

    assert backend.history.delete(ada, lease.transcript_id).deleted

    assert all_pages(backend, ada) == [kept.transcript_id]
    for request in (
        lambda: backend.history.get_transcript(ada, lease.transcript_id),
        lambda: backend.history.export(ada, lease.transcript_id, "srt"),
        lambda: backend.history.delete(ada, lease.transcript_id),
        lambda: backend.streaming.save(ada, lease.session_id, []),
        lambda: backend.streaming.stop(ada, lease.session_id),
        lambda: backend.streaming.renew(ada, lease.session_id, True),
    ):
        with pytest.raises(NotFoundError):
            request()
    assert backend.history.delete_marked_segments() == 1
    assert stored_segments(backend, ada) == [f"SEGMENT#{kept.transcript_id}#C#{seq:010d}" for seq in range(3)]
    assert backend.history.delete_marked_segments() == 0
    assert backend.ledger.balance(ada.user_id) == before


def test_reusing_the_key_of_a_deleted_session_opens_a_new_session(backend: Backend) -> None:
    """The key gives the same session id, but a new transcript and a new hold: the stored answer was deleted."""
    ada = backend.person(200)
    first = backend.start(ada, "5a1de7d4", lease_seconds=60)
    backend.send(ada, first.session_id, 0)
    backend.streaming.stop(ada, first.session_id)
    backend.history.delete(ada, first.transcript_id)

    second = backend.start(ada, "5a1de7d4", lease_seconds=60)

    assert second.session_id == first.session_id
    assert second.transcript_id != first.transcript_id
    assert backend.history.get_transcript(ada, second.transcript_id).segments == []
    assert backend.ledger.balance(ada.user_id).held == second.credits_held
    backend.send(ada, second.session_id, 0)
    assert backend.streaming.stop(ada, second.session_id).credits_used == 1
    backend.check_books(ada.user_id)


def test_a_running_session_must_be_stopped_before_it_is_deleted(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada, lease_seconds=60)

    with pytest.raises(ConflictError) as refusal:
        backend.history.delete(ada, lease.transcript_id)

    assert refusal.value.details == {"reason": "session_running", "state": "active"}
    backend.clock.forward(1_000)
    backend.streaming.sweep()
    assert backend.history.delete(ada, lease.transcript_id).deleted
    backend.check_invariants(ada.user_id)


def test_a_session_resumed_during_the_deletion_keeps_its_transcript(backend: Backend, monkeypatch) -> None:
    ada = backend.person(200)
    lease = backend.start(ada, lease_seconds=60)
    backend.send(ada, lease.session_id, 0)
    backend.clock.forward(1_000)
    backend.streaming.sweep()
    history, read = backend.history, backend.tables.get

    def resume_after_reading(key):
        item = read(key)
        backend.streaming.renew(ada, lease.session_id, True)
        return item

    monkeypatch.setattr(backend.tables, "get", resume_after_reading)
    with pytest.raises(ConflictError):
        history.delete(ada, lease.transcript_id)
    monkeypatch.undo()

    assert [piece.text for piece in history.get_transcript(ada, lease.transcript_id).segments] == ["some words"]
    assert history.delete_marked_segments() == 0


def test_an_interrupted_deletion_continues(backend: Backend, monkeypatch) -> None:
    monkeypatch.setattr("chalicelib.transcripts.history.PAGES_PER_TRANSCRIPT", 1)
    monkeypatch.setattr("chalicelib.repositories.transcripts.DELETED_PER_QUERY", 2)
    ada = backend.person(200)
    lease = backend.start(ada, lease_seconds=60)
    for seq in range(5):
        backend.send(ada, lease.session_id, seq)
    backend.streaming.stop(ada, lease.session_id)
    backend.history.delete(ada, lease.transcript_id)

    counts = []
    while stored_segments(backend, ada):
        backend.history.delete_marked_segments()
        counts.append(len(stored_segments(backend, ada)))

    assert counts == [3, 1, 0]


def test_another_users_transcript_cannot_be_read_exported_or_deleted(backend: Backend, saved_transcript) -> None:
    _, transcript_id = saved_transcript
    eve = backend.person(0)

    for request in (
        lambda: backend.history.delete(eve, transcript_id),
        lambda: backend.history.export(eve, transcript_id, "txt"),
        lambda: backend.history.get_transcript(eve, transcript_id),
    ):
        with pytest.raises(NotFoundError):
            request()


def test_of_two_deletions_at_once_the_second_finds_nothing(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada, lease_seconds=60)
    backend.streaming.stop(ada, lease.session_id)

    class DeletedMeanwhile(Tables):
        """Another request deletes the transcript right before the write of this one."""

        def __init__(self) -> None:
            self.__dict__ |= vars(backend.tables)

        def transact(self, writes: Sequence[Write]) -> None:
            backend.history.delete(ada, lease.transcript_id)
            super().transact(writes)

    history = replace_fields(backend.history, tables=DeletedMeanwhile())
    with pytest.raises(NotFoundError):
        history.delete(ada, lease.transcript_id)
