"""Schedules in a hurry: behind the deployed shape's own, which come once in one or five minutes."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from botocore.exceptions import BotoCoreError

from scripts.local.aws import LocalAws, client
from scripts.local.events import scheduled_event

EVERY_SECONDS = 2.0


@contextmanager
def fast_schedules(aws: LocalAws) -> Iterator[None]:
    """Every function that a rule of EventBridge calls is called by Lambda's API too, as the rule would, over and over.

    With its own role, settings and process: only the clock is another. test_http_deployed.py awaits the rules
    themselves.
    """
    functions = [
        (rule["Name"], target["Arn"])
        for rule in aws.client("events").list_rules()["Rules"]
        if "ScheduleExpression" in rule
        for target in aws.client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
    ]
    assert functions, "no rule calls any function"
    stopped = threading.Event()

    def call(rule: str, function: str) -> None:
        with closing(client("lambda", aws.endpoint_url)) as calls:
            while not stopped.wait(EVERY_SECONDS):
                with suppress(BotoCoreError):  # A busy machine takes longer than the SDK waits; the next time comes.
                    calls.invoke(FunctionName=function, Payload=json.dumps(scheduled_event(rule)))["Payload"].read()

    threads = [threading.Thread(target=call, args=function, name=f"schedule-{function[0]}") for function in functions]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
