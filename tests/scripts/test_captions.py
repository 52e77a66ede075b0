"""Captions as a terminal of a given width shows them."""

import io
import re

import pytest

from scripts.captions import Captions

WORDS = "it was the best of times it was the worst of times it was the age of wisdom it was the age of foolishness"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown_lines(output: str, columns: int) -> list[str]:
    """The lines on a terminal of `columns`: a line that is too long takes two; `\\r` and erasing work on the last."""
    lines, at = [""], 0
    for piece in re.findall(r"\r|\n|\x1b\[K|[^\r\n\x1b]", output):
        if piece == "\r":
            at = 0
        elif piece == "\n":
            lines.append("")
            at = 0
        elif piece == "\x1b[K":
            lines[-1] = lines[-1][:at]
        else:
            if at == columns:
                lines.append("")
                at = 0
            lines[-1] = lines[-1][:at] + piece + lines[-1][at + 1 :]
            at += 1
    return lines


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_a_turn_is_redrawn_in_one_line_and_then_stands_whole(columns: int) -> None:
    terminal = Terminal()
    captions = Captions(terminal, lambda: columns)

    words = WORDS.split()
    for count in range(1, len(words) + 1):
        captions.show_partial(" ".join(words[:count]))
        (line,) = shown_lines(terminal.getvalue(), columns)
        assert line.startswith("    … ")
        assert line.endswith(words[count - 1])
    captions.show_turn(WORDS)

    *lines, last = shown_lines(terminal.getvalue(), columns)
    assert last == ""
    assert " ".join(line.strip() for line in lines) == f"“{WORDS}”"
    assert all(len(line) < columns for line in lines)


def test_a_terminal_that_becomes_narrower_is_drawn_in_its_new_width() -> None:
    terminal, widths = Terminal(), iter([80, 30])
    captions = Captions(terminal, lambda: next(widths))

    captions.show_partial("one")
    captions.show_partial(WORDS)

    assert [len(line) for line in shown_lines(terminal.getvalue(), 30)] == [29]


def test_a_file_gets_finished_turns_and_errors_only() -> None:
    file = io.StringIO()
    captions = Captions(file)

    captions.show_partial("it was")
    captions.show_turn(WORDS)
    captions.show_error("The provider reports an error: too slow")

    assert file.getvalue() == f"    “{WORDS}”\n    The provider reports an error: too slow\n"
