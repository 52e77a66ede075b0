"""What a view's signature names is read from the request, who calls first; what is wrong ends before it begins."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
from chalice import Chalice
from chalice.test import Client, HTTPResponse

from chalicelib import contract, errors, ids
from chalicelib.http.endpoint import Views, facts_of
from chalicelib.http.parameters import Admin, Body, Facts, Header, Id, IdempotencyKey, Part, Query, Raw, Takes
from chalicelib.http.responses import Answered, Download
from chalicelib.models.accounts import Caller
from chalicelib.models.rate_limits import Limit
from chalicelib.repositories.rate_limits import Count, limit_key

SIXTY, NOW = Limit.read("60/minute"), 1_795_400_000_000_000
ADA = Caller("ada", 100, "ada@example.com")
ROOT = Caller("root", 100, "root@example.com", groups=("admins",))


class Verifier:
    """Knows two tokens."""

    def caller(self, token: str) -> Caller:
        try:
            return {"ada": ADA, "root": ROOT}[token]
        except KeyError as error:
            raise errors.UnauthenticatedError("No.") from error


@dataclass
class Door:
    """A limiter without a table: who was counted. `tat_us`: what all used before; `refusal`: instead of counting."""

    tat_us: int = NOW
    refusal: errors.AppError | None = None
    counted: list[tuple[str, str]] = field(default_factory=list)

    def count(self, group: str, who: str) -> Count:
        self.counted.append((group, who))
        return Count(limit_key(group, SIXTY, who), SIXTY, NOW)

    @contextmanager
    def counting(self, group: str, count: Count) -> Iterator[None]:
        if self.refusal:
            raise self.refusal
        count.see({"tat_us": self.tat_us})
        count.made()
        yield


def call(view: Callable[..., Any], path: str = "/x", token: str = "", body: Any = None, **headers: str) -> Any:
    """Status and body of a POST to `view`, which stands at /x/{transcript_id}/{name} and at /x."""
    answer = heard(view, path, token, body, **headers)
    return answer.status_code, json.loads(answer.body) if answer.body.startswith(b"{") else answer.body.decode()


def heard(
    view: Callable[..., Any],
    path: str = "/x",
    token: str = "",
    body: Any = None,
    door: Door | None = None,
    limit: str = "",
    **headers: str,
) -> HTTPResponse:
    """The answer to a POST to `view`."""
    app = Chalice(app_name="small", configure_logs=False)
    views = Views(lambda: app.current_request, Verifier, lambda: door or Door())  # type: ignore[arg-type, return-value]
    is_callers = {Caller, Admin} & set(view.__annotations__.values())
    made = views.answers(limit=limit or ("reads" if is_callers else "open"))(view)
    app.route("/x/{transcript_id}/{name}" if path != "/x" and "?" not in path else "/x", methods=["POST"])(made)
    words = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with Client(app) as client:
        return client.http.post(path, headers=words | ({"Authorization": f"Bearer {token}"} if token else {}), body=raw)


class Told(contract.Answer):
    said: list[str]


def test_everything_that_a_signature_names_is_given() -> None:
    def view(
        transcript_id: Id,
        name: str,
        key: IdempotencyKey,
        query: Query[contract.PageQuery],
        body: Body[contract.Stop],
        caller: Caller,
    ) -> Told:
        return Told([caller.user_id, body.session_id, str(query.limit), key.id(caller, "x"), transcript_id, name])

    status, told = call(view, "/x/t-1/a.b", "ada", {"action": "stop", "session_id": "s-1"}, Idempotency_Key="k")

    assert (status, told["said"]) == (200, ["ada", "s-1", "50", ids.id_for_key("ada", "x", "k"), "t-1", "a.b"])


def test_the_query_is_read() -> None:
    def view(query: Query[contract.PageQuery]) -> Told:
        return Told([str(query.limit)])

    assert call(view, "/x?limit=7")[1] == {"said": ["7"]}
    assert call(view, "/x?limit=700")[0] == 400


@pytest.mark.parametrize(("token", "status"), [("", 401), ("eve", 401), ("ada", 403), ("root", 200)])
def test_who_may_call_is_asked_before_anything_is_read(token: str, status: int) -> None:
    def view(body: Body[contract.Nothing], caller: Admin) -> Told:
        return Told([caller.user_id])

    assert call(view, token=token, body=b"{")[0] == (400 if status == 200 else status)
    assert call(view, token=token, body={})[0] == status


def test_a_raw_body_is_bounded() -> None:
    def view(sent: Annotated[bytes, Raw(4)]) -> Told:
        return Told([sent.decode()])

    assert call(view, body=b"1234") == (200, {"said": ["1234"]})
    status, refused = call(view, body=b"12345")
    assert (status, refused["code"], refused["details"]) == (413, "too_large", {"max_bytes": 4})


def test_a_header_is_read_and_empty_where_it_was_not_sent() -> None:
    def view(word: Annotated[str, Header("X-Word")]) -> Told:
        return Told([word])

    assert call(view, body={}, X_Word="w") == (200, {"said": ["w"]})
    assert call(view, body={}) == (200, {"said": [""]})


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "ä"])
def test_a_key_out_of_bounds_is_refused_before_the_view_begins(key: str) -> None:
    def view(key: IdempotencyKey) -> Told:
        raise AssertionError("the view began")

    status, refused = call(view, body={}, Idempotency_Key=key)

    assert (status, refused["details"]) == (400, {"field": "Idempotency-Key"})


def test_a_key_names_one_thing_per_user_and_route_and_none_without_it() -> None:
    with_key, without = IdempotencyKey("k", "hash"), IdempotencyKey(None, "hash")

    assert with_key.id(ADA, "ask") == with_key.named(ADA, "ask") == IdempotencyKey("k", "other").id(ADA, "ask")
    assert len({with_key.id(ADA, "ask"), with_key.id(ROOT, "ask"), with_key.id(ADA, "buy")}) == 3
    assert without.named(ADA, "ask") == ""
    assert without.id(ADA, "ask") != without.id(ADA, "ask")


def test_another_status_and_a_file_are_answers_too() -> None:
    assert call(lambda: Answered(202, Told(["later"])), body={}) == (202, {"said": ["later"]})
    assert call(lambda: Download("a,b", "text/csv", "a.csv"), body={}) == (200, "a,b")


def test_what_a_route_is_can_be_read_off_its_view() -> None:
    def view(body: Body[contract.Ask], caller: Caller) -> contract.AskAnswer:
        raise NotImplementedError

    made = Views(lambda: None, Verifier, Door).answers(201, limit="spend", errors=("conflict",))(view)  # type: ignore[arg-type, return-value]

    taken = {"caller": Takes(Part.CALLER, Caller), "body": Takes(Part.BODY, contract.Ask)}
    assert facts_of(made) == Facts(201, "spend", ("conflict",), taken, contract.AskAnswer)
    assert list(facts_of(made).takes) == ["caller", "body"]
    assert facts_of(made).shape_of(Part.BODY) is contract.Ask
    assert facts_of(made).shape_of(Part.QUERY) is None


# Limits


def whoever(caller: Caller) -> Told:
    return Told([caller.user_id])


def anybody(body: Body[contract.Nothing]) -> Told:
    return Told([])


def test_a_caller_is_counted_by_id_and_a_stranger_by_network() -> None:
    door = Door()
    for view, token, group in ((whoever, "ada", "spend"), (whoever, "root", "reads"), (anybody, "", "login")):
        assert heard(view, token=token, body={}, door=door, limit=group).status_code == 200

    assert door.counted == [("spend", "ada"), ("reads", "root"), ("login", "127.0.0.1")]


def test_an_answer_says_how_the_caller_stands() -> None:
    headers = heard(whoever, token="ada", body={}).headers

    assert (headers["RateLimit-Limit"], headers["RateLimit-Remaining"], headers["RateLimit-Reset"]) == ("60", "59", "1")


def test_who_is_over_the_limit_gets_429_before_the_body_is_looked_at() -> None:
    answer = heard(anybody, body=b"{", door=Door(tat_us=NOW + 66_000_000), limit="login")

    told = json.loads(answer.body)
    assert (answer.status_code, told["code"], told["details"]) == (429, "rate_limited", {"limit": "60/minute"})
    assert (answer.headers["Retry-After"], answer.headers["RateLimit-Remaining"]) == ("7", "0")
    assert answer.headers["RateLimit-Reset"] == "66"


def test_a_fault_behind_the_limit_says_how_the_caller_stands_too() -> None:
    answer = heard(anybody, body=b"{", limit="login")

    assert (answer.status_code, answer.headers["RateLimit-Remaining"]) == (400, "59")


def test_who_cannot_be_counted_hears_nothing_of_limits() -> None:
    answer = heard(anybody, body={}, door=Door(refusal=errors.UnavailableError("No table.")), limit="login")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


@pytest.mark.parametrize("token", ["", "eve"])
def test_a_bad_token_is_refused_without_counting(token: str) -> None:
    door = Door()

    assert heard(whoever, token=token, door=door).status_code == 401
    assert door.counted == []


@pytest.mark.parametrize("group", ["open", "webhooks"])
def test_what_is_open_to_all_and_what_webhooks_say_is_not_counted(group: str) -> None:
    door = Door()

    answer = heard(anybody, body={}, door=door, limit=group)

    assert (answer.status_code, door.counted) == (200, [])
    assert "RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize(
    ("view", "group"), [(whoever, "readz"), (whoever, ""), (whoever, "login"), (whoever, "open"), (anybody, "spend")]
)
def test_a_route_with_a_group_that_does_not_fit_is_not_made(view: Callable[..., Any], group: str) -> None:
    with pytest.raises(ValueError, match=r"group of limits|does the route know its caller"):
        Views(lambda: None, Verifier, Door).answers(limit=group)(view)  # type: ignore[arg-type, return-value]
