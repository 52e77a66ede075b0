"""Transcripts as files: independent parsers read the same text, times and speakers."""

import io
from itertools import pairwise

import pytest
import srt
import webvtt
from hypothesis import given, strategies as st

from chalicelib.models.transcripts import Segment
from chalicelib.transcripts import subtitles

hostile_texts = st.one_of(
    st.text(min_size=1, max_size=400),
    st.sampled_from(
        [
            "a --> b",
            "<i>no</i>",
            "{\\an8}up",
            "one\n\ntwo",
            "NOTE hidden",
            "1\n00:00:01,000 --> 00:00:02,000\nx",
            "&amp;",
        ]
    ),
)
starts = st.integers(0, 36_000_000)
segments = st.lists(
    st.builds(
        lambda seq, start, length, text, speaker: Segment(seq, start, start + length, text, speaker),
        st.integers(0, 99),
        starts,
        st.integers(0, 120_000),
        hostile_texts,
        st.sampled_from(["", "A", "Dr <b>", "x: y"]),
    ),
    max_size=8,
).map(lambda found: sorted(found, key=lambda segment: segment.start_ms))


def words(text: str) -> str:
    """The text without spaces, because each format breaks lines differently."""
    return "".join(text.split())


@given(segments)
def test_srt_is_read_by_another_parser_with_every_word_in_its_time(segments: list[Segment]) -> None:
    read = list(srt.parse(subtitles.write_srt(segments)))

    assert words("".join(cue.content for cue in read)) == words(
        "".join(
            f"{cue.speaker + ': ' if cue.speaker else ''}{cue.text}".replace("-->", "→")
            for cue in subtitles.split_into_cues(segments)
        )
    )
    assert [cue.index for cue in read] == list(range(1, len(read) + 1))
    assert all(cue.end > cue.start for cue in read)
    times = [(round(cue.start.total_seconds() * 1000), round(cue.end.total_seconds() * 1000)) for cue in read]
    assert times == [(cue.start_ms, cue.end_ms) for cue in subtitles.split_into_cues(segments)]
    assert not any("<i" in cue.content or "{\\" in cue.content for cue in read)


@given(segments)
def test_vtt_is_read_by_another_parser_with_every_word_in_its_time(segments: list[Segment]) -> None:
    read = list(webvtt.from_buffer(io.StringIO(subtitles.write_vtt(segments))))

    expected = subtitles.split_into_cues(segments)
    assert all(earlier.start_ms <= later.start_ms for earlier, later in pairwise(expected))  # required by WebVTT
    assert [(in_ms(cue.start), in_ms(cue.end)) for cue in read] == [(cue.start_ms, cue.end_ms) for cue in expected]
    raw = subtitles.write_vtt(segments)
    for cue in expected:
        assert words(cue.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")) in words(raw)
    assert raw.count("-->") == len(expected)


def in_ms(time: str) -> int:
    hours, minutes, seconds = time.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + int(seconds.replace(".", ""))


@given(segments)
def test_cues_lose_and_repeat_no_word_and_fill_the_segments_time(segments: list[Segment]) -> None:
    for segment in segments:
        parts = subtitles.split_into_cues([segment])
        assert words("".join(part.text for part in parts)) == words(subtitles.one_line(segment.text))
        assert all(len(part.text) <= subtitles.CUE_CHARACTERS for part in parts)
        if parts:
            assert parts[0].start_ms == segment.start_ms
        if parts and segment.end_ms - segment.start_ms > 400:
            assert all(earlier.end_ms == later.start_ms for earlier, later in pairwise(parts))
            assert parts[-1].end_ms == segment.end_ms


def test_a_long_segment_is_shown_two_lines_at_a_time() -> None:
    long = Segment(0, 0, 60_000, "many words " * 60, "A")

    blocks = subtitles.write_srt([long]).split("\n\n")

    assert len(blocks) > 5
    assert all(len(line) <= subtitles.LINE_CHARACTERS + 3 for block in blocks for line in block.splitlines()[2:])


def test_a_speaker_who_interrupts_a_long_segment_is_shown_at_that_time() -> None:
    segments = [Segment(0, 0, 60_000, "many words " * 30, "A"), Segment(1, 29_000, 31_000, "Wait.", "B")]

    speakers = [cue.speaker for cue in subtitles.split_into_cues(segments)]

    assert speakers == ["A", "A", "B", "A", "A"]


def test_plain_text_has_one_line_per_segment() -> None:
    segments = [Segment(0, 0, 900, "Good\nmorning."), Segment(1, 3_661_000, 3_662_000, "Goodbye.", "B")]

    assert subtitles.write_txt(segments) == "[00:00:00] Good morning.\n[01:01:01] B: Goodbye.\n"


@pytest.mark.parametrize(("form", "empty"), [("srt", ""), ("vtt", "WEBVTT\n"), ("txt", "")])
def test_no_speech_is_an_empty_file_of_its_format(form: str, empty: str) -> None:
    assert getattr(subtitles, f"write_{form}")([]) == empty
