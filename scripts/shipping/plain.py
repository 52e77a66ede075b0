"""The files for plain `chalice deploy` with the resource stack: settings with resource names, and one policy.

`make deploy` takes the names from the exports of the stack instead, and gives each function a role of its own.
"""

import json
from pathlib import Path
from typing import Any

from scripts.shipping import project
from scripts.shipping.access import GRANTS
from scripts.shipping.project import APP_NAME

# Setting → output of the resource stack.
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


def resource_settings(outputs: dict[str, str]) -> dict[str, str]:
    """The settings of the app from the outputs of the resource stack."""
    return {name: outputs[output] for name, output in RESOURCE_SETTINGS.items()}


def without_resource_names(config: dict[str, Any], stage: str) -> dict[str, Any]:
    """The configuration without the names written here: the functions get those that the stack exports now."""
    stage_config = config["stages"][stage]
    settings = {
        name: value
        for name, value in stage_config.get("environment_variables", {}).items()
        if name not in RESOURCE_SETTINGS
    }
    return config | {"stages": config["stages"] | {stage: stage_config | {"environment_variables": settings}}}


def write(config: dict[str, Any], stage: str, outputs: dict[str, str], config_file: Path = project.CONFIG) -> None:
    """Write the settings to `config_file`, and `policy-<stage>.json` to its directory, where chalice expects it."""
    stage_config = config["stages"][stage]
    stage_config["autogen_policy"] = False
    stage_config["environment_variables"] |= {"STAGE": stage, **resource_settings(outputs)}
    project.write(config, config_file)
    text = json.dumps(policy(stage, outputs), indent=2) + "\n"
    (config_file.parent / f"policy-{stage}.json").write_text(text, encoding="utf-8")


def policy(stage: str, outputs: dict[str, str]) -> dict[str, Any]:
    """The permissions of all functions on the resources of the stage: chalice gives all functions one policy."""
    statements: list[dict[str, Any]] = []
    for grants in GRANTS.values():
        for grant in grants:
            if (statement := _resolve(grant, stage, outputs)) not in statements:
                statements.append(statement)
    partition = outputs["LedgerTableArn"].split(":")[1]
    logs = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": [f"arn:{partition}:logs:*:*:log-group:/aws/lambda/{APP_NAME}-{stage}-*"],
    }
    return {"Version": "2012-10-17", "Statement": [*statements, logs]}


def _resolve(value: Any, stage: str, outputs: dict[str, str]) -> Any:
    """A grant with the functions of CloudFormation resolved."""
    match value:
        case {"Fn::ImportValue": {"Fn::Sub": str(name)}}:
            return outputs[name.rpartition("-")[2]]
        case {"Fn::Sub": [str(text), {"Arn": arn}]}:
            return text.replace("${Arn}", _resolve(arn, stage, outputs))
        case {"Fn::Sub": str(text)}:
            _, partition, _, region, account, *_ = outputs["LedgerTableArn"].split(":")
            places = {"AWS::Partition": partition, "AWS::Region": region, "AWS::AccountId": account, "Stage": stage}
            for name, place in places.items():
                text = text.replace(f"${{{name}}}", place)
            return text
        case {"Fn::If": ["OnThisMachine", _, otherwise]}:
            return _resolve(otherwise, stage, outputs)
        case {"Ref": "Stage"}:
            return stage
        case dict():
            return {key: _resolve(part, stage, outputs) for key, part in value.items()}
        case list():
            return [_resolve(item, stage, outputs) for item in value]
    return value
