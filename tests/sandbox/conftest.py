"""Two sandboxes for all tests here, as their own processes, and the official SDKs pointed at them."""

from collections.abc import Iterator
from pathlib import Path

import assemblyai
import httpx
import openai
import pytest

from sandbox.app import Keys
from tests.sandbox.process import running
from tests.sandbox.streaming import TIMES


@pytest.fixture(scope="session")
def keys() -> Keys:
    return Keys(assemblyai="key-of-the-assemblyai-tests", openai="key-of-the-openai-tests")


@pytest.fixture(scope="session")
def sandbox_log(tmp_path_factory) -> Path:
    """Where the sandbox's stderr goes."""
    return tmp_path_factory.mktemp("sandbox") / "stderr.txt"


@pytest.fixture(scope="session")
def sandbox_url(sandbox_log, keys) -> Iterator[str]:
    with running(keys, sandbox_log) as url:
        yield url


@pytest.fixture
def desk(sandbox_url) -> Iterator[httpx.Client]:
    """A client of the sandbox without a key; faults and calls of earlier tests are gone."""
    with httpx.Client(base_url=sandbox_url, timeout=30) as client:
        client.delete("/sandbox/faults").raise_for_status()
        client.delete("/sandbox/calls").raise_for_status()
        yield client


@pytest.fixture(scope="session")
def fast_log(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("fast-sandbox") / "stderr.txt"


@pytest.fixture(scope="session")
def fast_url(fast_log, keys) -> Iterator[str]:
    """A sandbox whose time runs faster."""
    with running(keys, fast_log, SANDBOX_TIME_SCALE=str(TIMES)) as url:
        yield url
    assert "Traceback" not in fast_log.read_text()


@pytest.fixture
def fast_desk(fast_url) -> Iterator[httpx.Client]:
    """Like `desk`, of the fast sandbox; its sessions are forgotten too."""
    with httpx.Client(base_url=fast_url, timeout=30) as client:
        for path in ("faults", "calls", "sessions"):
            client.delete(f"/sandbox/{path}").raise_for_status()
        yield client


@pytest.fixture
def fast_token(fast_desk, keys):
    """Gives a token of the fast sandbox away."""

    def fast_token(max_seconds: int = 600, expires_in_seconds: int = 600) -> str:
        parameters = {"expires_in_seconds": expires_in_seconds, "max_session_duration_seconds": max_seconds}
        answer = fast_desk.get("/v3/token", params=parameters, headers={"Authorization": keys.assemblyai})
        return answer.raise_for_status().json()["token"]

    return fast_token


@pytest.fixture
def order(desk):
    """Orders a fault: `order("openai.transcriptions", "429", retry_after_seconds=7)`."""
    return ordering(desk)


@pytest.fixture
def fast_order(fast_desk):
    return ordering(fast_desk)


def ordering(desk: httpx.Client):
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
