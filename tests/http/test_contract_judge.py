"""The judge of all HTTP answers finds what is not documented, or it would prove nothing."""

import json
from typing import Any

import pytest

from scripts.contract.files import made
from tests.http.contract_check import Contract
from tests.http.http_client import Heard

CONTRACT = Contract(made())
BALANCE = {"available": 1, "held": 0, "lifetime_granted": 1, "lifetime_purchased": 0, "lifetime_used": 0}
ERROR = {"code": "unauthenticated", "message": "No.", "request_id": "r"}
JSON = "application/json"


def faults(path: str, status: int, body: Any, media_type: str = JSON, method: str = "GET") -> list[str]:
    text = body if isinstance(body, str) else json.dumps(body)
    return list(CONTRACT.faults(Heard(method, path, status, text, "", media_type)))


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
def test_what_is_documented_is_let_through(path: str, status: int, body: Any, media_type: str) -> None:
    assert faults(path, status, body, media_type) == []


@pytest.mark.parametrize(
    ("path", "status", "body", "media_type", "said"),
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
def test_what_is_not_documented_is_found(path: str, status: int, body: Any, media_type: str, said: str) -> None:
    found = faults(path, status, body, media_type)

    assert found
    assert any(said in line for line in found), found


def test_each_fault_is_told_once() -> None:
    heard = Heard("GET", "/health", 418, "{}", "", JSON)

    assert len(CONTRACT.broken([heard, heard])) == 1
