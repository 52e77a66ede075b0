"""Coverage-guided fuzzing of the code that reads untrusted bytes: it rejects them, without hanging or leaking memory.

Each target asserts the properties of accepted input. `make test` runs a few thousand fixed executions; `make soak` runs
two million others, and plants faults that must be found. CONTRIBUTING.md describes longer runs.
"""

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

# As requirements-dev.txt has it.
HAS_ATHERIS = (sys.platform, platform.machine()) == ("linux", "x86_64") and sys.version_info < (3, 14)
REASON = "atheris has wheels for Linux on x86_64 and Python up to 3.13 only"
pytestmark = pytest.mark.skipif(not HAS_ATHERIS, reason=REASON)

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
CRASHED = 77  # the exit code of atheris when a target raises


def test_a_soak_has_two_million_executions() -> None:
    assert sum(SOAK.values()) >= 2_000_000


@pytest.mark.parametrize("target", SOAK)
def test_random_bytes_are_rejected_without_a_failure(target: str, tmp_path: Path, soak_counts: Counter[str]) -> None:
    result = fuzz(target, tmp_path / "corpus", SAMPLE, "-seed=1")

    assert result.returncode == 0, result.stdout[-4_000:]
    assert executions(result) >= SAMPLE
    soak_counts["executions of fuzz targets"] += executions(result)


@pytest.mark.soak
@pytest.mark.parametrize("target", SOAK)
def test_millions_of_random_bytes_cause_no_failure(target: str, tmp_path: Path, soak_counts: Counter[str]) -> None:
    result = fuzz(target, tmp_path / "corpus", SOAK[target])

    assert result.returncode == 0, result.stdout[-4_000:]
    assert executions(result) >= SOAK[target]
    soak_counts["executions of fuzz targets"] += executions(result)


# Faults that the targets must find: name → target, file in chalicelib, text, faulty text.
FAULTS = {
    "audio of any length": ("wav", "streaming/audio.py", "if audio.duration_ms > LONGEST_MS or", "if False and"),
    "any sample rate": (
        "wav",
        "streaming/audio.py",
        "if audio.sample_rate not in SAMPLE_RATES:",
        "if audio.sample_rate == 0:",
    ),
    "an unchecked cursor": (
        "cursor",
        "cursors.py",
        "if expected is None or not hmac.compare_digest(expected, cursor):",
        "if False:",
    ),
    "a scope without separators": (
        "cursor",
        "cursors.py",
        'msgspec.json.encode(("cursor", prefix, *scope, name))',
        '"\\n".join(("cursor", prefix, *scope, name)).encode()',
    ),
    "another encoding of a cursor": (
        "cursor",
        "cursors.py",
        "hmac.compare_digest(expected, cursor)",
        'hmac.compare_digest(expected, cursor.rstrip("="))',
    ),
    "unsigned events": (
        "stripe_webhook",
        "providers/stripe_event_handlers.py",
        "stripe.WebhookSignature.verify_header(raw.decode",
        "(lambda *_: True)(raw.decode",
    ),
    "signatures from the future": (
        "stripe_webhook",
        "providers/stripe_event_handlers.py",
        "_check_not_ahead(signature)\n",
        "pass\n",
    ),
    "another amount": ("stripe_webhook", "payments/fulfilment.py", "if session.cents != purchase.cents:", "if False:"),
    "an amount without limits": (
        "stripe_webhook",
        "providers/stripe_objects.py",
        "class RefundObject(msgspec.Struct):\n    id: Id\n    amount: Cents",
        "class RefundObject(msgspec.Struct):\n    id: Id\n    amount: Any",
    ),
    "another job's secret": (
        "assemblyai_webhook",
        "catchup/service.py",
        "if not hmac.compare_digest(webhook_secret(self.webhook_key, job_id).encode(), secret.encode()):",
        "if len(secret) != 64:",
    ),
    "any text as a transcript id": (
        "assemblyai_webhook",
        "contract/catchup.py",
        "transcript_id: Annotated[str, Meta(min_length=1, max_length=100, pattern=TRANSCRIPT_ID)]",
        "transcript_id: str",
    ),
    "unsigned tokens": (
        "id_token",
        "providers/id_tokens.py",
        'options={"require": REQUIRED}',
        'options={"require": REQUIRED, "verify_signature": False}',
    ),
    "expired tokens": (
        "id_token",
        "providers/id_tokens.py",
        'options={"require": REQUIRED}',
        'options={"require": REQUIRED, "verify_exp": False}',
    ),
    "another pool's tokens": ("id_token", "providers/id_tokens.py", "issuer=self._issuer,", ""),
    "access tokens": ("id_token", "providers/id_tokens.py", 'if claims["token_use"] != "id":', "if False:"),
    "half a character in a user id": ("id_token", "providers/id_tokens.py", "text.encode()", "pass"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_can_be_planted(fault: str) -> None:
    _, file, correct, _ = FAULTS[fault]

    assert (ROOT / "chalicelib" / file).read_text().count(correct) == 1


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault: str, tmp_path: Path) -> None:
    target, file, correct, faulty = FAULTS[fault]
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("app.py", "tests", "scripts", "sandbox"):
        (copy / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "chalicelib", copy / "chalicelib")
    changed_file = copy / "chalicelib" / file
    changed_file.write_text(changed_file.read_text().replace(correct, faulty))

    found = fuzz(target, tmp_path / "corpus", SOAK[target], "-seed=1", cwd=copy)

    assert found.returncode == CRASHED, found.stdout[-4_000:]
    assert "Uncaught Python exception" in found.stdout


def fuzz(target: str, corpus: Path, runs: int, *options: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """Run a target in a process of its own, which libFuzzer ends after `runs` executions or at the first finding."""
    fuzzer = [sys.executable, "-m", "tests.fuzz", target, str(corpus), f"-runs={runs}", *options]
    # libFuzzer holds its limit against a peak of memory that a process inherits from its parent: a shell has a low one.
    command = ["/bin/sh", "-c", '"$@"; exit $?', "fuzz", *fuzzer]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        text=True,
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=LONGEST_SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return subprocess.CompletedProcess(command, process.returncode, output)


def executions(result: "subprocess.CompletedProcess[str]") -> int:
    (number,) = re.findall(r"stat::number_of_executed_units: (\d+)", result.stdout)
    return int(number)
