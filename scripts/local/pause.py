"""A pause of the local stack's schedules, for as long as the process that wants it lives."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "schedules-paused-by"


@contextmanager
def paused_schedules(directory: Path) -> Iterator[None]:
    """No scheduled function is called by the stack of this directory; one that is being called may end first."""
    note = directory / NAME
    note.write_text(str(os.getpid()), encoding="utf-8")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def are_paused(directory: Path | None) -> bool:
    """Whether somebody who still lives wants it."""
    if directory is None:
        return False
    try:
        os.kill(int((directory / NAME).read_text(encoding="utf-8")), 0)
    except (OSError, ValueError):
        return False
    return True
