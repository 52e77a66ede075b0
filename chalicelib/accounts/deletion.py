"""Deletes accounts: an account is refused at once, then a job erases everything but its accounting records.

The job makes passes over all stored items, so it can stop anywhere and start again. It first ends all open holds,
because a session or a catch-up that was erased could not be billed. The last pass starts after every request that was
running when the account was refused has ended, and so erases what such a request still wrote.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from .. import contract
from ..errors import UnavailableError
from ..models.accounts import Caller
from ..models.ledger import Hold, HoldKind, HoldState
from ..pricing.price_files import Prices
from ..providers.protocols import JobQueue
from ..repositories import deletions, stored_shapes
from ..repositories.deletions import PendingDeletion
from ..repositories.exports import export_key
from ..repositories.jobs import abandon_job, job_from, job_key
from ..repositories.ledger import ExtraWriteRefusedError, Ledger
from ..repositories.ledger_items import HOLD
from ..repositories.provider_copies import list_all_copies
from ..repositories.purchases import purchase_from, purchase_key
from ..repositories.shares import share_key
from ..repositories.stored_shapes import shape_of
from ..repositories.table import Item, ItemKey, TableName, Tables, WriteRefusedError

MESSAGE = "erase:"
READ_AT_ONCE = 100


class SignIns(Protocol):
    """The accounts of the user pool. Raises UnavailableError, RateLimitedError."""

    def delete(self, user_id: str) -> None: ...


class UserFiles(Protocol):
    """Files that are stored by user id. Raises UnavailableError."""

    def delete_all(self, user_id: str) -> None: ...


class LeaseCloser(Protocol):
    """Ends the leases of live sessions. Raises UnavailableError."""

    def abandon(self, hold: Hold, prices: Prices, *, at_once: bool = False) -> bool: ...


@dataclass(frozen=True)
class DeletionRules:
    """The settings of deletions, in seconds."""

    pass_seconds: int = 600  # how long one message is processed
    lost_after_seconds: int = 960  # when the sweep sends again for a running pass: above the worker's time limit
    retry_seconds: int = 60  # while something has to end first
    overdue_after_seconds: int = 86_400
    last_pass_after_seconds: int = 1_800  # above the time limits of a worker (900) and of an upload (900 and its file)


class NotYetError(Exception):
    """Something has to end before the erasure can continue."""


@dataclass(frozen=True)
class AccountDeletion:
    """Closes accounts and erases them."""

    ledger: Ledger
    tables: Tables
    leases: LeaseCloser
    prices: Prices
    sign_ins: SignIns
    files: tuple[UserFiles, ...]
    queue: JobQueue
    rules: DeletionRules
    jobs_kept_seconds: int  # how long a catch-up job without its text is kept, for late webhooks
    now: Callable[[], int]  # epoch seconds, UTC
    new_id: Callable[[], str]

    def start(self, caller: Caller) -> contract.AccountDeleted:
        """Refuse the account from now on, and start its erasure. Raises AccountBlockedError, UnauthenticatedError."""
        now = self.now()
        due_at = now + self.rules.retry_seconds
        deletion = PendingDeletion(caller.user_id, self.new_id(), started_at=now, due_at=due_at)
        self.ledger.close(caller, at=now, extra_writes=[deletions.create_deletion(deletion)])
        with suppress(UnavailableError):  # The sweep sends the message later.
            self.queue.send(MESSAGE + caller.user_id)
        return contract.AccountDeleted(deleted=True, job_id=deletion.job_id)

    def sweep(self) -> int:
        """Send a message for every account that is due; return how many. Safe at any time, also concurrently."""
        sent, failures = 0, []
        for deletion in deletions.find_due_deletions(self.tables, self.now()):
            try:
                self.queue.send(MESSAGE + deletion.user_id)
                self._postpone(deletion, self.rules.retry_seconds)
                sent += 1
            except UnavailableError as failure:  # One failure must not stop the others.
                failures.append(failure)
        if failures:
            raise ExceptionGroup(f"no message for {len(failures)} deleted accounts, messages for {sent}", failures)
        return sent

    def count_overdue(self) -> int:
        """The number of accounts that should have been erased long ago; an operator has to find out why."""
        started_before = self.now() - self.rules.overdue_after_seconds
        pending = deletions.find_due_deletions(self.tables, deletions.FAR_FUTURE_AT)
        return sum(deletion.started_at < started_before for deletion in pending)

    def advance(self, user_id: str) -> bool:
        """Erase what is stored of the user; return whether that completed the erasure.

        Safe at any time, any number of times, also concurrently. Raises UnavailableError: call again.
        """
        deletion = deletions.load_deletion(self.tables, user_id)
        if deletion is None:
            return False
        pass_started_at = self.now()
        self._postpone(deletion, self.rules.lost_after_seconds)
        try:
            for _ in self._erase(user_id):
                if self.now() >= pass_started_at + self.rules.pass_seconds:
                    self.queue.send(MESSAGE + user_id)
                    return False
        except NotYetError:
            self._postpone(deletion, self.rules.retry_seconds)
            return False
        last_pass_at = deletion.started_at + self.rules.last_pass_after_seconds
        if pass_started_at < last_pass_at:
            self._postpone(deletion, last_pass_at - self.now())
            return False
        with suppress(ExtraWriteRefusedError):  # A concurrent pass completed it.
            self.ledger.mark_erased(user_id, at=self.now(), extra_writes=[deletions.delete_deletion(user_id)])
        return True

    def _postpone(self, deletion: PendingDeletion, seconds: int) -> None:
        with suppress(WriteRefusedError):  # A concurrent pass completed it.
            self.tables.write(deletions.postpone_deletion(deletion.user_id, self.now() + seconds))

    # One pass, a page at a time

    def _erase(self, user_id: str) -> Iterator[None]:
        self.sign_ins.delete(user_id)
        yield
        yield from self._end_holds(user_id)
        self.tables.delete_many([export_key(user_id)])  # A worker that makes the export loses its claim with it.
        for files in self.files:
            files.delete_all(user_id)
            yield
        yield from self._erase_app_items(user_id)
        yield from self._erase_ledger_items(user_id)

    def _end_holds(self, user_id: str) -> Iterator[None]:
        """End the open holds. Raises NotYetError if one is still in use.

        The hold of a dispute stays: a bank has to decide, and it pays for nothing that is erased.
        """
        is_waiting = False
        for hold in self.ledger.iter_holds(user_id):
            if hold.state is HoldState.OPEN and hold.kind != HoldKind.DISPUTE:
                is_waiting |= not self._end_hold(hold)
                yield
        if is_waiting:
            raise NotYetError

    def _end_hold(self, hold: Hold) -> bool:
        """Whether the hold was ended now."""
        if hold.kind == HoldKind.STREAM:
            return self.leases.abandon(hold, self.prices, at_once=True)
        if hold.kind == HoldKind.CATCHUP:
            with suppress(WriteRefusedError):  # The job has just ended.
                self.tables.write(abandon_job(hold.reference))
            self.queue.send(hold.reference)
        return False  # A question's hold is released within two minutes, by its request or by the sweep.

    def _erase_app_items(self, user_id: str) -> Iterator[None]:
        """Delete the user's items in the app table and the shares they name, and what buyers sent; keep pointers."""
        for items in deletions.user_pages(self.tables, "app", user_id):
            kept = [item for item in items if shape_of(item).is_kept]
            deleted = [ItemKey("app", item["pk"], item["sk"]) for item in items if not shape_of(item).is_kept]
            shares = [share_key(item["share_hash"]) for item in items if "share_hash" in item]
            self.tables.delete_many([*shares, *deleted])  # The lines name the shares, so they go last.
            self._erase_attributes("app", kept)
            self._erase_purchases(item["purchase_id"] for item in kept)
            yield

    def _erase_ledger_items(self, user_id: str) -> Iterator[None]:
        """Erase what the ledger does not keep, and the text of the catch-ups that its holds name.

        Raises NotYetError while the provider has a copy of one.
        """
        is_waiting = False
        for items in deletions.user_pages(self.tables, "ledger", user_id):
            self._erase_attributes("ledger", items)
            job_ids = (hold["reference"] for hold in items if _is_of_catchup(hold))
            while some := list(islice(job_ids, READ_AT_ONCE)):
                is_waiting |= self._erase_jobs(some)
                yield
            yield
        if is_waiting:
            raise NotYetError

    def _erase_attributes(self, table: TableName, items: Iterable[Item]) -> None:
        for item in items:
            if attributes := shape_of(item).attributes_to_erase(item):
                with suppress(WriteRefusedError):  # It was deleted meanwhile.
                    self.tables.write(deletions.remove_attributes(ItemKey(table, item["pk"], item["sk"]), attributes))

    def _erase_jobs(self, job_ids: list[str]) -> bool:
        """Erase the text of these catch-ups; return whether the provider still has a copy of one."""
        recorded = {copy.job_id for copy in list_all_copies(self.tables)}.intersection(job_ids)
        for job_id in sorted(recorded):
            self.queue.send(job_id)
        is_waiting = bool(recorded)
        for item in self.tables.get_many([job_key(job_id) for job_id in job_ids]):
            if item is None:
                continue
            if attributes := stored_shapes.JOB.attributes_to_erase(item):
                expires_at = self.now() + self.jobs_kept_seconds
                with suppress(WriteRefusedError):  # It expired meanwhile.
                    key = job_key(item["job_id"])
                    self.tables.write(deletions.remove_attributes(key, attributes, expires_at))
            if item["job_id"] not in recorded and job_from(item).is_known_to_provider:
                self.queue.send(item["job_id"])
                is_waiting = True
        return is_waiting

    def _erase_purchases(self, purchase_ids: Iterable[str]) -> None:
        for purchase_id in purchase_ids:
            while item := self.tables.get(purchase_key(purchase_id)):
                attributes = stored_shapes.PURCHASE.attributes_to_erase(item)
                writes = deletions.erase_purchase(purchase_from(item), attributes)
                if not writes:
                    break
                try:
                    self.tables.transact(writes)
                    break
                except WriteRefusedError:  # Its payment changed meanwhile.
                    continue


def _is_of_catchup(item: Item) -> bool:
    return bool(item["sk"].startswith(HOLD) and item["kind"] == HoldKind.CATCHUP)
