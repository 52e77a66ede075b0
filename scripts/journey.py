"""The requests of one user to a running backend, with a tick for each check: used by the demo and its parts."""

import time
from dataclasses import dataclass, field
from typing import Any

import requests

from chalicelib.pricing import price_files
from scripts.price_page import default_version

PASSWORD = "correct horse battery staple"


class StepFailedError(Exception):
    """A step failed; the message says which one and what was received."""


@dataclass
class Journey:
    """The requests of one user and the number of checks that passed."""

    api_url: str
    headers: dict[str, str] = field(default_factory=dict)
    checked: int = 0

    def call(self, method: str, path: str, expected: int = 200, **more: Any) -> dict[str, Any]:
        """The answer of a request, which is sent again once where a provider was too slow (docs/api.md, "Errors").

        Raises StepFailedError if the status is not `expected`.
        """
        response = self._send(method, path, **more)
        if response.status_code == 504:
            wait_seconds = int(response.headers["Retry-After"])
            code = response.json()["code"]
            print(f"\n    {code}, on a busy machine: sent again in {wait_seconds} s … ", end="", flush=True)
            time.sleep(wait_seconds)
            response = self._send(method, path, **more)
        if response.status_code != expected:
            raise StepFailedError(f"{method} {path} returned {response.status_code}: {response.text[:500]}")
        return dict(response.json())

    def _send(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> requests.Response:
        headers = self.headers | (headers or {})
        return requests.request(method, self.api_url + path, headers=headers, timeout=30, **more)

    def check(self, claim: str, is_true: bool, received: object = "") -> None:
        """Count a check. Raises StepFailedError if it failed."""
        if not is_true:
            raise StepFailedError(f"not true: {claim}. Received: {received}")
        self.checked += 1
        print(f"  ✓ {claim}")


def register(journey: Journey, email: str) -> None:
    title("A new user")
    response = journey.call("POST", "/auth/register", 201, json={"email": email, "password": PASSWORD, "name": "Ada"})
    journey.headers = {"Authorization": f"Bearer {response['token']}"}
    journey.check("200 free credits", response["user"]["credits"] == {"available": 200, "held": 0}, response["user"])


def balance(journey: Journey) -> tuple[int, int]:
    """Available and held credits."""
    response = journey.call("GET", "/credits/balance")
    return response["available"], response["held"]


def credits_for(milliseconds: int, service: str = "live") -> int:
    """What this much audio costs at the current prices, rounded up to a whole credit."""
    return price_files.load(default_version()).credits_for(service, milliseconds)


def title(text: str) -> None:
    print(f"\n{text}")
