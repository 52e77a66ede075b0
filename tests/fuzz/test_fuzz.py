"""What hostile bytes meet first, fuzzed with coverage as the guide: nothing but refusals, no hang, no growing memory.

Each target says what has to hold of what is let in. A few thousand executions here, always the same ones; `make soak`
has two millions of others, and plants faults to see them found. CONTRIBUTING.md says how to go on for hours.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

HAS_ATHERIS = (sys.platform, platform.machine()) == ("linux", "x86_64")  # as requirements-dev.txt has it
pytestmark = pytest.mark.skipif(not HAS_ATHERIS, reason="atheris comes ready-made for Linux on x86_64 only")

ROOT = Path(__file__).parents[2]
SOAK = {
    "wav": 400_000,
    "cursor": 800_000,
    "stripe_webhook": 400_000,
    "assemblyai_webhook": 500_000,
    "id_token": 200_000,
}
SAMPLE = 2_000
LONGEST_SECONDS = 900
CRASHED = 77  # atheris ends so when a target raises


def test_a_soak_has_two_million_executions() -> None:
    assert sum(SOAK.values()) >= 2_000_000


@pytest.mark.parametrize("target", SOAK)
def test_made_up_bytes_are_refused_and_break_nothing(target: str, tmp_path: Path, soak_counts: Counter[str]) -> None:
    done = fuzz(target, tmp_path / "corpus", SAMPLE, "-seed=1")

    assert done.returncode == 0, done.stdout[-4_000:]
    assert executions(done) >= SAMPLE
    soak_counts["executions of fuzz targets"] += executions(done)


@pytest.mark.soak
@pytest.mark.parametrize("target", SOAK)
def test_millions_of_them_break_nothing(target: str, tmp_path: Path, soak_counts: Counter[str]) -> None:
    done = fuzz(target, tmp_path / "corpus", SOAK[target])

    assert done.returncode == 0, done.stdout[-4_000:]
    assert executions(done) >= SOAK[target]
    soak_counts["executions of fuzz targets"] += executions(done)


# What the targets are worth: each of these faults is found, and nothing else of the copy differs.
FAULTS = {
    "audio of any length": ("wav", "audio.py", "if audio.duration_ms > LONGEST_MS or", "if False and"),
    "any rate": ("wav", "audio.py", "if audio.sample_rate not in SAMPLE_RATES:", "if audio.sample_rate == 0:"),
    "an unchecked cursor": (
        "cursor",
        "cursors.py",
        "if ours is None or not hmac.compare_digest(ours, cursor):",
        "if False:",
    ),
    "words of a scope that run together": (
        "cursor",
        "cursors.py",
        'msgspec.json.encode(("cursor", prefix, *scope, name))',
        '"\\n".join(("cursor", prefix, *scope, name)).encode()',
    ),
    "another spelling of a cursor": (
        "cursor",
        "cursors.py",
        "hmac.compare_digest(ours, cursor)",
        'hmac.compare_digest(ours, cursor.rstrip("="))',
    ),
    "events that nobody signed": (
        "stripe_webhook",
        "providers/stripe_gateway.py",
        "stripe.WebhookSignature.verify_header(raw.decode",
        "(lambda *_: True)(raw.decode",
    ),
    "signatures of the future": (
        "stripe_webhook",
        "providers/stripe_gateway.py",
        "_check_not_ahead(signature)\n",
        "pass\n",
    ),
    "another amount": ("stripe_webhook", "fulfilment.py", "if session.cents != known.cents:", "if False:"),
    "an amount without bounds": (
        "stripe_webhook",
        "providers/stripe_gateway.py",
        "class RefundObject(msgspec.Struct):\n    id: Id\n    amount: Cents",
        "class RefundObject(msgspec.Struct):\n    id: Id\n    amount: Any",
    ),
    "another job's secret": (
        "assemblyai_webhook",
        "catchup.py",
        "if not hmac.compare_digest(webhook_secret(self.webhook_key, job_id).encode(), secret.encode()):",
        "if len(secret) != 64:",
    ),
    "any word for a transcript": (
        "assemblyai_webhook",
        "contract/catchup.py",
        'transcript_id: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[0-9A-Za-z_-]+$(?!\\n)")]',
        "transcript_id: str",
    ),
    "tokens that nobody signed": (
        "id_token",
        "tokens.py",
        'options={"require": REQUIRED}',
        'options={"require": REQUIRED, "verify_signature": False}',
    ),
    "tokens that are over": (
        "id_token",
        "tokens.py",
        'options={"require": REQUIRED}',
        'options={"require": REQUIRED, "verify_exp": False}',
    ),
    "another pool's tokens": ("id_token", "tokens.py", "issuer=self._issuer,", ""),
    "access tokens": ("id_token", "tokens.py", 'if claims["token_use"] != "id":', "if False:"),
    "half a character": ("id_token", "tokens.py", "word.encode()", "pass"),
}


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault: str, tmp_path: Path) -> None:
    target, file, right, wrong = FAULTS[fault]
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("app.py", "tests", "scripts", "sandbox"):
        (copy / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "chalicelib", copy / "chalicelib")
    broken = copy / "chalicelib" / file
    text = broken.read_text()
    assert text.count(right) == 1
    broken.write_text(text.replace(right, wrong))

    found = fuzz(target, tmp_path / "corpus", SOAK[target], "-seed=1", cwd=copy)

    assert found.returncode == CRASHED, found.stdout[-4_000:]
    assert "Uncaught Python exception" in found.stdout


def fuzz(target: str, corpus: Path, runs: int, *options: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """One target in a process of its own, which libFuzzer ends: after so many executions, or with what it found."""
    command = [sys.executable, "-m", "tests.fuzz", target, str(corpus), f"-runs={runs}", *options]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        text=True,
        errors="replace",
        timeout=LONGEST_SECONDS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def executions(done: "subprocess.CompletedProcess[str]") -> int:
    (number,) = re.findall(r"stat::number_of_executed_units: (\d+)", done.stdout)
    return int(number)
