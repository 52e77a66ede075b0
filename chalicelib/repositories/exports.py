"""Exports of accounts: `EXPORTS` / `<user>` is a user's one export, running or finished."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ..models.field_kinds import Internal
from .claims import is_claimed_by
from .conditions import Attr, Condition
from .table import Item, ItemKey, Path, Tables, Write

EXPORTS = "EXPORTS"


class ExportState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Export:
    """One export. `due_at`: when the sweep continues or deletes it. `worker` has claimed it until `claimed_until`.

    Times are epoch seconds.
    """

    user_id: Internal[str]
    export_id: Internal[str]
    state: Internal[ExportState]
    started_at: Internal[int]
    due_at: Internal[int]
    worker: Internal[str] = ""
    claimed_until: Internal[int] = 0
    bytes: Internal[int] = 0


def export_key(user_id: str) -> ItemKey:
    return ItemKey("app", EXPORTS, user_id)


def export_from(item: Item) -> Export:
    """The export stored in `item`."""
    fields = {name: item[name] for name in Export.__dataclass_fields__ if name in item}
    return Export(**fields | {"state": ExportState(item["state"])})


def create_export(new: Export, replaced: Export | None) -> Write:
    """Store a new export, if the user has none, or still has the finished export `replaced`."""
    is_free = Attr("export_id").eq(replaced.export_id) & _has_ended() if replaced else Attr("pk").not_exists()
    return Write(export_key(new.user_id), item=_fields(new), when=is_free)


def end_export(export: Export, state: ExportState, size: int, due_at: int) -> Write:
    """End the export in `state`, if its worker still has it. `size`: bytes of the file."""
    changes: dict[Path, object] = {"state": state.value, "bytes": size, "due_at": due_at, "worker": ""}
    return Write(export_key(export.user_id), put_in=changes, when=is_claimed_by(export.worker))


def postpone_export(export: Export, due_at: int) -> Write:
    """Let the sweep continue the export at `due_at`, if it is still the user's."""
    return Write(export_key(export.user_id), put_in={"due_at": due_at}, when=Attr("export_id").eq(export.export_id))


def delete_export(export: Export) -> Write:
    """Delete the finished export, if it is still the user's."""
    is_same = Attr("export_id").eq(export.export_id)
    return Write(export_key(export.user_id), delete=True, when=is_same & _has_ended())


def find_due_exports(tables: Tables, now: int) -> Iterator[Export]:
    """The exports that are due. Reads all exports of the last day."""
    yield from (export for export in map(export_from, tables.query_all("app", EXPORTS)) if export.due_at <= now)


def is_running() -> Condition:
    """The condition that the export runs."""
    return Attr("state").eq(ExportState.RUNNING.value)


def _has_ended() -> Condition:
    return ~is_running()


def _fields(export: Export) -> Item:
    return vars(export) | {"state": export.state.value}
