"""Audits: `AUDITS` / `KNOWN` says which one runs and which ended last; `AUDIT#<id>` / `AUDIT` is one as far as it is.

Beside it lie `AUDIT#<id>` / `FINDINGS#<step>#<n>`, what a page found, and `AUDIT#<id>` / `SUMS#<month>`, what the
entries of closed days add up to. All that a page does is one transaction on the step it began at, so a page that is
done twice counts once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from boto3.dynamodb.conditions import Attr
from msgspec.structs import asdict, replace

from ..models.aggregates import Line, Sums
from ..models.audits import Audit, AuditFigures, AuditState, Finding, FindingKind, HeavyUse, KnownAudits
from .table import Item, ItemKey, Path, Tables, Write

KNOWN_KEY = ItemKey("app", "AUDITS", "KNOWN")
FINDINGS, SUMS = "FINDINGS#", "SUMS#"
FINDINGS_AN_ITEM = 200
KEPT_SECONDS = 90 * 86_400


def audit_key(audit_id: str) -> ItemKey:
    return ItemKey("app", _pk(audit_id), "AUDIT")


def audit(item: Item) -> Audit:
    """The audit that was read."""
    fields = {name: item[name] for name in Audit.__struct_fields__ if name in item}
    fields["state"] = AuditState(item["state"])
    fields["after"] = tuple(item["after"])
    fields["figures"] = AuditFigures(**item["figures"])
    fields["heaviest"] = tuple(HeavyUse(**one) for one in item["heaviest"])
    return Audit(**fields)


def known(item: Item | None) -> KnownAudits:
    """The audits that are known of; none where nothing was ever written."""
    item = item or {}
    return KnownAudits(**{name: item[name] for name in KnownAudits.__struct_fields__ if name in item})


def findings(tables: Tables, audit_id: str, limit: int) -> list[Finding]:
    """The first findings of an audit, in the order in which they were found; at most `limit`."""
    items, _ = tables.query("app", _pk(audit_id), FINDINGS, limit=limit)
    return [_finding(one) for item in items for one in item["findings"]][:limit]


def sums(tables: Tables, audit_id: str, months: Sequence[str]) -> dict[str, dict[Line, Sums]]:
    """What the audit added up of these months until now."""
    items = tables.get_many([_sums_key(audit_id, month) for month in months]) if months else []
    return {month: _lines(item) for month, item in zip(months, items, strict=True)}


def months(tables: Tables, audit_id: str) -> list[str]:
    """The months that the audit added something up of, oldest first."""
    return [item["sk"].removeprefix(SUMS) for item in tables.query_all("app", _pk(audit_id), SUMS)]


# Writes


def begun(new: Audit) -> list[Write]:
    """A new audit, if none runs."""
    running: dict[Path, Any] = {"running": new.audit_id, "begun_at": new.started_at}
    none_runs = Attr("running").not_exists() | Attr("running").eq("")
    return [
        Write(audit_key(new.audit_id), item=_fields(new), when=Attr("pk").not_exists()),
        Write(KNOWN_KEY, put_in=running, when=none_runs),
    ]


def taken(audit_id: str, worker: str, until: int, now: int) -> Write:
    """The audit in the hands of `worker`, if it runs and nobody else has it."""
    free = Attr("worker").eq("") | Attr("claimed_until").lte(now)
    running = Attr("state").eq(AuditState.RUNNING.value)
    return Write(audit_key(audit_id), put_in={"worker": worker, "claimed_until": until}, when=running & free)


def freed(held: Audit) -> Write:
    """The audit in nobody's hands, if it still is in those it was in."""
    mine = Attr("worker").eq(held.worker)
    return Write(audit_key(held.audit_id), put_in={"worker": "", "claimed_until": 0}, when=mine)


def moved(
    before: Audit, after: Audit, found: Sequence[Finding], months: Mapping[str, Mapping[Line, Sums]]
) -> list[Write]:
    """The audit after a page or its end, if it is in the hands and at the step that it was in.

    `found`: what is to be kept of the page's findings; `months`: the sums of the months that it touched, whole.
    """
    now = replace(after, step=before.step + 1, worker="", claimed_until=0)
    same = Attr("worker").eq(before.worker) & Attr("step").eq(before.step)
    writes = [Write(audit_key(before.audit_id), item=_fields(now), when=same & _runs())]
    expires_at = before.started_at + KEPT_SECONDS
    for first in range(0, len(found), FINDINGS_AN_ITEM):
        key = ItemKey("app", _pk(before.audit_id), f"{FINDINGS}{before.step:08d}#{first:08d}")
        plain = [asdict(one) | {"kind": one.kind.value} for one in found[first : first + FINDINGS_AN_ITEM]]
        writes.append(Write(key, item={"findings": plain, "expires_at": expires_at}))
    for month, lines in months.items():
        item = {"lines": {_name(line): dict(sums) for line, sums in lines.items()}, "expires_at": expires_at}
        writes.append(Write(_sums_key(before.audit_id, month), item=item))
    if now.state is not AuditState.RUNNING:
        ended: dict[Path, Any] = {"running": "", "last": now.audit_id}
        writes.append(Write(KNOWN_KEY, put_in=ended, when=Attr("running").eq(now.audit_id)))
    return writes


def _runs() -> Any:
    return Attr("state").eq(AuditState.RUNNING.value)


def _fields(one: Audit) -> Item:
    return asdict(one) | {
        "state": one.state.value,
        "after": list(one.after),
        "figures": asdict(one.figures),
        "heaviest": [asdict(use) for use in one.heaviest],
        "expires_at": one.started_at + KEPT_SECONDS,
    }


def _finding(said: Item) -> Finding:
    return Finding(**said | {"kind": FindingKind(said["kind"])})


def _lines(item: Item | None) -> dict[Line, Sums]:
    return {Line(*name.split("#", 3)): sums for name, sums in item["lines"].items()} if item else {}


def _name(line: Line) -> str:
    return f"{line.date}#{line.service}#{line.provider}#{line.model}"


def _pk(audit_id: str) -> str:
    return f"AUDIT#{audit_id}"


def _sums_key(audit_id: str, month: str) -> ItemKey:
    return ItemKey("app", _pk(audit_id), f"{SUMS}{month}")
