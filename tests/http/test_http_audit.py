"""The audit over HTTP: started, advanced by the worker of the queue, read; the books of real users add up."""

from collections.abc import Callable
from typing import Any

from chalicelib.audit.reader import AuditRules
from chalicelib.repositories import audits
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import Write
from tests.fakes import Backend
from tests.http.catchup_steps import wait_for
from tests.http.checkout_steps import PaymentsClient, buy_and_pay, wait_until
from tests.http.http_client import Person, check_error, silence
from tests.http.log_lines import LogLines, line_of

PATH = "/admin/audit"


def load_latest(owner: Person) -> dict[str, Any]:
    response = owner.get(PATH)
    assert response.status_code == 200, response.text
    return dict(response.json())


def run_audit(owner: Person, **body: bool) -> dict[str, Any]:
    """The report of an audit that starts now."""
    wait_for(lambda: load_latest(owner)["running"] is None)
    response = owner.post(PATH, json=body)
    assert response.status_code == 202, response.text
    started = response.json()
    assert started["status"] == "running"

    def report() -> dict[str, Any] | None:
        found = load_latest(owner)["report"]
        return found if found and found["audit_id"] == started["audit_id"] else None

    return dict(wait_for(report))


def daily_runs(stack: Any) -> int:
    return int(stack.gather_logs().read_text().count('"message":"daily_audit"'))


def findings_of(report: dict[str, Any], user: Person, books: Backend) -> list[tuple[str, str]]:
    """All findings of a user; with those of other tests there may be more than the report shows."""
    stored = audits.load_findings(books.tables, report["audit_id"], AuditRules().max_findings_stored)
    return [(finding.kind.value, finding.reference) for finding in stored if finding.user_id == user.user_id]


def test_the_books_of_a_user_who_did_everything_add_up(
    owner: Person, person: Person, payments_client: PaymentsClient, books: Backend
) -> None:
    checkout = buy_and_pay(person, payments_client)
    session_id = person.start()
    person.send(session_id, 0, silence(1_000))
    person.stop(session_id)
    payments_client.refund(checkout, 333)
    wait_for(lambda: len(books.entries(person.user_id)) == 4)
    person.start()

    report = run_audit(owner)

    assert report["status"] == "done"
    assert findings_of(report, person, books) == []
    assert report["users_checked"] >= 2
    assert min(report[name] for name in ("entries", "open_holds", "purchases", "credits_outstanding")) > 0
    assert report["active_users"]["day"] >= 1
    assert {"audit_id", "started_at", "ended_at", "findings_count"} <= report.keys()


def test_a_wrong_balance_is_reported_and_logged(
    owner: Person, person: Person, books: Backend, log_lines: Callable[[], list[dict[str, Any]]], stack: Any
) -> None:
    books.tables.write(Write(balance_key(person.user_id), add={"available": 7, "version": 1}))

    report = run_audit(owner)

    assert findings_of(report, person, books) == [("balance_differs", "")]
    assert report["findings_count"] >= 1
    # The line is written when the worker has finished, which may be after its report can be read.
    wait_until(lambda: '"AuditFindings":' in stack.gather_logs().read_text(), "it was not logged")
    books.tables.write(Write(balance_key(person.user_id), add={"available": -7, "version": 1}))
    assert findings_of(run_audit(owner, recount=True), person, books) == []


def test_an_invalid_body_is_refused(owner: Person) -> None:
    assert check_error(owner.post(PATH, json={"recount": 1}), 400, "invalid_request")["field"] == "recount"
    assert check_error(owner.post(PATH, json={"all": True}), 400, "invalid_request")
    check_error(owner.post(PATH, data="no"), 400, "invalid_request")


def test_starting_and_reading_an_audit_take_few_aws_calls(owner: Person, log_lines: LogLines) -> None:
    run_audit(owner)

    assert line_of(owner.post(PATH, json={}), log_lines)["aws_calls"] <= 4
    assert line_of(owner.get(PATH), log_lines)["aws_calls"] <= 6


def test_the_daily_schedule_starts_no_second_audit(owner: Person, stack: Any) -> None:
    """In the local stack the schedule runs every two seconds while a test waits."""
    started_at = run_audit(owner)["started_at"]
    runs_before = daily_runs(stack)
    wait_until(lambda: daily_runs(stack) >= runs_before + 2, "the schedule did not run")

    assert load_latest(owner)["report"]["started_at"] == started_at
    assert load_latest(owner)["running"] is None
