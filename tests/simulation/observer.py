"""Sees every write that took effect: checks the invariants it touches, and keeps what it changed for others.

`stream`: the new entries, as the stream of the ledger would bring them.
"""

from collections import deque
from typing import Any

from tests.simulation import purchases_watch
from tests.simulation.books import HOLD, USER, Books
from tests.simulation.engine import LEDGER
from tests.simulation.jobs_watch import JOB, JobsWatch
from tests.simulation.sessions_watch import SESSION, SessionsWatch

PURCHASE = "PURCHASE#"
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}
Key = tuple[str, str, str]  # table, partition key, sort key


class Observer:
    """Follows the tables."""

    def __init__(self) -> None:
        self.books = Books()
        self.jobs = JobsWatch()
        self.sessions = SessionsWatch()
        self.stream: deque[dict[str, Any]] = deque()

    def observe(self, operation: str, request: dict[str, Any], now: int, claim: str) -> None:
        """Check what this request has just changed. Raises ViolationError.

        `now`: epoch seconds; `claim`: what the worker that wrote it has claimed its job as.
        """
        if operation not in WRITES:
            return
        in_ledger: dict[str, list[str]] = {}
        purchase_ids: list[str] = []
        job_ids: list[str] = []
        sessions: list[tuple[str, str]] = []
        for table, pk, sk in _keys(operation, request):
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
        for job_id in job_ids:
            self.jobs.check(self.books, job_id, now, claim)
        for user_id, session_id in sessions:
            self.sessions.check(self.books, user_id, session_id, now)


def _keys(operation: str, request: dict[str, Any]) -> list[Key]:
    """The items that a request writes."""
    match operation:
        case "TransactWriteItems":
            writes = [write for action in request["TransactItems"] for write in action.values()]
        case "BatchWriteItem":
            deletions = [
                (table, entry["DeleteRequest"]["Key"])
                for table, entries in request["RequestItems"].items()
                for entry in entries
            ]
            return [(table, key["pk"]["S"], key["sk"]["S"]) for table, key in deletions]
        case _:
            writes = [request]
    keys = []
    for write in writes:
        key = write.get("Key") or write["Item"]
        keys.append((write["TableName"], key["pk"]["S"], key["sk"]["S"]))
    return keys
