"""Who may call, in a real browser: the extension and our own pages may; any other page, frame or extension may not.

What CORS lets a page read is the browser's word, and what the API did is its log's.
"""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from app import app
from scripts.browser import Page
from scripts.local.stack import LocalStack
from tests.browsing import open_browser
from tests.http.conftest import StartApi
from tests.http.extension import ASK_WORKER, CALL, CALL_FRAMED, Caller, Extension, data_page, flags, form, site
from tests.http.http_client import PASSWORD, RATE, Api, Person, new_email
from tests.http.log_lines import request_lines

ACCOUNT_REQUESTS = 3
ROUTES = [(method, path) for path, methods in sorted(app.routes.items()) for method in sorted(methods)]
EXPOSED = ("x-request-id", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")
START = {"action": "start", "transport": "relay"}
PLAIN = {"Content-Type": "text/plain"}


@pytest.fixture(scope="module")
def own_extension(tmp_path_factory: pytest.TempPathFactory) -> Extension:
    """The extension that the API is set up for. It has no permission for any host: CORS alone lets it through."""
    return Extension.create(tmp_path_factory.mktemp("own") / "own")


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Extension:
    return Extension.create(tmp_path_factory.mktemp("another") / "another")


@pytest.fixture(scope="module")
def permitted_extension(tmp_path_factory: pytest.TempPathFactory, own_extension: Extension) -> Extension:
    """An extension that its user let call this machine, which Chromium then does without asking CORS."""
    return Extension.create(tmp_path_factory.mktemp("permitted") / "permitted", host_permissions=["http://127.0.0.1/*"])


@pytest.fixture(scope="module")
def browser(
    tmp_path_factory: pytest.TempPathFactory,
    own_extension: Extension,
    another: Extension,
    permitted_extension: Extension,
) -> Iterator[Page]:
    with open_browser(tmp_path_factory, flags=flags([own_extension, another, permitted_extension])) as page:
        yield page


@pytest.fixture(scope="module")
def extension_api(start_api: StartApi, own_extension: Extension) -> Api:
    """The API as somebody with this extension sets it up."""
    return start_api(EXTENSION_ORIGIN=own_extension.origin, RATE_LIMIT_ACCOUNT=f"{ACCOUNT_REQUESTS}/hour")


@pytest.fixture(scope="module")
def victim(extension_api: Api) -> Person:
    """Somebody whose token a foreign page has got hold of."""
    return Person.register(extension_api)


@pytest.fixture(scope="module")
def foreign(browser: Page, extension_api: Api, another: Extension) -> Iterator[dict[str, Caller]]:
    """Pages that are not ours, by what they are."""
    with ExitStack() as stack:
        port = stack.enter_context(site("<!doctype html><title>Somebody's page</title>"))
        pages = {
            "another site": (f"http://localhost:{port}/", CALL),
            "another port of this host": (f"http://127.0.0.1:{port}/", CALL),
            "a sandboxed frame": (f"http://localhost:{port}/", CALL_FRAMED),
            "a page without an origin": (data_page("<!doctype html><title>A page</title>"), CALL),
            "another extension": (another.page, CALL),
            "another extension's worker": (another.page, ASK_WORKER),
        }
        yield {name: Caller(browser, address, extension_api.url, how) for name, (address, how) in pages.items()}


FOREIGN = ["another site", "another port of this host", "a sandboxed frame", "a page without an origin"]
FOREIGN += ["another extension", "another extension's worker"]


def readable(answer: dict[str, Any], status: int, code: str = "") -> dict[str, Any]:
    """Assert that the page could read all of the answer; gives its body."""
    assert answer.get("status") == status, answer
    assert "x-request-id" in answer["headers"]
    body: dict[str, Any] = json.loads(answer["text"])
    assert body.get("code", "") == code
    if code:
        assert set(body) <= {"code", "message", "request_id", "details"}
        assert body["request_id"] == answer["headers"]["x-request-id"]
    return body


def walk(caller: Caller) -> Iterator[str]:
    """What an extension does in its life, up to where its account is deleted; gives the token after each part."""
    email = new_email()
    readable(caller.call("POST", "/auth/register", json={"email": email, "password": PASSWORD}), 201)
    readable(
        caller.call("POST", "/auth/login", json={"email": email, "password": f"{PASSWORD}!"}),
        401,
        "invalid_credentials",
    )
    signed_in = readable(caller.call("POST", "/auth/login", json={"email": email, "password": PASSWORD}), 200)
    token = signed_in["token"]

    balance = caller.call("GET", "/credits/balance", token)
    assert readable(balance, 200)["available"] == 200
    assert [name for name in EXPOSED if name not in balance["headers"]] == []

    start: dict[str, Any] = {"json": START, "headers": {"Idempotency-Key": "walk"}}
    session_id = readable(caller.call("POST", "/transcription/stream", token, **start), 201)["session_id"]
    again = readable(caller.call("POST", "/transcription/stream", token, **start), 201)
    assert again["session_id"] == session_id
    audio = f"/transcription/stream/{session_id}/audio?seq=0&sample_rate={RATE}&channels=1"
    sent = caller.call("POST", audio, token, headers={"Content-Type": "audio/pcm"}, bytes=RATE // 5)
    assert readable(sent, 200)["duration_ms"] == 100
    readable(
        caller.call("POST", "/transcription/stream", token, json={"action": "stop", "session_id": session_id}), 200
    )

    readable(caller.call("GET", "/credits/balance", "no token"), 401, "unauthenticated")
    readable(caller.call("GET", "/transcription/history/unknown", token), 404, "not_found")
    readable(caller.call("POST", "/transcription/stream", token, json={"action": "dance"}), 400, "invalid_request")
    readable(caller.call("POST", "/auth/login", headers=PLAIN, body="{}"), 415, "unsupported_media_type")
    yield token
    assert readable(caller.call("PATCH", "/auth/user", token, json={"name": "Ada"}), 200)["name"] == "Ada"
    assert readable(caller.call("DELETE", "/auth/user", token), 202)["deleted"]
    readable(caller.call("GET", "/credits/balance", token), 401, "unauthenticated")


@pytest.mark.parametrize("how", [CALL, ASK_WORKER], ids=["its page", "its worker"])
def test_the_extension_can_call_and_read_everything(
    browser: Page, extension_api: Api, own_extension: Extension, how: str
) -> None:
    browser.go(own_extension.page)
    caller = Caller(browser, own_extension.page, extension_api.url, how)

    assert len(list(walk(caller))) == 1


def test_the_extension_can_read_retry_after(browser: Page, extension_api: Api, own_extension: Extension) -> None:
    token = Person.register(extension_api).token
    browser.go(own_extension.page)
    caller = Caller(browser, own_extension.page, extension_api.url)

    for _ in range(ACCOUNT_REQUESTS):
        readable(caller.call("PATCH", "/auth/user", token, json={"name": "Ada"}), 200)
    refused = caller.call("PATCH", "/auth/user", token, json={"name": "Ada"})

    readable(refused, 429, "rate_limited")
    assert 0 < int(refused["headers"]["retry-after"]) <= 3600 / ACCOUNT_REQUESTS
    assert refused["headers"]["ratelimit-limit"] == str(ACCOUNT_REQUESTS)


@pytest.mark.parametrize("page", ["/admin", "/docs"])
def test_the_apis_own_pages_can_call_and_read_everything(browser: Page, stack: LocalStack, page: str) -> None:
    browser.go(f"{stack.api_url}{page}")

    assert len(list(walk(Caller(browser, page, stack.api_url)))) == 1


def test_a_host_permission_does_not_let_another_extension_write(
    browser: Page, extension_api: Api, permitted_extension: Extension, victim: Person
) -> None:
    """Its reads name no origin, as a program's: Chromium leaves it out. What does anything names it, and is refused."""
    browser.go(permitted_extension.page)
    caller = Caller(browser, permitted_extension.page, extension_api.url)

    assert caller.call("GET", "/credits/balance", victim.token)["status"] == 200
    readable(caller.call("POST", "/transcription/stream", victim.token, json=START), 403, "origin_not_allowed")
    assert victim.balance() == (200, 0)


# Everybody else


@pytest.mark.parametrize("caller_name", FOREIGN)
def test_a_page_of_another_origin_reads_and_changes_nothing(
    foreign: dict[str, Caller], caller_name: str, extension_api: Api, victim: Person
) -> None:
    caller, email = foreign[caller_name], new_email()
    account = f'{{"email": "{email}", "password": "{PASSWORD}"}}'
    caller.page.go(caller.address)
    before = lines(extension_api)

    preflighted = [
        caller.call("POST", "/auth/register", json={"email": email, "password": PASSWORD}),
        caller.call("GET", "/credits/balance", victim.token),
        caller.call("POST", "/transcription/stream", victim.token, json=START),
        caller.call("PATCH", "/auth/user", victim.token, json={"name": "Taken"}),
        caller.call("DELETE", "/auth/user", victim.token),
    ]
    after_preflights = lines(extension_api)
    sent, kinds = [], [{}, {"mode": "no-cors"}]
    for method, path in ROUTES:
        if method in ("GET", "POST"):  # Others are asked for first, and then not made.
            request = {"headers": PLAIN, "body": account} if method == "POST" else {}
            filled = re.sub(r"\{\w+\}", "5a1de7d4", path)
            sent += [caller.call(method, filled, **request, **kind) for kind in kinds]

    assert [answer for answer in preflighted if "failed" not in answer] == []
    assert after_preflights == before, "a request was made that a preflight should have kept back"
    assert [answer for answer in sent[0::2] if "failed" not in answer] == []
    assert {(answer["type"], answer["status"], answer["text"]) for answer in sent[1::2]} == {("opaque", 0, "")}
    received = lines(extension_api)[len(before) :]
    assert [line for line in received if (line["status"], line["code"]) != (403, "origin_not_allowed")] == []
    assert len(received) == len(sent) > 60
    assert extension_api.login(email).status_code == 401
    assert victim.balance() == (200, 0)
    assert "name" not in victim.get("/auth/user").json()


def lines(api: Api) -> list[dict[str, Any]]:
    assert api.log
    return request_lines(api.log)


@pytest.mark.parametrize("has_origin", [True, False])
def test_a_form_on_another_origin_changes_nothing(browser: Page, extension_api: Api, has_origin: bool) -> None:
    email = new_email()
    page = form(f"{extension_api.url}/auth/register", {"email": email, "password": PASSWORD})

    with site(page) as port:
        browser.go(f"http://localhost:{port}/" if has_origin else data_page(page))
        assert browser.press("Send") == f"{extension_api.url}/auth/register"

    assert "origin_not_allowed" in str(browser.run("async () => document.body.innerText"))
    assert extension_api.login(email).status_code == 401


def test_a_link_on_another_origin_can_be_followed(browser: Page, extension_api: Api) -> None:
    """As Stripe's page leads back to ours; the page that held the link sees nothing of it."""
    with site(f"<!doctype html><button onclick=\"location = '{extension_api.url}/health'\">Back</button>") as port:
        browser.go(f"http://localhost:{port}/")
        assert browser.press("Back") == f"{extension_api.url}/health"

    assert '"status":"ok"' in str(browser.run("async () => document.body.innerText"))
