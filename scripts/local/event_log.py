"""The log of event delivery: one line for each event, among the lines of the API."""

import sys


def log(line: str) -> None:
    print(f"events: {' '.join(line.split())}", file=sys.stderr, flush=True)


def log_exception(name: str, error: BaseException, note: str = "") -> None:
    """Log that the function `name` raised an exception."""
    log(f"{name} raised {type(error).__name__}: {error} {note}")
