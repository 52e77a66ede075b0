"""A transcript as a file: subtitles (SRT, WebVTT) and plain text. Pure rules.

Sources: the SubRip format as players read it (matroska.org/technical/subtitles.html), and W3C's WebVTT.
"""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..models.transcripts import Segment

LINE_CHARACTERS = 42  # the usual maximum of subtitle guidelines; a cue has two lines
CUE_CHARACTERS = 2 * LINE_CHARACTERS
SHORTEST_CUE_MS = 1


@dataclass(frozen=True)
class Cue:
    """Text that is shown at one time: one or two lines, from `start_ms` until before `end_ms`."""

    start_ms: int
    end_ms: int
    text: str
    speaker: str


def split_into_cues(segments: Iterable[Segment]) -> list[Cue]:
    """The segments, long ones split, by time: in WebVTT no cue may start before the one above it."""
    return sorted(_split_segments(segments), key=lambda cue: cue.start_ms)


def _split_segments(segments: Iterable[Segment]) -> Iterator[Cue]:
    """Each part of a segment gets a share of its time in proportion to its length."""
    for segment in segments:
        parts = textwrap.wrap(one_line(segment.text), CUE_CHARACTERS)
        total_length, length = sum(map(len, parts)), 0
        duration_ms = max(segment.end_ms - segment.start_ms, SHORTEST_CUE_MS * len(parts))
        for part in parts:
            start_ms = segment.start_ms + duration_ms * length // total_length
            length += len(part)
            end_ms = segment.start_ms + duration_ms * length // total_length
            yield Cue(start_ms, max(end_ms, start_ms + SHORTEST_CUE_MS), part, one_line(segment.speaker))


def write_srt(segments: Iterable[Segment]) -> str:
    """SubRip. It has no escaping, so a space separates what a player would read as markup or timing."""
    blocks = []
    for number, cue in enumerate(split_into_cues(segments), start=1):
        text = f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text
        escaped_text = text.replace("-->", "→").replace("<", "< ").replace("{", "{ ")
        blocks.append(f"{number}\n{_time(cue.start_ms, ',')} --> {_time(cue.end_ms, ',')}\n{_wrap(escaped_text)}\n")
    return "\n".join(blocks)


def write_vtt(segments: Iterable[Segment]) -> str:
    """WebVTT, with speakers as voice tags."""
    blocks = ["WEBVTT\n"]
    for cue in split_into_cues(segments):
        text = "\n".join(map(_escape, _wrap(cue.text).split("\n")))
        voice = f"<v {_escape(cue.speaker)}>" if cue.speaker else ""
        blocks.append(f"{_time(cue.start_ms, '.')} --> {_time(cue.end_ms, '.')}\n{voice}{text}\n")
    return "\n".join(blocks)


def write_txt(segments: Iterable[Segment]) -> str:
    """One line per segment: time, speaker, text."""
    lines = []
    for segment in segments:
        speaker = f"{one_line(segment.speaker)}: " if segment.speaker else ""
        lines.append(f"[{_time(segment.start_ms, '.')[:8]}] {speaker}{one_line(segment.text)}\n")
    return "".join(lines)


def one_line(text: str) -> str:
    """The text without line breaks and control characters, which would end a cue or be invisible."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _wrap(text: str) -> str:
    return "\n".join(textwrap.wrap(text, LINE_CHARACTERS))


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(ms: int, point: str) -> str:
    minutes, rest_ms = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest_ms // 1000:02}{point}{rest_ms % 1000:03}"
