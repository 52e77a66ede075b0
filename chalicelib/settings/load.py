"""The settings, read once from the environment and checked all together. docs/settings.md lists them.

On one machine (`STAGE=local`, or `chalice local` typed by hand) what `make run` wrote to `.local/settings.json` fills
in what the environment leaves out.
"""

import json
import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import msgspec

from . import validate
from .schema import RATE_LIMIT, Settings

LOCAL_SETTINGS = Path(__file__).parents[2] / ".local" / "settings.json"


class SettingsError(Exception):
    """The settings are unfit; the message lists everything that is wrong."""


NAMES = frozenset(field.name.upper() for field in msgspec.structs.fields(Settings))
# Stands for a setting that is missing while the others are looked at, so that nothing more is said of it.
UNOBJECTIONABLE = {"stage": "local", "extension_origin": "https://extension.invalid"}


def read(environment: Mapping[str, str], local_file: Path = LOCAL_SETTINGS) -> Settings:
    """The settings in `environment`. Raises SettingsError naming every problem at once."""
    words = _with_local(environment, local_file)
    given = {name.lower(): value for name, value in words.items() if name.upper() in NAMES and value != ""}
    problems = [
        f"{name} is no limit" for name in words if name.lower().startswith(RATE_LIMIT) and name.upper() not in NAMES
    ]
    fit: dict[str, object] = {}
    for field in msgspec.structs.fields(Settings):
        if field.name not in given:
            if field.required:
                problems.append(f"{field.name.upper()} is missing")
                fit[field.name] = UNOBJECTIONABLE.get(field.name, "kms:")
            continue
        try:
            fit[field.name] = msgspec.convert(given[field.name], field.type, strict=False)
        except msgspec.ValidationError as error:
            problems.append(f"{field.name.upper()}: {error}")
    settings = Settings(**fit)  # type: ignore[arg-type]
    problems += validate.problems(settings)
    if problems:
        raise SettingsError("settings: " + "; ".join(problems))
    return settings


@lru_cache
def load() -> Settings:
    """The settings of this process."""
    return read(os.environ)


@lru_cache
def stage() -> str:
    """The stage's name, known even where the settings are unfit: metrics are kept apart by it."""
    return _with_local(os.environ, LOCAL_SETTINGS).get("STAGE", "") or "unknown"


def extension_origin() -> str:
    """The page that CORS allows. Routes are made with it, so it is needed before the other settings are."""
    return _with_local(os.environ, LOCAL_SETTINGS).get("EXTENSION_ORIGIN", "") or "https://extension.invalid"


def user_pool_arn() -> str | dict[str, str]:
    """The pool whose tokens the gateway's authorizer takes; in a packaged template, the resource stack's export."""
    arn = _with_local(os.environ, LOCAL_SETTINGS).get("COGNITO_USER_POOL_ARN", "")
    return arn or {"Fn::ImportValue": f"live-transcription-{os.environ.get('STAGE', 'dev')}-UserPoolArn"}


def jobs_queue_name() -> str:
    """The queue whose messages wake the worker. Functions are made with it, so it is needed before other settings."""
    stage = _with_local(os.environ, LOCAL_SETTINGS).get("STAGE", "") or "dev"
    return f"live-transcription-{stage}-jobs"


def ledger_stream_arn() -> str | dict[str, str]:
    """The stream that feeds the sums over all users; in a packaged template, the resource stack's export."""
    arn = _with_local(os.environ, LOCAL_SETTINGS).get("LEDGER_STREAM_ARN", "")
    return arn or {"Fn::ImportValue": f"live-transcription-{os.environ.get('STAGE', 'dev')}-LedgerStreamArn"}


def _with_local(environment: Mapping[str, str], local_file: Path) -> Mapping[str, str]:
    """`chalice local` typed by hand gets what `make run` wrote; nothing else may, least of all package and deploy."""
    by_hand = environment.get("AWS_CHALICE_CLI_MODE") == "true" and "local" in sys.argv[1:2]
    if not (by_hand or environment.get("STAGE") == "local") or not local_file.is_file():
        return environment
    written: dict[str, str] = json.loads(local_file.read_text())
    if by_hand:
        os.environ.update({name: value for name, value in written.items() if name.startswith("AWS_")})
        return {**environment, **written}
    return {**written, **environment}
