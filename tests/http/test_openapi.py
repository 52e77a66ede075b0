"""The contract as an OpenAPI document: generated from the code, committed, valid, with an example for each shape."""

import ast
import inspect
import json
import re
import subprocess
import sys
from typing import Annotated, Any, Literal, get_args

import pytest
from chalice import Chalice
from jsonschema_rs import Draft202012Validator

from app import app, endpoint
from chalicelib import contract, errors
from chalicelib.http import cors
from chalicelib.http.endpoint import route_spec
from chalicelib.http.openapi import document, errors as openapi_errors
from chalicelib.http.openapi.document import HEADERS
from chalicelib.http.openapi.errors import MEANINGS
from chalicelib.http.openapi.messages import MESSAGES
from chalicelib.http.openapi.reasons import REASONS
from chalicelib.http.parameters import Admin, Body, Header, Id, IdempotencyKey, Query, RawBody
from chalicelib.http.responses import STATUS, ResponseWithStatus
from chalicelib.models.accounts import Caller
from chalicelib.models.downloads import Download
from chalicelib.streaming.words import CLOSED_MESSAGES
from scripts.contract.changes import breaking_changes, is_announced
from scripts.contract.files import RELEASED, REPOSITORY, contract_texts, current_contract, read_contract
from tests.http.contract_check import close_shapes

DOCUMENT = current_contract()
NOT_OFFERED = "None of these providers is offered."
OPERATIONS = [
    (path, method, operation) for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
]


def operation_of(view: Any, path: str = "/credits/balance", **declared: Any) -> dict[str, Any]:
    """The operation of a route with this view, in a document of its own."""
    small = Chalice(app_name="small", configure_logs=False)
    media_types = {"content_types": declared.pop("content_types")} if "content_types" in declared else {}
    has_caller = any(kind in view.__annotations__.values() for kind in (Caller, Admin))
    chalice_view = endpoint(**{"limit": "reads" if has_caller else "open"} | declared)(view)
    small.route(path, methods=["POST"], **media_types)(chalice_view)
    return dict(document(small.routes, "1.0.0")["paths"][path]["post"])


def narrowed_schemas(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What each error response of an operation narrows the shape of all errors to, by status."""
    found = {}
    for status, response in operation["responses"].items():
        if "$ref" in response:
            response = DOCUMENT["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
        if status[0] in "45":
            found[status] = response["content"]["application/json"]["schema"]["allOf"][1]
    return found


def codes_of(operation: dict[str, Any]) -> dict[str, list[str]]:
    """The codes of an operation's errors, by status."""
    return {status: schema["properties"]["code"]["enum"] for status, schema in narrowed_schemas(operation).items()}


def reasons_of(operation: dict[str, Any]) -> set[str]:
    """All reasons that an operation documents."""
    details = [schema["properties"].get("details") for schema in narrowed_schemas(operation).values()]
    return {reason for detail in details if detail for reason in detail["properties"]["reason"]["enum"]}


# The committed document


@pytest.mark.parametrize("name", list(contract_texts()))
def test_the_committed_and_served_document_is_the_generated_one(name: str) -> None:
    assert (REPOSITORY / name).read_text(encoding="utf-8") == contract_texts()[name], (
        f"{name} is outdated: run `make contract`"
    )


@pytest.mark.long
def test_it_is_a_valid_document() -> None:
    from openapi_spec_validator import validate  # Loading it takes long, in each process of a run.

    validate(DOCUMENT)


def test_every_route_is_documented_with_its_method_and_lock() -> None:
    routes = {(path, method.lower()) for path, methods in app.routes.items() for method in methods}

    assert {(path, method) for path, method, _ in OPERATIONS} == routes
    for path, method, operation in OPERATIONS:
        is_locked = app.routes[path][method.upper()].authorizer is not None
        assert operation["security"] == ([{"idToken": []}] if is_locked else []), path
    assert len({operation["operationId"] for _, _, operation in OPERATIONS}) == len(OPERATIONS)


def test_every_route_documents_the_codes_and_reasons_that_it_declares() -> None:
    for path, method, operation in OPERATIONS:
        spec = route_spec(app.routes[path][method.upper()].view_function)
        documented = {code for codes in codes_of(operation).values() for code in codes}
        assert documented == openapi_errors.codes(spec), path
        assert reasons_of(operation) == openapi_errors.reasons(spec), path


def test_every_conflict_and_every_401_has_a_reason_from_the_closed_lists() -> None:
    for path, _, operation in OPERATIONS:
        for status, schema in narrowed_schemas(operation).items():
            expected = {"401": set(get_args(errors.UnauthenticatedReason)), "409": set(get_args(errors.ConflictReason))}
            if {"conflict", "unauthenticated"} & set(schema["properties"]["code"]["enum"]):
                reasons = set(schema["properties"]["details"]["properties"]["reason"]["enum"])
                assert set() < reasons <= expected[status], path
    reason = DOCUMENT["components"]["schemas"]["Error"]["properties"]["details"]["properties"]["reason"]
    assert set(reason["enum"]) == set(errors.REASON_CODES)


@pytest.mark.parametrize(
    ("error", "is_valid"),
    [
        ({"code": "conflict", "details": {"reason": "nothing_saved"}}, True),
        ({"code": "conflict", "details": {"reason": "lease_open"}}, False),
        ({"code": "conflict", "details": {"reason": "no_such_reason"}}, False),
        ({"code": "conflict", "details": {}}, False),
        ({"code": "conflict"}, False),
        ({"code": "idempotency_mismatch"}, True),
        ({"code": "email_taken"}, False),
    ],
    ids=str,
)
def test_the_schema_of_a_409_asks_for_a_reason_of_its_route(error: dict[str, Any], is_valid: bool) -> None:
    schema = DOCUMENT["paths"]["/transcription/ask"]["post"]["responses"]["409"]["content"]["application/json"][
        "schema"
    ]
    validator = Draft202012Validator(schema | {"components": DOCUMENT["components"]})

    assert validator.is_valid({"message": "No.", "request_id": "r"} | error) is is_valid


def test_every_status_that_a_docstring_names_is_documented() -> None:
    for path, methods in app.routes.items():
        for method, route in methods.items():
            prose = re.sub(r"\d+ MB", "", route.view_function.__doc__)
            named = set(re.findall(r"\b[2-5]\d\d\b", prose))
            responses = DOCUMENT["paths"][path][method.lower()]["responses"]
            assert named <= set(responses), (method, path, named - set(responses))


def test_every_code_is_documented_with_its_status_somewhere() -> None:
    documented = {
        (code, int(status))
        for _, _, operation in OPERATIONS
        for status, codes in codes_of(operation).items()
        for code in codes
    }

    assert documented == set(STATUS.items())


def test_every_header_that_pages_may_read_is_documented() -> None:
    def name(header: str) -> str:
        return header.removeprefix("X-").replace("-", "")

    assert {name(header) for header in cors.EXPOSE_HEADERS} <= set(HEADERS)


def test_every_example_matches_its_schema() -> None:
    """Responses may have additional fields; an example may not."""
    strict, checked = close_shapes(DOCUMENT), 0
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


def test_every_body_and_every_json_response_has_an_example() -> None:
    for path, _, operation in OPERATIONS:
        for content in (operation.get("requestBody", {}), *operation["responses"].values()):
            media = content.get("content", {}).get("application/json")
            if media and "$ref" in json.dumps(media["schema"]):
                assert media["examples"], path


def test_descriptions_of_shapes_are_paragraphs_without_the_layout_of_docstrings() -> None:
    """Python 3.13 removes the indentation of docstrings; the document is the same on every version."""
    described = [shape["description"] for shape in DOCUMENT["components"]["schemas"].values() if "description" in shape]

    assert any("\n\n" in text for text in described)
    assert [text for text in described if re.search(r"(?<!\n)\n(?!\n)|  ", text)] == []


def test_patterns_are_written_for_ecma() -> None:
    """Python's `$` needs an addition that ECMA's does not."""
    assert r"(?!\n)" not in json.dumps(DOCUMENT)


# How a view is documented


def test_parameters_and_body_are_those_of_the_signature() -> None:
    def view(
        caller: Caller, transcript_id: Id, query: Query[contract.TransactionsQuery], key: IdempotencyKey,
        body: Body[contract.Ask],
        signature: Annotated[str, Header("Stripe-Signature")],
    ) -> contract.AskAnswer:  # fmt: skip
        """Ask.

        The answer
        has quotes.
        """
        raise NotImplementedError

    operation = operation_of(
        view, "/transcription/ask/{transcript_id}", errors=("insufficient_credits",), reasons=("nothing_saved",)
    )

    parameters = [
        (parameter["in"], parameter["name"], parameter["required"])
        for parameter in operation["parameters"]
        if "required" in parameter
    ]
    assert parameters == [
        ("path", "transcript_id", True),
        ("query", "limit", False),
        ("query", "cursor", False),
        ("query", "format", False),
        ("header", "Stripe-Signature", True),
    ]
    assert [parameter["name"] for parameter in operation["parameters"] if "required" not in parameter] == [
        "Idempotency-Key"
    ]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Ask"}
    assert (operation["summary"], operation["description"], operation["tags"]) == (
        "Ask",
        "The answer has quotes.",
        ["Transcripts"],
    )
    assert " ".join(operation["responses"]) == "200 400 401 402 403 404 409 413 415 429 500 503"


def test_other_statuses_files_and_several_shapes_are_responses_too() -> None:
    def view() -> (
        contract.Saved
        | contract.Stopped
        | ResponseWithStatus[Literal[201], contract.Lease]
        | Annotated[Download, "text/csv"]
    ):
        """A view."""
        raise NotImplementedError

    responses = operation_of(view)["responses"]

    references = [{"$ref": f"#/components/schemas/{name}"} for name in ("Saved", "Stopped")]
    assert responses["200"]["content"]["application/json"]["schema"] == {"anyOf": references}
    assert responses["200"]["content"]["text/csv"] == {"schema": {"type": "string"}}
    assert "X-Next-Cursor" in responses["200"]["headers"]
    assert responses["201"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Lease"}


def test_audio_is_a_binary_body_of_its_media_types() -> None:
    def view(raw: Annotated[bytes, RawBody(9)]) -> contract.StripeWebhookResult:
        raise NotImplementedError

    operation = operation_of(view, content_types=["audio/wav", "audio/pcm"])

    binary = {"schema": {"type": "string", "format": "binary"}}
    assert operation["requestBody"]["content"] == {"audio/wav": binary, "audio/pcm": binary}


def test_webhooks_do_not_document_429() -> None:
    def view() -> contract.StripeWebhookResult:
        raise NotImplementedError

    operation = operation_of(view, limit="webhooks")

    assert "429" not in operation["responses"]
    assert "503" in operation["responses"]


def test_a_route_for_administrators_says_so() -> None:
    def view(caller: Admin) -> contract.LastAudit:
        """Look.

        Twice.
        """
        raise NotImplementedError

    operation = operation_of(view)

    assert operation["description"] == "Needs the group `admins`. Twice."
    assert operation["security"] == [{"idToken": []}]
    assert operation["responses"]["403"] == {
        "$ref": "#/components/responses/AccountBlockedOrForbiddenOrOriginNotAllowed"
    }


def test_a_shape_without_an_example_or_a_path_without_a_section_is_refused() -> None:
    class WithoutExample(contract.ResponseShape, kw_only=True):
        value: str

    def view() -> WithoutExample:
        raise NotImplementedError

    def webhook_view() -> contract.StripeWebhookResult:
        raise NotImplementedError

    with pytest.raises(LookupError, match="needs an example"):
        operation_of(view)
    with pytest.raises(LookupError, match="in no section"):
        operation_of(webhook_view, "/elsewhere")


def test_an_unknown_code_is_refused_where_it_is_declared() -> None:
    with pytest.raises(ValueError, match="no_such_code"):
        endpoint(limit="reads", errors=("no_such_code",))


def test_every_code_and_every_reason_has_a_meaning() -> None:
    assert set(MEANINGS) == set(STATUS)
    assert set(REASONS) == set(errors.REASON_CODES)
    assert MEANINGS["insufficient_credits"] == "The available credits cannot cover the request."


def raised_texts() -> list[str]:
    """Every text in the code of the backend as a pattern, with a gap for each value that is inserted.

    An `example` in errors.py proves nothing about itself, so it is left out.
    """
    paths = [path for path in (REPOSITORY / "chalicelib").rglob("*.py") if "openapi" not in path.parts]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    examples = {
        node.value
        for node in nodes
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["example"]
    }
    patterns = []
    for node in (node for node in nodes if node not in examples):
        match node:
            case ast.Constant(value=str(text)):
                patterns.append(re.escape(text))
            case ast.JoinedStr(values=parts):
                texts = [re.escape(part.value) if isinstance(part, ast.Constant) else ".+" for part in parts]
                patterns.append("".join(texts))
    return [pattern for pattern in patterns if len(pattern) > 12 and " " in pattern and pattern.strip(".+ ")]


def composing_codes() -> set[str]:
    """The codes whose own class makes its message, or adds to the one it is given."""
    values = {"message": "A message.", "field": "a.field", "reason": "expired", "offered": ["a", "b"]}
    values |= {"required": 10, "available": 5, "held": 0}
    classes: dict[str, type[errors.AppError]] = {}
    for kind in vars(errors).values():
        if inspect.isclass(kind) and issubclass(kind, errors.AppError):
            classes.setdefault(kind.code, kind)
    found = set()
    for code, kind in classes.items():
        needed = [
            parameter.name
            for parameter in inspect.signature(kind).parameters.values()
            if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
        ]
        if kind(**{name: values[name] for name in needed}).message != values["message"]:
            found.add(code)
    return found


def test_the_examples_of_errors_are_messages_that_the_code_really_raises() -> None:
    raised = [re.compile(pattern) for pattern in raised_texts()]
    composed = composing_codes()

    assert set(MESSAGES) == (set(STATUS) | set(errors.REASON_CODES)) - {"conflict", "unauthenticated"}
    for name in MESSAGES.keys() - composed:
        assert any(pattern.fullmatch(MESSAGES[name]) for pattern in raised), name
    assert {code: MESSAGES[code] for code in composed} == {
        "insufficient_credits": str(errors.InsufficientCreditsError(100, 40, 60)),
        "provider_not_offered": str(errors.ProviderNotOfferedError(NOT_OFFERED, ["assemblyai", "openai"])),
    }
    assert any(pattern.fullmatch(NOT_OFFERED) for pattern in raised)


def test_every_conflict_says_what_to_do() -> None:
    """After the sentence that says what is wrong."""
    calls = [
        node
        for path in (REPOSITORY / "chalicelib").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ConflictError"
    ]
    raised = [call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)]
    examples = [MESSAGES[reason] for reason, code in errors.REASON_CODES.items() if code == "conflict"]

    assert len(raised) > 15
    assert [text for text in [*raised, *examples, *CLOSED_MESSAGES.values()] if ". " not in text] == []


def test_the_examples_of_composed_errors_are_whole() -> None:
    examples = {
        code: example["value"]
        for response in DOCUMENT["components"]["responses"].values()
        for code, example in response["content"]["application/json"]["examples"].items()
    }

    offered, credits = examples["provider_not_offered"], examples["insufficient_credits"]
    assert offered["message"] == "None of these providers is offered. Offered to this account: assemblyai, openai."
    assert offered["details"] == {"field": "providers", "offered": ["assemblyai", "openai"]}
    assert "100 credits are needed, 40 are available, and 60 are held by open sessions" in credits["message"]
    assert credits["details"] == {"required": 100, "available": 40}


def test_no_example_of_an_error_is_a_description_of_its_class() -> None:
    meanings = set(MEANINGS.values())
    examples = [
        example["value"]["message"]
        for response in DOCUMENT["components"]["responses"].values()
        for example in response["content"]["application/json"]["examples"].values()
    ]

    assert len(examples) > 20
    assert {text for text in examples if text in meanings or "`details" in text} <= {MESSAGES["forbidden"]}


def test_requests_do_not_load_the_generator() -> None:
    """The cold start pays for what `app` imports."""
    code = "import app, sys; sys.exit('chalicelib.http.openapi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


def test_the_spec_names_the_codes_of_a_route() -> None:
    spec = route_spec(app.routes["/auth/register"]["POST"].view_function)

    assert spec.errors == ("email_taken",)


# The released contract


def test_the_released_contract_is_not_broken() -> None:
    released = read_contract(RELEASED)

    assert is_announced(released, DOCUMENT) or breaking_changes(released, DOCUMENT) == []


def test_the_contract_the_client_and_the_changelog_name_one_version() -> None:
    client = REPOSITORY / "clients" / "browser"
    package, lock = (json.loads((client / name).read_text()) for name in ("package.json", "package-lock.json"))
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", changelog, re.MULTILINE)

    assert headings[0] == "Unreleased"
    assert headings[1].split(" - ")[0] == DOCUMENT["info"]["version"]
    assert re.fullmatch(r"[0-9.]+ - \d{4}-\d\d-\d\d", headings[1])
    assert {package["version"], lock["version"], lock["packages"][""]["version"]} == {DOCUMENT["info"]["version"]}
