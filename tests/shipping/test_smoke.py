"""The smoke test with a correct deployment and with one fault each: every check can fail."""

from collections.abc import Callable, Iterator

import pytest

from chalicelib.errors import OFF_RETRY_SECONDS
from scripts.smoke import FOREIGN_ORIGIN, Smoke, main
from tests.shipping.fake_deployment import (
    BUILD,
    COUNTED,
    ORIGIN,
    OTHER_ORIGIN,
    Deployment,
    Fault,
    ReceivedRequest,
    Response,
    error,
    serve_deployment,
)


@pytest.fixture(scope="module")
def server() -> Iterator[Deployment]:
    with serve_deployment() as running:
        yield running


@pytest.fixture
def deployment(server: Deployment) -> Iterator[Deployment]:
    yield server
    server.fault = lambda request, response: None


def claims(smoke: Smoke, mark: str) -> set[str]:
    """The claims of the report with this mark, without the figures in them."""
    lines = [line.removeprefix(f"  {mark} ") for line in smoke.lines if line.startswith(f"  {mark} ")]
    return {line.partition(": failed.")[0].partition(" (")[0] for line in lines}


# Single faults


def on(path: str, change: Fault, method: str | None = None) -> Fault:
    def fault(request: ReceivedRequest, response: Response) -> Response | None:
        is_changed = request.path.startswith(path) and method in (None, request.method)
        return change(request, response) if is_changed else None

    return fault


def remove_headers(*names: str) -> Callable[[ReceivedRequest, Response], Response]:
    return lambda _, response: Response(
        response.status, response.body, {k: v for k, v in response.headers.items() if k not in names}
    )


def set_headers(**changes: str) -> Callable[[ReceivedRequest, Response], Response]:
    values = {name.replace("_", "-"): value for name, value in changes.items()}
    return lambda _, response: Response(response.status, response.body, response.headers | values)


def accept(_: ReceivedRequest, response: Response) -> Response:
    return Response(200, {"received": True}, response.headers)


def set_health(**changes: str) -> Fault:
    def change(request: ReceivedRequest, response: Response) -> Response | None:
        fields = {"status": "ok", "stage": "prod", "build": BUILD}
        return Response(200, fields | changes, response.headers) if request.origin is None else None

    return on("/health", change)


def allow_any_origin(request: ReceivedRequest, response: Response) -> Response | None:
    allowed = {"Access-Control-Allow-Origin": request.origin or "*"}
    return Response(200, {"status": "ok", "stage": "prod", "build": BUILD}, response.headers | allowed)


PRIVATE = {f"{path} without a token returns 401" for path in
           ("/credits/balance", "/auth/user", "/transcription/history", "/analytics/costs")}  # fmt: skip
BY_GATEWAY = {claim.replace("without a token returns 401", "is rejected by the gateway itself") for claim in PRIVATE}
UNSIGNED, MISSIGNED = "an unsigned payment event is rejected", "a payment event with a wrong signature is rejected"
FOREIGN = {f"the origin {origin} is rejected" for origin in (FOREIGN_ORIGIN, "null")}
FROM_CACHE = "each origin can read it again, also from the gateway's cache"
COUNTS, LIMITS = "sign-ins are counted", "the limit is low enough"
MAY_SEND, MAY_SEND_HEADERS, CAN_READ, CAN_READ_HEADERS = (
    f"{ORIGIN} may send requests", "with tokens and idempotency keys", "and can read the response",
    "and can read when to retry",
)  # fmt: skip


def first_origin_only(request: ReceivedRequest, response: Response) -> Response | None:
    """As a preflight without a mapping template answers."""
    is_preflight = request.method == "OPTIONS"
    return Response(200, {}, response.headers | {"Access-Control-Allow-Origin": ORIGIN}) if is_preflight else None


FAULTS: dict[str, tuple[Fault, set[str]]] = {
    "the limiter is off": (on("/auth/login", remove_headers(*COUNTED)), {COUNTS, LIMITS}),
    "the limiter counts nothing": (on("/auth/login", set_headers(RateLimit_Remaining="120")), {COUNTS}),
    "the limit is too high": (
        on("/auth/login", set_headers(RateLimit_Limit="1000000", RateLimit_Remaining="999999")), {LIMITS}
    ),
    "the stage is named local": (set_health(stage="local"), {"deployed as a stage of AWS"}),
    "the settings are invalid": (
        lambda request, _: error(500, "internal_error"),
        {COUNTS, LIMITS, "healthy", "an unknown path returns 404", "a wrong password returns 401", UNSIGNED},
    ),
    "the gateway checks no token": (
        lambda request, response: error(401, "unauthenticated", "Send your ID token.") if response.status == 401
        and request.path != "/auth/login" else None,
        BY_GATEWAY,
    ),
    "neither gateway nor app check a token": (
        lambda request, response: Response(200, {"available": 0}) if response.status == 401 else None,
        {*PRIVATE, *BY_GATEWAY, "an unsigned token returns 401", "a wrong password returns 401"},
    ),
    "one route needs no token": (
        on("/auth/user", accept),
        {"/auth/user without a token returns 401", "/auth/user is rejected by the gateway itself"},
    ),
    "a token is not verified": (
        on("/credits/balance", lambda request, _: Response(200, {}) if "authorization" in request.headers else None),
        {"an unsigned token returns 401"},
    ),
    "a preflight allows every origin": (
        on("/", set_headers(Access_Control_Allow_Origin="*"), "OPTIONS"), {MAY_SEND}
    ),
    "a preflight allows no token": (
        on("/", set_headers(Access_Control_Allow_Headers="Content-Type"), "OPTIONS"), {MAY_SEND_HEADERS}
    ),
    "responses allow another origin": (
        on("/", set_headers(Access_Control_Allow_Origin="chrome-extension://another")),
        {MAY_SEND, CAN_READ, *FOREIGN, *PRIVATE, UNSIGNED, MISSIGNED, "an unknown path returns 404"},
    ),
    "responses hide their headers": (
        on("/credits/packages", remove_headers("Access-Control-Expose-Headers")), {CAN_READ_HEADERS}
    ),
    "an origin is not found by the lower-case name of its header": (
        on("/credits/packages", lambda request, response: remove_headers("Access-Control-Allow-Origin")(
            request, response) if "origin" in request.names else None),
        {FROM_CACHE},
    ),
    "every origin is allowed": (
        lambda request, response: allow_any_origin(request, response) if response.status == 403 else None, FOREIGN
    ),
    "unsigned payments are accepted": (on("/webhooks/stripe", accept), {UNSIGNED, MISSIGNED}),
    "payments with a wrong signature are accepted": (
        on("/webhooks/stripe", lambda *both: accept(*both) if "stripe-signature" in both[0].headers else None),
        {MISSIGNED},
    ),
    "the secret of the webhook cannot be read": (
        on("/webhooks/stripe", lambda *_: error(503, "unavailable", **{"Retry-After": "30"})), {UNSIGNED, MISSIGNED}
    ),
    "the secret of a job is not checked": (
        on("/webhooks/assemblyai", accept), {"a webhook without the secret of its job is rejected"}
    ),
    "the webhook of a job is rejected for its shape only": (
        on("/webhooks/assemblyai", lambda *_: error(400, "invalid_request")),
        {"a webhook without the secret of its job is rejected"},
    ),
    "another build runs": (set_health(build="ba9876543210"), {"it is the deployed build"}),
    "it is not healthy": (set_health(status="ill"), {"healthy"}),
    "http is allowed": (on("/health", remove_headers("Strict-Transport-Security")), {"browsers must use https"}),
    "an unknown method is accepted": (on("/credits/balance", accept, "PUT"), {"an unknown method returns 404"}),
    "the error of an unknown path has another shape": (
        lambda _, response: Response(404, {"message": "Not Found"}) if response.status == 404 else None,
        {"an unknown path returns 404", "an unknown method returns 404"},
    ),
    "no packages are offered": (
        on("/credits/packages", lambda *_: Response(200, {"packages": []})), {"packages of credits are offered"}
    ),
    "a second stage is public": (
        on("/Stage/health", lambda *_: Response(200, {"status": "ok"})), {"the gateway has no second stage named Stage"}
    ),
    "responses are not JSON": (
        lambda *_: Response(200, "<html>"),
        {"healthy", "an unknown path returns 404", "packages of credits are offered"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_found_and_reported(deployment: Deployment, name: str) -> None:
    deployment.fault, expected = FAULTS[name]
    smoke = Smoke(deployment.url, ORIGIN, BUILD)

    assert smoke.run() is False

    assert claims(smoke, "✗") >= expected
    assert smoke.lines[-1] == f"\n{smoke.failed} of the checks failed."
    assert all(": failed. Received " in line for line in smoke.lines if "✗" in line)


def test_a_correct_deployment_passes_every_check_and_each_check_can_fail(deployment: Deployment) -> None:
    smoke = Smoke(deployment.url, ORIGIN, BUILD)

    assert smoke.run() is True

    assert claims(smoke, "✗") == claims(smoke, "–") == set()
    assert claims(smoke, "✓") == set().union(*(expected for _, expected in FAULTS.values()))


def test_a_narrow_fault_fails_its_own_check_only(deployment: Deployment) -> None:
    """Two checks must not depend on one response without need."""
    narrow = (
        "the limiter counts nothing",
        "the limit is too high",
        "another build runs",
        "a token is not verified",
        "a second stage is public",
        "an origin is not found by the lower-case name of its header",
    )
    for name in narrow:
        deployment.fault, expected = FAULTS[name]
        smoke = Smoke(deployment.url, ORIGIN, BUILD)
        smoke.run()
        assert claims(smoke, "✗") == expected


def test_payments_that_are_not_configured_are_not_a_failure(deployment: Deployment) -> None:
    deployment.fault = on(
        "/webhooks/stripe", lambda *_: error(503, "unavailable", **{"Retry-After": str(OFF_RETRY_SECONDS)})
    )
    smoke = Smoke(deployment.url, ORIGIN, BUILD)

    assert smoke.run() is True
    assert "  – payments are not configured: no credits are sold" in smoke.lines


def test_limits_of_an_emulated_gateway_are_not_failures(deployment: Deployment) -> None:
    deployment.fault = on("/auth/login", set_headers(RateLimit_Limit="1000000", RateLimit_Remaining="999999"))

    assert Smoke(deployment.url, ORIGIN, is_emulated=True).run() is True
    assert Smoke(deployment.url, ORIGIN).run() is False


def test_a_deployment_that_does_not_respond_is_a_failure_without_a_traceback(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.fault = lambda *_: Response(0, "")

    assert main(["--url", deployment.url, "--origin", ORIGIN]) == 1
    assert f"✗ no response from {deployment.url}: ConnectionError" in capsys.readouterr().out
    deployment.fault = lambda *_: None
    assert main(["--url", f"{deployment.url}/", "--origin", ORIGIN, "--build", BUILD]) == 0


def test_a_second_stage_cannot_be_seen_at_a_domain_of_its_own(deployment: Deployment) -> None:
    """There every path leads into the one stage."""
    claim = "the gateway has no second stage named Stage"
    smoke = Smoke(deployment.url, ORIGIN)
    assert smoke.run() is True
    assert claim in claims(smoke, "✓")

    deployment.fault = on("/Stage/health", lambda *_: error(404, "not_found"))
    smoke = Smoke(deployment.url, ORIGIN)
    assert smoke.run() is True
    assert claim not in claims(smoke, "✓")
    assert any("(output EndpointURL)" in line for line in smoke.lines)


def test_each_of_several_origins_is_checked(deployment: Deployment) -> None:
    origins = f"{ORIGIN}, {OTHER_ORIGIN}"
    assert Smoke(deployment.url, origins).run() is True

    deployment.fault = first_origin_only
    smoke = Smoke(deployment.url, origins)
    assert smoke.run() is False
    assert claims(smoke, "✗") == {f"{OTHER_ORIGIN} may send requests"}
    emulated = Smoke(deployment.url, origins, is_emulated=True)
    assert emulated.run() is True
    assert claims(emulated, "–") >= {f"{OTHER_ORIGIN} may send requests: cannot be checked with an emulated gateway"}


@pytest.mark.parametrize("is_by_case", [False, True], ids=["one for all", "one for each spelling that is known"])
def test_a_cache_that_mixes_up_origins_is_found(deployment: Deployment, is_by_case: bool) -> None:
    """`is_by_case`: the cache tells origins apart by `Origin` and takes `origin` for no header."""
    cached: dict[str | None, Response] = {}

    def caching(request: ReceivedRequest, response: Response) -> Response:
        is_known = is_by_case and "Origin" in request.names
        return cached.setdefault(request.origin if is_known else None, response)

    deployment.fault = on("/credits/packages", caching)
    smoke = Smoke(deployment.url, f"{ORIGIN}, {OTHER_ORIGIN}")

    assert smoke.run() is False
    assert FROM_CACHE in claims(smoke, "✗")
    assert (CAN_READ in claims(smoke, "✗")) != is_by_case
    assert any(f"for {OTHER_ORIGIN}" in line for line in smoke.lines if FROM_CACHE in line)


def test_a_cache_that_keeps_origins_apart_passes(deployment: Deployment) -> None:
    cached: dict[str | None, Response] = {}
    deployment.fault = on("/credits/packages", lambda request, response: cached.setdefault(request.origin, response))

    assert Smoke(deployment.url, f"{ORIGIN}, {OTHER_ORIGIN}").run() is True
    assert set(cached) == {ORIGIN, OTHER_ORIGIN, None}
