"""The audit over HTTP: started, taken on by the queue's worker, read; what people did with their credits adds up."""

from collections.abc import Callable
from typing import Any

from chalicelib.audit.reader import AuditRules
from chalicelib.repositories import audits
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import Write
from tests.fakes import Backend
from tests.http.checkout_steps import Till, bought, until
from tests.http.http_client import Person, check_error, silence
from tests.http.log_lines import LogLines, line_of
from tests.http.recorded_requests import eventually

PATH = "/admin/audit"


def last(owner: Person) -> dict[str, Any]:
    answer = owner.get(PATH)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def audited(owner: Person, **words: bool) -> dict[str, Any]:
    """The report of an audit that begins now."""
    eventually(lambda: last(owner)["running"] is None)
    answer = owner.post(PATH, json=words)
    assert answer.status_code == 202, answer.text
    started = answer.json()
    assert started["status"] == "running"

    def report() -> dict[str, Any] | None:
        found = last(owner)["report"]
        return found if found and found["audit_id"] == started["audit_id"] else None

    return dict(eventually(report))


def about(report: dict[str, Any], user: Person, books: Backend) -> list[tuple[str, str]]:
    """What was found of a user; other tests may leave more findings than the report shows."""
    kept = audits.load_findings(books.tables, report["audit_id"], AuditRules().max_findings_stored)
    return [(one.kind.value, one.reference) for one in kept if one.user_id == user.user_id]


def test_what_people_did_with_their_credits_adds_up(owner: Person, person: Person, till: Till, books: Backend) -> None:
    checkout = bought(person, till)
    session_id = person.start()
    person.send(session_id, 0, silence(1_000))
    person.stop(session_id)
    till.refund(checkout, 333)
    eventually(lambda: len(books.entries(person.user_id)) == 4)
    person.start()

    report = audited(owner)

    assert report["status"] == "done"
    assert about(report, person, books) == []
    assert report["users_judged"] >= 2
    assert min(report[name] for name in ("entries", "open_holds", "purchases", "credits_outstanding")) > 0
    assert report["active_users"]["day"] >= 1
    assert {"audit_id", "started_at", "ended_at", "findings_count"} <= report.keys()


def test_what_does_not_add_up_is_told_and_logged(
    owner: Person, person: Person, books: Backend, log_lines: Callable[[], list[dict[str, Any]]], stack: Any
) -> None:
    books.tables.write(Write(balance_key(person.user_id), add={"available": 7, "version": 1}))

    report = audited(owner)

    assert about(report, person, books) == [("balance_differs", "")]
    assert report["findings_count"] >= 1
    # The line is written when the worker has ended, which may be after its report is there.
    until(lambda: '"AuditFindings":' in stack.gather_logs().read_text(), "it was not logged")
    books.tables.write(Write(balance_key(person.user_id), add={"available": -7, "version": 1}))
    assert about(audited(owner, recount=True), person, books) == []


def test_what_cannot_be_said(owner: Person) -> None:
    assert check_error(owner.post(PATH, json={"recount": 1}), 400, "invalid_request")["field"] == "recount"
    assert check_error(owner.post(PATH, json={"all": True}), 400, "invalid_request")
    check_error(owner.post(PATH, data="no"), 400, "invalid_request")


def test_what_it_costs_in_calls(owner: Person, log_lines: LogLines) -> None:
    audited(owner)

    assert line_of(owner.post(PATH, json={}), log_lines)["aws_calls"] <= 4
    assert line_of(owner.get(PATH), log_lines)["aws_calls"] <= 6


def test_the_daily_schedule_starts_no_second_audit(owner: Person) -> None:
    """Here it comes round every half second."""
    began_at = audited(owner)["started_at"]

    assert last(owner)["report"]["started_at"] == began_at
    assert last(owner)["running"] is None
