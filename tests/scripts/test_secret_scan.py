"""The scan for secrets finds a key of every kind that we keep; none stands here, each is made at run time."""

import base64
import hashlib
import random
import re
import string
import tomllib
from pathlib import Path

import pytest

from scripts import secret_scan
from scripts.secret_scan import reviewed, scan

CHANCE = random.Random(8)


def letters(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(CHANCE.choices(alphabet, k=length))


HEX = string.digits + "abcdef"
PLANTED = {
    "Stripe, live": 'key = "sk_' + f'live_{letters(24)}"',
    "Stripe, test": "STRIPE_SECRET_KEY=sk_" + f"test_{letters(40)}",
    "Stripe, restricted": "STRIPE_SECRET_KEY=rk_" + f"live_{letters(40)}",
    "Stripe's webhooks": "STRIPE_WEBHOOK_SECRET: whsec" + f"_{letters(32)}",
    "OpenAI": "OPENAI_API_KEY=sk-" + f"proj-{letters(48)}",
    "OpenAI, old": "curl -H 'Authorization: Bearer sk-" + f"{letters(20)}T3Blb{'kFJ'}{letters(20)}'",
    "AssemblyAI": f"ASSEMBLYAI_API_KEY={letters(32, HEX)}",
    "AssemblyAI, in code": f'assemblyai = "{letters(32, HEX)}"',
    "AWS, id": "aws_access_key_id = AKIA" + letters(16, string.ascii_uppercase + string.digits),
    "AWS, key": f'secret = "{base64.b64encode(hashlib.sha256(b"planted").digest()).decode()[:40]}"',
    "our HMAC key": f'identity_hmac_key = "{letters(64, HEX)}"',
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a token": ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=")
        for part in (b'{"alg":"RS256"}', b'{"sub":"ada"}', b"s" * 64)
    ),
    "an address with a password": f"url = 'https://ada:{letters(12)}@db.example.com/'",
    "GitHub": "token: ghp" + f"_{letters(36)}",
}


@pytest.mark.parametrize("kind", PLANTED)
@pytest.mark.parametrize("name", ["settings.py", "notes.md", ".env", "config.json", "stack.yaml"])
def test_a_secret_is_found_wherever_it_stands(kind: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(f"a line before\n{PLANTED[kind]}  # pragma: allowlist secret\n")

    found = list(scan(tmp_path, [name]))

    assert {one.line for one in found} == {2}
    assert not {one.known_as for one in found} & reviewed()


def test_words_ids_and_checks_of_ours_are_no_secrets(tmp_path: Path) -> None:
    words = [
        'password = "correct horse battery"',
        "job_id = '9b2f0c1e-7d3a-4f6b-8e21-0a9c8b7d6e5f'",
        "OPENAI_API_KEY=${OPENAI_API_KEY}",
        "commit c3eb215",
        '"whsec_of_the_provider_tests"',
    ]
    (tmp_path / "notes.md").write_text("\n".join(words))

    assert list(scan(tmp_path, ["notes.md"])) == []


def test_what_is_found_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = letters(32, HEX)
    (tmp_path / "settings.py").write_text(f'key = "{secret}"\n')
    monkeypatch.setattr(secret_scan, "ROOT", tmp_path)
    monkeypatch.setattr(secret_scan, "tracked", lambda: ["settings.py"])

    assert secret_scan.main() == 1
    assert "settings.py:1: " in (told := capsys.readouterr().out)
    assert secret not in told


def test_what_was_reviewed_says_where_what_and_why_and_no_more() -> None:
    entries = tomllib.loads(secret_scan.KNOWN.read_text())["none"]

    assert len(entries) == len(reviewed())
    for entry in entries:
        assert set(entry) == {"file", "kind", "sha1", "why"}
        assert re.fullmatch("[0-9a-f]{40}", entry["sha1"])
        assert (secret_scan.ROOT / entry["file"]).is_file()
