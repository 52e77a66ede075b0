"""Runs the functions that a schedule, a queue or a stream triggers: all their parts, one log line, metrics."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..logs import log
from ..logs.request_facts import collect_request_facts
from .health_notes import HealthRecorder, notes_of_work


class EventFailedError(Exception):
    """A scheduled or queued function failed, at least in part. It names the kinds of errors; the log has the rest."""


def run_event(name: str, parts: dict[str, Callable[[], int]]) -> dict[str, int]:
    """Run every part, log how much each did, and return these figures.

    A part that fails does not stop the others. Raises EventFailedError in the end, so that AWS calls again.
    """
    figures: dict[str, int] = {}
    failures: list[Exception] = []
    for part, run in parts.items():
        try:
            figures[part] = run()
        except Exception as failure:  # noqa: BLE001 - logged and raised by log_figures
            failures.append(failure)
    return log_figures(name, figures, failures)


def run_reporting_event(name: str, run: Callable[[], tuple[dict[str, int], list[Exception]]]) -> dict[str, int]:
    """The same for a function that returns its own figures and failures."""
    figures: dict[str, int] = {}
    try:
        figures, failures = run()
    except Exception as failure:  # noqa: BLE001 - logged and raised by log_figures
        failures = [failure]
    return log_figures(name, figures, failures)


@contextmanager
def recording_health(recorder: Callable[[], HealthRecorder]) -> Iterator[None]:
    """Have recorded what the owner has to know of the work inside, also if it fails."""
    with collect_request_facts() as facts:
        try:
            yield
        finally:
            if "aws_error" not in facts.notes and (notes := notes_of_work(facts)):
                recorder().record(notes)


def log_figures(name: str, figures: dict[str, int], failures: list[Exception]) -> dict[str, int]:
    """Log the figures as metrics for the alarms, and return them. Raises EventFailedError if there are failures.

    A figure of zero is no metric: each costs $0.30 for a month in which it is sent, and alarms take a missing one for
    zero. AWS writes the text of that error into the log, so it names only the kinds of the failures.
    """
    metrics: dict[str, tuple[float, log.Unit]] = {
        figure: (number, "Count") for figure, number in figures.items() if number
    }
    log.line(name, metrics=metrics, figures=figures)
    for failure in failures:
        log.failure(f"{name} failed", failure)
    if failures:
        raise EventFailedError(f"{name} failed: {', '.join(type(failure).__name__ for failure in failures)}")
    return figures
