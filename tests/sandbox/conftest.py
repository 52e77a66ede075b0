"""Two sandboxes as processes, shared by all tests here, and the official SDKs connected to them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import requests
import stripe

from tests.sandbox import official
from tests.sandbox.process import Keys, running
from tests.sandbox.receiver import Receiver
from tests.sandbox.streaming import TIMES
from tests.sandbox.stripe_account import Account, WebhookEndpoint

stripe.enable_telemetry = False


@pytest.fixture(scope="package")
def keys() -> Keys:
    return Keys(
        assemblyai="key-of-the-assemblyai-tests",
        openai="key-of-the-openai-tests",
        stripe="key-of-the-stripe-tests",
        stripe_webhooks="secret-of-the-stripe-tests",
    )


@pytest.fixture(scope="package")
def sandbox_log(tmp_path_factory) -> Path:
    """Where the sandbox's stderr goes."""
    return tmp_path_factory.mktemp("sandbox") / "stderr.txt"


@pytest.fixture(scope="package")
def sandbox_url(sandbox_log, keys) -> Iterator[str]:
    with running(keys, sandbox_log) as url:
        yield url


@pytest.fixture
def http(sandbox_url) -> Iterator[httpx.Client]:
    """A client of the sandbox without a key; faults, calls and transcripts of earlier tests are deleted."""
    with httpx.Client(base_url=sandbox_url, timeout=30) as client:
        for path in ("faults", "calls", "transcripts", "stripe"):
            client.delete(f"/sandbox/{path}").raise_for_status()
        yield client


@pytest.fixture(scope="package")
def fast_log(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("fast-sandbox") / "stderr.txt"


@pytest.fixture(scope="package")
def fast_url(fast_log, keys) -> Iterator[str]:
    """A sandbox whose time runs faster."""
    with running(keys, fast_log, SANDBOX_TIME_SCALE=str(TIMES)) as url:
        yield url
    assert "Traceback" not in fast_log.read_text()


@pytest.fixture
def fast_http(fast_url) -> Iterator[httpx.Client]:
    """Like `http`, for the fast sandbox; its sessions are deleted too."""
    with httpx.Client(base_url=fast_url, timeout=30) as client:
        for path in ("faults", "calls", "sessions"):
            client.delete(f"/sandbox/{path}").raise_for_status()
        yield client


@pytest.fixture
def fast_token(fast_http, keys):
    """Issues a token of the fast sandbox."""

    def fast_token(max_seconds: int = 600, expires_in_seconds: int = 600) -> str:
        parameters = {"expires_in_seconds": expires_in_seconds, "max_session_duration_seconds": max_seconds}
        answer = fast_http.get("/v3/token", params=parameters, headers={"Authorization": keys.assemblyai})
        return answer.raise_for_status().json()["token"]

    return fast_token


@pytest.fixture
def add_fault(http):
    """Adds a fault: `add_fault("openai.transcriptions", "429", retry_after_seconds=7)`."""
    return fault_adder(http)


@pytest.fixture
def add_fast_fault(fast_http):
    return fault_adder(fast_http)


def fault_adder(http: httpx.Client):
    def add_fault(service: str, kind: str, **options) -> None:
        answer = http.post("/sandbox/faults", json={"service": service, "kind": kind, **options})
        assert answer.status_code == 201, answer.text

    return add_fault


@pytest.fixture
def sync_with_key(sandbox_url):
    """Creates the official Sync client for a key; `timeout_seconds` is for each socket operation."""
    opened = []

    def make(key: str, timeout_seconds: float = 30) -> official.assemblyai.SyncTranscriber:
        settings = official.assemblyai.Settings(
            api_key=key, sync_base_url=sandbox_url, sync_live_http_timeout=timeout_seconds
        )
        client = official.assemblyai.Client(settings=settings, api_key_required=False)
        opened.append(client)
        return official.assemblyai.SyncTranscriber(client=client)

    yield make
    for client in opened:
        client.http_client.close()


@pytest.fixture
def sync(sync_with_key, keys, http) -> official.assemblyai.SyncTranscriber:
    return sync_with_key(keys.assemblyai)


@pytest.fixture
def transcriber_with_key(sandbox_url):
    """Creates the official client of pre-recorded transcripts for a key."""
    opened = []

    def make(key: str, timeout_seconds: float = 30) -> official.assemblyai.Transcriber:
        settings = official.assemblyai.Settings(
            api_key=key, base_url=sandbox_url, polling_interval=0.02, http_timeout=timeout_seconds
        )
        client = official.assemblyai.Client(settings=settings, api_key_required=False)
        opened.append(client)
        return official.assemblyai.Transcriber(client=client)

    yield make
    for client in opened:
        client.http_client.close()


@pytest.fixture
def transcriber(transcriber_with_key, keys, http) -> official.assemblyai.Transcriber:
    return transcriber_with_key(keys.assemblyai)


@pytest.fixture
def wait_for_end(http, keys):
    """Waits for the end of a transcript and returns it."""

    headers = {"Authorization": keys.assemblyai}

    def wait_for_end(transcript_id: str) -> dict:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            answer = http.get(f"/v2/transcript/{transcript_id}", headers=headers).json()
            if answer["status"] in ("completed", "error"):
                return answer
            time.sleep(0.02)
        raise AssertionError("no end in 30 s")

    return wait_for_end


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def openai_client(sandbox_url, keys, http) -> Iterator[official.openai.OpenAI]:
    with official.openai.OpenAI(api_key=keys.openai, base_url=f"{sandbox_url}/openai/v1", max_retries=0) as client:
        yield client


@pytest.fixture
def stripe_with_key(sandbox_url, http):
    """Creates the official client of Stripe for a key; it never retries."""
    sessions = []

    def make(key: str, timeout_seconds: float = 30) -> stripe.StripeClient:
        sessions.append(requests.Session())
        http_client = stripe.RequestsClient(timeout=timeout_seconds, session=sessions[-1])
        addresses = {"api": f"{sandbox_url}/stripe"}
        return stripe.StripeClient(key, base_addresses=addresses, max_network_retries=0, http_client=http_client)

    yield make
    for session in sessions:
        session.close()


@pytest.fixture
def account(stripe_with_key, keys, http) -> Account:
    return Account(stripe_with_key(keys.stripe), http)


@pytest.fixture
def hook(account, receiver, keys) -> WebhookEndpoint:
    """The endpoint of Stripe's webhooks."""
    account.update_settings(webhook_url=f"{receiver.url}/stripe")
    return WebhookEndpoint(receiver, account.client, keys.stripe_webhooks)
