"""A random walk over all that can fail while sessions run in a real browser; one seed decides everything.

SAMPLE_SEED=… draws the same steps again; how they fall together with what the browser does is its own affair.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scripts.browser import BrowserError
from scripts.local.stack import LocalStack
from tests.extension.conftest import EXTENSION, Gather
from tests.extension.devtools import Devtools, browser_with
from tests.extension.fault_proxy import FaultProxy
from tests.extension.listener import WORKER, Listener, View
from tests.extension.proof import words_of
from tests.fakes import Backend
from tests.http.forged_tokens import Forger
from tests.http.http_client import Api, Person, Sandbox

STEPS = int(os.environ.get("WALK_STEPS", "220"))
STEPS_A_SESSION = 12
# Renewed earlier, leases would use up the day's allowance within a session, and be billed in full after that.
SESSION = {"lease_seconds": 60, "renewLeadSeconds": 45, "pausePatienceSeconds": 1, "sampleRate": 24_000}
ACTIONS, KINDS = ("renew", "save", "/auth/refresh"), ("429", "503", "502", "drop", "lost", "slow")
STREAMING = "assemblyai.streaming"


@dataclass
class Walk:
    """The sessions of one seed, one after the other, each of a new account."""

    random: random.Random
    api: Api
    proxy: FaultProxy
    sandbox: Sandbox
    page_url: str
    profile: Path
    forger: Forger
    gather: Gather
    books: Backend
    done: Counter[str] = field(default_factory=Counter)
    steps: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    """Words that nobody can have: they were not final when the browser was killed."""
    gaps: list[View] = field(default_factory=list)
    """What the view showed when the browser was killed, and the view with it."""

    def __post_init__(self) -> None:
        self._browsers = ExitStack()
        self.listener = self._sit_down()

    def run_session(self) -> None:
        """A session of some steps, from its start to its proof."""
        listener = self.listener
        listener.sign_in(Person.register(self.api))
        listener.speak(sampleRate=24_000)
        self.lost.clear()
        self.gaps.clear()
        listener.start()
        for _ in range(STEPS_A_SESSION):
            step = self.random.choice(self._steps())
            self.steps.append(step.__name__)
            step()
            self.done[f"steps of the extension's walk: {step.__name__.strip('_')}"] += 1
            self.listener.wait_for_audio(self.random.uniform(0.2, 1.5))
        self._check_end()

    def close(self) -> None:
        self._browsers.close()

    def _check_end(self) -> None:
        self.sandbox.reset_faults()
        proof = self.gather(self.listener, self.listener.stop())
        proof.ended["gaps"] += self.gaps
        proof.check_words_and_gaps(self.lost)
        proof.check_money(self.books)
        assert not self.listener.devtools.errors, self.listener.devtools.errors
        self.proxy.reset()
        self.listener.client("(client) => client.auth.logout()")
        if self.listener.tab:
            self.listener.tab.close()

    def _steps(self) -> list[Callable[[], None]]:
        return [
            self._listen,
            self._cut_next_socket,
            self._refuse_next_socket,
            self._fail_requests,
            self._kill_worker,
            self._sleep,
            self._expire_token,
            self._change_provider,
            self._pause,
            self._open_second_window,
            self._kill_browser,
        ]

    def _listen(self) -> None:
        self.listener.wait_for_audio(2)

    def _cut_next_socket(self) -> None:
        kind = self.random.choice(("cut", "3005"))
        self.sandbox.fail(STREAMING, kind, delay_seconds=round(self.random.uniform(0.1, 4), 1))

    def _refuse_next_socket(self) -> None:
        self.sandbox.fail(STREAMING, self.random.choice(("quota", "too_many", "3009")))

    def _fail_requests(self) -> None:
        action, kind = self.random.choice(ACTIONS), self.random.choice(KINDS)
        self.proxy.fail(action, kind, self.random.randint(1, 3), self.random.choice((None, 0, 1)))

    def _kill_worker(self) -> None:
        self.listener.devtools.wait_for_context(WORKER).close()

    def _sleep(self) -> None:
        self.listener.sleep(self.random.uniform(0.5, 6))

    def _expire_token(self) -> None:
        self.listener.store_token(self.forger.token(self.listener.account, exp=int(time.time()) - 60))

    def _change_provider(self) -> None:
        self.sandbox.fail(Sandbox.TOKEN, "500")

    def _pause(self) -> None:
        assert self.listener.send("PAUSE") == {"value": {}}
        assert self.listener.send("RESUME") == {"value": {}}

    def _open_second_window(self) -> None:
        second = self.listener.open_window()
        assert second.send("START", tabId=second.open_tab())["code"] == "session_running"
        second.close()

    def _kill_browser(self) -> None:
        listener = self.listener
        view = listener.view
        shown, session_id = words_of(view["captions"]), view["sessionId"]
        self.gaps += view["gaps"]
        listener.devtools.kill()
        with suppress(BrowserError):
            self._browsers.close()
        fed = listener.fed_samples
        half_second = listener.sample_rate // 2
        first = int(shown[-1][1:]) + 1 if shown else 0
        self.lost |= {f"w{number}" for number in range(first, fed // half_second + 1)}
        self.listener = self._sit_down()
        self.listener.person = listener.person
        self.listener.speak(sampleRate=24_000, position=fed + -fed % 4)
        self.listener.wait_for_view("(view) => view.interrupted !== undefined")
        answer = self.listener.send("RESUME_SESSION", sessionId=session_id, tabId=self.listener.open_tab())
        assert answer == {"value": {}}

    def _sit_down(self) -> Listener:
        browser: Devtools = self._browsers.enter_context(browser_with(EXTENSION, self.profile))
        return Listener.sit_down(browser, self.api, self.proxy, self.page_url, **SESSION)


@pytest.fixture
def walk(
    api: Api,
    proxy: FaultProxy,
    sandbox: Sandbox,
    page_url: str,
    tmp_path: Path,
    stack: LocalStack,
    gather: Gather,
    books: Backend,
    soak_counts: Counter[str],
) -> Iterator[Walk]:
    proxy.reset()
    chance = random.Random(os.environ["SAMPLE_SEED"])
    forger = Forger.of(stack)
    walk = Walk(chance, api, proxy, sandbox, page_url, tmp_path, forger, gather, books, soak_counts)
    yield walk
    walk.close()


@pytest.mark.soak
def test_no_word_and_no_credit_is_lost_on_a_random_walk(walk: Walk) -> None:
    while len(walk.steps) < STEPS:
        began = len(walk.steps)
        try:
            walk.run_session()
        except Exception as error:
            error.add_note(f"SAMPLE_SEED={os.environ['SAMPLE_SEED']}: {walk.steps[began:]}")
            raise
