"""Runs the sandbox as a process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Keys:
    """The API keys that a sandbox accepts, and the secret that signs Stripe's webhooks."""

    assemblyai: str
    openai: str
    stripe: str
    stripe_webhooks: str


@contextmanager
def running(keys: Keys, log: Path, *arguments: str, root: Path = ROOT, **environment: str) -> Iterator[str]:
    """Run the sandbox of `root`; yields its URL."""
    variables = {
        "SANDBOX_ASSEMBLYAI_KEY": keys.assemblyai,
        "SANDBOX_OPENAI_KEY": keys.openai,
        "SANDBOX_STRIPE_KEY": keys.stripe,
        "SANDBOX_STRIPE_WEBHOOK_SECRET": keys.stripe_webhooks,
        **environment,
    }
    command = [sys.executable, "-W", "error", "-m", "sandbox", "--port", "0", *arguments]
    with log.open("w") as stderr:
        process = subprocess.Popen(
            command,
            cwd=root,
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            bufsize=1,
        )
        with process:
            try:
                line = process.stdout.readline()
                assert line.startswith("sandbox: listening on "), log.read_text()
                yield line.split()[-1]
            finally:
                process.send_signal(signal.SIGTERM)
                ended = process.wait(timeout=60)
            assert ended == 0
