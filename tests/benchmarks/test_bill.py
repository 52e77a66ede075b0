"""The bill keeps its budgets, and every figure of the docs is the one that is counted here."""

import copy
import re
from decimal import Decimal

import pytest

from benchmarks import bill, bill_page
from benchmarks.billed_use import LEASE_SECONDS, BilledUse
from benchmarks.metered_stage import Counts

pytestmark = pytest.mark.long
PAGE = bill_page.PAGE.read_text(encoding="utf-8")


def test_a_thousand_streamed_hours_cost_at_most_their_budget(use: BilledUse) -> None:
    assert bill.total_usd(bill.streamed_bill(use.hour)) <= bill.STREAMED_BUDGET_USD == Decimal("0.85")


def test_a_month_at_rest_costs_at_most_its_budget(use: BilledUse) -> None:
    assert bill.total_usd(bill.rest_bill(use)) <= bill.REST_BUDGET_USD == 8


def test_a_save_takes_at_most_seven_write_units(use: BilledUse) -> None:
    assert 0 < use.hour.largest_save_units <= 7
    assert use.hour_saved_often.largest_save_units <= 7


def test_the_hour_is_the_one_that_the_budget_is_about(use: BilledUse) -> None:
    """A start, 11 renewals, 60 saves and a stop; 12 leases are 12 entries, each of which is counted."""
    api, counter = (calls.counts for calls in use.hour.calls)

    assert (api.gateway_requests, api.provider_calls, counter.invocations) == (1 + 11 + 60 + 1, 12, 12)
    assert api.transactions == 60 + 12 * 2 + 1
    assert (bill.HOURS, LEASE_SECONDS) == (1_000, 300)


def test_the_page_has_exactly_what_is_counted(use: BilledUse) -> None:
    """`.venv/bin/python -m benchmarks.bill_page` writes it."""
    assert bill_page.page(PAGE, use) == PAGE
    assert re.findall(r"<!-- bill: (\w+) -->", PAGE) == list(bill_page.PARTS)


def test_the_readme_has_the_same_dollars(use: BilledUse) -> None:
    rest, cache = bill.total_usd(bill.rest_bill(use)), bill.cache_usd("0.5")
    readme = (bill_page.PAGE.parent.parent / "README.md").read_text(encoding="utf-8")

    assert f"costs about ${rest:.0f} a month, and ${cache:.0f} more with the gateway's cache" in readme


def test_every_price_of_a_bill_has_a_source_and_a_date(use: BilledUse) -> None:
    lines = [*bill.streamed_bill(use.hour, is_traced=True), *bill.rest_bill(use)]

    assert {line.price for line in lines} | {"gateway_cache_hour"} == set(bill.PRICES["usd"])
    assert all(price["source"].startswith("https://aws.amazon.com/") for price in bill.PRICES["usd"].values())
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", bill.PRICES["read_on"])


def test_nothing_that_is_counted_is_left_out_of_the_bill(use: BilledUse) -> None:
    """Each count that rises makes a bill higher."""
    use = copy.deepcopy(use)
    streamed, rest = (bill.total_usd(lines(use)) for lines in (_streamed_lines, bill.rest_bill))

    for name in set(Counts.__struct_fields__) - {"metrics"}:
        for calls in (use.hour.calls, use.month_at_rest):
            for each in calls:
                setattr(each.counts, name, getattr(each.counts, name) + 1_000)
        now = [bill.total_usd(lines(use)) for lines in (_streamed_lines, bill.rest_bill)]
        assert now[0] > streamed or now[1] > rest, name
        streamed, rest = now


def _streamed_lines(use: BilledUse) -> list[bill.Line]:
    return bill.streamed_bill(use.hour)
