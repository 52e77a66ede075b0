"""Every error has its status and the shape of all errors; invalid input is named; no bug is shown to a client."""

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from chalice import Chalice, Response
from chalice.app import MultiDict
from chalice.test import Client

from chalicelib import contract, errors
from chalicelib.http import endpoint, middleware, request, responses
from chalicelib.http.invalid_input import accepted_values
from chalicelib.settings import load
from chalicelib.settings.schema import Settings

SETTINGS = Settings(
    stage="local",
    aws_default_region="us-east-1",
    ledger_table="",
    app_table="",
    upload_bucket="",
    jobs_queue_url="",
    cognito_user_pool_id="",
    cognito_client_id="",
    cognito_client_secret="",
    identity_hmac_key="",
    extension_origin="chrome-extension://a",
    assemblyai_api_key="",
)
UNUSED: Any = None  # the verifier and the limiter of views without a caller
CORS = {"Access-Control-Allow-Origin": "chrome-extension://a"}
ORIGINS = ("chrome-extension://a", "chrome-extension://edge", "https://owner.example")


def all_errors(kind: type[errors.AppError] = errors.AppError) -> Iterator[type[errors.AppError]]:
    yield kind
    for subclass in kind.__subclasses__():
        yield from all_errors(subclass)


def respond(
    view: Any, *, settings: Any = lambda: SETTINGS, headers: dict[str, str] | None = None
) -> tuple[int, Any, Any]:
    """Status, body and headers of one view behind the middleware."""
    app = Chalice(app_name="small", configure_logs=False)
    app.register_middleware(middleware.http_middleware(settings, CORS, ORIGINS), "http")
    decorate = endpoint.EndpointDecorator(lambda: app.current_request, UNUSED, UNUSED, UNUSED)(limit="open")
    app.route("/x", methods=["POST"])(decorate(lambda: view(app.current_request)))
    with Client(app) as client:
        all_headers = {"Content-Type": "application/json"} | (headers or {})
        response = client.http.post("/x", headers=all_headers, body=b'{"refresh_token": "t"}')
    return response.status_code, json.loads(response.body), response.headers


def raising(error: BaseException) -> Any:
    def view(_: Any) -> None:
        raise error

    return view


def test_every_error_has_a_status() -> None:
    assert {error.code for error in all_errors()} <= set(responses.STATUS)


@pytest.mark.parametrize("kind", list(all_errors()), ids=lambda kind: kind.__name__)
def test_every_error_has_the_same_shape(kind: type[errors.AppError]) -> None:
    match kind:
        case errors.InvalidRequestError:
            error = kind("A message.", "a.field")
        case errors.InsufficientCreditsError:
            error = kind(10, 5, 0)
        case errors.ConflictError:
            error = kind("A message.", "lease_open")
        case errors.UnauthenticatedError:
            error = kind("A message.", "expired")
        case errors.ProviderNotOfferedError:
            error = kind("A message.", ["assemblyai"])
        case errors.MailQuotaError:
            error = kind()
        case errors.UnusableAnswerError:
            error = kind("A message.", "openai/gpt-6-luna", 10, 5)
        case _:
            error = kind("A message.")

    status, body, headers = respond(raising(error))

    assert (status, body["code"], body["message"]) == (responses.STATUS[kind.code], kind.code, error.message)
    assert set(body) <= {"code", "message", "request_id", "details"}
    assert body["request_id"] == headers["X-Request-Id"]
    assert headers["Access-Control-Allow-Origin"] == CORS["Access-Control-Allow-Origin"]
    assert ("Retry-After" in headers) == (status in responses.MAY_BE_RETRIED)


def test_seconds_to_wait_become_a_header_and_not_a_detail() -> None:
    status, body, headers = respond(
        raising(errors.ConflictError("Busy.", "still_running", retry_after_seconds=7, seq=3))
    )

    assert (status, headers["Retry-After"], body["details"]) == (409, "7", {"reason": "still_running", "seq": 3})


@pytest.mark.parametrize(
    "error", [KeyError("secret"), RuntimeError("secret"), RecursionError("secret"), AssertionError("secret")]
)
def test_the_text_of_a_bug_reaches_neither_the_client_nor_the_log(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    status, body, _ = respond(raising(error))

    assert (status, body["code"]) == (500, "internal_error")
    logged = capsys.readouterr().out
    assert "secret" not in json.dumps(body) + logged
    assert type(error).__name__ in logged


def test_invalid_settings_are_a_500_whose_reason_is_only_logged(capsys: pytest.CaptureFixture[str]) -> None:
    def invalid() -> Settings:
        raise load.SettingsError("settings: LEDGER_TABLE is missing")

    status, body, headers = respond(lambda _: contract.EmptyBody(), settings=invalid)

    assert (status, body["code"]) == (500, "internal_error")
    assert "LEDGER_TABLE" not in json.dumps(body)
    assert "LEDGER_TABLE is missing" in capsys.readouterr().out
    assert headers["Access-Control-Allow-Origin"] == CORS["Access-Control-Allow-Origin"]


@pytest.mark.parametrize("origin", [*ORIGINS, None])
@pytest.mark.parametrize(
    "view", [lambda _: contract.EmptyBody(), raising(errors.ForbiddenError("No.")), raising(KeyError("a bug"))]
)
def test_each_allowed_origin_is_answered_by_its_name_in_errors_too(view: Any, origin: str | None) -> None:
    _, _, headers = respond(view, headers={"Origin": origin} if origin else {})

    assert headers["Access-Control-Allow-Origin"] == (origin or ORIGINS[0])
    assert headers["Vary"] == "Origin"


def test_each_allowed_origin_can_read_that_the_settings_are_invalid() -> None:
    def invalid() -> Settings:
        raise load.SettingsError("settings: LEDGER_TABLE is missing")

    status, _, headers = respond(lambda _: None, settings=invalid, headers={"Origin": "https://owner.example"})

    assert (status, headers["Access-Control-Allow-Origin"]) == (500, "https://owner.example")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "chrome-extension://unpackedcopy",
        "moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc",
        "http://localhost:3000",
    ],
)
def test_a_refused_origin_is_named_with_what_to_set(origin: str) -> None:
    status, body, headers = respond(lambda _: None, headers={"Origin": origin})

    assert (status, body["code"], body["details"]) == (403, "origin_not_allowed", {"origin": origin})
    assert origin in body["message"]
    assert "EXTENSION_ORIGIN" in body["message"]
    assert headers["Access-Control-Allow-Origin"] == ORIGINS[0]


@pytest.mark.parametrize("origin", ["null", "<script>", "https://a b", "x" * 5_000])
def test_what_is_no_origin_is_not_repeated(origin: str) -> None:
    status, body, _ = respond(lambda _: None, headers={"Origin": origin})

    assert (status, body["code"]) == (403, "origin_not_allowed")
    assert origin not in body["message"]


def test_chalices_own_errors_get_a_code_of_the_contract() -> None:
    status, body, _ = respond(lambda _: contract.EmptyBody(), headers={"Content-Type": "text/plain"})

    assert (status, body["code"]) == (415, "unsupported_media_type")


def test_an_unexpected_status_is_answered_as_a_bug() -> None:
    app = Chalice(app_name="small", configure_logs=False)
    app.register_middleware(middleware.http_middleware(lambda: SETTINGS, CORS, ORIGINS), "http")
    app.route("/x")(lambda: Response("<html>teapot</html>", status_code=418))
    with Client(app) as client:
        response = client.http.get("/x")

    assert (response.status_code, json.loads(response.body)["code"]) == (500, "internal_error")
    assert b"teapot" not in response.body


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"email": "a@b.cd"}, "password"),
        ({"email": "a@b.cd", "password": "x" * 10, "more": 1}, "more"),
        ({"email": "a@b.cd", "password": "x" * 10, "m" * 500: 1}, "m" * 100),
        ({"email": 1, "password": "x" * 10}, "email"),
        ({"email": "a@b.cd", "password": "short"}, "password"),
    ],
)
def test_the_path_of_the_first_invalid_field_is_named(body: dict[str, Any], field: str) -> None:
    class Request:
        raw_body = json.dumps(body).encode()

    with pytest.raises(errors.InvalidRequestError) as refused:
        request.body(Request(), contract.Register)
    assert refused.value.details == {"field": field}
    assert not any(value in refused.value.message for value in map(str, body.values()))


def refusal_of(shape: Any, body: bytes) -> errors.InvalidRequestError:
    with pytest.raises(errors.InvalidRequestError) as found:
        request.body(SimpleNamespace(raw_body=body), shape)  # type: ignore[arg-type]
    return found.value


SAVE = '{"action": "save", "session_id": "s", "segments": [%s]}'
SEGMENT = '{"seq": 0, "start_ms": 0, "end_ms": 1, "text": "a"%s}'


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ("", "body", "The body is not valid JSON in UTF-8. Send JSON."),
        ("[]", "body", "This must be an object."),
        ("{}", "action", "This field is required."),
        ('{"action": "dance"}', "action", "This must be one of: start, renew, save, stop."),
        ('{"action": "stop"}', "session_id", "This field is required."),
        ('{"action": "start", "colour": 1}', "colour", "This field is unknown. Remove it."),
        *(
            (BODY_WITH % json.dumps(name), prefix + name, "This field is unknown. Remove it.")
            for name in ("a - at `$.b", "a` - at `$.b", "a - at `$", "a` - at `$.turn2", " - at `$.b`", "`", "$.b")
            for BODY_WITH, prefix in (
                ('{"action": "start", %s: 1}', ""),
                ('{"action": "start", "turn": {%s: 1}}', "turn."),
            )
        ),
        ('{"action": "start", "lease_seconds": 59}', "lease_seconds", "This must be at least 60."),
        ('{"action": "start", "lease_seconds": 10801}', "lease_seconds", "This must be at most 10,800."),
        ('{"action": "start", "lease_seconds": 1.5}', "lease_seconds", "This must be a whole number."),
        ('{"action": "start", "lease_seconds": 1e999}', "lease_seconds", "This number is too large."),
        ('{"action": "start", "title": 1}', "title", "This must be text."),
        ('{"action": "start", "transport": "pigeon"}', "transport", "This must be one of: direct, relay."),
        (
            '{"action": "start", "sample_rate": 1}',
            "sample_rate",
            "This must be one of: 8000, 16000, 22050, 24000, 32000, 44100, 48000.",
        ),
        ('{"action": "start", "key_terms": ["a", ""]}', "key_terms[1]", "A key term has at least 1 character."),
        ('{"action": "start", "key_terms": ["a\\nb"]}', "key_terms[0]", contract.ONE_LINE_SENTENCE),
        (
            '{"action": "start", "language": "x"}',
            "language",
            "Send a language tag such as en or pt-BR, or auto to have the language detected.",
        ),
        ('{"action": "start", "turn": {"more": 1}}', "turn.more", "This field is unknown. Remove it."),
        ('{"action": "start", "turn": {"silence_ms": -1}}', "turn.silence_ms", "This must be at least 0."),
        ('{"action": "save", "session_id": "s"}', "segments", "This field is required."),
        ('{"action": "save", "session_id": "s", "segments": {}}', "segments", "This must be a list."),
        (SAVE % ", ".join([SEGMENT % ""] * 101), "segments", "This list has at most 100 items."),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_error_names_the_input_and_says_what_is_wrong(body: str, field: str, message: str) -> None:
    error = refusal_of(contract.StreamAction, body.encode())

    assert (error.details, error.message) == ({"field": field}, message)


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    seq: int
    text: str | float | bool | None = None


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ('[{"seq": 0}, {}]', "[1].seq", "This field is required."),
        ('[{"seq": 0, "more": 1}]', "[0].more", "This field is unknown. Remove it."),
        ('[{"seq": 0, "text": [7]}]', "[0].text", "This must be text, a number, or true or false."),
    ],
)
def test_the_error_names_an_input_inside_a_list(body: str, field: str, message: str) -> None:
    error = refusal_of(list[Inner], body.encode())

    assert (error.details, error.message) == ({"field": field}, message)


@pytest.mark.parametrize(
    ("sent", "start_ms"),
    [("12.5", 13), ("13.5", 14), ("12.4", 12), ("-5", 0), ("-0.5", 0), ("1200", 1_200), ("1e300", 2_592_000_000),
     ("2592000001", 2_592_000_000)],
)  # fmt: skip
def test_where_a_chunk_begins_is_rounded_and_clamped(sent: str, start_ms: int) -> None:
    query_params = MultiDict({"seq": ["0"], "start_ms": [sent]})

    query = request.query(SimpleNamespace(query_params=query_params), contract.ChunkQuery)  # type: ignore[arg-type]

    assert (query.start_ms, type(query.start_ms)) == (start_ms, int)


@pytest.mark.parametrize("sent", ["soon", "nan", "", "true"])
def test_a_chunk_that_begins_at_no_number_is_refused(sent: str) -> None:
    query_params = MultiDict({"seq": ["0"], "start_ms": [sent]})

    with pytest.raises(errors.InvalidRequestError) as found:
        request.query(SimpleNamespace(query_params=query_params), contract.ChunkQuery)  # type: ignore[arg-type]

    assert found.value.details == {"field": "start_ms"}


@pytest.mark.parametrize(
    ("parameters", "field", "message"),
    [
        ({"limit": ["x"]}, "limit", "This must be a whole number."),
        ({"limit": ["0"]}, "limit", "This must be at least 1."),
        ({"colour": ["red"]}, "colour", "This parameter is unknown. Remove it."),
        ({"\ud800": ["red"]}, "\ufffd", "This parameter is unknown. Remove it."),
        ({"a\udc00😀": ["\udfff"]}, "a\ufffd😀", "This parameter is unknown. Remove it."),
        ({"cursor": ["\ud800" * 501]}, "cursor", "A cursor has at most 500 characters."),
        ({"limit": ["1", "1"]}, "limit", "This parameter was sent more than once. Send it once."),
        ({"from": ["x"]}, "from", "Send a time with a time zone, such as 2026-11-30T10:00:00Z."),
        ({"from": ["2026-11-30T10:00:00"]}, "from", "Send a time with a time zone, such as 2026-11-30T10:00:00Z."),
        ({"kind": ["x"]}, "kind", "This must be one of: catchup, live."),
    ],
    ids=str,
)
def test_a_query_parameter_is_named_by_itself(parameters: dict[str, list[str]], field: str, message: str) -> None:
    query_params = MultiDict(parameters)

    with pytest.raises(errors.InvalidRequestError) as found:
        request.query(SimpleNamespace(query_params=query_params), contract.HistoryQuery)  # type: ignore[arg-type]

    assert (found.value.details, found.value.message) == ({"field": field}, message)


@pytest.mark.parametrize("values", [["1"], ["1", "2"], ["1", "1", "x"]], ids=str)
def test_of_a_parameter_in_a_link_the_first_value_counts(values: list[str]) -> None:
    query_params = MultiDict({"credits": values, "session_id": ["a", "b"]})

    query = request.query(SimpleNamespace(query_params=query_params), contract.PaidQuery)  # type: ignore[arg-type]

    assert query.credits == "1"


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"password": "short"}, "password", "A password has at least 10 characters."),
        ({"password": "x" * 257}, "password", "A password has at most 256 characters."),
        ({"email": ""}, "email", "Give a whole email address, such as ada@example.com."),
        ({"email": "ada"}, "email", "Give a whole email address, such as ada@example.com."),
        ({"email": "ada@"}, "email", "Give a whole email address, such as ada@example.com."),
        ({"email": "ada lovelace@example.com"}, "email", "Give a whole email address, such as ada@example.com."),
        ({"email": f"{'a' * 60}@{'b' * 80}.example"}, "email", "An email address has at most 128 characters."),
        ({"name": "<b>Ada</b>"}, "name", "A name has no < or >, no line breaks and no other control characters."),
        ({"name": "x" * 101}, "name", "A name has at most 100 characters."),
    ],
)
def test_what_a_person_typed_is_answered_with_a_sentence(body: dict[str, Any], field: str, message: str) -> None:
    good = {"email": "ada@example.com", "password": "x" * 10}

    error = refusal_of(contract.Register, json.dumps(good | body).encode())

    assert (error.details, error.message) == ({"field": field}, message)


def request_shapes() -> list[type]:
    shapes = [shape for shape in vars(contract).values() if isinstance(shape, type)]
    return [shape for shape in shapes if issubclass(shape, contract.RequestShape) or shape is contract.TranscriptEnded]


def inner_types(kind: Any) -> Iterator[Any]:
    """A type and all types inside it, as msgspec describes them."""
    yield kind
    for inner in (*getattr(kind, "types", ()), getattr(kind, "item_type", None), getattr(kind, "type", None)):
        if inner is not None:
            yield from inner_types(inner)
    for field in getattr(kind, "fields", ()):
        yield from inner_types(field.type)


@pytest.mark.parametrize("shape", request_shapes(), ids=lambda shape: shape.__name__)
def test_every_pattern_of_the_contract_has_a_sentence(shape: type) -> None:
    patterns = {
        kind.pattern for kind in inner_types(msgspec.inspect.type_info(shape)) if getattr(kind, "pattern", None)
    }

    for pattern in patterns:
        sentence = contract.PATTERN_SENTENCES[pattern]
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert not re.search(r"[\\^$|\[\]{}]|\bstr\b|\bint\b|[Rr]egex|pattern", sentence)


def test_every_list_of_values_is_shown_in_full() -> None:
    found = 0
    for shape in request_shapes():
        for field in msgspec.inspect.type_info(shape).fields:  # type: ignore[attr-defined]
            literals = [kind for kind in inner_types(field.type) if isinstance(kind, msgspec.inspect.LiteralType)]
            for literal in literals:
                found += 1
                assert set(accepted_values(shape, field.encode_name)) >= set(literal.values)
    assert found > 5


def test_a_missing_query_parameter_is_named() -> None:
    with pytest.raises(errors.InvalidRequestError) as found:
        request.query(SimpleNamespace(query_params=None), contract.ExportQuery)  # type: ignore[arg-type]

    assert found.value.details == {"field": "format"}


def test_no_message_has_a_pattern_a_type_name_or_a_value() -> None:
    for body in ('{"action": "start", "language": "secret"}', '{"action": "start", "sample_rate": "secret"}'):
        message = refusal_of(contract.StreamAction, body.encode()).message
        assert not any(text in message for text in ("secret", "^", "`str`", "regex", "int"))


@pytest.mark.parametrize(
    ("path", "route", "base"),
    [
        ("/", "/", ""),
        ("/api", "/", "/api"),
        ("/api/", "/", "/api"),
        ("/api/docs", "/docs", "/api"),
        ("/api/docs/", "/docs", "/api"),
        ("/docs", "/docs", ""),
        ("/v1/api/checkout/paid", "/checkout/paid", "/v1/api"),
        ("/api/transcription/history/T1/share", "/transcription/history/{transcript_id}/share", "/api"),
        ("/transcription/history/T1/share", "/transcription/history/{transcript_id}/share", ""),
        ("/api/history/T1", "/transcription/history/{transcript_id}", ""),
        ("/api/shared/token/", "/shared/{token}", "/api"),
        ("", "/", ""),
    ],
)
def test_the_path_of_the_api_is_found_on_every_stage(path: str, route: str, base: str) -> None:
    assert request.base_path(SimpleNamespace(path=route, context={"path": path})) == base  # type: ignore[arg-type]


def test_pages_of_the_own_domain_may_call_and_no_others_if_it_is_unknown() -> None:
    class Request:
        def __init__(self, origin: str, context: dict[str, str]):
            self.headers, self.context = {"origin": origin}, context

    middleware._check_origin(Request("https://api.example", {"domainName": "api.example"}), ORIGINS)
    for origin, context in (
        ("https://", {}),
        ("https://None", {}),
        ("http://api.example", {"domainName": "api.example"}),
    ):
        with pytest.raises(errors.OriginNotAllowedError):
            middleware._check_origin(Request(origin, context), ORIGINS)


@pytest.mark.parametrize(
    ("site", "mode", "is_allowed"),
    [
        ("cross-site", "no-cors", False),
        ("same-site", "no-cors", False),
        ("cross-site", "cors", False),
        ("cross-site", "navigate", True),  # a link that was followed
        ("same-origin", "cors", True),
        ("same-origin", "no-cors", True),
        ("none", "navigate", True),
        ("none", "cors", True),  # an extension with permission for this host
    ],
)
def test_embedding_by_other_pages_is_refused_though_it_has_no_origin(site: str, mode: str, is_allowed: bool) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}

    status, body, _ = respond(lambda _: contract.EmptyBody(), headers=headers)

    assert (status, body.get("code")) == ((200, None) if is_allowed else (403, "origin_not_allowed"))


# The network of a request


def network(source: object, headers: dict[str, str] | None = None) -> str:
    """The network of a request whose address is `source` by the gateway's context."""
    return request.network(SimpleNamespace(context={"identity": {"sourceIp": source}}, headers=headers or {}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207"], "192.0.2.7"),
        (["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:DB8:1:2:0:0:0:9"], "2001:db8:1:2::/64"),
        (["2001:db8:1:3::1"], "2001:db8:1:3::/64"),
        (["", "unknown", "192.0.2.7, 192.0.2.8", "192.0.2", None], ""),
    ],
)
def test_all_addresses_of_a_customer_are_one_network(addresses: list[object], expected: str) -> None:
    """A customer gets 2⁶⁴ IPv6 addresses, which limits and caps must count as one."""
    assert {network(address) for address in addresses} == {expected}


def test_headers_of_the_client_do_not_change_the_network() -> None:
    assert network("192.0.2.7", {"x-forwarded-for": "198.51.100.1", "forwarded": "for=198.51.100.1"}) == "192.0.2.7"
    assert request.network(SimpleNamespace(context={}, headers={"x-forwarded-for": "198.51.100.1"})) == ""  # type: ignore[arg-type]
