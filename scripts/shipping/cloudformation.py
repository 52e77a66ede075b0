"""CloudFormation stacks, changed by change sets: the changes are known before they are applied."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from scripts.shipping.progress import Progress
from scripts.shipping.project import ShippingError

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
PLAN_IS_GONE = {"ChangeSetNotFound", "ChangeSetNotFoundException", "InvalidChangeSetStatus"}
# Between two status calls. AWS limits the calls per second of an account, and a stack takes minutes.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0


@dataclass(frozen=True)
class Change:
    """One resource that a plan would change."""

    action: str  # Add, Modify or Remove
    name: str
    kind: str
    replaced: str  # True, Conditional or False
    details: tuple[str, ...] = ()
    follows: bool = False  # Only a resource that it refers to changes, and it is not replaced.

    def __str__(self) -> str:
        mark = {"Add": "+", "Remove": "-"}.get(self.action, "~")
        details = f" ({', '.join(self.details)})" if self.details else ""
        return f"  {mark} {self.kind:<34} {self.name}{details}" + (" REPLACED" if self.replaced == "True" else "")


@dataclass(frozen=True)
class Stack:
    """One CloudFormation stack."""

    client: Any
    name: str
    pause: Callable[[float], None] = time.sleep

    def state(self) -> str:
        """The status of the stack; empty if it does not exist."""
        stack = self._describe()
        return str(stack["StackStatus"]) if stack else ""

    def outputs(self) -> dict[str, str]:
        """Its outputs. Raises ShippingError if the stack does not exist."""
        return {output["OutputKey"]: output["OutputValue"] for output in self._existing().get("Outputs", [])}

    def created_outputs(self) -> dict[str, str]:
        """Its outputs. Raises ShippingError if it has none, because it was never wholly created."""
        if outputs := self.outputs():
            return outputs
        raise ShippingError(f"{self.name} is {self.state()}, so it was never created. Deploy the stage first.")

    def parameters(self) -> dict[str, str]:
        """The parameters it runs with. Raises ShippingError if the stack does not exist."""
        return {item["ParameterKey"]: item["ParameterValue"] for item in self._existing().get("Parameters", [])}

    def physical_id(self, name: str) -> str:
        """The physical id of the resource with this logical name."""
        response = self.client.describe_stack_resource(StackName=self.name, LogicalResourceId=name)
        return str(response["StackResourceDetail"]["PhysicalResourceId"])

    def resources_of_type(self, kind: str) -> dict[str, str]:
        """Logical name → physical id of all resources of a type."""
        pages = self.client.get_paginator("list_stack_resources").paginate(StackName=self.name)
        resources = [item for page in pages for item in page["StackResourceSummaries"] if item["ResourceType"] == kind]
        return {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in resources}

    def check_idle(self) -> str:
        """Its status. Raises ShippingError, before any change, while an operation is in progress."""
        state = self.state()
        if state.endswith("_IN_PROGRESS") and state != "REVIEW_IN_PROGRESS":
            raise ShippingError(
                f"{self.name} is {state}: another command works on it, or was interrupted and CloudFormation finishes "
                "without it. Nothing was changed. Run the command again when this has ended."
            )
        return state

    def plan(self, template: dict[str, str], parameters: dict[str, str]) -> "Plan | None":
        """The changes of deploying `template` (its TemplateBody or TemplateURL); None if there are none."""
        state = self.check_idle()
        if state == "DELETE_FAILED":
            raise ShippingError(f"{self.name} is DELETE_FAILED. Run make destroy again first. {self.failures()}")
        if state == "UPDATE_ROLLBACK_FAILED":
            self._continue_rollback()
        if state in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED"):  # Its first creation failed, so it has no resources.
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
        change_set = self._wait(lambda: self._change_set(name), lambda response: response["Status"], 600)
        if change_set["Status"] == "FAILED":
            self.client.delete_change_set(StackName=self.name, ChangeSetName=name)
            reason = change_set.get("StatusReason", "")
            if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                return None
            raise ShippingError(f"{self.name} cannot be planned: {reason}")
        changes = [_change(item["ResourceChange"]) for item in self._changes(name) if "ResourceChange" in item]
        return Plan(self, name, changes)

    def _continue_rollback(self) -> None:
        """Finish a rollback that had failed: AWS accepts no update until then. Raises ShippingError if it fails."""
        print(f"{self.name} is UPDATE_ROLLBACK_FAILED: continuing its rollback")
        self.client.continue_update_rollback(StackName=self.name)
        with Progress(self.client, self.name) as progress:
            stack = self._wait(self._describe, _status_without_cleanup, 1_800, progress.report)
        if stack["StackStatus"] != "UPDATE_ROLLBACK_COMPLETE":
            raise ShippingError(
                f"{self.name} is {stack['StackStatus']}, and AWS accepts no update of it: {self.failures()}\n"
                "Repair what the reasons name and deploy again; docs/runbooks.md, A rollback that failed, says how."
            )

    def delete(self, timeout_seconds: float = 1_800) -> None:
        """Delete it and wait. Resources that its template retains are kept. Raises ShippingError if it failed."""
        self.check_idle()
        identity = (self._describe() or {}).get("StackId", self.name)  # A deleted stack has no name.
        self.client.delete_stack(StackName=self.name)
        with Progress(self.client, identity) as progress:
            stack = self._wait(
                self._describe, lambda found: found["StackStatus"] if found else "", timeout_seconds, progress.report
            )
        if stack:
            raise ShippingError(f"{self.name} is {stack['StackStatus']}: {self.failures()}")

    def failures(self) -> str:
        """The reasons why the last operation failed, for each resource."""
        events = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
        reasons = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed]
        return "; ".join(dict.fromkeys(reasons)) or "AWS gives no reason"

    def _existing(self) -> dict[str, Any]:
        if stack := self._describe():
            return stack
        raise ShippingError(f"The stack {self.name} does not exist. Deploy the stage first.")

    def _describe(self) -> dict[str, Any] | None:
        try:
            stack: dict[str, Any] = self.client.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack

    def _change_set(self, name: str) -> dict[str, Any]:
        change_set: dict[str, Any] = self.client.describe_change_set(StackName=self.name, ChangeSetName=name)
        return change_set

    def _changes(self, name: str) -> list[dict[str, Any]]:
        changes: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = self.client.describe_change_set(StackName=self.name, ChangeSetName=name, **token)
            changes += page.get("Changes", [])
            if not page.get("NextToken"):
                return changes
            token = {"NextToken": page["NextToken"]}

    def _wait(
        self,
        describe: Callable[[], Any],
        state: Callable[[Any], str],
        timeout_seconds: float,
        report: Callable[[], None] = lambda: None,
    ) -> Any:
        """Call `describe` until no operation is in progress; returns its last result. Calls `report` in between."""
        deadline, pause = time.monotonic() + timeout_seconds, FIRST_PAUSE_SECONDS
        while state(result := describe()).endswith(("_IN_PROGRESS", "CREATE_PENDING")):
            if time.monotonic() > deadline:
                raise ShippingError(f"{self.name} is still {state(result)} after {timeout_seconds:g} s.")
            report()
            self.pause(pause)
            pause = min(pause * 1.2, LONGEST_PAUSE_SECONDS)
        return result


@dataclass(frozen=True)
class Plan:
    """A change set that can be applied."""

    stack: Stack
    name: str
    changes: list[Change]

    def apply(self, timeout_seconds: float = 1_800) -> None:
        """Apply it. Raises ShippingError if it failed; AWS has then rolled back the changes."""
        client, name = self.stack.client, self.stack.name
        try:
            # Resources of a failed creation are deleted, retained ones too: the next creation would fail because of
            # them.
            client.execute_change_set(StackName=name, ChangeSetName=self.name, RetainExceptOnCreate=True)
        except ClientError as error:
            if error.response["Error"]["Code"] not in PLAN_IS_GONE:
                raise
            raise ShippingError(
                f"{name} was changed by another command since these changes were planned. They were not applied. "
                "Run the command again."
            ) from error
        with Progress(client, name, len(self.changes)) as progress:
            stack = self.stack._wait(self.stack._describe, _status_without_cleanup, timeout_seconds, progress.report)
        if stack is None:
            raise ShippingError(f"{name} was deleted by another command. Run the command again.")
        if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise ShippingError(f"{self.stack.name} is {stack['StackStatus']}: {self.stack.failures()}")

    def discard(self) -> None:
        """Delete the change set, and the stack if it never had resources."""
        if not self.stack.state():  # Another command has deleted it.
            return
        self.stack.client.delete_change_set(StackName=self.stack.name, ChangeSetName=self.name)
        if self.stack.state() == "REVIEW_IN_PROGRESS":
            self.stack.client.delete_stack(StackName=self.stack.name)


def _status_without_cleanup(stack: dict[str, Any] | None) -> str:
    """The status of a stack; one that cleans up after an update counts as updated."""
    status = str(stack["StackStatus"]) if stack else ""
    return status.removesuffix("_CLEANUP_IN_PROGRESS")


def _change(response: dict[str, Any]) -> Change:
    targets = [detail.get("Target", {}) for detail in response.get("Details", [])]
    named = sorted({str(target.get("Name") or target.get("Attribute")) for target in targets if target})
    kind, name, replaced = response["ResourceType"], response["LogicalResourceId"], response.get("Replacement", "False")
    sources = {detail.get("ChangeSource") for detail in response.get("Details", [])}
    follows = bool(sources) and sources <= {"ResourceReference", "ResourceAttribute"} and replaced != "True"
    return Change(response["Action"], name, kind, replaced, tuple(named), follows)
