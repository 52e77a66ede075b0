"""The check of all HTTP responses finds what is not documented."""

import json
from typing import Any

import pytest

from scripts.contract.files import current_contract
from tests.http.contract_check import ContractCheck
from tests.http.http_client import RecordedResponse

CONTRACT = ContractCheck(current_contract())
BALANCE = {"available": 1, "held": 0, "lifetime_granted": 1, "lifetime_purchased": 0, "lifetime_used": 0}
ERROR = {"code": "unauthenticated", "message": "No.", "request_id": "r", "details": {"reason": "expired"}}
JSON = "application/json"


def error(code: str, **details: str) -> dict[str, Any]:
    return {"code": code, "message": "No.", "request_id": "r"} | ({"details": details} if details else {})


def find_problems(path: str, status: int, body: Any, media_type: str = JSON, method: str = "GET") -> list[str]:
    text = body if isinstance(body, str) else json.dumps(body)
    return list(CONTRACT.find_problems(RecordedResponse(method, path, status, text, "", media_type)))


@pytest.mark.parametrize(
    ("path", "status", "body", "media_type"),
    [
        ("/credits/balance", 200, BALANCE, JSON),
        ("/credits/balance", 401, ERROR, JSON),
        ("/credits/balance?x=1", 200, BALANCE, JSON),
        ("/credits/transactions?format=csv", 200, "at,kind", "text/csv; charset=utf-8"),
        ("/admin/assets/app.js", 304, "", "text/javascript"),
        ("/nowhere", 404, "what the gateway says", JSON),
    ],
)
def test_a_documented_response_is_accepted(path: str, status: int, body: Any, media_type: str) -> None:
    assert find_problems(path, status, body, media_type) == []


@pytest.mark.parametrize(
    ("path", "status", "body", "media_type", "expected"),
    [
        ("/credits/balance", 418, ERROR, JSON, "not documented"),
        ("/credits/balance", 202, BALANCE, JSON, "not documented"),
        ("/credits/balance", 200, BALANCE | {"bonus": 1}, JSON, "bonus"),
        ("/credits/balance", 200, BALANCE | {"held": "0"}, JSON, "held"),
        ("/credits/balance", 200, {"available": 1}, JSON, "held"),
        ("/credits/balance", 200, BALANCE, "text/html", "text/html is not documented"),
        ("/credits/balance", 401, ERROR | {"code": "forbidden"}, JSON, "code"),
        ("/credits/balance", 401, ERROR | {"trace": "…"}, JSON, "trace"),
        ("/transcription/history/5a1de7d4", 200, BALANCE, JSON, "transcript"),
        ("/admin/assets/app.js", 304, "all of it", "text/javascript", "has a body"),
    ],
)
def test_an_undocumented_response_is_found(path: str, status: int, body: Any, media_type: str, expected: str) -> None:
    found = find_problems(path, status, body, media_type)

    assert found
    assert any(expected in line for line in found), found


@pytest.mark.parametrize(
    ("method", "path", "body", "is_documented"),
    [
        ("GET", "/credits/balance", error("unauthenticated", reason="missing"), True),
        ("GET", "/credits/balance", error("unauthenticated", reason="tired"), False),
        ("GET", "/credits/balance", error("unauthenticated"), False),
        ("POST", "/transcription/ask", error("conflict", reason="nothing_saved"), True),
        ("POST", "/transcription/ask", error("conflict", reason="lease_open"), False),  # another route's
        ("POST", "/transcription/ask", error("conflict", seq="1"), False),
        ("POST", "/transcription/ask", error("idempotency_mismatch"), True),
        ("POST", "/auth/login", error("unauthenticated", reason="signed_out"), True),
        ("POST", "/auth/login", error("unauthenticated", reason="missing"), False),  # it reads no token
        ("POST", "/auth/login", error("invalid_credentials"), True),
    ],
)
def test_codes_and_reasons_have_to_be_those_of_the_route(
    method: str, path: str, body: dict[str, Any], is_documented: bool
) -> None:
    status = 409 if body["code"] in ("conflict", "idempotency_mismatch") else 401

    assert (find_problems(path, status, body, method=method) == []) is is_documented


def test_each_problem_is_reported_once() -> None:
    response = RecordedResponse("GET", "/health", 418, "{}", "", JSON)

    assert len(CONTRACT.find_all_problems([response, response])) == 1
