"""What an audit reads: users whole, one after the other, a page at a time; in the end the sums over all of them."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from ..dates import utc_date
from ..models.audits import Audit, AuditFigures, Books, Finding, FindingKind, HeavyUse
from ..repositories import account_books, audits
from ..repositories.aggregates import Aggregates
from ..repositories.table import Tables
from .checks import Valuation, findings
from .report import Lines, active, added, closed_lines, differences, heaviest, heavy_use, judged


@dataclass(frozen=True)
class AuditRules:
    """The settings of audits."""

    # A page is long: at its end it writes the sums of all the months that it touched.
    page_seconds: int = 120
    places_a_page: int = 5_000
    items_a_scan: int = 1_000  # of the ledger, of which some are balances
    claim_seconds: int = 300  # a silent worker's; a page and its last user fit well into it
    look_again_seconds: int = 60
    stalled_seconds: int = 3_600  # without a page done: given up, and the next one begins anew
    daily_seconds: int = 20 * 3_600
    # A movement is booked at the moment its request looked at the clock, which is 30 s before it is written at most.
    closing_seconds: int = 900
    readings: int = 5
    second_reading_seconds: float = 0.5  # DynamoDB writes the items of one transaction some milliseconds apart
    findings_kept: int = 1_000
    findings_shown: int = 100
    characters: int = 200
    heaviest: int = 20
    first_month: str = "2026-01"  # nothing was booked before


@dataclass
class Page:
    """What a page found until now."""

    figures: AuditFigures = field(default_factory=AuditFigures)
    findings: list[Finding] = field(default_factory=list)
    lines: Lines = field(default_factory=dict)
    uses: list[HeavyUse] = field(default_factory=list)
    guards: list[account_books.Place] = field(default_factory=list)
    after: tuple[str, ...] = ()
    length: int = 0
    is_last: bool = False


@dataclass(frozen=True)
class Auditor:
    """Reads and checks. `price_versions`: the existing ones. `purchase_value`: see `checks.findings`."""

    tables: Tables
    totals: Aggregates
    price_versions: Collection[str]
    purchase_value: Valuation
    rules: AuditRules
    now: Callable[[], int]  # epoch seconds, UTC
    pause: Callable[[float], None]  # seconds

    def page(self, mine: Audit) -> Page:
        """The next users, as many as time allows."""
        page = Page(after=mine.after)
        self._fill(page, mine, self.now() + self.rules.page_seconds)
        page.findings += self._unbooked(page.guards)
        for user_id in account_books.without_balance(
            self.tables, page.guards
        ):  # The scan comes by nobody else who has none.
            self._look_at(user_id, mine, page)
        return page

    def _fill(self, page: Page, mine: Audit, until: int) -> None:
        while not page.is_last:
            places, last = account_books.places(self.tables, page.after, self.rules.items_a_scan)
            for place in places:
                if place.entry_id:
                    page.guards.append(place)
                else:
                    self._look_at(place.user_id, mine, page)
                page.after, page.length = place.key, page.length + 1
                if page.length >= self.rules.places_a_page or self.now() >= until:
                    return
            page.after, page.is_last = last or (), last is None
            if self.now() >= until:
                return

    def _look_at(self, user_id: str, mine: Audit, page: Page) -> None:
        try:
            seen, found = self._judged(user_id)
        except (KeyError, TypeError, ValueError) as error:  # One broken item must keep nobody else from being judged.
            said = f"an item cannot be read: {type(error).__name__} {error}"
            page.findings.append(Finding(FindingKind.UNREADABLE, said, user_id))
            page.figures += AuditFigures(users_judged=1)
            return
        if found is None:
            page.figures += AuditFigures(users_moving=1)
        else:
            page.figures += judged(seen)
            page.findings += found
        page.figures += active(seen, mine.started_at)
        page.lines = added(page.lines, closed_lines(seen, self._open_day(mine)))
        if use := heavy_use(seen, mine.started_at):
            page.uses = list(heaviest([*page.uses, use], self.rules.heaviest))
        if mine.recount:
            self.totals.count([(user_id, entry) for entry in seen.entries])

    def _judged(self, user_id: str) -> tuple[Books, list[Finding] | None]:
        """The user's books, and what is wrong with them; None where they did not stand still.

        What is wrong has to be so twice: a transaction is not written to all its items at the same instant.
        """
        earlier: list[Finding] | None = None
        for _ in range(self.rules.readings):
            seen, is_still = account_books.read(self.tables, user_id)
            if not is_still:
                earlier = None
                continue
            found = findings(seen, self.now(), self.price_versions, self.purchase_value)
            if not found or found == earlier:
                return seen, found
            earlier = found
            self.pause(self.rules.second_reading_seconds)
        return seen, None

    def _unbooked(self, guards: Sequence[account_books.Place]) -> list[Finding]:
        """Free credits that were never booked, though their guard says so; looked at twice, too."""
        missing = account_books.without_entry(self.tables, guards)
        if missing:
            self.pause(self.rules.second_reading_seconds)
            missing = account_books.without_entry(self.tables, missing)
        return [
            Finding(
                FindingKind.ENTRY_MISSING,
                f"the guard names the entry {guard.entry_id}, which is not there",
                guard.user_id,
                "free_credits",
            )
            for guard in missing
        ]

    # The sums over all users

    def _open_day(self, mine: Audit) -> str:
        """The first UTC day that movements may still be booked into while the audit runs."""
        return utc_date(mine.started_at - self.rules.closing_seconds)

    def wrong_sums(self, mine: Audit) -> Iterator[Finding]:
        """Where the sums over all users differ from what the entries make, month by month."""
        open_day = self._open_day(mine)
        touched = audits.months(self.tables, mine.audit_id)
        for first_day, last_day in _months(min([self.rules.first_month, *touched]), open_day):
            month = first_day[:7]
            booked = audits.sums(self.tables, mine.audit_id, [month])[month]
            yield from differences(booked, self.totals.read(first_day, last_day))


def _months(first_month: str, before_day: str) -> Iterator[tuple[str, str]]:
    """The first and last day of each month from `first_month` on, as far as they are before `before_day`."""
    first, end = date.fromisoformat(f"{first_month}-01"), date.fromisoformat(before_day)
    while first < end:
        following = (first + timedelta(days=31)).replace(day=1)
        yield str(first), str(min(following, end) - timedelta(days=1))
        first = following
