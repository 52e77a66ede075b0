"""The scan finds keys of every kind that the backend uses; the keys of this test are generated at run time."""

import base64
import hashlib
import random
import re
import string
import tomllib
from pathlib import Path

import pytest

from scripts import secret_scan
from scripts.secret_scan import load_reviewed, scan

CHANCE = random.Random(8)


def random_text(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(CHANCE.choices(alphabet, k=length))


HEX = string.digits + "abcdef"
PLANTED = {
    "Stripe, live": 'key = "sk_' + f'live_{random_text(24)}"',
    "Stripe, test": "STRIPE_SECRET_KEY=sk_" + f"test_{random_text(40)}",
    "Stripe, restricted": "STRIPE_SECRET_KEY=rk_" + f"live_{random_text(40)}",
    "Stripe, webhooks": "STRIPE_WEBHOOK_SECRET: whsec" + f"_{random_text(32)}",
    "OpenAI": "OPENAI_API_KEY=sk-" + f"proj-{random_text(48)}",
    "OpenAI, old": "curl -H 'Authorization: Bearer sk-" + f"{random_text(20)}T3Blb{'kFJ'}{random_text(20)}'",
    "AssemblyAI": f"ASSEMBLYAI_API_KEY={random_text(32, HEX)}",
    "AssemblyAI, in code": f'assemblyai = "{random_text(32, HEX)}"',
    "AWS, id": "aws_access_key_id = AKIA" + random_text(16, string.ascii_uppercase + string.digits),
    "AWS, key": f'secret = "{base64.b64encode(hashlib.sha256(b"planted").digest()).decode()[:40]}"',
    "HMAC key": f'identity_hmac_key = "{random_text(64, HEX)}"',
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a token": ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=")
        for part in (b'{"alg":"RS256"}', b'{"sub":"ada"}', b"s" * 64)
    ),
    "an address with a password": f"url = 'https://ada:{random_text(12)}@db.example.com/'",
    "GitHub": "token: ghp" + f"_{random_text(36)}",
}


@pytest.mark.parametrize("kind", PLANTED)
@pytest.mark.parametrize("name", ["settings.py", "notes.md", ".env", "config.json", "stack.yaml"])
def test_a_secret_is_found_in_every_kind_of_file(kind: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(f"a line before\n{PLANTED[kind]}  # pragma: allowlist secret\n")

    found = list(scan(tmp_path, [name]))

    assert {finding.line for finding in found} == {2}
    assert not {finding.key for finding in found} & load_reviewed()


def test_words_ids_and_placeholders_are_not_reported(tmp_path: Path) -> None:
    lines = [
        'password = "correct horse battery"',
        "job_id = '9b2f0c1e-7d3a-4f6b-8e21-0a9c8b7d6e5f'",
        "OPENAI_API_KEY=${OPENAI_API_KEY}",
        "commit c3eb215",
        '"whsec_of_the_provider_tests"',
    ]
    (tmp_path / "notes.md").write_text("\n".join(lines))

    assert list(scan(tmp_path, ["notes.md"])) == []


def test_a_finding_is_printed_without_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = random_text(32, HEX)
    (tmp_path / "settings.py").write_text(f'key = "{secret}"\n')
    monkeypatch.setattr(secret_scan, "ROOT", tmp_path)
    monkeypatch.setattr(secret_scan, "list_files", lambda: ["settings.py"])

    assert secret_scan.main() == 1
    assert "settings.py:1: " in (output := capsys.readouterr().out)
    assert secret not in output


def test_a_reviewed_finding_has_a_file_a_kind_a_hash_and_a_reason() -> None:
    entries = tomllib.loads(secret_scan.REVIEWED_FINDINGS.read_text())["reviewed"]

    assert len(entries) == len(load_reviewed())
    for entry in entries:
        assert set(entry) == {"file", "kind", "sha1", "why"}
        assert re.fullmatch("[0-9a-f]{40}", entry["sha1"])
        assert (secret_scan.ROOT / entry["file"]).is_file()
