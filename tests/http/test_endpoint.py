"""A view gets what its signature names; the caller is checked first; an invalid request never reaches the view."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
from chalice import Chalice
from chalice.test import Client, HTTPResponse

from chalicelib import contract, errors, ids
from chalicelib.http.endpoint import EndpointDecorator, route_spec
from chalicelib.http.parameters import (
    Admin,
    Body,
    BytesSentToday,
    Header,
    Id,
    IdempotencyKey,
    Parameter,
    Query,
    RawBody,
    RouteSpec,
    Source,
)
from chalicelib.http.rate_limiter import over_limit_error
from chalicelib.http.responses import RepeatedResponse, ResponseWithStatus, to_response
from chalicelib.models.accounts import Caller
from chalicelib.models.downloads import Download
from chalicelib.models.rate_limits import Limit
from chalicelib.repositories.rate_limits import RequestCount, limit_key

SIXTY, NOW = Limit.parse("60/minute"), 1_795_400_000_000_000
ADA = Caller("ada", 100, "ada@example.com")
ROOT = Caller("root", 100, "root@example.com", groups=("admins",))


class FakeVerifier:
    """Accepts two tokens."""

    def caller(self, token: str) -> Caller:
        try:
            return {"ada": ADA, "root": ROOT}[token]
        except KeyError as error:
            raise errors.UnauthenticatedError("No.", "wrong_token") from error


class FakeAdministrators:
    """Believes the token."""

    def check(self, caller: Caller) -> None:
        if "admins" not in caller.groups:
            raise errors.ForbiddenError("No.")


@dataclass
class FakeLimiter:
    """A limiter without a table. `tat_us`: the stored arrival time; `refusal`: raised instead of counting."""

    tat_us: int = NOW
    refusal: errors.AppError | None = None
    counted: list[tuple[str, str]] = field(default_factory=list)
    exempt: list[bool] = field(default_factory=list)

    def new_count(self, group: str, identity: str) -> RequestCount:
        self.counted.append((group, identity))
        return RequestCount(limit_key(group, SIXTY, identity), SIXTY, NOW)

    @contextmanager
    def counting(self, group: str, count: RequestCount) -> Iterator[None]:
        if self.refusal:
            raise self.refusal
        count.update_from({"tat_us": self.tat_us})
        if count.wait_seconds:
            raise over_limit_error(count)
        count.mark_counted({})
        yield
        self.exempt.append(count.is_exempt)


def call(view: Callable[..., Any], path: str = "/x", token: str = "", body: Any = None, **headers: str) -> Any:
    """Status and body of a POST to `view`, whose route is /x/{transcript_id}/{name} or /x."""
    response = post(view, path, token, body, **headers)
    return response.status_code, json.loads(response.body) if response.body.startswith(b"{") else response.body.decode()


def post(
    view: Callable[..., Any],
    path: str = "/x",
    token: str = "",
    body: Any = None,
    limiter: FakeLimiter | None = None,
    limit: str = "",
    explain: Any = None,
    errors_as_pages: bool = False,
    **headers: str,
) -> HTTPResponse:
    """The response to a POST to `view`."""
    app = Chalice(app_name="small", configure_logs=False)
    endpoint = EndpointDecorator(
        lambda: app.current_request,
        FakeVerifier,
        lambda: limiter or FakeLimiter(),
        FakeAdministrators,
        *filter(None, [explain]),
    )  # type: ignore[arg-type, return-value]
    has_caller = {Caller, Admin} & set(view.__annotations__.values())
    group = limit or ("reads" if has_caller else "open")
    chalice_view = endpoint(limit=group, errors_as_pages=errors_as_pages)(view)
    app.route("/x/{transcript_id}/{name}" if path != "/x" and "?" not in path else "/x", methods=["POST"])(chalice_view)
    all_headers = {"Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with Client(app) as client:
        return client.http.post(
            path, headers=all_headers | ({"Authorization": f"Bearer {token}"} if token else {}), body=raw
        )


class Echo(contract.ResponseShape, kw_only=True):
    values: list[str]


def test_a_view_gets_everything_that_its_signature_names() -> None:
    def view(
        transcript_id: Id,
        name: str,
        key: IdempotencyKey,
        query: Query[contract.PageQuery],
        body: Body[contract.Stop],
        caller: Caller,
    ) -> Echo:
        return Echo(
            values=[caller.user_id, body.session_id, str(query.limit), key.id(caller, "x"), transcript_id, name]
        )

    status, echo = call(view, "/x/t-1/a.b", "ada", {"action": "stop", "session_id": "s-1"}, Idempotency_Key="k")

    assert (status, echo["values"]) == (200, ["ada", "s-1", "50", ids.id_for_key("ada", "x", "k"), "t-1", "a.b"])


def test_the_query_parameters_are_read() -> None:
    def view(query: Query[contract.PageQuery]) -> Echo:
        return Echo(values=[str(query.limit)])

    assert call(view, "/x?limit=7")[1] == {"values": ["7"]}
    assert call(view, "/x?limit=700")[0] == 400


@pytest.mark.parametrize(("token", "status"), [("", 401), ("eve", 401), ("ada", 403), ("root", 200)])
def test_the_caller_is_checked_before_anything_is_read(token: str, status: int) -> None:
    def view(body: Body[contract.EmptyBody], caller: Admin) -> Echo:
        return Echo(values=[caller.user_id])

    assert call(view, token=token, body=b"{")[0] == (400 if status == 200 else status)
    assert call(view, token=token, body={})[0] == status


def test_a_raw_body_is_bounded() -> None:
    def view(raw: Annotated[bytes, RawBody(4)]) -> Echo:
        return Echo(values=[raw.decode()])

    assert call(view, body=b"1234") == (200, {"values": ["1234"]})
    status, refused = call(view, body=b"12345")
    assert (status, refused["code"], refused["details"]) == (413, "too_large", {"max_bytes": 4})


def test_a_header_is_read_and_is_empty_if_not_sent() -> None:
    def view(value: Annotated[str, Header("X-Value")]) -> Echo:
        return Echo(values=[value])

    assert call(view, body={}, X_Value="w") == (200, {"values": ["w"]})
    assert call(view, body={}) == (200, {"values": [""]})


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "ä"])
def test_an_invalid_idempotency_key_never_reaches_the_view(key: str) -> None:
    def view(key: IdempotencyKey) -> Echo:
        raise AssertionError("the view was called")

    status, refused = call(view, body={}, Idempotency_Key=key)

    assert (status, refused["details"]) == (400, {"field": "Idempotency-Key"})


def test_a_key_names_one_id_per_user_and_route() -> None:
    with_key, without = IdempotencyKey("k", "hash"), IdempotencyKey(None, "hash")

    assert with_key.id(ADA, "ask") == with_key.derived_id(ADA, "ask") == IdempotencyKey("k", "other").id(ADA, "ask")
    assert len({with_key.id(ADA, "ask"), with_key.id(ROOT, "ask"), with_key.id(ADA, "buy")}) == 3
    assert without.derived_id(ADA, "ask") == ""
    assert without.id(ADA, "ask") != without.id(ADA, "ask")


def test_another_status_and_a_file_are_responses_too() -> None:
    assert call(lambda: ResponseWithStatus(202, Echo(values=["later"])), body={}) == (202, {"values": ["later"]})
    assert call(lambda: Download("a,b", "text/csv", file_name="a.csv"), body={}) == (200, "a,b")


@pytest.mark.parametrize(
    ("spaces", "status", "counted"),
    [(0, 200, 2), (524_286, 200, 524_288), (524_287, 413, 0), (700_000, 413, 0), (4_000_000, 413, 0)],
)
def test_a_body_that_is_too_large_uses_up_no_bytes_of_the_day(spaces: int, status: int, counted: int) -> None:
    def view(caller: Caller, body: Body[contract.EmptyBody]) -> Echo:
        return Echo(values=[])

    counts: list[int | None] = []

    class CountingLimiter(FakeLimiter):
        @contextmanager
        def counting(self, group: str, count: RequestCount) -> Iterator[None]:
            counts.append(count.body_bytes)
            yield

    raw = b"{" + b" " * spaces + b"}"
    response = post(view, token="ada", body=raw, limiter=CountingLimiter(), limit="stream")

    assert (response.status_code, counts) == (status, [counted])


def test_a_view_gets_the_bytes_that_the_caller_sent_before_on_this_day() -> None:
    def view(caller: Caller, sent_today: BytesSentToday, body: Body[contract.Stop]) -> Echo:
        return Echo(values=[str(sent_today)])

    class CountingLimiter(FakeLimiter):
        @contextmanager
        def counting(self, group: str, count: RequestCount) -> Iterator[None]:
            assert count.body_bytes == len(json.dumps(body))
            count.day_bytes = 500 + count.body_bytes
            yield

    body = {"action": "stop", "session_id": "s-1"}
    response = post(view, token="ada", body=body, limiter=CountingLimiter(), limit="stream")

    assert json.loads(response.body)["values"] == ["500"]
    with pytest.raises(ValueError, match="spend does not count bytes"):
        EndpointDecorator(lambda: None, FakeVerifier, FakeLimiter, FakeAdministrators)(limit="spend")(view)  # type: ignore[arg-type, return-value]


def test_a_refusal_for_want_of_credits_is_explained_unless_that_fails() -> None:
    def view(caller: Caller) -> Echo:
        raise errors.InsufficientCreditsError(10, 5, 3)

    def explain(user_id: str, refusal: errors.InsufficientCreditsError) -> errors.InsufficientCreditsError:
        return errors.InsufficientCreditsError(refusal.required, refusal.available, refusal.held, ["work"])

    def fail(user_id: str, refusal: errors.InsufficientCreditsError) -> errors.InsufficientCreditsError:
        raise errors.UnavailableError("The database is busy. Retry the request.")

    explained, unexplained = (post(view, token="ada", explain=how) for how in (explain, fail))

    assert (explained.status_code, unexplained.status_code) == (402, 402)
    assert "3 are held by unfinished catch-ups or questions. Wait until" in json.loads(explained.body)["message"]
    assert "3 are held by open sessions" in json.loads(unexplained.body)["message"]


@pytest.mark.parametrize(
    ("file_name", "header"),
    [
        ("credits.csv", 'attachment; filename="credits.csv"'),
        ("Größe.srt", "attachment; filename=\"Groe.srt\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.srt"),
        ("会議.vtt", "attachment; filename=\"file.vtt\"; filename*=UTF-8''%E4%BC%9A%E8%AD%B0.vtt"),
        ('a "b".txt', "attachment; filename=\"a 'b'.txt\"; filename*=UTF-8''a%20%22b%22.txt"),
    ],
)
def test_a_file_has_a_name_in_ascii_and_its_own(file_name: str, header: str) -> None:
    response = to_response(Download("a", "text/csv", file_name), 200)

    assert response.headers["Content-Disposition"] == header


@pytest.mark.parametrize(
    "title",
    [
        "../../x",
        "\N{FULLWIDTH FULL STOP}\N{FULLWIDTH FULL STOP}\N{FULLWIDTH SOLIDUS}" * 2 + "x",
        "\N{TWO DOT LEADER}\N{FULLWIDTH SOLIDUS}x",
        "\N{FULLWIDTH REVERSE SOLIDUS}\N{FULLWIDTH REVERSE SOLIDUS}host\N{SMALL REVERSE SOLIDUS}x",
        "\N{FULLWIDTH QUOTATION MARK}; filename=\N{FULLWIDTH QUOTATION MARK}x.exe",
        'a\\"; x="b',
        "one\u2028two\u2029three\r\nX-Header: four\x85five",
        "...",
        "\N{HORIZONTAL ELLIPSIS}",
        "\N{ONE DOT LEADER}\N{TWO DOT LEADER}",
        "C\N{FULLWIDTH COLON}\N{FULLWIDTH REVERSE SOLIDUS}x",
        "\N{ACCOUNT OF}\N{CARE OF}",
        "\N{VULGAR FRACTION ONE HALF} / \N{DIVISION SLASH}\N{FRACTION SLASH}",
        "x\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe",
        "",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("ending", ["srt", "json", "\N{FULLWIDTH SOLIDUS}x", '"'], ids=ascii)
def test_the_plain_name_of_a_file_stays_in_its_folder_and_its_quotes(title: str, ending: str) -> None:
    header = to_response(Download("a", "text/csv", f"{title}.{ending}"), 200).headers["Content-Disposition"]

    parts = re.fullmatch(r'attachment; filename="([^"]*)"(; filename\*=UTF-8\'\'[A-Za-z0-9%._~-]*)?', header)
    assert parts
    name = parts[1]
    assert name.isascii()
    assert name.isprintable()
    assert not set(name) & set('/\\:*?"<>|')
    assert not name.startswith(".")
    assert name.partition(".")[0]


def test_no_letter_of_unicode_makes_a_path_of_a_plain_name() -> None:
    """Decomposed, a letter may be several, such as a slash between others."""
    for letter in map(chr, [*range(0xD800), *range(0xE000, 0x30000)]):
        if unicodedata.normalize("NFKD", letter).isascii() or not letter.isprintable():
            header = to_response(Download("a", "text/csv", f"{letter}{letter}x.srt"), 200).headers[
                "Content-Disposition"
            ]
            name = header.split('"')[1]
            assert not set(name) & set("/\\"), ascii(letter)
            assert not name.startswith("."), ascii(letter)


def test_a_view_carries_the_spec_of_its_route() -> None:
    def view(body: Body[contract.Ask], caller: Caller) -> contract.AskAnswer:
        raise NotImplementedError

    endpoint = EndpointDecorator(lambda: None, FakeVerifier, FakeLimiter, FakeAdministrators)  # type: ignore[arg-type, return-value]
    made = endpoint(201, limit="spend", errors=("not_found",), reasons=("nothing_saved",))(view)

    parameters = {"caller": Parameter(Source.CALLER, Caller), "body": Parameter(Source.BODY, contract.Ask)}
    assert route_spec(made) == RouteSpec(
        201, "spend", ("not_found",), ("nothing_saved",), parameters, contract.AskAnswer
    )
    assert list(route_spec(made).parameters) == ["caller", "body"]
    assert route_spec(made).shape_of(Source.BODY) is contract.Ask
    assert route_spec(made).shape_of(Source.QUERY) is None


# Limits


def signed_in_view(caller: Caller) -> Echo:
    return Echo(values=[caller.user_id])


def public_view(body: Body[contract.EmptyBody]) -> Echo:
    return Echo(values=[])


def test_a_caller_is_counted_by_id_and_an_unauthenticated_one_by_network() -> None:
    limiter = FakeLimiter()
    for view, token, group in (
        (signed_in_view, "ada", "spend"),
        (signed_in_view, "root", "reads"),
        (public_view, "", "login"),
    ):
        assert post(view, token=token, body={}, limiter=limiter, limit=group).status_code == 200

    assert limiter.counted == [("spend", "ada"), ("reads", "root"), ("login", "127.0.0.1")]


def test_the_headers_say_how_many_requests_are_left() -> None:
    headers = post(signed_in_view, token="ada", body={}).headers

    assert (headers["RateLimit-Limit"], headers["RateLimit-Remaining"], headers["RateLimit-Reset"]) == ("60", "59", "1")


def test_a_caller_over_the_limit_gets_429_before_the_body_is_read() -> None:
    response = post(public_view, body=b"{", limiter=FakeLimiter(tat_us=NOW + 66_000_000), limit="login")

    body = json.loads(response.body)
    assert (response.status_code, body["code"], body["details"]) == (429, "rate_limited", {"limit": "60/minute"})
    assert (response.headers["Retry-After"], response.headers["RateLimit-Remaining"]) == ("7", "0")
    assert response.headers["RateLimit-Reset"] == "66"


def test_an_error_after_counting_has_the_limit_headers_too() -> None:
    response = post(public_view, body=b"{", limit="login")

    assert (response.status_code, response.headers["RateLimit-Remaining"]) == (400, "59")


def test_a_request_that_cannot_be_counted_has_no_limit_headers() -> None:
    response = post(
        public_view, body={}, limiter=FakeLimiter(refusal=errors.UnavailableError("No table.")), limit="login"
    )

    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")


@pytest.mark.parametrize("token", ["", "eve"])
def test_an_invalid_token_is_refused_without_counting(token: str) -> None:
    limiter = FakeLimiter()

    assert post(signed_in_view, token=token, limiter=limiter).status_code == 401
    assert limiter.counted == []


@pytest.mark.parametrize("group", ["open", "webhooks"])
def test_open_routes_and_webhooks_are_not_counted(group: str) -> None:
    limiter = FakeLimiter()

    response = post(public_view, body={}, limiter=limiter, limit=group)

    assert (response.status_code, limiter.counted) == (200, [])
    assert "RateLimit-Limit" not in response.headers


@pytest.mark.parametrize(
    ("view", "group"),
    [
        (signed_in_view, "readz"),
        (signed_in_view, ""),
        (signed_in_view, "login"),
        (signed_in_view, "open"),
        (public_view, "spend"),
    ],
)
def test_a_route_with_an_unsuitable_group_cannot_be_defined(view: Callable[..., Any], group: str) -> None:
    with pytest.raises(ValueError, match=r"group of limits|does the route know its caller"):
        EndpointDecorator(lambda: None, FakeVerifier, FakeLimiter, FakeAdministrators)(limit=group)(view)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("value", "is_exempt"), [(Echo(values=[]), True), (RepeatedResponse(Echo(values=[])), False)], ids=["new", "again"]
)
def test_only_a_response_to_new_work_may_be_exempt_from_counting(value: Any, is_exempt: bool) -> None:
    def view(caller: Caller) -> contract.Chunk:
        return value

    limiter = FakeLimiter()
    response = post(view, token="ada", limiter=limiter, limit="audio")

    assert (response.status_code, json.loads(response.body)) == (200, {"values": []})
    assert limiter.exempt == [is_exempt]


@pytest.mark.parametrize(
    ("errors_of_route", "reasons"), [(("no_such_code",), ()), ((), ("no_such_reason",)), (("conflict",), ())]
)
def test_a_route_declares_codes_and_reasons_that_exist(
    errors_of_route: tuple[str, ...], reasons: tuple[str, ...]
) -> None:
    """A conflict is declared by its reasons."""
    endpoint = EndpointDecorator(lambda: None, FakeVerifier, FakeLimiter, FakeAdministrators)  # type: ignore[arg-type, return-value]

    with pytest.raises(ValueError, match=r"unknown error codes or reasons|declared by their reasons"):
        endpoint(limit="open", errors=errors_of_route, reasons=reasons)


@pytest.mark.parametrize(
    ("failure", "status", "message", "retry_after"),
    [
        (errors.NotFoundError("There is <nothing>."), 404, "There is &lt;nothing&gt;.", None),
        (errors.RateLimitedError("Too often.", retry_after_seconds=7), 429, "Too often.", "7"),
        (errors.UnavailableError("Busy."), 503, "Busy.", "2"),
        (ZeroDivisionError("insides"), 500, "Something went wrong on our side.", None),
    ],
)
def test_the_errors_of_a_route_for_people_are_pages(
    failure: Exception, status: int, message: str, retry_after: str | None
) -> None:
    def view() -> contract.EmptyBody:
        raise failure

    response = post(view, errors_as_pages=True)

    html = response.body.decode()
    assert (response.status_code, response.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert response.headers.get("Retry-After") == retry_after
    assert message in html
    assert "insides" not in html
    assert response.headers["Cache-Control"] == "no-store"


def test_a_refusal_by_the_limiter_is_a_page_there_too() -> None:
    limiter = FakeLimiter(refusal=errors.RateLimitedError("Too many requests.", retry_after_seconds=9))

    def view() -> contract.EmptyBody:
        return contract.EmptyBody()

    response = post(view, limiter=limiter, limit="shared", errors_as_pages=True)

    assert (response.status_code, response.headers["Retry-After"]) == (429, "9")
    assert b"Too many requests." in response.body
