"""The emulated AWS with the permissions of the role that GitHub deploys with, and a record of the calls made so."""

import base64
import json
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from chalice.package import YAMLTemplateSerializer

from scripts.local.aws import REGION, LocalAws
from scripts.shipping.cloudformation import Stack

TEMPLATE = Path(__file__).parents[2] / ".github" / "aws" / "deploy-role.yaml"
ISSUER, REPOSITORY = "https://token.actions.githubusercontent.com", "owner@1/backend@2"
# Operation → action, where their names differ. None: it needs no permission.
ACTIONS = {
    "apigateway:GetAccount": "apigateway:GET",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "sts:GetCallerIdentity": None,
}
# Read of a failure, and of a stack that takes long.
SOMETIMES_CALLED = {"cloudformation:DescribeStackEvents"}
# Allowed to the commands, and not called by them in this test.
NOT_CALLED = {
    "cloudformation:ContinueUpdateRollback",  # tests/stack/failed_rollback.py
    "cloudformation:TagResource",  # AWS asks for it where a change set has tags.
    "s3:DeleteObjectVersion",  # AWS asks for it where a version is named, the emulator for DeleteObject.
    "s3:AbortMultipartUpload",  # of an upload that was interrupted
}


class DeployRole:
    """An AWS like `LocalAws`, used as the role of `.github/aws/deploy-role.yaml`. `called`: actions so far.

    The emulator neither knows the conditions of KMS nor asks for permissions when CloudFormation makes resources: only
    the calls of the commands themselves are judged here.
    """

    is_emulated = True

    def __init__(self, aws: LocalAws, stage: str):
        self._aws, self._clients = aws, {}  # type: ignore[var-annotated]
        self.called: set[str] = set()
        self.allowed, arn = _create(aws, stage)
        self.assume = lambda environment: _assume(aws, arn, f"repo:{REPOSITORY}:environment:{environment}")
        self._session = boto3.Session(region_name=REGION, **self.assume(stage))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._aws, name)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            config = Config(proxies={}, connect_timeout=2, read_timeout=30)
            client = self._session.client(service, endpoint_url=self._aws.endpoint_url, config=config)
            client.meta.events.register("before-call", self._record)
            self._clients[service] = client
        return self._clients[service]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def _record(self, model: Any, params: dict[str, Any], **_: Any) -> None:
        # As a proxy that ends TLS says it: the policies of the buckets refuse plain HTTP, except for the root user.
        params["headers"]["X-Forwarded-Proto"] = "https"
        operation = f"{model.service_model.signing_name}:{model.name}"
        if action := ACTIONS.get(operation, operation):
            self.called.add(action)


def _create(aws: LocalAws, stage: str) -> tuple[set[str], str]:
    """The actions that the role's commands are allowed, and the ARN of the role."""
    template = YAMLTemplateSerializer().load_template(TEMPLATE.read_text(encoding="utf-8"), TEMPLATE.name)
    allowed: set[str] = set()
    for name in ("Commands", "Destroying"):
        for statement in template["Resources"][name]["Properties"]["PolicyDocument"]["Statement"]:
            if "aws:CalledVia" in json.dumps(statement):
                continue
            statement.pop("Condition", None)
            allowed |= {statement["Action"]} if isinstance(statement["Action"], str) else set(statement["Action"])
    provider = aws.client("iam").create_open_id_connect_provider(Url=ISSUER, ClientIDList=["sts.amazonaws.com"])
    parameters = {
        "Repository": REPOSITORY,
        "Stage": stage,
        "MayDestroy": "yes",
        "OidcProviderArn": provider["OpenIDConnectProviderArn"],
    }
    stack = Stack(aws.client("cloudformation"), f"deploy-role-{stage}")
    plan = stack.plan({"TemplateBody": json.dumps(template)}, parameters)
    assert plan is not None
    plan.apply(timeout_seconds=60)
    return allowed, stack.outputs()["RoleArn"]


def _assume(aws: LocalAws, role: str, subject: str) -> dict[str, str]:
    """Credentials for a token of GitHub with this subject. The emulator checks no signature of it."""
    claims = {"iss": ISSUER, "aud": "sts.amazonaws.com", "sub": subject}
    encode = lambda part: base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")  # noqa: E731
    token = f"{encode({'alg': 'RS256'})}.{encode(claims)}.c2lnbmF0dXJl"
    response = aws.client("sts").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="GitHubActions", WebIdentityToken=token
    )
    found = response["Credentials"]
    return {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }
