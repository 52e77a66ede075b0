"""Controls the providers' stand-ins: the calls they received, and the faults they simulate."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from chalicelib.errors import ProviderError
from chalicelib.logs.request_facts import collect_request_facts
from tests.sandbox.process import Keys, running

KEYS = Keys(
    assemblyai="assemblyai-key-of-the-provider-tests",
    openai="openai-key-of-the-provider-tests",
    stripe="sk_test_key_of_the_provider_tests",
    stripe_webhooks="whsec_of_the_provider_tests",
)
NOW = 1_795_400_000
SHORT_TIMEOUT_SECONDS = 0.3
# Faults with a response, and what each becomes: the error code and, if there is one, the seconds to wait.
RESPONSE_FAULTS: list[tuple[dict[str, Any], str, int | None]] = [
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
# Faults without a response before our deadline.
TIMEOUT_FAULTS = [{"kind": "timeout"}, {"kind": "slow", "delay_seconds": 3}]


@dataclass
class StandIn:
    """The control interface of a running stand-in."""

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
        for resource in ("faults", "calls", "stripe"):
            self.session.delete(f"{self.url}/sandbox/{resource}").raise_for_status()

    def fail(self, service: str, fault: dict[str, Any]) -> None:
        assert self.session.post(f"{self.url}/sandbox/faults", json={"service": service, **fault}).status_code == 201

    def stripe(self, path: str, **fields: Any) -> dict[str, Any]:
        """Do what customers, banks and the network do at Stripe."""
        response = self.session.post(f"{self.url}/sandbox/stripe/{path}", json=fields)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def stripe_state(self) -> dict[str, Any]:
        """All objects at Stripe."""
        return dict(self.session.get(f"{self.url}/sandbox/stripe").json())

    def calls(self) -> list[dict[str, Any]]:
        """All calls since the test began, oldest first."""
        return list(self.session.get(f"{self.url}/sandbox/calls").json()["last"])


def failure_of(call: Any, key: str) -> ProviderError:
    """The error that `call` raises. Neither it nor the request's log line contains the key."""
    with collect_request_facts() as request_facts:
        try:
            call()
        except ProviderError as error:
            causes = f"{error.__cause__!r} {error.__context__!r}"
            logged = f"{request_facts.provider_failures} {request_facts.notes}"
            shown = f"{error!r} {error.details} {error.log_note} {causes} {logged}"
            assert key not in shown
            return error
    raise AssertionError("the call raised no ProviderError")
