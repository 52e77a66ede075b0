"""Missing, repeated, early, late and forged webhooks: each job ends once and is paid exactly."""

from typing import Any

import pytest
import requests
from msgspec.structs import replace

from chalicelib.catchup.job_rules import webhook_secret
from chalicelib.models.catchup import WEBHOOK_SECRET_HEADER, Job
from scripts.local.stack import LocalStack
from tests.fakes import Backend
from tests.http.catchup_steps import (
    HELD,
    check_done_once,
    get_job,
    load_job,
    make_hold_due,
    start_catchup,
    wait_for,
    wait_until_ended,
    wait_until_swept,
)
from tests.http.http_client import Api, Person, Sandbox, check_error

WEBHOOKS = "/webhooks/assemblyai"


def wait_until_transcribing(person: Person, job_id: str) -> None:
    wait_for(lambda: get_job(person, job_id)["status"] == "transcribing")


def send_webhook(
    api: Api, job_id: str, secret: str | bytes | None, transcript_id: str = "transcript-1", **more: Any
) -> requests.Response:
    headers = {WEBHOOK_SECRET_HEADER: secret} if secret is not None else {}
    return api.post(f"{WEBHOOKS}?job={job_id}", json={"transcript_id": transcript_id} | more, headers=headers)


def test_without_a_webhook_the_sweep_ends_the_job(person: Person, sandbox: Sandbox, books: Backend) -> None:
    sandbox.order(webhook_copies=0, hold_jobs=True)
    job_id = start_catchup(person)
    wait_until_transcribing(person, job_id)
    sandbox.order(hold_jobs=False)
    wait_for(lambda: [order for order in sandbox.transcripts(job_id) if order["status"] == "completed"])
    assert get_job(person, job_id)["status"] == "transcribing"

    make_hold_due(books, person, job_id)

    wait_until_ended(person, job_id)
    check_done_once(person, job_id, sandbox, books)


def test_ten_webhooks_have_the_same_effect_as_one(person: Person, sandbox: Sandbox, books: Backend) -> None:
    sandbox.order(webhook_copies=10)
    job_id = start_catchup(person)

    wait_until_ended(person, job_id)
    wait_for(lambda: len(sandbox.transcripts(job_id)[0]["webhooks"]) == 10)

    assert {order["outcome"] for order in sandbox.transcripts(job_id)[0]["webhooks"]} == {"delivered"}
    check_done_once(person, job_id, sandbox, books)


def test_a_webhook_may_arrive_before_the_answer_to_the_order(person: Person, sandbox: Sandbox, books: Backend) -> None:
    sandbox.order(webhook_before_answer=True)
    job_id = start_catchup(person)

    wait_until_ended(person, job_id)
    check_done_once(person, job_id, sandbox, books)


def test_webhooks_after_the_end_change_nothing(person: Person, sandbox: Sandbox, books: Backend) -> None:
    job_id = start_catchup(person)
    done = wait_until_ended(person, job_id)
    (order,) = sandbox.transcripts(job_id)

    sandbox.webhook(order["id"], copies=5)
    wait_for(lambda: len(sandbox.transcripts(job_id)[0]["webhooks"]) == 6)

    assert get_job(person, job_id) == done
    check_done_once(person, job_id, sandbox, books)


def test_a_webhook_while_the_provider_still_transcribes_ends_nothing(
    person: Person, sandbox: Sandbox, books: Backend
) -> None:
    sandbox.order(hold_jobs=True)
    job_id = start_catchup(person)
    wait_until_transcribing(person, job_id)
    (order,) = sandbox.transcripts(job_id)

    sandbox.webhook(order["id"])
    wait_for(lambda: sandbox.transcripts(job_id)[0]["webhooks"])

    assert person.balance() == (200 - HELD, HELD)
    sandbox.order(hold_jobs=False)
    wait_until_ended(person, job_id)
    check_done_once(person, job_id, sandbox, books)


def job_without_claim(books: Backend, job_id: str) -> Job:
    """The stored job without its claim, because a worker may have it at the moment."""
    return replace(load_job(books, job_id), worker="", claimed_until=0)


def test_a_wrong_secret_is_400_and_changes_nothing(
    api: Api, stack: LocalStack, person: Person, sandbox: Sandbox, books: Backend
) -> None:
    sandbox.order(hold_jobs=True, webhook_copies=0)
    job_id = start_catchup(person)
    wait_until_transcribing(person, job_id)
    before = job_without_claim(books, job_id)
    right = webhook_secret(stack.settings["IDENTITY_HMAC_KEY"], job_id)
    wrong: list[str | bytes | None] = [None, "", "wrong", right[:-1], right.upper(), right + "0", "é".encode()]
    wrong += [webhook_secret(stack.settings["IDENTITY_HMAC_KEY"], "another-job"), "x" * 5_000]

    for secret in wrong:
        check_error(send_webhook(api, job_id, secret), 400, "invalid_signature")

    assert job_without_claim(books, job_id) == before
    assert send_webhook(api, job_id, right, transcript_id="of-nobody").json() == {"received": True}
    assert load_job(books, job_id).notified_id == "of-nobody"
    sandbox.order(hold_jobs=False)
    wait_until_swept(books, person, job_id)
    check_done_once(person, job_id, sandbox, books)


def test_a_webhook_for_a_missing_job_is_accepted_and_does_nothing(api: Api, stack: LocalStack) -> None:
    secret = webhook_secret(stack.settings["IDENTITY_HMAC_KEY"], "job-of-nobody")

    assert send_webhook(api, "job-of-nobody", secret).json() == {"received": True}


@pytest.mark.parametrize(
    ("query", "body", "field"),
    [
        ("", {"transcript_id": "x"}, "job"),
        ("?job=a%23b", {"transcript_id": "x"}, "job"),
        ("?job=x&job=y", {"transcript_id": "x"}, "job"),
        ("?job=x&more=1", {"transcript_id": "x"}, "more"),
        ("?job=x", {}, "transcript_id"),
        ("?job=x", {"transcript_id": ""}, "transcript_id"),
        ("?job=x", {"transcript_id": "../y"}, "transcript_id"),
        ("?job=x", {"transcript_id": 7}, "transcript_id"),
        ("?job=x", ["x"], "body"),
    ],
    ids=str,
)
def test_an_invalid_webhook_is_400(api: Api, query: str, body: Any, field: str) -> None:
    assert check_error(api.post(WEBHOOKS + query, json=body), 400, "invalid_request")["field"] == field


def test_a_webhook_may_have_unknown_fields(api: Api, stack: LocalStack) -> None:
    secret = webhook_secret(stack.settings["IDENTITY_HMAC_KEY"], "job-of-nobody")

    answer = send_webhook(api, "job-of-nobody", secret, status="completed", words=[{"new": "field"}])

    assert answer.status_code == 200
