"""Persons at a terminal: each with a clone of the project, signed in to an account and region of the emulated AWS."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scripts import (
    deploy as deploying,
    destroy as destroying,
    replay as replaying,
    restore as restoring,
    secret as secrets_command,
)
from scripts.local.aws import LocalAws
from scripts.shipping import project
from scripts.shipping.project import RealAws
from tests.stack.deployed_stage import ORIGIN, read_settings

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

    def make_resources(self, agree: Any = lambda: True, stage: str = "dev") -> None:
        deploying.deploy(self.aws, stage, agree=agree, resources_only=True, config_file=self.config_file, parameters={})

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
            "replay": run(replaying.main, "--send-back"),
        }

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.clone.glob("*.json")}


def new_clone(directory: Path) -> Path:
    """As after `git clone`, with the origin of the extension set."""
    config = project.read()
    project.environment(config, "dev")["EXTENSION_ORIGIN"] = ORIGIN
    project.environment(config, "prod")["EXTENSION_ORIGIN"] = ORIGIN
    directory.mkdir(parents=True, exist_ok=True)
    project.write(config, directory / "config.json")
    return directory
