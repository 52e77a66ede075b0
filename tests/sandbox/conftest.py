"""One sandbox for all tests here, as its own process, and the official SDKs pointed at it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import assemblyai
import httpx
import openai
import pytest

from sandbox.app import Keys

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def keys() -> Keys:
    return Keys(assemblyai="key-of-the-assemblyai-tests", openai="key-of-the-openai-tests")


@pytest.fixture(scope="session")
def sandbox_log(tmp_path_factory) -> Path:
    """Where the sandbox's stderr goes."""
    return tmp_path_factory.mktemp("sandbox") / "stderr.txt"


@pytest.fixture(scope="session")
def sandbox_url(sandbox_log, keys) -> Iterator[str]:
    environment = {**os.environ, "SANDBOX_ASSEMBLYAI_KEY": keys.assemblyai, "SANDBOX_OPENAI_KEY": keys.openai}
    command = [sys.executable, "-W", "error", "-m", "sandbox", "--port", "0"]
    with sandbox_log.open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1
        )
        with process:
            line = process.stdout.readline()
            assert line.startswith("sandbox: listening on "), sandbox_log.read_text()
            yield line.split()[-1]
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0


@pytest.fixture
def desk(sandbox_url) -> Iterator[httpx.Client]:
    """A client of the sandbox without a key; faults and calls of earlier tests are gone."""
    with httpx.Client(base_url=sandbox_url, timeout=30) as client:
        client.delete("/sandbox/faults").raise_for_status()
        client.delete("/sandbox/calls").raise_for_status()
        yield client


@pytest.fixture
def order(desk):
    """Orders a fault: `order("openai.transcriptions", "429", retry_after_seconds=7)`."""

    def order(service: str, kind: str, **options) -> None:
        answer = desk.post("/sandbox/faults", json={"service": service, "kind": kind, **options})
        assert answer.status_code == 201, answer.text

    return order


@pytest.fixture
def sync_with_key(sandbox_url):
    """Makes the official Sync client for a key; `timeout_seconds` is for each socket operation."""
    opened = []

    def make(key: str, timeout_seconds: float = 30) -> assemblyai.SyncTranscriber:
        settings = assemblyai.Settings(api_key=key, sync_base_url=sandbox_url, sync_live_http_timeout=timeout_seconds)
        client = assemblyai.Client(settings=settings, api_key_required=False)
        opened.append(client)
        return assemblyai.SyncTranscriber(client=client)

    yield make
    for client in opened:
        client.http_client.close()


@pytest.fixture
def sync(sync_with_key, keys, desk) -> assemblyai.SyncTranscriber:
    return sync_with_key(keys.assemblyai)


@pytest.fixture
def openai_client(sandbox_url, keys, desk) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=keys.openai, base_url=f"{sandbox_url}/openai/v1", max_retries=0) as client:
        yield client
