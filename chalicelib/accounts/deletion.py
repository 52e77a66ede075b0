"""An account's end: refused at once, then erased by a job, until nothing but its books is left, and they name nobody.

The job passes over everything there is and deletes it, so it may be cut off anywhere and run again from the beginning.
First it sees to it that no hold is open any more, because a session or a catch-up that is gone could not be billed.
Its last pass comes when everything that was under way as the account was refused has ended: what such a request still
wrote is erased with it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from .. import contract
from ..catchup.job_rules import HOLD_KIND as CATCHUP, JobRules
from ..errors import UnavailableError
from ..models.accounts import Caller
from ..models.ledger import Hold, HoldState
from ..pricing.price_files import Prices
from ..providers.protocols import JobQueue
from ..repositories import deletions
from ..repositories.deletions import PendingDeletion
from ..repositories.exports import export_key
from ..repositories.jobs import abandon_job, clear_user_text, has_user_text, job_from, job_key
from ..repositories.ledger import ExtraWriteRefusedError, Ledger
from ..repositories.purchases import DISPUTE_HOLD, changed, purchase, purchase_key, without_words
from ..repositories.table import Tables, WriteRefusedError
from ..streaming.lease_rules import HOLD_KIND as LEASE
from ..streaming.leases import Leases

MESSAGE = "erase:"
READ_AT_ONCE = 100


class SignIns(Protocol):
    """Who may sign in. Raises UnavailableError, RateLimitedError."""

    def delete(self, user_id: str) -> None: ...


class Files(Protocol):
    """Files that lie under their owner's id. Raises UnavailableError."""

    def delete_all(self, user_id: str) -> None: ...


@dataclass(frozen=True)
class DeletionRules:
    """The settings of erasures, in seconds."""

    pass_seconds: int = 600  # how long one message is worked on
    lost_after_seconds: int = 960  # when the sweep sends again for one that was begun: above the worker's time
    look_again_seconds: int = 60  # for what has to be waited for
    overdue_after_seconds: int = 86_400
    last_pass_after_seconds: int = 1_800  # above a worker's time (900), and that of an upload (900 and its file)


class NotYetError(Exception):
    """Something has to end before there is more to erase."""


@dataclass(frozen=True)
class AccountDeletion:
    """Closes accounts and erases them."""

    ledger: Ledger
    tables: Tables
    leases: Leases
    prices: Prices
    sign_ins: SignIns
    files: tuple[Files, ...]
    queue: JobQueue
    rules: DeletionRules
    job_rules: JobRules
    now: Callable[[], int]  # epoch seconds, UTC
    new_id: Callable[[], str]

    def begin(self, caller: Caller) -> contract.AccountDeleted:
        """Refuse the account from now on, and have it erased. Raises AccountBlockedError, UnauthenticatedError."""
        now = self.now()
        new = PendingDeletion(caller.user_id, self.new_id(), begun_at=now, due_at=now + self.rules.look_again_seconds)
        self.ledger.close(caller, at=now, extra_writes=[deletions.begun(new)])
        with suppress(UnavailableError):  # The sweep finds it without.
            self.queue.send(MESSAGE + caller.user_id)
        return contract.AccountDeleted(True, new.job_id)

    def sweep(self) -> int:
        """Have somebody look at every account that is due; how many. Safe at any time, also beside itself."""
        found, failures = 0, []
        for one in deletions.due(self.tables, self.now()):
            try:
                self.queue.send(MESSAGE + one.user_id)
                self._look_again(one, self.rules.look_again_seconds)
                found += 1
            except UnavailableError as failure:  # One that cannot be told must not keep the others.
                failures.append(failure)
        if failures:
            raise ExceptionGroup(f"{len(failures)} accounts could not be looked at, {found} were", failures)
        return found

    def overdue(self) -> int:
        """How many accounts should have been gone long ago: somebody has to look why they are not."""
        begun_before = self.now() - self.rules.overdue_after_seconds
        return sum(one.begun_at < begun_before for one in deletions.due(self.tables, deletions.FOREVER))

    def advance(self, user_id: str) -> bool:
        """Erase what there is; whether that was the end of it.

        Safe at any time, any number of times, also beside itself. Raises UnavailableError: call again.
        """
        seen = deletions.erasure(self.tables, user_id)
        if seen is None:
            return False
        began_at = self.now()
        self._look_again(seen, self.rules.lost_after_seconds)
        try:
            for _ in self._pass(user_id):
                if self.now() >= began_at + self.rules.pass_seconds:
                    self.queue.send(MESSAGE + user_id)
                    return False
        except NotYetError:
            self._look_again(seen, self.rules.look_again_seconds)
            return False
        last_at = seen.begun_at + self.rules.last_pass_after_seconds
        if began_at < last_at:
            self._look_again(seen, last_at - self.now())
            return False
        with suppress(ExtraWriteRefusedError):  # Another pass ended it at this moment.
            self.ledger.mark_erased(user_id, at=self.now(), extra_writes=[deletions.ended(user_id)])
        return True

    def _look_again(self, one: PendingDeletion, in_seconds: int) -> None:
        with suppress(WriteRefusedError):  # It has just ended.
            self.tables.write(deletions.looked_at_again(one.user_id, self.now() + in_seconds))

    # One pass, a page at a time

    def _pass(self, user_id: str) -> Iterator[None]:
        self.sign_ins.delete(user_id)
        yield
        yield from self._end_holds(user_id)
        self.tables.delete_many([export_key(user_id)])  # Whoever makes one now loses it, and stores nothing.
        for files in self.files:
            files.delete_all(user_id)
            yield
        for keys, purchases in deletions.export_content(self.tables, user_id):
            self.tables.delete_many(keys)
            self._empty_purchases(purchases)
            yield
        yield from self._empty_jobs(user_id)

    def _end_holds(self, user_id: str) -> Iterator[None]:
        """End what is open. Raises NotYetError for what ends by itself, or in other hands, in a moment.

        A dispute's hold stays: it waits for a bank, and is of nothing that is erased.
        """
        is_waiting = False
        for hold in self.ledger.iter_holds(user_id):
            if hold.state is HoldState.OPEN and hold.kind != DISPUTE_HOLD:
                is_waiting |= not self._ended(hold)
                yield
        if is_waiting:
            raise NotYetError

    def _ended(self, hold: Hold) -> bool:
        if hold.kind == LEASE:
            return self.leases.abandon(hold, self.prices, at_once=True)
        if hold.kind == CATCHUP:
            with suppress(WriteRefusedError):  # It has just ended.
                self.tables.write(abandon_job(hold.reference))
            self.queue.send(hold.reference)
        return False  # A question's is given back within two minutes, by whoever asked or by the sweep.

    def _empty_purchases(self, purchase_ids: Iterable[str]) -> None:
        for purchase_id in purchase_ids:
            item = self.tables.get(purchase_key(purchase_id))
            while item:
                known = purchase(item)
                if without_words(known) == known:
                    break
                try:
                    self.tables.transact(changed(known, without_words(known)))
                    break
                except WriteRefusedError:  # Something was learned of its payment.
                    item = self.tables.get(purchase_key(purchase_id))

    def _empty_jobs(self, user_id: str) -> Iterator[None]:
        """Empty the catch-ups of their words. Raises NotYetError until the provider has forgotten its copies too."""
        is_waiting = False
        named = (hold.reference for hold in self.ledger.iter_holds(user_id) if hold.kind == CATCHUP)
        while some := list(islice(named, READ_AT_ONCE)):
            for item in self.tables.get_many([job_key(job_id) for job_id in some]):
                if item is None:
                    continue
                one = job_from(item)
                if has_user_text(one):
                    with suppress(WriteRefusedError):  # Its time was over at this moment.
                        self.tables.write(clear_user_text(one, self.now() + self.job_rules.failed_retention_seconds))
                if one.is_known_to_provider:
                    self.queue.send(one.job_id)
                    is_waiting = True
            yield
        if is_waiting:
            raise NotYetError
