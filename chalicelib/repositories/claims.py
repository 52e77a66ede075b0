"""The claim of a worker: one worker at a time works on a catch-up job, an export or an audit.

An item that can be claimed has `worker` (empty: unclaimed) and `claimed_until` (epoch seconds), after which another
worker may claim it. Whatever a worker writes afterwards is conditional on `is_claimed_by`.
"""

from boto3.dynamodb.conditions import Attr, ConditionBase

from .table import ItemKey, Write


class LostClaimError(Exception):
    """Another worker claimed the item, or it ended meanwhile; this worker must not write any more."""


def claim(key: ItemKey, worker: str, until: int, now: int, *, is_open: ConditionBase) -> Write:
    """Claim the item for `worker`, if it `is_open` and no other worker's claim is valid."""
    is_free = Attr("worker").eq("") | Attr("claimed_until").lte(now)
    return Write(key, put_in={"worker": worker, "claimed_until": until}, when=is_open & is_free)


def renew_claim(key: ItemKey, worker: str, until: int) -> Write:
    """Extend the claim, if `worker` still has it."""
    return Write(key, put_in={"claimed_until": until}, when=is_claimed_by(worker))


def release_claim(key: ItemKey, worker: str) -> Write:
    """End the claim, if `worker` still has it, whatever else changed."""
    return Write(key, put_in={"worker": "", "claimed_until": 0}, when=is_claimed_by(worker))


def is_claimed_by(worker: str) -> ConditionBase:
    """The condition that `worker` has the claim."""
    return Attr("worker").eq(worker)
