"""Transcripts as files: what other people's parsers read in them is what was said, when, by whom."""

import io
from itertools import pairwise

import pytest
import srt
import webvtt
from hypothesis import given, strategies as st

from chalicelib.models.transcripts import Segment
from chalicelib.transcripts import subtitles

nasty = st.one_of(
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
        nasty,
        st.sampled_from(["", "A", "Dr <b>", "x: y"]),
    ),
    max_size=8,
).map(lambda found: sorted(found, key=lambda segment: segment.start_ms))


def words(text: str) -> str:
    """Without spaces: where lines break is the format's business."""
    return "".join(text.split())


@given(segments)
def test_srt_is_read_by_another_parser_with_every_word_in_its_time(said: list[Segment]) -> None:
    read = list(srt.parse(subtitles.write_srt(said)))

    assert words("".join(cue.content for cue in read)) == words(
        "".join(
            f"{cue.speaker + ': ' if cue.speaker else ''}{cue.text}".replace("-->", "→")
            for cue in subtitles.split_into_cues(said)
        )
    )
    assert [cue.index for cue in read] == list(range(1, len(read) + 1))
    assert all(cue.end > cue.start for cue in read)
    times = [(round(cue.start.total_seconds() * 1000), round(cue.end.total_seconds() * 1000)) for cue in read]
    assert times == [(cue.start_ms, cue.end_ms) for cue in subtitles.split_into_cues(said)]
    assert not any("<i" in cue.content or "{\\" in cue.content for cue in read)


@given(segments)
def test_vtt_is_read_by_another_parser_with_every_word_in_its_time(said: list[Segment]) -> None:
    read = list(webvtt.from_buffer(io.StringIO(subtitles.write_vtt(said))))

    expected = subtitles.split_into_cues(said)
    assert all(earlier.start_ms <= later.start_ms for earlier, later in pairwise(expected))  # else it is no WebVTT
    assert [(in_ms(cue.start), in_ms(cue.end)) for cue in read] == [(cue.start_ms, cue.end_ms) for cue in expected]
    raw = subtitles.write_vtt(said)
    for cue in expected:
        assert words(cue.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")) in words(raw)
    assert raw.count("-->") == len(expected)


def in_ms(time: str) -> int:
    hours, minutes, seconds = time.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + int(seconds.replace(".", ""))


@given(segments)
def test_no_word_is_lost_or_said_twice_in_cues_and_their_time_is_the_segments(said: list[Segment]) -> None:
    for segment in said:
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


def test_who_speaks_into_a_long_segment_is_shown_when_they_do() -> None:
    said = [Segment(0, 0, 60_000, "many words " * 30, "A"), Segment(1, 29_000, 31_000, "Wait.", "B")]

    shown = [cue.speaker for cue in subtitles.split_into_cues(said)]

    assert shown == ["A", "A", "B", "A", "A"]


def test_plain_text_is_a_line_a_segment() -> None:
    said = [Segment(0, 0, 900, "Good\nmorning."), Segment(1, 3_661_000, 3_662_000, "Goodbye.", "B")]

    assert subtitles.write_txt(said) == "[00:00:00] Good morning.\n[01:01:01] B: Goodbye.\n"


@pytest.mark.parametrize(("form", "empty"), [("srt", ""), ("vtt", "WEBVTT\n"), ("txt", "")])
def test_nothing_said_is_an_empty_file_of_its_kind(form: str, empty: str) -> None:
    assert getattr(subtitles, f"write_{form}")([]) == empty
