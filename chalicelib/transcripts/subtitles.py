"""A transcript as a file: subtitles (SRT, WebVTT) and plain text. Pure rules.

Sources: the SubRip format as players read it (matroska.org/technical/subtitles.html), and W3C's WebVTT.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, cycle, groupby

from ..models.text import letters, one_line, width
from ..models.transcripts import Segment

LINE_WIDTH = 42  # the usual maximum of subtitle guidelines, in columns: a wide letter takes two
CUE_LINES = 2
SHORTEST_CUE_MS = 1
LONGEST_NAME_WIDTH = LINE_WIDTH // 2  # a speaker with a longer name gets a line of their own


@dataclass(frozen=True)
class Cue:
    """Text that is shown at one time: one or two lines, the speaker's name included, from `start_ms` to `end_ms`."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    speaker: str

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def split_into_cues(segments: Iterable[Segment]) -> list[Cue]:
    """The segments, long ones split, by time: in WebVTT no cue may start before the one above it."""
    return sorted(_split_segments(segments), key=lambda cue: cue.start_ms)


def _split_segments(segments: Iterable[Segment]) -> Iterator[Cue]:
    """Each part of a segment gets a share of its time in proportion to its width."""
    for segment in segments:
        speaker = one_line(segment.speaker)
        parts = list(_group_lines(one_line(segment.text), _name_width(speaker)))
        widths = [max(1, sum(map(width, part))) for part in parts]
        total_width, shown_width = sum(widths), 0
        duration_ms = max(segment.end_ms - segment.start_ms, SHORTEST_CUE_MS * len(parts))
        for part, part_width in zip(parts, widths, strict=True):
            start_ms = segment.start_ms + duration_ms * shown_width // total_width
            shown_width += part_width
            end_ms = segment.start_ms + duration_ms * shown_width // total_width
            yield Cue(start_ms, max(end_ms, start_ms + SHORTEST_CUE_MS), part, speaker)


def _group_lines(text: str, name_width: int) -> Iterator[tuple[str, ...]]:
    """The lines of each cue, with room for the speaker's name before the first one of each."""
    if name_width > LONGEST_NAME_WIDTH:
        yield from ((line,) for line in _wrap(text, [LINE_WIDTH]))
        return
    lines = list(_wrap(text, [LINE_WIDTH - name_width, LINE_WIDTH]))
    for first in range(0, len(lines), CUE_LINES):
        yield tuple(lines[first : first + CUE_LINES])


def _wrap(text: str, widths: list[int]) -> Iterator[str]:
    """The text in lines of these widths, again and again, broken at blanks; between letters where there is none.

    A line of no-break spaces alone would end a cue, so it is left out.
    """
    rooms = cycle(widths)
    room, line, used = next(rooms), "", 0
    for letter, letter_width, needed in _measure(text):
        if line and used + needed > room:
            if line.strip():
                yield line
                room = next(rooms)
            line, used = "", 0
        if line or letter != " ":
            line += letter
            used += letter_width
    if line.strip():
        yield line


def _measure(text: str) -> Iterator[tuple[str, int, int]]:
    """Each letter, its width, and the width that a line must have left for it; before each word a blank, which needs
    room for the word too. A blank with a mark or a joiner on it is a letter of its word. Each letter is measured once.
    """
    for is_blank, found in groupby(letters(text), " ".__eq__):
        if not is_blank:
            word = [(letter, width(letter)) for letter in found]
            yield " ", 1, 1 + sum(letter_width for _, letter_width in word)
            yield from ((letter, letter_width, letter_width) for letter, letter_width in word)


def write_srt(segments: Iterable[Segment]) -> str:
    """SubRip. It has no escaping, so a blank separates what a player would read as markup or timing."""
    blocks = []
    for number, cue in enumerate(split_into_cues(segments), start=1):
        text = _name_before(cue) + cue.text
        escaped_text = text.replace("-->", "→").replace("<", "< ").replace("{", "{ ")
        times = f"{_time(cue.start_ms, ',')} --> {_time(cue.end_ms, ',')}"
        blocks.append(f"{number}\n{times}\n{escaped_text}\n")
    return "\n".join(blocks)


def _name_before(cue: Cue) -> str:
    """The speaker's name before the text of a cue: in its first line, or above a cue of one line if it is long.

    A name that is longer than a line is cut.
    """
    if not cue.speaker:
        return ""
    if _name_width(cue.speaker) <= LONGEST_NAME_WIDTH:
        return f"{cue.speaker}: "
    widths = accumulate(map(width, letters(cue.speaker)))
    fitting = (letter for letter, end in zip(letters(cue.speaker), widths, strict=True) if end < LINE_WIDTH)
    return f"{''.join(fitting).rstrip()}:\n"


def _name_width(speaker: str) -> int:
    return width(f"{speaker}: ") if speaker else 0


def write_vtt(segments: Iterable[Segment]) -> str:
    """WebVTT, with speakers as voice tags."""
    blocks = ["WEBVTT\n"]
    for cue in split_into_cues(segments):
        voice = f"<v {_escape(cue.speaker)}>" if cue.speaker else ""
        blocks.append(f"{_time(cue.start_ms, '.')} --> {_time(cue.end_ms, '.')}\n{voice}{_escape(cue.text)}\n")
    return "\n".join(blocks)


def write_txt(segments: Iterable[Segment]) -> str:
    """One line per segment that has words: time, speaker, text."""
    lines = []
    for segment in segments:
        if not (text := one_line(segment.text)).strip():
            continue
        speaker = f"{one_line(segment.speaker)}: " if segment.speaker else ""
        time, _, _ = _time(segment.start_ms, ".").partition(".")
        lines.append(f"[{time}] {speaker}{text}\n")
    return "".join(lines)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(ms: int, point: str) -> str:
    minutes, rest_ms = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest_ms // 1000:02}{point}{rest_ms % 1000:03}"
