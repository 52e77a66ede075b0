"""One user's books, read whole, and who has some. For jobs alone: this reads all that there is of a user.

A purchase has no index by user; `USER#<id>` / `PURCHASE#<created>#<id>` in the app table points to it. What an entry or
a hold names is read too, so that a lost pointer hides nothing that was booked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from boto3.dynamodb.conditions import Attr

from ..models.audits import Books
from ..models.ledger import Entry, Hold, HoldKind
from ..models.purchases import Purchase
from .ledger_items import ENTRY, USER, balance_key, balance_of, day_from, entry_from, hold_from, open_shard, user_pk
from .purchases import POINTER, purchase_from, purchase_key
from .table import Item, ItemKey, Tables

BALANCE, GUARD = "BALANCE", "GUARD"
READ_AT_ONCE = 100
SALE_KINDS = ("purchase", "clawback", "clawback_reversed")


@dataclass(frozen=True)
class Place:
    """Something that a scan of the ledger came by: a user's balance, or the guard of somebody's free credits.

    `key`: where to go on after it. `entry_id` is the guard's; a balance has none.
    """

    key: tuple[str, ...]
    user_id: str
    entry_id: str = ""


def places(tables: Tables, after: tuple[str, ...], limit: int) -> tuple[list[Place], tuple[str, ...] | None]:
    """The users and guards among the next `limit` items of the ledger, and the key to go on after, if there are more.

    A user who stays is come by once, and no other is missed, whatever is written meanwhile.
    """
    wanted = Attr("sk").is_in([BALANCE, GUARD])
    items, last = tables.scan("ledger", wanted, limit=limit, after=after)
    return [_place(item) for item in items], last


def read(tables: Tables, user_id: str) -> tuple[Books, bool]:
    """The user's books, and whether nothing was written to them while they were read.

    Raises KeyError, TypeError or ValueError where an item is not as anything of ours writes it.
    """
    before = balance_of(tables.get(balance_key(user_id)))
    items = list(tables.query_all("ledger", user_pk(user_id)))
    entries = tuple(entry_from(item) for item in items if item["sk"].startswith(ENTRY))
    held = [item for item in items if item["sk"].startswith("HOLD#")]
    holds = tuple(hold_from(item) for item in held)
    named = [item["purchase_id"] for item in tables.query_all("app", user_pk(user_id), POINTER)]
    purchases = _purchases(tables, {*named, *_named(entries, holds)})
    balance = balance_of(tables.get(balance_key(user_id)))
    books = Books(
        user_id=user_id,
        balance=balance,
        entries=entries,
        holds=holds,
        index={item["hold_id"]: item["open_shard"] for item in held if "open_shard" in item},
        shard=open_shard(user_id),
        days=tuple(day_from(item) for item in items if item["sk"].startswith("DAY#")),
        guards={item["sk"]: item["entry_id"] for item in items if item["sk"].startswith("REF#")},
        purchases=purchases,
    )
    return books, before.version == balance.version


def without_entry(tables: Tables, guards: Sequence[Place]) -> list[Place]:
    """The guards whose entry is not there."""
    wanted = {ItemKey("ledger", user_pk(guard.user_id), f"{ENTRY}{guard.entry_id}"): guard for guard in guards}
    return [wanted[key] for key in _missing(tables, list(wanted))]


def without_balance(tables: Tables, guards: Sequence[Place]) -> list[str]:
    """The users whom these guards name and who have no balance."""
    wanted = {balance_key(guard.user_id): guard.user_id for guard in guards if guard.user_id}
    return [wanted[key] for key in _missing(tables, list(wanted))]


def _place(item: Item) -> Place:
    key = (item["pk"], item["sk"])
    if item["sk"] == GUARD:
        return Place(key, item.get("user_id", ""), item.get("entry_id", "none"))
    return Place(key, item["pk"].removeprefix(USER))


def _missing(tables: Tables, keys: Sequence[ItemKey]) -> list[ItemKey]:
    """Those of the keys under which there is nothing."""
    missing: list[ItemKey] = []
    for first in range(0, len(keys), READ_AT_ONCE):
        some = keys[first : first + READ_AT_ONCE]
        missing += [key for key, item in zip(some, tables.get_many(some), strict=True) if item is None]
    return missing


def _named(entries: Iterable[Entry], holds: Iterable[Hold]) -> set[str]:
    """The purchases that the ledger speaks of."""
    said = {entry.reference for entry in entries if entry.kind in SALE_KINDS}
    return (said | {hold.reference for hold in holds if hold.kind == HoldKind.DISPUTE}) - {""}


def _purchases(tables: Tables, ids: Iterable[str]) -> dict[str, Purchase]:
    wanted = sorted(ids)
    found: dict[str, Purchase] = {}
    for first in range(0, len(wanted), READ_AT_ONCE):
        some = wanted[first : first + READ_AT_ONCE]
        items = tables.get_many([purchase_key(one) for one in some])
        found |= {one: purchase_from(item) for one, item in zip(some, items, strict=True) if item}
    return found
