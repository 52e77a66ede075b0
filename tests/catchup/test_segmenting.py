"""From a provider's words to segments: sentences, pauses, odd words, the range, and what of it is billed."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings, strategies as st

from chalicelib.catchup.segmenting import (
    LONGEST_PAUSE_MS,
    LONGEST_SEGMENT_CHARACTERS,
    LONGEST_WORD_CHARACTERS,
    build_segments,
    recorded_ms,
    words_in_range,
)
from chalicelib.models.catchup import Recording
from chalicelib.models.transcripts import Word

FROM_MS, TO_MS = 60_000, 120_000
HOUR_MS = 3_600_000
moments = st.integers(0, 10 * HOUR_MS)
words = st.builds(
    Word,
    st.text(min_size=1, max_size=500) | st.sampled_from(["a", "end.", "wo?", "U.S."]),
    moments,
    moments,
    st.just(0.9),
)
PROFILE = settings(derandomize=True, deadline=None, database=None)


def said(text: str, start_ms: int = 0, each_ms: int = 400) -> list[Word]:
    """The words of `text`, one after the other."""
    return [
        Word(word, start_ms + n * each_ms, start_ms + (n + 1) * each_ms, 0.9) for n, word in enumerate(text.split(" "))
    ]


def texts(text: str) -> list[str]:
    return [segment.text for segment in build_segments(said(text))]


def a_recording(*times: tuple[int, int]) -> Recording:
    return Recording(tuple(Word(f"w{n}", start, end, 0.9) for n, (start, end) in enumerate(times)), HOUR_MS, "m")


def kept(*times: tuple[int, int]) -> list[tuple[str, int, int]]:
    return [(word.text, word.start_ms, word.end_ms) for word in words_in_range(a_recording(*times), FROM_MS, TO_MS)]


# Sentences


def test_each_sentence_is_a_segment_from_its_first_word_to_its_last() -> None:
    found = build_segments(
        said("The family of Dashwood had long been settled. Their estate was large!", start_ms=1_000)
    )

    assert [(s.seq, s.start_ms, s.end_ms, s.text) for s in found] == [
        (0, 1_000, 4_200, "The family of Dashwood had long been settled."),
        (1, 4_200, 5_800, "Their estate was large!"),
    ]


@pytest.mark.parametrize("end", [".", "?", "!", "…", "。", "？", "！"])
def test_every_script_may_end_a_sentence(end: str) -> None:
    assert texts(f"this is long enough here{end} next") == [f"this is long enough here{end}", "next"]


@pytest.mark.parametrize("start", ["And Mr.", "Well, Dr.", "No. 5, i.e.", "Yes.", "J. K."])
def test_an_abbreviation_or_a_short_word_ends_no_sentence(start: str) -> None:
    assert texts(f"{start} Willoughby came in") == [f"{start} Willoughby came in"]


def test_a_pause_begins_a_new_segment_and_a_shorter_one_does_not() -> None:
    first, short = Word("one", 0, 100, 0.9), LONGEST_PAUSE_MS + 100

    assert len(build_segments([first, Word("two", short, short + 50, 0.9)])) == 1
    assert [s.text for s in build_segments([first, Word("two", short + 1, short + 50, 0.9)])] == ["one", "two"]


def test_words_without_an_end_are_cut_before_they_get_too_long() -> None:
    found = texts(" ".join(["word"] * 1_000))

    assert all(300 < len(text) < LONGEST_SEGMENT_CHARACTERS for text in found[:-1])
    assert " ".join(found) == " ".join(["word"] * 1_000)


@pytest.mark.parametrize(
    ("odd", "text"),
    [
        ("x" * 10_000, "x" * LONGEST_WORD_CHARACTERS),
        ("...", "..."),
        ("\U0001f600", "\U0001f600"),
        ("\x00", "\x00"),
        ("</v>", "</v>"),
        ("-->", "-->"),
    ],
)
def test_an_odd_word_is_kept_as_it_is_and_bounded(odd: str, text: str) -> None:
    assert " ".join(texts(f"before {odd} after")) == f"before {text} after"


def test_no_words_are_no_segments() -> None:
    assert build_segments([]) == []
    assert words_in_range(Recording((), 0, "m"), 0, 1) == []


def test_a_word_that_ends_before_it_begins_makes_no_segment_that_does() -> None:
    assert [(s.start_ms, s.end_ms) for s in build_segments([Word("odd", 500, 100, 0.9)])] == [(500, 500)]


@given(found=st.lists(words, max_size=60))
@PROFILE
def test_whatever_was_heard_no_word_is_lost_or_doubled_and_no_segment_is_too_long(found: list[Word]) -> None:
    made = build_segments(found)

    assert " ".join(s.text for s in made) == " ".join(word.text[:LONGEST_WORD_CHARACTERS] for word in found)
    assert [s.seq for s in made] == list(range(len(made)))
    assert all(s.start_ms <= s.end_ms and 0 < len(s.text) < LONGEST_SEGMENT_CHARACTERS for s in made)
    assert {s.start_ms for s in made} <= {word.start_ms for word in found}


# The range


def test_words_of_the_range_timed_by_the_whole_recording_stay_where_they_are() -> None:
    assert kept((60_000, 60_400), (90_000, 90_400)) == [("w0", 60_000, 60_400), ("w1", 90_000, 90_400)]


def test_words_timed_by_the_cut_are_moved_to_where_it_begins() -> None:
    assert kept((0, 400), (30_000, 30_400)) == [("w0", 60_000, 60_400), ("w1", 90_000, 90_400)]
    assert kept((58_999, 59_400)) == [("w0", 118_999, 119_400)]


def test_words_a_moment_early_are_those_of_the_range_and_begin_with_it() -> None:
    assert kept((59_000, 60_200), (60_200, 60_500)) == [("w0", 60_000, 60_200), ("w1", 60_200, 60_500)]


def test_words_are_cut_at_the_end_of_the_range_and_left_out_after_it() -> None:
    assert kept((119_900, 120_300), (120_000, 120_400), (500_000, 500_001)) == [("w0", 119_900, 120_000)]
    assert kept((0, 100), (59_999, 70_000), (60_000, 60_100)) == [("w0", 60_000, 60_100), ("w1", 119_999, 120_000)]


def test_a_range_from_the_start_moves_nothing() -> None:
    assert [w.start_ms for w in words_in_range(a_recording((0, 400), (700, 900)), 0, TO_MS)] == [0, 700]
    assert [w.start_ms for w in words_in_range(a_recording((300, 400)), 1_000, TO_MS)] == [1_000]


def test_blank_words_are_none_and_tell_nothing_of_the_times() -> None:
    blank = Word(" \n\t", 0, 10, 0.9)
    heard = Recording((blank, Word("said", 61_000, 61_400, 0.9)), HOUR_MS, "m")

    assert words_in_range(heard, FROM_MS, TO_MS) == [Word("said", 61_000, 61_400, 0.9)]


@given(found=st.lists(words, max_size=30), from_ms=moments, range_ms=st.integers(1, HOUR_MS))
@example(found=[Word("a", 5, 1, 0.9)], from_ms=0, range_ms=1)
@PROFILE
def test_what_is_left_is_in_the_range_in_order(found: list[Word], from_ms: int, range_ms: int) -> None:
    left = words_in_range(Recording(tuple(found), HOUR_MS, "m"), from_ms, from_ms + range_ms)
    remaining = iter(found)

    assert all(from_ms <= word.start_ms <= word.end_ms <= from_ms + range_ms for word in left)
    assert all(any(word.text == one.text for one in remaining) for word in left)


@given(starts=st.lists(st.integers(0, 59_999), min_size=1, unique=True), from_ms=st.integers(120_000, 10 * HOUR_MS))
@PROFILE
def test_both_ways_of_timing_a_cut_come_to_the_same(starts: list[int], from_ms: int) -> None:
    by_the_cut = a_recording(*((start, start + 10) for start in sorted(starts)))
    by_the_whole = a_recording(*((from_ms + start, from_ms + start + 10) for start in sorted(starts)))

    told = words_in_range(by_the_cut, from_ms, from_ms + 60_000)
    assert told == words_in_range(by_the_whole, from_ms, from_ms + 60_000)
    assert all(first.start_ms < second.start_ms for first, second in pairwise(told))


# What is billed


@pytest.mark.parametrize(
    ("audio_ms", "billed"),
    [(0, 0), (59_999, 0), (60_000, 0), (60_001, 1), (90_000, 30_000), (120_000, 60_000), (10**9, 60_000)],
)
def test_billed_is_what_the_recording_has_of_the_range(audio_ms: int, billed: int) -> None:
    assert recorded_ms(audio_ms, FROM_MS, TO_MS) == billed


@given(audio_ms=moments, from_ms=moments, range_ms=st.integers(1, 10 * HOUR_MS), more_ms=moments)
@PROFILE
def test_never_more_than_the_range_nor_than_there_is_and_never_less_than_nothing(
    audio_ms: int, from_ms: int, range_ms: int, more_ms: int
) -> None:
    billed = recorded_ms(audio_ms, from_ms, from_ms + range_ms)

    assert 0 <= billed <= min(range_ms, audio_ms)
    assert billed == len(range(from_ms, min(audio_ms, from_ms + range_ms)))
    assert billed <= recorded_ms(audio_ms + more_ms, from_ms, from_ms + range_ms)
