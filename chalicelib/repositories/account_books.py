"""One user's books, read whole, and a scan for all users. For jobs only: this reads everything a user has.

Purchases have no index by user; `USER#<id>` / `PURCHASE#<created>#<id>` in the app table points to each one. Purchases
named by entries and holds are read too, so that a lost pointer hides nothing that was booked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..models.audits import Books
from ..models.ledger import Entry, Hold, HoldKind
from ..models.purchases import Purchase
from .conditions import Attr
from .ledger_items import ENTRY, USER, balance_key, balance_of, day_from, entry_from, hold_from, open_shard, user_pk
from .purchases import POINTER, purchase_from, purchase_key
from .table import Item, ItemKey, Tables

BALANCE, GUARD = "BALANCE", "GUARD"
KEYS_PER_READ = 100
SALE_KINDS = ("purchase", "clawback", "clawback_reversed")


@dataclass(frozen=True)
class ScannedItem:
    """What a scan of the ledger finds: the balance of a user, or the guard of a user's free credits.

    `key`: where the scan continues after it. `entry_id`: the entry that a guard names; empty for a balance.
    """

    key: tuple[str, ...]
    user_id: str
    entry_id: str = ""


def scan_balances_and_guards(
    tables: Tables, after: tuple[str, ...], limit: int
) -> tuple[list[ScannedItem], tuple[str, ...] | None]:
    """The balances and guards among the next `limit` items of the ledger; and where to continue, None at the end.

    Each user who exists during the whole scan is found exactly once, whatever is written meanwhile.
    """
    is_balance_or_guard = Attr("sk").is_in([BALANCE, GUARD])
    items, last = tables.scan("ledger", is_balance_or_guard, limit=limit, after=after)
    return [_scanned_item(item) for item in items], last


def read_books(tables: Tables, user_id: str) -> tuple[Books, bool]:
    """The user's books, and whether they stayed unchanged while they were read.

    Raises KeyError, TypeError or ValueError for an item that this code could not have written.
    """
    before = balance_of(tables.get(balance_key(user_id)))
    items = list(tables.query_all("ledger", user_pk(user_id)))
    entries = tuple(entry_from(item) for item in items if item["sk"].startswith(ENTRY))
    hold_items = [item for item in items if item["sk"].startswith("HOLD#")]
    holds = tuple(hold_from(item) for item in hold_items)
    pointers = [item["purchase_id"] for item in tables.query_all("app", user_pk(user_id), POINTER)]
    purchases = _load_purchases(tables, {*pointers, *_referenced_purchase_ids(entries, holds)})
    balance = balance_of(tables.get(balance_key(user_id)))
    books = Books(
        user_id=user_id,
        balance=balance,
        entries=entries,
        holds=holds,
        index={item["hold_id"]: item["open_shard"] for item in hold_items if "open_shard" in item},
        shard=open_shard(user_id),
        days=tuple(day_from(item) for item in items if item["sk"].startswith("DAY#")),
        guards={item["sk"]: item["entry_id"] for item in items if item["sk"].startswith("REF#")},
        purchases=purchases,
    )
    return books, before.version == balance.version


def guards_without_entry(tables: Tables, guards: Sequence[ScannedItem]) -> list[ScannedItem]:
    """The guards that name an entry which does not exist."""
    guards_by_key = {ItemKey("ledger", user_pk(guard.user_id), f"{ENTRY}{guard.entry_id}"): guard for guard in guards}
    return [guards_by_key[key] for key in _missing_keys(tables, list(guards_by_key))]


def users_without_balance(tables: Tables, guards: Sequence[ScannedItem]) -> list[str]:
    """The users named by these guards who have no balance."""
    users_by_key = {balance_key(guard.user_id): guard.user_id for guard in guards if guard.user_id}
    return [users_by_key[key] for key in _missing_keys(tables, list(users_by_key))]


def _scanned_item(item: Item) -> ScannedItem:
    key = (item["pk"], item["sk"])
    if item["sk"] == GUARD:
        return ScannedItem(key, item.get("user_id", ""), item.get("entry_id", "none"))
    return ScannedItem(key, item["pk"].removeprefix(USER))


def _missing_keys(tables: Tables, keys: Sequence[ItemKey]) -> list[ItemKey]:
    missing: list[ItemKey] = []
    for first in range(0, len(keys), KEYS_PER_READ):
        batch = keys[first : first + KEYS_PER_READ]
        missing += [key for key, item in zip(batch, tables.get_many(batch), strict=True) if item is None]
    return missing


def _referenced_purchase_ids(entries: Iterable[Entry], holds: Iterable[Hold]) -> set[str]:
    """The purchases that entries and holds name."""
    by_entries = {entry.reference for entry in entries if entry.kind in SALE_KINDS}
    by_holds = {hold.reference for hold in holds if hold.kind == HoldKind.DISPUTE}
    return (by_entries | by_holds) - {""}


def _load_purchases(tables: Tables, purchase_ids: Iterable[str]) -> dict[str, Purchase]:
    ids = sorted(purchase_ids)
    found: dict[str, Purchase] = {}
    for first in range(0, len(ids), KEYS_PER_READ):
        batch = ids[first : first + KEYS_PER_READ]
        items = tables.get_many([purchase_key(purchase_id) for purchase_id in batch])
        found |= {purchase_id: purchase_from(item) for purchase_id, item in zip(batch, items, strict=True) if item}
    return found
