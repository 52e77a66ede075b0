"""A change of the contract that breaks clients is found; one that does not is allowed."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from scripts.contract.changes import FOR_ADMINS, breaking_changes, is_announced
from scripts.contract.files import current_contract

Json = dict[str, Any]
CONTRACT = current_contract()
ASK, HISTORY, BALANCE = "/transcription/ask", "/transcription/history", "/credits/balance"


def schema(document: Json, name: str) -> Json:
    found: Json = document["components"]["schemas"][name]
    return found


def field(document: Json, shape: str, name: str) -> Json:
    found: Json = schema(document, shape)["properties"][name]
    return found


def parameter(document: Json, path: str, name: str) -> Json:
    found: Json = next(entry for entry in document["paths"][path]["get"]["parameters"] if entry["name"] == name)
    return found


def set_version(document: Json, version: str) -> None:
    document["info"]["version"] = version


BREAKING: dict[str, tuple[Callable[[Json], Any], str]] = {
    "a path is removed": (lambda d: d["paths"].pop(ASK), "POST /transcription/ask: removed"),
    "a method is removed": (lambda d: d["paths"][f"{HISTORY}/{{transcript_id}}"].pop("delete"), "DELETE"),
    "a token is needed": (lambda d: d["paths"]["/health"]["get"].update(security=[{"idToken": []}]), "needs a token"),
    "only administrators may call": (
        lambda d: d["paths"][BALANCE]["get"].update(description=f"{FOR_ADMINS} 200."),
        "for administrators only",
    ),
    "a parameter is removed": (
        lambda d: d["paths"][HISTORY]["get"]["parameters"].pop(0),
        "query limit: no longer accepted",
    ),
    "a parameter becomes required": (
        lambda d: parameter(d, HISTORY, "cursor").update(required=True),
        "is now required",
    ),
    "a parameter gets a stricter bound": (
        lambda d: parameter(d, HISTORY, "limit")["schema"].update(maximum=50),
        "maximum is 50, was 100",
    ),
    "the minimum of a parameter rises": (
        lambda d: parameter(d, HISTORY, "limit")["schema"].update(minimum=2),
        "minimum is 2, was 1",
    ),
    "a parameter gets another default": (
        lambda d: parameter(d, HISTORY, "limit")["schema"].update(default=20),
        "limit: has another default",
    ),
    "a field gets another default": (
        lambda d: field(d, "Start", "transport").update(default="relay"),
        "transport: has another default",
    ),
    "an unknown keyword is added": (
        lambda d: field(d, "Stop", "session_id").update({"not": {"const": "a"}}),
        "not changed",
    ),
    "a value is no longer accepted": (
        lambda d: parameter(d, HISTORY, "kind")["schema"].update(enum=["live"]),
        "catchup",
    ),
    "a field becomes required": (
        lambda d: schema(d, "Ask")["required"].append("transcript_id"),
        "transcript_id: is now required",
    ),
    "a field is no longer accepted": (
        lambda d: schema(d, "Ask")["properties"].pop("session_id"),
        "session_id: no longer accepted",
    ),
    "a field has another type": (lambda d: field(d, "Stop", "session_id").update(type="integer"), "may be string"),
    "a field may no longer be null": (
        lambda d: schema(d, "Stop")["properties"].update(
            provider_session_seconds={"type": "integer", "minimum": 0, "maximum": 2592000}
        ),
        "may be null",
    ),
    "a text gets a stricter bound": (
        lambda d: field(d, "Refresh", "refresh_token").update(maxLength=10),
        "maxLength is 10",
    ),
    "a text gets a bound": (lambda d: field(d, "Ask", "question").update(maxLength=5), "maxLength is 5"),
    "a text gets another pattern": (lambda d: field(d, "Register", "email").update(pattern="^a$"), "pattern changed"),
    "a list gets a stricter bound": (lambda d: field(d, "Save", "segments").update(maxItems=9), "maxItems is 9"),
    "a body becomes required": (
        lambda d: d["paths"]["/auth/logout"]["post"]["requestBody"].update(required=True),
        "is now required",
    ),
    "a media type is no longer accepted": (
        lambda d: d["paths"]["/transcription/stream/{session_id}/audio"]["post"]["requestBody"]["content"].pop(
            "audio/wave"
        ),
        "audio/wave no longer accepted",
    ),
    "an action is no longer accepted": (
        lambda d: d["paths"]["/transcription/stream"]["post"]["requestBody"]["content"]["application/json"]["schema"][
            "anyOf"
        ].pop(1),
        "renew",
    ),
    "the status of a response changes": (
        lambda d: d["paths"][ASK]["post"]["responses"].update({"202": d["paths"][ASK]["post"]["responses"].pop("200")}),
        "200: no longer returned",
    ),
    "a response gets another status as well": (
        lambda d: d["paths"][BALANCE]["get"]["responses"].update(
            {"202": d["paths"][BALANCE]["get"]["responses"]["200"]}
        ),
        "202: new successful status",
    ),
    "a field of a response is removed": (
        lambda d: _remove_field(schema(d, "CreditBalance"), "held"),
        "held: may be missing",
    ),
    "a field of a response may be missing": (
        lambda d: schema(d, "CreditBalance")["required"].remove("held"),
        "held: may be missing",
    ),
    "an optional field of a response is removed": (
        lambda d: schema(d, "Lease")["properties"].pop("token"),
        "token: removed",
    ),
    "a field of a response has another type": (
        lambda d: field(d, "CreditBalance", "held").update(type="number"),
        "may be number",
    ),
    "a field of a response may be null": (
        lambda d: field(d, "CreditBalance", "held").update(type=["integer", "null"]),
        "may be null",
    ),
    "a field deep in a response is removed": (
        lambda d: _remove_field(schema(d, "ModelUsage"), "model"),
        "models[].model",
    ),
    "a header of a response is removed": (
        lambda d: d["paths"][BALANCE]["get"]["responses"]["200"]["headers"].pop("X-Request-Id"),
        "X-Request-Id: removed",
    ),
    "a file is no longer returned": (
        lambda d: d["paths"]["/credits/transactions"]["get"]["responses"]["200"]["content"].pop("text/csv"),
        "text/csv",
    ),
    "another shape is returned as well": (
        lambda d: d["paths"][BALANCE]["get"]["responses"]["200"]["content"]["application/json"].update(
            schema={"anyOf": [{"$ref": "#/components/schemas/CreditBalance"}, {"$ref": "#/components/schemas/Health"}]}
        ),
        "available: may be missing",
    ),
}
HARMLESS: dict[str, Callable[[Json], Any]] = {
    "no change": lambda d: None,
    "a new path": lambda d: d["paths"].update({"/new": d["paths"]["/health"]}),
    "a new optional parameter": lambda d: d["paths"][BALANCE]["get"].update(
        parameters=[{"name": "at", "in": "query", "required": False, "schema": {"type": "string"}}]
    ),
    "a parameter becomes optional": lambda d: next(
        entry
        for entry in d["paths"]["/transcription/stream/{session_id}/audio"]["post"]["parameters"]
        if entry["name"] == "seq"
    ).update(required=False),
    "a wider bound": lambda d: parameter(d, HISTORY, "limit")["schema"].update(maximum=500),
    "a bound is removed": lambda d: field(d, "Refresh", "refresh_token").pop("maxLength"),
    "a new value is accepted": lambda d: parameter(d, HISTORY, "kind")["schema"].update(
        enum=["live", "catchup", "call"]
    ),
    "a new optional field": lambda d: schema(d, "Ask")["properties"].update(tone={"type": "string"}),
    "a field becomes optional": lambda d: schema(d, "Ask").update(required=[]),
    "a field becomes optional and gets a default": lambda d: (
        schema(d, "Ask").update(required=[]),
        field(d, "Ask", "question").update(default="What now?"),
    ),
    "a new field of a response": lambda d: schema(d, "CreditBalance")["properties"].update(bonus={"type": "integer"}),
    "a new value in a response": lambda d: field(d, "Transaction", "kind")["enum"].append("gift"),
    "a new error": lambda d: d["paths"]["/health"]["get"]["responses"].update(
        {"404": {"$ref": "#/components/responses/NotFound"}}
    ),
    "a token is no longer needed": lambda d: d["paths"][BALANCE]["get"].update(security=[]),
    "another description": lambda d: d["paths"][BALANCE]["get"].update(summary="Something else", description="Else."),
}


def _remove_field(shape: Json, name: str) -> None:
    shape["properties"].pop(name)
    shape["required"].remove(name)


def change_contract(change: Callable[[Json], Any]) -> Json:
    document = copy.deepcopy(CONTRACT)
    change(document)
    return document


def test_routes_for_administrators_are_recognised_by_their_description() -> None:
    for_admins = {
        path
        for path, methods in CONTRACT["paths"].items()
        for operation in methods.values()
        if FOR_ADMINS in operation["description"]
    }

    assert for_admins >= {"/admin/users", "/admin/audit", "/analytics/costs"}
    assert BALANCE not in for_admins


@pytest.mark.parametrize("name", BREAKING)
def test_a_change_that_breaks_clients_is_found(name: str) -> None:
    change, expected = BREAKING[name]

    found = breaking_changes(CONTRACT, change_contract(change))

    assert any(expected in line for line in found), found


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_change_is_allowed(name: str) -> None:
    assert breaking_changes(CONTRACT, change_contract(HARMLESS[name])) == []


@pytest.mark.parametrize(
    ("old", "new", "is_allowed"),
    [
        ("0.1.0", "0.1.9", False),
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "1.0.0", True),
        ("1.2.0", "1.3.0", False),
        ("1.2.0", "2.0.0", True),
    ],
)
def test_a_new_version_allows_breaking_changes(old: str, new: str, is_allowed: bool) -> None:
    old_contract, new_contract = (
        change_contract(lambda d: set_version(d, old)),
        change_contract(lambda d: set_version(d, new)),
    )

    assert is_announced(old_contract, new_contract) is is_allowed
