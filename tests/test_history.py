"""What a transcript covers, and the pages of the list."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chalicelib import contract
from chalicelib.history import History, gaps, merged
from chalicelib.models import Segment
from tests.fakes import Backend

MINUTE_MS = 60_000
stretches = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 200)).map(sorted).map(lambda ends: Segment(0, *ends, "a word")),
    max_size=12,
)


def moments(intervals: list[contract.Interval]) -> set[int]:
    """Every millisecond that the intervals hold."""
    return {at for interval in intervals for at in range(interval.start_ms, interval.end_ms)}


@given(stretches)
def test_covered_is_exactly_what_the_segments_hold(segments: list[Segment]) -> None:
    covered = merged(segments)

    assert moments(covered) == {at for s in segments for at in range(s.start_ms, s.end_ms)}
    assert all(a.end_ms < b.start_ms for a, b in pairwise(covered))


@given(stretches)
def test_covered_and_uncovered_fill_the_time_up_to_the_last_word(segments: list[Segment]) -> None:
    covered = merged(segments)
    uncovered = gaps(covered)

    end_ms = covered[-1].end_ms if covered else 0
    assert moments(covered) | moments(uncovered) == set(range(end_ms))
    assert not moments(covered) & moments(uncovered)
    assert all(gap.start_ms < gap.end_ms for gap in uncovered)


def test_nothing_said_covers_nothing() -> None:
    assert (merged([]), gaps([])) == ([], [])


def test_the_list_is_newest_first_in_pages_that_neither_miss_nor_repeat(backend: Backend) -> None:
    ada, history = backend.person(200), History(backend.ledger, backend.transcripts)
    made = []
    for _ in range(5):
        made.append(backend.start(ada, lease_seconds=60).transcript_id)
        backend.clock.forward(1)

    seen, cursor = [], None
    while True:
        page = history.page(ada, 2, cursor)
        seen += [line.id for line in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == made[::-1]


def test_a_transcript_holds_relayed_and_saved_pieces_and_shows_what_is_missing(backend: Backend) -> None:
    ada, history = backend.person(200), History(backend.ledger, backend.transcripts)
    lease = backend.start(ada, title="Austen")
    backend.send(ada, lease.session_id, 0, seconds=2)
    later = contract.Segment(seq=1, start_ms=5_000, end_ms=6_000, text="saved", speaker="A")
    backend.streaming.save(ada, lease.session_id, [later])
    corrected = contract.Segment(seq=1, start_ms=5_000, end_ms=6_000, text="saved again")
    backend.clock.forward(1)
    backend.streaming.save(ada, lease.session_id, [corrected])

    whole = history.whole(ada, lease.transcript_id)

    assert [(piece.seq, piece.text) for piece in whole.segments] == [(0, "some words"), (1, "saved again")]
    assert whole.covered == [contract.Interval(0, 2_000), contract.Interval(5_000, 6_000)]
    assert whole.uncovered == [contract.Interval(2_000, 5_000)]
    assert (whole.transcript.title, whole.transcript.state) == ("Austen", "active")
