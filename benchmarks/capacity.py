"""The capacity units of calls to DynamoDB, computed from the sizes of items by Amazon's rules.

Source: Amazon DynamoDB developer guide, "DynamoDB item sizes and formats" and "DynamoDB read and write operations".
tests/benchmarks compares the result with what DynamoDB Local reports.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

WRITE_BYTES, READ_BYTES = 1024, 4096
TypedItem = Mapping[str, Any]


@dataclass(frozen=True)
class Index:
    """A secondary index that projects whole items; only items with all of its keys are in it."""

    keys: tuple[str, ...]


OPEN_HOLDS = Index(("open_shard", "sweep_at"))


def item_bytes(item: TypedItem) -> int:
    """The size of an item as it is billed, names included."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(typed: Any) -> int:
    ((kind, value),) = typed.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            digits = value.lstrip("-").strip("0")
            return math.ceil(len(digits) / 2) + 1 + value.startswith("-")
        case "B":
            return len(value)
        case "NULL" | "BOOL":
            return 1
        case "L":
            return 3 + sum(1 + _value_bytes(element) for element in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(inner) for name, inner in value.items())
    raise ValueError(f"no stored item has a value of type {kind}")


def write_units(before: TypedItem, after: TypedItem, *, in_transaction: bool) -> int:
    """The units of one written item. `before`, `after`: empty where there is none.

    The larger of both is billed, also where the write was refused; twice in a transaction. That an index is billed
    twice then, too, is how DynamoDB Local counts; the guide does not say.
    """
    units = _count_units(max(item_bytes(before), item_bytes(after)), WRITE_BYTES)
    return (units + _index_units(OPEN_HOLDS, before, after)) * (2 if in_transaction else 1)


def _index_units(index: Index, before: TypedItem, after: TypedItem) -> int:
    """A changed key is a deletion and an insertion."""
    old, new = (item if all(key in item for key in index.keys) else {} for item in (before, after))
    if old == new:
        return 0
    is_moved = old and new and any(old[key] != new[key] for key in index.keys)
    sizes = [item_bytes(old), item_bytes(new)] if is_moved else [max(item_bytes(old), item_bytes(new))]
    return sum(_count_units(size, WRITE_BYTES) for size in sizes)


def read_units(items: Iterable[TypedItem], *, is_consistent: bool) -> float:
    """The units of what one read found together: a query's page, or one item of a batch."""
    return _count_units(sum(map(item_bytes, items)), READ_BYTES) / (1 if is_consistent else 2)


def _count_units(size: int, unit: int) -> int:
    """A call that finds nothing is billed as one unit too."""
    return max(1, math.ceil(size / unit))
