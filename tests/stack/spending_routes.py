"""A user who spends credits, the items of the ledger, and checks for a backend with a failing dependency."""

from collections.abc import Callable
from typing import Any

import requests

from scripts.local.deployed import DeployedStack
from tests.http.http_client import Person, check_error
from tests.shipping.alarm_rules import metric_value
from tests.stack.alarm_watch import eventually, log_lines


class SpendingRoutes:
    """A user with a transcript, and every way to spend credits without a recording."""

    def __init__(self, person: Person):
        self.person = person
        session = person.stream(action="start", title="To ask about").json()
        self.session_id, self.transcript_id = session["session_id"], session["transcript_id"]
        segment = {"seq": 0, "start_ms": 0, "end_ms": 60_000, "text": "The meeting moved to Thursday at ten."}
        person.stream(action="save", session_id=self.session_id, segments=[segment])
        person.stop(self.session_id)

    def ask(self) -> requests.Response:
        body = {"question": "When is the meeting?", "transcript_id": self.transcript_id}
        return self.person.post("/transcription/ask", json=body)

    def start(self) -> requests.Response:
        return self.person.stream(action="start")

    def catch_up(self) -> requests.Response:
        body = {"session_id": self.session_id, "from_ms": 0, "to_ms": 60_000}
        return self.person.post("/transcription/catchup", json=body)

    def buy(self) -> requests.Response:
        return self.person.post("/credits/purchase", json={"package_id": "starter"})

    def spend(self) -> list[requests.Response]:
        return [self.start(), self.ask(), self.catch_up()]


def read_ledger(stack: DeployedStack, spending_routes: SpendingRoutes) -> dict[str, Any]:
    """Balance, entries and open holds of a user, read from the table without the functions and the gate."""
    table = stack.shipment.resource_stack.outputs()["LedgerTable"]
    items = stack.aws.client("dynamodb").query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"USER#{spending_routes.person.user_id}"}},
        ConsistentRead=True,
    )["Items"]
    (balance,) = [item for item in items if item["sk"]["S"] == "BALANCE"]
    return {
        "available": balance["available"]["N"],
        "held": balance["held"]["N"],
        "entries": [item for item in items if item["sk"]["S"].startswith("ENTRY#")],
        "open holds": [item["sk"]["S"] for item in items if "open_shard" in item],
    }


def check_unavailable(response: requests.Response) -> str:
    """Check that a response is 503 with Retry-After; returns its request id."""
    check_error(response, 503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0
    return str(response.headers["X-Request-Id"])


def check_alarm(stack: DeployedStack, name: str, is_relevant: Callable[[dict[str, Any]], bool], at_least: int) -> None:
    """Check that the relevant log lines have the metric of this alarm often enough to trigger it."""
    alarm = stack.shipment.whole_template(stack.package)["Resources"][f"{name}Alarm"]
    assert at_least >= alarm["Properties"]["Threshold"]

    def total() -> int:
        stage = stack.shipment.stage
        return sum(metric_value(line, alarm, stage) for line in log_lines(stack) if is_relevant(line))

    eventually(lambda: total() >= at_least)
