"""A change that breaks a client is found, whichever it is; one that does not is let through."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from scripts.contract.changes import FOR_ADMINS, breaking, is_announced
from scripts.contract.files import made

Json = dict[str, Any]
CONTRACT = made()
ASK, HISTORY, BALANCE = "/transcription/ask", "/transcription/history", "/credits/balance"


def schema(document: Json, name: str) -> Json:
    found: Json = document["components"]["schemas"][name]
    return found


def field(document: Json, shape: str, name: str) -> Json:
    found: Json = schema(document, shape)["properties"][name]
    return found


def parameter(document: Json, path: str, name: str) -> Json:
    found: Json = next(one for one in document["paths"][path]["get"]["parameters"] if one["name"] == name)
    return found


def set_version(document: Json, version: str) -> None:
    document["info"]["version"] = version


BREAKING: dict[str, tuple[Callable[[Json], Any], str]] = {
    "a path is gone": (lambda d: d["paths"].pop(ASK), "POST /transcription/ask: gone"),
    "a method is gone": (lambda d: d["paths"][f"{HISTORY}/{{transcript_id}}"].pop("delete"), "DELETE"),
    "a token is wanted": (lambda d: d["paths"]["/health"]["get"].update(security=[{"idToken": []}]), "wants a token"),
    "administrators alone may": (
        lambda d: d["paths"][BALANCE]["get"].update(description=f"{FOR_ADMINS} 200."),
        "for administrators only",
    ),
    "a parameter is gone": (lambda d: d["paths"][HISTORY]["get"]["parameters"].pop(0), "query limit: no longer taken"),
    "a parameter has to be given": (lambda d: parameter(d, HISTORY, "cursor").update(required=True), "has to be given"),
    "a parameter is bounded closer": (
        lambda d: parameter(d, HISTORY, "limit")["schema"].update(maximum=50),
        "maximum is 50, was 100",
    ),
    "a parameter's floor rises": (
        lambda d: parameter(d, HISTORY, "limit")["schema"].update(minimum=2),
        "minimum is 2, was 1",
    ),
    "a parameter left out means something else": (
        lambda d: parameter(d, HISTORY, "limit")["schema"].update(default=20),
        "limit: means something else",
    ),
    "a field left out means something else": (
        lambda d: field(d, "Start", "transport").update(default="relay"),
        "transport: means something else",
    ),
    "a word that nobody judges": (
        lambda d: field(d, "Stop", "session_id").update({"not": {"const": "a"}}),
        "not changed",
    ),
    "a word is no longer taken": (lambda d: parameter(d, HISTORY, "kind")["schema"].update(enum=["live"]), "catchup"),
    "a field has to be sent": (
        lambda d: schema(d, "Ask")["required"].append("transcript_id"),
        "transcript_id: has to be given",
    ),
    "a field is no longer taken": (
        lambda d: schema(d, "Ask")["properties"].pop("session_id"),
        "session_id: no longer taken",
    ),
    "a field is of another type": (lambda d: field(d, "Stop", "session_id").update(type="integer"), "may be string"),
    "a field may no longer be null": (
        lambda d: schema(d, "Stop")["properties"].update(
            provider_session_seconds={"type": "integer", "minimum": 0, "maximum": 2592000}
        ),
        "may be null",
    ),
    "a text is bounded closer": (lambda d: field(d, "Segment", "text").update(maxLength=10), "maxLength is 10"),
    "a text gets a bound": (lambda d: field(d, "Ask", "question").update(maxLength=5), "maxLength is 5"),
    "a text gets another pattern": (lambda d: field(d, "Start", "title").update(pattern="^a$"), "pattern changed"),
    "a list is bounded closer": (lambda d: field(d, "Save", "segments").update(maxItems=9), "maxItems is 9"),
    "a body has to be sent": (
        lambda d: d["paths"]["/auth/logout"]["post"]["requestBody"].update(required=True),
        "has to be sent",
    ),
    "a media type is no longer taken": (
        lambda d: d["paths"]["/transcription/stream/{session_id}/audio"]["post"]["requestBody"]["content"].pop(
            "audio/wave"
        ),
        "audio/wave no longer taken",
    ),
    "an action is no longer taken": (
        lambda d: d["paths"]["/transcription/stream"]["post"]["requestBody"]["content"]["application/json"]["schema"][
            "anyOf"
        ].pop(1),
        "renew",
    ),
    "an answer's status changes": (
        lambda d: d["paths"][ASK]["post"]["responses"].update({"202": d["paths"][ASK]["post"]["responses"].pop("200")}),
        "200: no longer answered",
    ),
    "an answer has another status, too": (
        lambda d: d["paths"][BALANCE]["get"]["responses"].update(
            {"202": d["paths"][BALANCE]["get"]["responses"]["200"]}
        ),
        "202: answered, too",
    ),
    "an answer's field is gone": (lambda d: _without(schema(d, "CreditBalance"), "held"), "held: may be missing"),
    "an answer's field may be missing": (
        lambda d: schema(d, "CreditBalance")["required"].remove("held"),
        "held: may be missing",
    ),
    "an answer's optional field is gone": (lambda d: schema(d, "Lease")["properties"].pop("token"), "token: gone"),
    "an answer's field is of another type": (
        lambda d: field(d, "CreditBalance", "held").update(type="number"),
        "may be number",
    ),
    "an answer's field may be null": (
        lambda d: field(d, "CreditBalance", "held").update(type=["integer", "null"]),
        "may be null",
    ),
    "a field deep in an answer is gone": (lambda d: _without(schema(d, "ModelUse"), "model"), "models[].model"),
    "an answer's header is gone": (
        lambda d: d["paths"][BALANCE]["get"]["responses"]["200"]["headers"].pop("X-Request-Id"),
        "X-Request-Id: gone",
    ),
    "a file is no longer sent": (
        lambda d: d["paths"]["/credits/transactions"]["get"]["responses"]["200"]["content"].pop("text/csv"),
        "text/csv",
    ),
    "another shape is answered, too": (
        lambda d: d["paths"][BALANCE]["get"]["responses"]["200"]["content"]["application/json"].update(
            schema={"anyOf": [{"$ref": "#/components/schemas/CreditBalance"}, {"$ref": "#/components/schemas/Health"}]}
        ),
        "available: may be missing",
    ),
}
HARMLESS: dict[str, Callable[[Json], Any]] = {
    "nothing": lambda d: None,
    "a path more": lambda d: d["paths"].update({"/new": d["paths"]["/health"]}),
    "a parameter more": lambda d: d["paths"][BALANCE]["get"].update(
        parameters=[{"name": "at", "in": "query", "required": False, "schema": {"type": "string"}}]
    ),
    "a parameter may be left out": lambda d: next(
        one
        for one in d["paths"]["/transcription/stream/{session_id}/audio"]["post"]["parameters"]
        if one["name"] == "seq"
    ).update(required=False),
    "a wider bound": lambda d: parameter(d, HISTORY, "limit")["schema"].update(maximum=500),
    "no bound any more": lambda d: field(d, "Segment", "text").pop("maxLength"),
    "a word more is taken": lambda d: parameter(d, HISTORY, "kind")["schema"].update(enum=["live", "catchup", "call"]),
    "a field more may be sent": lambda d: schema(d, "Ask")["properties"].update(tone={"type": "string"}),
    "a field need not be sent": lambda d: schema(d, "Ask").update(required=[]),
    "a field need not be sent, and stands for something then": lambda d: (
        schema(d, "Ask").update(required=[]),
        field(d, "Ask", "question").update(default="What now?"),
    ),
    "an answer's field more": lambda d: schema(d, "CreditBalance")["properties"].update(bonus={"type": "integer"}),
    "an answer's word more": lambda d: field(d, "Transaction", "kind")["enum"].append("gift"),
    "an error more": lambda d: d["paths"]["/health"]["get"]["responses"].update(
        {"404": {"$ref": "#/components/responses/NotFound"}}
    ),
    "a token less": lambda d: d["paths"][BALANCE]["get"].update(security=[]),
    "other words": lambda d: d["paths"][BALANCE]["get"].update(summary="Something else", description="Else."),
}


def _without(shape: Json, name: str) -> None:
    shape["properties"].pop(name)
    shape["required"].remove(name)


def changed(change: Callable[[Json], Any]) -> Json:
    document = copy.deepcopy(CONTRACT)
    change(document)
    return document


def test_that_administrators_alone_may_is_said_as_it_is_looked_for() -> None:
    said = {
        path
        for path, methods in CONTRACT["paths"].items()
        for one in methods.values()
        if FOR_ADMINS in one["description"]
    }

    assert said >= {"/admin/users", "/admin/audit", "/analytics/costs"}
    assert BALANCE not in said


@pytest.mark.parametrize("name", BREAKING)
def test_what_breaks_a_client_is_found(name: str) -> None:
    change, said = BREAKING[name]

    found = breaking(CONTRACT, changed(change))

    assert any(said in line for line in found), found


@pytest.mark.parametrize("name", HARMLESS)
def test_what_breaks_nobody_is_let_through(name: str) -> None:
    assert breaking(CONTRACT, changed(HARMLESS[name])) == []


@pytest.mark.parametrize(
    ("old", "new", "announced"),
    [
        ("0.1.0", "0.1.9", False),
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "1.0.0", True),
        ("1.2.0", "1.3.0", False),
        ("1.2.0", "2.0.0", True),
    ],
)
def test_a_version_announces_what_breaks(old: str, new: str, announced: bool) -> None:
    was, now = changed(lambda d: set_version(d, old)), changed(lambda d: set_version(d, new))

    assert is_announced(was, now) is announced
