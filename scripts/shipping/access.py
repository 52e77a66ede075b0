"""Who may do what: one role for each kind of function, on exactly what it uses; and a log group for each function.

No function may do more than it does, and none may delete from the ledger.
"""

from typing import Any

from scripts.shipping.project import APP_NAME, ShippingError

Resources = dict[str, dict[str, Any]]

READ_AND_WRITE = ["GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "ConditionCheckItem"]
# Which function runs as which role.
ROLE_OF = {
    "APIHandler": "Api",
    "Work": "Work",
    "Sweep": "Timers",
    "Erase": "Timers",
    "Reconcile": "Timers",
    "DailyAudit": "Timers",
    "Count": "Count",
}


def exported(name: str) -> dict[str, Any]:
    """What the resource stack made."""
    return {"Fn::ImportValue": {"Fn::Sub": f"{APP_NAME}-${{Stage}}-{name}"}}


def _below(name: str, path: str) -> dict[str, Any]:
    return {"Fn::Sub": ["${Arn}" + path, {"Arn": exported(name)}]}


def _allow(service: str, actions: list[str], *resources: Any, condition: Any = None) -> dict[str, Any]:
    named = [f"{service}:{action}" for action in actions]
    statement = {"Effect": "Allow", "Action": named, "Resource": list(resources)}
    return statement | ({"Condition": condition} if condition else {})


LEDGER = _allow("dynamodb", READ_AND_WRITE, exported("LedgerTableArn"), _below("LedgerTableArn", "/index/open_holds"))
# The audit alone reads the ledger from end to end; no request may.
SCAN_LEDGER = _allow("dynamodb", ["Scan"], exported("LedgerTableArn"))
APP = _allow("dynamodb", [*READ_AND_WRITE, "DeleteItem", "BatchWriteItem"], exported("AppTableArn"))
SEND_JOBS = _allow("sqs", ["SendMessage"], exported("JobsQueueArn"))
# Without ListBucket S3 answers 403 for a file that is not there, and "not found" would look like a failure.
FIND_UPLOADS = _allow("s3", ["ListBucket"], exported("UploadBucketArn"))
READ_UPLOADS = _allow("s3", ["GetObject"], _below("UploadBucketArn", "/uploads/*"))
SECRETS = _allow(
    "kms",
    ["Decrypt"],
    exported("SecretsKeyArn"),
    condition={
        "Fn::If": [
            "OnThisMachine",  # whose evaluator of policies knows no such conditions, and would deny
            {"Ref": "AWS::NoValue"},
            {"StringEquals": {"kms:EncryptionContext:app": APP_NAME, "kms:EncryptionContext:stage": {"Ref": "Stage"}}},
        ]
    },
)
ACCOUNTS = _allow(
    "cognito-idp",
    [
        "AdminConfirmSignUp",
        "AdminGetUser",
        "AdminInitiateAuth",
        "AdminUpdateUserAttributes",
        "AdminUserGlobalSignOut",
        "ListUsers",
    ],
    exported("UserPoolArn"),
)
# Erasing an account, and nothing else of anybody's sign-in.
END_ACCOUNTS = _allow("cognito-idp", ["AdminDeleteUser"], exported("UserPoolArn"))
HAND_OUT_EXPORTS = _allow("s3", ["GetObject"], _below("UploadBucketArn", "/exports/*"))
MAKE_EXPORTS = _allow("s3", ["PutObject"], _below("UploadBucketArn", "/exports/*"))
FORGET_EXPORTS = _allow("s3", ["DeleteObject"], _below("UploadBucketArn", "/exports/*"))
FORGET_UPLOADS = _allow("s3", ["DeleteObject"], _below("UploadBucketArn", "/uploads/*"))
TAKE_UPLOADS = _allow("s3", ["PutObject"], _below("UploadBucketArn", "/uploads/*"))
TAKE_JOBS = _allow(
    "sqs",
    ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes"],
    exported("JobsQueueArn"),
)
READ_STREAM = _allow("dynamodb", ["DescribeStream", "GetRecords", "GetShardIterator"], exported("LedgerStreamArn"))
# Names of streams, no data; and what a trace is made of. AWS takes no narrower resource for either.
LIST_STREAMS = _allow("dynamodb", ["ListStreams"], "*")
TRACE = _allow("xray", ["PutTraceSegments", "PutTelemetryRecords"], "*")

GRANTS = {
    "Api": [LEDGER, APP, ACCOUNTS, SEND_JOBS, FIND_UPLOADS, READ_UPLOADS, TAKE_UPLOADS, HAND_OUT_EXPORTS, SECRETS],
    "Work": [
        *(LEDGER, SCAN_LEDGER, APP, TAKE_JOBS, SEND_JOBS, SECRETS, END_ACCOUNTS),
        *(FIND_UPLOADS, READ_UPLOADS, FORGET_UPLOADS, MAKE_EXPORTS, FORGET_EXPORTS),
    ],
    "Timers": [LEDGER, APP, SEND_JOBS, FIND_UPLOADS, FORGET_EXPORTS, SECRETS],
    "Count": [APP, READ_STREAM, LIST_STREAMS],
}


def roles_and_logs(functions: list[str]) -> Resources:
    """Roles and log groups, and each function joined to its own. Raises ShippingError for one that has no role."""
    if strangers := set(functions) - set(ROLE_OF):
        raise ShippingError(f"scripts/shipping/access.py must say what {', '.join(sorted(strangers))} may do.")
    made: Resources = {}
    for function in functions:
        made[f"{function}Log"] = {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": {"Fn::Sub": f"/{APP_NAME}/${{Stage}}/{function}"},
                "RetentionInDays": {"Ref": "LogRetentionDays"},
            },
        }
        # Named here, the group is there before the function: else Lambda makes its own, which keeps lines for ever.
        made[function] = {
            "Properties": {
                "Role": {"Fn::GetAtt": [f"{ROLE_OF[function]}Role", "Arn"]},
                "LoggingConfig": {"LogGroup": {"Ref": f"{function}Log"}},
            }
        }
    for role, grants in GRANTS.items():
        logs = [{"Fn::GetAtt": [f"{function}Log", "Arn"]} for function in functions if ROLE_OF[function] == role]
        made[f"{role}Role"] = _role([*grants, _allow("logs", ["CreateLogStream", "PutLogEvents"], *logs)])
    return made


def _role(statements: list[dict[str, Any]]) -> dict[str, Any]:
    traced = {"Fn::If": ["IsTraced", TRACE, {"Ref": "AWS::NoValue"}]}
    lambda_may = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [lambda_may]},
            "Policies": [
                {
                    "PolicyName": "what-it-needs",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": [*statements, traced]},
                }
            ],
        },
    }
