"""The claim of a worker: one worker at a time works on a catch-up job, an export or an audit.

An item that can be claimed has `worker` (empty: unclaimed) and `claimed_until` (epoch seconds), after which another
worker may claim it. Whatever a worker writes afterwards is conditional on `is_claimed_by`.
"""

from contextlib import suppress

from ..errors import UnavailableError
from .conditions import Attr, Condition
from .table import Item, ItemKey, Tables, Write, WriteRefusedError


class LostClaimError(Exception):
    """Another worker claimed the item, or it ended meanwhile; this worker must not write any more."""


def claim(tables: Tables, key: ItemKey, worker: str, *, until: int, now: int, is_claimable: Condition) -> Item | None:
    """Claim the item for `worker` and read it; None if another worker has it or it is not claimable.

    Raises UnavailableError; the claim may have been made then.
    """
    is_free = Attr("worker").eq("") | Attr("claimed_until").lte(now)
    try:
        tables.write(Write(key, put_in={"worker": worker, "claimed_until": until}, when=is_claimable & is_free))
    except WriteRefusedError:
        return None
    item = tables.get(key)
    return item if item and item["worker"] == worker else None


def renew_claim(tables: Tables, key: ItemKey, worker: str, *, until: int) -> None:
    """Extend the claim of `worker`. Raises LostClaimError if another worker has it, UnavailableError."""
    try:
        tables.write(Write(key, put_in={"claimed_until": until}, when=is_claimed_by(worker)))
    except WriteRefusedError as refusal:
        raise LostClaimError from refusal


def release_claim(tables: Tables, key: ItemKey, worker: str) -> None:
    """End the claim after an error, so that the next worker need not wait for it to expire, if that can be written."""
    with suppress(WriteRefusedError, UnavailableError):
        tables.write(Write(key, put_in={"worker": "", "claimed_until": 0}, when=is_claimed_by(worker)))


def is_claimed_by(worker: str) -> Condition:
    """The condition that `worker` has the claim."""
    return Attr("worker").eq(worker)
