"""The files of the contract, generated from the code."""

import json
import tomllib
from pathlib import Path
from typing import Any

from app import app
from chalicelib.http.openapi import document
from scripts.local.aws import REPOSITORY

READABLE = REPOSITORY / "docs" / "openapi.json"  # for reviews, indented
SERVED = REPOSITORY / "chalicelib" / "http" / "assets" / "contract" / "openapi.json"  # the same, without spaces
RELEASED = REPOSITORY / "docs" / "openapi-released.json"  # that of the last release


def current_contract() -> dict[str, Any]:
    """The contract of the current code."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return document(app.routes, project["version"])


def contract_texts() -> dict[str, str]:
    """The expected content of each file, by its path in the repository."""
    contract = current_contract()
    readable = json.dumps(contract, indent=2, ensure_ascii=False) + "\n"
    served = json.dumps(contract, separators=(",", ":"), ensure_ascii=False)
    return {str(READABLE.relative_to(REPOSITORY)): readable, str(SERVED.relative_to(REPOSITORY)): served}


def read_contract(path: Path) -> dict[str, Any]:
    """The contract in a file."""
    contract: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return contract
