"""The money invariants of one account, checked after every write that touches it.

`Books` keeps its own sums beside the tables, from the items as they are stored, and none of the product's rules: what a
write changed is compared with what it may change. A check costs as much as the write, never as much as the history.
"""

import base64
import datetime
import json
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, NoReturn

from tests.simulation.engine import LEDGER, stored_items, stored_partitions
from tests.simulation.scheduler import ViolationError

BALANCE, ENTRY, HOLD, DAY = "BALANCE", "ENTRY#", "HOLD#", "DAY#"
USER = "USER#"
# Only these may take a balance below zero.
CLAWBACKS = {"clawback", "admin_clawback"}
Item = dict[str, Any]


def number(item: Item, name: str) -> int:
    """The number stored under this name; 0 if there is none."""
    return int(item[name]["N"]) if name in item else 0


def text(item: Item, name: str) -> str:
    """The text stored under this name; empty if there is none."""
    return str(item[name]["S"]) if name in item else ""


def block_texts(block: Item) -> list[str]:
    """The texts in a stored block of saved text, packed or not."""
    if "packed" not in block:
        return [row["L"][3]["S"] for row in block["segments"]["L"]]
    packed = block["packed"]["B"]
    rows = json.loads(zlib.decompress(base64.b64decode(packed) if isinstance(packed, str) else packed))
    return [row[3] for row in rows]


def day_of(entry: Item) -> str:
    """The UTC day of an entry."""
    return datetime.datetime.fromtimestamp(number(entry, "at"), datetime.UTC).date().isoformat()


@dataclass(frozen=True)
class HoldState:
    """A hold as it is stored."""

    credits: int
    kind: str
    state: str
    charged: int
    reference: str
    made_at: int

    @classmethod
    def of(cls, item: Item) -> "HoldState":
        return cls(
            number(item, "credits"),
            text(item, "kind"),
            text(item, "state"),
            number(item, "charged"),
            text(item, "reference"),
            number(item, "made_at"),
        )


@dataclass
class AccountBooks:
    """What is booked for one account. `days`: (date, service) → totals; `by_kind`: kind of entry → credits."""

    balance: Item = field(default_factory=dict)
    entries: dict[str, Item] = field(default_factory=dict)
    holds: dict[str, HoldState] = field(default_factory=dict)
    entries_sum: int = 0
    open_sum: int = 0
    used: int = 0
    booked_holds: dict[str, int] = field(default_factory=dict)
    days: defaultdict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    by_reference: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    by_kind: Counter[str] = field(default_factory=Counter)

    @property
    def available(self) -> int:
        return number(self.balance, "available")


class Books:
    """The books of all accounts."""

    def __init__(self) -> None:
        self.accounts: defaultdict[str, AccountBooks] = defaultdict(AccountBooks)

    def observe(self, user_id: str, sort_keys: list[str]) -> list[Item]:
        """Check what one write changed in the ledger of this user; returns the new entries."""
        try:
            return self._observe(user_id, sort_keys)
        except ViolationError as violation:
            violation.account = user_id
            raise

    def _observe(self, user_id: str, sort_keys: list[str]) -> list[Item]:
        account, stored = self.accounts[user_id], stored_items(LEDGER, USER + user_id)
        before = account.balance
        new_entries = [
            self._add_entry(account, stored[sk], sk) for sk in sort_keys if sk.startswith(ENTRY) and sk in stored
        ]
        added = [entry for entry in new_entries if entry]
        new_holds = [
            hold for sk in sort_keys if sk.startswith(HOLD) if (hold := self._update_hold(account, stored.get(sk), sk))
        ]
        self._check_entries_of_holds(account, added)
        account.balance = stored.get(BALANCE, {})
        self._check_balance(account, before, added, new_holds)
        days = {f"{DAY}{day_of(entry)}#{text(entry, 'service')}" for entry in added if text(entry, "kind") == "usage"}
        for sk in sorted(days.union(sk for sk in sort_keys if sk.startswith(DAY))):
            self._check_day(account, stored.get(sk, {}), sk)
        return added

    def open_holds(self, user_id: str, kind: str) -> dict[str, HoldState]:
        """The user's open holds of this kind, by id."""
        holds = self.accounts[user_id].holds
        return {hold_id: hold for hold_id, hold in holds.items() if hold.kind == kind and hold.state == "open"}

    def check_all(self) -> None:
        """The same from all stored items, as if nothing had been checked before."""
        fresh = Books()
        for pk in sorted(stored_partitions(LEDGER)):
            if pk.startswith(USER):
                fresh.observe(pk.removeprefix(USER), sorted(stored_items(LEDGER, pk)))
        for user_id in sorted(set(fresh.accounts) | set(self.accounts)):
            kept, found = self.accounts[user_id], fresh.accounts[user_id]
            for name in ("entries_sum", "open_sum", "used", "booked_holds", "by_kind"):
                if getattr(kept, name) != getattr(found, name):
                    by_writes, as_stored = getattr(kept, name), getattr(found, name)
                    _fail(f"{name} of {user_id}: {by_writes} by every write, {as_stored} stored", user_id)
            if {key: totals for key, totals in found.days.items() if any(totals.values())} != {
                key: totals for key, totals in kept.days.items() if any(totals.values())
            }:
                _fail(f"the totals of days of {user_id} are not those of its entries", user_id)

    # One item

    def _add_entry(self, account: AccountBooks, item: Item, sk: str) -> Item | None:
        """Add an entry to the totals; None if it was there before."""
        if sk in account.entries:
            if account.entries[sk] != item:
                _fail(f"the entry {sk} was changed")
            return None
        account.entries[sk] = item
        credits, kind, hold_id = number(item, "credits"), text(item, "kind"), text(item, "hold_id")
        account.entries_sum += credits
        account.by_reference[kind, text(item, "reference")] += credits
        account.by_kind[kind] += credits
        if hold_id:
            if hold_id in account.booked_holds:
                _fail(f"the hold {hold_id} was booked twice")
            account.booked_holds[hold_id] = -credits
        if kind == "usage":
            account.used -= credits
            account.days[day_of(item), text(item, "service")].update(
                credits=-credits,
                audio_ms=number(item, "audio_ms"),
                cost_micro_usd=number(item, "cost_micro_usd"),
                entries=1,
            )
        return item

    def _update_hold(self, account: AccountBooks, item: Item | None, sk: str) -> HoldState | None:
        """Follow one hold; returns it if it is new."""
        hold_id = sk.removeprefix(HOLD)
        earlier = account.holds.get(hold_id)
        if item is None:
            _fail(f"the hold {hold_id} was deleted")
        hold = HoldState.of(item)
        account.holds[hold_id] = hold
        if earlier == hold:
            return None
        if earlier is None:
            account.open_sum += hold.credits if hold.state == "open" else 0
            return hold if hold.state == "open" else None
        if earlier.state != "open" or hold.state == "open" or earlier.credits != hold.credits:
            _fail(f"the hold {hold_id} ended twice or was changed: {earlier}, then {hold}")
        if not 0 <= hold.charged <= hold.credits:
            _fail(f"the hold {hold_id} was settled beyond what it held: {hold}")
        account.open_sum -= hold.credits
        return None

    def _check_entries_of_holds(self, account: AccountBooks, added: list[Item]) -> None:
        for entry in added:
            hold = account.holds.get(hold_id := text(entry, "hold_id"))
            if not hold_id:
                continue
            if hold is None or hold.state == "open":
                _fail(f"an entry books the hold {hold_id}, which has not ended: {hold}")
            if text(entry, "kind") == "usage" and (hold.charged != -number(entry, "credits")):
                _fail(f"the hold {hold_id} was charged {hold.charged}, its entry says {entry['credits']}")

    def _check_balance(
        self, account: AccountBooks, before: Item, added: list[Item], new_holds: list[HoldState]
    ) -> None:
        after = account.balance
        available, held = number(after, "available"), number(after, "held")
        if available + held != account.entries_sum:
            _fail(f"available {available} + held {held} is not the sum of the entries, {account.entries_sum}")
        if held != account.open_sum:
            _fail(f"held {held} is not the sum of the open holds, {account.open_sum}")
        if number(after, "used") != account.used:
            _fail(f"used {number(after, 'used')} is not the sum of the usage, {account.used}")
        if before and after != before and number(after, "version") <= number(before, "version"):
            _fail(f"the balance changed and kept its version: {before}, then {after}")
        is_clawback = any(text(entry, "kind") in CLAWBACKS for entry in added)
        if available < min(0, number(before, "available")) and not is_clawback:
            _fail(f"available fell to {available} without a claw-back")
        for hold in new_holds:
            if (
                hold.kind == "stream"
                and sum(_is_lease_of(hold.reference, other) for other in account.holds.values()) > 1
            ):
                _fail(f"the session {hold.reference} has two open leases")
        if available < 0 and any(hold.credits > 0 for hold in new_holds) and not is_clawback:
            _fail(f"credits were held at a balance of {available}")

    def _check_day(self, account: AccountBooks, item: Item, sk: str) -> None:
        _, day, service = sk.split("#", 2)
        for name, total in account.days[day, service].items():
            if number(item, name) != total:
                _fail(f"the day {day} has {name} {number(item, name)} of {service}, its entries have {total}")


def _is_lease_of(session_id: str, hold: HoldState) -> bool:
    """Whether this is an open lease of the session."""
    return hold.reference == session_id and hold.state == "open" and hold.kind == "stream"


def _fail(message: str, user_id: str = "") -> NoReturn:
    raise ViolationError(message, user_id)
