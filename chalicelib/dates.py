"""Ranges of UTC days, as reports take them."""

from datetime import UTC, date, datetime, timedelta

from .errors import InvalidRequestError

USUAL_DAYS, MOST_DAYS = 30, 366
FIRST = date(2020, 1, 1)


def day_range(first: date | None, last: date | None, now: int) -> list[str]:
    """Every day from `first` to `last`, both included. Left out: `last` is today, `first` thirty days before.

    `now` is epoch seconds. Raises InvalidRequestError for a range that is turned round, longer than 366 days, begins
    before 2020, or ends after tomorrow (which has begun somewhere).
    """
    today = datetime.fromtimestamp(now, UTC).date()
    last = last or max(today, first or today)
    if last < FIRST:
        raise InvalidRequestError("There is nothing before 2020.", "to")
    first = first or max(FIRST, last - timedelta(days=USUAL_DAYS - 1))
    if first < FIRST:
        raise InvalidRequestError("There is nothing before 2020.", "from")
    if last > today + timedelta(days=1):
        raise InvalidRequestError("That day has not come yet.", "to")
    if first > last:
        raise InvalidRequestError("The range ends before it begins.", "to")
    if (last - first).days >= MOST_DAYS:
        raise InvalidRequestError(f"A range may have {MOST_DAYS} days at most.", "from")
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]


def rfc3339(at: int) -> str:
    """`1795385310` → `2026-11-22T22:08:30Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_date(at: int) -> str:
    """The UTC day, `2026-11-22`."""
    return rfc3339(at)[:10]
