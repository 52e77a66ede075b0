"""What a view's signature names is read from the request, who calls first; what is wrong ends before it begins."""

import json
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from chalice import Chalice
from chalice.test import Client

from chalicelib import contract, errors, ids
from chalicelib.models import Caller
from chalicelib.views import (
    Admin,
    Answered,
    Body,
    Download,
    Facts,
    Header,
    Id,
    Once,
    Part,
    Query,
    Raw,
    Takes,
    Views,
    facts_of,
)

ADA = Caller("ada", 100, "ada@example.com")
ROOT = Caller("root", 100, "root@example.com", groups=("admins",))


class Verifier:
    """Knows two tokens."""

    def caller(self, token: str) -> Caller:
        try:
            return {"ada": ADA, "root": ROOT}[token]
        except KeyError as error:
            raise errors.UnauthenticatedError("No.") from error


def call(view: Callable[..., Any], path: str = "/x", token: str = "", body: Any = None, **headers: str) -> Any:
    """Status and body of a POST to `view`, which stands at /x/{transcript_id}/{name} and at /x."""
    app = Chalice(app_name="small", configure_logs=False)
    made = Views(lambda: app.current_request, Verifier).answers(limit="reads")(view)  # type: ignore[arg-type]
    app.route("/x/{transcript_id}/{name}" if path != "/x" and "?" not in path else "/x", methods=["POST"])(made)
    words = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with Client(app) as client:
        answer = client.http.post(
            path, headers=words | ({"Authorization": f"Bearer {token}"} if token else {}), body=raw
        )
    return answer.status_code, json.loads(answer.body) if answer.body.startswith(b"{") else answer.body.decode()


class Told(contract.Answer):
    said: list[str]


def test_everything_that_a_signature_names_is_given() -> None:
    def view(
        transcript_id: Id,
        name: str,
        once: Once,
        asked: Query[contract.PageQuery],
        wish: Body[contract.Stop],
        who: Caller,
    ) -> Told:
        return Told([who.user_id, wish.session_id, str(asked.limit), once.id(who, "x"), transcript_id, name])

    status, told = call(view, "/x/t-1/a.b", "ada", {"action": "stop", "session_id": "s-1"}, Idempotency_Key="k")

    assert (status, told["said"]) == (200, ["ada", "s-1", "50", ids.named("ada", "x", "k"), "t-1", "a.b"])


def test_the_query_is_read() -> None:
    def view(asked: Query[contract.PageQuery]) -> Told:
        return Told([str(asked.limit)])

    assert call(view, "/x?limit=7")[1] == {"said": ["7"]}
    assert call(view, "/x?limit=700")[0] == 400


@pytest.mark.parametrize(("token", "status"), [("", 401), ("eve", 401), ("ada", 403), ("root", 200)])
def test_who_may_call_is_asked_before_anything_is_read(token: str, status: int) -> None:
    def view(wish: Body[contract.Nothing], who: Admin) -> Told:
        return Told([who.user_id])

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
    def view(once: Once) -> Told:
        raise AssertionError("the view began")

    status, refused = call(view, body={}, Idempotency_Key=key)

    assert (status, refused["details"]) == (400, {"field": "Idempotency-Key"})


def test_a_key_names_one_thing_per_user_and_route_and_none_without_it() -> None:
    with_key, without = Once("k", "hash"), Once(None, "hash")

    assert with_key.id(ADA, "ask") == with_key.named(ADA, "ask") == Once("k", "other").id(ADA, "ask")
    assert len({with_key.id(ADA, "ask"), with_key.id(ROOT, "ask"), with_key.id(ADA, "buy")}) == 3
    assert without.named(ADA, "ask") == ""
    assert without.id(ADA, "ask") != without.id(ADA, "ask")


def test_another_status_and_a_file_are_answers_too() -> None:
    assert call(lambda: Answered(202, Told(["later"])), body={}) == (202, {"said": ["later"]})
    assert call(lambda: Download("a,b", "text/csv", "a.csv"), body={}) == (200, "a,b")


def test_what_a_route_is_can_be_read_off_its_view() -> None:
    def view(wish: Body[contract.Ask], who: Caller) -> contract.AskAnswer:
        raise NotImplementedError

    made = Views(lambda: None, Verifier).answers(201, limit="spend", errors=("conflict",))(view)  # type: ignore[arg-type, return-value]

    taken = {"who": Takes(Part.CALLER, Caller), "wish": Takes(Part.BODY, contract.Ask)}
    assert facts_of(made) == Facts(201, "spend", ("conflict",), taken, contract.AskAnswer)
    assert list(facts_of(made).takes) == ["who", "wish"]
    assert facts_of(made).shape_of(Part.BODY) is contract.Ask
    assert facts_of(made).shape_of(Part.QUERY) is None
