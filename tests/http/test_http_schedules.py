"""Schedules of the deployed shape call by themselves; the other tests hurry them (tests/http/schedules.py)."""

import re

import pytest

from scripts.local.stack import LocalStack
from tests.http.limits import IS_DEPLOYED
from tests.http.recorded import eventually

LONGEST_RATE_SECONDS = 300
DISPATCHED = re.compile(r"EventBridge → Lambda live-transcription-local-(\w+)-\w+: dispatched")


@pytest.mark.skipif(not IS_DEPLOYED, reason="the local server has no rules: it calls what the app has registered")
def test_every_rule_of_minutes_calls_its_function(stack: LocalStack) -> None:
    def called() -> set[str]:
        log = (stack.directory / "aws.log").read_text(encoding="utf-8", errors="replace")
        return set(DISPATCHED.findall(log))

    assert eventually(lambda: called() >= {"Sweep", "Erase", "Reconcile"}, seconds=LONGEST_RATE_SECONDS + 60)
