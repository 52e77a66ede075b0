"""Is this deployment what it should be? Asks it as a stranger would, changes nothing, needs no account.

    .venv/bin/python -m scripts.smoke --url https://abc.execute-api.eu-central-1.amazonaws.com/api --origin chrome-extension://<id>

Exit 0 if every check held. What an emulator cannot show is told apart from what is wrong (`--emulated`).
"""

import argparse
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from chalicelib.models.rate_limits import MAX_BURST_DEPLOYED
from chalicelib.payments.checkout import OFF_RETRY_SECONDS
from scripts.shipping.answers import MESSAGES

FOREIGN_ORIGIN = "https://elsewhere.example"
TOKEN_OF_NOBODY = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.c2lnbmF0dXJl"
NEEDED_HEADERS = {"authorization", "content-type", "idempotency-key"}
READ_HEADERS = {"retry-after", "ratelimit-limit", "x-request-id"}


@dataclass
class Smoke:
    """`origin`: the extension's page. `build`: what was deployed, if that is known. `is_emulated`: the gateway is an
    emulator's.
    """

    url: str
    origin: str
    build: str = ""
    is_emulated: bool = False
    lines: list[str] = field(default_factory=list)
    failed: int = 0

    def call(self, method: str, path: str, **request: Any) -> requests.Response:
        return requests.request(method, self.url + path, timeout=30, allow_redirects=False, **request)

    def check(self, claim: str, holds: bool, got: object, emulator: bool = True) -> None:
        """One line of the report. `emulator`: whether an emulated gateway can show it."""
        if holds:
            self._say(f"  ✓ {claim}")
        elif self.is_emulated and not emulator:
            self._say(f"  – {claim}: not shown by the emulated gateway")
        else:
            self.failed += 1
            self._say(f"  ✗ {claim}: no. Got {got}")

    def is_ours(self, answer: requests.Response, status: int, code: str) -> bool:
        """Whether this is the one shape of all errors, with what a browser needs to read it."""
        said = _fields(answer)
        return (
            (answer.status_code, said.get("code")) == (status, code)
            and bool(said.get("request_id"))
            and answer.headers.get("Access-Control-Allow-Origin") == self.origin
        )

    def run(self) -> bool:
        """Every part, also after one that failed; whether all held."""
        parts: list[Callable[[], None]] = [self.alive, self.closed, self.authorizer, self.browsers, self.webhooks]
        for part in [*parts, self.limits, self.prices]:
            self._say(f"\n{part.__doc__}")
            try:
                part()
            except requests.RequestException as error:
                self.failed += 1
                self._say(f"  ✗ no answer from {self.url}: {_reason(error)}")
        self._say(f"\n{'Every check held.' if not self.failed else f'{self.failed} did not hold.'}")
        return not self.failed

    def alive(self) -> None:
        """Alive, and which version"""
        answer = self.call("GET", "/health")
        said = _fields(answer)
        stage, build = said.get("stage"), said.get("build")
        self.check(f"alive (stage {stage}, build {build})", said.get("status") == "ok", _shown(answer))
        # A stage of that name may have plain secrets, and limits that limit nobody.
        self.check("it is no stage of one machine", stage not in (None, "local"), f"stage {stage}", emulator=False)
        if self.build:
            self.check(f"it is what was deployed ({self.build})", build == self.build, f"build {build}")
        self.check("told to come by https only", "Strict-Transport-Security" in answer.headers, dict(answer.headers))

    def closed(self) -> None:
        """What is not there, in our shape"""
        answer = self.call("GET", f"/{uuid.uuid4()}")
        self.check("an unknown path is 404", self.is_ours(answer, 404, "not_found"), _shown(answer))
        answer = self.call("PUT", "/credits/balance")
        self.check("an unknown method is 404", self.is_ours(answer, 404, "not_found"), _shown(answer))

    def authorizer(self) -> None:
        """The authorizer is on"""
        for path in ("/credits/balance", "/auth/user", "/transcription/history", "/analytics/costs"):
            answer = self.call("GET", path)
            self.check(f"{path} without a token is 401", self.is_ours(answer, 401, "unauthenticated"), _shown(answer))
            # The app would refuse it too, in other words: so a gateway that lets everybody through is seen.
            is_gateway = _fields(answer).get("message") == MESSAGES["unauthenticated"]
            self.check(f"{path} is refused by the gateway itself", is_gateway, _shown(answer))
        answer = self.call("GET", "/credits/balance", headers={"Authorization": f"Bearer {TOKEN_OF_NOBODY}"})
        self.check("a made-up token is 401", self.is_ours(answer, 401, "unauthenticated"), _shown(answer))
        answer = self._sign_in()
        self.check("a wrong password is 401", self.is_ours(answer, 401, "invalid_credentials"), _shown(answer))

    def browsers(self) -> None:
        """Only the extension's pages may call"""
        asked = {"Origin": self.origin, "Access-Control-Request-Method": "POST"}
        answer = self.call("OPTIONS", "/transcription/stream", headers=asked)
        allowed = answer.headers.get("Access-Control-Allow-Origin")
        self.check("the extension's page may ask", allowed == self.origin, _cors(answer))
        may_send = _words(answer, "Access-Control-Allow-Headers") >= NEEDED_HEADERS
        self.check("with tokens and idempotency keys", may_send, _cors(answer))
        answer = self.call("GET", "/credits/packages", headers={"Origin": self.origin})
        is_readable = answer.headers.get("Access-Control-Allow-Origin") == self.origin
        self.check("and is answered", answer.status_code == 200 and is_readable, f"{_shown(answer)} {_cors(answer)}")
        may_read = _words(answer, "Access-Control-Expose-Headers") >= READ_HEADERS
        self.check("and may read when to ask again", may_read, _cors(answer))
        for origin in (FOREIGN_ORIGIN, "null"):
            answer = self.call("GET", "/health", headers={"Origin": origin})
            refused = self.is_ours(answer, 403, "origin_not_allowed")
            self.check(f"a page of {origin} is refused", refused, f"{_shown(answer)} {_cors(answer)}")

    def webhooks(self) -> None:
        """Only the right callers move money or jobs"""
        event = '{"id": "evt_smoke", "type": "checkout.session.completed", "data": {"object": {}}}'
        for signature in ({}, {"Stripe-Signature": "t=1,v1=" + "0" * 64}):
            answer = self.call("POST", "/webhooks/stripe", data=event, headers=_json() | signature)
            what = "a wrongly signed payment event" if signature else "an unsigned payment event"
            # Any other 503, as of a secret that cannot be read, tells to come again sooner.
            if (answer.status_code, answer.headers.get("Retry-After")) == (503, str(OFF_RETRY_SECONDS)):
                self._say("  – payments are not set up: nothing is sold")
                break
            self.check(f"{what} is refused", self.is_ours(answer, 400, "invalid_signature"), _shown(answer))
        said = '{"transcript_id": "smoke", "status": "completed"}'
        answer = self.call("POST", f"/webhooks/assemblyai?job={uuid.uuid4()}", data=said, headers=_json())
        is_refused = self.is_ours(answer, 400, "invalid_signature")
        self.check("a webhook without its job's secret is refused", is_refused, _shown(answer))

    def limits(self) -> None:
        """The limiter is on"""
        answer = self._sign_in()
        most, left = (_number(answer, f"RateLimit-{what}") for what in ("Limit", "Remaining"))
        told = f"RateLimit-Limit {most}, RateLimit-Remaining {left} on /auth/login"
        is_counted = most is not None and left is not None and left < most
        self.check(f"sign-ins are counted ({left} of {most} are left)", is_counted, told)
        is_limit = most is not None and most <= MAX_BURST_DEPLOYED
        self.check("the limit is one that limits", is_limit, told, emulator=False)

    def prices(self) -> None:
        """What is sold"""
        answer = self.call("GET", "/credits/packages")
        packages = _fields(answer).get("packages") or []
        self.check(f"credits have a price ({len(packages)} packages)", bool(packages), _shown(answer))

    def _sign_in(self) -> requests.Response:
        """As nobody."""
        words = {"email": f"smoke-{uuid.uuid4()}@example.com", "password": "not the password"}
        return self.call("POST", "/auth/login", json=words)

    def _say(self, line: str) -> None:
        self.lines.append(line)
        print(line, flush=True)


def _json() -> dict[str, str]:
    return {"Content-Type": "application/json"}


def _fields(answer: requests.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty if it is none."""
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _words(answer: requests.Response, header: str) -> set[str]:
    return {word.strip().lower() for word in answer.headers.get(header, "").split(",")}


def _number(answer: requests.Response, header: str) -> int | None:
    word = answer.headers.get(header, "")
    return int(word) if word.isascii() and word.isdigit() else None


def _shown(answer: requests.Response) -> str:
    return f"{answer.status_code} {answer.text[:160]}"


def _reason(error: requests.RequestException) -> str:
    """What stood in the way, in a line."""
    return f"{type(error).__name__}: {str(error.__context__ or error)[:160]}"


def _cors(answer: requests.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.lower().startswith("access-control-")}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--url", required=True, help="with the stage, as `make deploy` printed it")
    parser.add_argument("--origin", required=True, help="EXTENSION_ORIGIN of the deployment")
    parser.add_argument("--build", default="", help="the build that `make deploy` printed")
    parser.add_argument("--emulated", action="store_true", help="the gateway is that of `make stack`")
    asked = parser.parse_args(arguments)
    print(f"{asked.url}")
    return 0 if Smoke(asked.url.rstrip("/"), asked.origin, asked.build, asked.emulated).run() else 1


if __name__ == "__main__":
    sys.exit(main())
