"""The owner's figures over HTTP: they follow the ledger's stream, and only administrators may read them."""

import csv
import io
from typing import Any

import pytest

from chalicelib.repositories.table import ItemKey
from tests.default_prices import live_credits
from tests.fakes import Backend
from tests.http.catchup_steps import wait_for
from tests.http.checkout_steps import PaymentsClient, buy_and_pay
from tests.http.forged_tokens import Forger
from tests.http.http_client import ADMIN_ROUTES, GOOD_REQUESTS, Api, Person, check_error, silence

PATH = "/analytics/costs"


def figures(owner: Person) -> dict[str, Any]:
    response = owner.get(PATH)
    assert response.status_code == 200, response.text
    return dict(response.json())


def open_holds(owner: Person, person: Person) -> list[dict[str, Any]]:
    return [hold for hold in figures(owner)["holds"]["open"] if hold["user_id"] == person.user_id]


def entry_ids(books: Backend, *persons: Person) -> list[str]:
    return [entry.entry_id for person in persons for entry in books.entries(person.user_id)]


def test_usage_and_payments_arrive_in_the_figures(
    owner: Person, person: Person, payments_client: PaymentsClient, books: Backend
) -> None:
    before = figures(owner)
    checkout = buy_and_pay(person, payments_client)
    session_id = person.start()
    person.send(session_id, 0, silence(1_000))
    person.stop(session_id)
    payments_client.refund(checkout, 333)

    def all_counted() -> dict[str, Any] | None:
        counted = [books.tables.get(_marker(entry_id, person)) for entry_id in entry_ids(books, person)]
        return figures(owner) if all(counted) and len(counted) == 4 else None

    after = wait_for(all_counted)
    changes = {name: after["totals"][name] - before["totals"][name] for name in after["totals"]}
    assert changes["credits_used"] >= 1  # Users of other tests may have used some too.
    assert changes["revenue_micro_usd"] >= 6_660_000
    assert {cost["service"] for cost in after["services"]} >= {"live", "catchup", "catchup_session", "ask"}
    assert ("live", "assemblyai", "sync-universal-3-5-pro") in {
        (cost["service"], cost["provider"], cost["model"]) for cost in after["models"]
    }
    assert after["days"][-1]["active_users"] >= 1
    assert after["outstanding"]["credits"] > 0
    response = owner.get(PATH, params={"format": "csv"})
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))
    assert {row["service"] for row in rows} >= {"live", "purchase", "clawback", "free_credits"}


def _marker(entry_id: str, person: Person) -> Any:
    return ItemKey("app", f"COUNTED#{entry_id}", person.user_id)


def test_an_open_session_is_listed_among_the_open_holds(owner: Person, person: Person) -> None:
    session_id = person.start()

    holds = open_holds(owner, person)

    assert [(hold["kind"], hold["credits"], hold["is_overdue"]) for hold in holds] == [
        ("stream", live_credits(300), False)
    ]
    person.stop(session_id)
    assert open_holds(owner, person) == []


@pytest.mark.parametrize(("method", "path"), ADMIN_ROUTES)
def test_only_administrators_may_call_admin_routes(
    api: Api, signed_in_user: Person, forger: Forger, method: str, path: str
) -> None:
    request, filled = (
        GOOD_REQUESTS[method, path],
        path.replace("{user_id}", signed_in_user.user_id).replace("{purchase_id}", "5a1de7d4"),
    )

    check_error(api.call(method, filled, signed_in_user.token, **request), 403, "forbidden")
    claims = forger.claims(signed_in_user, **{"cognito:groups": ["admins"]})
    check_error(api.call(method, filled, forger.sign(claims, forger.unknown_key), **request), 401, "unauthenticated")
    check_error(api.call(method, filled, forger.sign_with_none(claims), **request), 401, "unauthenticated")
    check_error(api.call(method, filled, **request), 401, "unauthenticated")


@pytest.mark.parametrize(("method", "path"), ADMIN_ROUTES)
def test_a_blocked_administrator_is_refused(owner: Person, books: Backend, method: str, path: str) -> None:
    request, filled = (
        GOOD_REQUESTS[method, path],
        path.replace("{user_id}", owner.user_id).replace("{purchase_id}", "5a1de7d4"),
    )
    books.ledger.set_blocked(owner.user_id, True)

    check_error(owner.api.call(method, filled, owner.token, **request), 403, "account_blocked")

    books.ledger.set_blocked(owner.user_id, False)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-11-31"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "to"),
        ({"from": "2024-01-01", "to": "2025-12-31"}, "from"),
        ({"format": "xml"}, "format"),
        ({"format": "csv", "cursor": "AAAA"}, "cursor"),
    ],
)
def test_an_invalid_query_is_refused(owner: Person, query: dict[str, str], field: str) -> None:
    assert check_error(owner.get(PATH, params=query), 400, "invalid_request")["field"] == field
