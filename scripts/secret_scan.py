"""Find secrets in the files of this repository: `.venv/bin/python -m scripts.secret_scan`, part of `make check`.

detect-secrets of Yelp searches for the formats of keys and for random strings; a detector for the keys of our providers
is added. `scripts/no_secrets.toml` lists reviewed findings that are not secrets, with the reason. For any other finding
the script exits with 1. It prints where a finding is, never the finding itself.
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
REVIEWED_FINDINGS = ROOT / "scripts" / "no_secrets.toml"


class ProviderKeyDetector(RegexBasedDetector):
    """Keys of the providers of this backend, with or without quotes. Sources: docs/providers.md, docs/payments.md."""

    secret_type = "Provider key"
    denylist = (
        re.compile(r"\b(?:sk|rk)_(?:test|live)_[0-9A-Za-z]{16,}"),  # Stripe
        re.compile(r"\bwhsec_[0-9A-Za-z]{24,}"),  # webhooks of Stripe
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
# Strings that only look random: sequences, `${placeholders}`, UUIDs. A comment in the file suppresses no finding.
FILTERS = [
    {"path": f"detect_secrets.filters.heuristic.{name}"}
    for name in ("is_sequential_string", "is_potential_uuid", "is_templated_secret", "is_lock_file")
]


@dataclass(frozen=True, order=True)
class Finding:
    """A possible secret. `sha1`: the hash of its text, which identifies it without showing it."""

    file: str
    kind: str
    sha1: str
    line: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        return self.file, self.kind, self.sha1


def scan(root: Path, files: Iterable[str]) -> Iterator[Finding]:
    with transient_settings({"plugins_used": DETECTORS, "filters_used": FILTERS}):
        for file in files:
            for found in scan_file(str(root / file)):
                yield Finding(file, found.type, found.secret_hash, found.line_number)


def load_reviewed() -> set[tuple[str, str, str]]:
    entries = tomllib.loads(REVIEWED_FINDINGS.read_text())["reviewed"]
    return {(entry["file"], entry["kind"], entry["sha1"]) for entry in entries if entry["why"]}


def list_files() -> list[str]:
    """All files that git tracks or would add, without the list of reviewed findings, which a test checks."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [file for file in output.split("\0") if (ROOT / file).is_file() and ROOT / file != REVIEWED_FINDINGS]


def main() -> int:
    files = list_files()
    reviewed = load_reviewed()
    findings = sorted(finding for finding in set(scan(ROOT, files)) if finding.key not in reviewed)
    for finding in findings:
        print(f"{finding.file}:{finding.line}: {finding.kind} (sha1 {finding.sha1})")
    if findings:
        print(
            "Remove the secrets and revoke them. Add what is not a secret to scripts/no_secrets.toml, with the reason."
        )
        return 1
    print(f"{len(files):,} files contain no secrets.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
