"""What a request costs us in AWS calls, and the one line that it leaves in the log."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.http.calling import Api, Person, silence

LogLines = Callable[[], list[dict[str, Any]]]
BUDGETS = {"start": 3, "balance": 2, "chunk": 3, "chunk again": 3, "save": 2, "renew": 4, "stop": 2, "stop again": 2}
BUDGETS |= {"history": 2, "transcript": 2, "transactions": 2, "user": 2}
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


def line_of(answer: requests.Response, log_lines: LogLines) -> dict[str, Any]:
    """The one log line of this request."""
    (line,) = [line for line in log_lines() if line["request_id"] == answer.headers["X-Request-Id"]]
    return line


@pytest.fixture(scope="module")
def answers(api: Api) -> dict[str, requests.Response]:
    """One answer to each kind of request, in the course of one session."""
    person = Person.register(api)
    started = person.stream(action="start", transport="relay")
    session_id, transcript_id = started.json()["session_id"], started.json()["transcript_id"]
    segments = [{"seq": n, "start_ms": n, "end_ms": n + 1, "text": "a word"} for n in range(100)]
    heard = {
        "start": started,
        "balance": person.get("/credits/balance"),
        "chunk": person.send(session_id, 0, silence(200)),
        "chunk again": person.send(session_id, 0, silence(200)),
        "save": person.stream(action="save", session_id=session_id, segments=segments),
        "renew": person.stream(action="renew", session_id=session_id, interrupted=True),
        "stop": person.stream(action="stop", session_id=session_id),
        "stop again": person.stream(action="stop", session_id=session_id),
        "history": person.get("/transcription/history"),
        "transcript": person.get(f"/transcription/history/{transcript_id}"),
        "transactions": person.get("/credits/transactions"),
        "user": person.get("/auth/user"),
    }
    assert {answer.status_code for answer in heard.values()} == {200, 201}
    return heard


def test_every_kind_of_request_has_its_budget(answers: dict[str, requests.Response]) -> None:
    assert set(answers) == set(BUDGETS)


@pytest.mark.parametrize("kind", BUDGETS)
def test_a_request_stays_within_its_budget_of_aws_calls(
    answers: dict[str, requests.Response], log_lines: LogLines, kind: str
) -> None:
    assert 0 < line_of(answers[kind], log_lines)["aws_calls"] <= BUDGETS[kind]


def test_a_refused_token_costs_no_aws_call(api: Api, log_lines: LogLines) -> None:
    line = line_of(api.get("/credits/balance", "a.b.c"), log_lines)

    assert (line["aws_calls"], line["user"], line["code"]) == (0, "", "unauthenticated")


def test_a_request_leaves_one_line_that_says_what_it_did(
    answers: dict[str, requests.Response], log_lines: LogLines
) -> None:
    chunk, again, renew = (line_of(answers[kind], log_lines) for kind in ("chunk", "chunk again", "renew"))

    assert set(chunk) >= LINE_FIELDS
    assert (chunk["method"], chunk["route"]) == ("POST", "/transcription/stream/{session_id}/audio")
    assert (chunk["status"], chunk["provider_calls"], chunk["credits"]) == (200, 1, 0)
    assert (again["provider_calls"], again["credits"]) == (0, 0)
    assert (renew["provider_calls"], renew["credits"]) == (0, 1)  # A lease's end is when its credits are taken.
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
def test_an_error_has_its_line_too(api: Api, log_lines: LogLines, path: str, status: int, code: str | None) -> None:
    line = line_of(api.get(path), log_lines)

    assert (line["status"], line.get("code"), line["route"]) == (status, code, path.split("?")[0])
