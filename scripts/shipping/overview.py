"""What a person reads before anything is made or changed: one screen."""

from collections import Counter
from collections.abc import Iterable

from scripts.shipping import location
from scripts.shipping.access import ROLE_OF
from scripts.shipping.alarms import ALARMS
from scripts.shipping.cloudformation import Change
from scripts.shipping.shipment import RESOURCES, Shipment, resource_template

MOST_LINES = 30  # of changes
NOT_THERE = ("", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
KINDS = {
    "AWS::DynamoDB::Table": ("table", "tables"),
    "AWS::S3::Bucket": ("bucket", "buckets"),
    "AWS::SQS::Queue": ("queue", "queues"),
    "AWS::KMS::Key": ("key for the secrets", "keys"),
    "AWS::Cognito::UserPool": ("user pool", "user pools"),
}
MISSING = {
    "AlarmEmail": "alarms are sent to nobody",
    "EmailFrom": "Cognito sends the codes for new accounts and passwords, 50 emails a day",
}


def describe(shipment: Shipment, *, resources_only: bool = False) -> str:
    """Account, region, stage, what is there and what will be made; what a live stage should have and has not."""
    made = {shipment.resource_stack: _resources_made()}
    if not resources_only:
        made[shipment.application_stack] = f"{len(ROLE_OF)} functions, 1 API, {len(ALARMS)} alarms, 1 dashboard"
    lines = [f"{location.describe(shipment.aws)}, stage {shipment.stage}"]
    for stack, things in made.items():
        state = stack.state()
        lines.append(f"  {stack.name:<36} {f'new: {things}' if state in NOT_THERE else f'is there, {state}'}")
    if shipment.stage == "prod":
        lines += [
            f"  ! {name} is not set in .chalice/stages.json: {meaning}."
            for name, meaning in MISSING.items()
            if not shipment.parameters.get(name)
        ]
    return "\n".join(lines)


def describe_changes(changes: Iterable[Change]) -> str:
    """A line for each change; many new resources of one kind share a line if all would not fit on a screen."""
    changes = list(changes)
    if len(changes) <= MOST_LINES:
        return "\n".join(map(str, changes))
    added = Counter(change.kind for change in changes if change.action == "Add")
    lines = [f"  + {kind:<34} {number} new" for kind, number in sorted(added.items())]
    return "\n".join([*lines, *(str(change) for change in changes if change.action != "Add")])


def _resources_made() -> str:
    resources = resource_template(RESOURCES.read_text(encoding="utf-8"))["Resources"].values()
    counts = Counter(resource["Type"] for resource in resources)
    return ", ".join(f"{counts[kind]} {names[counts[kind] > 1]}" for kind, names in KINDS.items() if counts[kind])
