"""Stacks by change sets: what would change is known before anything does, and the same again changes nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from scripts.shipping.project import ShippingError

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
# Between two looks. AWS takes some calls a second of a whole account, and a stack takes minutes.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0


@dataclass(frozen=True)
class Change:
    """One resource that a plan would touch."""

    action: str  # Add, Modify or Remove
    name: str
    kind: str
    replaced: str  # True, Conditional or False
    details: tuple[str, ...] = ()
    follows: bool = False  # nothing of its own changes, only what it refers to, and it is not made anew

    def __str__(self) -> str:
        mark = {"Add": "+", "Remove": "-"}.get(self.action, "~")
        what = f" ({', '.join(self.details)})" if self.details else ""
        return f"  {mark} {self.kind:<34} {self.name}{what}" + (" REPLACED" if self.replaced == "True" else "")


@dataclass(frozen=True)
class Stack:
    """One CloudFormation stack."""

    client: Any
    name: str
    pause: Callable[[float], None] = time.sleep

    def state(self) -> str:
        """Its status; empty where there is none."""
        described = self._described()
        return str(described["StackStatus"]) if described else ""

    def outputs(self) -> dict[str, str]:
        """Raises ShippingError where the stack is not there."""
        described = self._described()
        if not described:
            raise ShippingError(f"The stack {self.name} is not there.")
        return {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}

    def physical(self, name: str) -> str:
        """What AWS calls the resource of this logical name."""
        said = self.client.describe_stack_resource(StackName=self.name, LogicalResourceId=name)
        return str(said["StackResourceDetail"]["PhysicalResourceId"])

    def of_kind(self, kind: str) -> dict[str, str]:
        """Logical name → what AWS calls it, of all resources of a kind."""
        pages = self.client.get_paginator("list_stack_resources").paginate(StackName=self.name)
        found = [one for page in pages for one in page["StackResourceSummaries"] if one["ResourceType"] == kind]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}

    def plan(self, template: dict[str, str], parameters: dict[str, str]) -> "Plan | None":
        """What deploying `template` (its TemplateBody or TemplateURL) would change; None where that is nothing."""
        state = self.state()
        if state.endswith("_IN_PROGRESS") and state != "REVIEW_IN_PROGRESS":
            raise ShippingError(f"{self.name} is {state}: wait until that has ended.")
        if state in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED"):  # Its first creation failed: there is nothing in it.
            self.delete()
            state = ""
        name = f"plan-{time.time_ns()}"
        self.client.create_change_set(
            StackName=self.name,
            ChangeSetName=name,
            ChangeSetType="UPDATE" if state and state != "REVIEW_IN_PROGRESS" else "CREATE",
            Capabilities=CAPABILITIES,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in sorted(parameters.items())],
            Tags=[{"Key": "app", "Value": self.name}],
            **template,
        )
        described = self._wait(lambda: self._change_set(name), lambda said: said["Status"], 600)
        if described["Status"] == "FAILED":
            self.client.delete_change_set(StackName=self.name, ChangeSetName=name)
            reason = described.get("StatusReason", "")
            if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                return None
            raise ShippingError(f"{self.name} cannot be planned: {reason}")
        changes = [_change(one["ResourceChange"]) for one in self._changes(name) if "ResourceChange" in one]
        return Plan(self, name, changes)

    def delete(self, timeout_seconds: float = 1_800) -> None:
        """Delete it and wait. What its template retains stays."""
        self.client.delete_stack(StackName=self.name)
        described = self._wait(self._described, lambda said: said["StackStatus"] if said else "gone", timeout_seconds)
        if described:
            raise ShippingError(f"{self.name} is {described['StackStatus']}: {self.failures()}")

    def failures(self) -> str:
        """Why the last operation failed, resource by resource."""
        events = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
        reasons = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed]
        return "; ".join(dict.fromkeys(reasons)) or "no reason is given"

    def _described(self) -> dict[str, Any] | None:
        try:
            described: dict[str, Any] = self.client.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if described["StackStatus"] == "DELETE_COMPLETE" else described

    def _change_set(self, name: str) -> dict[str, Any]:
        said: dict[str, Any] = self.client.describe_change_set(StackName=self.name, ChangeSetName=name)
        return said

    def _changes(self, name: str) -> list[dict[str, Any]]:
        found, after = [], {}
        while True:
            page = self.client.describe_change_set(StackName=self.name, ChangeSetName=name, **after)
            found += page.get("Changes", [])
            if not page.get("NextToken"):
                return found
            after = {"NextToken": page["NextToken"]}

    def _wait(self, look: Callable[[], Any], state: Callable[[Any], str], timeout_seconds: float) -> Any:
        """Look until nothing is in progress any more."""
        deadline, pause = time.monotonic() + timeout_seconds, FIRST_PAUSE_SECONDS
        while state(seen := look()).endswith(("_IN_PROGRESS", "CREATE_PENDING")):
            if time.monotonic() > deadline:
                raise ShippingError(f"{self.name} is still {state(seen)} after {timeout_seconds:g} s.")
            self.pause(pause)
            pause = min(pause * 1.2, LONGEST_PAUSE_SECONDS)
        return seen


@dataclass(frozen=True)
class Plan:
    """A change set that waits to be carried out."""

    stack: Stack
    name: str
    changes: list[Change]

    def apply(self, timeout_seconds: float = 1_800) -> None:
        """Carry it out. Raises ShippingError where AWS did not; it has then put back what was there."""
        # What a failed creation made is deleted, also what is retained else: it would stand in the way of the next.
        self.stack.client.execute_change_set(
            StackName=self.stack.name, ChangeSetName=self.name, RetainExceptOnCreate=True
        )
        look = self.stack._described
        described = self.stack._wait(look, _moving, timeout_seconds)
        if described["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise ShippingError(f"{self.stack.name} is {described['StackStatus']}: {self.stack.failures()}")

    def discard(self) -> None:
        self.stack.client.delete_change_set(StackName=self.stack.name, ChangeSetName=self.name)
        if self.stack.state() == "REVIEW_IN_PROGRESS":  # It was only ever planned.
            self.stack.client.delete_stack(StackName=self.stack.name)


def _moving(said: dict[str, Any]) -> str:
    """A stack that cleans up after an update has done what it was told."""
    status = str(said["StackStatus"])
    return status.removesuffix("_CLEANUP_IN_PROGRESS")


def _change(said: dict[str, Any]) -> Change:
    targets = [detail.get("Target", {}) for detail in said.get("Details", [])]
    named = sorted({str(target.get("Name") or target.get("Attribute")) for target in targets if target})
    kind, name, replaced = said["ResourceType"], said["LogicalResourceId"], said.get("Replacement", "False")
    sources = {detail.get("ChangeSource") for detail in said.get("Details", [])}
    follows = bool(sources) and sources <= {"ResourceReference", "ResourceAttribute"} and replaced != "True"
    return Change(said["Action"], name, kind, replaced, tuple(named), follows)
