"""The sums over all users, kept from the ledger's stream.

`SYSTEM#<month>#<shard>` / `<date>#<service>#<provider>#<model>` holds one line of one shard of the users, so that a
month is one query a shard. `SYSTEM#all#<shard>` / `SUMS` holds what all entries ever add up to. `COUNTED#<entry>` /
`<user>` is there once an entry is counted, in the same transaction; `ACTIVE#<date>#<user>` / `SEEN` likewise for a
user's first use of a day. So the same entries may come again, in any order, from anybody, for ever.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from boto3.dynamodb.conditions import Attr

from ..dates import utc_date
from ..models.aggregates import Line, Sums, lines_of, together
from ..models.ledger import Entry
from .ledger_items import entry_from_stream
from .table import ItemKey, Path, Tables, Write, WriteRefusedError

SHARDS = 4
TRIES = 8
# DynamoDB takes 100 writes in one transaction; an entry makes at most two markers, and lines that entries share.
WRITES_AT_ONCE, ENTRIES_AT_ONCE = 100, 20
SEEN_SECONDS = 400 * 86_400
ALL, NEVER = "all", 0
ACTIVE = "active"  # the line that counts users with a use that day


class AggregatesBusyError(Exception):
    """Others counted the same entries all the time. The same call again is safe."""


@dataclass(frozen=True)
class Everything:
    """What all entries ever counted add up to. `counted_until`: the newest one's moment, 0 if there is none."""

    sums: Sums
    counted_until: int


@dataclass(frozen=True)
class Aggregates:
    """The sums over all users."""

    tables: Tables

    def count(self, booked: Sequence[tuple[str, Entry]]) -> int:
        """Count (user id, entry) pairs that are not counted yet; how many those were.

        Raises UnavailableError or TotalsBusyError; what was counted until then stays so.
        """
        counted = 0
        for shard, group in _groups(booked):
            counted += self._counted(shard, group)
        return counted

    def count_changes(self, images: Iterable[Mapping[str, Any]]) -> int:
        """As `count`, for the new images of changes that the ledger's stream tells."""
        return self.count([booked for image in images if (booked := entry_from_stream(image))])

    def left(self, booked: Sequence[tuple[str, Entry]]) -> int:
        """How many of these (at most 100) are not counted yet."""
        return self.tables.get_many([_counted_key(*pair) for pair in booked]).count(None) if booked else 0

    def read(self, first_day: str, last_day: str) -> dict[Line, Sums]:
        """The lines of those UTC days, both included."""
        found: dict[Line, Sums] = {}
        for month in _months(first_day, last_day):
            for shard in range(SHARDS):
                between = (max(first_day, f"{month}-01"), min(last_day, f"{month}-31") + "$")  # "$" follows "#"
                for item in self.tables.query_all("app", _pk(month, shard), between=between):
                    line = Line(*item["sk"].split("#", 3))
                    sums = {name: number for name, number in item.items() if name not in ("pk", "sk")}
                    found[line] = together([found.get(line, {}), sums])
        return found

    def everything(self) -> Everything:
        """What all entries ever counted add up to, in one read."""
        items = self.tables.get_many([_all_key(shard) for shard in range(SHARDS)])
        known = [item for item in items if item]
        until = max((item.get("counted_until", NEVER) for item in known), default=NEVER)
        names = {name for item in known for name in item} - {"pk", "sk", "counted_until"}
        return Everything({name: sum(item.get(name, 0) for item in known) for name in sorted(names)}, until)

    def _counted(self, shard: int, group: Sequence[tuple[str, Entry]]) -> int:
        """Count those of one shard that are not counted yet, in one transaction."""
        for _ in range(TRIES):
            markers = [_counted_key(user_id, entry) for user_id, entry in group]
            days = sorted({_seen_key(user_id, entry) for user_id, entry in group if entry.kind == "usage"}, key=str)
            whole, *known = self.tables.get_many([_all_key(shard), *markers, *days])
            left = [pair for pair, item in zip(group, known, strict=False) if item is None]
            if not left:
                return 0
            wanted = {_seen_key(user_id, entry) for user_id, entry in left if entry.kind == "usage"}
            unseen = [key for key, item in zip(days, known[len(group) :], strict=True) if not item and key in wanted]
            try:
                self.tables.transact(_writes(shard, left, unseen, (whole or {}).get("counted_until", NEVER)))
                return len(left)
            except WriteRefusedError:  # Somebody else counts them at this moment.
                continue
        raise AggregatesBusyError


def _groups(booked: Sequence[tuple[str, Entry]]) -> Iterable[tuple[int, list[tuple[str, Entry]]]]:
    """The entries of each shard in bunches that fit into one transaction, each entry once."""
    shards: dict[int, dict[ItemKey, tuple[str, Entry]]] = {}
    for user_id, entry in booked:
        shards.setdefault(_shard(user_id), {})[_counted_key(user_id, entry)] = (user_id, entry)
    for shard, known in sorted(shards.items()):
        bunch: list[tuple[str, Entry]] = []
        for pair in known.values():
            if bunch and (len(bunch) == ENTRIES_AT_ONCE or _size([*bunch, pair]) > WRITES_AT_ONCE):
                yield shard, bunch
                bunch = []
            bunch.append(pair)
        yield shard, bunch


def _size(bunch: Sequence[tuple[str, Entry]]) -> int:
    lines = {line for _, entry in bunch for line in lines_of(entry)}
    return 3 * len(bunch) + len(lines) + 1


def _writes(
    shard: int, entries: Sequence[tuple[str, Entry]], unseen: Sequence[ItemKey], counted_until: int
) -> list[Write]:
    is_new = Attr("pk").not_exists()
    writes = [Write(_counted_key(user_id, entry), item={"at": entry.at}, when=is_new) for user_id, entry in entries]
    lines: dict[Line, list[Sums]] = {}
    for _, entry in entries:
        for line, sums in lines_of(entry).items():
            lines.setdefault(line, []).append(sums)
    for key in unseen:
        day = key.pk.split("#")[1]
        writes.append(Write(key, item={"expires_at": _midnight(day) + SEEN_SECONDS}, when=is_new))
        lines.setdefault(Line(day, ACTIVE), []).append({"users": 1})
    writes += [Write(_line_key(line, shard), add=together(parts)) for line, parts in sorted(lines.items())]
    whole = together(sums for line, parts in lines.items() if not line.is_of_model for sums in parts)
    # Old entries come again or late, and do not turn it back.
    newest: dict[Path, int] = {"counted_until": max(counted_until, *(entry.at for _, entry in entries))}
    writes.append(Write(_all_key(shard), put_in=newest, add=whole))
    return writes


# Keys


def _pk(month: str, shard: int) -> str:
    return f"SYSTEM#{month}#{shard}"


def _line_key(line: Line, shard: int) -> ItemKey:
    sk = f"{line.date}#{line.service}#{line.provider}#{line.model}"
    return ItemKey("app", _pk(line.date[:7], shard), sk)


def _all_key(shard: int) -> ItemKey:
    return ItemKey("app", _pk(ALL, shard), "SUMS")


def _counted_key(user_id: str, entry: Entry) -> ItemKey:
    return ItemKey("app", f"COUNTED#{entry.entry_id}", user_id)


def _seen_key(user_id: str, entry: Entry) -> ItemKey:
    return ItemKey("app", f"ACTIVE#{utc_date(entry.at)}#{user_id}", "SEEN")


def _shard(user_id: str) -> int:
    return hashlib.sha256(user_id.encode()).digest()[1] % SHARDS


def _months(first_day: str, last_day: str) -> list[str]:
    first, last = date.fromisoformat(first_day), date.fromisoformat(last_day)
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in numbers]


def _midnight(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days * 86_400
