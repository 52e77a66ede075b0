"""The audit: recompute every balance from its entries, and report what does not add up.

An audit is a job in pages. A page reads and checks some users (reader.py, checks.py); one transaction then saves the
progress of the audit and what the page found. So a worker that dies loses only the work of its page, and a message
that is delivered several times, even at once, counts each page once.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from msgspec.structs import replace

from .. import contract
from ..dates import rfc3339
from ..errors import UnavailableError
from ..logs.request_facts import request_facts
from ..models.accounts import Caller
from ..models.aggregates import AmountsByKey, merge_amounts
from ..models.audits import Audit, AuditFigures, AuditState, Finding
from ..models.health import HealthKind, HealthNote
from ..providers.protocols import JobQueue
from ..repositories import audits
from ..repositories.admin_actions import recent_actions
from ..repositories.claims import claim, release_claim
from ..repositories.ledger import Ledger
from ..repositories.profiles import load_emails
from ..repositories.table import Tables, WriteRefusedError
from .reader import Auditor, AuditRules
from .report import group_by_month, truncate_findings

MESSAGE = "audit:"
TRIES = 8
ACTIONS_SHOWN = 50


@dataclass(frozen=True)
class Audits:
    """Starts audits, advances them page by page, and reports their results."""

    ledger: Ledger
    tables: Tables
    auditor: Auditor
    queue: JobQueue
    rules: AuditRules
    now: Callable[[], int]  # epoch seconds, UTC
    new_id: Callable[[], str]

    # Starting and reading

    def start(self, caller: Caller, recount: bool) -> contract.AuditStarted:
        """Start an audit, or return the running one. `recount`: also count entries that the totals have missed."""
        self.ledger.admit(caller)
        return contract.AuditStarted(audit_id=self._start(recount), status=AuditState.RUNNING.value)

    def start_daily(self) -> int:
        """Start an audit, unless one is running or the last one started too recently; returns how many."""
        latest = audits.latest_audits_from(self.tables.get(audits.LATEST_KEY))
        if latest.running or latest.last_started_at + self.rules.daily_seconds > self.now():
            return 0
        self._start(recount=False)
        return 1

    def load_latest(self, caller: Caller) -> contract.LastAudit:
        """The last audit that ended, the running one, and the latest actions of administrators."""
        _, (item,) = self.ledger.admit(caller, extra_keys=[audits.LATEST_KEY])
        latest = audits.latest_audits_from(item)
        actions = recent_actions(self.tables, ACTIONS_SHOWN)
        audit_keys = [audits.audit_key(audit_id) for audit_id in (latest.last, latest.running) if audit_id]
        admins = {action.admin_id for action in actions}
        emails, items = load_emails(self.tables, admins, extra_keys=audit_keys)
        found = {item["audit_id"]: audits.audit_from(item) for item in items if item}
        last, running = (self._report(found.get(audit_id)) for audit_id in (latest.last, latest.running))
        shown = [contract.AdminActionItem.of(action, emails[action.admin_id]) for action in actions]
        return contract.LastAudit(report=last, running=running, actions=shown)

    def sweep(self) -> int:
        """Send another message for a running audit that makes no progress; returns how many. Safe to call any time."""
        latest = audits.latest_audits_from(self.tables.get(audits.LATEST_KEY))
        running = self._load(latest.running) if latest.running else None
        if running is None or running.claimed_until > self.now():
            return 0
        if running.progress_at + self.rules.resend_seconds > self.now():
            return 0
        self.queue.send(MESSAGE + running.audit_id)
        return 1

    def _start(self, recount: bool) -> str:
        """The id of a new audit, or of the running one."""
        for _ in range(TRIES):
            now = self.now()
            audit = Audit(self.new_id(), AuditState.RUNNING, started_at=now, progress_at=now, recount=recount)
            try:
                self.tables.transact(audits.start_writes(audit))
            except WriteRefusedError:
                running = audits.latest_audits_from(self.tables.get(audits.LATEST_KEY)).running
                if running:
                    return running
                continue  # It has just ended.
            with suppress(UnavailableError):  # The sweep sends the message again.
                self.queue.send(MESSAGE + audit.audit_id)
            return audit.audit_id
        raise UnavailableError("Other audits are being started at this moment. Retry the request.")

    # Advancing

    def advance(self, audit_id: str) -> dict[str, int] | None:
        """Process the next page, and send a message for the page after it; metrics once the audit has ended, else None.

        Safe to call any number of times, also concurrently. Raises UnavailableError and AggregatesBusyError: call
        again.
        """
        audit = self._load(audit_id)
        if audit and audit.state is AuditState.RUNNING:
            audit = self._process_next(audit)
        if audit is None or audit.state is AuditState.RUNNING:
            return None
        return {
            "AuditFindings": audit.figures.findings_count,
            "AuditsFailed": int(audit.state is AuditState.FAILED),
            "AuditUsersChecked": audit.figures.users_checked,
            "AuditUsersMoving": audit.figures.users_moving,
        }

    def _process_next(self, audit: Audit) -> Audit | None:
        """The audit after its next page; None while another worker holds the claim."""
        claimed = self._claim(audit)
        if claimed is None:
            return None
        try:
            after = self._process_page(claimed)
        except WriteRefusedError:  # The claim expired, and another worker processed the page.
            return None
        except Exception:
            release_claim(self.tables, audits.audit_key(claimed.audit_id), claimed.worker)
            raise
        if after.state is AuditState.RUNNING:
            with suppress(UnavailableError):  # The sweep sends the message a minute later.
                self.queue.send(MESSAGE + after.audit_id)
        return after

    def _process_page(self, audit: Audit) -> Audit:
        """The audit after the page, or after its end, as it was written. Raises WriteRefusedError without a claim."""
        if self.now() >= audit.progress_at + self.rules.stalled_seconds:
            failed_audit = self._save(audit, replace(audit, state=AuditState.FAILED, ended_at=self.now()))
            request_facts().failed_jobs.append(HealthNote(HealthKind.JOB_FAILED, "audit", "stalled", audit.audit_id))
            return failed_audit
        if audit.has_read_all:
            mismatches = list(self.auditor.find_total_mismatches(audit))
            figures = audit.figures + AuditFigures(findings_count=len(mismatches))
            ended = replace(audit, state=AuditState.DONE, ended_at=self.now(), figures=figures)
            return self._save(audit, ended, mismatches)
        page = self.auditor.read_page(audit)
        page_months = group_by_month(page.totals)
        earlier = audits.load_totals(self.tables, audit.audit_id, sorted(page_months))
        totals = {month: merge_amounts(earlier[month], amounts) for month, amounts in page_months.items()}
        after = replace(
            audit,
            after=page.after,
            has_read_all=page.is_last,
            figures=audit.figures + page.figures + AuditFigures(findings_count=len(page.findings)),
            usage=page.usage,
        )
        return self._save(audit, after, page.findings, totals)

    def _save(
        self,
        before: Audit,
        after: Audit,
        findings: Sequence[Finding] = (),
        totals: dict[str, AmountsByKey] | None = None,
    ) -> Audit:
        """The audit as it was written. Raises WriteRefusedError if the claim of `before` is no longer held."""
        room = max(0, self.rules.max_findings_stored - before.figures.findings_count)
        after = replace(after, progress_at=self.now())
        stored = truncate_findings(findings[:room], self.rules.max_characters)
        self.tables.transact(audits.progress_writes(before, after, stored, totals or {}))
        return after

    # Loading, claiming, reporting

    def _load(self, audit_id: str) -> Audit | None:
        item = self.tables.get(audits.audit_key(audit_id))
        return audits.audit_from(item) if item else None

    def _claim(self, audit: Audit) -> Audit | None:
        """The current audit with our claim; None while another worker holds the claim, or if it has just ended."""
        now, key = self.now(), audits.audit_key(audit.audit_id)
        until = now + self.rules.claim_seconds
        item = claim(self.tables, key, self.new_id(), until=until, now=now, is_claimable=audits.is_running())
        return audits.audit_from(item) if item else None

    def _report(self, audit: Audit | None) -> contract.AuditReport | None:
        if audit is None:
            return None
        figures, usage, limit = audit.figures, audit.usage, self.rules.max_findings_shown
        findings = audits.load_findings(self.tables, audit.audit_id, limit) if figures.findings_count else []
        return contract.AuditReport(
            audit_id=audit.audit_id,
            status=audit.state.value,
            started_at=rfc3339(audit.started_at),
            ended_at=rfc3339(audit.ended_at) if audit.ended_at else "",
            users_checked=figures.users_checked,
            users_judged=figures.users_checked,
            users_moving=figures.users_moving,
            entries=figures.entries,
            open_holds=figures.open_holds,
            purchases=figures.purchases,
            credits_outstanding=figures.credits_outstanding,
            findings_count=figures.findings_count,
            findings=[
                contract.AuditFinding(kind=f.kind.value, message=f.message, user_id=f.user_id, reference=f.reference)
                for f in findings
            ],
            top_users=[
                contract.TopUser(
                    user_id=user.user_id,
                    credits_used=user.credits,
                    provider_cost_micro_usd=user.cost_micro_usd,
                    revenue_cents=user.cents,
                )
                for user in usage.top_users
            ],
            active_users=contract.ActiveUsers(day=usage.active_day, week=usage.active_week, month=usage.active_month),
        )
