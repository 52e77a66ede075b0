"""What the owner does and sees of users and of the audit, on the wire."""

from typing import Annotated

from msgspec import Meta, Struct

from ..models.audits import AuditState, FindingKind
from .shapes import Answer, Identifier, Request, Time, one_of

Reason = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]
GivenCredits = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]


# Users


class UsersQuery(Request):
    """`email`: how the address begins. Nothing: all users, a page at a time."""

    email: Annotated[str, Meta(min_length=1, max_length=128, pattern=r'^[^"\\\x00-\x1f\x7f]+$(?!\n)')] | None = None
    user_id: Identifier | None = None
    limit: Annotated[int, Meta(ge=1, le=60)] = 50
    cursor: Annotated[str, Meta(min_length=1, max_length=4_000)] | None = None


class AdminUser(Answer):
    user_id: str
    email: str
    created_at: Time
    is_confirmed: bool
    is_blocked: bool
    available: int
    held: int
    lifetime_granted: int
    lifetime_purchased: int
    lifetime_used: int
    name: str = ""


class AdminUsers(Answer):
    users: list[AdminUser]
    next_cursor: str | None


class GiveCredits(Request):
    """`credits` below zero are taken back; never zero."""

    user_id: Identifier
    credits: GivenCredits
    reason: Reason


class CreditsGiven(Answer):
    user_id: str
    credits: int
    available: int
    action_id: str


class Standing(Request):
    """Why somebody is blocked, or unblocked."""

    reason: Reason


class StandingChanged(Answer):
    user_id: str
    is_blocked: bool


class AdminAction(Answer):
    """`before` and `after`: what was changed, such as {"available": 200} and {"blocked": true}."""

    id: str
    at: Time
    admin: str
    action: str
    user_id: str
    reason: str
    before: dict[str, int | bool]
    after: dict[str, int | bool]


# Audit


class StartAudit(Request):
    """`recount`: also count movements that the running totals missed, as after a long outage."""

    recount: bool = False


class AuditStarted(Answer):
    audit_id: str
    status: Annotated[str, one_of(*AuditState)]


class AuditFinding(Answer):
    """One thing that is not as it should be. `kind` is one of docs/operations.md's list."""

    kind: Annotated[str, one_of(*FindingKind)]
    message: str
    user_id: str = ""
    reference: str = ""


class TopUser(Answer):
    user_id: str
    credits_used: int
    provider_cost_micro_usd: int
    revenue_cents: int


class ActiveUsers(Struct):
    """Users with a movement of use in the last day, week and thirty days before the audit."""

    day: int
    week: int
    month: int


class AuditReport(Answer):
    """`status`: `running`, `done` or `failed`. `users_moving`: not judged, because they were being written to."""

    audit_id: str
    status: Annotated[str, one_of(*AuditState)]
    started_at: Time
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


class LastAudit(Answer):
    """The last audit that ended, the one that runs, and what admins did lately, newest first."""

    report: AuditReport | None
    running: AuditReport | None
    actions: list[AdminAction]
