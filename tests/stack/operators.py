"""Operators at a terminal: each with a clone of the project, signed in to an account and region of the emulated AWS."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scripts import (
    deploy as deploying,
    destroy as destroying,
    replay as replaying,
    restore as restoring,
    rollback as rolling_back,
    secret as secrets_command,
)
from scripts.local.aws import LocalAws
from scripts.shipping import project, retained
from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import RealAws
from scripts.shipping.sealing import Sealer
from tests.stack.deployed_stage import ORIGIN, read_settings

RESOURCES, APPLICATION = "live-transcription-dev-resources", "live-transcription-dev"
FRANKFURT, DUBLIN = "eu-central-1", "eu-west-1"
ACCOUNTS = count(100000000000)  # each test has its own
NAMES = ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@dataclass
class Operator:
    """`clone`: the directory of config.json and what is written beside it."""

    emulator: LocalAws
    clone: Path
    monkeypatch: pytest.MonkeyPatch
    aws: RealAws = field(init=False)

    @property
    def config_file(self) -> Path:
        return self.clone / "config.json"

    @property
    def settings(self) -> dict[str, str]:
        return read_settings(self.config_file)

    def sign_in(self, account: str, region: str) -> RealAws:
        """By a named profile, while keys of another account are in the environment."""
        profiles = self.clone / "profiles"
        profiles.write_text(
            f"[profile work]\nregion = {region}\naws_access_key_id = {account}\naws_secret_access_key = test\n"
            f"endpoint_url = {self.emulator.endpoint_url}\n"
        )
        for name in NAMES:
            self.monkeypatch.delenv(name, raising=False)
        environment = {
            "AWS_CONFIG_FILE": str(profiles),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.clone / "none"),
            "AWS_PROFILE": "work",
            "AWS_ACCESS_KEY_ID": "999999999999",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        for name, value in environment.items():
            self.monkeypatch.setenv(name, value)
        self.aws = RealAws()
        return self.aws

    def make_resources(self, agree: Any = lambda: True, stage: str = "dev", **options: bool) -> None:
        deploying.deploy(
            self.aws, stage, agree=agree, resources_only=True, config_file=self.config_file, parameters={}, **options
        )

    def destroy(self, *, with_data: bool = False) -> None:
        destroying.destroy(self.aws, "dev", with_data=with_data, config_file=self.config_file)

    def run_secret(self, *words: str) -> int:
        return secrets_command.main([words[0], "--stage", "dev", *words[1:]], self.aws, self.config_file)

    def every_command(self) -> dict[str, Callable[[], Any]]:
        """All commands that reach the stage, by name. Those that print an error raise it here."""

        def run(main: Any, *words: str) -> Callable[[], Any]:
            return lambda: main([*words, "--stage", "dev"], self.aws, self.config_file)

        return {
            "deploy": lambda: deploying.deploy(
                self.aws, "dev", agree=lambda: True, config_file=self.config_file, parameters={}
            ),
            "resources": self.make_resources,
            "destroy": self.destroy,
            "destroy with data": lambda: self.destroy(with_data=True),
            "secrets check": run(secrets_command.main, "check"),
            "secrets encrypt": run(secrets_command.main, "encrypt", "OPENAI_API_KEY"),
            "secrets rotate": run(secrets_command.main, "rotate"),
            "restore": run(restoring.main),
            "restore carried out": run(restoring.main, "--carry-out"),
            "rollback": run(rolling_back.main, "--yes"),
            "replay": run(replaying.main, "--send-back"),
        }

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.clone.glob("*.json")}


NewOperator = Callable[[], Operator]


def new_clone(directory: Path) -> Path:
    """As after `git clone`, with the origin of the extension set."""
    config = project.read()
    project.environment(config, "dev")["EXTENSION_ORIGIN"] = ORIGIN
    project.environment(config, "prod")["EXTENSION_ORIGIN"] = ORIGIN
    directory.mkdir(parents=True, exist_ok=True)
    project.write(config, directory / "config.json")
    return directory


def start_function(operator: Operator, **settings: str) -> None:
    """The application stack with the API's function only, which runs with these settings."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "*"}]}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    properties = {
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Handler": "index.handle",
        "Runtime": "python3.13",
        "Code": {"ZipFile": "def handle(event, context): pass"},
        "Environment": {"Variables": settings},
    }
    resources = {"Role": role, "APIHandler": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    create_stack(operator, resources)


def create_stack(operator: Operator, resources: dict[str, Any]) -> None:
    stack = Stack(operator.aws.client("cloudformation"), APPLICATION)
    if plan := stack.plan({"TemplateBody": json.dumps({"Resources": resources})}, {}):
        plan.apply()


def signal(operator: Operator, stack: str) -> None:
    """End the wait of a stack, once it has begun."""
    client, deadline = operator.aws.client("cloudformation"), time.monotonic() + 60

    def is_accepted() -> bool:
        try:
            client.signal_resource(StackName=stack, LogicalResourceId="Wait", UniqueId="1", Status="SUCCESS")
        except ClientError as error:
            if "is not waiting for signals" not in str(error) or time.monotonic() > deadline:
                raise
            return False
        return True

    while not is_accepted():
        time.sleep(0.05)
    Stack(client, stack)._wait(lambda: status(operator, stack), str, 60)


def status(operator: Operator, stack: str = RESOURCES) -> str:
    return Stack(operator.aws.client("cloudformation"), stack).state()


def remains(operator: Operator) -> list[str]:
    return [resource.name for resource in retained.find_retained(operator.aws, "dev")]


def decrypt(operator: Operator, name: str) -> str:
    return Sealer(operator.aws.client("kms"), "dev").decrypt(name, operator.settings[name])
