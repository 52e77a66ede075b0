"""A transcript as a file: subtitles (SRT, WebVTT) and plain text. Pure rules.

Sources: the SubRip format as players read it (matroska.org/technical/subtitles.html), and W3C's WebVTT.
"""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..models.transcripts import Segment

LINE_CHARACTERS = 42  # what subtitle guidelines give a line, and two lines a cue
CUE_CHARACTERS = 2 * LINE_CHARACTERS
SHORTEST_CUE_MS = 1


@dataclass(frozen=True)
class Cue:
    """What is shown at one time: one or two lines, from `start_ms` until before `end_ms`."""

    start_ms: int
    end_ms: int
    text: str
    speaker: str


def split_into_cues(segments: Iterable[Segment]) -> list[Cue]:
    """The segments, long ones split, by time: WebVTT wants no cue to begin before the one above it."""
    return sorted(_parts(segments), key=lambda cue: cue.start_ms)


def _parts(segments: Iterable[Segment]) -> Iterator[Cue]:
    """Each part of a segment gets its share of the time by its length."""
    for segment in segments:
        parts = textwrap.wrap(one_line(segment.text), CUE_CHARACTERS)
        total, shown = sum(map(len, parts)), 0
        length_ms = max(segment.end_ms - segment.start_ms, SHORTEST_CUE_MS * len(parts))
        for part in parts:
            start_ms = segment.start_ms + length_ms * shown // total
            shown += len(part)
            end_ms = segment.start_ms + length_ms * shown // total
            yield Cue(start_ms, max(end_ms, start_ms + SHORTEST_CUE_MS), part, one_line(segment.speaker))


def write_srt(segments: Iterable[Segment]) -> str:
    """SubRip. It has no way to escape, so what a player would take for markup or timing is put apart."""
    blocks = []
    for number, cue in enumerate(split_into_cues(segments), start=1):
        said = f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text
        harmless = said.replace("-->", "→").replace("<", "< ").replace("{", "{ ")
        blocks.append(f"{number}\n{_time(cue.start_ms, ',')} --> {_time(cue.end_ms, ',')}\n{_lines(harmless)}\n")
    return "\n".join(blocks)


def write_vtt(segments: Iterable[Segment]) -> str:
    """WebVTT, with speakers as voices."""
    blocks = ["WEBVTT\n"]
    for cue in split_into_cues(segments):
        said = "\n".join(map(_escaped, _lines(cue.text).split("\n")))
        voice = f"<v {_escaped(cue.speaker)}>" if cue.speaker else ""
        blocks.append(f"{_time(cue.start_ms, '.')} --> {_time(cue.end_ms, '.')}\n{voice}{said}\n")
    return "\n".join(blocks)


def write_txt(segments: Iterable[Segment]) -> str:
    """A line a segment: when, who, what."""
    lines = []
    for segment in segments:
        who = f"{one_line(segment.speaker)}: " if segment.speaker else ""
        lines.append(f"[{_time(segment.start_ms, '.')[:8]}] {who}{one_line(segment.text)}\n")
    return "".join(lines)


def one_line(text: str) -> str:
    """The text without line breaks and control characters, which end a cue or hide in it."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _lines(text: str) -> str:
    return "\n".join(textwrap.wrap(text, LINE_CHARACTERS))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(ms: int, point: str) -> str:
    minutes, rest_ms = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest_ms // 1000:02}{point}{rest_ms % 1000:03}"
