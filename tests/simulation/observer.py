"""Sees every write that took effect: checks the invariants it touches, and keeps what it changed for others.

`stream`: the new entries, as the stream of the ledger would bring them. `find_payments`: at Stripe, of a purchase.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tests.simulation import purchases_watch
from tests.simulation.books import HOLD, USER, Books, text
from tests.simulation.engine import APP, LEDGER, stored_items
from tests.simulation.jobs_watch import JOB, JobsWatch
from tests.simulation.scheduler import Process
from tests.simulation.sessions_watch import SESSION, SessionsWatch
from tests.simulation.written_items import Key

if TYPE_CHECKING:
    from tests.simulation.stripe import Payment

PURCHASE = "PURCHASE#"


class Observer:
    """Follows the tables."""

    def __init__(self) -> None:
        self.books = Books()
        self.jobs = JobsWatch()
        self.sessions = SessionsWatch()
        self.find_payments: Callable[[str], list[Payment]] = lambda purchase_id: []
        self.stream: deque[dict[str, Any]] = deque()

    def observe(self, keys: Sequence[Key], now: int, process: Process) -> None:
        """Check what `process` has just changed: these items. `now`: epoch seconds. Raises ViolationError."""
        in_ledger: dict[str, list[str]] = {}
        purchase_ids: list[str] = []
        job_ids: list[str] = []
        sessions: list[tuple[str, str]] = []
        for table, pk, sk in keys:
            if table == LEDGER:
                if pk.startswith(USER):
                    in_ledger.setdefault(pk.removeprefix(USER), []).append(sk)
            elif pk.startswith(PURCHASE):
                purchase_ids.append(pk.removeprefix(PURCHASE))
            elif pk.startswith(JOB):
                job_ids.append(pk.removeprefix(JOB))
            elif sk.startswith(SESSION):
                sessions.append((pk.removeprefix(USER), sk.removeprefix(SESSION)))
        for user_id, sort_keys in in_ledger.items():
            earlier_ids = set(self.books.accounts[user_id].holds)
            self.stream.extend(self.books.observe(user_id, sort_keys))
            account = self.books.accounts[user_id]
            new = [sk.removeprefix(HOLD) for sk in sort_keys if sk.startswith(HOLD)]
            opened = [hold_id for hold_id in new if hold_id not in earlier_ids and hold_id.startswith("dispute:")]
            if len(opened) == 1:
                before = account.available + account.holds[opened[0]].credits
                purchases_watch.check_new_dispute_hold(self.books, user_id, opened[0], before)
        for purchase_id in purchase_ids:
            purchases_watch.check_purchase(self.books, purchase_id)
            purchases_watch.check_facts(purchase_id, self.find_payments(purchase_id))
        for job_id in job_ids:
            self.jobs.check(self.books, job_id, now, process.claim)
        for user_id, session_id in sessions:
            self.sessions.check(self.books, user_id, session_id, now, process)


def touched_accounts(keys: Sequence[Key]) -> list[str]:
    """The users whose books, sessions, purchases or jobs these items are."""
    found: dict[str, None] = {}
    for _, pk, _ in keys:
        if pk.startswith(USER):
            found[pk.removeprefix(USER)] = None
        elif pk.startswith((PURCHASE, JOB)):
            found.update(dict.fromkeys(text(item, "user_id") for item in stored_items(APP, pk).values()))
    return list(found)
