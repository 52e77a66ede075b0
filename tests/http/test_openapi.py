"""The contract as a document: made from the code, checked in as made, valid, with an example for everything."""

import json
import re
import subprocess
import sys
from typing import Annotated, Any, Literal

import pytest
from chalice import Chalice
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import validate

from app import app, views
from chalicelib import contract, errors
from chalicelib.http import middleware
from chalicelib.http.endpoint import facts_of
from chalicelib.http.openapi import document
from chalicelib.http.openapi.document import HEADERS
from chalicelib.http.openapi.errors import MEANINGS
from chalicelib.http.parameters import Admin, Body, Header, Id, IdempotencyKey, Query, Raw
from chalicelib.http.responses import STATUS, Answered, Download
from chalicelib.models.accounts import Caller
from scripts.contract.changes import breaking, is_announced
from scripts.contract.files import RELEASED, REPOSITORY, made, read, texts
from tests.http.contract_check import closed

DOCUMENT = made()
OPERATIONS = [
    (path, method, operation) for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
]


def operation_of(view: Any, path: str = "/credits/balance", **how: Any) -> dict[str, Any]:
    """What the document says of a route with this view alone."""
    small = Chalice(app_name="small", configure_logs=False)
    media_types = {"content_types": how.pop("content_types")} if "content_types" in how else {}
    knows_caller = any(one in view.__annotations__.values() for one in (Caller, Admin))
    made_view = views.answers(**{"limit": "reads" if knows_caller else "open"} | how)(view)
    small.route(path, methods=["POST"], **media_types)(made_view)
    return dict(document(small.routes, "1.0.0")["paths"][path]["post"])


def codes_of(operation: dict[str, Any], whole: dict[str, Any] = DOCUMENT) -> dict[str, list[str]]:
    """The codes of an operation's errors, by status."""
    found = {}
    for status, answer in operation["responses"].items():
        if "$ref" in answer:
            said = whole["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]
            found[status] = said["content"]["application/json"]["schema"]["allOf"][1]["properties"]["code"]["enum"]
    return found


# The document that ships


@pytest.mark.parametrize("name", list(texts()))
def test_what_is_checked_in_and_served_is_what_the_code_says(name: str) -> None:
    assert (REPOSITORY / name).read_text(encoding="utf-8") == texts()[name], f"{name} is old: run `make contract`"


def test_it_is_a_valid_document() -> None:
    validate(DOCUMENT)


def test_every_route_is_in_it_with_its_method_and_its_lock() -> None:
    routes = {(path, method.lower()) for path, methods in app.routes.items() for method in methods}

    assert {(path, method) for path, method, _ in OPERATIONS} == routes
    for path, method, operation in OPERATIONS:
        is_locked = app.routes[path][method.upper()].authorizer is not None
        assert operation["security"] == ([{"idToken": []}] if is_locked else []), path
    assert len({operation["operationId"] for _, _, operation in OPERATIONS}) == len(OPERATIONS)


def test_every_status_that_a_docstring_names_is_documented() -> None:
    for path, methods in app.routes.items():
        for method, route in methods.items():
            words = re.sub(r"(\d{3})-(\d{3})", _spread, route.view_function.__doc__)
            named = set(re.findall(r"\b[2-5]\d\d\b", re.sub(r"\d+ MB", "", words)))
            answers = DOCUMENT["paths"][path][method.lower()]["responses"]
            assert named <= set(answers), (method, path, named - set(answers))


def _spread(found: re.Match[str]) -> str:
    """502-504 are three statuses."""
    return " ".join(map(str, range(int(found[1]), int(found[2]) + 1)))


def test_every_code_of_the_contract_is_said_with_its_status_somewhere() -> None:
    heard = {
        (code, int(status))
        for _, _, operation in OPERATIONS
        for status, these in codes_of(operation).items()
        for code in these
    }

    assert heard == set(STATUS.items())


def test_every_header_that_pages_may_read_is_documented() -> None:
    def name(header: str) -> str:
        return header.removeprefix("X-").replace("-", "")

    assert {name(header) for header in middleware.CORS_EXPOSE_HEADERS} <= set(HEADERS)


def test_every_example_is_as_its_schema_says() -> None:
    """Shapes may have fields more; an example may not."""
    strict, checked = closed(DOCUMENT), 0
    contents = [*DOCUMENT["components"]["responses"].values()]
    for _, _, operation in OPERATIONS:
        contents += [operation.get("requestBody", {}), *operation["responses"].values()]
        for parameter in operation.get("parameters", ()):
            if "example" in parameter:
                Draft202012Validator(parameter["schema"], validate_formats=True).validate(parameter["example"])
                checked += 1
    for media in (media for content in contents for media in content.get("content", {}).values()):
        check = Draft202012Validator(media["schema"] | {"components": strict["components"]}, validate_formats=True)
        for example in media.get("examples", {}).values():
            check.validate(example["value"])
            checked += 1
    assert checked > 100


def test_every_body_and_every_json_answer_has_an_example() -> None:
    for path, _, operation in OPERATIONS:
        for content in (operation.get("requestBody", {}), *operation["responses"].values()):
            media = content.get("content", {}).get("application/json")
            if media and "$ref" in json.dumps(media["schema"]):
                assert media["examples"], path


def test_patterns_are_those_of_the_reader() -> None:
    """Python's `$` needs help that ECMA's does not; nobody should have to read it."""
    assert r"(?!\n)" not in json.dumps(DOCUMENT)


# What it makes of a view


def test_what_a_signature_names_is_a_parameter_or_the_body() -> None:
    def view(
        caller: Caller, transcript_id: Id, query: Query[contract.TransactionsQuery], key: IdempotencyKey, body: Body[contract.Ask],
        word: Annotated[str, Header("Stripe-Signature")],
    ) -> contract.AskAnswer:  # fmt: skip
        """Ask. 200; 404 none."""
        raise NotImplementedError

    said = operation_of(view, "/transcription/ask/{transcript_id}", errors=("insufficient_credits",))

    given = [(one["in"], one["name"], one["required"]) for one in said["parameters"] if "required" in one]
    assert given == [
        ("path", "transcript_id", True),
        ("query", "limit", False),
        ("query", "cursor", False),
        ("query", "format", False),
        ("header", "Stripe-Signature", True),
    ]
    assert [one["name"] for one in said["parameters"] if "required" not in one] == ["Idempotency-Key"]
    assert said["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Ask"}
    assert (said["summary"], said["description"], said["tags"]) == ("Ask", "200; 404 none.", ["Questions"])
    assert " ".join(said["responses"]) == "200 400 401 402 403 404 409 413 415 429 500 503"


def test_other_statuses_files_and_several_shapes_are_answers_too() -> None:
    def view() -> (
        contract.Saved | contract.Stopped | Answered[Literal[201], contract.Lease] | Annotated[Download, "text/csv"]
    ):
        """Anything."""
        raise NotImplementedError

    said = operation_of(view)["responses"]

    references = [{"$ref": f"#/components/schemas/{name}"} for name in ("Saved", "Stopped")]
    assert said["200"]["content"]["application/json"]["schema"] == {"anyOf": references}
    assert said["200"]["content"]["text/csv"] == {"schema": {"type": "string"}}
    assert "X-Next-Cursor" in said["200"]["headers"]
    assert said["201"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Lease"}


def test_audio_is_a_body_of_its_media_types() -> None:
    def view(sent: Annotated[bytes, Raw(9)]) -> contract.Received:
        raise NotImplementedError

    said = operation_of(view, content_types=["audio/wav", "audio/pcm"])

    binary = {"schema": {"type": "string", "format": "binary"}}
    assert said["requestBody"]["content"] == {"audio/wav": binary, "audio/pcm": binary}


def test_webhooks_are_never_told_to_slow_down() -> None:
    def view() -> contract.Received:
        raise NotImplementedError

    said = operation_of(view, limit="webhooks")

    assert "429" not in said["responses"]
    assert "503" in said["responses"]


def test_an_administrators_route_says_so() -> None:
    def view(caller: Admin) -> contract.LastAudit:
        """Look. 200."""
        raise NotImplementedError

    said = operation_of(view)

    assert said["description"] == "Needs the group `admins`. 200."
    assert said["security"] == [{"idToken": []}]
    assert said["responses"]["403"] == {"$ref": "#/components/responses/AccountBlockedOrForbiddenOrOriginNotAllowed"}


def test_a_shape_without_an_example_or_a_path_without_a_section_is_refused() -> None:
    class Strange(contract.Answer):
        word: str

    def view() -> Strange:
        raise NotImplementedError

    def known() -> contract.Received:
        raise NotImplementedError

    with pytest.raises(LookupError, match="needs an example"):
        operation_of(view)
    with pytest.raises(LookupError, match="in no section"):
        operation_of(known, "/elsewhere")


def test_a_code_that_there_is_not_is_refused_where_it_is_named() -> None:
    with pytest.raises(ValueError, match="no_such_code"):
        views.answers(limit="reads", errors=("no_such_code",))


def test_every_code_has_a_meaning_from_the_class_that_has_it() -> None:
    assert set(MEANINGS) == set(STATUS)
    assert MEANINGS["insufficient_credits"] == errors.InsufficientCreditsError.__doc__


def test_nothing_of_it_is_loaded_to_answer_requests() -> None:
    """The cold start pays for what `app` imports."""
    code = "import app, sys; sys.exit('chalicelib.http.openapi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


def test_facts_name_the_codes_of_a_route() -> None:
    facts = facts_of(app.routes["/auth/register"]["POST"].view_function)

    assert facts.errors == ("email_taken",)


# What was released


def test_nothing_that_was_released_is_broken() -> None:
    released = read(RELEASED)

    assert is_announced(released, DOCUMENT) or breaking(released, DOCUMENT) == []
