"""Permissions: one role for each kind of function, with access to what it uses only; and a log group for each function.

No function may delete from the ledger.
"""

from typing import Any

from scripts.shipping.project import APP_NAME, ShippingError

Resources = dict[str, dict[str, Any]]

READ_AND_WRITE = ["GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "ConditionCheckItem"]
# Function → its role.
ROLE_OF = {
    "APIHandler": "Api",
    "Work": "Work",
    "Sweep": "Timers",
    "Reconcile": "Timers",
    "DailyAudit": "Timers",
    "Count": "Count",
}


def exported_value(name: str) -> dict[str, Any]:
    """An exported output of the resource stack."""
    return {"Fn::ImportValue": {"Fn::Sub": f"{APP_NAME}-${{Stage}}-{name}"}}


def _below(name: str, path: str) -> dict[str, Any]:
    return {"Fn::Sub": ["${Arn}" + path, {"Arn": exported_value(name)}]}


def _allow(service: str, actions: list[str], *resources: Any, condition: Any = None) -> dict[str, Any]:
    named = [f"{service}:{action}" for action in actions]
    statement = {"Effect": "Allow", "Action": named, "Resource": list(resources)}
    return statement | ({"Condition": condition} if condition else {})


LEDGER = _allow(
    "dynamodb", READ_AND_WRITE, exported_value("LedgerTableArn"), _below("LedgerTableArn", "/index/open_holds")
)
# Only the audit reads the whole ledger; no request may.
SCAN_LEDGER = _allow("dynamodb", ["Scan"], exported_value("LedgerTableArn"))
APP = _allow("dynamodb", [*READ_AND_WRITE, "DeleteItem", "BatchWriteItem"], exported_value("AppTableArn"))
SEND_JOBS = _allow("sqs", ["SendMessage"], exported_value("JobsQueueArn"))
# Without ListBucket S3 returns 403 instead of 404 for a missing file, which would look like a failure.
FIND_UPLOADS = _allow("s3", ["ListBucket"], exported_value("UploadBucketArn"))
READ_UPLOADS = _allow("s3", ["GetObject"], _below("UploadBucketArn", "/uploads/*"))
SECRETS = _allow(
    "kms",
    ["Decrypt"],
    exported_value("SecretsKeyArn"),
    condition={
        "Fn::If": [
            "OnThisMachine",  # The emulator does not know this condition and would deny the call.
            {"Ref": "AWS::NoValue"},
            {"StringEquals": {"kms:EncryptionContext:app": APP_NAME, "kms:EncryptionContext:stage": {"Ref": "Stage"}}},
        ]
    },
)
ACCOUNTS = _allow(
    "cognito-idp",
    [
        "AdminConfirmSignUp",
        "AdminCreateUser",
        "AdminDeleteUser",
        "AdminGetUser",
        "AdminInitiateAuth",
        "AdminListGroupsForUser",
        "AdminSetUserPassword",
        "AdminUpdateUserAttributes",
        "AdminUserGlobalSignOut",
        "ListUsers",
    ],
    exported_value("UserPoolArn"),
)
# The worker may delete accounts but not change them.
DELETE_ACCOUNTS = _allow("cognito-idp", ["AdminDeleteUser"], exported_value("UserPoolArn"))
READ_EXPORTS = _allow("s3", ["GetObject"], _below("UploadBucketArn", "/exports/*"))
WRITE_EXPORTS = _allow("s3", ["PutObject"], _below("UploadBucketArn", "/exports/*"))
DELETE_EXPORTS = _allow("s3", ["DeleteObject"], _below("UploadBucketArn", "/exports/*"))
DELETE_UPLOADS = _allow("s3", ["DeleteObject"], _below("UploadBucketArn", "/uploads/*"))
WRITE_UPLOADS = _allow("s3", ["PutObject"], _below("UploadBucketArn", "/uploads/*"))
RECEIVE_JOBS = _allow(
    "sqs",
    ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes"],
    exported_value("JobsQueueArn"),
)
READ_STREAM = _allow(
    "dynamodb", ["DescribeStream", "GetRecords", "GetShardIterator"], exported_value("LedgerStreamArn")
)
# The place of records that cannot be processed, which Lambda sends with this role.
SEND_DEAD_LETTERS = _allow("sqs", ["SendMessage"], exported_value("DeadJobsQueueArn"))
# Names of streams without data, and segments of traces. AWS accepts no narrower resource for them.
LIST_STREAMS = _allow("dynamodb", ["ListStreams"], "*")
TRACE = _allow("xray", ["PutTraceSegments", "PutTelemetryRecords"], "*")
# For `GET /admin/health`: how many messages wait, never one of them; and the alarms of this stage.
COUNT_JOBS = _allow("sqs", ["GetQueueAttributes"], exported_value("JobsQueueArn"), exported_value("DeadJobsQueueArn"))
# By name: `GET /admin/health` asks for no other alarms.
STAGE_ALARMS = {
    "Fn::Sub": f"arn:${{AWS::Partition}}:cloudwatch:${{AWS::Region}}:${{AWS::AccountId}}:alarm:{APP_NAME}-${{Stage}}-*"
}
READ_ALARMS = _allow(
    "cloudwatch",
    ["DescribeAlarms"],
    # The emulator asks for a permission on all alarms, whatever the names.
    {"Fn::If": ["OnThisMachine", "*", STAGE_ALARMS]},
)

GRANTS = {
    "Api": [
        *(LEDGER, APP, ACCOUNTS, SEND_JOBS, FIND_UPLOADS, READ_UPLOADS, WRITE_UPLOADS, READ_EXPORTS, SECRETS),
        *(COUNT_JOBS, READ_ALARMS),
    ],
    "Work": [
        *(LEDGER, SCAN_LEDGER, APP, RECEIVE_JOBS, SEND_JOBS, SECRETS, DELETE_ACCOUNTS),
        *(FIND_UPLOADS, READ_UPLOADS, DELETE_UPLOADS, WRITE_EXPORTS, DELETE_EXPORTS),
    ],
    "Timers": [LEDGER, APP, SEND_JOBS, FIND_UPLOADS, DELETE_EXPORTS, SECRETS],
    "Count": [APP, READ_STREAM, LIST_STREAMS, SEND_DEAD_LETTERS],
}


def roles_and_logs(functions: list[str]) -> Resources:
    """Roles and log groups, assigned to their functions. Raises ShippingError for a function without a role."""
    if without_role := set(functions) - set(ROLE_OF):
        raise ShippingError(f"Add a role for {', '.join(sorted(without_role))} to scripts/shipping/access.py.")
    resources: Resources = {}
    for function in functions:
        resources[f"{function}Log"] = {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": {"Fn::Sub": f"/{APP_NAME}/${{Stage}}/{function}"},
                "RetentionInDays": {"Ref": "LogRetentionDays"},
            },
        }
        # The group exists before the function. Otherwise Lambda creates one that keeps its lines forever.
        resources[function] = {
            "Properties": {
                "Role": {"Fn::GetAtt": [f"{ROLE_OF[function]}Role", "Arn"]},
                "LoggingConfig": {"LogGroup": {"Ref": f"{function}Log"}},
            }
        }
    for role, grants in GRANTS.items():
        logs = [{"Fn::GetAtt": [f"{function}Log", "Arn"]} for function in functions if ROLE_OF[function] == role]
        resources[f"{role}Role"] = _role([*grants, _allow("logs", ["CreateLogStream", "PutLogEvents"], *logs)])
    return resources


def _role(statements: list[dict[str, Any]]) -> dict[str, Any]:
    tracing = {"Fn::If": ["IsTraced", TRACE, {"Ref": "AWS::NoValue"}]}
    assume_role = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [assume_role]},
            "Policies": [
                {
                    "PolicyName": "what-it-needs",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": [*statements, tracing]},
                }
            ],
        },
    }
