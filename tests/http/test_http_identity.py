"""Password reset, rename, export and deletion of an account over HTTP."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests

from chalicelib.repositories.conditions import Attr
from chalicelib.repositories.deletions import deletion_key, load_deletion
from chalicelib.repositories.expressions import deserialize
from chalicelib.repositories.table import Write, WriteRefusedError
from scripts.local.aws import client as aws_client
from scripts.local.stack import LocalStack
from tests.fakes import Backend
from tests.http.catchup_steps import ASK, catch_up, upload, wait_for, wait_until_ended
from tests.http.checkout_steps import PURCHASE
from tests.http.http_client import Api, Person, check_error, silence
from tests.http.leak_search import own_files
from tests.http.test_http_accounts import mailed_code, without_request_id
from tests.stored_text import text_of

NEW_PASSWORD = "another horse battery canary"
MARKER = "unmistakable"
EXPORT = "/auth/user/export"
LARGEST_FILE = 10_000_000
PLACES = ("dynamodb", "s3", "sqs", "cognito-idp")
LONG_AGO = {"started_at": 1, "due_at": 1}


@pytest.fixture(scope="module")
def aws(stack: LocalStack) -> Iterator[dict[str, Any]]:
    clients = {name: aws_client(name, stack.dev["aws_endpoint_url"]) for name in PLACES}
    yield clients
    for client in clients.values():
        client.close()


# Password reset


def test_resetting_the_password_ends_earlier_sign_ins(person: Person, stack: LocalStack) -> None:
    assert person.api.post("/auth/forgot-password", json={"email": person.email}).json() == {"sent": True}
    body = {"email": person.email, "code": mailed_code(stack, person.email), "password": NEW_PASSWORD}

    assert person.api.post("/auth/reset-password", json=body).json() == {"reset": True}

    check_error(person.get("/credits/balance"), 401, "unauthenticated")
    assert person.api.post("/auth/refresh", json={"refresh_token": person.refresh_token}).status_code == 401
    check_error(person.api.login(person.email), 401, "invalid_credentials")
    again = person.api.login(person.email, NEW_PASSWORD).json()
    assert person.api.get("/credits/balance", again["token"]).json()["available"] == 200


def test_a_reset_does_not_reveal_whether_an_account_exists(api: Api, signed_in_user: Person) -> None:
    unknown_email = "nobody-at-all@canary.example"

    for path, words in (
        ("/auth/forgot-password", {}),
        ("/auth/reset-password", {"code": "000000", "password": NEW_PASSWORD}),
    ):
        known_response, unknown_response = (
            api.post(path, json={"email": email, **words}) for email in (signed_in_user.email, unknown_email)
        )
        assert known_response.status_code == unknown_response.status_code
        assert without_request_id(known_response) == without_request_id(unknown_response)
    assert api.login(signed_in_user.email).status_code == 200


@pytest.mark.parametrize(
    ("path", "words", "field"),
    [
        ("/auth/forgot-password", {"email": "ada"}, "email"),
        ("/auth/forgot-password", {"email": "a@b.cd", "x": 1}, "x"),
        ("/auth/reset-password", {"email": "a@b.cd", "code": "1", "password": "short"}, "password"),
        ("/auth/reset-password", {"email": "a@b.cd", "code": "1 2", "password": NEW_PASSWORD}, "code"),
        ("/auth/reset-password", {"email": "a@b.cd", "password": NEW_PASSWORD}, "code"),
    ],
)
def test_an_invalid_body_is_400_before_any_call(api: Api, path: str, words: dict[str, Any], field: str) -> None:
    assert check_error(api.post(path, json=words), 400, "invalid_request") == {"field": field}


# Rename


def test_a_name_can_be_changed_and_removed(person: Person) -> None:
    def rename(name: object) -> requests.Response:
        return person.api.call("PATCH", "/auth/user", person.token, json={"name": name})

    assert rename("Ada L.").json()["name"] == "Ada L."
    assert person.get("/auth/user").json()["name"] == "Ada L."
    assert "name" not in rename("").json()
    assert rename("Ada").json()["name"] == "Ada"
    assert "name" not in rename(None).json()
    assert "name" not in person.get("/auth/user").json()
    for bad in ("<b>", "x" * 101, 7, "a\nb"):
        check_error(rename(bad), 400, "invalid_request")


# Export


def download(url: str) -> requests.Response:
    """Download from a signed link, as a browser would; this is no response of the API."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=60)


def test_an_export_is_one_file_behind_a_link(person: Person) -> None:
    session_id = person.start(title="a title")
    segments = [{"seq": 0, "start_ms": 0, "end_ms": 9, "text": "some words"}]
    person.stream(action="save", session_id=session_id, segments=segments)
    transcript_id = person.stop(session_id)["transcript_id"]

    started = person.post(EXPORT)
    assert (started.status_code, started.json()["status"]) == (202, "running")
    path = f"{EXPORT}/{started.json()['export_id']}"
    done = wait_for(lambda: status if (status := person.get(path).json())["status"] == "done" else None)

    answer = download(done["url"])
    exported = json.loads(answer.content)
    assert answer.headers["Content-Type"] == "application/json"
    assert len(answer.content) == done["bytes"]
    assert exported["user"]["email"] == person.email
    (transcript,) = exported["transcripts"]
    assert (transcript["transcript_id"], transcript["title"]) == (transcript_id, "a title")
    assert transcript["segments"][0]["text"] == "some words"
    assert download(done["url"].split("?")[0]).status_code == 403


# Deletion


def leave_marked_text(person: Person) -> dict[str, str]:
    """Store text and addresses in every place that stores some; return the ids."""
    session_id = person.start(title=f"{MARKER} title", source_url=f"https://{MARKER}.example/", key_terms=[MARKER])
    assert person.send(session_id, 0, silence(200)).status_code == 200
    segments = [{"seq": 1, "start_ms": 0, "end_ms": 9, "text": f"{MARKER} words", "speaker": MARKER}]
    assert person.stream(action="save", session_id=session_id, segments=segments).status_code == 200
    transcript_id = person.stop(session_id)["transcript_id"]
    body = {"question": f"Who said {MARKER}?", "transcript_id": transcript_id}
    assert person.post(ASK, json=body, headers={"Idempotency-Key": MARKER}).status_code == 200
    job_id = catch_up(person, upload_id=upload(person), title=f"{MARKER} talk")["job_id"]
    assert wait_until_ended(person, job_id)["status"] == "done"
    return_to = f"{person.api.url}/?{MARKER}"
    person.post(PURCHASE, json={"package_id": "starter", "success_url": return_to})
    path = f"{EXPORT}/{person.post(EXPORT).json()['export_id']}"
    wait_for(lambda: person.get(path).json()["status"] == "done")
    direct = person.stream(action="start", transport="direct", lease_seconds=60, title=f"{MARKER} live")
    assert direct.status_code == 201, direct.text
    return {"transcript": transcript_id, "job": job_id, "session": direct.json()["session_id"]}


def collect_all_texts(stack: LocalStack, aws: dict[str, Any]) -> dict[str, list[str]]:
    """All items of all tables, objects of all buckets with content and earlier versions, messages of all queues, users
    of the user pool, and lines of all files that the backend wrote; by place.
    """
    return {
        "ledger": list(items(aws, stack.settings["LEDGER_TABLE"])),
        "tables": [text for name in aws["dynamodb"].list_tables()["TableNames"] for text in items(aws, name)],
        "buckets": list(objects(aws)),
        "queues": list(messages(aws)),
        "people": list(people(aws, stack.settings["COGNITO_USER_POOL_ID"])),
        "files": [
            line for path in own_files(stack.directory) for line in path.read_text(errors="replace").splitlines()
        ],
    }


def items(aws: dict[str, Any], table: str) -> Iterator[str]:
    for page in aws["dynamodb"].get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from (text_of(deserialize(item)) for item in page["Items"])


def objects(aws: dict[str, Any]) -> Iterator[str]:
    for bucket in (entry["Name"] for entry in aws["s3"].list_buckets()["Buckets"]):
        for page in aws["s3"].get_paginator("list_object_versions").paginate(Bucket=bucket):
            for version in page.get("Versions", []):
                if version["Size"] > LARGEST_FILE:
                    continue  # the deployed code
                object_key = {"Bucket": bucket, "Key": version["Key"]}
                if version["VersionId"] not in (None, "null"):
                    object_key["VersionId"] = version["VersionId"]
                yield f"{version['Key']} {aws['s3'].get_object(**object_key)['Body'].read()!r}"


def messages(aws: dict[str, Any]) -> Iterator[str]:
    """The waiting messages, left in their queues."""
    for url in aws["sqs"].list_queues().get("QueueUrls", []):
        read_ids: set[str] = set()
        while (
            found := aws["sqs"]
            .receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
            .get("Messages")
        ):
            new = {message["MessageId"]: message["Body"] for message in found if message["MessageId"] not in read_ids}
            if not new:
                break
            read_ids.update(new)
            yield from new.values()


def people(aws: dict[str, Any], pool: str) -> Iterator[str]:
    for page in aws["cognito-idp"].get_paginator("list_users").paginate(UserPoolId=pool):
        yield from (json.dumps(user, default=str) for user in page["Users"])


def wait_until_erased(books: Backend, person: Person) -> None:
    """Let the deletion complete without the half hour in which it waits for running requests."""

    def check_erased() -> bool:
        pending = load_deletion(books.tables, person.user_id)
        if pending is None:
            return True
        with suppress(WriteRefusedError):
            books.tables.write(Write(deletion_key(person.user_id), put_in=LONG_AGO, when=Attr("started_at").exists()))
        return False

    wait_for(check_erased)


def test_a_deleted_account_is_refused_at_once_and_leaves_only_its_books(
    api: Api, owner: Person, books: Backend, stack: LocalStack, aws: dict[str, Any]
) -> None:
    person = Person.register(api, name=f"{MARKER} name")
    created = leave_marked_text(person)
    marked = {place: sum(MARKER in text for text in found) for place, found in collect_all_texts(stack, aws).items()}
    assert marked["tables"] > 8, marked
    assert min(marked["buckets"], marked["people"]) > 0, marked

    answer = person.delete("/auth/user")

    assert (answer.status_code, answer.json()["deleted"]) == (202, True)
    check_error(person.get("/auth/user"), 401, "unauthenticated")
    check_error(person.delete("/auth/user"), 401, "unauthenticated")
    check_error(person.stream(action="stop", session_id=created["session"]), 401, "unauthenticated")
    assert api.post("/auth/refresh", json={"refresh_token": person.refresh_token}).status_code == 401
    assert api.login(person.email).status_code == 401
    wait_until_erased(books, person)

    left = collect_all_texts(stack, aws)
    name = person.email.partition("@")[0]
    for found in left.values():
        assert [text for text in found if MARKER in text or f"{name}@" in text or f"{name}%40" in text] == []
    for place in ("buckets", "people", "queues", "files"):
        assert [text for text in left[place] if person.user_id in text] == []
    assert len([text for text in left["ledger"] if person.user_id in text]) > 3  # the books
    rest = [text for text in left["tables"] if f'"USER#{person.user_id}"' in text and text not in left["ledger"]]
    assert [text for text in rest if '"sk": "PURCHASE#' not in text] == []  # purchases are accounting records
    books.check_invariants(person.user_id)
    assert books.open_holds(person.user_id) == []
    report = run_audit(owner)
    assert [finding for finding in report["findings"] if finding["user_id"] == person.user_id] == []
    check_error(
        owner.post("/admin/credits", json={"user_id": person.user_id, "credits": 1, "reason": "x"}), 404, "not_found"
    )
    assert owner.get("/admin/users", params={"email": person.email}).json()["users"] == []
    back = api.register(person.email).json()
    assert (back["user"]["user_id"] != person.user_id, back["free_credits"]) == (True, 0)


def run_audit(owner: Person) -> dict[str, Any]:
    audit_id = owner.post("/admin/audit", json={}).json()["audit_id"]

    def report() -> dict[str, Any] | None:
        last = owner.get("/admin/audit").json().get("report")
        return last if last and last["audit_id"] == audit_id else None

    return wait_for(report)


def test_a_blocked_account_cannot_be_deleted(person: Person, books: Backend) -> None:
    books.ledger.set_blocked(person.user_id, True)

    check_error(person.delete("/auth/user"), 403, "account_blocked")

    books.ledger.set_blocked(person.user_id, False)
    assert person.get("/auth/user").status_code == 200


def test_only_the_users_own_token_deletes_an_account(person: Person, signed_in_user: Person) -> None:
    check_error(person.api.call("DELETE", "/auth/user"), 401, "unauthenticated")
    check_error(person.api.call("DELETE", "/auth/user", person.access_token), 401, "unauthenticated")
    assert signed_in_user.get("/auth/user").status_code == person.get("/auth/user").status_code == 200
