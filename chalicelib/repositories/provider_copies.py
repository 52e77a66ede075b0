"""What a provider still has of catch-ups that have ended or are deleted: `ERASING` / `COPY#<job>#<provider's id>`.

Such an item has no word of a person. It is written with the job's end, and stays until the provider has deleted its
copy.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .conditions import Attr
from .table import Item, ItemKey, Tables, Write

ERASING, COPY = "ERASING", "COPY#"  # beside the marks of deleted transcripts (transcripts.py)


@dataclass(frozen=True)
class ProviderCopy:
    """A transcript at the provider, by its id there. `due_at`: when the sweep sends for its job, epoch seconds."""

    job_id: str
    provider_id: str
    due_at: int = 0


def put_copy(copy: ProviderCopy) -> Write:
    """Have the provider's copy deleted, whether or not that was recorded before."""
    item = {"job_id": copy.job_id, "provider_id": copy.provider_id, "due_at": copy.due_at}
    return Write(_copy_key(copy), item=item)


def postpone_copy(copy: ProviderCopy, due_at: int) -> Write:
    """Let the sweep send for it at `due_at`, if it is still to be deleted."""
    return Write(_copy_key(copy), put_in={"due_at": due_at}, when=Attr("job_id").exists())


def delete_copy(copy: ProviderCopy) -> Write:
    """The provider has deleted it."""
    return Write(_copy_key(copy), delete=True)


def list_all_copies(tables: Tables) -> Iterator[ProviderCopy]:
    """The copies of all jobs, which are few."""
    return map(_copy_from, tables.query_all("app", ERASING, COPY))


def find_due_copies(tables: Tables, now: int) -> Iterator[ProviderCopy]:
    """The copies that are due."""
    return (copy for copy in list_all_copies(tables) if copy.due_at <= now)


def list_copies(tables: Tables, job_id: str) -> list[ProviderCopy]:
    """What is recorded of one job's copies."""
    return [_copy_from(item) for item in tables.query_all("app", ERASING, f"{COPY}{job_id}#")]


def _copy_key(copy: ProviderCopy) -> ItemKey:
    return ItemKey("app", ERASING, f"{COPY}{copy.job_id}#{copy.provider_id}")


def _copy_from(item: Item) -> ProviderCopy:
    return ProviderCopy(item["job_id"], item["provider_id"], item["due_at"])
