"""Another user's id on every route that has one: 404, whatever the id names, and nothing of that user changes.

The cases are read from app.py and the shapes of its views: a route with a new id fails until a good request is added.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import msgspec
import pytest

import app as application
from chalicelib import contract
from chalicelib.http.endpoint import route_spec
from chalicelib.http.parameters import RawBody, RouteSpec, Source
from scripts.local.aws import client as aws_client
from scripts.local.stack import LocalStack
from tests.http.catchup_steps import catch_up, upload, wait_for, wait_until_ended
from tests.http.http_client import ADMIN_ROUTES, GOOD_REQUESTS, Api, Person, check_error
from tests.http.test_routes import ROUTES

OWNED = {"session_id", "transcript_id", "upload_id", "job_id", "export_id", "purchase_id"}
SHARED_IDS = {"package_id"}  # ids that are the same for all users
SEGMENT = {"seq": 9, "start_ms": 0, "end_ms": 1, "text": "not yours"}
# The rest of a good request, by shape and field of the id.
REST: dict[tuple[str, str], dict[str, Any]] = {
    ("Renew", "session_id"): {"interrupted": True},
    ("Save", "session_id"): {"segments": [SEGMENT]},
    ("Stop", "session_id"): {},
    ("Catchup", "upload_id"): {"to_ms": 60_000},
    ("Catchup", "session_id"): {"minutes": 5},
    ("Ask", "transcript_id"): {"question": "What was said?"},
    ("Ask", "session_id"): {"question": "What was said?"},
    ("GiveCredits", "user_id"): {"credits": 5, "reason": "A gift."},
    ("UsersQuery", "user_id"): {},
}


@dataclass(frozen=True)
class Case:
    """One place for an id: in the path, in the query, or in a body of one shape."""

    method: str
    path: str
    part: str
    field: str
    shape: type[msgspec.Struct] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.shape.__name__ if self.shape else self.part} {self.field}"

    def request(self, value: str) -> tuple[str, dict[str, Any]]:
        """The path and the rest of a good request with this id."""
        if self.part == "path":
            path = re.sub(rf"\{{{self.field}\}}", value, self.path)
            return path, dict(GOOD_REQUESTS[self.method, self.path])
        assert self.shape is not None
        parameters = REST[self.shape.__name__, self.field] | {self.field: value}
        if self.part == "query":
            return self.path, {"params": parameters}
        tag = self.shape.__struct_config__
        return self.path, {"json": parameters | ({tag.tag_field: tag.tag} if tag.tag_field else {})}


def cases(of_admins: bool = False) -> Iterator[Case]:
    """Every place for an id of every authenticated route of users, or of administrators."""
    for path, methods in application.app.routes.items():
        for method, route in methods.items():
            if route.authorizer is None or ((method, path) in ADMIN_ROUTES) != of_admins:
                continue
            yield from (Case(method, path, "path", field) for field in re.findall(r"\{(\w+)\}", path))
            for place, shape in shapes(route_spec(route.view_function)):
                fields = {field.name for field in msgspec.structs.fields(shape) if field.name.endswith("_id")}
                yield from (Case(method, path, place, field, shape) for field in sorted(fields - SHARED_IDS))


def shapes(spec: RouteSpec) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """The shapes that a view reads, and from where."""
    for parameter in spec.parameters.values():
        if parameter.source in (Source.BODY, Source.QUERY) and not isinstance(parameter.shape, RawBody):
            yield from ((parameter.source.value, shape) for shape in get_args(parameter.shape) or (parameter.shape,))


@dataclass(frozen=True)
class OtherAccount:
    """The other user's ids by kind, and everything stored of that user."""

    owner: Person
    ids: dict[str, str]
    stack: LocalStack
    database: Any
    bucket: Any

    def snapshot(self) -> list[Any]:
        """Everything stored of the other user."""
        user, settings = f"USER#{self.owner.user_id}", self.stack.settings
        found = [
            self.items(settings["LEDGER_TABLE"], user),
            self.items(settings["APP_TABLE"], user),
            self.items(settings["APP_TABLE"], f"JOB#{self.ids['job']}"),
            self.items(settings["APP_TABLE"], f"JOB#{self.ids['job that failed']}"),
            self.items_being_erased(),
        ]
        assert all(found[:4])
        uploads = f"uploads/{self.owner.user_id}/"
        (file,) = self.bucket.list_objects_v2(Bucket=settings["UPLOAD_BUCKET"], Prefix=uploads)["Contents"]
        return [*found, file["Key"], file["ETag"]]

    def items_being_erased(self) -> list[Any]:
        notes = self.items(self.stack.settings["APP_TABLE"], "ERASING")
        return [note for note in notes if self.owner.user_id in note["sk"]["S"]]

    def items(self, table: str, key: str) -> list[Any]:
        pages = self.database.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": key}},
            ConsistentRead=True,
        )
        return [item for page in pages for item in page["Items"]]


@pytest.fixture(scope="module")
def other_account(api: Api, stack: LocalStack) -> Iterator[OtherAccount]:
    owner = Person.register(api)
    upload_id = upload(owner)
    done = wait_until_ended(owner, catch_up(owner, upload_id=upload_id)["job_id"])
    running = owner.stream(action="start", transport="relay").json()
    owner.stream(action="save", session_id=running["session_id"], segments=[SEGMENT | {"text": "ours"}])
    failed = wait_until_ended(owner, catch_up(owner, audio_url="https://media.example.com/talk.mp3")["job_id"])
    ids = {
        "job": done["job_id"],
        "job that failed": failed["job_id"],
        "transcript": done["transcript_id"],
        "upload": upload_id,
        "session": running["session_id"],
        "transcript of a running session": running["transcript_id"],
        "user": owner.user_id,
        "export": owner.post("/auth/user/export").json()["export_id"],
        "purchase": owner.post("/credits/purchase", json={"package_id": "starter"}).json()["purchase_id"],
    }
    database, bucket = (aws_client(service, stack.dev["aws_endpoint_url"]) for service in ("dynamodb", "s3"))
    other_account = OtherAccount(owner, ids, stack, database, bucket)
    wait_for(lambda: not other_account.items_being_erased())  # the schedule erases what the failed job left
    yield other_account
    database.close()
    bucket.close()


ALL, OF_ADMINS = list(cases()), list(cases(of_admins=True))
# Cases that end nothing which other cases need.
HARMLESS = [case for case in ALL if case.method != "DELETE" and case.shape not in (contract.Renew, contract.Stop)]


def test_every_id_and_its_request_are_listed() -> None:
    assert {case.field for case in ALL} == OWNED
    assert {case.field for case in OF_ADMINS} == {"user_id", "purchase_id"}
    assert {(case.shape.__name__, case.field) for case in ALL + OF_ADMINS if case.shape} == set(REST)
    assert sorted(f"{case.method} {case.path}" for case in ALL if case.part == "path") == sorted(
        name for name, route in ROUTES.items() if route.caller == "user" and "{" in name
    )


@pytest.mark.parametrize("case", ALL, ids=str)
def test_another_users_id_is_404_and_changes_nothing(
    other_account: OtherAccount, signed_in_user: Person, case: Case
) -> None:
    before, balance = other_account.snapshot(), signed_in_user.balance()

    for value in other_account.ids.values():
        path, request = case.request(value)
        check_error(signed_in_user.api.call(case.method, path, signed_in_user.token, **request), 404, "not_found")

    assert other_account.snapshot() == before
    assert signed_in_user.balance() == balance == (200, 0)


@pytest.mark.parametrize("case", HARMLESS, ids=str)
def test_the_same_request_with_an_own_id_is_accepted(other_account: OtherAccount, case: Case) -> None:
    """Otherwise the test above would prove nothing."""
    path, request = case.request(other_account.ids[case.field.removesuffix("_id")])

    answer = other_account.owner.api.call(case.method, path, other_account.owner.token, **request)

    assert answer.status_code in (200, 201, 202), answer.text


@pytest.mark.parametrize("case", ALL + OF_ADMINS, ids=str)
def test_the_callers_own_user_id_is_accepted_or_refused_with_a_reason(owner: Person, case: Case) -> None:
    path, request = case.request(owner.user_id)

    answer = owner.api.call(case.method, path, owner.token, **request)

    if case in ALL or case.field == "purchase_id":
        check_error(answer, 404, "not_found")
    elif path.endswith("/block"):
        assert check_error(answer, 400, "invalid_request")["field"] == "user_id"
    else:
        assert answer.status_code == 200, answer.text
