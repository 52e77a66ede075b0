"""Counts of what went wrong, by the hour: `HEALTH` / `<kind>#<hour>#<subject>#<reason>` in the app table.

The last webhook that was applied is found by its subject instead: `webhook_applied#<subject>#<hour>`.
A record stops counting at `MAX_COUNT`, so that unauthenticated callers cause few writes.
"""

import re
from collections.abc import Sequence
from typing import Any

from ..dates import rfc3339
from ..models.health import HealthKind, HealthNote, HealthRecord
from .conditions import Attr
from .table import Item, ItemKey, Tables, Write, WriteRefusedError

PARTITION = "HEALTH"
MAX_COUNT = 100
KEPT_SECONDS = 14 * 86_400
MAX_CHARACTERS = 80
UNSAFE = re.compile(r"[^A-Za-z0-9 _.:/()-]")


def record_note(tables: Tables, note: HealthNote, at: int) -> bool:
    """Count the note in its hour; return whether the record takes more of them. Raises UnavailableError."""
    key = _key(note, _hour(at))
    has_room = Attr("count").not_exists() | Attr("count").lte(MAX_COUNT - 1)
    put_in: dict[Any, Any] = {
        "kind": note.kind.value,
        "subject": _clean(note.subject),
        "reason": _clean(note.reason),
        "hour": _hour(at),
        "last_at": at,
        "reference": _clean(note.reference),
        "user_id": _clean(note.user_id),
        "expires_at": at + KEPT_SECONDS,
    }
    try:
        changed = tables.write(Write(key, put_in=put_in, add={"count": 1}, when=has_room), returns_changes=True)
    except WriteRefusedError:
        return False
    return int(changed["count"]) < MAX_COUNT


def last_applied(tables: Tables, webhook: str) -> HealthRecord | None:
    """The newest record of an applied webhook, in one read."""
    records = _newest(tables, f"{HealthKind.WEBHOOK_APPLIED}#{webhook}#", 1)
    return records[0] if records else None


def newest_records(tables: Tables, kind: HealthKind, limit: int) -> list[HealthRecord]:
    """Records of a kind, newest hour first, in one read."""
    return _newest(tables, f"{kind}#", limit)


def _newest(tables: Tables, prefix: str, limit: int) -> list[HealthRecord]:
    items: Sequence[Item]
    items, _ = tables.query("app", PARTITION, prefix, limit=limit, newest_first=True)
    return [_record_from(item) for item in items]


def _record_from(item: Item) -> HealthRecord:
    fields = {name: item[name] for name in HealthRecord.__struct_fields__}
    return HealthRecord(**fields | {"kind": HealthKind(item["kind"])})


def _key(note: HealthNote, hour: str) -> ItemKey:
    subject, reason = _clean(note.subject), _clean(note.reason)
    if note.kind is HealthKind.WEBHOOK_APPLIED:
        return ItemKey("app", PARTITION, f"{note.kind}#{subject}#{hour}")
    return ItemKey("app", PARTITION, f"{note.kind}#{hour}#{subject}#{reason}")


def _hour(at: int) -> str:
    """Such as `2026-11-30T14`, UTC."""
    return rfc3339(at)[:13]


def _clean(text: str) -> str:
    """Without the separator of keys, and short: a provider's reason may hold anything."""
    return UNSAFE.sub("_", text)[:MAX_CHARACTERS]
