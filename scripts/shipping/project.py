"""What `.chalice/config.json` says of a stage: its settings, and its secrets as ciphertext. Kept in git."""

import json
import os
import re
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIG = REPOSITORY / ".chalice" / "config.json"
APP_NAME = "live-transcription"
LONGEST_ENVIRONMENT_BYTES = 4096  # of one Lambda function, names and values together, as JSON
STAGE_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")


class ShippingError(RuntimeError):
    """Something stands in the way of a deployment; the text says what, and what to do."""


# What a person can do something about: the script says it and ends. AWS's own refusals are among them: an account that
# may not, a parameter that does not fit, a stack in a state that takes no change.
REFUSALS = (ShippingError, ClientError, BotoCoreError)


class Aws(Protocol):
    """An AWS, real or of this machine."""

    def client(self, service: str) -> Any:
        """A boto3 client, one per service."""


class RealAws:
    """The account that boto3 finds: AWS_PROFILE, AWS_REGION and the like."""

    def __init__(self) -> None:
        self._session = boto3.Session(region_name=os.environ.get("AWS_REGION"))  # boto3 itself knows another name
        self._clients: dict[str, Any] = {}
        if not self._session.region_name:
            raise ShippingError(
                "No region: set AWS_REGION (or AWS_DEFAULT_REGION), or the region of your profile (aws configure)."
            )

    @property
    def region(self) -> str:
        return str(self._session.region_name)

    def account(self) -> str:
        """The account's id. Raises ShippingError where nobody is signed in."""
        try:
            return str(self.client("sts").get_caller_identity()["Account"])
        except Exception as error:
            raise ShippingError(
                f"No AWS account to deploy to: {error}\nSign in first (aws configure, aws sso login)."
            ) from error

    def client(self, service: str) -> Any:
        if service not in self._clients:
            config = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=60)
            self._clients[service] = self._session.client(service, config=config)
        return self._clients[service]


def read(path: Path = CONFIG) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def environment(config: dict[str, Any], stage: str) -> dict[str, str]:
    """The settings of `stage`, as its functions get them. Raises ShippingError for a stage that is not there."""
    if not STAGE_NAME.fullmatch(stage):
        raise ShippingError(f"STAGE must be a lower-case word of at most 16 letters and digits, not {stage!r}.")
    if stage not in config["stages"]:
        known = ", ".join(sorted(config["stages"]))
        raise ShippingError(
            f"There is no stage {stage!r} in .chalice/config.json, only {known}. Copy one to begin with."
        )
    found: dict[str, str] = config["stages"][stage].setdefault("environment_variables", {})
    return found


def write(config: dict[str, Any], path: Path = CONFIG) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    new.replace(path)


def environment_bytes(variables: dict[str, Any]) -> int:
    """How much of Lambda's limit they take, which measures them as one JSON object; what is only known to
    CloudFormation counts with 100 bytes."""
    known = {name: value if isinstance(value, str) else "x" * 100 for name, value in variables.items()}
    return len(json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode())
