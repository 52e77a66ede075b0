"""The providers' stand-ins beside our clients: what they were asked, and how they are told to fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from chalicelib.errors import ProviderError
from chalicelib.logs.request_log import collect_request_log
from sandbox.app import Keys
from tests.sandbox.process import running

KEYS = Keys(
    assemblyai="assemblyai-key-of-the-provider-tests",
    openai="openai-key-of-the-provider-tests",
    stripe="sk_test_key_of_the_provider_tests",
    stripe_webhooks="whsec_of_the_provider_tests",
)
NOW = 1_795_400_000
HASTY_SECONDS = 0.3
# How each way to fail is told to the stand-in, and what it becomes: code and, where there is one, the wait.
ANSWERED: list[tuple[dict[str, Any], str, int | None]] = [
    ({"kind": "401"}, "provider_error", None),
    ({"kind": "429", "retry_after_seconds": 7}, "unavailable", 7),
    ({"kind": "503", "retry_after_seconds": 9}, "unavailable", 9),
    ({"kind": "quota"}, "unavailable", 300),
    ({"kind": "500"}, "provider_error", None),
    ({"kind": "timeout", "delay_seconds": 0}, "provider_timeout", None),
    ({"kind": "bad_json"}, "provider_error", None),
    ({"kind": "wrong_shape"}, "provider_error", None),
    ({"kind": "missing_text"}, "provider_error", None),
    ({"kind": "cut"}, "provider_error", None),
]
# Those that our own deadline ends.
UNANSWERED = [{"kind": "timeout"}, {"kind": "slow", "delay_seconds": 3}]


@dataclass
class StandIn:
    """Its control desk."""

    url: str
    session: requests.Session

    @classmethod
    @contextmanager
    def running(cls, log: Path) -> Iterator["StandIn"]:
        with running(KEYS, log) as url, requests.Session() as session:
            session.trust_env = False
            yield cls(url, session)

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    def reset(self) -> None:
        for what in ("faults", "calls", "stripe"):
            self.session.delete(f"{self.url}/sandbox/{what}").raise_for_status()

    def fail(self, service: str, fault: dict[str, Any]) -> None:
        assert self.session.post(f"{self.url}/sandbox/faults", json={"service": service, **fault}).status_code == 201

    def stripe(self, path: str, **order: Any) -> dict[str, Any]:
        """What customers, banks and the network do at Stripe."""
        answer = self.session.post(f"{self.url}/sandbox/stripe/{path}", json=order)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def stripe_books(self) -> dict[str, Any]:
        """Everything at Stripe as it is now."""
        return dict(self.session.get(f"{self.url}/sandbox/stripe").json())

    def calls(self) -> list[dict[str, Any]]:
        """All calls since the test began, oldest first."""
        return list(self.session.get(f"{self.url}/sandbox/calls").json()["last"])


def failure_of(ask: Any, key: str) -> ProviderError:
    """What `ask` raises. It is the only failure counted, and neither it nor our log line holds the key."""
    with collect_request_log() as request_log:
        try:
            ask()
        except ProviderError as error:
            causes = f"{error.__cause__!r} {error.__context__!r}"
            told = f"{error!r} {error.details} {error.log_note} {causes} {request_log.provider_failures} {request_log.notes}"
            assert key not in told
            return error
    raise AssertionError("nothing was raised")
