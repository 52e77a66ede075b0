"""A text model is never sent more than the price covers, and always in order."""

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from chalicelib.catchup.summarise import (
    MAX_MOMENTS,
    MAX_SUMMARY_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    ParsedSummary,
    build_summary_task,
    summary_as_segments,
)
from chalicelib.models.transcripts import Moment, Segment
from chalicelib.pricing.price_table import INSTRUCTION_BYTES, TEXT_CALL_BYTES
from chalicelib.pricing.text_budget import CUT_BYTES, sample_segments, segment_bytes, split_into_calls
from tests.default_prices import PRICES
from tests.transcripts.random_segments import (
    CHARACTERS,
    PROFILE,
    encoded_bytes,
    is_ordered_selection,
    random_segments,
    task_bytes,
    transcripts,
)

pytestmark = pytest.mark.long

SEGMENTS = [Segment(n, n * 10_000, n * 10_000 + 9_000, f"Sentence {n} of the talk.") for n in range(40)]


@given(segments=transcripts)
@PROFILE
def test_no_line_takes_more_bytes_than_are_counted_for_it(segments: list[Segment]) -> None:
    assert encoded_bytes(segments) <= sum(map(segment_bytes, segments))


@given(segments=transcripts, max_bytes=st.integers(0, 100_000))
@PROFILE
def test_a_sample_never_exceeds_the_maximum_and_stays_in_order(segments: list[Segment], max_bytes: int) -> None:
    sample = sample_segments(segments, max_bytes)

    assert encoded_bytes(sample) <= sum(map(segment_bytes, sample)) <= max_bytes
    assert is_ordered_selection(sample, segments)
    assert sample == segments or sum(map(segment_bytes, segments)) > max_bytes
    assert sample or not segments or max_bytes < CUT_BYTES


@pytest.mark.parametrize("text", ["x" * 2_000, "語" * 2_000, "😀" * 2_000, "\x00" * 2_000])
@pytest.mark.parametrize("number", [1, 2, 7])
def test_segments_too_long_for_the_budget_are_cut_and_not_left_out(text: str, number: int) -> None:
    sample = sample_segments([Segment(n, n, n, text) for n in range(number)], 6_000)

    assert len(sample) >= min(number, 3)
    assert min(number * 2_000, 5_000) <= encoded_bytes(sample) <= 6_000
    assert not sample_segments([Segment(0, 0, 0, text)], CUT_BYTES - 1)


@pytest.mark.parametrize("letter", CHARACTERS)
def test_a_shortened_segment_fits_to_the_byte(letter: str) -> None:
    original = Segment(0, 0, 0, letter * 2_000)

    for max_bytes in (CUT_BYTES, CUT_BYTES + 1, *range(segment_bytes(original) - 5, segment_bytes(original))):
        (shortened,) = sample_segments([original], max_bytes)
        assert max_bytes - 60 <= segment_bytes(shortened) <= max_bytes


def test_segments_are_left_out_evenly() -> None:
    sample = sample_segments(
        [Segment(n, n, n, "some twenty characters") for n in range(1_000)], sum(map(segment_bytes, SEGMENTS * 5))
    )

    tenths = [sum(n * 100 <= segment.seq < (n + 1) * 100 for segment in sample) for n in range(10)]
    assert len(sample) > 150
    assert max(tenths) - min(tenths) <= 1


@given(segments=st.lists(random_segments, max_size=120))
@PROFILE
def test_the_calls_hold_all_segments_in_order_and_none_is_too_large(segments: list[Segment]) -> None:
    calls = split_into_calls(segments)

    assert [segment for call in calls for segment in call] == segments
    assert all(call and encoded_bytes(call) <= TEXT_CALL_BYTES for call in calls)


def test_a_summary_never_needs_more_calls_than_the_price_counts() -> None:
    budget = PRICES.text_budget("catchup")
    for minutes in (1, 29, 30, 31, 60, 61, 599, 600):
        for length in (40, 400, 1_999):
            segments = [Segment(n, n, n, "😀" * length) for n in range(12_000_000 // (4 * length) * minutes // 600 + 9)]
            parts = split_into_calls(sample_segments(segments, budget.bytes_for(minutes * 60_000)))
            summaries = [segment for part in parts for segment in summary_as_segments(part, longest_summary(part))]
            last = sample_segments(summaries, TEXT_CALL_BYTES) if len(parts) > 1 else []
            tasks = [build_summary_task(part, "\U0001f600" * 200, 1_000) for part in [*parts, last] if part]

            calls, byte_count = len(tasks), sum(map(task_bytes, tasks))
            worst = PRICES.text_cost_micro_usd("openai/gpt-6-luna", byte_count, calls * budget.output_tokens)
            audio = PRICES.cost_micro_usd("assemblyai/universal-3-5-pro", minutes * 60_000)
            assert audio + budget.tries * worst <= PRICES.worst_cost_micro_usd("catchup", minutes * 60_000)
            assert all(task_bytes(task) <= TEXT_CALL_BYTES + INSTRUCTION_BYTES for task in tasks)


def longest_summary(part: Sequence[Segment]) -> ParsedSummary:
    """The longest summary that is accepted from a model."""
    moments = tuple(Moment(part[0].start_ms, "😀" * MAX_TITLE_CHARACTERS) for _ in range(MAX_MOMENTS))
    return ParsedSummary("😀" * MAX_SUMMARY_CHARACTERS, moments)
