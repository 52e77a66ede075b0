"""What a person takes along: `EXPORTS` / `<user>` is the one export that a user has, being made or made."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from boto3.dynamodb.conditions import Attr, ConditionBase

from .table import Item, ItemKey, Path, Tables, Write

EXPORTS = "EXPORTS"


class ExportState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Export:
    """`due_at`: when somebody looks at it again, to go on with it or to forget it. `worker`: who writes it, until
    `claimed_until`."""

    user_id: str
    export_id: str
    state: ExportState
    begun_at: int
    due_at: int
    worker: str = ""
    claimed_until: int = 0
    bytes: int = 0


def export_key(user_id: str) -> ItemKey:
    return ItemKey("app", EXPORTS, user_id)


def export(item: Item) -> Export:
    """The export that was read."""
    fields = {name: item[name] for name in Export.__dataclass_fields__ if name in item}
    return Export(**fields | {"state": ExportState(item["state"])})


def begun(new: Export, instead_of: Export | None) -> Write:
    """The user's export from now on, if there still is none, or that one."""
    free = Attr("export_id").eq(instead_of.export_id) & _ended() if instead_of else Attr("pk").not_exists()
    return Write(export_key(new.user_id), item=_fields(new), when=free)


def taken(user_id: str, worker: str, until: int, now: int) -> Write:
    """The export in the hands of `worker`, if it runs and nobody else has it."""
    free = Attr("worker").eq("") | Attr("claimed_until").lte(now)
    running = Attr("state").eq(ExportState.RUNNING.value)
    return Write(export_key(user_id), put_in={"worker": worker, "claimed_until": until}, when=running & free)


def renewed(mine: Export, until: int) -> Write:
    """The export stays in its worker's hands, if it still is."""
    return Write(export_key(mine.user_id), put_in={"claimed_until": until}, when=Attr("worker").eq(mine.worker))


def freed(mine: Export) -> Write:
    """The export in nobody's hands, if it still is in those it was in."""
    nobody: dict[Path, object] = {"worker": "", "claimed_until": 0}
    return Write(export_key(mine.user_id), put_in=nobody, when=Attr("worker").eq(mine.worker))


def ended(mine: Export, state: ExportState, size: int, due_at: int) -> Write:
    """The export made, or given up, if it still is its worker's."""
    after: dict[Path, object] = {"state": state.value, "bytes": size, "due_at": due_at, "worker": ""}
    return Write(export_key(mine.user_id), put_in=after, when=Attr("worker").eq(mine.worker))


def looked_at_again(one: Export, due_at: int) -> Write:
    return Write(export_key(one.user_id), put_in={"due_at": due_at}, when=Attr("export_id").eq(one.export_id))


def forgotten(one: Export) -> Write:
    return Write(export_key(one.user_id), delete=True, when=Attr("export_id").eq(one.export_id) & _ended())


def due(tables: Tables, now: int) -> Iterator[Export]:
    """Those to look at now. All of the last day are read."""
    yield from (one for one in map(export, tables.query_all("app", EXPORTS)) if one.due_at <= now)


def _ended() -> ConditionBase:
    return ~Attr("state").eq(ExportState.RUNNING.value)


def _fields(one: Export) -> Item:
    return vars(one) | {"state": one.state.value}
