"""UTC days and times: the ranges that reports accept, and how times are written."""

from datetime import UTC, date, datetime, timedelta

from .errors import InvalidRequestError

DAY_SECONDS = 86_400
DEFAULT_DAYS, MAX_DAYS = 30, 366
EARLIEST = date(2020, 1, 1)


def day_range(first: date | None, last: date | None, now: int) -> list[str]:
    """Every day from `first` to `last`, both included, as `2026-11-22`.

    `last` is today if None; `first` is then 29 days before it. `now`: epoch seconds. Raises InvalidRequestError for a
    range that ends before it begins, is longer than 366 days, begins before 2020, or ends after tomorrow, which has
    begun in some time zones.
    """
    today = datetime.fromtimestamp(now, UTC).date()
    last = last or max(today, first or today)
    if last < EARLIEST:
        raise InvalidRequestError("The range must end in 2020 or later.", "to")
    first = first or max(EARLIEST, last - timedelta(days=DEFAULT_DAYS - 1))
    if first < EARLIEST:
        raise InvalidRequestError("The range must begin in 2020 or later.", "from")
    if last > today + timedelta(days=1):
        raise InvalidRequestError("The range must not end after tomorrow.", "to")
    if first > last:
        raise InvalidRequestError("The range ends before it begins. Send an earlier `from` or a later `to`.", "to")
    if (last - first).days >= MAX_DAYS:
        raise InvalidRequestError(f"A range has at most {MAX_DAYS} days. Choose a later day.", "from")
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]


def rfc3339(at: int) -> str:
    """Epoch seconds as RFC 3339 in UTC: `1795385310` → `2026-11-22T22:08:30Z`."""
    return f"{datetime.fromtimestamp(at, UTC).isoformat()[:19]}Z"


def utc_date(at: int) -> str:
    """The UTC day of epoch seconds, `2026-11-22`."""
    return rfc3339(at)[:10]


def midnight(day: str) -> int:
    """Epoch seconds of the beginning of a UTC day, `2026-11-22`."""
    return (date.fromisoformat(day) - date(1970, 1, 1)).days * DAY_SECONDS
