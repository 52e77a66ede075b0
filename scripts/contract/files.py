"""Where the contract is written down, made from the code."""

import json
import tomllib
from pathlib import Path
from typing import Any

from app import app
from chalicelib.http.openapi import document
from scripts.local.aws import REPOSITORY

READABLE = REPOSITORY / "docs" / "openapi.json"  # for reviews: a line for each thing
SERVED = REPOSITORY / "chalicelib" / "http" / "assets" / "contract" / "openapi.json"  # the same, small
RELEASED = REPOSITORY / "docs" / "openapi-released.json"  # that of the last release


def made() -> dict[str, Any]:
    """The contract that the code has now."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return document(app.routes, project["version"])


def texts() -> dict[str, str]:
    """What each file has to hold, by its path in the repository."""
    contract = made()
    readable = json.dumps(contract, indent=2, ensure_ascii=False) + "\n"
    served = json.dumps(contract, separators=(",", ":"), ensure_ascii=False)
    return {str(READABLE.relative_to(REPOSITORY)): readable, str(SERVED.relative_to(REPOSITORY)): served}


def read(path: Path) -> dict[str, Any]:
    """A contract that was written down."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
