"""The ledger: balances, the holds that reserve credits, and the entries that explain every movement.

Each movement is one DynamoDB transaction under an identifier known before the call, so any step may run twice and any
process may die at any point. Items under `USER#<id>`: BALANCE, `HOLD#<id>`, `ENTRY#<ulid>`, `REF#<kind>#<id>` and
`DAY#<date>#<service>`; besides these `FREE#<address hmac>` / GUARD, the guard of the free credits, which remains when
the account is deleted.

A hold moves credits from `available` to `held` and is not an entry; settling it writes the entry. So at every instant
available + held = sum of the entries, and held = sum of the open holds.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice

import msgspec

from ..errors import InsufficientCreditsError, UnauthenticatedError
from ..logs.request_facts import request_facts
from ..models.accounts import Caller
from ..models.ledger import Balance, Charge, DayTotal, Entry, Hold
from .bookings import retry_booking
from .conditions import Attr, Condition
from .ledger_items import (
    DAY,
    HOLD,
    OPEN_HOLD_SHARDS,
    balance_key,
    balance_of,
    cost_writes,
    day_from,
    end_hold,
    entry_from,
    entry_id_for,
    entry_put,
    hold_from,
    hold_key,
    hold_put,
    settlement_change,
    usage_writes,
    user_pk,
)
from .standing import DELETED, AccountStanding, check_standing, is_in_good_standing, is_not_deleted
from .table import Item, ItemKey, Write
from .table_errors import (
    ExtraWriteRefusedError as ExtraWriteRefusedError,
    WriteRefusedError,
    raise_invariant_violation,
)

MAX_HOLDS_PER_SHARD = 2_000
NO_CHARGE = Charge(credits=0, service="", reference="", audio_ms=0, price_version="")


class HoldEndedError(Exception):
    """The hold was settled or released before; nothing was written."""


class BalanceChangedError(Exception):
    """The balance has changed since it was read; nothing was written."""


class Guard(msgspec.Struct, frozen=True):
    """Makes a grant happen once: its key names the fact for which the credits are granted."""

    key: ItemKey

    @classmethod
    def free_credits(cls, address_hmac: str) -> "Guard":
        """Once per person, as far as an email address can tell."""
        return cls(ItemKey("ledger", f"FREE#{address_hmac}", "GUARD"))

    @classmethod
    def reference(cls, user_id: str, kind: str, reference: str) -> "Guard":
        """Once per `reference` of the user, such as a payment."""
        return cls(ItemKey("ledger", f"USER#{user_id}", f"REF#{kind}#{reference}"))


class Ledger(AccountStanding):
    """Credits of all users, and the standing of their accounts, which is kept with the balance.

    `extra_writes` on a method: writes of other repositories that happen together with it or not at all.
    """

    # Reading

    def admit(self, caller: Caller, extra_keys: Sequence[ItemKey] = ()) -> tuple[Balance, list[Item | None]]:
        """The caller's balance, and the items of `extra_keys`, in one read.

        Raises UnauthenticatedError for a token from before the last sign-out or of a deleted account, and
        AccountBlockedError.
        """
        found, *others = self._tables.get_many([balance_key(caller.user_id), *extra_keys])
        balance = balance_of(found)
        check_standing(caller, balance)
        return balance, others

    def balance(self, user_id: str) -> Balance:
        """The balance as last written; all zeros for a user without an account."""
        return balance_of(self._tables.get(balance_key(user_id)))

    def entries(self, user_id: str, limit: int, after: str | None = None) -> tuple[list[Entry], str | None]:
        """One page of the user's entries, newest first, and the sort key that the next page starts after."""
        items, last = self._tables.query(
            "ledger", user_pk(user_id), "ENTRY#", limit=limit, newest_first=True, after=after
        )
        return [entry_from(item) for item in items], last

    def day_totals(self, user_id: str, first_day: str, last_day: str) -> list[DayTotal]:
        """The user's use on these UTC days, both included, in one query: a year of all services is below 1 MB."""
        between = (f"{DAY}{first_day}", f"{DAY}{last_day}$")  # "$" follows "#"
        items, _ = self._tables.query("ledger", user_pk(user_id), DAY, between=between)
        return [day_from(item) for item in items]

    def get_hold(self, user_id: str, hold_id: str) -> Hold | None:
        """The hold, open or ended; None if there never was one."""
        item = self._tables.get(hold_key(user_id, hold_id))
        return hold_from(item) if item else None

    def iter_due_holds(self, now_at: int) -> Iterator[Hold]:
        """Open holds whose `sweep_at` has passed. The index lags slightly; the sweep's own condition decides."""
        for shard in range(OPEN_HOLD_SHARDS):
            condition = Attr("open_shard").eq(f"OPEN#{shard}") & Attr("sweep_at").lte(now_at)
            yield from map(hold_from, self._tables.query_index("open_holds", condition))

    def open_holds(self) -> tuple[list[Hold], bool]:
        """Open holds of all users, and whether these are all: at most 2,000 a shard. The index lags slightly."""
        found: list[Hold] = []
        is_complete = True
        for shard in range(OPEN_HOLD_SHARDS):
            items = self._tables.query_index("open_holds", Attr("open_shard").eq(f"OPEN#{shard}"))
            holds = [hold_from(item) for item in islice(items, MAX_HOLDS_PER_SHARD)]
            is_complete &= len(holds) < MAX_HOLDS_PER_SHARD
            found += holds
        return found, is_complete

    def iter_holds(self, user_id: str) -> Iterator[Hold]:
        """All holds that the user ever had, open or ended, as last written; for jobs only."""
        return map(hold_from, self._tables.query_all("ledger", user_pk(user_id), HOLD))

    # Credits in

    def open_account(self, user_id: str, extra_writes: Sequence[Write] = ()) -> None:
        """Give the user a balance of zero; an existing balance is left as it is.

        Raises ExtraWriteRefusedError, and UnauthenticatedError for a deleted account.
        """
        write = Write(balance_key(user_id), add={"available": 0, "held": 0, "version": 1}, when=is_not_deleted())
        try:
            self._tables.transact_with_extra([write], extra_writes)
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
        """Grant `credits` once per guard. False, changing nothing, if the guard's fact was booked before, for any user.

        `of`: the balance as it was read; raises BalanceChangedError if it has changed since. An administrator's
        `credits` may be negative, and may leave the balance below zero. Raises ExtraWriteRefusedError, and
        UnauthenticatedError for a deleted account.
        """
        fact = f"{guard.key.pk}/{guard.key.sk}"
        entry = Entry(entry_id_for(at, fact), kind, credits, at, reference=reference, reason=reason)
        totals = {"available": credits, "granted": credits, "held": 0, "version": 1}
        guard_item = {"user_id": user_id, "entry_id": entry.entry_id, "at": at}
        writes = [
            Write(guard.key, item=guard_item, when=Attr("pk").not_exists()),
            Write(balance_key(user_id), add=totals, when=Attr("version").eq(of.version) if of else is_not_deleted()),
            entry_put(user_id, entry),
        ]
        try:
            self._tables.transact_with_extra(writes, extra_writes)
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
        """Hold `hold.credits` once per hold id; False, changing nothing, if that hold was made before.

        Raises InsufficientCreditsError, AccountBlockedError, UnauthenticatedError or ExtraWriteRefusedError, changing
        nothing.
        """
        balance = Write(
            balance_key(hold.user_id),
            add={"available": -hold.credits, "held": hold.credits, "version": 1},
            when=_can_hold(caller, hold.credits),
        )
        try:
            self._tables.transact_with_extra([hold_put(hold, at), balance], extra_writes)
        except WriteRefusedError as error:
            if 0 in error.refused:
                return False
            _raise_hold_refusal(caller, hold.credits, error.refused.get(1))
            raise_invariant_violation(error)
        return True

    def settle(self, hold: Hold, charge: Charge, *, at: int, extra_writes: Sequence[Write] = ()) -> None:
        """End the hold: charge what was used and return the rest to the balance.

        Raises HoldEndedError or ExtraWriteRefusedError, changing nothing.
        """
        balance = Write(balance_key(hold.user_id), add=settlement_change(hold, charge) | {"version": 1})
        try:
            self._tables.transact_with_extra(
                [_end_hold(hold, charge, at), balance, *usage_writes(hold, charge, at)], extra_writes
            )
        except WriteRefusedError as error:
            _raise_end_refusal(error)
        request_facts().credits_used += charge.credits

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
        """Settle one hold and make the next in one transaction. Raises as `settle` and `hold` do."""
        change = settlement_change(hold, charge)
        change["available"] -= following.credits
        change["held"] += following.credits
        needed = -change["available"]
        balance = Write(balance_key(hold.user_id), add=change | {"version": 1}, when=_can_hold(caller, needed))
        writes = [_end_hold(hold, charge, at), balance, hold_put(following, at), *usage_writes(hold, charge, at)]
        try:
            self._tables.transact_with_extra(writes, extra_writes)
        except WriteRefusedError as error:
            if 0 not in error.refused:
                _raise_hold_refusal(caller, following.credits, error.refused.get(1), hold, charge)
            _raise_end_refusal(error)
        request_facts().credits_used += charge.credits

    def release(self, hold: Hold, *, at: int, extra_writes: Sequence[Write] = ()) -> None:
        """End the hold and return all of it. Raises HoldEndedError or ExtraWriteRefusedError, changing nothing."""
        self.settle(hold, NO_CHARGE, at=at, extra_writes=extra_writes)

    def book_cost(self, user_id: str, charge: Charge, fact: str, *, at: int) -> None:
        """Book what a provider did for work whose hold has ended, at no credits. `fact` names the work."""
        if charge.is_empty:
            return
        writes = cost_writes(user_id, charge, at, fact)

        def book() -> None:
            with suppress(WriteRefusedError):  # The entry exists: an earlier try was written.
                self._tables.transact(writes)

        retry_booking(book, charge.cost_micro_usd)


# Conditions and what their failure means


def _can_hold(caller: Caller, needed: int) -> Condition:
    return Attr("available").gte(needed) & is_in_good_standing(caller)


def _end_hold(hold: Hold, charge: Charge, at: int) -> Write:
    return end_hold(hold, charge.credits, at, is_released=charge.is_empty)


def _raise_hold_refusal(
    caller: Caller, needed: int, balance_item: Item | None, ended: Hold | None = None, charge: Charge = NO_CHARGE
) -> None:
    """`ended`, `charge`: the hold that the same transaction would have settled."""
    if balance_item is None:
        return
    balance = balance_of(balance_item)
    check_standing(caller, balance)
    settled = ended.credits if ended else 0
    raise InsufficientCreditsError(needed, balance.available + settled - charge.credits, balance.held - settled)


def _raise_end_refusal(error: WriteRefusedError) -> None:
    if 0 in error.refused:
        raise HoldEndedError from error
    raise_invariant_violation(error)
