"""What the scripts deployed to the emulated AWS: settings, stacks, functions and all resources."""

from pathlib import Path

from scripts.local.aws import LocalAws
from scripts.shipping import project
from scripts.shipping.cloudformation import Stack
from scripts.shipping.shipment import Shipment

ORIGIN = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
STACK = "live-transcription-dev"
FUNCTIONS = {"APIHandler", "Work", "Sweep", "Reconcile", "Count", "DailyAudit"}


def read_settings(config_file: Path) -> dict[str, str]:
    return project.environment(project.read(config_file), "dev")


def change_settings(config_file: Path, **changes: str) -> None:
    config = project.read(config_file)
    project.environment(config, "dev").update(changes)
    project.write(config, config_file)


def remove_setting(config_file: Path, name: str) -> None:
    config = project.read(config_file)
    del project.environment(config, "dev")[name]
    project.write(config, config_file)


def resource_stack(aws: LocalAws) -> Stack:
    return Shipment(aws, "dev", project.read()).resource_stack


def application_stack(aws: LocalAws) -> Stack:
    return Shipment(aws, "dev", project.read()).application_stack


def function_settings(aws: LocalAws) -> dict[str, dict[str, str]]:
    """Logical name → environment variables of the function."""
    variables = {}
    for name in FUNCTIONS:
        physical_id = application_stack(aws).physical_id(name)
        configuration = aws.client("lambda").get_function_configuration(FunctionName=physical_id)
        variables[name] = configuration["Environment"]["Variables"]
    return variables


def protect_table(aws: LocalAws, table: str, is_protected: bool) -> None:
    aws.client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=is_protected)


def role_names(aws: LocalAws) -> list[str]:
    return [role["RoleName"] for role in aws.client("iam").list_roles()["Roles"] if STACK in role["RoleName"]]


def list_resources(aws: LocalAws) -> set[str]:
    """All resources of the account that have data or run code, as `make destroy` prints them; without roles."""
    kms = aws.client("kms")
    aliases = {
        alias["AliasName"]: alias["TargetKeyId"]
        for alias in kms.list_aliases()["Aliases"]
        if STACK in alias["AliasName"]
    }
    arns = {alias: kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"] for alias, key in aliases.items()}
    # The emulator creates the group of a function that still runs again. On AWS no role has the permission for that.
    groups = aws.client("logs").describe_log_groups()["logGroups"]
    pools = aws.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
    return {
        *(f"table {name}" for name in aws.client("dynamodb").list_tables()["TableNames"]),
        *(f"user pool {pool['Id']}" for pool in pools),
        *(f"bucket {item['Name']}" for item in aws.client("s3").list_buckets()["Buckets"]),
        *(f"key {arn} ({alias})" for alias, arn in arns.items()),
        *(f"queue {url}" for url in aws.client("sqs").list_queues().get("QueueUrls", [])),
        *(f"function {item['FunctionName']}" for item in aws.client("lambda").list_functions()["Functions"]),
        *(f"gateway {item['name']}" for item in aws.client("apigateway").get_rest_apis()["items"]),
        *(f"logs {item['logGroupName']}" for item in groups if "retentionInDays" in item),
        *(f"schedule {item['Name']}" for item in aws.client("events").list_rules()["Rules"]),
        *(f"alarm {item['AlarmName']}" for item in aws.client("cloudwatch").describe_alarms()["MetricAlarms"]),
        *(f"topic {item['TopicArn']}" for item in aws.client("sns").list_topics()["Topics"]),
    }
