"""How many AWS calls a request makes, that of the limiter included, and the log line that it leaves."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import requests

from chalicelib.catchup.job_rules import webhook_secret
from chalicelib.dates import utc_date
from chalicelib.models.catchup import WEBHOOK_SECRET_HEADER
from scripts.local.stack import LocalStack
from tests.default_prices import QUESTION_CREDITS
from tests.http.catchup_steps import ASK, CATCHUP, RANGE_MS, UPLOADS, create_session, upload, wait_until_ended
from tests.http.checkout_steps import PURCHASE, PaymentsClient, event, send_signed
from tests.http.deployed_limits import IS_DEPLOYED
from tests.http.http_client import Api, Person, Sandbox, silence
from tests.http.log_lines import LogLines, line_of, lines_of
from tests.payments.payments_env import CREDITS, THIRD_CENTS, THIRD_CREDITS

BUDGETS = {
    "start": 3,
    "direct start": 4,
    "direct renew": 4,
    "balance": 2,
    "chunk": 3,
    "chunk again": 3,
    "save": 3,
    "sessions": 4,
    "late save": 3,
    "renew": 3,
    "stop": 3,
    "stop again": 2,
}
BUDGETS |= {"history": 3, "transcript": 4, "transactions": 3, "user": 2, "export": 3, "export as JSON": 4, "delete": 4}
BUDGETS |= {"form": 2, "quote": 3, "catch-up": 5, "catch-up joined": 4, "poll": 2, "poll when done": 3}
BUDGETS |= {"catch-up from store": 5, "catch-up of a session": 7, "ask": 5, "a retried question": 2, "late webhook": 3}
BUDGETS |= {"purchase": 4, "purchase again": 2, "paid": 2, "paid again": 1, "refunded": 3, "refunded again": 2}
BUDGETS |= {"statement as CSV": 3, "packages": 0, "purchases": 4, "one purchase": 2, "new title": 3}
BUDGETS |= {"usage": 3, "costs": 19, "users": 4, "credits given": 3, "credits given again": 2, "block": 3, "unblock": 3}
BUDGETS |= {"one user": 9, "a user's transactions": 3, "a user's purchases": 4, "a user's sessions": 3}
BUDGETS |= {"sold purchases": 4}
# The margin is that of seven days, whose totals are four queries for each of their months.
MONTHS = len({(datetime.now(UTC) - timedelta(days=days)).month for days in (0, 6)})
BUDGETS |= {"health": 20 + 4 * MONTHS}
# The first webhook of a minute is noted for the owner.
NOTED = {"paid", "paid again", "refunded", "refunded again", "late webhook"}
BUDGETS |= {"name": 4, "code for a new password": 4, "export of all": 4, "look at an export": 2}
BUDGETS |= {"delete the account": 3}
BUDGETS |= {
    "search": 4,
    "share": 3,
    "shared page": 7,
    "share again": 3,
    "end of a share": 3,
    "share ended by an admin": 4,
}
LINE_FIELDS = {
    "level",
    "message",
    "timestamp",
    "service",
    "request_id",
    "method",
    "route",
    "status",
    "ms",
    "user",
    "credits",
    "aws_calls",
    "provider_calls",
}


def catchup_responses(
    person: Person, stack: LocalStack, sandbox: Sandbox, session_id: str
) -> dict[str, requests.Response]:
    """A response to each kind of request about catch-ups; the provider completes its job on order."""
    sandbox.order(hold_jobs=True)
    body = {"upload_id": upload(person), "to_ms": RANGE_MS}
    responses = {
        "form": person.post(UPLOADS, json={"content_type": "audio/wav"}),
        "quote": person.post(CATCHUP, json=body | {"quote": True}),
        "catch-up": person.post(CATCHUP, json=body),
        "catch-up joined": person.post(CATCHUP, json=body),
    }
    job_id = responses["catch-up"].json()["job_id"]
    responses["poll"] = person.get(f"{CATCHUP}/{job_id}")
    sandbox.order(hold_jobs=False)
    transcript_id = wait_until_ended(person, job_id)["transcript_id"]
    question = {
        "json": {"question": "What was said?", "transcript_id": transcript_id},
        "headers": {"Idempotency-Key": "1"},
    }
    secret = webhook_secret(stack.settings["IDENTITY_HMAC_KEY"], job_id)
    return responses | {
        "poll when done": person.get(f"{CATCHUP}/{job_id}"),
        "catch-up from store": person.post(CATCHUP, json=body),
        "catch-up of a session": person.post(CATCHUP, json={"session_id": session_id, "minutes": 5}),
        "ask": person.post(ASK, **question),
        "a retried question": person.post(ASK, **question),
        "late webhook": person.api.post(
            f"/webhooks/assemblyai?job={job_id}",
            json={"transcript_id": "x"},
            headers={WEBHOOK_SECRET_HEADER: secret},
        ),
    }


def purchase_responses(person: Person, stack: LocalStack) -> dict[str, requests.Response]:
    """A response to each kind of request about payments; only the test sends the webhooks."""
    checkout_page = PaymentsClient(stack)
    checkout_page.do("orders", webhook_url=None)
    body = {"json": {"package_id": "popular"}, "headers": {"Idempotency-Key": "1"}}
    responses = {"purchase": person.post(PURCHASE, **body), "purchase again": person.post(PURCHASE, **body)}
    checkout = responses["purchase"].json()
    checkout_page.pay(checkout)
    session = checkout_page.session(checkout)
    paid = event("checkout.session.completed", session)
    refund = {"id": "re_1", "status": "succeeded", "amount": THIRD_CENTS, "currency": "usd"}
    refunded = event("refund.created", refund | {"payment_intent": session["payment_intent"]})
    for kind, raw in (("paid", paid), ("refunded", refunded)):
        responses |= {
            kind: send_signed(person.api, checkout_page, raw),
            f"{kind} again": send_signed(person.api, checkout_page, raw),
        }
    checkout_page.reset_faults()
    checkout_page.close()
    packages = person.get("/credits/packages")
    responses |= {
        "purchases": person.get("/credits/purchases"),
        "one purchase": person.get(f"/credits/purchases/{checkout['purchase_id']}"),
        "statement as CSV": person.get("/credits/transactions?format=csv"),
    }
    return responses | {"packages": packages}


def account_responses(person: Person) -> dict[str, requests.Response]:
    """A response to each kind of request about the account itself, which is deleted in the end."""
    export = person.post("/auth/user/export")
    export_id = export.json()["export_id"]
    return {
        "name": person.api.call("PATCH", "/auth/user", person.token, json={"name": "Ada"}),
        "code for a new password": person.api.post("/auth/forgot-password", json={"email": person.email}),
        "export of all": export,
        "look at an export": person.get(f"/auth/user/export/{export_id}"),
        "delete the account": person.delete("/auth/user"),
    }


def sharing_responses(person: Person, owner: Person, path: str) -> dict[str, requests.Response]:
    """A response to each kind of request about the share of a transcript, which is ended in the end."""
    first = person.post(path)
    owner.get("/admin/users")  # This process now knows, for 45 s, that the caller is an administrator.
    return {
        "share": first,
        "shared page": person.api.get(f"/shared/{token_of(first)}"),
        "share again": (second := person.post(path)),
        "share ended by an admin": owner.post(
            "/admin/shares/end", json={"address": second.json()["url"], "reason": "A report."}
        ),
        "end of a share": [person.post(path), person.delete(path)][1],
    }


def token_of(shared: requests.Response) -> str:
    """The secret part of the address of a shared transcript."""
    return str(shared.json()["url"]).rpartition("/")[2]


def admin_responses(owner: Person, person: Person) -> dict[str, requests.Response]:
    """A response to each kind of request of an administrator."""
    path = f"/admin/users/{person.user_id}"
    grant = {
        "json": {"user_id": person.user_id, "credits": 5, "reason": "A grant."},
        "headers": {"Idempotency-Key": path},
    }
    owner.get("/admin/users")  # This process now knows, for 45 s, that the caller is an administrator.
    return {
        "usage": person.get("/analytics/usage"),
        "costs": owner.get("/analytics/costs?from=2026-10-05&to=2026-11-03"),
        "users": owner.get("/admin/users", params={"email": person.email}),
        "health": owner.get("/admin/health"),
        "credits given": owner.post("/admin/credits", **grant),
        "credits given again": owner.post("/admin/credits", **grant),
        "one user": owner.get(f"/admin/users/{somebody_who_streams(owner).user_id}"),
        "a user's transactions": owner.get(f"{path}/transactions"),
        "a user's purchases": owner.get(f"{path}/purchases"),
        "a user's sessions": owner.get(f"{path}/sessions"),
        "sold purchases": owner.get("/admin/purchases", params={"from": utc_date(int(time.time()))}),
        "block": owner.post(f"{path}/block", json={"reason": "why"}),
        "unblock": owner.post(f"{path}/unblock", json={"reason": "why"}),
    }


def somebody_who_streams(owner: Person) -> Person:
    """With an open session, and with credits that the owner gave."""
    person = Person.register(owner.api)
    owner.post("/admin/credits", json={"user_id": person.user_id, "credits": 5, "reason": "A grant."})
    person.start()
    return person


@pytest.fixture(scope="module")
def answers(api: Api, stack: LocalStack, owner: Person) -> dict[str, requests.Response]:
    """A response to each kind of request, in the course of one session."""
    person = Person.register(api)
    direct_start = person.stream(action="start", lease_seconds=60)
    direct_session = {"session_id": direct_start.json()["session_id"]}
    direct_renew = person.stream(action="renew", interrupted=True, **direct_session)
    person.stream(action="stop", **direct_session)
    started = person.stream(action="start", transport="relay")
    session_id, transcript_id = started.json()["session_id"], started.json()["transcript_id"]
    segments = [{"seq": n, "start_ms": n, "end_ms": n + 1, "text": "a word"} for n in range(100)]
    responses = {
        "direct start": direct_start,
        "direct renew": direct_renew,
        "start": started,
        "balance": person.get("/credits/balance"),
        "chunk": person.send(session_id, 0, silence(200)),
        "chunk again": person.send(session_id, 0, silence(200)),
        "save": person.stream(action="save", session_id=session_id, segments=segments),
        "renew": person.stream(action="renew", session_id=session_id, interrupted=True),
        "sessions": person.get("/transcription/sessions"),
        "stop": person.stream(action="stop", session_id=session_id, segments=segments),
        "late save": person.stream(action="save", session_id=session_id, segments=[segments[0] | {"text": "Later."}]),
        "stop again": person.stream(action="stop", session_id=session_id),
        "history": person.get("/transcription/history"),
        "transcript": person.get(f"/transcription/history/{transcript_id}"),
        "export": person.get(f"/transcription/history/{transcript_id}/export?format=vtt"),
        "export as JSON": person.get(f"/transcription/history/{transcript_id}/export?format=json"),
        "new title": person.api.call(
            "PATCH", f"/transcription/history/{transcript_id}", person.token, json={"title": "Stand-up"}
        ),
        "search": person.get("/transcription/search?q=word"),
        **sharing_responses(person, owner, f"/transcription/history/{transcript_id}/share"),
        "delete": person.delete(f"/transcription/history/{transcript_id}"),
        "transactions": person.get("/credits/transactions"),
        "user": person.get("/auth/user"),
    }
    catchup_env = Sandbox(stack.dev["sandbox_url"])
    responses |= catchup_responses(person, stack, catchup_env, create_session(person, "Something was said."))
    catchup_env.close()
    responses |= purchase_responses(person, stack)
    responses |= admin_responses(owner, person)
    responses |= account_responses(Person.register(api))
    assert {kind: answer.text for kind, answer in responses.items() if answer.status_code not in (200, 201, 202)} == {}
    return responses


def test_every_kind_of_request_has_a_budget(answers: dict[str, requests.Response]) -> None:
    assert set(answers) == set(BUDGETS)


@pytest.mark.parametrize("kind", BUDGETS)
def test_a_request_makes_exactly_these_aws_calls(
    answers: dict[str, requests.Response], log_lines: LogLines, kind: str
) -> None:
    """docs/data-model.md has these figures."""
    calls = line_of(answers[kind], log_lines)["aws_calls"]

    assert calls == BUDGETS[kind] or (kind in NOTED and calls == BUDGETS[kind] + 1)


def test_a_refused_token_costs_no_aws_call(api: Api, log_lines: LogLines) -> None:
    answer = api.get("/credits/balance", "a.b.c")

    logged = [(line["aws_calls"], line["user"], line["code"]) for line in lines_of(answer, log_lines)]
    assert answer.status_code == 401
    assert logged == (
        [] if IS_DEPLOYED else [(0, "", "unauthenticated")]
    )  # The gateway refuses it without calling a function.


def test_every_shared_address_that_leads_nowhere_costs_the_same_calls(
    api: Api, answers: dict[str, requests.Response], log_lines: LogLines
) -> None:
    tokens = [token_of(answers["share"]), token_of(answers["share again"]), "canary-unknown", "%00", "x" * 4_000]

    pages = [api.get(f"/shared/{token}") for token in tokens]

    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    lines = [line_of(page, log_lines) for page in pages]
    assert [(line["aws_calls"], line["route"]) for line in lines] == [(3, "/shared/{token}")] * len(tokens)


def test_a_request_leaves_one_log_line_with_its_figures(
    answers: dict[str, requests.Response], log_lines: LogLines
) -> None:
    chunk, again, renew = (line_of(answers[kind], log_lines) for kind in ("chunk", "chunk again", "renew"))

    assert set(chunk) >= LINE_FIELDS
    assert (chunk["method"], chunk["route"]) == ("POST", "/transcription/stream/{session_id}/audio")
    assert (chunk["status"], chunk["provider_calls"], chunk["credits"]) == (200, 1, 0)
    assert (again["provider_calls"], again["credits"]) == (0, 0)
    assert (renew["provider_calls"], renew["credits"]) == (0, 1)  # Credits are taken when a lease ends.
    assert chunk["ms"] > 0
    assert chunk["user"] == renew["user"] != ""
    assert answers["user"].json()["user_id"] not in str([chunk, again, renew])


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/health", 200, None),
        ("/auth/user", 401, "unauthenticated"),
        ("/credits/balance?limit=x", 401, "unauthenticated"),
    ],
)
def test_an_error_has_a_log_line_too(api: Api, log_lines: LogLines, path: str, status: int, code: str | None) -> None:
    answer = api.get(path)

    logged = [(line["status"], line.get("code"), line["route"]) for line in lines_of(answer, log_lines)]
    assert answer.status_code == status
    assert logged == ([] if IS_DEPLOYED and status == 401 else [(status, code, path.split("?")[0])])


def test_the_log_lines_of_a_purchase_do_not_contain_its_checkout(
    answers: dict[str, requests.Response], log_lines: LogLines
) -> None:
    checkout = answers["purchase"].json()
    purchase, paid, refunded = (line_of(answers[kind], log_lines) for kind in ("purchase", "paid", "refunded"))

    assert (purchase["provider_calls"], line_of(answers["purchase again"], log_lines)["provider_calls"]) == (1, 0)
    assert (paid["purchase"], refunded["purchase"]) == (
        {"granted": CREDITS, "clawed_back": 0},
        {"granted": 0, "clawed_back": THIRD_CREDITS},
    )
    for secret in (checkout["checkout_url"], checkout["checkout_session_id"], checkout["purchase_id"]):
        assert secret not in str([purchase, paid, refunded])


def test_the_log_line_of_a_question_does_not_contain_its_text(
    answers: dict[str, requests.Response], log_lines: LogLines
) -> None:
    question, retried = (line_of(answers[kind], log_lines) for kind in ("ask", "a retried question"))

    assert (question["provider_calls"], question["credits"]) == (1, QUESTION_CREDITS)
    assert (retried["provider_calls"], retried["credits"]) == (0, 0)
    assert "What was said?" not in str([question, retried])
