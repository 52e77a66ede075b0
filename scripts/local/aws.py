"""The emulated AWS of this machine: ministack, the resource stack in it, and the settings by which the app finds it."""

import json
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from scripts.local.processes import LOOPBACK, Child, start_on_free_port, url_answers

REPOSITORY = Path(__file__).resolve().parents[2]
TEMPLATE = REPOSITORY / ".chalice" / "resources.yaml"
REGION = "us-east-1"
# The root account of ministack; they are valid nowhere else.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
APP_NAME = "live-transcription"
STAGE = "local"
STACK = f"{APP_NAME}-{STAGE}-resources"
ADMIN_GROUP = "admins"


class DeployError(RuntimeError):
    """CloudFormation rejected the resource stack; the message names the resources and the reasons."""


def without_aws(environment: dict[str, str]) -> dict[str, str]:
    """`environment` without AWS settings, and without a proxy for loopback: no local command may reach the real AWS."""
    kept = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
    no_proxy = [kept.get("NO_PROXY") or kept.get("no_proxy"), LOOPBACK, "localhost"]
    kept["NO_PROXY"] = kept["no_proxy"] = ",".join(filter(None, no_proxy))
    return kept


class LocalAws:
    """ministack as a child process.

    `directory`: its files. `keep_state`: keep its data there from one start to the next. `port`: the preferred port.
    `scratch`: where it unpacks the code of functions, by default in `directory`.
    """

    is_emulated, region, profile = True, REGION, ""

    def __init__(
        self, directory: Path, *, keep_state: bool = False, port: int | None = None, scratch: Path | None = None
    ):
        self._directory, self._keep_state, self._scratch = directory, keep_state, scratch or directory / "tmp"
        self._preferred_port = port
        self.port, self.endpoint_url = 0, ""  # known once it runs
        self._clients: dict[str, Any] = {}
        self._child: Child | None = None

    def start(self) -> "LocalAws":
        start_on_free_port(self._start, self._preferred_port)
        return self

    def _start(self, port: int) -> None:
        self.port, self.endpoint_url = port, f"http://{LOOPBACK}:{port}"
        state = self._directory / "ministack"
        for folder in (self._directory, state, self._scratch):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keep = str(int(self._keep_state))
        environment = without_aws(dict(os.environ)) | {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": LOOPBACK,
            # Otherwise client secrets, auth flows and global sign-out are ignored.
            "AUTH": "true",
            "IOT_MTLS_ENABLED": "0",
            "PERSIST_STATE": keep,
            "STATE_DIR": str(state),
            "S3_PERSIST": keep,
            "S3_DATA_DIR": str(state / "s3"),
            "TMPDIR": str(self._scratch),
            "MINISTACK_REGION": REGION,
            "PYTHONUNBUFFERED": "1",
        }
        log = self._directory / "aws.log"
        child = Child("The emulated AWS", [sys.executable, "-m", "ministack"], log=log, env=environment)
        self._child = child.start()
        try:
            advice = f"If the data in {state} is damaged, delete that directory and start again."
            health_url = f"{self.endpoint_url}/_ministack/health"
            child.wait_until(lambda: child.has_port(port) and url_answers(health_url), 30, advice)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it, with enough time to write its data."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        if self._child:
            self._child.stop(grace_seconds=15)

    def check_running(self) -> None:
        if self._child:
            self._child.check_running()

    def __enter__(self) -> "LocalAws":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def account(self) -> str:
        return str(self.client("sts").get_caller_identity()["Account"])

    def client(self, service: str) -> Any:
        """A boto3 client of this AWS with its root credentials: one for each service, closed by `stop`."""
        if service not in self._clients:
            self._clients[service] = client(service, self.endpoint_url)
        return self._clients[service]

    def settings(self, origins: str | None = None) -> dict[str, str]:
        """Deploy the resource stack; returns the environment variables by which the app finds it.

        `origins`: those whose pages may upload recordings to the bucket, comma-separated; None: no origin.
        """
        return self.settings_of(deploy(self.client("cloudformation"), origins=origins))

    def settings_of(self, outputs: dict[str, str]) -> dict[str, str]:
        """The environment variables of the app, from the outputs of the resource stack."""
        pool_id, client_id = outputs["UserPoolId"], outputs["UserPoolClientId"]
        return CREDENTIALS | {
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "LEDGER_TABLE": outputs["LedgerTable"],
            "LEDGER_STREAM_ARN": outputs["LedgerStreamArn"],
            "APP_TABLE": outputs["AppTable"],
            "UPLOAD_BUCKET": outputs["UploadBucket"],
            "JOBS_QUEUE_URL": outputs["JobsQueueUrl"],
            "COGNITO_USER_POOL_ID": pool_id,
            "COGNITO_USER_POOL_ARN": outputs["UserPoolArn"],
            "COGNITO_CLIENT_ID": client_id,
            "COGNITO_CLIENT_SECRET": self.client_secret(pool_id, client_id),
            "COGNITO_JWKS_URL": f"{self.endpoint_url}/{pool_id}/.well-known/jwks.json",
        }

    def client_secret(self, pool_id: str, client_id: str) -> str:
        """The secret of this client of the user pool."""
        response = self.client("cognito-idp").describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)
        return str(response["UserPoolClient"]["ClientSecret"])

    def ensure_admin(self, pool_id: str, email: str, password: str) -> None:
        """Create an administrator with this password; an existing account gets the group and the password."""
        cognito = self.client("cognito-idp")
        attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        try:
            cognito.admin_create_user(
                UserPoolId=pool_id,
                Username=email,
                UserAttributes=attributes,
                MessageAction="SUPPRESS",
                TemporaryPassword=secrets.token_urlsafe(24),
            )
        except cognito.exceptions.UsernameExistsException:
            cognito.admin_update_user_attributes(UserPoolId=pool_id, Username=email, UserAttributes=attributes)
        cognito.admin_set_user_password(UserPoolId=pool_id, Username=email, Password=password, Permanent=True)
        cognito.admin_add_user_to_group(UserPoolId=pool_id, Username=email, GroupName=ADMIN_GROUP)


def client(service: str, endpoint_url: str) -> Any:
    """A boto3 client of the emulated AWS, independent of the profile, account and proxies of the user. Close it."""
    session = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    return boto3.Session(botocore_session=session).client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(proxies={}, connect_timeout=2, read_timeout=30),
    )


def deploy(
    cloudformation: Any, template: Path = TEMPLATE, timeout_seconds: float = 60, origins: str | None = None
) -> dict[str, str]:
    """Create or update the resource stack; returns its outputs. Deploying the same template again changes nothing.

    Raises DeployError.
    """
    parameters = {"AppName": APP_NAME, "Stage": STAGE}
    if origins:
        parameters["AllowedOrigins"] = origins
    request = {
        "StackName": STACK,
        "TemplateBody": template.read_text(encoding="utf-8"),
        "Capabilities": ["CAPABILITY_IAM"],
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
    }
    try:
        if _stack(cloudformation) is None:
            cloudformation.create_stack(**request)
        else:
            cloudformation.update_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise DeployError(f"{template.name}: {error}") from error
    deadline = time.monotonic() + timeout_seconds
    while (stack := _stack(cloudformation) or {}).get("StackStatus", "").endswith("_IN_PROGRESS"):
        if time.monotonic() > deadline:
            raise DeployError(f"{STACK} is still {stack['StackStatus']} after {timeout_seconds:g} s")
        time.sleep(0.05)
    if stack.get("StackStatus") not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeployError(f"{STACK} is {stack.get('StackStatus')}: {_failures(cloudformation)}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _stack(cloudformation: Any) -> dict[str, Any] | None:
    try:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return stack if stack["StackStatus"] != "DELETE_COMPLETE" else None


def _failures(cloudformation: Any) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    return json.dumps({event["LogicalResourceId"]: event.get("ResourceStatusReason", "") for event in failed})
