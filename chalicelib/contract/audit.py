"""Audit: reports, and the actions of administrators."""

from typing import Annotated

from msgspec import Struct

from ..dates import rfc3339
from ..models import admin_actions
from ..models.audits import AuditState, FindingKind
from .base import RequestShape, ResponseShape, Time, one_of


class StartAudit(RequestShape, kw_only=True):
    """`recount`: also complete what is derived, for example after a long outage.

    It counts transactions that the running totals missed, and lists purchases that the list of sales lacks.
    """

    recount: bool = False


class AuditStarted(ResponseShape, kw_only=True):
    audit_id: str
    status: Annotated[str, one_of(*AuditState)]


class AuditFinding(ResponseShape, kw_only=True):
    """One problem. docs/operations.md explains each `kind`."""

    kind: Annotated[str, one_of(*FindingKind)]
    message: str
    user_id: str = ""
    reference: str = ""


class TopUser(ResponseShape, kw_only=True):
    user_id: str
    credits_used: int
    provider_cost_micro_usd: int
    revenue_cents: int


class ActiveUsers(Struct, kw_only=True):
    """Users who used credits in the day, the week and the thirty days before the audit."""

    day: int
    week: int
    month: int


class AuditReport(ResponseShape, kw_only=True):
    """`users_moving`: accounts that changed while the audit read them, so that they were not checked.

    `users_judged` is an earlier name of `users_checked`, kept for clients of version 0.2.
    """

    audit_id: str
    status: Annotated[str, one_of(*AuditState)]
    started_at: Time
    users_checked: int
    users_judged: int
    users_moving: int
    entries: int
    open_holds: int
    purchases: int
    credits_outstanding: int
    findings_count: int
    findings: list[AuditFinding]
    top_users: list[TopUser]
    active_users: ActiveUsers
    ended_at: Time = ""


class AdminActionItem(ResponseShape, kw_only=True):
    """`before` and `after`: the changed values, such as {"available": 200} or {"blocked": true}.

    `reference`: the purchase, of a refund.
    """

    id: str
    at: Time
    admin: str
    action: str
    user_id: str
    reason: str
    before: dict[str, int | bool]
    after: dict[str, int | bool]
    reference: str = ""

    @classmethod
    def of(cls, action: admin_actions.AdminAction, admin: str) -> "AdminActionItem":
        """The action, with what to call the administrator."""
        return cls(
            id=action.action_id,
            at=rfc3339(action.at),
            admin=admin,
            action=action.action,
            user_id=action.user_id,
            reason=action.reason,
            before=dict(action.before),
            after=dict(action.after),
            reference=action.reference,
        )


class LastAudit(ResponseShape, kw_only=True):
    """The last finished audit, the running one, and the latest actions of administrators, newest first."""

    report: AuditReport | None
    running: AuditReport | None
    actions: list[AdminActionItem]
