"""What a text model answers is taken as bounded plain text with lines of our own, or not at all."""

import time

import pytest
from hypothesis import given, settings, strategies as st

from chalicelib.catchup.summarise import (
    MAX_MOMENTS,
    MAX_SUMMARY_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    SUMMARY_INSTRUCTIONS,
    parse_summary,
)
from chalicelib.errors import ProviderError
from chalicelib.models.text_tasks import LEAK_WORDS, leaks, split_words
from chalicelib.models.transcripts import Moment, Segment
from chalicelib.transcripts.prompts import (
    ANSWER_INSTRUCTIONS,
    MAX_ANSWER_CHARACTERS,
    MAX_QUOTES,
    ParsedAnswer,
    parse_answer,
)

SEGMENTS = [Segment(n, n * 10_000, n * 10_000 + 9_000, f"Sentence {n} of the talk.") for n in range(40)]


def a_summary(**fields: object) -> dict[str, object]:
    return {"summary": "What was said.", "key_moments": [{"line": 3, "title": "The middle"}]} | fields


def an_answer(**fields: object) -> dict[str, object]:
    return {"answered": True, "answer": "It was said.", "quotes": [{"line": 3}]} | fields


HUGE = 10**400
NONSENSE: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "nothing": ({}, {}),
    "null": ({"summary": None}, {"answer": None}),
    "a number": ({"summary": 5}, {"answer": 5}),
    "a list": ({"summary": ["What was said."]}, {"answer": ["It was said."]}),
    "an object": ({"summary": {"text": "x"}}, {"answer": {"text": "x"}}),
    "words for a list": ({"key_moments": "3"}, {"quotes": "3"}),
    "null for a list": ({"key_moments": None}, {"quotes": None}),
    "bare numbers": ({"key_moments": [3]}, {"quotes": [3]}),
    "no number": ({"key_moments": [{"title": "x"}]}, {"quotes": [{}]}),
    "a number in words": ({"key_moments": [{"line": "3", "title": "x"}]}, {"quotes": [{"line": "3"}]}),
    "half a line": ({"key_moments": [{"line": 3.5, "title": "x"}]}, {"quotes": [{"line": 3.5}]}),
    "no such number": ({"key_moments": [{"line": float("nan"), "title": "x"}]}, {"quotes": [{"line": float("inf")}]}),
    "a truth": ({"key_moments": [{"line": True, "title": "x"}]}, {"quotes": [{"line": True}]}),
    "a title that is none": ({"key_moments": [{"line": 3, "title": 3}]}, {"answered": "yes"}),
    "an answer that is none": ({"summary": " \n\t\x00 "}, {"answered": 1}),
}


@pytest.mark.parametrize("change", [summary for summary, _ in NONSENSE.values()], ids=NONSENSE)
def test_a_summary_of_another_shape_is_a_provider_error(change: dict[str, object]) -> None:
    with pytest.raises(ProviderError):
        parse_summary(a_summary(**change) if change else {}, SEGMENTS)


@pytest.mark.parametrize("change", [answer for _, answer in NONSENSE.values()], ids=NONSENSE)
def test_an_answer_of_another_shape_is_a_provider_error(change: dict[str, object]) -> None:
    with pytest.raises(ProviderError):
        parse_answer(an_answer(**change) if change else {}, SEGMENTS)


def test_an_answer_is_its_text_with_the_lines_it_names_in_the_transcripts_own_words() -> None:
    found = parse_answer(an_answer(quotes=[{"line": 7, "text": "invented"}, {"line": 3}, {"line": 7}]), SEGMENTS)

    assert found == ParsedAnswer("It was said.", (SEGMENTS[3], SEGMENTS[7]))
    assert parse_answer(an_answer(extra={"deep": [[[]]]}), SEGMENTS) is not None


@pytest.mark.parametrize("line", [-1, 40, HUGE, -HUGE, 2**63, 2**64])
def test_a_line_that_was_not_sent_is_no_quote_and_no_moment(line: int) -> None:
    assert parse_answer(an_answer(quotes=[{"line": line}]), SEGMENTS) is None
    assert parse_summary(a_summary(key_moments=[{"line": line, "title": "x"}]), SEGMENTS).moments == ()
    found = parse_answer(an_answer(quotes=[{"line": line}, {"line": 3}]), SEGMENTS)
    assert found is not None
    assert found.quotes == (SEGMENTS[3],)


@pytest.mark.parametrize(
    "change", [{"answered": False}, {"quotes": []}, {"answer": ""}, {"answer": "\x00\u202e\n \u2028"}]
)
def test_an_answer_without_text_or_quotes_is_none(change: dict[str, object]) -> None:
    assert parse_answer(an_answer(**change), SEGMENTS) is None


def test_more_than_there_is_room_for_is_left_out() -> None:
    many = [{"line": n % 40, "title": f"Moment {n}"} for n in range(5_000)]
    found = parse_summary(a_summary(key_moments=many), SEGMENTS)
    told = parse_answer(an_answer(quotes=many), SEGMENTS)

    assert [(moment.start_ms, moment.title) for moment in found.moments] == [
        (n * 10_000, f"Moment {n}") for n in range(MAX_MOMENTS)
    ]
    assert told is not None
    assert told.quotes == tuple(SEGMENTS[:MAX_QUOTES])


@pytest.mark.parametrize("character", ["a", "\n", "語", "😀", '"'])
def test_a_megabyte_is_cut_and_quickly(character: str) -> None:
    begun = time.process_time()
    long = f"a{character * 1_000_000}b"
    summary = parse_summary(
        a_summary(summary=long, key_moments=[{"line": 1, "title": long}]), [Segment(n, n, n, "x") for n in range(4_000)]
    )
    told = parse_answer(an_answer(answer=long), SEGMENTS)

    assert 0 < len(summary.text) <= MAX_SUMMARY_CHARACTERS
    assert all(0 < len(moment.title) <= MAX_TITLE_CHARACTERS for moment in summary.moments)
    assert told is not None
    assert 0 < len(told.text) <= MAX_ANSWER_CHARACTERS
    assert time.process_time() - begun < 20  # a runaway, not a slow machine


def test_control_characters_become_blanks_and_blank_lines_stay_few() -> None:
    dirty = "a\x00b\x1b[31mc\u202ed\u200be\ud800f\r\ng\n\n\n\n\nh\x7f"
    told = parse_answer(an_answer(answer=dirty), SEGMENTS)
    found = parse_summary(a_summary(summary=dirty, key_moments=[{"line": 0, "title": "two\nlines\x07"}]), SEGMENTS)

    assert told is not None
    assert told.text == found.text == "a b [31mc d e f \ng\n\nh"
    assert found.moments == (Moment(0, "two lines"),)
    assert told.text.encode()


fields = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["summary", "key_moments", "line", "title", "answered", "answer", "quotes", "x"]), inner
        )
    ),
    max_leaves=12,
)
shapes = st.one_of(
    st.dictionaries(st.sampled_from(["summary", "key_moments", "answered", "answer", "quotes", "x"]), fields),
    st.builds(
        lambda text, title, numbers: {
            "answered": True,
            "answer": text,
            "summary": text,
            "quotes": [{"line": number} for number in numbers],
            "key_moments": [{"line": number, "title": title} for number in numbers],
        },
        st.text(),
        st.text(),
        st.lists(st.integers(-3, 45)),
    ),
)


@given(answered=shapes)
@settings(derandomize=True, deadline=None, database=None)
def test_whatever_a_model_answers_is_bounded_plain_text_and_our_own_lines_or_a_provider_error(
    answered: dict[str, object],
) -> None:
    try:
        told = parse_answer(answered, SEGMENTS)
    except ProviderError:
        told = None
    try:
        found = parse_summary(answered, SEGMENTS)
    except ProviderError:
        found = None

    if told:
        assert 1 <= len(told.text) <= MAX_ANSWER_CHARACTERS
        assert 1 <= len(told.quotes) <= MAX_QUOTES
        assert list(told.quotes) == [one for one in SEGMENTS if one in told.quotes]
        assert all(c.isprintable() or c == "\n" for c in told.text)
    if found:
        assert 1 <= len(found.text) <= MAX_SUMMARY_CHARACTERS
        assert len(found.moments) <= MAX_MOMENTS
        assert all(moment.title.isprintable() and moment.title for moment in found.moments)
        starts = [moment.start_ms for moment in found.moments]
        assert starts == sorted(set(starts))


# Leaks


def some_words(instructions: str, first: int, number: int) -> str:
    return " ".join(instructions.split()[first : first + number])


@pytest.mark.parametrize("instructions", [SUMMARY_INSTRUCTIONS, ANSWER_INSTRUCTIONS])
def test_eight_words_of_the_instructions_on_end_are_a_leak_wherever_they_stand(instructions: str) -> None:
    count = len(instructions.split())
    for first in range(count - 12):
        told = some_words(instructions, first, 12)
        assert leaks(told, instructions)
        assert leaks(f"Sure! {told.upper().replace(' ', chr(10))} – that is all.", instructions)
        assert leaks(f"**{told.replace(' ', '* *')}**", instructions)


def test_ordinary_words_are_no_leak() -> None:
    for text in ("", "yes", "The transcript does not say it.", " ".join(s.text for s in SEGMENTS)):
        assert not leaks(text, SUMMARY_INSTRUCTIONS)
        assert not leaks(text, ANSWER_INSTRUCTIONS)
    assert not leaks(" ".join(split_words(ANSWER_INSTRUCTIONS)[: LEAK_WORDS - 1]), ANSWER_INSTRUCTIONS)


def test_an_answer_that_tells_the_instructions_is_none() -> None:
    assert parse_answer(an_answer(answer=ANSWER_INSTRUCTIONS), SEGMENTS) is None
    assert parse_answer(an_answer(answer=f"Yes. {some_words(ANSWER_INSTRUCTIONS, 20, 12)}"), SEGMENTS) is None
    with pytest.raises(ProviderError):
        parse_summary(a_summary(summary=f"They said: {SUMMARY_INSTRUCTIONS}"), SEGMENTS)


def test_titles_do_not_tell_the_instructions_not_even_a_few_words_each() -> None:
    told = SUMMARY_INSTRUCTIONS.split()
    at_once = [{"line": 0, "title": some_words(SUMMARY_INSTRUCTIONS, 0, 12)}, {"line": 1, "title": "Fine"}]
    split = [{"line": n, "title": " ".join(told[n * 6 : n * 6 + 6])} for n in range(12)]

    assert parse_summary(a_summary(key_moments=at_once), SEGMENTS).moments == (Moment(10_000, "Fine"),)
    found = parse_summary(a_summary(key_moments=split), SEGMENTS)
    assert not leaks(" ".join([found.text, *(moment.title for moment in found.moments)]), SUMMARY_INSTRUCTIONS)
    half = a_summary(summary=some_words(SUMMARY_INSTRUCTIONS, 0, 7), key_moments=[{"line": 0, "title": told[7]}])
    assert parse_summary(half, SEGMENTS).moments == ()
