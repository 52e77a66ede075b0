"""Accounts that are being erased: `ERASURES` / `<user>`, until nothing but their accounting records is left.

What an erasure keeps is declared in stored_shapes.py. Catch-up jobs and purchases lie outside the user's partitions;
the ledger's holds name every job there ever was, and pointers in the app table name the purchases.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec import structs

from ..models.field_kinds import Internal
from ..models.purchases import Purchase
from .conditions import Attr
from .purchases import update_purchase
from .table import Item, ItemKey, Path, TableName, Tables, Write

ERASURES = "ERASURES"
FAR_FUTURE_AT = 253_402_300_799


@dataclass(frozen=True)
class PendingDeletion:
    """An account that is being erased. `due_at`: when the sweep sends for it again. Epoch seconds."""

    user_id: Internal[str]
    job_id: Internal[str]
    started_at: Internal[int]
    due_at: Internal[int]


def deletion_key(user_id: str) -> ItemKey:
    return ItemKey("app", ERASURES, user_id)


def create_deletion(new: PendingDeletion) -> Write:
    """Record that the account is to be erased."""
    item = {"job_id": new.job_id, "started_at": new.started_at, "due_at": new.due_at}
    return Write(deletion_key(new.user_id), item=item)


def load_deletion(tables: Tables, user_id: str) -> PendingDeletion | None:
    """The pending deletion of the account; None once everything is erased."""
    item = tables.get(deletion_key(user_id))
    return _deletion_from(item) if item else None


def postpone_deletion(user_id: str, due_at: int) -> Write:
    """Let the sweep send for it at `due_at`, if it is still pending."""
    return Write(deletion_key(user_id), put_in={"due_at": due_at}, when=Attr("started_at").exists())


def delete_deletion(user_id: str) -> Write:
    """End the pending deletion, if it is still pending."""
    return Write(deletion_key(user_id), delete=True, when=Attr("started_at").exists())


def find_due_deletions(tables: Tables, now: int) -> Iterator[PendingDeletion]:
    """The pending deletions that are due. Reads all pending ones, which are few."""
    pending = map(_deletion_from, tables.query_all("app", ERASURES))
    return (deletion for deletion in pending if deletion.due_at <= now)


def user_pages(tables: Tables, table: TableName, user_id: str) -> Iterator[list[Item]]:
    """All items in the user's partition of a table, a page at a time."""
    return tables.query_pages(table, f"USER#{user_id}")


def remove_attributes(key: ItemKey, attributes: Sequence[str], expires_at: int | None = None) -> Write:
    """Remove attributes of an item that stays, if it is still there; let it expire at `expires_at`, if given."""
    put_in: dict[Path, object] = {} if expires_at is None else {"expires_at": expires_at}
    return Write(key, put_in=put_in, drop=attributes, when=Attr("pk").exists())


def erase_purchase(purchase: Purchase, attributes: Sequence[str]) -> list[Write]:
    """Remove attributes of a purchase, if it is still as read; no writes if nothing has to change."""
    facts = purchase.facts_without_buyer
    if not attributes and facts == purchase.facts:
        return []
    first, *others = update_purchase(purchase, structs.replace(purchase, facts=facts))
    return [structs.replace(first, drop=attributes), *others]


def _deletion_from(item: Item) -> PendingDeletion:
    return PendingDeletion(item["sk"], item["job_id"], item["started_at"], item["due_at"])
