"""The seller's list of purchases: by month, each once, over the edges of months and pages."""

from datetime import UTC, datetime

import pytest

from chalicelib.models.admin_actions import AdminAction
from chalicelib.models.purchase_facts import Refund, RefundFact, RefundState
from chalicelib.models.purchases import Purchase
from chalicelib.repositories.admin_actions import (
    RefundRequest,
    put_action,
    put_refund_request,
    recent_actions,
    record_refund,
    record_refusal,
    refund_request_from,
    request_record_key,
)
from chalicelib.repositories.purchases import create_purchase, list_as_sold, list_sold_purchases, sold_key
from chalicelib.repositories.table import Tables, Write, WriteRefusedError
from tests.default_prices import PRICE_VERSION
from tests.fakes import Backend


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def create(tables: Tables, name: str, created_at: int) -> Purchase:
    purchase = Purchase(name, "ada", "popular", 2_000, 999, "usd", PRICE_VERSION, False, created_at, created_at + 60)
    tables.transact(create_purchase(purchase))
    return purchase


def list_names(tables: Tables, period: tuple[int, int], limit: int) -> list[str]:
    """The names of all pages."""
    names: list[str] = []
    after: str | None = None
    while True:
        purchases, after = list_sold_purchases(tables, period, limit, after)
        assert len(purchases) <= limit
        names += [purchase.purchase_id for purchase in purchases]
        if after is None:
            return names


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_purchases_are_listed_newest_first_over_months_and_pages(backend: Backend, limit: int) -> None:
    year = 2001 + limit  # a month of its own for each case: the list is of all users
    times = [f"{year}-01-31T23:59:59", f"{year}-02-01T00:00:00", f"{year}-02-01T00:00:01", f"{year}-12-31T23:59:59"]
    purchases = [create(backend.tables, f"{limit}-{number}", at(text)) for number, text in enumerate(times)]
    names = [purchase.purchase_id for purchase in purchases]

    whole = (at(f"{year}-01-01T00:00:00"), at(f"{year}-12-31T23:59:59"))
    assert list_names(backend.tables, whole, limit) == names[::-1]
    assert list_names(backend.tables, (at(times[1]), at(times[1])), limit) == [names[1]]
    assert list_names(backend.tables, (at(times[0]) + 1, at(times[3]) - 1), limit) == names[2:0:-1]
    assert list_names(backend.tables, (at(times[2]) + 1, at(times[3]) - 1), limit) == []


def test_a_purchase_is_put_on_the_list_again_without_a_second_line(backend: Backend) -> None:
    purchase = create(backend.tables, "an old one", at("1999-05-05T05:05:05"))
    period = (purchase.created_at, purchase.created_at)
    backend.tables.write(Write(sold_key(purchase), delete=True))
    assert list_names(backend.tables, period, 10) == []

    for _ in range(2):
        backend.tables.write(list_as_sold(purchase))

    assert list_names(backend.tables, period, 10) == ["an old one"]


def test_a_request_for_a_refund_is_stored_once_and_answered_once(backend: Backend) -> None:
    tables = backend.tables
    action = AdminAction("01A", 1, "owner", "refund_requested", "ada", "why", {"x": 0}, {"x": 5}, "p")
    request = RefundRequest(action, "hash", 5)
    tables.transact([*put_action(action), put_refund_request("the action", request)])
    with pytest.raises(WriteRefusedError):
        tables.transact([put_refund_request("the action", request)])

    tables.write(record_refusal("the action"))
    with pytest.raises(WriteRefusedError):
        tables.write(record_refusal("the action"))
    fact = RefundFact("re", Refund(RefundState.SUCCEEDED, 5))
    tables.write(record_refund("the action", fact))
    with pytest.raises(WriteRefusedError):
        tables.write(record_refund("an unknown action", fact))

    stored = refund_request_from(tables.get(request_record_key("the action")) or {})
    assert stored == RefundRequest(action, "hash", 5, fact, True)
    assert recent_actions(tables, 10, "ada") == [action]
