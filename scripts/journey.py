"""A listener's calls to a running backend, and a tick for each thing that was checked: for the demo and its parts."""

from dataclasses import dataclass, field
from typing import Any

import requests

PASSWORD = "correct horse battery staple"


class StepFailedError(Exception):
    """A step of the journey did not hold; the text says which and what came instead."""


@dataclass
class Journey:
    """One listener's calls, and a tick for each thing that was checked."""

    api_url: str
    headers: dict[str, str] = field(default_factory=dict)
    checked: int = 0

    def call(self, method: str, path: str, expected: int = 200, **more: Any) -> dict[str, Any]:
        headers = self.headers | more.pop("headers", {})
        answer = requests.request(method, self.api_url + path, headers=headers, timeout=30, **more)
        if answer.status_code != expected:
            raise StepFailedError(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")
        return dict(answer.json())

    def check(self, claim: str, holds: bool, got: object = "") -> None:
        if not holds:
            raise StepFailedError(f"{claim}: no. {got}")
        self.checked += 1
        print(f"  ✓ {claim}")


def register(journey: Journey, email: str) -> None:
    title("A new user")
    answer = journey.call("POST", "/auth/register", 201, json={"email": email, "password": PASSWORD, "name": "Ada"})
    journey.headers = {"Authorization": f"Bearer {answer['token']}"}
    journey.check("200 free credits", answer["user"]["credits"] == {"available": 200, "held": 0}, answer["user"])


def balance(journey: Journey) -> tuple[int, int]:
    answer = journey.call("GET", "/credits/balance")
    return answer["available"], answer["held"]


def credits_for(milliseconds: int) -> int:
    """10 credits a minute, a started credit in full: the price as the demo's listener knows it."""
    return -(-milliseconds * 10 // 60_000)


def title(text: str) -> None:
    print(f"\n{text}")
