"""Captions in a terminal: the words of the turn that is being spoken in one line, which is redrawn in place."""

import shutil
import sys
import textwrap
import threading
from collections.abc import Callable
from typing import TextIO

INDENT = "    "
ERASE_LINE = "\r\x1b[K"  # ECMA-48, "erase in line"
MIN_WIDTH = 10


def terminal_columns() -> int:
    return shutil.get_terminal_size().columns


class Captions:
    """Writes turns to `output`. `columns`: how wide a terminal is now; a file or a pipe gets finished turns only."""

    def __init__(self, output: TextIO = sys.stdout, columns: Callable[[], int] = terminal_columns):
        self._output, self._columns = output, columns
        self._is_terminal = output.isatty()
        self._lock = threading.Lock()  # Two sockets are open during a renewal.

    def show_partial(self, text: str) -> None:
        """Draw the end of the current turn, as much as fits into the line."""
        if self._is_terminal:
            start = f"{INDENT}… "
            self._write(ERASE_LINE + start + text[-max(self._width() - len(start), 1) :])

    def show_turn(self, text: str) -> None:
        """Print a finished turn, in place of its partial line."""
        self._print_line(f"“{text}”")

    def show_error(self, message: str) -> None:
        self._print_line(message)

    def _print_line(self, text: str) -> None:
        if self._is_terminal:
            lines = textwrap.wrap(text, self._width(), initial_indent=INDENT, subsequent_indent=INDENT + " ")
            self._write(ERASE_LINE + "\n".join(lines) + "\n")
        else:
            self._write(f"{INDENT}{text}\n")

    def _width(self) -> int:
        """One column less than the terminal has: some begin a new line once the last column is full."""
        return max(self._columns() - 1, MIN_WIDTH)

    def _write(self, text: str) -> None:
        with self._lock:
            self._output.write(text)
            self._output.flush()
