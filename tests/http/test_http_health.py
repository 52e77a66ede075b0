"""The health report over HTTP: callers without a sign-in leave a count, and administrators alone read it."""

import json

from scripts.local.aws import client as aws_client
from scripts.local.stack import LocalStack
from tests.http.checkout_steps import PaymentsClient, buy_and_pay
from tests.http.http_client import Api, Person, check_error

HEALTH = "/admin/health"
FORGED = {"Stripe-Signature": "t=1,v1=canary"}


def refusals(owner: Person, reason: str) -> int:
    """How often Stripe's webhooks were refused for this reason."""
    counts = owner.get(HEALTH).json()["webhooks"]["refused"]
    return sum(count["count"] for count in counts if (count["subject"], count["reason"]) == ("stripe", reason))


def test_a_refused_webhook_is_counted_without_what_was_sent(api: Api, owner: Person, stack: LocalStack) -> None:
    before = refusals(owner, "invalid_signature")
    for _ in range(3):
        check_error(api.post("/webhooks/stripe", data=b'{"card": "canary"}', headers=FORGED), 400, "invalid_signature")

    assert refusals(owner, "invalid_signature") == before + 3
    database = aws_client("dynamodb", stack.dev["aws_endpoint_url"])
    stored = database.query(
        TableName=stack.settings["APP_TABLE"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "HEALTH"}},
    )["Items"]
    assert stored
    assert "canary" not in json.dumps(stored)
    assert all("expires_at" in item for item in stored)


def test_an_applied_webhook_is_the_last_one(owner: Person, person: Person, payments_client: PaymentsClient) -> None:
    buy_and_pay(person, payments_client)

    applied = {each["webhook"]: each["at"] for each in owner.get(HEALTH).json()["webhooks"]["applied"]}

    assert applied["stripe"]


def test_every_source_is_read(owner: Person) -> None:
    report = owner.get(HEALTH).json()

    assert report["unreadable"] == []
    assert report["dead_letters"]["command"].startswith(".venv/bin/python -m scripts.replay --stage ")
    assert report["margin"]["lowest_percent"] == 20


def test_only_administrators_read_it(api: Api, person: Person) -> None:
    check_error(person.get(HEALTH), 403, "forbidden")
    check_error(api.get(HEALTH), 401, "unauthenticated")
