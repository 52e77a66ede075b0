"""A text model's answer is used as bounded plain text with lines that we sent, or not at all."""

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


def summary_fields(**fields: object) -> dict[str, object]:
    return {"summary": "What was said.", "key_moments": [{"line": 3, "title": "The middle"}]} | fields


def answer_fields(**fields: object) -> dict[str, object]:
    return {"answered": True, "answer": "It was said.", "quotes": [{"line": 3}]} | fields


HUGE_NUMBER = 10**400
INVALID_FIELDS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
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


@pytest.mark.parametrize("change", [summary for summary, _ in INVALID_FIELDS.values()], ids=INVALID_FIELDS)
def test_a_summary_of_another_shape_is_a_provider_error(change: dict[str, object]) -> None:
    with pytest.raises(ProviderError):
        parse_summary(summary_fields(**change) if change else {}, SEGMENTS)


@pytest.mark.parametrize("change", [answer for _, answer in INVALID_FIELDS.values()], ids=INVALID_FIELDS)
def test_an_answer_of_another_shape_is_a_provider_error(change: dict[str, object]) -> None:
    with pytest.raises(ProviderError):
        parse_answer(answer_fields(**change) if change else {}, SEGMENTS)


def test_an_answer_quotes_the_transcripts_text_of_the_lines_that_it_names() -> None:
    summary = parse_answer(answer_fields(quotes=[{"line": 7, "text": "invented"}, {"line": 3}, {"line": 7}]), SEGMENTS)

    assert summary == ParsedAnswer("It was said.", (SEGMENTS[3], SEGMENTS[7]))
    assert parse_answer(answer_fields(extra={"deep": [[[]]]}), SEGMENTS) is not None


@pytest.mark.parametrize("line", [-1, 40, HUGE_NUMBER, -HUGE_NUMBER, 2**63, 2**64])
def test_a_line_that_was_not_sent_is_neither_quote_nor_moment(line: int) -> None:
    assert parse_answer(answer_fields(quotes=[{"line": line}]), SEGMENTS) is None
    assert parse_summary(summary_fields(key_moments=[{"line": line, "title": "x"}]), SEGMENTS).moments == ()
    summary = parse_answer(answer_fields(quotes=[{"line": line}, {"line": 3}]), SEGMENTS)
    assert summary is not None
    assert summary.quotes == (SEGMENTS[3],)


@pytest.mark.parametrize(
    "change", [{"answered": False}, {"quotes": []}, {"answer": ""}, {"answer": "\x00\u202e\n \u2028"}]
)
def test_an_answer_without_text_or_quotes_counts_as_no_answer(change: dict[str, object]) -> None:
    assert parse_answer(answer_fields(**change), SEGMENTS) is None


def test_moments_and_quotes_above_the_maximum_are_left_out() -> None:
    many = [{"line": n % 40, "title": f"Moment {n}"} for n in range(5_000)]
    summary = parse_summary(summary_fields(key_moments=many), SEGMENTS)
    answer = parse_answer(answer_fields(quotes=many), SEGMENTS)

    assert [(moment.start_ms, moment.title) for moment in summary.moments] == [
        (n * 10_000, f"Moment {n}") for n in range(MAX_MOMENTS)
    ]
    assert answer is not None
    assert answer.quotes == tuple(SEGMENTS[:MAX_QUOTES])


@pytest.mark.long
@pytest.mark.parametrize("character", ["a", "\n", "語", "😀", '"'])
def test_a_megabyte_of_text_is_cut_quickly(character: str) -> None:
    started_at = time.process_time()
    long = f"a{character * 1_000_000}b"
    summary = parse_summary(
        summary_fields(summary=long, key_moments=[{"line": 1, "title": long}]),
        [Segment(n, n, n, "x") for n in range(4_000)],
    )
    answer = parse_answer(answer_fields(answer=long), SEGMENTS)

    assert 0 < len(summary.text) <= MAX_SUMMARY_CHARACTERS
    assert all(0 < len(moment.title) <= MAX_TITLE_CHARACTERS for moment in summary.moments)
    assert answer is not None
    assert 0 < len(answer.text) <= MAX_ANSWER_CHARACTERS
    assert time.process_time() - started_at < 20  # fails only if it runs away, not on a slow machine


def test_control_characters_become_spaces_and_blank_lines_are_limited() -> None:
    dirty = "a\x00b\x1b[31mc\u202ed\u200be\ud800f\r\ng\n\n\n\n\nh\x7f"
    answer = parse_answer(answer_fields(answer=dirty), SEGMENTS)
    summary = parse_summary(
        summary_fields(summary=dirty, key_moments=[{"line": 0, "title": "two\nlines\x07"}]), SEGMENTS
    )

    assert answer is not None
    assert answer.text == summary.text == "a b [31mc d e f \ng\n\nh"
    assert summary.moments == (Moment(0, "two lines"),)
    assert answer.text.encode()


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


@pytest.mark.long
@given(answered=shapes)
@settings(derandomize=True, deadline=None, database=None)
def test_any_model_answer_is_bounded_plain_text_or_a_provider_error(
    answered: dict[str, object],
) -> None:
    try:
        answer = parse_answer(answered, SEGMENTS)
    except ProviderError:
        answer = None
    try:
        summary = parse_summary(answered, SEGMENTS)
    except ProviderError:
        summary = None

    if answer:
        assert 1 <= len(answer.text) <= MAX_ANSWER_CHARACTERS
        assert 1 <= len(answer.quotes) <= MAX_QUOTES
        assert list(answer.quotes) == [segment for segment in SEGMENTS if segment in answer.quotes]
        assert all(c.isprintable() or c == "\n" for c in answer.text)
    if summary:
        assert 1 <= len(summary.text) <= MAX_SUMMARY_CHARACTERS
        assert len(summary.moments) <= MAX_MOMENTS
        assert all(moment.title.isprintable() and moment.title for moment in summary.moments)
        starts = [moment.start_ms for moment in summary.moments]
        assert starts == sorted(set(starts))


# Leaks


def take_words(instructions: str, first: int, number: int) -> str:
    return " ".join(instructions.split()[first : first + number])


@pytest.mark.parametrize("instructions", [SUMMARY_INSTRUCTIONS, ANSWER_INSTRUCTIONS])
def test_eight_consecutive_words_of_the_instructions_are_a_leak_anywhere(instructions: str) -> None:
    count = len(instructions.split())
    for first in range(count - 12):
        answer = take_words(instructions, first, 12)
        assert leaks(answer, instructions)
        assert leaks(f"Sure! {answer.upper().replace(' ', chr(10))} – that is all.", instructions)
        assert leaks(f"**{answer.replace(' ', '* *')}**", instructions)


def test_ordinary_text_is_not_a_leak() -> None:
    for text in ("", "yes", "The transcript does not say it.", " ".join(s.text for s in SEGMENTS)):
        assert not leaks(text, SUMMARY_INSTRUCTIONS)
        assert not leaks(text, ANSWER_INSTRUCTIONS)
    assert not leaks(" ".join(split_words(ANSWER_INSTRUCTIONS)[: LEAK_WORDS - 1]), ANSWER_INSTRUCTIONS)


def test_an_answer_that_repeats_the_instructions_is_rejected() -> None:
    assert parse_answer(answer_fields(answer=ANSWER_INSTRUCTIONS), SEGMENTS) is None
    assert parse_answer(answer_fields(answer=f"Yes. {take_words(ANSWER_INSTRUCTIONS, 20, 12)}"), SEGMENTS) is None
    with pytest.raises(ProviderError):
        parse_summary(summary_fields(summary=f"They said: {SUMMARY_INSTRUCTIONS}"), SEGMENTS)


def test_titles_cannot_repeat_the_instructions_a_few_words_at_a_time() -> None:
    answer = SUMMARY_INSTRUCTIONS.split()
    at_once = [{"line": 0, "title": take_words(SUMMARY_INSTRUCTIONS, 0, 12)}, {"line": 1, "title": "Fine"}]
    split = [{"line": n, "title": " ".join(answer[n * 6 : n * 6 + 6])} for n in range(12)]

    assert parse_summary(summary_fields(key_moments=at_once), SEGMENTS).moments == (Moment(10_000, "Fine"),)
    summary = parse_summary(summary_fields(key_moments=split), SEGMENTS)
    assert not leaks(" ".join([summary.text, *(moment.title for moment in summary.moments)]), SUMMARY_INSTRUCTIONS)
    half = summary_fields(summary=take_words(SUMMARY_INSTRUCTIONS, 0, 7), key_moments=[{"line": 0, "title": answer[7]}])
    assert parse_summary(half, SEGMENTS).moments == ()
