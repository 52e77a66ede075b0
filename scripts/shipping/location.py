"""Where each stage is: the account and region that `.chalice/locations.json` remembers. The file is kept in git."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from chalicelib.providers.kms import PREFIX
from scripts.shipping import project
from scripts.shipping.project import Aws, RealAws, ShippingError
from scripts.shipping.sealing import SECRET_NAMES, Sealer

FILE = "locations.json"  # beside config.json


@dataclass(frozen=True)
class Location:
    """`client_id`: the client of the user pool whose secret is sealed in the settings; empty if it is not known.

    `is_new`: no secret was ever made for the stage, because its first deployment has not come so far.
    """

    account: str
    region: str
    client_id: str = ""
    is_new: bool = False


def find(stage: str, config_file: Path = project.CONFIG) -> Location | None:
    """What is remembered of the stage; None before its first deployment."""
    stored = _read(config_file).get(stage)
    return Location(**stored) if stored else None


def remember(aws: Aws, stage: str, config_file: Path, **facts: Any) -> None:
    """Write account and region of the stage, and these facts of a `Location`; others stay as they were."""
    before = find(stage, config_file)
    after = replace(before or Location(aws.account(), aws.region), **facts)
    if after != before:
        _write(_read(config_file) | {stage: asdict(after)}, config_file)
    if before is None:
        print(f"Account and region of the stage were written to .chalice/{FILE}. Commit this file.")


def delete(stage: str, config_file: Path) -> None:
    """Remove the stage from the file, after all of it is deleted."""
    locations = _read(config_file)
    if locations.pop(stage, None):
        _write(locations, config_file)


def connect(stage: str, aws: Aws | None = None, config_file: Path = project.CONFIG) -> Aws:
    """The account and region of the stage, printed. Raises ShippingError if the person is signed in elsewhere."""
    project.environment(project.read(config_file), stage)  # Check the name of the stage before any call to AWS.
    aws = aws or RealAws()
    print(f"{describe(aws)}, stage {stage}")
    check(aws, stage, config_file)
    return aws


def describe(aws: Aws) -> str:
    """Account, profile and region in words."""
    return f"account {aws.account()}{f' (profile {aws.profile})' if aws.profile else ''}, region {aws.region}"


def check(aws: Aws, stage: str, config_file: Path = project.CONFIG) -> None:
    """Raises ShippingError, before any change, if the stage is in another account or region.

    Its own ciphertexts say so where nothing is remembered: because the file was not committed, or is older than this.
    """
    there = find(stage, config_file)
    if there is None:
        _check_ciphertexts(aws, stage, config_file)
    elif (there.account, there.region) != (aws.account(), aws.region):
        raise ShippingError(
            f"The stage {stage} is in account {there.account}, region {there.region} (.chalice/{FILE}). "
            f"You are in {describe(aws)}. Nothing was changed.\n"
            f"Choose its own: AWS_REGION={there.region}, and AWS_PROFILE or credentials of account {there.account}.\n"
            "To have the stage here too, copy it under another name in .chalice/config.json, without its secrets."
        )


def _check_ciphertexts(aws: Aws, stage: str, config_file: Path) -> None:
    settings = project.environment(project.read(config_file), stage)
    sealed = [name for name in SECRET_NAMES if settings.get(name, "").startswith(PREFIX)]
    sealer = Sealer(aws.client("kms"), stage) if sealed else None
    if sealer and not any(sealer.has_key_of(name, settings[name]) for name in sealed):
        raise ShippingError(
            f"The secrets of {stage} in .chalice/config.json were sealed with a key that is not in {describe(aws)}, or "
            "that you may not use. Nothing was changed.\n"
            "Choose the account (AWS_PROFILE) and the region (AWS_REGION) of the stage.\n"
            f"If the stage was copied from another one, first remove its secrets: {', '.join(sealed)}."
        )


def _read(config_file: Path) -> dict[str, dict[str, Any]]:
    file = config_file.parent / FILE
    if not file.exists():
        return {}
    try:
        locations: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        for stored in locations.values():
            Location(**stored)
    except (ValueError, TypeError, AttributeError) as error:
        raise ShippingError(f".chalice/{FILE} is damaged: {error}. Restore it from git.") from None
    return locations


def _write(locations: dict[str, dict[str, Any]], config_file: Path) -> None:
    project.write(dict(sorted(locations.items())), config_file.parent / FILE)
