"""What an audit reads: the books of every user, page by page, and at the end the totals across all users."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from ..dates import utc_date
from ..models.aggregates import AmountsByKey, merge_amounts
from ..models.audits import Audit, AuditFigures, Books, Finding, FindingKind
from ..models.ledger import Entry
from ..models.usage_figures import UsageFigures
from ..pricing.price_table import Prices
from ..repositories import account_books, audits
from ..repositories.aggregates import Aggregates
from ..repositories.purchases import list_as_sold
from ..repositories.table import Tables
from .checks import Valuation, findings
from .report import amounts_of_closed_days, audit_figures, total_mismatches


class UsageCollector(Protocol):
    """Works out the owner's usage figures from the entries that the audit reads."""

    def add_user(self, figures: UsageFigures, user_id: str, entries: Collection[Entry], now: int) -> UsageFigures: ...


@dataclass(frozen=True)
class AuditRules:
    """The settings of audits."""

    # Pages are long because each one writes the totals of all the months that it touched.
    page_seconds: int = 120
    items_per_page: int = 5_000
    items_per_scan: int = 1_000  # of the ledger, some of which are balances
    claim_seconds: int = 300  # longer than a page and its last user take
    resend_seconds: int = 60  # without progress: the sweep sends another message
    stalled_seconds: int = 3_600  # without progress: the audit fails, and the next one starts over
    daily_seconds: int = 20 * 3_600
    # An entry is dated when its request reads the clock, at most 30 s before it is written.
    day_close_seconds: int = 900
    max_reads: int = 5
    reread_seconds: float = 0.5  # DynamoDB writes the items of one transaction some milliseconds apart
    max_findings_stored: int = 1_000
    max_findings_shown: int = 100
    max_characters: int = 200
    first_month: str = "2026-01"  # nothing was booked before


@dataclass
class AuditPage:
    """What a page has found so far."""

    after: tuple[str, ...]
    usage: UsageFigures
    figures: AuditFigures = field(default_factory=AuditFigures)
    findings: list[Finding] = field(default_factory=list)
    totals: AmountsByKey = field(default_factory=dict)
    guards: list[account_books.ScannedItem] = field(default_factory=list)
    length: int = 0
    is_last: bool = False


@dataclass(frozen=True)
class Auditor:
    """Reads and checks books. `price_tables`: those that exist, by version. `purchase_value`: see `checks.findings`."""

    tables: Tables
    aggregates: Aggregates
    price_tables: Mapping[str, Prices]
    purchase_value: Valuation
    usage_collector: UsageCollector
    rules: AuditRules
    now: Callable[[], int]  # epoch seconds, UTC
    pause: Callable[[float], None]  # seconds

    def read_page(self, audit: Audit) -> AuditPage:
        """Check the next users, as many as the time of a page allows."""
        page = AuditPage(after=audit.after, usage=audit.usage)
        self._read_users(page, audit, self.now() + self.rules.page_seconds)
        page.findings += self._find_missing_grants(page.guards)
        # The scan finds users by their balance; these have none.
        for user_id in account_books.users_without_balance(self.tables, page.guards):
            self._check_user(user_id, audit, page)
        return page

    def _read_users(self, page: AuditPage, audit: Audit, until: int) -> None:
        while not page.is_last:
            items, last = account_books.scan_balances_and_guards(self.tables, page.after, self.rules.items_per_scan)
            for item in items:
                if item.entry_id:
                    page.guards.append(item)
                else:
                    self._check_user(item.user_id, audit, page)
                page.after, page.length = item.key, page.length + 1
                if page.length >= self.rules.items_per_page or self.now() >= until:
                    return
            page.after, page.is_last = last or (), last is None
            if self.now() >= until:
                return

    def _check_user(self, user_id: str, audit: Audit, page: AuditPage) -> None:
        try:
            books, found = self._read_and_check(user_id)
        except (KeyError, TypeError, ValueError) as error:  # One broken item must not stop the audit of other users.
            message = f"An item cannot be read: {type(error).__name__} {error}."
            page.findings.append(Finding(FindingKind.UNREADABLE, message, user_id))
            page.figures += AuditFigures(users_checked=1)
            return
        if found is None:
            page.figures += AuditFigures(users_moving=1)
        else:
            page.figures += audit_figures(books)
            page.findings += found
        page.totals = merge_amounts(page.totals, amounts_of_closed_days(books, self._open_day(audit)))
        page.usage = self.usage_collector.add_user(page.usage, user_id, books.entries, audit.started_at)
        if audit.recount:
            self.aggregates.count([(user_id, entry) for entry in books.entries])
            for purchase in books.purchases.values():  # Those that were made before there was a list for the seller.
                self.tables.write(list_as_sold(purchase))

    def _read_and_check(self, user_id: str) -> tuple[Books, list[Finding] | None]:
        """The user's books and their findings; None for books that kept changing while they were read.

        Findings count only if a second read confirms them: DynamoDB does not write all items of a transaction at once.
        """
        earlier: list[Finding] | None = None
        for _ in range(self.rules.max_reads):
            books, is_unchanged = account_books.read_books(self.tables, user_id)
            if not is_unchanged:
                earlier = None
                continue
            found = findings(books, self.now(), self.price_tables, self.purchase_value)
            if not found or found == earlier:
                return books, found
            earlier = found
            self.pause(self.rules.reread_seconds)
        return books, None

    def _find_missing_grants(self, guards: Sequence[account_books.ScannedItem]) -> list[Finding]:
        """Free credits that were never booked although their guard exists; confirmed by a second read, too."""
        missing = account_books.guards_without_entry(self.tables, guards)
        if missing:
            self.pause(self.rules.reread_seconds)
            missing = account_books.guards_without_entry(self.tables, missing)
        return [
            Finding(
                FindingKind.ENTRY_MISSING,
                f"The guard names the entry {guard.entry_id}, which does not exist.",
                guard.user_id,
                "free_credits",
            )
            for guard in missing
        ]

    # The totals across all users

    def find_total_mismatches(self, audit: Audit) -> Iterator[Finding]:
        """Where the totals across all users differ from the entries, month by month."""
        months = audits.load_months(self.tables, audit.audit_id)
        for first_day, last_day in _months(min([self.rules.first_month, *months]), self._open_day(audit)):
            month = first_day[:7]
            expected = audits.load_totals(self.tables, audit.audit_id, [month])[month]
            yield from total_mismatches(expected, self.aggregates.read(first_day, last_day))

    def _open_day(self, audit: Audit) -> str:
        """The first UTC day for which entries may still be written while the audit runs."""
        return utc_date(audit.started_at - self.rules.day_close_seconds)


def _months(first_month: str, before_day: str) -> Iterator[tuple[str, str]]:
    """The first and last day of each month from `first_month` on, up to the day before `before_day`."""
    first, end = date.fromisoformat(f"{first_month}-01"), date.fromisoformat(before_day)
    while first < end:
        next_month = (first + timedelta(days=31)).replace(day=1)
        yield str(first), str(min(next_month, end) - timedelta(days=1))
        first = next_month
