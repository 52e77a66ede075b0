"""Waiting for what the backend does by itself: its schedules come often meanwhile, and rarely while nobody waits."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from scripts.local.schedule_calls import call_schedules

PATIENCE_SECONDS = 90  # only what goes wrong waits so long
# Of the stack's own clock: three idle schedules take a tenth of a core.
RARELY_SECONDS = 30
FIRST_CALL_SECONDS, CALL_EVERY_SECONDS = 0.5, 2.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, GROWTH = 0.05, 0.4, 1.2
STACK_DIRECTORIES: set[Path] = set()
Found = TypeVar("Found")


@contextmanager
def schedules_called_while_waiting(directory: Path) -> Iterator[None]:
    """Call the schedules of the stack of this directory every two seconds while a test waits."""
    STACK_DIRECTORIES.add(directory)
    try:
        yield
    finally:
        STACK_DIRECTORIES.discard(directory)


def wait_for(
    find: Callable[[], Found | None], seconds: float = PATIENCE_SECONDS, failure: str = "did not happen in time"
) -> Found:
    """What `find` returns in the end."""
    started = time.monotonic()
    next_call_at, pause_seconds = started + FIRST_CALL_SECONDS, FIRST_PAUSE_SECONDS
    while not (found := find()):
        now = time.monotonic()
        assert now < started + seconds, failure
        if now >= next_call_at:
            next_call_at = now + CALL_EVERY_SECONDS
            for directory in STACK_DIRECTORIES:
                call_schedules(directory)
        time.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * GROWTH, LONGEST_PAUSE_SECONDS)
    return found


def wait_until(holds: Callable[[], object], failure: str) -> None:
    wait_for(lambda: bool(holds()) or None, failure=failure)
