"""What one user's books add to an audit's report, and how the sums over all users are compared. Pure rules."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from ..dates import utc_date
from ..models.aggregates import Line, Sums, lines_of, together
from ..models.audits import AuditFigures, Books, Finding, FindingKind, HeavyUse
from ..models.ledger import HoldState

DAY_SECONDS = 86_400
MONTH_DAYS = 30
USAGE = "usage"
ACTIVE = "active"  # the line that counts a day's users
Lines = dict[Line, Sums]


def judged(books: Books) -> AuditFigures:
    """What a user whose books stood still adds to the report."""
    return AuditFigures(
        users_judged=1,
        entries=len(books.entries),
        open_holds=sum(hold.state is HoldState.OPEN for hold in books.holds),
        purchases=sum(one.user_id == books.user_id for one in books.purchases.values()),
        credits_outstanding=books.balance.available + books.balance.held,
    )


def active(books: Books, now: int) -> AuditFigures:
    """Whether the user used anything in the day, week and month before `now`."""
    last_at = max((entry.at for entry in books.entries if entry.kind == USAGE and entry.at <= now), default=-1)
    within = [last_at > now - days * DAY_SECONDS and last_at >= 0 for days in (1, 7, MONTH_DAYS)]
    return AuditFigures(active_day=within[0], active_week=within[1], active_month=within[2])


def heavy_use(books: Books, now: int) -> HeavyUse | None:
    """What the user used and paid in the month before `now`; None where nothing was used."""
    lately = [entry for entry in books.entries if now - MONTH_DAYS * DAY_SECONDS < entry.at <= now]
    uses = [entry for entry in lately if entry.kind == USAGE]
    if not uses:
        return None
    return HeavyUse(
        books.user_id,
        -sum(entry.credits for entry in uses),
        sum(entry.cost_micro_usd for entry in uses),
        sum(entry.cents for entry in lately),
    )


def heaviest(known: Iterable[HeavyUse], number: int) -> tuple[HeavyUse, ...]:
    """The heaviest first; which of equals is settled by their ids, so that a page done again changes nothing."""
    return tuple(sorted(known, key=lambda one: (-one.credits, -one.cost_micro_usd, one.user_id))[:number])


# The sums over all users


def closed_lines(books: Books, before_day: str) -> Lines:
    """What the entries of the days before add to the sums over all users. Those entries never change, nor come more,
    so this holds also where the user is being written to."""
    closed = [entry for entry in books.entries if utc_date(entry.at) < before_day]
    lines = added({}, *(lines_of(entry) for entry in closed))
    for day in {utc_date(entry.at) for entry in closed if entry.kind == USAGE}:
        lines[Line(day, ACTIVE)] = {"users": 1}
    return lines


def added(*parts: Mapping[Line, Sums]) -> Lines:
    """The lines of all parts, added up."""
    total: Lines = {}
    for part in parts:
        for line, sums in part.items():
            total[line] = together([total.get(line, {}), sums])
    return total


def by_month(lines: Mapping[Line, Sums]) -> dict[str, Lines]:
    """The lines of each month, such as `2026-11`."""
    months: dict[str, Lines] = {}
    for line, sums in lines.items():
        months.setdefault(line.date[:7], {})[line] = sums
    return months


def differences(booked: Mapping[Line, Sums], kept: Mapping[Line, Sums]) -> Iterator[Finding]:
    """A finding for each line that is kept otherwise than the entries make it."""
    for line in sorted(booked.keys() | kept.keys()):
        ours, theirs = booked.get(line, {}), kept.get(line, {})
        wrong = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name, 0) != theirs.get(name, 0))
        if wrong:
            said = "; ".join(f"{name} {theirs.get(name, 0)}, by the entries {ours.get(name, 0)}" for name in wrong)
            named = " ".join(part for part in (line.date, line.service, line.provider, line.model) if part)
            yield Finding(FindingKind.TOTALS_DIFFER, said, reference=named)


def clipped(findings: Sequence[Finding], characters: int) -> list[Finding]:
    """The findings with messages and references of bounded length, so that they fit into an item."""
    return [replace(one, message=one.message[:characters], reference=one.reference[:characters]) for one in findings]
