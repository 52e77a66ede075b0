"""A user's own usage: days end at midnight UTC, days without usage are listed, and one query reads it all."""

from datetime import UTC, date, datetime

import pytest

from chalicelib import contract
from chalicelib.credits.usage import UsageReport
from chalicelib.dates import utc_date
from chalicelib.errors import AccountBlockedError
from chalicelib.models.accounts import Caller
from chalicelib.models.ledger import Charge, Hold, ModelUse
from chalicelib.pricing.price_files import SERVICES
from chalicelib.repositories.table import ItemKey, Write
from tests.default_prices import PRICE_VERSION
from tests.fakes import Backend

MIDNIGHT = int(datetime(2028, 2, 29, tzinfo=UTC).timestamp())
SERVICE_NAMES = list(SERVICES)


@pytest.fixture
def ada(backend: Backend) -> Caller:
    backend.clock.at = MIDNIGHT - 86_400
    return backend.person(100_000)


def use(backend: Backend, caller: Caller, at: int, service: str, credits: int, audio_ms: int = 0) -> None:
    """A settlement at that moment."""
    hold = Hold(caller.user_id, f"{service}:{at}:{credits}", credits, service, "x", at + 60)
    assert backend.ledger.hold(caller, hold, at=at)
    charge = Charge(credits, service, "x", audio_ms, PRICE_VERSION, (ModelUse("p/m", audio_ms, 7),))
    backend.ledger.settle(hold, charge, at=at)


def usage_query(first: date, last: date) -> contract.UsageQuery:
    return contract.UsageQuery(from_day=first, to_day=last)


def test_a_settlement_counts_on_its_utc_day_to_the_second(backend: Backend, ada: Caller) -> None:
    for moment in (MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + 86_399, MIDNIGHT + 86_400):
        use(backend, ada, moment, "live", 10, 60_000)
    backend.clock.at = MIDNIGHT + 86_401

    report = UsageReport(backend.ledger, backend.clock).usage(ada, usage_query(date(2028, 2, 27), date(2028, 3, 1)))

    assert [(day.date, day.credits, day.seconds, day.uses) for day in report.days] == [
        ("2028-02-27", 0, 0, 0),
        ("2028-02-28", 10, 60, 1),
        ("2028-02-29", 20, 120, 2),
        ("2028-03-01", 10, 60, 1),
    ]
    assert (report.from_day, report.to_day) == ("2028-02-27", "2028-03-01")
    assert report.totals == contract.UsageTotals(credits=40, seconds=240, uses=4)


def test_all_services_are_named_and_seconds_are_rounded_once(backend: Backend, ada: Caller) -> None:
    for number in range(3):
        use(backend, ada, MIDNIGHT + number, "live", 1, 100)
    use(backend, ada, MIDNIGHT, "ask", 5)
    use(backend, ada, MIDNIGHT, "something new", 2, 1)
    backend.clock.at = MIDNIGHT + 60

    report = UsageReport(backend.ledger, backend.clock).usage(ada, contract.UsageQuery())

    assert [(usage.service, usage.credits, usage.seconds, usage.uses) for usage in report.services] == [
        ("live", 3, 1, 3),
        ("catchup", 0, 0, 0),
        ("catchup_session", 0, 0, 0),
        ("ask", 5, 0, 1),
        ("something new", 2, 1, 1),
    ]
    assert [usage.service for usage in report.days[0].services] == SERVICE_NAMES
    assert (len(report.days), report.days[-1].date, report.days[-1].credits) == (30, "2028-02-29", 10)


def test_a_leap_year_of_every_service_is_one_query(backend: Backend, ada: Caller) -> None:
    days = [utc_date(MIDNIGHT - number * 86_400) for number in range(366)]
    figures = {"credits": 1, "audio_ms": 10**11, "cost_micro_usd": 10**12, "entries": 1}
    keys = [ItemKey("ledger", f"USER#{ada.user_id}", f"DAY#{day}#{name}") for day in days for name in SERVICES]
    for first in range(0, len(keys), 100):
        backend.tables.transact([Write(key, add=figures) for key in keys[first : first + 100]])
    backend.clock.at = MIDNIGHT + 60

    report = UsageReport(backend.ledger, backend.clock).usage(ada, usage_query(date(2027, 3, 1), date(2028, 2, 29)))

    assert (len(report.days), report.totals.credits) == (366, 366 * len(SERVICES))
    assert all(day.uses == len(SERVICES) for day in report.days)


def test_other_users_usage_is_not_included(backend: Backend, ada: Caller) -> None:
    bob = backend.person(100)
    use(backend, bob, MIDNIGHT, "live", 10, 60_000)
    backend.clock.at = MIDNIGHT + 60

    assert UsageReport(backend.ledger, backend.clock).usage(ada, contract.UsageQuery()).totals.uses == 0


def test_a_blocked_user_is_refused(backend: Backend, ada: Caller) -> None:
    backend.ledger.set_blocked(ada.user_id, True)

    with pytest.raises(AccountBlockedError):
        UsageReport(backend.ledger, backend.clock).usage(ada, contract.UsageQuery())
