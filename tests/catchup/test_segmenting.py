"""From a provider's words to segments: sentences, pauses, unusual words, the range, and the billed time."""

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

pytestmark = pytest.mark.long

FROM_MS, TO_MS = 60_000, 120_000
HOUR_MS = 3_600_000
moments = st.integers(0, 10 * HOUR_MS)
random_words = st.builds(
    Word,
    st.text(min_size=1, max_size=500) | st.sampled_from(["a", "end.", "wo?", "U.S."]),
    moments,
    moments,
    st.just(0.9),
)
PROFILE = settings(derandomize=True, deadline=None, database=None)


def words_of(text: str, start_ms: int = 0, each_ms: int = 400) -> list[Word]:
    """The words of `text`, one after another."""
    return [
        Word(word, start_ms + n * each_ms, start_ms + (n + 1) * each_ms, 0.9) for n, word in enumerate(text.split(" "))
    ]


def texts(text: str) -> list[str]:
    return [segment.text for segment in build_segments(words_of(text))]


def recording_of(*times: tuple[int, int]) -> Recording:
    return Recording(tuple(Word(f"w{n}", start, end, 0.9) for n, (start, end) in enumerate(times)), HOUR_MS, "m")


def range_words(*times: tuple[int, int]) -> list[tuple[str, int, int]]:
    return [(word.text, word.start_ms, word.end_ms) for word in words_in_range(recording_of(*times), FROM_MS, TO_MS)]


# Sentences


def test_each_sentence_is_a_segment_from_its_first_word_to_its_last() -> None:
    words = build_segments(
        words_of("The family of Dashwood had long been settled. Their estate was large!", start_ms=1_000)
    )

    assert [(s.seq, s.start_ms, s.end_ms, s.text) for s in words] == [
        (0, 1_000, 4_200, "The family of Dashwood had long been settled."),
        (1, 4_200, 5_800, "Their estate was large!"),
    ]


@pytest.mark.parametrize("end", [".", "?", "!", "…", "。", "？", "！"])
def test_every_script_may_end_a_sentence(end: str) -> None:
    assert texts(f"this is long enough here{end} next") == [f"this is long enough here{end}", "next"]


@pytest.mark.parametrize("start", ["And Mr.", "Well, Dr.", "No. 5, i.e.", "Yes.", "J. K."])
def test_an_abbreviation_or_a_short_word_does_not_end_a_sentence(start: str) -> None:
    assert texts(f"{start} Willoughby came in") == [f"{start} Willoughby came in"]


def test_a_long_pause_starts_a_new_segment_and_a_shorter_one_does_not() -> None:
    first, short = Word("one", 0, 100, 0.9), LONGEST_PAUSE_MS + 100

    assert len(build_segments([first, Word("two", short, short + 50, 0.9)])) == 1
    assert [s.text for s in build_segments([first, Word("two", short + 1, short + 50, 0.9)])] == ["one", "two"]


def test_words_without_punctuation_are_split_before_a_segment_is_too_long() -> None:
    words = texts(" ".join(["word"] * 1_000))

    assert all(300 < len(text) < LONGEST_SEGMENT_CHARACTERS for text in words[:-1])
    assert " ".join(words) == " ".join(["word"] * 1_000)


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
def test_an_unusual_word_is_unchanged_but_bounded_in_length(odd: str, text: str) -> None:
    assert " ".join(texts(f"before {odd} after")) == f"before {text} after"


def test_no_words_make_no_segments() -> None:
    assert build_segments([]) == []
    assert words_in_range(Recording((), 0, "m"), 0, 1) == []


def test_a_word_that_ends_before_it_starts_makes_a_valid_segment() -> None:
    assert [(s.start_ms, s.end_ms) for s in build_segments([Word("odd", 500, 100, 0.9)])] == [(500, 500)]


@given(words=st.lists(random_words, max_size=60))
@PROFILE
def test_no_word_is_lost_or_repeated_and_no_segment_is_too_long(words: list[Word]) -> None:
    segments = build_segments(words)

    assert " ".join(s.text for s in segments) == " ".join(word.text[:LONGEST_WORD_CHARACTERS] for word in words)
    assert [s.seq for s in segments] == list(range(len(segments)))
    assert all(s.start_ms <= s.end_ms and 0 < len(s.text) < LONGEST_SEGMENT_CHARACTERS for s in segments)
    assert {s.start_ms for s in segments} <= {word.start_ms for word in words}


# The range


def test_words_timed_from_the_start_of_the_recording_keep_their_times() -> None:
    assert range_words((60_000, 60_400), (90_000, 90_400)) == [("w0", 60_000, 60_400), ("w1", 90_000, 90_400)]


def test_words_timed_from_the_start_of_the_range_are_shifted() -> None:
    assert range_words((0, 400), (30_000, 30_400)) == [("w0", 60_000, 60_400), ("w1", 90_000, 90_400)]
    assert range_words((58_999, 59_400)) == [("w0", 118_999, 119_400)]


def test_words_slightly_early_belong_to_the_range_and_start_with_it() -> None:
    assert range_words((59_000, 60_200), (60_200, 60_500)) == [("w0", 60_000, 60_200), ("w1", 60_200, 60_500)]


def test_words_are_cut_at_the_end_of_the_range_and_left_out_after_it() -> None:
    assert range_words((119_900, 120_300), (120_000, 120_400), (500_000, 500_001)) == [("w0", 119_900, 120_000)]
    assert range_words((0, 100), (59_999, 70_000), (60_000, 60_100)) == [
        ("w0", 60_000, 60_100),
        ("w1", 119_999, 120_000),
    ]


def test_a_range_from_the_start_shifts_nothing() -> None:
    assert [w.start_ms for w in words_in_range(recording_of((0, 400), (700, 900)), 0, TO_MS)] == [0, 700]
    assert [w.start_ms for w in words_in_range(recording_of((300, 400)), 1_000, TO_MS)] == [1_000]


def test_blank_words_are_ignored_also_for_the_timing() -> None:
    blank = Word(" \n\t", 0, 10, 0.9)
    recording = Recording((blank, Word("said", 61_000, 61_400, 0.9)), HOUR_MS, "m")

    assert words_in_range(recording, FROM_MS, TO_MS) == [Word("said", 61_000, 61_400, 0.9)]


@given(words=st.lists(random_words, max_size=30), from_ms=moments, range_ms=st.integers(1, HOUR_MS))
@example(words=[Word("a", 5, 1, 0.9)], from_ms=0, range_ms=1)
@PROFILE
def test_the_remaining_words_are_in_the_range_and_in_order(words: list[Word], from_ms: int, range_ms: int) -> None:
    remaining_words = words_in_range(Recording(tuple(words), HOUR_MS, "m"), from_ms, from_ms + range_ms)
    remaining = iter(words)

    assert all(from_ms <= word.start_ms <= word.end_ms <= from_ms + range_ms for word in remaining_words)
    assert all(any(word.text == original.text for original in remaining) for word in remaining_words)


@given(starts=st.lists(st.integers(0, 59_999), min_size=1, unique=True), from_ms=st.integers(120_000, 10 * HOUR_MS))
@PROFILE
def test_both_ways_of_timing_a_range_give_the_same_words(starts: list[int], from_ms: int) -> None:
    by_the_cut = recording_of(*((start, start + 10) for start in sorted(starts)))
    by_the_whole = recording_of(*((from_ms + start, from_ms + start + 10) for start in sorted(starts)))

    words = words_in_range(by_the_cut, from_ms, from_ms + 60_000)
    assert words == words_in_range(by_the_whole, from_ms, from_ms + 60_000)
    assert all(first.start_ms < second.start_ms for first, second in pairwise(words))


# What is billed


@pytest.mark.parametrize(
    ("audio_ms", "billed"),
    [(0, 0), (59_999, 0), (60_000, 0), (60_001, 1), (90_000, 30_000), (120_000, 60_000), (10**9, 60_000)],
)
def test_only_the_recorded_part_of_the_range_is_billed(audio_ms: int, billed: int) -> None:
    assert recorded_ms(audio_ms, FROM_MS, TO_MS) == billed


@given(audio_ms=moments, from_ms=moments, range_ms=st.integers(1, 10 * HOUR_MS), more_ms=moments)
@PROFILE
def test_the_billed_time_is_within_the_range_and_the_recording(
    audio_ms: int, from_ms: int, range_ms: int, more_ms: int
) -> None:
    billed = recorded_ms(audio_ms, from_ms, from_ms + range_ms)

    assert 0 <= billed <= min(range_ms, audio_ms)
    assert billed == len(range(from_ms, min(audio_ms, from_ms + range_ms)))
    assert billed <= recorded_ms(audio_ms + more_ms, from_ms, from_ms + range_ms)
