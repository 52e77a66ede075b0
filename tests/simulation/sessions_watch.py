"""Live sessions, followed at every write: their leases end in time and in order, and their price stays."""

from dataclasses import dataclass
from typing import NoReturn

from chalicelib.errors import UnavailableError
from tests.simulation.books import Books, number, text
from tests.simulation.engine import APP, stored_items
from tests.simulation.scheduler import Process, ViolationError

SESSION = "SESSION#"
SWEEP_GRACE_SECONDS = 60  # after the end of a lease, as docs/streaming.md has it: chunks of it may still be in flight
CLOCK_SLACK_SECONDS = 8  # clocks of two processes, and seconds that are cut off


@dataclass(frozen=True)
class SessionStep:
    """What the watch compares of a stored session."""

    state: str
    lease_number: int
    lease_expires_at: int
    done_ms: int
    charged: int
    price_version: str
    in_flight: frozenset[str]


class SessionsWatch:
    """Follows all sessions."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, str], SessionStep] = {}
        self._reserving: dict[str, tuple[str, str, str]] = {}  # process → user, session, attempt in flight
        self._opened_at: dict[tuple[str, str], int] = {}  # session → when its lease last got its token, epoch seconds

    def was_opening(self, user_id: str, session_id: str, since_ms: int) -> bool:
        """Whether the session's lease, which is not opening any more, was still opening at that true time."""
        return self._opened_at.get((user_id, session_id), 0) >= since_ms // 1000

    def check(self, books: Books, user_id: str, session_id: str, now: int, process: Process) -> None:
        """Compare the stored session with what it was before. `now`: the true time, epoch seconds.

        `process`: what wrote it.
        """
        session = stored_items(APP, f"USER#{user_id}").get(SESSION + session_id)
        before = self._steps.get((user_id, session_id))
        if session is None:
            self._steps.pop((user_id, session_id), None)
            return
        step = SessionStep(
            text(session, "state"),
            number(session, "lease_number"),
            number(session, "lease_expires_at"),
            number(session, "done_ms"),
            number(session, "charged"),
            text(session, "price_version"),
            frozenset(session["inflight"]["M"]),
        )
        self._steps[user_id, session_id] = step
        for attempt in step.in_flight.difference(before.in_flight if before else ()):
            self._reserving[process.name] = user_id, session_id, attempt
        if before and before.state == "opening" != step.state:
            self._opened_at[user_id, session_id] = now
        if before is None or before == step:
            return
        if step.lease_number not in (before.lease_number, before.lease_number + 1):
            _fail(user_id, session_id, f"went from lease {before.lease_number} to {step.lease_number}")
        if step.done_ms < before.done_ms or step.charged < before.charged:
            _fail(
                user_id,
                session_id,
                f"had {before.done_ms} ms for {before.charged}, now {step.done_ms} for {step.charged}",
            )
        if step.price_version != before.price_version:
            _fail(user_id, session_id, f"began with the prices {before.price_version}, and has {step.price_version}")
        if before.state == "stopped":
            _fail(user_id, session_id, "was changed after it had stopped")
        is_deleted = "deleted" in books.accounts[user_id].balance
        may_be_swept_at = before.lease_expires_at + SWEEP_GRACE_SECONDS - CLOCK_SLACK_SECONDS
        if (before.state, step.state) == ("active", "lapsed") and now < may_be_swept_at and not is_deleted:
            _fail(user_id, session_id, f"was swept at {now}, its lease runs until {before.lease_expires_at}")

    def check_released(self, process: Process, error: Exception) -> None:
        """A chunk that failed, while the tables answered, is no longer reserved in its session."""
        user_id, session_id, attempt = self._reserving.pop(process.name, ("", "", ""))
        step = self._steps.get((user_id, session_id))
        if step is None or process.table_failures or isinstance(error, UnavailableError):
            return
        if attempt in step.in_flight:
            _fail(user_id, session_id, f"still reserves a chunk that failed: {error!r}")


def _fail(user_id: str, session_id: str, message: str) -> NoReturn:
    raise ViolationError(f"the session {session_id} {message}", user_id)
