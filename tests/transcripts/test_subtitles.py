"""Transcripts as files: independent parsers read the same text, times and speakers."""

import io
from collections.abc import Iterator
from itertools import pairwise

import pytest
import srt
import wcwidth
import webvtt
from hypothesis import given, strategies as st

from chalicelib.models.text import _remembered_width, letters, one_line, width
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
        assert words("".join(part.text for part in parts)) == words(one_line(segment.text))
        assert all(1 <= len(part.lines) <= 2 for part in parts)
        assert all(width(line) <= subtitles.LINE_WIDTH for part in parts for line in part.lines)
        if parts:
            assert parts[0].start_ms == segment.start_ms
        if parts and segment.end_ms - segment.start_ms > 400:
            assert all(earlier.end_ms == later.start_ms for earlier, later in pairwise(parts))
            assert parts[-1].end_ms == segment.end_ms


@pytest.mark.parametrize(
    "speaker", ["", "A", "Dr Elinor Dashwood", "The honourable member for Norland", "語" * 25, "x" * 50]
)
def test_a_long_segment_is_shown_two_lines_at_a_time(speaker: str) -> None:
    long = Segment(0, 0, 60_000, "many words " * 60, speaker)

    srt_cues = [block.split("\n")[2:] for block in subtitles.write_srt([long]).strip().split("\n\n")]
    vtt_cues = [block.split("\n")[1:] for block in subtitles.write_vtt([long]).strip().split("\n\n")[1:]]

    assert len(srt_cues) == len(vtt_cues) > 5
    for lines in srt_cues:
        assert len(lines) <= 2
        assert all(width(line) <= 42 for line in lines)
    assert all(len(lines) <= 2 for lines in vtt_cues)


@pytest.mark.parametrize(
    ("speaker", "shown"),
    [
        ("x" * 41, "x" * 41),
        ("x" * 42, "x" * 41),
        ("x" * 50, "x" * 41),
        ("語" * 25, "語" * 20),
        ("x" * 40 + "👨\u200d👩\u200d👧", "x" * 40),
        ("x" * 40 + " y" * 5, "x" * 40),
    ],
    ids=ascii,
)
def test_a_name_longer_than_a_line_is_cut_between_letters(speaker: str, shown: str) -> None:
    text = subtitles.write_srt([Segment(0, 0, 1_000, "Good morning.", speaker)])

    assert text.split("\n")[2:4] == [f"{shown}:", "Good morning."]
    assert f"<v {speaker}>" in subtitles.write_vtt([Segment(0, 0, 1_000, "Good morning.", speaker)])


def test_a_speaker_who_interrupts_a_long_segment_is_shown_at_that_time() -> None:
    segments = [Segment(0, 0, 60_000, "many words " * 30, "A"), Segment(1, 35_000, 37_000, "Wait.", "B")]

    speakers = [cue.speaker for cue in subtitles.split_into_cues(segments)]

    assert speakers == ["A", "A", "A", "B", "A", "A"]


UNCHANGED = {
    "Persian, with a non-joiner": "می\u200cخواهم",
    "Sinhala, with a joiner": "ශ්\u200dරී ලංකා",
    "Hindi, with a joiner": "क्\u200dष क्ष",
    "a family": "👨\u200d👩\u200d👧 ok",
    "marks of direction": "\u200fשלום\u200e \u2067abc\u2069",
    "no-break spaces": "«\u00a0Bonjour\u00a0» 10\u202f000",
    "a soft hyphen and a word joiner": "Donau\u00addampf\u2060schiff",
    "letters that Python does not print": "\ue000\U000e0041",
}


@pytest.mark.parametrize("text", UNCHANGED.values(), ids=UNCHANGED)
def test_only_control_characters_and_line_ends_are_replaced(text: str) -> None:
    segment = [Segment(0, 0, 900, text, "A")]

    assert subtitles.write_txt(segment) == f"[00:00:00] A: {text}\n"
    assert [cue.content for cue in srt.parse(subtitles.write_srt(segment))] == [f"A: {text}"]
    assert [cue.text for cue in webvtt.from_buffer(io.StringIO(subtitles.write_vtt(segment)))] == [text]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\x00", "\x0b", "\x1c", "\x85", "\u2028", "\u2029", "\n\n\t"])
def test_a_control_character_or_line_end_is_a_blank(end: str) -> None:
    assert subtitles.write_txt([Segment(0, 0, 900, f"{end}one{end}two{end}")]) == "[00:00:00] one two\n"


WITHOUT_BLANKS = {
    "flags": "🇩🇪🇫🇷🇬🇧" * 20,
    "Thai": "ภาษาไทยกำลังพูดอยู่ที่นี่" * 12,
    "skin tones": "👍🏽👍🏿🤝🏻" * 40,
    "families": "👨\u200d👩\u200d👧" * 60,
    "combining marks": "e\u0301\u0323a\u0308" * 80,
    "Japanese": "春はあけぼの。やうやう白くなりゆく山ぎは、" * 8,
    "Hindi": "क्षत्रियनमस्ते" * 20,
    "Korean in parts": "\u1112\u1161\u11ab\u1100\u1173\u11af" * 40,
}


@pytest.mark.parametrize("text", WITHOUT_BLANKS.values(), ids=WITHOUT_BLANKS)
def test_lines_break_between_letters_and_count_wide_ones_as_two(text: str) -> None:
    lines = [line for cue in subtitles.split_into_cues([Segment(0, 0, 60_000, text)]) for line in cue.lines]

    assert len(lines) > 2
    assert "".join(lines) == text
    assert [letter for line in lines for letter in letters(line)] == list(letters(text))
    assert all(width(line) <= 42 for line in lines)
    assert all(width(line) >= 40 for line in lines[:-1])  # Filled: no letter takes more than two columns.


@pytest.mark.parametrize("letter", ["🇩🇪", "🇩", "e\u0301", "漢", "👨\u200d👩\u200d👧", "ภา", "a\u0308 ", "\u00a0"])
def test_the_work_grows_with_the_text_and_not_faster(letter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = letter * (20_000 // len(letter))
    measured: list[int] = []
    split: list[int] = []

    def count_measured(part: str) -> int:
        measured.append(len(part))
        return wcwidth_of(part)

    def count_split(part: str) -> Iterator[str]:
        split.append(len(part))
        return split_of(part)

    longest = max(map(len, letters(text)))
    _remembered_width.cache_clear()
    wcwidth_of, split_of = wcwidth.wcswidth, wcwidth.iter_graphemes
    monkeypatch.setattr(wcwidth, "wcswidth", count_measured)
    monkeypatch.setattr(wcwidth, "iter_graphemes", count_split)

    cues = subtitles.split_into_cues([Segment(0, 0, 60_000, text, "Ada")])

    assert words("".join(cue.text for cue in cues)) == words(text)
    assert max(measured) <= longest  # The library never gets more than one letter to measure.
    assert sum(measured) <= 2 * len(text) + 10
    assert sum(split) <= 3 * len(text) + 10


@pytest.mark.parametrize("mark", ["\u0301", "\u200c", "\u200d", "\ufe0f", "\u0e31"])
def test_no_line_begins_with_a_mark_that_stood_on_a_blank(mark: str) -> None:
    for length in range(1, 90):
        text = "a" * length + f" {mark}b" + " c" * 30
        lines = [line for cue in subtitles.split_into_cues([Segment(0, 0, 60_000, text)]) for line in cue.lines]

        assert not any(line.startswith(mark) for line in lines)
        assert f" {mark}b" in "".join(lines)


SPACES = ["\u00a0", "\u3000", "\u202f", "\u2003\u00a0"]


@pytest.mark.parametrize("space", SPACES)
def test_a_space_alone_between_blanks_is_kept(space: str) -> None:
    (cue,) = subtitles.split_into_cues([Segment(0, 0, 900, f"un {space} deux")])

    assert cue.lines == (f"un {space} deux",)


@pytest.mark.parametrize("space", SPACES)
def test_a_line_of_spaces_alone_is_left_out(space: str) -> None:
    assert subtitles.split_into_cues([Segment(0, 0, 900, space * 90)]) == []
    text = "a" * 42 + f" {space * 45} " + "b" * 42

    lines = [line for cue in subtitles.split_into_cues([Segment(0, 0, 900, text)]) for line in cue.lines]

    assert [line for line in lines if line.strip()] == lines
    assert words("".join(lines)) == "a" * 42 + "b" * 42


def test_hours_above_99_are_shown_whole() -> None:
    late = [Segment(0, 720 * 3_600_000 - 1_000, 720 * 3_600_000, "Late.")]

    assert subtitles.write_txt(late) == "[719:59:59] Late.\n"
    assert [cue.start.total_seconds() for cue in srt.parse(subtitles.write_srt(late))] == [720 * 3_600 - 1]
    assert [cue.start for cue in webvtt.from_buffer(io.StringIO(subtitles.write_vtt(late)))] == ["719:59:59.000"]


def test_plain_text_has_one_line_per_segment() -> None:
    segments = [Segment(0, 0, 900, "Good\nmorning."), Segment(1, 3_661_000, 3_662_000, "Goodbye.", "B")]

    assert subtitles.write_txt(segments) == "[00:00:00] Good morning.\n[01:01:01] B: Goodbye.\n"


@pytest.mark.parametrize("form", ["srt", "vtt", "txt"])
@pytest.mark.parametrize("text", ["", " \n", "\u00a0", "\u2003 \u3000"])
def test_a_segment_without_words_is_left_out(form: str, text: str) -> None:
    write = getattr(subtitles, f"write_{form}")
    following = Segment(1, 4_000, 5_000, "Yes.", "B")

    assert write([Segment(0, 3_000, 4_000, text, "A"), following]) == write([following])


@pytest.mark.parametrize(("form", "empty"), [("srt", ""), ("vtt", "WEBVTT\n"), ("txt", "")])
def test_no_speech_is_an_empty_file_of_its_format(form: str, empty: str) -> None:
    assert getattr(subtitles, f"write_{form}")([]) == empty
