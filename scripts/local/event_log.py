"""The event feeder's log: one line per happening, among the API's own."""

import sys


def log(line: str) -> None:
    print(f"events: {' '.join(line.split())}", file=sys.stderr, flush=True)


def raised(name: str, error: BaseException, note: str = "") -> None:
    """Logs that the function `name` raised."""
    log(f"{name} raised {type(error).__name__}: {error} {note}")
