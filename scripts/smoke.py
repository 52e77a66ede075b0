"""Check a deployment from outside: without an account, and without changing anything.

    .venv/bin/python -m scripts.smoke --url https://abc.execute-api.eu-central-1.amazonaws.com/api --origin chrome-extension://<id>

Exits with 0 if every check passed. With `--emulated`, checks that an emulated gateway cannot pass are not failures.
"""

import argparse
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from chalicelib.errors import OFF_RETRY_SECONDS
from chalicelib.models.rate_limits import MAX_BURST_DEPLOYED
from chalicelib.settings.provider_registry import split_list
from scripts.shipping.answers import MESSAGES

FOREIGN_ORIGIN = "https://elsewhere.example"
UNSIGNED_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.c2lnbmF0dXJl"
NEEDED_HEADERS = {"authorization", "content-type", "idempotency-key"}
READ_HEADERS = {"retry-after", "ratelimit-limit", "x-request-id"}


@dataclass
class Smoke:
    """The checks and their report.

    `origin`: of the extension; several are comma-separated, as in the setting. `build`: the deployed build, if it is
    known. `is_emulated`: the gateway is emulated.
    """

    url: str
    origin: str
    build: str = ""
    is_emulated: bool = False
    lines: list[str] = field(default_factory=list)
    failed: int = 0

    @property
    def origins(self) -> list[str]:
        return split_list(self.origin)

    def call(self, method: str, path: str, **request: Any) -> requests.Response:
        return requests.request(method, self.url + path, timeout=30, allow_redirects=False, **request)

    def check(self, claim: str, is_true: bool, received: object, emulator: bool = True) -> None:
        """Add one line to the report. `emulator`: whether an emulated gateway can pass the check."""
        if is_true:
            self._print(f"  ✓ {claim}")
        elif self.is_emulated and not emulator:
            self._print(f"  – {claim}: cannot be checked with an emulated gateway")
        else:
            self.failed += 1
            self._print(f"  ✗ {claim}: failed. Received {received}")

    def is_error(self, response: requests.Response, status: int, code: str) -> bool:
        """Whether the response is this error in the shape of all errors, readable by the page that called."""
        body = _fields(response)
        caller = next((value for name, value in response.request.headers.items() if name.lower() == "origin"), None)
        reader = caller if caller in self.origins else self.origins[0]
        return (
            (response.status_code, body.get("code")) == (status, code)
            and bool(body.get("request_id"))
            and response.headers.get("Access-Control-Allow-Origin") == reader
        )

    def run(self) -> bool:
        """Run all parts, also after a failure; returns whether every check passed."""
        parts: list[Callable[[], None]] = [
            self.check_health,
            self.check_unknown_paths,
            self.check_authorizer,
            self.check_browsers,
            self.check_webhooks,
            self.check_limits,
            self.check_prices,
            self.check_stages,
        ]
        for part in parts:
            self._print(f"\n{part.__doc__}")
            try:
                part()
            except requests.RequestException as error:
                self.failed += 1
                self._print(f"  ✗ no response from {self.url}: {_reason(error)}")
        self._print(f"\n{f'{self.failed} of the checks failed.' if self.failed else 'All checks passed.'}")
        return not self.failed

    def check_health(self) -> None:
        """Health and version"""
        response = self.call("GET", "/health")
        body = _fields(response)
        stage, build = body.get("stage"), body.get("build")
        self.check(f"healthy (stage {stage}, build {build})", body.get("status") == "ok", _summary(response))
        # The stage local may have secrets in plain text and rate limits without effect.
        self.check("deployed as a stage of AWS", stage not in (None, "local"), f"stage {stage}", emulator=False)
        if self.build:
            self.check(f"it is the deployed build ({self.build})", build == self.build, f"build {build}")
        self.check("browsers must use https", "Strict-Transport-Security" in response.headers, dict(response.headers))

    def check_unknown_paths(self) -> None:
        """Errors for unknown paths"""
        # In lower case, as browsers send it over HTTP/2: the gateway itself answers, by the name that it received.
        response = self.call("GET", f"/{uuid.uuid4()}", headers={"origin": self.origins[-1]})
        self.check("an unknown path returns 404", self.is_error(response, 404, "not_found"), _summary(response))
        response = self.call("PUT", "/credits/balance", headers={"Origin": self.origins[0]})
        self.check("an unknown method returns 404", self.is_error(response, 404, "not_found"), _summary(response))

    def check_authorizer(self) -> None:
        """Authorization"""
        for path in ("/credits/balance", "/auth/user", "/transcription/history", "/analytics/costs"):
            response = self.call("GET", path, headers={"Origin": self.origins[-1]})
            self.check(
                f"{path} without a token returns 401",
                self.is_error(response, 401, "unauthenticated"),
                _summary(response),
            )
            # The app rejects it too, with another message, which shows a gateway that checks nothing.
            is_gateway = _fields(response).get("message") == MESSAGES["unauthenticated"]
            self.check(f"{path} is rejected by the gateway itself", is_gateway, _summary(response))
        unsigned = {"Authorization": f"Bearer {UNSIGNED_TOKEN}", "Origin": self.origins[0]}
        response = self.call("GET", "/credits/balance", headers=unsigned)
        self.check("an unsigned token returns 401", self.is_error(response, 401, "unauthenticated"), _summary(response))
        response = self._sign_in()
        self.check(
            "a wrong password returns 401", self.is_error(response, 401, "invalid_credentials"), _summary(response)
        )

    def check_browsers(self) -> None:
        """Browser requests of the extension only"""
        for origin in self.origins:
            self._check_allowed_origin(origin)
        self._check_cached_responses()
        for origin in (FOREIGN_ORIGIN, "null"):
            response = self.call("GET", "/health", headers={"Origin": origin})
            is_rejected = self.is_error(response, 403, "origin_not_allowed")
            self.check(f"the origin {origin} is rejected", is_rejected, f"{_summary(response)} {_cors(response)}")

    def _check_allowed_origin(self, origin: str) -> None:
        preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        response = self.call("OPTIONS", "/transcription/stream", headers=preflight)
        allowed = response.headers.get("Access-Control-Allow-Origin")
        # The emulated gateway runs no mapping templates: it answers every preflight by the name of the first origin.
        is_first = origin == self.origins[0]
        self.check(f"{origin} may send requests", allowed == origin, _cors(response), emulator=is_first)
        has_headers = _list_items(response, "Access-Control-Allow-Headers") >= NEEDED_HEADERS
        self.check("with tokens and idempotency keys", has_headers, _cors(response))
        response = self.call("GET", "/credits/packages", headers={"Origin": origin})
        is_readable = response.headers.get("Access-Control-Allow-Origin") == origin
        self.check(
            "and can read the response",
            response.status_code == 200 and is_readable,
            f"{_summary(response)} {_cors(response)}",
        )
        can_read_headers = _list_items(response, "Access-Control-Expose-Headers") >= READ_HEADERS
        self.check("and can read when to retry", can_read_headers, _cors(response))

    def _check_cached_responses(self) -> None:
        """Every origin twice, by the lower-case name of the header, which browsers send over HTTP/2.

        The gateway's cache must find the origin by that name too: it would give the response of one page to another.
        """
        wrong = []
        for origin in self.origins * 2:
            response = self.call("GET", "/credits/packages", headers={"origin": origin})
            if response.headers.get("Access-Control-Allow-Origin") != origin:
                wrong.append(f"{_cors(response)} for {origin}")
        self.check("each origin can read it again, also from the gateway's cache", not wrong, "; ".join(wrong))

    def check_webhooks(self) -> None:
        """Signatures of webhooks"""
        event = '{"id": "evt_smoke", "type": "checkout.session.completed", "data": {"object": {}}}'
        for signature in ({}, {"Stripe-Signature": "t=1,v1=" + "0" * 64}):
            response = self.call("POST", "/webhooks/stripe", data=event, headers=_json() | signature)
            event_name = "a payment event with a wrong signature" if signature else "an unsigned payment event"
            # Other 503 responses, such as for an unreadable secret, have a shorter Retry-After.
            if (response.status_code, response.headers.get("Retry-After")) == (503, str(OFF_RETRY_SECONDS)):
                self._print("  – payments are not configured: no credits are sold")
                break
            self.check(
                f"{event_name} is rejected", self.is_error(response, 400, "invalid_signature"), _summary(response)
            )
        body = '{"transcript_id": "smoke", "status": "completed"}'
        response = self.call("POST", f"/webhooks/assemblyai?job={uuid.uuid4()}", data=body, headers=_json())
        is_rejected = self.is_error(response, 400, "invalid_signature")
        self.check("a webhook without the secret of its job is rejected", is_rejected, _summary(response))

    def check_limits(self) -> None:
        """Rate limits"""
        response = self._sign_in()
        most, left = (_number(response, f"RateLimit-{what}") for what in ("Limit", "Remaining"))
        received = f"RateLimit-Limit {most}, RateLimit-Remaining {left} on /auth/login"
        is_counted = most is not None and left is not None and left < most
        self.check(f"sign-ins are counted ({left} of {most} are left)", is_counted, received)
        is_limit = most is not None and most <= MAX_BURST_DEPLOYED
        self.check("the limit is low enough", is_limit, received, emulator=False)

    def check_prices(self) -> None:
        """Prices"""
        response = self.call("GET", "/credits/packages")
        packages = _fields(response).get("packages") or []
        self.check(f"packages of credits are offered ({len(packages)})", bool(packages), _summary(response))

    def check_stages(self) -> None:
        """One stage"""
        # SAM names it like this; it would have no throttling.
        address = urlsplit(self.url)._replace(path="/Stage/health").geturl()
        response = requests.get(address, timeout=30, allow_redirects=False)
        claim = "the gateway has no second stage named Stage"
        # At a domain of its own, every path leads into the one stage, which knows none of that name.
        if _fields(response).get("code") == "not_found":
            self._print(f"  – {claim}: cannot be seen at this address, but at API Gateway's own (output EndpointURL)")
            return
        is_refused = response.status_code >= 400 and _fields(response).get("status") != "ok"
        self.check(claim, is_refused, _summary(response))

    def _sign_in(self) -> requests.Response:
        """Sign in to an account that does not exist."""
        body = {"email": f"smoke-{uuid.uuid4()}@example.com", "password": "a wrong password"}
        return self.call("POST", "/auth/login", json=body)

    def _print(self, line: str) -> None:
        self.lines.append(line)
        print(line, flush=True)


def _json() -> dict[str, str]:
    return {"Content-Type": "application/json"}


def _fields(response: requests.Response) -> dict[str, Any]:
    """The JSON object of a response; empty if it is not one."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _list_items(response: requests.Response, header: str) -> set[str]:
    return {item.strip().lower() for item in response.headers.get(header, "").split(",")}


def _number(response: requests.Response, header: str) -> int | None:
    value = response.headers.get(header, "")
    return int(value) if value.isascii() and value.isdigit() else None


def _summary(response: requests.Response) -> str:
    return f"{response.status_code} {response.text[:160]}"


def _reason(error: requests.RequestException) -> str:
    """The cause of a failed request, in one line."""
    return f"{type(error).__name__}: {str(error.__context__ or error)[:160]}"


def _cors(response: requests.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.lower().startswith("access-control-")}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--url", required=True, help="with the stage, as printed by `make deploy`")
    parser.add_argument("--origin", required=True, help="EXTENSION_ORIGIN of the deployment, one or several")
    parser.add_argument("--build", default="", help="the build printed by `make deploy`")
    parser.add_argument("--emulated", action="store_true", help="the gateway is the emulated one of `make stack`")
    options = parser.parse_args(arguments)
    print(f"{options.url}")
    return 0 if Smoke(options.url.rstrip("/"), options.origin, options.build, options.emulated).run() else 1


if __name__ == "__main__":
    sys.exit(main())
