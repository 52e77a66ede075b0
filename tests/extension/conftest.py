"""One local stack with the ruler, one Chromium with the extension, and a page that speaks."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.browser import chromium
from scripts.local.extension import EXTENSION, EXTENSION_ORIGIN
from scripts.local.stack import LocalStack
from tests.extension.addresses import WORKER
from tests.extension.devtools import Devtools, browser_with
from tests.extension.fault_proxy import FaultProxy
from tests.extension.listener import Listener, View, feed_script
from tests.extension.overlay import Overlay
from tests.extension.panel_page import RESET, PanelPage
from tests.extension.proof import Proof, reset_sockets, sockets
from tests.extension.small_extension import SmallExtension
from tests.fakes import Backend
from tests.http.extension import site
from tests.http.http_client import Api, Person, ResponseRecorder, Sandbox
from tests.http.running_stack import open_books, remove_own_settings, sign_in_owner
from tests.sdk.toolchain import install

SETTINGS = {
    "SANDBOX_LIVE_RECOGNISER": "ruler",
    "LIVE_PROVIDERS": "assemblyai, openai",
    "BUYERS_ONLY_PROVIDERS": "none",
}
Gather = Callable[[Listener, View], Proof]
Stop = Callable[[Listener], Proof]
PAGE = (Path(__file__).parent / "speaking_page.html").read_text()


@pytest.fixture(scope="package")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallExtension:
    """The extension of docs/extension.md, in a folder of its own."""
    return SmallExtension.extract(tmp_path_factory.mktemp("small-captions").resolve())


@pytest.fixture(scope="package")
def stack(small: SmallExtension) -> Iterator[LocalStack]:
    if chromium() is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    install()  # what judges pages: not in the middle of a session, which it would outlast
    with pytest.MonkeyPatch.context() as patch:
        remove_own_settings(patch)
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        patch.setenv("EXTENSION_ORIGIN", f"{EXTENSION_ORIGIN},{small.origin}")
        with LocalStack(quiet=True) as running:
            yield running


@pytest.fixture(scope="package")
def api(stack: LocalStack) -> Iterator[Api]:
    running = Api(stack.api_url, ResponseRecorder())
    yield running
    running.close()


@pytest.fixture(scope="package")
def owner(api: Api, stack: LocalStack) -> Person:
    """An administrator."""
    return sign_in_owner(api, stack)


@pytest.fixture(scope="package")
def books(stack: LocalStack) -> Iterator[Backend]:
    """The money as it lies in the running backend's tables."""
    with open_books(stack) as backend:
        yield backend


@pytest.fixture(scope="package")
def proxy(stack: LocalStack) -> Iterator[FaultProxy]:
    with FaultProxy(stack.api_url).running() as running:
        yield running


@pytest.fixture(scope="package")
def page_url() -> Iterator[str]:
    with site(PAGE) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture(scope="package")
def browser(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devtools]:
    with browser_with(EXTENSION, tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def sandbox(stack: LocalStack) -> Iterator[Sandbox]:
    """The stand-ins, in good health before and after; no socket is remembered."""
    control = Sandbox(stack.dev["sandbox_url"])
    control.reset_faults()
    reset_sockets(stack.dev["sandbox_url"])
    yield control
    control.reset_faults()
    control.close()


@pytest.fixture
def listener(browser: Devtools, api: Api, proxy: FaultProxy, sandbox: Sandbox, page_url: str) -> Iterator[Listener]:
    """Somebody new, signed in, with 200 credits."""
    with Listener.of_new_person(browser, api, proxy, page_url) as sitting:
        yield sitting


@pytest.fixture
def gather(stack: LocalStack, soak_counts: Counter[str]) -> Gather:
    """All there is to know about a session that has ended."""
    return lambda listener, ended: Proof(listener, ended, sockets(stack.dev["sandbox_url"]), counts=soak_counts)


@pytest.fixture
def stop(gather: Gather) -> Stop:
    """Stops a listener's session and gathers what there is to know about it."""
    return lambda listener: gather(listener, listener.stop())


@pytest.fixture(params=["light", pytest.param("dark", marks=pytest.mark.soak)])
def scheme(request: pytest.FixtureRequest) -> str:
    """The color scheme in which many states are judged."""
    return str(request.param)


@pytest.fixture
def panel(browser: Devtools, stack: LocalStack) -> Iterator[PanelPage]:
    """The side panel as after the installation, opened as a tab; it logs no errors, in every test."""
    worker = browser.wait_for_context(WORKER)
    browser.first_lines["background_page"] = [feed_script()]
    worker.run(RESET, stack.api_url)
    browser.errors.clear()
    page = PanelPage.open(browser, "#/sign-in")
    yield page
    errors = page.console_errors()
    page.close()
    assert errors == []


@pytest.fixture
def blocked_person(panel: PanelPage, api: Api, owner: Person) -> Person:
    """Signed in in the panel, which shows that the account is blocked."""
    person = Person.register(api)
    panel.sign_in(person.email)
    assert owner.post(f"/admin/users/{person.user_id}/block", json={"reason": "A test."}).status_code == 200
    panel.go("#/history")
    panel.wait_for_place("#/blocked")
    return person


@pytest.fixture
def overlay(listener: Listener) -> Overlay:
    """The captions of a session that runs and has spoken."""
    return Overlay.of_new_session(listener)
