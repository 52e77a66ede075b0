"""The smoke test against deployments that are right, and wrong in one thing each: no check of it that cannot fail."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from chalicelib.payments.checkout import OFF_RETRY_SECONDS
from scripts.shipping.answers import MESSAGES
from scripts.smoke import FOREIGN_ORIGIN, Smoke, main

ORIGIN, BUILD = "chrome-extension://abcdefghijklmnopabcdefghijklmnop", "0123456789ab"
OUR_HEADERS = {
    "Access-Control-Allow-Origin": ORIGIN,
    "Access-Control-Expose-Headers": "Retry-After,RateLimit-Limit,X-Request-Id",
    "Strict-Transport-Security": "max-age=31536000",
}
COUNTED = {"RateLimit-Limit": "120", "RateLimit-Remaining": "119"}


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]

    @property
    def origin(self) -> str | None:
        return self.headers.get("origin")


@dataclass
class Answer:
    status: int
    said: object
    headers: dict[str, str] = field(default_factory=lambda: dict(OUR_HEADERS))


def error(status: int, code: str, message: str = "No.", **headers: str) -> Answer:
    return Answer(status, {"code": code, "message": message, "request_id": "1"}, OUR_HEADERS | headers)


def healthy(asked: Asked) -> Answer:
    """As a deployment of ours answers, its gateway among it."""
    if asked.method == "OPTIONS":
        allowed = {"Access-Control-Allow-Headers": "Authorization,Content-Type,Idempotency-Key,X-Amz-Date"}
        return Answer(200, {}, OUR_HEADERS | allowed)
    if asked.origin not in (None, ORIGIN):
        return error(403, "origin_not_allowed")
    match (asked.method, asked.path.partition("?")[0]):
        case ("GET", "/health"):
            return Answer(200, {"status": "ok", "stage": "prod", "build": BUILD})
        case ("GET", "/credits/balance" | "/auth/user" | "/transcription/history" | "/analytics/costs"):
            return error(401, "unauthenticated", MESSAGES["unauthenticated"])
        case ("GET", "/credits/packages"):
            return Answer(200, {"packages": [{"package_id": "starter"}]})
        case ("POST", "/auth/login"):
            return error(401, "invalid_credentials", **COUNTED)
        case ("POST", "/webhooks/stripe" | "/webhooks/assemblyai"):
            return error(400, "invalid_signature")
    return error(404, "not_found")


Wrong = Callable[[Asked, Answer], Answer | None]


@dataclass
class Deployment:
    """A server on loopback, right but for what `wrong` changes."""

    url: str = ""
    wrong: Wrong = lambda asked, answer: None

    def answer(self, asked: Asked) -> Answer:
        right = healthy(asked)
        return self.wrong(asked, right) or right


@pytest.fixture(scope="module")
def server() -> Iterator[Deployment]:
    deployment = Deployment()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = deployment.answer(Asked(self.command, self.path, headers))
            if said.status == 0:  # nothing at all
                self.close_connection = True
                return
            body = said.said.encode() if isinstance(said.said, str) else json.dumps(said.said).encode()
            self.send_response(said.status)
            for name, value in {"Content-Length": str(len(body)), **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_OPTIONS = answer

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        deployment.url = f"http://127.0.0.1:{listening.server_port}"
        serving = Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
        serving.start()
        yield deployment
        listening.shutdown()


@pytest.fixture
def deployment(server: Deployment) -> Iterator[Deployment]:
    yield server
    server.wrong = lambda asked, answer: None


def claims(smoke: Smoke, mark: str) -> set[str]:
    """What the report says under a mark, without the figures in it."""
    said = [line.removeprefix(f"  {mark} ") for line in smoke.lines if line.startswith(f"  {mark} ")]
    return {line.partition(": no.")[0].partition(" (")[0] for line in said}


# One thing that can be wrong


def on(path: str, change: Callable[[Asked, Answer], Answer | None], method: str | None = None) -> Wrong:
    def wrong(asked: Asked, answer: Answer) -> Answer | None:
        is_meant = asked.path.startswith(path) and method in (None, asked.method)
        return change(asked, answer) if is_meant else None

    return wrong


def without(*names: str) -> Callable[[Asked, Answer], Answer]:
    return lambda _, answer: Answer(
        answer.status, answer.said, {k: v for k, v in answer.headers.items() if k not in names}
    )


def headers(**changed: str) -> Callable[[Asked, Answer], Answer]:
    named = {name.replace("_", "-"): value for name, value in changed.items()}
    return lambda _, answer: Answer(answer.status, answer.said, answer.headers | named)


def is_200(_: Asked, answer: Answer) -> Answer:
    return Answer(200, {"received": True}, answer.headers)


def health(**changed: str) -> Wrong:
    def change(asked: Asked, answer: Answer) -> Answer | None:
        good = {"status": "ok", "stage": "prod", "build": BUILD}
        return Answer(200, good | changed, answer.headers) if asked.origin is None else None

    return on("/health", change)


def any_page(asked: Asked, answer: Answer) -> Answer | None:
    allowed = {"Access-Control-Allow-Origin": asked.origin or "*"}
    return Answer(200, {"status": "ok", "stage": "prod", "build": BUILD}, answer.headers | allowed)


PRIVATE = {f"{path} without a token is 401" for path in
           ("/credits/balance", "/auth/user", "/transcription/history", "/analytics/costs")}  # fmt: skip
BY_GATEWAY = {claim.replace("without a token is 401", "is refused by the gateway itself") for claim in PRIVATE}
UNSIGNED, MISSIGNED = "an unsigned payment event is refused", "a wrongly signed payment event is refused"
FOREIGN = {f"a page of {origin} is refused" for origin in (FOREIGN_ORIGIN, "null")}
COUNTS, LIMITS = "sign-ins are counted", "the limit is one that limits"
MAY_ASK, MAY_SEND, ANSWERED, MAY_READ = (
    "the extension's page may ask", "with tokens and idempotency keys", "and is answered",
    "and may read when to ask again",
)  # fmt: skip

WRONG: dict[str, tuple[Wrong, set[str]]] = {
    "the limiter is off": (on("/auth/login", without(*COUNTED)), {COUNTS, LIMITS}),
    "the limiter counts nothing": (on("/auth/login", headers(RateLimit_Remaining="120")), {COUNTS}),
    "the limit limits nobody": (
        on("/auth/login", headers(RateLimit_Limit="1000000", RateLimit_Remaining="999999")), {LIMITS}
    ),
    "the stage is named local, so that no limit is checked": (health(stage="local"), {"it is no stage of one machine"}),
    "the settings are refused": (
        lambda asked, _: error(500, "internal_error"),
        {COUNTS, LIMITS, "alive", "an unknown path is 404", "a wrong password is 401", UNSIGNED},
    ),
    "the gateway lets everybody through": (
        lambda asked, answer: error(401, "unauthenticated", "Send your ID token.") if answer.status == 401
        and asked.path != "/auth/login" else None,
        BY_GATEWAY,
    ),
    "nobody asks for a token": (
        lambda asked, answer: Answer(200, {"available": 0}) if answer.status == 401 else None,
        {*PRIVATE, *BY_GATEWAY, "a made-up token is 401", "a wrong password is 401"},
    ),
    "one route asks for none": (
        on("/auth/user", is_200), {"/auth/user without a token is 401", "/auth/user is refused by the gateway itself"}
    ),
    "a token is not checked": (
        on("/credits/balance", lambda asked, _: Answer(200, {}) if "authorization" in asked.headers else None),
        {"a made-up token is 401"},
    ),
    "a preflight allows every page": (
        on("/", headers(Access_Control_Allow_Origin="*"), "OPTIONS"), {MAY_ASK}
    ),
    "a preflight allows no token": (
        on("/", headers(Access_Control_Allow_Headers="Content-Type"), "OPTIONS"), {MAY_SEND}
    ),
    "answers name another page": (
        on("/", headers(Access_Control_Allow_Origin="chrome-extension://another")),
        {MAY_ASK, ANSWERED, *FOREIGN, *PRIVATE, UNSIGNED, MISSIGNED, "an unknown path is 404"},
    ),
    "answers hide their headers": (on("/credits/packages", without("Access-Control-Expose-Headers")), {MAY_READ}),
    "every page is answered": (
        lambda asked, answer: any_page(asked, answer) if answer.status == 403 else None, FOREIGN
    ),
    "unsigned payments are believed": (on("/webhooks/stripe", is_200), {UNSIGNED, MISSIGNED}),
    "wrongly signed payments are believed": (
        on("/webhooks/stripe", lambda asked, a: is_200(asked, a) if "stripe-signature" in asked.headers else None),
        {MISSIGNED},
    ),
    "the webhook's secret cannot be read": (
        on("/webhooks/stripe", lambda *_: error(503, "unavailable", **{"Retry-After": "30"})), {UNSIGNED, MISSIGNED}
    ),
    "a job's secret is not asked for": (
        on("/webhooks/assemblyai", is_200), {"a webhook without its job's secret is refused"}
    ),
    "a job's webhook is refused for its shape alone": (
        on("/webhooks/assemblyai", lambda *_: error(400, "invalid_request")),
        {"a webhook without its job's secret is refused"},
    ),
    "another build is running": (health(build="ba9876543210"), {"it is what was deployed"}),
    "it is not well": (health(status="ill"), {"alive"}),
    "it is reached by http": (on("/health", without("Strict-Transport-Security")), {"told to come by https only"}),
    "an unknown method is found": (on("/credits/balance", is_200, "PUT"), {"an unknown method is 404"}),
    "an unknown path is not in our shape": (
        lambda _, answer: Answer(404, {"message": "Not Found"}) if answer.status == 404 else None,
        {"an unknown path is 404", "an unknown method is 404"},
    ),
    "nothing is sold": (on("/credits/packages", lambda *_: Answer(200, {"packages": []})), {"credits have a price"}),
    "no JSON comes": (lambda *_: Answer(200, "<html>"), {"alive", "an unknown path is 404", "credits have a price"}),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_found_and_said(deployment: Deployment, what: str) -> None:
    deployment.wrong, expected = WRONG[what]
    smoke = Smoke(deployment.url, ORIGIN, BUILD)

    assert smoke.run() is False

    assert claims(smoke, "✗") >= expected
    assert smoke.lines[-1] == f"\n{smoke.failed} did not hold."
    assert all(": no. Got " in line for line in smoke.lines if "✗" in line)


def test_a_deployment_that_is_right_passes_every_check_and_each_of_them_can_fail(deployment: Deployment) -> None:
    smoke = Smoke(deployment.url, ORIGIN, BUILD)

    assert smoke.run() is True

    assert claims(smoke, "✗") == claims(smoke, "–") == set()
    assert claims(smoke, "✓") == set().union(*(expected for _, expected in WRONG.values()))


def test_each_wrong_thing_is_found_for_itself(deployment: Deployment) -> None:
    """So that two checks do not stand or fall by one answer where they should not."""
    narrow = (
        "the limiter counts nothing",
        "the limit limits nobody",
        "another build is running",
        "a token is not checked",
    )
    for what in narrow:
        deployment.wrong, expected = WRONG[what]
        smoke = Smoke(deployment.url, ORIGIN, BUILD)
        smoke.run()
        assert claims(smoke, "✗") == expected


def test_payments_that_are_not_set_up_are_no_failure(deployment: Deployment) -> None:
    deployment.wrong = on(
        "/webhooks/stripe", lambda *_: error(503, "unavailable", **{"Retry-After": str(OFF_RETRY_SECONDS)})
    )
    smoke = Smoke(deployment.url, ORIGIN, BUILD)

    assert smoke.run() is True
    assert "  – payments are not set up: nothing is sold" in smoke.lines


def test_what_an_emulator_cannot_show_is_told_apart(deployment: Deployment) -> None:
    deployment.wrong = on("/auth/login", headers(RateLimit_Limit="1000000", RateLimit_Remaining="999999"))

    assert Smoke(deployment.url, ORIGIN, is_emulated=True).run() is True
    assert Smoke(deployment.url, ORIGIN).run() is False


def test_a_deployment_that_does_not_answer_is_a_failure_and_no_traceback(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.wrong = lambda *_: Answer(0, "")

    assert main(["--url", deployment.url, "--origin", ORIGIN]) == 1
    assert f"✗ no answer from {deployment.url}: ConnectionError" in capsys.readouterr().out
    deployment.wrong = lambda *_: None
    assert main(["--url", f"{deployment.url}/", "--origin", ORIGIN, "--build", BUILD]) == 0
