"""Pauses the schedules of the local stack while a process needs it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE_NAME = "schedules-paused-by"


@contextmanager
def paused_schedules(directory: Path) -> Iterator[None]:
    """Let the stack of this directory call no scheduled function; a call that runs already is not interrupted."""
    pid_file = directory / FILE_NAME
    pid_file.write_text(str(os.getpid()), encoding="utf-8")
    try:
        yield
    finally:
        pid_file.unlink(missing_ok=True)


def are_paused(directory: Path | None) -> bool:
    """Whether the process that paused the schedules of this directory still runs."""
    if directory is None:
        return False
    try:
        os.kill(int((directory / FILE_NAME).read_text(encoding="utf-8")), 0)
    except (OSError, ValueError):
        return False
    return True
