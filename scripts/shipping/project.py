"""The settings of stages in `.chalice/config.json`, secrets as ciphertext. The file is kept in git."""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIG = REPOSITORY / ".chalice" / "config.json"
APP_NAME = "live-transcription"
LONGEST_ENVIRONMENT_BYTES = 4096  # of one Lambda function, names and values together, as JSON
# Longer names do not fit: a bucket's name, of at most 63 characters, has app, stage, region and account.
STAGE_NAME = re.compile(r"[a-z][a-z0-9]{0,9}")


class ShippingError(RuntimeError):
    """A deployment is not possible; the message says why and what to do."""


# Errors that an operator can correct: scripts print them and exit. Errors of AWS are among them, such as missing
# permissions, an invalid parameter or a stack whose state does not allow a change.
EXPECTED_ERRORS = (ShippingError, ClientError, BotoCoreError)


class Aws(Protocol):
    """The real or the emulated AWS. `is_emulated`: functions run on this machine. `profile`: empty if none is named."""

    @property
    def is_emulated(self) -> bool: ...

    @property
    def region(self) -> str: ...

    @property
    def profile(self) -> str: ...

    def account(self) -> str: ...

    def client(self, service: str) -> Any:
        """A boto3 client: one for each service."""


class RealAws:
    """The account of AWS_PROFILE, if it is set, or what boto3 finds otherwise; in the region AWS_REGION, or its own."""

    is_emulated = False

    def __init__(self) -> None:
        self.profile = os.environ.get("AWS_PROFILE", "")
        self._session = boto3.Session(
            # boto3 itself reads AWS_DEFAULT_REGION only, and prefers keys in the environment to a profile that is named
            # there: the account would be another than the person reads.
            region_name=os.environ.get("AWS_REGION"),
            profile_name=self.profile or None,
        )
        self._clients: dict[str, Any] = {}
        self._account = ""  # once it is known
        if not self._session.region_name:
            raise ShippingError(
                "No AWS region is set. Set AWS_REGION or AWS_DEFAULT_REGION, or configure a profile (aws configure)."
            )

    @property
    def region(self) -> str:
        return str(self._session.region_name)

    def account(self) -> str:
        """The id of the account. Raises ShippingError without credentials."""
        try:
            self._account = self._account or str(self.client("sts").get_caller_identity()["Account"])
            return self._account
        except Exception as error:
            raise ShippingError(
                f"There is no AWS account to deploy to: {error}\nSign in first (aws configure, aws sso login"
                f"{f' --profile {self.profile}' if self.profile else ''})."
            ) from error

    def client(self, service: str) -> Any:
        if service not in self._clients:
            config = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=60)
            self._clients[service] = self._session.client(service, config=config)
        return self._clients[service]


def run(command: Callable[[], int | None], after_interruption: str) -> int:
    """The exit code of a command: 1 for an error that an operator can correct, 130 for Ctrl-C; both are printed.

    `after_interruption`: what to do then, unless the KeyboardInterrupt says it.
    """
    try:
        return command() or 0
    except EXPECTED_ERRORS as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        print(f"\nInterrupted. {str(interrupt) or after_interruption}")
        return 130


def read(path: Path = CONFIG) -> dict[str, Any]:
    """The content of a file in `.chalice`. Raises ShippingError if it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ShippingError(
            f".chalice/{path.name} cannot be read: {error}. Correct it, or restore it from git."
        ) from None
    if not isinstance(content, dict):
        raise ShippingError(f".chalice/{path.name} is not a JSON object. Correct it, or restore it from git.")
    return content


def texts(values: dict[str, Any], path: Path, stage: str) -> dict[str, str]:
    """The same values. Raises ShippingError if one is not a text: AWS takes nothing else."""
    if wrong := sorted(name for name, value in values.items() if not isinstance(value, str)):
        raise ShippingError(f".chalice/{path.name}: put the values of {', '.join(wrong)} of {stage} in quotes.")
    return values


def environment(config: dict[str, Any], stage: str) -> dict[str, str]:
    """The settings of `stage`, as its functions receive them. Raises ShippingError for an unknown stage."""
    stages = ", ".join(sorted(config.get("stages", {})))
    if not stage:
        raise ShippingError(f"Name the stage, such as STAGE=dev. The stages of .chalice/config.json are {stages}.")
    if not STAGE_NAME.fullmatch(stage):
        raise ShippingError(
            f"STAGE must be a lower-case word of at most 10 letters and digits, not {stage!r}. "
            f"The stages of .chalice/config.json are {stages}."
        )
    if stage not in config.get("stages", {}):
        raise ShippingError(
            f"There is no stage {stage!r} in .chalice/config.json, only {stages}. Copy one of them to create it."
        )
    return texts(config["stages"][stage].setdefault("environment_variables", {}), CONFIG, stage)


def write(config: dict[str, Any], path: Path = CONFIG) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    new.replace(path)


def environment_bytes(variables: dict[str, Any]) -> int:
    """Their size as Lambda measures it: as one JSON object. References of CloudFormation count as 100 bytes."""
    values = {name: value if isinstance(value, str) else "x" * 100 for name, value in variables.items()}
    return len(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode())
