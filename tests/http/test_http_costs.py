"""The owner's figures over HTTP: what people do arrives in them by the ledger's stream; nobody else may look."""

import csv
import io
from typing import Any

import pytest

from chalicelib.repositories.table import ItemKey
from tests.fakes import Backend
from tests.http.checkout_steps import PaymentsClient, buy_and_pay
from tests.http.forged_tokens import Forger
from tests.http.http_client import ADMIN_ROUTES, GOOD_REQUESTS, Api, Person, check_error, silence
from tests.http.recorded_requests import eventually

PATH = "/analytics/costs"


def figures(owner: Person) -> dict[str, Any]:
    answer = owner.get(PATH)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def entries_of(books: Backend, *people: Person) -> list[str]:
    return [entry.entry_id for one in people for entry in books.entries(one.user_id)]


def test_what_people_do_and_pay_is_in_the_figures(
    owner: Person, person: Person, payments_client: PaymentsClient, books: Backend
) -> None:
    before = figures(owner)
    checkout = buy_and_pay(person, payments_client)
    session_id = person.start()
    person.send(session_id, 0, silence(1_000))
    person.stop(session_id)
    payments_client.refund(checkout, 333)

    def all_counted() -> dict[str, Any] | None:
        counted = [books.tables.get(_marker(entry_id, person)) for entry_id in entries_of(books, person)]
        return figures(owner) if all(counted) and len(counted) == 4 else None

    after = eventually(all_counted)
    moved = {name: after["totals"][name] - before["totals"][name] for name in after["totals"]}
    assert moved["credits_used"] >= 1  # Other tests' people may have used some too.
    assert moved["revenue_micro_usd"] >= 6_660_000
    assert {one["service"] for one in after["services"]} >= {"live", "catchup", "catchup_session", "ask"}
    assert ("live", "assemblyai", "sync-universal-3-5-pro") in {
        (one["service"], one["provider"], one["model"]) for one in after["models"]
    }
    assert after["days"][-1]["active_users"] >= 1
    assert after["outstanding"]["credits"] > 0
    sheet = owner.get(PATH, params={"format": "csv"})
    assert sheet.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(sheet.text, newline="")))
    assert {row["service"] for row in rows} >= {"live", "purchase", "clawback", "free_credits"}


def _marker(entry_id: str, person: Person) -> Any:
    return ItemKey("app", f"COUNTED#{entry_id}", person.user_id)


def test_a_session_that_is_open_shows_among_the_holds(owner: Person, person: Person) -> None:
    session_id = person.start()

    held = [one for one in figures(owner)["holds"]["open"] if one["user_id"] == person.user_id]

    assert [(one["kind"], one["credits"], one["is_overdue"]) for one in held] == [("stream", 100, False)]
    person.stop(session_id)
    assert [one for one in figures(owner)["holds"]["open"] if one["user_id"] == person.user_id] == []


@pytest.mark.parametrize(("method", "path"), ADMIN_ROUTES)
def test_nobody_else_may(api: Api, resident: Person, forger: Forger, method: str, path: str) -> None:
    request, filled = GOOD_REQUESTS[method, path], path.replace("{user_id}", resident.user_id)

    check_error(api.call(method, filled, resident.token, **request), 403, "forbidden")
    claims = forger.claims(resident, **{"cognito:groups": ["admins"]})
    check_error(api.call(method, filled, forger.sign(claims, forger.unknown_key), **request), 401, "unauthenticated")
    check_error(api.call(method, filled, forger.sign_with_none(claims), **request), 401, "unauthenticated")
    check_error(api.call(method, filled, **request), 401, "unauthenticated")


@pytest.mark.parametrize(("method", "path"), ADMIN_ROUTES)
def test_an_administrator_who_is_blocked_may_not_either(owner: Person, books: Backend, method: str, path: str) -> None:
    request, filled = GOOD_REQUESTS[method, path], path.replace("{user_id}", owner.user_id)
    books.ledger.set_blocked(owner.user_id, True)

    check_error(owner.api.call(method, filled, owner.token, **request), 403, "account_blocked")

    books.ledger.set_blocked(owner.user_id, False)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"from": "2026-11-31"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "to"),
        ({"from": "2024-01-01", "to": "2025-12-31"}, "from"),
        ({"format": "xml"}, "format"),
        ({"format": "csv", "cursor": "AAAA"}, "cursor"),
    ],
)
def test_what_cannot_be_asked(owner: Person, asked: dict[str, str], field: str) -> None:
    assert check_error(owner.get(PATH, params=asked), 400, "invalid_request")["field"] == field
