"""What only the deployed shape has, and what the other tests lean on there: rules that call, APIs that stand alone."""

import re

import pytest

from scripts.local.deployed import DeployedStack
from tests.http.conftest import StartApi
from tests.http.limits import IS_DEPLOYED
from tests.http.recorded import eventually

LONGEST_RATE_SECONDS = 300
DISPATCHED = re.compile(r"EventBridge → Lambda live-transcription-local-(\w+)-\w+: dispatched")

pytestmark = pytest.mark.skipif(not IS_DEPLOYED, reason="the local server has neither rules nor functions")


def test_every_rule_of_minutes_calls_its_function_by_itself(stack: DeployedStack) -> None:
    """The other tests hurry them (schedules.py)."""

    def called() -> set[str]:
        log = (stack.directory / "aws.log").read_text(encoding="utf-8", errors="replace")
        return set(DISPATCHED.findall(log))

    assert eventually(lambda: called() >= {"Sweep", "Erase", "Reconcile"}, seconds=LONGEST_RATE_SECONDS + 60)


def test_an_api_beside_takes_no_messages_changes_or_times(stack: DeployedStack, start_api: StartApi) -> None:
    def sources() -> list[str]:
        mappings = stack.aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        return sorted(
            [one["UUID"] for one in mappings]
            + [one["Name"] for one in stack.aws.client("events").list_rules()["Rules"]]
        )

    before = sources()
    beside = start_api(LEASE_SECONDS="601")

    assert beside.url != stack.api_url
    assert beside.get("/health").status_code == 200
    assert sources() == before != []
