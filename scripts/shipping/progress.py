"""What CloudFormation has done so far, printed while it works: a stack takes minutes."""

import time
from typing import Any

from botocore.exceptions import ClientError

PERIOD_SECONDS = 5.0  # between two lines
MOST_NAMES = 3
STARTED = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")  # of the stack


class Progress:
    """Counts the resources that the newest operation of a stack has finished, by its events. Prints nothing at once.

    `total`: of its resources, if it is known.
    """

    def __init__(self, client: Any, stack: str, total: int | None = None):
        self._client, self._stack, self._total = client, stack, total
        self._began_at = self._printed_at = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._printed_at > self._began_at:
            self._print()

    def report(self) -> None:
        """Print a line, unless one was printed in the last seconds."""
        if time.monotonic() - self._printed_at >= PERIOD_SECONDS:
            self._print()

    def _print(self) -> None:
        self._printed_at = time.monotonic()
        try:
            states = self._states()
        except ClientError:  # Without permission for events, or throttled: the deployment itself is not concerned.
            return
        done = sum(not state.endswith("IN_PROGRESS") for state in states.values())
        working = sorted(name for name, state in states.items() if state.endswith("IN_PROGRESS"))
        names = ", ".join(working[:MOST_NAMES]) + (" …" if len(working) > MOST_NAMES else "")
        minutes, seconds = divmod(int(self._printed_at - self._began_at), 60)
        of_total = f" of {self._total}" if self._total else ""
        print(
            f"  {minutes}:{seconds:02}  {done}{of_total} resources done{f', now: {names}' if names else ''}", flush=True
        )

    def _states(self) -> dict[str, str]:
        """Logical name of each resource that the operation has begun → its status."""
        states: dict[str, str] = {}
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=self._stack)
        for page in pages:  # the newest first
            for event in page["StackEvents"]:
                if event["ResourceType"] != "AWS::CloudFormation::Stack":
                    states.setdefault(event["LogicalResourceId"], event["ResourceStatus"])
                elif event["ResourceStatus"] in STARTED:
                    return states
        return states
