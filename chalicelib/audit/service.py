"""The audit: every balance is worked out anew from its entries, and what does not add up is told.

A job in pages. A page reads some users whole and judges each whose balance did not move meanwhile (auditing.py,
judging.py); then one write moves the audit on and adds what the page found. So a worker that dies loses a page's work
and nothing else, and the same message any number of times, also at once, counts each page once.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from msgspec.structs import replace

from .. import contract
from ..dates import rfc3339
from ..errors import UnavailableError
from ..models.accounts import Caller
from ..models.admin_actions import AdminAction
from ..models.audits import Audit, AuditFigures, AuditState, Finding
from ..providers.protocols import JobQueue
from ..repositories import audits
from ..repositories.admin_actions import recent_actions
from ..repositories.ledger import Ledger
from ..repositories.profiles import profile_key
from ..repositories.table import Tables, WriteRefusedError
from .reader import Auditor, AuditRules
from .report import Lines, added, by_month, clipped, heaviest

MESSAGE = "audit:"
TRIES = 8
ACTIONS_SHOWN = 50


@dataclass(frozen=True)
class Audits:
    """Starts audits, takes them on a page at a time, and tells how they ended."""

    ledger: Ledger
    tables: Tables
    auditor: Auditor
    queue: JobQueue
    rules: AuditRules
    now: Callable[[], int]  # epoch seconds, UTC
    new_id: Callable[[], str]

    # Starting and looking

    def start(self, caller: Caller, recount: bool) -> contract.AuditStarted:
        """An audit of everything, or the one that runs. `recount`: also count what the sums over all users missed."""
        self.ledger.admit(caller)
        return contract.AuditStarted(audit_id=self._started(recount), status=AuditState.RUNNING.value)

    def start_daily(self) -> int:
        """Start an audit, if the last one began long enough ago; how many."""
        known = audits.known(self.tables.get(audits.KNOWN_KEY))
        if known.running or known.begun_at + self.rules.daily_seconds > self.now():
            return 0
        self._started(recount=False)
        return 1

    def last(self, caller: Caller) -> contract.LastAudit:
        """The last audit that ended, the one that runs, and what administrators did lately."""
        _, (item,) = self.ledger.admit(caller, extra_keys=[audits.KNOWN_KEY])
        known = audits.known(item)
        acts = recent_actions(self.tables, ACTIONS_SHOWN)
        admins = sorted({act.admin_id for act in acts})
        wanted = [audits.audit_key(one) for one in (known.last, known.running) if one]
        items = self.tables.get_many([*wanted, *map(profile_key, admins)]) if wanted or admins else []
        found = {item["audit_id"]: audits.audit(item) for item in items[: len(wanted)] if item}
        last, running = (self._report(found.get(one)) for one in (known.last, known.running))
        people = zip(admins, items[len(wanted) :], strict=True)
        addresses = {admin_id: str(item["email"]) for admin_id, item in people if item}
        actions = [_shown(act, addresses.get(act.admin_id, act.admin_id)) for act in acts]
        return contract.LastAudit(report=last, running=running, actions=actions)

    def sweep(self) -> int:
        """Have the running audit go on if it has been silent; how many. Safe at any time, also beside itself."""
        known = audits.known(self.tables.get(audits.KNOWN_KEY))
        running = self._read(known.running) if known.running else None
        if running is None or running.claimed_until > self.now():
            return 0
        if running.moved_at + self.rules.look_again_seconds > self.now():
            return 0
        self.queue.send(MESSAGE + running.audit_id)
        return 1

    def _started(self, recount: bool) -> str:
        for _ in range(TRIES):
            now = self.now()
            new = Audit(self.new_id(), AuditState.RUNNING, started_at=now, moved_at=now, recount=recount)
            try:
                self.tables.transact(audits.begun(new))
            except WriteRefusedError:
                running = audits.known(self.tables.get(audits.KNOWN_KEY)).running
                if running:
                    return running
                continue  # It has just ended.
            with suppress(UnavailableError):  # The sweep finds it without.
                self.queue.send(MESSAGE + new.audit_id)
            return new.audit_id
        raise UnavailableError("Other audits begin and end all the time.")

    # Going on

    def advance(self, audit_id: str) -> dict[str, int] | None:
        """Do the next page, and send for the one after it. Figures for an alarm, once the audit has ended.

        Safe to call at any time, any number of times, also beside itself. Raises UnavailableError and
        TotalsBusyError: call again.
        """
        seen = self._read(audit_id)
        if seen and seen.state is AuditState.RUNNING:
            seen = self._next(seen)
        if seen is None or seen.state is AuditState.RUNNING:
            return None
        return {
            "AuditFindings": seen.figures.findings_count,
            "AuditsFailed": int(seen.state is AuditState.FAILED),
            "AuditUsersJudged": seen.figures.users_judged,
            "AuditUsersMoving": seen.figures.users_moving,
        }

    def _next(self, seen: Audit) -> Audit | None:
        """The audit after its next page; None while somebody else is at it."""
        mine = self._taken(seen)
        if mine is None:
            return None
        try:
            after = self._step(mine)
        except WriteRefusedError:  # So slow that somebody else took the page over.
            return None
        except Exception:
            with suppress(WriteRefusedError, UnavailableError):  # So that who comes next need not wait for the claim.
                self.tables.write(audits.freed(mine))
            raise
        if after.state is AuditState.RUNNING:
            with suppress(UnavailableError):  # The sweep sends it a minute later.
                self.queue.send(MESSAGE + after.audit_id)
        return after

    def _step(self, mine: Audit) -> Audit:
        if self.now() >= mine.moved_at + self.rules.stalled_seconds:
            return self._moved(mine, replace(mine, state=AuditState.FAILED, ended_at=self.now()))
        if mine.has_read_all:
            found = list(self.auditor.wrong_sums(mine))
            figures = mine.figures + AuditFigures(findings_count=len(found))
            done = replace(mine, state=AuditState.DONE, ended_at=self.now(), figures=figures)
            return self._moved(mine, done, found)
        page = self.auditor.page(mine)
        monthly = by_month(page.lines)
        before = audits.sums(self.tables, mine.audit_id, sorted(monthly))
        months = {month: added(before[month], lines) for month, lines in monthly.items()}
        after = replace(
            mine,
            after=page.after,
            has_read_all=page.is_last,
            figures=mine.figures + page.figures + AuditFigures(findings_count=len(page.findings)),
            heaviest=heaviest([*mine.heaviest, *page.uses], self.rules.heaviest),
        )
        return self._moved(mine, after, page.findings, months)

    def _moved(
        self, mine: Audit, after: Audit, found: Sequence[Finding] = (), months: dict[str, Lines] | None = None
    ) -> Audit:
        """The audit after what was done, written with it. Raises WriteRefusedError where it is not ours any more."""
        room = max(0, self.rules.findings_kept - mine.figures.findings_count)
        after = replace(after, moved_at=self.now())
        kept = clipped(found[:room], self.rules.characters)
        self.tables.transact(audits.moved(mine, after, kept, months or {}))
        return after

    # Whose the audit is, and how it is told

    def _read(self, audit_id: str) -> Audit | None:
        item = self.tables.get(audits.audit_key(audit_id))
        return audits.audit(item) if item else None

    def _taken(self, seen: Audit) -> Audit | None:
        """The audit in our hands, as it is now; None while somebody else has it, or where it has just ended."""
        worker, now = self.new_id(), self.now()
        try:
            self.tables.write(audits.taken(seen.audit_id, worker, now + self.rules.claim_seconds, now))
        except WriteRefusedError:
            return None
        mine = self._read(seen.audit_id)
        return mine if mine and mine.worker == worker else None

    def _report(self, one: Audit | None) -> contract.AuditReport | None:
        if one is None:
            return None
        figures = one.figures
        shown = audits.findings(self.tables, one.audit_id, self.rules.findings_shown) if figures.findings_count else []
        return contract.AuditReport(
            audit_id=one.audit_id,
            status=one.state.value,
            started_at=rfc3339(one.started_at),
            ended_at=rfc3339(one.ended_at) if one.ended_at else "",
            users_judged=figures.users_judged,
            users_moving=figures.users_moving,
            entries=figures.entries,
            open_holds=figures.open_holds,
            purchases=figures.purchases,
            credits_outstanding=figures.credits_outstanding,
            findings_count=figures.findings_count,
            findings=[
                contract.AuditFinding(kind=f.kind.value, message=f.message, user_id=f.user_id, reference=f.reference)
                for f in shown
            ],
            top_users=[
                contract.TopUser(
                    user_id=u.user_id,
                    credits_used=u.credits,
                    provider_cost_micro_usd=u.cost_micro_usd,
                    revenue_cents=u.cents,
                )
                for u in one.heaviest
            ],
            active_users=contract.ActiveUsers(
                day=figures.active_day, week=figures.active_week, month=figures.active_month
            ),
        )


def _shown(one: AdminAction, admin: str) -> contract.AdminActionItem:
    return contract.AdminActionItem(
        id=one.action_id,
        at=rfc3339(one.at),
        admin=admin,
        action=one.what,
        user_id=one.user_id,
        reason=one.reason,
        before=dict(one.before),
        after=dict(one.after),
    )
