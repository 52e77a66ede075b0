"""Reads the settings from the environment, once per process, and validates them together.

On one machine (`STAGE=local`, or `chalice local` typed by hand), `.local/settings.json`, which `make run` writes,
provides what the environment leaves out. docs/settings.md lists the settings.
"""

import json
import os
import sys
import warnings
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import msgspec

from . import validate
from .schema import FIELDS, RATE_LIMIT, Settings, split_origins

LOCAL_SETTINGS = Path(__file__).parents[2] / ".local" / "settings.json"
NAMES = frozenset(field.variable for field in FIELDS)
# Stands for a required setting that is missing, so that validation reports nothing else about it.
PLACEHOLDERS = {"stage": "local", "extension_origin": "https://extension.invalid"}
ONE_ORIGIN = (
    "`chalice deploy` answers preflights for one origin: browsers let {first} call the API, but not {others}. "
    "To allow all of them, use `make deploy`."
)
NO_STACK = (
    "The local stack is not running, so every request will fail. "
    "Run `make run` in another terminal, then start `chalice local` again."
)
CONNECT_SECONDS = 1
PLACEHOLDER_WHEN_MISSING = validate.CIPHERTEXT


class SettingsError(Exception):
    """The settings are invalid. The message lists every problem."""


def read(environment: Mapping[str, str], local_file: Path = LOCAL_SETTINGS) -> Settings:
    """The settings in `environment`. Raises SettingsError naming every problem at once."""
    variables = _add_local(environment, local_file)
    problems = [
        f"{name} is not a rate limit"
        for name in variables
        if name.lower().startswith(RATE_LIMIT) and name.upper() not in NAMES
    ]
    given = {name.upper(): value for name, value in variables.items() if value != ""}
    values: dict[str, object] = {}
    for field in FIELDS:
        if field.variable not in given:
            if field.is_required:
                problems.append(f"{field.variable} is missing")
                values[field.name] = PLACEHOLDERS.get(field.name, PLACEHOLDER_WHEN_MISSING)
            continue
        try:
            value = msgspec.convert(given[field.variable], field.type, strict=False)
        except msgspec.ValidationError:
            problems.append(f"{field.variable} {field.requirement}")
            continue
        if field.setting.allows(value):
            values[field.name] = value
        else:
            problems.append(f"{field.variable} {field.requirement}")
    settings = Settings(**values)  # type: ignore[arg-type]
    problems += validate.find_problems(settings)
    if problems:
        raise SettingsError("settings: " + "; ".join(problems))
    return settings


@lru_cache
def load() -> Settings:
    """The settings of this process."""
    return read(os.environ)


@lru_cache
def stage() -> str:
    """The name of the stage, also where the settings are invalid. Metrics are separated by it."""
    return _add_local(os.environ, LOCAL_SETTINGS).get("STAGE", "") or "unknown"


def allowed_origins() -> tuple[str, ...]:
    """The origins that CORS allows. Routes are declared with the first, so they are read before other settings."""
    variables = _add_local(os.environ, LOCAL_SETTINGS)
    extensions = variables.get("EXTENSION_ORIGIN", "") or PLACEHOLDERS["extension_origin"]
    origins = split_origins(extensions, variables.get("OWN_ORIGINS", ""))
    if origins[1:] and _is_chalice_command("deploy", os.environ):
        warnings.warn(ONE_ORIGIN.format(first=origins[0], others=", ".join(origins[1:])), stacklevel=2)
    return origins


def warn_without_local_stack(local_file: Path = LOCAL_SETTINGS) -> None:
    """Say how to start the local stack where `chalice local` was typed without it."""
    if not _is_chalice_command("local", os.environ):
        return
    variables = _add_local(os.environ, local_file)
    endpoint_url = variables.get("AWS_ENDPOINT_URL", "")
    if (endpoint_url and not _accepts_connections(endpoint_url)) or not variables.get("LEDGER_TABLE"):
        warnings.warn(NO_STACK, stacklevel=2)


def _accepts_connections(url: str) -> bool:
    import socket  # On a developer's machine only: a cold start does without it.
    from urllib.parse import urlsplit

    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or "", address.port or 443), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def _is_chalice_command(command: str, environment: Mapping[str, str]) -> bool:
    return environment.get("AWS_CHALICE_CLI_MODE") == "true" and command in sys.argv[1:2]


def user_pool_arn() -> str | dict[str, str]:
    """The user pool whose tokens the gateway's authorizer accepts; in a package, the resource stack's export."""
    arn = _add_local(os.environ, LOCAL_SETTINGS).get("COGNITO_USER_POOL_ARN", "")
    return arn or {"Fn::ImportValue": f"live-transcription-{os.environ.get('STAGE', 'dev')}-UserPoolArn"}


def jobs_queue_name() -> str:
    """The queue that starts the worker. Functions are declared with it, so it is read before the other settings."""
    stage = _add_local(os.environ, LOCAL_SETTINGS).get("STAGE", "") or "dev"
    return f"live-transcription-{stage}-jobs"


def ledger_stream_arn() -> str | dict[str, str]:
    """The ledger's stream, from which totals are made; in a package, the resource stack's export."""
    arn = _add_local(os.environ, LOCAL_SETTINGS).get("LEDGER_STREAM_ARN", "")
    return arn or {"Fn::ImportValue": f"live-transcription-{os.environ.get('STAGE', 'dev')}-LedgerStreamArn"}


def _add_local(environment: Mapping[str, str], local_file: Path) -> Mapping[str, str]:
    """The environment, on one machine with what `make run` wrote. Never for `chalice package` and `chalice deploy`."""
    is_chalice_local = _is_chalice_command("local", environment)
    if not (is_chalice_local or environment.get("STAGE") == "local") or not local_file.is_file():
        return environment
    written: dict[str, str] = json.loads(local_file.read_text())
    if is_chalice_local:
        os.environ.update({name: value for name, value in written.items() if name.startswith("AWS_")})
        return {**environment, **written}
    return {**written, **environment}
