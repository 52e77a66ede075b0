"""Is there a secret in the files of this repository? `.venv/bin/python -m scripts.secret_scan`, part of `make check`.

Yelp's detect-secrets looks for what keys are known to look like, and for strings too random to be words; one detector
is added for our providers' keys. `scripts/no_secrets.toml` lists what was looked at and is none, with the reason; any
other finding ends with 1. Places are told, never what stands there.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detect_secrets.core.scan import scan_file
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).parents[1]
KNOWN = ROOT / "scripts" / "no_secrets.toml"


class ProviderKeyDetector(RegexBasedDetector):
    """Keys of the providers that this backend keeps, quoted or not. Sources: docs/providers.md, docs/payments.md."""

    secret_type = "Provider key"
    denylist = (
        re.compile(r"\b(?:sk|rk)_(?:test|live)_[0-9A-Za-z]{16,}"),  # Stripe
        re.compile(r"\bwhsec_[0-9A-Za-z]{24,}"),  # Stripe's webhooks
        re.compile(r"\bsk-(?:[a-z]+-)?[0-9A-Za-z_-]{32,}"),  # OpenAI
        re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])"),  # AssemblyAI
    )


DETECTORS: list[dict[str, Any]] = [
    {"name": "ProviderKeyDetector", "path": Path(__file__).as_uri()},
    *({"name": name} for name in ("AWSKeyDetector", "BasicAuthDetector", "JwtTokenDetector", "PrivateKeyDetector")),
    *({"name": name} for name in ("GitHubTokenDetector", "GitLabTokenDetector", "NpmDetector", "SlackDetector")),
    {"name": "OpenAIDetector"},
    {"name": "StripeDetector"},
    {"name": "HexHighEntropyString", "limit": 3.0},
    {"name": "Base64HighEntropyString", "limit": 4.5},
]
# What looks random and is none: numbers in a row, `${placeholders}`, ids by their name. A comment excuses nothing.
FILTERS = [
    {"path": f"detect_secrets.filters.heuristic.{name}"}
    for name in ("is_sequential_string", "is_potential_uuid", "is_templated_secret", "is_lock_file")
]


@dataclass(frozen=True, order=True)
class Finding:
    """`sha1`: of what was found, so that it can be named without being told. `line` is for people."""

    file: str
    kind: str
    sha1: str
    line: int = 0

    @property
    def known_as(self) -> tuple[str, str, str]:
        return self.file, self.kind, self.sha1


def scan(root: Path, files: Iterable[str]) -> Iterator[Finding]:
    with transient_settings({"plugins_used": DETECTORS, "filters_used": FILTERS}):
        for file in files:
            for found in scan_file(str(root / file)):
                yield Finding(file, found.type, found.secret_hash, found.line_number)


def reviewed() -> set[tuple[str, str, str]]:
    entries = tomllib.loads(KNOWN.read_text())["none"]
    return {(entry["file"], entry["kind"], entry["sha1"]) for entry in entries if entry["why"]}


def tracked() -> list[str]:
    """The files that git knows, or would take, but for the list of what is none: a test knows all that stands there."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [file for file in listed.split("\0") if (ROOT / file).is_file() and ROOT / file != KNOWN]


def main() -> int:
    files = tracked()
    known = reviewed()
    found = sorted(one for one in set(scan(ROOT, files)) if one.known_as not in known)
    for one in found:
        print(f"{one.file}:{one.line}: {one.kind} (sha1 {one.sha1})")
    if found:
        print("Take it out, and make the key invalid if it is one. If it is none, say why in scripts/no_secrets.toml.")
        return 1
    print(f"no secret in {len(files)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
