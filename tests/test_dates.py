"""Ranges of days: midnight UTC, leap days, and invalid ranges."""

from datetime import UTC, date, datetime

import pytest

from chalicelib.dates import day_range
from chalicelib.errors import InvalidRequestError

NOON = int(datetime(2028, 3, 1, 12, tzinfo=UTC).timestamp())


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def test_the_default_range_is_the_thirty_days_up_to_today() -> None:
    days = day_range(None, None, NOON)

    assert (days[0], days[-1], len(days)) == ("2028-02-01", "2028-03-01", 30)
    assert "2028-02-29" in days


@pytest.mark.parametrize(("moment", "today"), [("23:59:59", "2028-02-29"), ("24:00:00", "2028-03-01")])
def test_a_day_ends_at_midnight_utc(moment: str, today: str) -> None:
    now = at("2028-02-29T00:00:00+00:00") + sum(
        n * int(part) for n, part in zip((3600, 60, 1), moment.split(":"), strict=True)
    )

    assert day_range(None, None, now)[-1] == today


def test_a_range_may_have_one_end_only() -> None:
    assert day_range(date(2028, 2, 28), None, NOON) == ["2028-02-28", "2028-02-29", "2028-03-01"]
    assert day_range(None, date(2028, 1, 30), NOON)[0] == "2028-01-01"
    assert day_range(None, date(2020, 1, 5), NOON)[0] == "2020-01-01"


def test_a_range_has_at_most_366_days() -> None:
    assert len(day_range(date(2027, 3, 1), date(2028, 2, 29), NOON)) == 366
    with pytest.raises(InvalidRequestError) as raised:
        day_range(date(2027, 3, 1), date(2028, 3, 1), NOON)
    assert raised.value.details["field"] == "from"


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        (date(2028, 3, 1), date(2028, 2, 29), "to"),
        (date(2019, 12, 31), date(2020, 1, 5), "from"),
        (date(2028, 3, 1), date(2028, 3, 3), "to"),
        (date(2099, 1, 1), None, "to"),
        (None, date(2019, 12, 31), "to"),
        (date.min, date.max, "from"),
        (None, date.min, "to"),
    ],
)
def test_an_invalid_range_is_rejected(first: date | None, last: date | None, field: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        day_range(first, last, NOON)
    assert raised.value.details["field"] == field
