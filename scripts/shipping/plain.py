"""What plain `chalice deploy` needs beside the resource stack: real names among the settings, and one policy.

The way by CloudFormation takes them from the exports, and gives each function its own role (docs/operations.md).
"""

import json
from pathlib import Path
from typing import Any

from scripts.shipping import project
from scripts.shipping.access import GRANTS
from scripts.shipping.project import APP_NAME

# Setting → the resource stack's output that it is.
RESOURCE_SETTINGS = {
    "LEDGER_TABLE": "LedgerTable",
    "LEDGER_STREAM_ARN": "LedgerStreamArn",
    "APP_TABLE": "AppTable",
    "UPLOAD_BUCKET": "UploadBucket",
    "JOBS_QUEUE_URL": "JobsQueueUrl",
    "COGNITO_USER_POOL_ID": "UserPoolId",
    "COGNITO_USER_POOL_ARN": "UserPoolArn",
    "COGNITO_CLIENT_ID": "UserPoolClientId",
}


def resource_settings(made: dict[str, str]) -> dict[str, str]:
    """The resource stack's outputs as the app's settings."""
    return {name: made[output] for name, output in RESOURCE_SETTINGS.items()}


def write(config: dict[str, Any], stage: str, made: dict[str, str], config_file: Path = project.CONFIG) -> None:
    """Names into `config_file`; `policy-<stage>.json` beside it, where chalice looks for it."""
    chosen = config["stages"][stage]
    chosen["autogen_policy"] = False
    chosen["environment_variables"] |= {"STAGE": stage, **resource_settings(made)}
    project.write(config, config_file)
    written = json.dumps(policy(stage, made), indent=2) + "\n"
    (config_file.parent / f"policy-{stage}.json").write_text(written, encoding="utf-8")


def policy(stage: str, made: dict[str, str]) -> dict[str, Any]:
    """What all functions together may do, on exactly the stage's own resources: chalice gives them one policy."""
    statements: list[dict[str, Any]] = []
    for grants in GRANTS.values():
        statements += [one for grant in grants if (one := _resolved(grant, stage, made)) not in statements]
    logs = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": [f"arn:aws:logs:*:*:log-group:/aws/lambda/{APP_NAME}-{stage}-*"],
    }
    return {"Version": "2012-10-17", "Statement": [*statements, logs]}


def _resolved(said: Any, stage: str, made: dict[str, str]) -> Any:
    """A grant without CloudFormation's functions."""
    match said:
        case {"Fn::ImportValue": {"Fn::Sub": str(name)}}:
            return made[name.rpartition("-")[2]]
        case {"Fn::Sub": [str(text), {"Arn": arn}]}:
            return text.replace("${Arn}", _resolved(arn, stage, made))
        case {"Fn::If": ["OnThisMachine", _, otherwise]}:
            return _resolved(otherwise, stage, made)
        case {"Ref": "Stage"}:
            return stage
        case dict():
            return {key: _resolved(value, stage, made) for key, value in said.items()}
        case list():
            return [_resolved(one, stage, made) for one in said]
    return said
