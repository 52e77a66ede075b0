"""Accounts that are being erased: `ERASURES` / `<user>`, there until nothing but their books is left.

What of a user's is no book: everything under `USER#<id>` in the app table but the pointers to purchases, which the
audit reads. Catch-up jobs lie elsewhere; the ledger's holds name every one there ever was.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from boto3.dynamodb.conditions import Attr

from .purchases import POINTER
from .table import Item, ItemKey, Tables, Write

ERASURES = "ERASURES"
FOREVER = 253_402_300_799


@dataclass(frozen=True)
class PendingDeletion:
    """One account on its way out. `due_at`: when somebody is sent to look at it again."""

    user_id: str
    job_id: str
    begun_at: int
    due_at: int


def erasure_key(user_id: str) -> ItemKey:
    return ItemKey("app", ERASURES, user_id)


def begun(new: PendingDeletion) -> Write:
    item = {"job_id": new.job_id, "begun_at": new.begun_at, "due_at": new.due_at}
    return Write(erasure_key(new.user_id), item=item)


def erasure(tables: Tables, user_id: str) -> PendingDeletion | None:
    """None once all is erased."""
    item = tables.get(erasure_key(user_id))
    return _erasure(item) if item else None


def looked_at_again(user_id: str, due_at: int) -> Write:
    return Write(erasure_key(user_id), put_in={"due_at": due_at}, when=Attr("begun_at").exists())


def ended(user_id: str) -> Write:
    return Write(erasure_key(user_id), delete=True, when=Attr("begun_at").exists())


def due(tables: Tables, now: int) -> Iterator[PendingDeletion]:
    """Those to look at now. All that are under way are read, which are few."""
    yield from (one for one in map(_erasure, tables.query_all("app", ERASURES)) if one.due_at <= now)


def export_content(tables: Tables, user_id: str) -> Iterator[tuple[list[ItemKey], list[str]]]:
    """All that lies under the user in the app table, a page at a time: what is to go, and the purchases pointed to."""
    return map(_parted, tables.query_pages("app", f"USER#{user_id}"))


def _parted(items: Sequence[Item]) -> tuple[list[ItemKey], list[str]]:
    pointers = [item for item in items if item["sk"].startswith(POINTER)]
    rest = [ItemKey("app", item["pk"], item["sk"]) for item in items if not item["sk"].startswith(POINTER)]
    return rest, [item["purchase_id"] for item in pointers]


def _erasure(item: Item) -> PendingDeletion:
    return PendingDeletion(item["sk"], item["job_id"], item["begun_at"], item["due_at"])
