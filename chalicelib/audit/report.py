"""What one user's books add to an audit, and how the totals across all users are compared with them. Pure rules."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from ..dates import utc_date
from ..models.aggregates import ACTIVE_USERS, AggregateKey, Amounts, AmountsByKey, amounts_by_key, merge_amounts
from ..models.audits import AuditFigures, Books, Finding, FindingKind
from ..models.ledger import HoldState

USAGE = "usage"


def audit_figures(books: Books) -> AuditFigures:
    """What a user whose books were checked adds to the report."""
    return AuditFigures(
        users_checked=1,
        entries=len(books.entries),
        open_holds=sum(hold.state is HoldState.OPEN for hold in books.holds),
        purchases=sum(purchase.user_id == books.user_id for purchase in books.purchases.values()),
        credits_outstanding=books.balance.available + books.balance.held,
    )


def amounts_of_closed_days(books: Books, before_day: str) -> AmountsByKey:
    """What the user's entries of the days before `before_day` add to the totals across all users.

    Those entries never change and no more of them are written, so this also holds for a user who is changing.
    """
    closed = [entry for entry in books.entries if utc_date(entry.at) < before_day]
    total = merge_amounts(*(amounts_by_key(entry) for entry in closed))
    for day in {utc_date(entry.at) for entry in closed if entry.kind == USAGE}:
        total[AggregateKey(day, ACTIVE_USERS)] = {"users": 1}
    return total


def group_by_month(totals: Mapping[AggregateKey, Amounts]) -> dict[str, AmountsByKey]:
    """The totals of each month, such as `2026-11`."""
    months: dict[str, AmountsByKey] = {}
    for key, amounts in totals.items():
        months.setdefault(key.date[:7], {})[key] = amounts
    return months


def total_mismatches(
    expected: Mapping[AggregateKey, Amounts], stored: Mapping[AggregateKey, Amounts]
) -> Iterator[Finding]:
    """A finding for each key whose stored amounts differ from those of the entries."""
    for key in sorted(expected.keys() | stored.keys()):
        by_entries, in_totals = expected.get(key, {}), stored.get(key, {})
        names = sorted(by_entries.keys() | in_totals.keys())
        different = [name for name in names if by_entries.get(name, 0) != in_totals.get(name, 0)]
        if different:
            message = " ".join(
                f"{name} is {in_totals.get(name, 0):,}, but the entries add up to {by_entries.get(name, 0):,}."
                for name in different
            )
            reference = " ".join(part for part in (key.date, key.service, key.provider, key.model) if part)
            yield Finding(FindingKind.TOTALS_DIFFER, message, reference=reference)


def truncate_findings(findings: Sequence[Finding], max_characters: int) -> list[Finding]:
    """The findings with messages and references short enough that many fit into one item."""
    return [
        replace(finding, message=finding.message[:max_characters], reference=finding.reference[:max_characters])
        for finding in findings
    ]
