"""The ledger: balances, the holds that promise credits, and the entries that explain every movement.

Each movement is one DynamoDB transaction under an identifier known before the call, so any step may run twice and any
process may die anywhere. Items, all under `USER#<id>`: BALANCE, `HOLD#<id>`, `ENTRY#<ulid>`, `REF#<kind>#<id>`,
`DAY#<date>#<service>`; and `FREE#<address hmac>` / GUARD, the guard of the free credits, which outlives the account.

A hold moves credits from `available` to `held` and is no entry; settling writes the entry. So at every instant
available + held = sum of the entries, and held = sum of the open holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from ..errors import AccountBlockedError, InsufficientCreditsError, NotFoundError, SignedOutError, UnauthenticatedError
from ..logs.request_log import request_log
from ..models.accounts import Caller
from ..models.ledger import Balance, Charge, DayTotal, Entry, Hold
from .ledger_items import (
    DAY,
    HOLD,
    OPEN_HOLD_SHARDS,
    balance_key,
    balance_of,
    booked,
    day_from,
    entry_from,
    entry_id_for,
    entry_put,
    hold_end,
    hold_from,
    hold_key,
    hold_put,
    settled,
    user_pk,
)
from .table import Item, ItemKey, Tables, Write, WriteRefusedError, raise_invariant_violation

HOLDS_READ = 2_000
DELETED = "This account was deleted."
NOTHING = Charge(credits=0, service="", reference="", audio_ms=0, price_version="")


class HoldEndedError(Exception):
    """The hold was settled or released before; nothing was written."""


class BalanceChangedError(Exception):
    """The balance is not as it was read; nothing was written."""


class ExtraWriteRefusedError(Exception):
    """A condition of the caller's own writes did not hold; nothing was written. `refused`: place in `also` → item."""

    def __init__(self, refused: dict[int, Item]):
        super().__init__(f"condition not met for {sorted(refused)} of the writes that go with it")
        self.refused = refused


@dataclass(frozen=True)
class Guard:
    """What makes a grant happen once: its key says which fact was booked."""

    key: ItemKey

    @classmethod
    def free_credits(cls, address_hmac: str) -> "Guard":
        """Once per person, as far as an address can tell."""
        return cls(ItemKey("ledger", f"FREE#{address_hmac}", "GUARD"))

    @classmethod
    def reference(cls, user_id: str, kind: str, reference: str) -> "Guard":
        """Once per `reference` of the user, such as a payment."""
        return cls(ItemKey("ledger", f"USER#{user_id}", f"REF#{kind}#{reference}"))


class Ledger:
    """Credits of all users. `also` on a method: writes of other repositories that happen with it or not at all."""

    def __init__(self, tables: Tables):
        self._tables = tables

    # Reading

    def admit(self, caller: Caller, extra_keys: Sequence[ItemKey] = ()) -> tuple[Balance, list[Item | None]]:
        """The caller's balance, and the items of `extra_keys`, in one read.

        Raises UnauthenticatedError for a token from before the last sign-out or of a deleted account, and
        AccountBlockedError.
        """
        found, *others = self._tables.get_many([balance_key(caller.user_id), *extra_keys])
        balance = balance_of(found)
        _check_standing(caller, balance)
        return balance, others

    def balance(self, user_id: str) -> Balance:
        """The balance as last written; zeros for a user without an account."""
        return balance_of(self._tables.get(balance_key(user_id)))

    def entries(self, user_id: str, limit: int, after: str | None = None) -> tuple[list[Entry], str | None]:
        """One page of the user's movements, newest first, and where the next page starts."""
        items, last = self._tables.query(
            "ledger", user_pk(user_id), "ENTRY#", limit=limit, newest_first=True, after=after
        )
        return [entry_from(item) for item in items], last

    def day_totals(self, user_id: str, first_day: str, last_day: str) -> list[DayTotal]:
        """What the user used on those UTC days, both included, in one query: a year of all services is below 1 MB."""
        between = (f"{DAY}{first_day}", f"{DAY}{last_day}$")  # "$" follows "#"
        items, _ = self._tables.query("ledger", user_pk(user_id), DAY, between=between)
        return [day_from(item) for item in items]

    def get_hold(self, user_id: str, hold_id: str) -> Hold | None:
        """The hold, open or ended; None if there never was one."""
        item = self._tables.get(hold_key(user_id, hold_id))
        return hold_from(item) if item else None

    def iter_due_holds(self, now_at: int) -> Iterator[Hold]:
        """Open holds whose `sweep_at` has passed. A moment behind; the sweep's own condition decides."""
        for shard in range(OPEN_HOLD_SHARDS):
            due = Key("open_shard").eq(f"OPEN#{shard}") & Key("sweep_at").lte(now_at)
            yield from map(hold_from, self._tables.query_index("open_holds", due))

    def open_holds(self) -> tuple[list[Hold], bool]:
        """All open holds, a moment behind, and whether these are all: of each shard at most two thousand are read."""
        found: list[Hold] = []
        is_complete = True
        for shard in range(OPEN_HOLD_SHARDS):
            items = self._tables.query_index("open_holds", Key("open_shard").eq(f"OPEN#{shard}"))
            some = [hold_from(item) for item in islice(items, HOLDS_READ)]
            is_complete &= len(some) < HOLDS_READ
            found += some
        return found, is_complete

    def iter_holds(self, user_id: str) -> Iterator[Hold]:
        """All holds of the user that there ever were, open or ended, as last written; for jobs alone."""
        after: str | None = None
        while True:
            items, after = self._tables.query("ledger", user_pk(user_id), HOLD, after=after)
            yield from map(hold_from, items)
            if after is None:
                return

    # Credits in

    def open_account(self, user_id: str, extra_writes: Sequence[Write] = ()) -> None:
        """Give the user a balance of zero; does nothing to one that is there.

        Raises AlsoRefusedError, and UnauthenticatedError for an account that was deleted.
        """
        nothing = {"available": 0, "held": 0, "version": 1}
        try:
            self._transact([Write(balance_key(user_id), add=nothing, when=_not_deleted())], extra_writes)
        except WriteRefusedError as error:
            raise UnauthenticatedError(DELETED, "signed_out") from error

    def grant(
        self,
        user_id: str,
        credits: int,
        kind: str,
        guard: Guard,
        *,
        at: int,
        reason: str,
        reference: str = "",
        of: Balance | None = None,
        extra_writes: Sequence[Write] = (),
    ) -> bool:
        """Give `credits` once per guard. False, changing nothing, if the guard's fact was booked before, for anyone.

        `of`: the balance as it was read: only if it still stands so, else raises BalanceMovedError. An administrator's
        `credits` may be below zero, and leave less than nothing. Raises AlsoRefusedError, and UnauthenticatedError for
        an account that was deleted.
        """
        fact = f"{guard.key.pk}/{guard.key.sk}"
        entry = Entry(entry_id_for(at, fact), kind, credits, at, reference=reference, reason=reason)
        totals = {"available": credits, "granted": credits, "held": 0, "version": 1}
        guard_item = {"user_id": user_id, "entry_id": entry.entry_id, "at": at}
        writes = [
            Write(guard.key, item=guard_item, when=Attr("pk").not_exists()),
            Write(balance_key(user_id), add=totals, when=Attr("version").eq(of.version) if of else _not_deleted()),
            entry_put(user_id, entry),
        ]
        try:
            self._transact(writes, extra_writes)
        except WriteRefusedError as error:
            if 0 in error.refused:
                return False
            if of and 1 in error.refused:
                raise BalanceChangedError from error
            if 1 in error.refused:
                raise UnauthenticatedError(DELETED, "signed_out") from error
            raise_invariant_violation(error)
        return True

    # Holds

    def hold(self, caller: Caller, hold: Hold, *, at: int, extra_writes: Sequence[Write] = ()) -> bool:
        """Promise `hold.credits` once per hold id; False, changing nothing, if that hold was made before.

        Raises InsufficientCreditsError, AccountBlockedError, UnauthenticatedError, AlsoRefusedError, changing nothing.
        """
        balance = Write(
            balance_key(hold.user_id),
            add={"available": -hold.credits, "held": hold.credits, "version": 1},
            when=_may_hold(caller, hold.credits),
        )
        try:
            self._transact([hold_put(hold, at), balance], extra_writes)
        except WriteRefusedError as error:
            if 0 in error.refused:
                return False
            _refuse_hold(caller, hold.credits, error.refused.get(1))
            raise_invariant_violation(error)
        return True

    def settle(self, hold: Hold, charge: Charge, *, at: int, extra_writes: Sequence[Write] = ()) -> None:
        """End the hold: take the charge, give back the rest; where nothing was used, give back all of it.

        Raises HoldEndedError or AlsoRefusedError, changing nothing.
        """
        balance = Write(balance_key(hold.user_id), add=settled(hold, charge) | {"version": 1})
        try:
            self._transact([hold_end(hold, charge, at), balance, *booked(hold, charge, at)], extra_writes)
        except WriteRefusedError as error:
            _refuse_end(error)
        request_log().credits_used += charge.credits

    def settle_and_hold(
        self,
        caller: Caller,
        hold: Hold,
        charge: Charge,
        following: Hold,
        *,
        at: int,
        extra_writes: Sequence[Write] = (),
    ) -> None:
        """Settle one hold and make the next, with no moment between. Raises as `settle` and `hold` do."""
        change = settled(hold, charge)
        change["available"] -= following.credits
        change["held"] += following.credits
        needed = -change["available"]
        balance = Write(balance_key(hold.user_id), add=change | {"version": 1}, when=_may_hold(caller, needed))
        writes = [hold_end(hold, charge, at), balance, hold_put(following, at), *booked(hold, charge, at)]
        try:
            self._transact(writes, extra_writes)
        except WriteRefusedError as error:
            if 0 not in error.refused:
                _refuse_hold(caller, following.credits, error.refused.get(1), hold.credits - charge.credits)
            _refuse_end(error)
        request_log().credits_used += charge.credits

    def release(self, hold: Hold, *, at: int, extra_writes: Sequence[Write] = ()) -> None:
        """End the hold and give all of it back. Raises HoldEndedError or AlsoRefusedError, changing nothing."""
        self.settle(hold, NOTHING, at=at, extra_writes=extra_writes)

    # Standing

    def sign_out(self, user_id: str, before_at: int) -> None:
        """From now on refuse tokens of sign-ins before `before_at`. Never moves back."""
        later = Attr("signed_out_at").not_exists() | Attr("signed_out_at").lt(before_at)
        write = Write(balance_key(user_id), put_in={"signed_out_at": before_at}, add={"version": 1}, when=later)
        try:
            self._tables.write(write)
        except WriteRefusedError:
            return  # A later sign-out stands.

    def set_blocked(self, user_id: str, blocked: bool, extra_writes: Sequence[Write] = ()) -> bool:
        """Let the account do nothing, or everything again; False, changing nothing, where it stands so already.

        Raises NotFoundError, AlsoRefusedError.
        """
        is_blocked = Attr("blocked").eq(True)
        when = Attr("pk").exists() & (~is_blocked if blocked else is_blocked) & _not_deleted()
        write = Write(balance_key(user_id), put_in={"blocked": blocked}, add={"version": 1}, when=when)
        try:
            self._transact([write], extra_writes)
        except WriteRefusedError as error:
            if not error.refused[0] or balance_of(error.refused[0]).deleted:
                raise NotFoundError("There is no such user.") from error
            return False
        return True

    def close(self, caller: Caller, *, at: int, extra_writes: Sequence[Write] = ()) -> None:
        """Refuse the account from now on, for ever; what it has is kept.

        Raises AccountBlockedError, UnauthenticatedError (also where it was closed before), AlsoRefusedError.
        """
        write = Write(
            balance_key(caller.user_id),
            put_in={"deleted": True, "deleted_at": at},
            add={"available": 0, "held": 0, "version": 1},
            when=_in_good_standing(caller),
        )
        try:
            self._transact([write], extra_writes)
        except WriteRefusedError as error:
            _check_standing(caller, balance_of(error.refused[0]))
            raise_invariant_violation(error)

    def mark_erased(self, user_id: str, *, at: int, extra_writes: Sequence[Write] = ()) -> None:
        """Nothing but the books is left of a closed account. Raises AlsoRefusedError."""
        write = Write(balance_key(user_id), put_in={"erased_at": at}, add={"version": 1}, when=Attr("deleted").eq(True))
        self._transact([write], extra_writes)

    def _transact(self, writes: Sequence[Write], extra_writes: Sequence[Write] = ()) -> None:
        try:
            self._tables.transact([*writes, *extra_writes])
        except WriteRefusedError as error:
            if min(error.refused) < len(writes):
                raise
            raise ExtraWriteRefusedError({n - len(writes): item for n, item in error.refused.items()}) from error


# Conditions and what their failure means


def _may_hold(caller: Caller, needed: int) -> ConditionBase:
    return Attr("available").gte(needed) & _in_good_standing(caller)


def _in_good_standing(caller: Caller) -> ConditionBase:
    signed_in_since = Attr("signed_out_at").not_exists() | Attr("signed_out_at").lte(caller.auth_time_at)
    return (Attr("blocked").not_exists() | Attr("blocked").eq(False)) & _not_deleted() & signed_in_since


def _not_deleted() -> ConditionBase:
    return Attr("deleted").not_exists() | Attr("deleted").eq(False)


def _check_standing(caller: Caller, balance: Balance) -> None:
    if balance.deleted:
        raise UnauthenticatedError(DELETED, "signed_out")
    if caller.auth_time_at < balance.signed_out_at:
        raise SignedOutError("This sign-in has ended. Sign in again.")
    if balance.blocked:
        raise AccountBlockedError("This account is blocked. Contact support.")


def _refuse_hold(caller: Caller, needed: int, balance_item: Item | None, given_back: int = 0) -> None:
    if balance_item is None:
        return
    balance = balance_of(balance_item)
    _check_standing(caller, balance)
    raise InsufficientCreditsError(needed, balance.available + given_back)


def _refuse_end(error: WriteRefusedError) -> None:
    if 0 in error.refused:
        raise HoldEndedError from error
    raise_invariant_violation(error)
