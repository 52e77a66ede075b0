"""The totals across all users, kept up to date from the ledger's stream.

`SYSTEM#<month>#<shard>` / `<date>#<service>#<provider>#<model>` holds the amounts of one key for one shard of users, so
that a month is one query per shard. `SYSTEM#all#<shard>` / `TOTALS` holds the totals of all entries. `COUNTED#<entry>`
/ `<user>` exists once an entry is counted, and is written in the same transaction; `ACTIVE#<date>#<user>` / `SEEN`
does the same for a user's first use of a day. So entries may be delivered again, in any order, at any time.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..dates import midnight, utc_date
from ..models.aggregates import (
    ACTIVE_USERS,
    AggregateKey,
    Amounts,
    AmountsByKey,
    add_amounts,
    amounts_by_key,
    merge_amounts,
)
from ..models.ledger import Entry
from .conditions import Attr
from .ledger_items import entry_from_stream
from .table import ItemKey, Path, Tables, Write, WriteRefusedError

SHARDS = 4
TRIES = 8
# DynamoDB accepts 100 writes in a transaction. An entry has at most two markers; entries share the keys they add to.
WRITES_PER_TRANSACTION, ENTRIES_PER_TRANSACTION = 100, 20
ACTIVE_MARKER_SECONDS = 400 * 86_400
ALL, NEVER = "all", 0
UserEntry = tuple[str, Entry]  # user id, entry


class AggregatesBusyError(Exception):
    """Other processes kept counting the same entries. Retrying the call is safe."""


@dataclass(frozen=True)
class AllTimeTotals:
    """The totals of all counted entries. `counted_until`: the time of the newest one, 0 if there is none."""

    amounts: Amounts
    counted_until: int


@dataclass(frozen=True)
class Aggregates:
    """The totals across all users."""

    tables: Tables

    def count(self, entries: Sequence[UserEntry]) -> int:
        """Count the entries that are not counted yet; returns how many.

        Raises UnavailableError or AggregatesBusyError; what was counted before that stays counted.
        """
        counted = 0
        for shard, batch in _batches(entries):
            counted += self._count_batch(shard, batch)
        return counted

    def count_changes(self, images: Iterable[Mapping[str, Any]]) -> int:
        """As `count`, for the new images in records of the ledger's stream."""
        return self.count([entry for image in images if (entry := entry_from_stream(image))])

    def count_uncounted(self, entries: Sequence[UserEntry]) -> int:
        """How many of these entries (at most 100) are not counted yet."""
        return self.tables.get_many([_counted_key(*entry) for entry in entries]).count(None) if entries else 0

    def read(self, first_day: str, last_day: str) -> AmountsByKey:
        """The totals of those UTC days, both included."""
        parts: list[AmountsByKey] = []
        for month in _months(first_day, last_day):
            for shard in range(SHARDS):
                between = (max(first_day, f"{month}-01"), min(last_day, f"{month}-31") + "$")  # "$" follows "#"
                items = self.tables.query_all("app", _pk(month, shard), between=between)
                parts += [{key_from(item["sk"]): _amounts(item)} for item in items]
        return merge_amounts(*parts)

    def all_time(self) -> AllTimeTotals:
        """The totals of all counted entries, in one read."""
        items = [item for item in self.tables.get_many([_all_key(shard) for shard in range(SHARDS)]) if item]
        counted_until = max((item.get("counted_until", NEVER) for item in items), default=NEVER)
        names = {name for item in items for name in item} - {"pk", "sk", "counted_until"}
        return AllTimeTotals({name: sum(item.get(name, 0) for item in items) for name in sorted(names)}, counted_until)

    def _count_batch(self, shard: int, batch: Sequence[UserEntry]) -> int:
        """Count the entries of one shard that are not counted yet, in one transaction."""
        for _ in range(TRIES):
            markers = [_counted_key(user_id, entry) for user_id, entry in batch]
            active_keys = sorted({_active_key(user_id, entry) for user_id, entry in batch if _is_use(entry)}, key=str)
            all_time, *stored = self.tables.get_many([_all_key(shard), *markers, *active_keys])
            uncounted = [pair for pair, item in zip(batch, stored, strict=False) if item is None]
            if not uncounted:
                return 0
            needed = {_active_key(user_id, entry) for user_id, entry in uncounted if _is_use(entry)}
            with_items = zip(active_keys, stored[len(batch) :], strict=True)
            new_active = [key for key, item in with_items if not item and key in needed]
            try:
                counted_until = (all_time or {}).get("counted_until", NEVER)
                self.tables.transact(_writes(shard, uncounted, new_active, counted_until))
                return len(uncounted)
            except WriteRefusedError:  # Another process counted some of them at the same moment.
                continue
        raise AggregatesBusyError


def sort_key(key: AggregateKey) -> str:
    """The key as text: the sort key of its item."""
    return f"{key.date}#{key.service}#{key.provider}#{key.model}"


def key_from(text: str) -> AggregateKey:
    return AggregateKey(*text.split("#", 3))


def _amounts(item: Mapping[str, Any]) -> Amounts:
    return {name: number for name, number in item.items() if name not in ("pk", "sk")}


def _is_use(entry: Entry) -> bool:
    return entry.kind == "usage"


def _batches(entries: Sequence[UserEntry]) -> Iterable[tuple[int, list[UserEntry]]]:
    """The entries of each shard in batches that fit into one transaction, each entry once."""
    shards: dict[int, dict[ItemKey, UserEntry]] = {}
    for user_id, entry in entries:
        shards.setdefault(_shard(user_id), {})[_counted_key(user_id, entry)] = (user_id, entry)
    for shard, unique in sorted(shards.items()):
        batch: list[UserEntry] = []
        for pair in unique.values():
            if batch and not _is_within_limits([*batch, pair]):
                yield shard, batch
                batch = []
            batch.append(pair)
        yield shard, batch


def _is_within_limits(batch: Sequence[UserEntry]) -> bool:
    """Whether the batch fits into one transaction."""
    keys = {key for _, entry in batch for key in amounts_by_key(entry)}
    max_writes = 3 * len(batch) + len(keys) + 1
    return len(batch) <= ENTRIES_PER_TRANSACTION and max_writes <= WRITES_PER_TRANSACTION


def _writes(shard: int, entries: Sequence[UserEntry], new_active: Sequence[ItemKey], counted_until: int) -> list[Write]:
    is_new = Attr("pk").not_exists()
    writes = [Write(_counted_key(user_id, entry), item={"at": entry.at}, when=is_new) for user_id, entry in entries]
    parts = [amounts_by_key(entry) for _, entry in entries]
    for key in new_active:
        day = key.pk.split("#")[1]
        writes.append(Write(key, item={"expires_at": midnight(day) + ACTIVE_MARKER_SECONDS}, when=is_new))
        parts.append({AggregateKey(day, ACTIVE_USERS): {"users": 1}})
    totals = merge_amounts(*parts)
    writes += [Write(_item_key(key, shard), add=amounts) for key, amounts in sorted(totals.items())]
    all_time = add_amounts(amounts for key, amounts in totals.items() if not key.is_for_model)
    # Old entries that are delivered late do not move `counted_until` back.
    newest: dict[Path, int] = {"counted_until": max(counted_until, *(entry.at for _, entry in entries))}
    writes.append(Write(_all_key(shard), put_in=newest, add=all_time))
    return writes


# Keys


def _pk(month: str, shard: int) -> str:
    return f"SYSTEM#{month}#{shard}"


def _item_key(key: AggregateKey, shard: int) -> ItemKey:
    return ItemKey("app", _pk(key.date[:7], shard), sort_key(key))


def _all_key(shard: int) -> ItemKey:
    return ItemKey("app", _pk(ALL, shard), "TOTALS")


def _counted_key(user_id: str, entry: Entry) -> ItemKey:
    return ItemKey("app", f"COUNTED#{entry.entry_id}", user_id)


def _active_key(user_id: str, entry: Entry) -> ItemKey:
    return ItemKey("app", f"ACTIVE#{utc_date(entry.at)}#{user_id}", "SEEN")


def _shard(user_id: str) -> int:
    return hashlib.sha256(user_id.encode()).digest()[1] % SHARDS


def _months(first_day: str, last_day: str) -> list[str]:
    first, last = date.fromisoformat(first_day), date.fromisoformat(last_day)
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in numbers]
