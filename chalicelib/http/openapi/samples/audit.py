"""Examples of the shapes of the section Audit."""

from .... import contract
from .ids import ACTION, ENDED, STARTED, USER

admin_action = contract.AdminActionItem(
    id=ACTION,
    at=STARTED,
    admin="owner@example.com",
    action="blocked",
    user_id=USER,
    reason="Abuse.",
    before={"blocked": False},
    after={"blocked": True},
)
report = contract.AuditReport(
    audit_id=ACTION,
    status="done",
    started_at=STARTED,
    users_checked=120,
    users_judged=120,
    users_moving=0,
    entries=4_300,
    open_holds=2,
    purchases=37,
    credits_outstanding=51_200,
    findings_count=0,
    findings=[],
    top_users=[contract.TopUser(user_id=USER, credits_used=900, provider_cost_micro_usd=225_000, revenue_cents=999)],
    active_users=contract.ActiveUsers(day=14, week=61, month=97),
    ended_at=ENDED,
)

EXAMPLES = [
    contract.StartAudit(),
    contract.AuditStarted(audit_id=ACTION, status="running"),
    contract.LastAudit(report=report, running=None, actions=[admin_action]),
]
