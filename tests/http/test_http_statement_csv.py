"""The statement as a CSV file: every movement, no cell that a spreadsheet would run as a formula, in pages."""

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from chalicelib.credits.statement import CSV_COLUMNS, CSV_PAGE_SIZE, MAX_CSV_PAGES
from chalicelib.models.ledger import Entry
from chalicelib.repositories.ledger_items import entry_id_for, entry_put
from tests.fakes import Backend
from tests.http.checkout_steps import PaymentsClient, buy_and_pay
from tests.http.http_client import Api, Person, check_error
from tests.payments.payments_env import CENTS, CREDITS, THIRD_CENTS, THIRD_CREDITS

PATH = "/credits/transactions?format=csv"
ENTRIES_PER_WRITE = 100
Writing = Callable[..., None]
HOSTILE = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1")


def rows(answer: requests.Response) -> list[dict[str, str]]:
    """The file as a spreadsheet reads it."""
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


@pytest.fixture
def write(books: Backend) -> Iterator[Writing]:
    """Writes entries of 0 credits for the test; they are deleted afterwards, so that no audit finds them."""
    written = []

    def write_entries(person: Person, count: int, **texts: Any) -> None:
        for first in range(0, count, ENTRIES_PER_WRITE):
            writes = [
                entry_put(
                    person.user_id,
                    Entry(entry_id_for(1_795_400_000 + n, f"csv/{n}"), "adjustment", 0, 1_795_400_000 + n, **texts),
                )
                for n in range(first, min(count, first + ENTRIES_PER_WRITE))
            ]
            books.tables.transact(writes)
            written.extend(write.key for write in writes)

    yield write_entries
    books.tables.delete_many(written)


def test_the_statement_is_a_csv_file(payments_client: PaymentsClient, person: Person) -> None:
    checkout = buy_and_pay(person, payments_client)
    payments_client.refund(checkout, THIRD_CENTS)

    answer = person.get(PATH)

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="credits.csv"'
    assert "X-Next-Cursor" not in answer.headers
    assert answer.content.startswith(b"\xef\xbb\xbf" + ",".join(CSV_COLUMNS).encode())
    found = {row["kind"]: row for row in rows(answer)}
    assert {kind: (row["credits"], row["cents"], row["purchase_id"]) for kind, row in found.items()} == {
        "free_credits": ("200", "0", ""),
        "purchase": (str(CREDITS), str(CENTS), checkout["purchase_id"]),
        "clawback": (str(-THIRD_CREDITS), str(-THIRD_CENTS), checkout["purchase_id"]),
    }
    assert found["purchase"]["explanation"] == f"{CREDITS:,} credits for ${CENTS / 100:.2f}"
    transactions = person.get("/credits/transactions").json()["transactions"]
    assert [(row["id"], row["at"], row["explanation"]) for row in rows(answer)] == [
        (write["id"], write["at"], write["explanation"]) for write in transactions
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_is_a_formula(person: Person, write: Writing, text: str) -> None:
    """Today every text is our own; a later one may quote a user."""
    write(person, 1, reason=text, price_version=text)

    (row,) = [row for row in rows(person.get(PATH)) if row["kind"] == "adjustment"]

    assert (row["explanation"], row["price_version"]) == (f"'{text}", f"'{text}")


def test_quotes_commas_and_line_breaks_stay_in_their_cell(person: Person, write: Writing) -> None:
    text = 'a "word", a\nline; ü €'
    write(person, 1, reason=text)

    (row,) = [row for row in rows(person.get(PATH)) if row["kind"] == "adjustment"]

    assert row["explanation"] == text


def test_a_long_statement_has_several_files(api: Api, person: Person, write: Writing, signed_in_user: Person) -> None:
    per_file = CSV_PAGE_SIZE * MAX_CSV_PAGES
    write(person, per_file + 5)

    first = person.get(PATH)
    cursor = first.headers["X-Next-Cursor"]
    second = person.get(PATH, params={"cursor": cursor})

    assert (len(rows(first)), len(rows(second))) == (per_file, 6)
    assert "X-Next-Cursor" not in second.headers
    assert second.content.startswith(b"\xef\xbb\xbf" + ",".join(CSV_COLUMNS).encode())
    ids = [row["id"] for row in rows(first) + rows(second)]
    assert len(set(ids)) == per_file + 6
    times = [row["at"] for row in rows(first) + rows(second)]
    assert times == sorted(times, reverse=True)
    check_error(signed_in_user.get(PATH, params={"cursor": cursor}), 400, "invalid_request")
    check_error(person.get("/credits/transactions?format=pdf"), 400, "invalid_request")
    exposed = first.headers["Access-Control-Expose-Headers"].split(",")
    assert {"X-Next-Cursor", "Content-Disposition"} <= set(exposed)
