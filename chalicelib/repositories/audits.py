"""Audits: `AUDITS` / `LATEST` names the running audit and the last one; `AUDIT#<id>` / `AUDIT` is one and its progress.

Beside an audit are `AUDIT#<id>` / `FINDINGS#<step>#<n>`, the findings of a page, and `AUDIT#<id>` / `TOTALS#<month>`,
the totals of the entries of closed days. Everything a page does is one transaction conditioned on the step at which it
started, so a page that is processed twice counts once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import asdict, replace

from ..models.aggregates import AggregateKey, Amounts, AmountsByKey
from ..models.audits import Audit, AuditFigures, AuditState, Finding, FindingKind, LatestAudits
from ..models.usage_figures import UsageFigures, UserUsage
from .aggregates import key_from, sort_key
from .claims import is_claimed_by
from .conditions import Attr
from .table import Item, ItemKey, Path, Tables, Write

LATEST_KEY = ItemKey("app", "AUDITS", "LATEST")
FINDINGS, TOTALS = "FINDINGS#", "TOTALS#"
FINDINGS_PER_ITEM = 200
RETENTION_SECONDS = 90 * 86_400


def audit_key(audit_id: str) -> ItemKey:
    return ItemKey("app", _pk(audit_id), "AUDIT")


def audit_from(item: Item) -> Audit:
    fields = {name: item[name] for name in Audit.__struct_fields__ if name in item}
    fields["state"] = AuditState(item["state"])
    fields["after"] = tuple(item["after"])
    fields["figures"] = AuditFigures(**item["figures"])
    top_users = tuple(UserUsage(**usage) for usage in item["usage"]["top_users"])
    fields["usage"] = UsageFigures(**item["usage"] | {"top_users": top_users})
    return Audit(**fields)


def latest_audits_from(item: Item | None) -> LatestAudits:
    """The latest audits; without an item, no audit was ever started."""
    item = item or {}
    return LatestAudits(**{name: item[name] for name in LatestAudits.__struct_fields__ if name in item})


def load_findings(tables: Tables, audit_id: str, limit: int) -> list[Finding]:
    """The first `limit` findings of an audit, in the order in which they were found."""
    items, _ = tables.query("app", _pk(audit_id), FINDINGS, limit=limit)
    return [_finding_from(fields) for item in items for fields in item["findings"]][:limit]


def load_totals(tables: Tables, audit_id: str, months: Sequence[str]) -> dict[str, AmountsByKey]:
    """The totals of these months, of the entries the audit has read so far."""
    items = tables.get_many([_totals_key(audit_id, month) for month in months]) if months else []
    return {month: _totals_from(item) for month, item in zip(months, items, strict=True)}


def load_months(tables: Tables, audit_id: str) -> list[str]:
    """The months for which the audit has totals, oldest first."""
    return [item["sk"].removeprefix(TOTALS) for item in tables.query_all("app", _pk(audit_id), TOTALS)]


# Writes


def start_writes(audit: Audit) -> list[Write]:
    """A new audit, on condition that none is running."""
    latest: dict[Path, Any] = {"running": audit.audit_id, "last_started_at": audit.started_at}
    none_running = Attr("running").not_exists() | Attr("running").eq("")
    return [
        Write(audit_key(audit.audit_id), item=_fields(audit), when=Attr("pk").not_exists()),
        Write(LATEST_KEY, put_in=latest, when=none_running),
    ]


def progress_writes(
    before: Audit, after: Audit, findings: Sequence[Finding], totals: Mapping[str, Mapping[AggregateKey, Amounts]]
) -> list[Write]:
    """The audit after a page or at its end, on condition that its claim and step are still those of `before`.

    `findings`: those of the page that are stored; `totals`: by month, complete, for each month the page added to.
    """
    updated = replace(after, step=before.step + 1, worker="", claimed_until=0)
    is_unchanged = is_claimed_by(before.worker) & Attr("step").eq(before.step)
    writes = [Write(audit_key(before.audit_id), item=_fields(updated), when=is_unchanged & is_running())]
    expires_at = before.started_at + RETENTION_SECONDS
    for first in range(0, len(findings), FINDINGS_PER_ITEM):
        key = ItemKey("app", _pk(before.audit_id), f"{FINDINGS}{before.step:08d}#{first:08d}")
        batch = findings[first : first + FINDINGS_PER_ITEM]
        fields = [asdict(finding) | {"kind": finding.kind.value} for finding in batch]
        writes.append(Write(key, item={"findings": fields, "expires_at": expires_at}))
    for month, by_key in totals.items():
        lines = {sort_key(key): dict(amounts) for key, amounts in by_key.items()}
        writes.append(Write(_totals_key(before.audit_id, month), item={"lines": lines, "expires_at": expires_at}))
    if updated.state is not AuditState.RUNNING:
        latest: dict[Path, Any] = {"running": "", "last": updated.audit_id}
        writes.append(Write(LATEST_KEY, put_in=latest, when=Attr("running").eq(updated.audit_id)))
    return writes


def is_running() -> Any:
    return Attr("state").eq(AuditState.RUNNING.value)


def _fields(audit: Audit) -> Item:
    usage = asdict(audit.usage) | {"top_users": [asdict(user) for user in audit.usage.top_users]}
    return asdict(audit) | {
        "state": audit.state.value,
        "after": list(audit.after),
        "figures": asdict(audit.figures),
        "usage": usage,
        "expires_at": audit.started_at + RETENTION_SECONDS,
    }


def _finding_from(fields: Item) -> Finding:
    return Finding(**fields | {"kind": FindingKind(fields["kind"])})


def _totals_from(item: Item | None) -> AmountsByKey:
    return {key_from(text): amounts for text, amounts in item["lines"].items()} if item else {}


def _pk(audit_id: str) -> str:
    return f"AUDIT#{audit_id}"


def _totals_key(audit_id: str, month: str) -> ItemKey:
    return ItemKey("app", _pk(audit_id), f"{TOTALS}{month}")
