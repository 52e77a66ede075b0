"""The sessions of a random walk over all that can fail while captions run in a real browser."""

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from scripts.browser import BrowserError
from scripts.local.extension import EXTENSION
from tests.extension.addresses import WORKER
from tests.extension.conftest import Gather
from tests.extension.context import ClosedError
from tests.extension.devtools import Devtools, browser_with
from tests.extension.fault_proxy import FaultProxy
from tests.extension.listener import HAS_ENDED, HOUR_MS, LOG_OUT, WALL_AHEAD, Listener, View
from tests.extension.processes import close_browser, kill_browser
from tests.extension.proof import words_of
from tests.fakes import Backend
from tests.http.forged_tokens import Forger
from tests.http.http_client import Api, Person, Sandbox

FEWEST_STEPS, MOST_STEPS = 4, 12
"""Of a session, before the one that ends it."""
# Renewed earlier, leases would use up the day's allowance within a session, and be billed in full after that.
SESSION = {"lease_seconds": 60, "renewLeadSeconds": 45, "pausePatienceSeconds": 1, "sampleRate": 24_000}
ACTIONS, KINDS = ("renew", "save", "/auth/refresh"), ("429", "503", "502", "drop", "lost", "slow")
CREDITS = 200
Step = Callable[[], None]
Ending = Callable[[], View]
Drawn = TypeVar("Drawn")


@dataclass
class Walk:
    """The sessions of one seed, one after the other, each of a new account."""

    random: random.Random
    api: Api
    owner: Person
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
    """Words that nobody can have: they were not final when the browser ended."""
    gaps: list[View] = field(default_factory=list)
    """What the view showed when the browser ended, and the view with it."""
    credits: int = CREDITS
    """Those of the account, without what an administrator took."""

    def __post_init__(self) -> None:
        self._browsers = ExitStack()
        self._drawn_steps: list[Step] = []
        self._drawn_endings: list[Ending] = []
        self.listener = self._sit_down()

    def run_session(self) -> None:
        """A session of some steps, from its start to its proof."""
        listener = self.listener
        self._set_clock(0)
        listener.sign_in(Person.register(self.api))
        listener.speak(sampleRate=24_000)
        self.lost.clear()
        self.gaps.clear()
        self.credits = CREDITS
        self._fail("start")
        listener.start()
        for _ in range(self.random.randint(FEWEST_STEPS, MOST_STEPS)):
            step = self._draw(self._drawn_steps, self._steps())
            self._note(step.__name__)
            step()
            self.listener.wait_for_audio(self.random.uniform(0.2, 1.5))
        end = self._draw(self._drawn_endings, self._endings())
        self._note(end.__name__)
        self.sandbox.reset_faults()
        self._check_end(end())

    def close(self) -> None:
        self._browsers.close()

    def _note(self, step: str) -> None:
        self.steps.append(step)
        self.done[f"steps of the extension's walk: {step.strip('_')}"] += 1

    def _draw(self, drawn: list[Drawn], found: list[Drawn]) -> Drawn:
        """One after the other of a random order, so that all come equally often."""
        drawn += [] if drawn else self.random.sample(found, len(found))
        return drawn.pop()

    def _check_end(self, ended: View) -> None:
        proof = replace(self.gather(self.listener, ended), credits=self.credits)
        proof.ended["gaps"] += self.gaps
        proof.check_words_and_gaps(self.lost)
        if "billedSeconds" in ended["ended"]:
            proof.check_money(self.books)
        else:  # it was stopped after its end
            proof.check_balance(self.books)
        assert not self.listener.devtools.errors, self.listener.devtools.errors
        self.proxy.reset()
        self.listener.client(LOG_OUT)
        if self.listener.tab:
            self.listener.tab.close()

    def _endings(self) -> list[Ending]:
        return [self._stop, self._sign_out, self._block, self._run_out_of_credits]

    def _stop(self) -> View:
        self._fail("stop")
        return self.listener.stop()

    def _sign_out(self) -> View:
        self.listener.client(LOG_OUT)
        ended = self.listener.wait_for_view(HAS_ENDED)
        assert ended["ended"]["reason"] in ("stopped", "signed_out"), ended["ended"]
        self._sign_in_again()
        return ended

    def _block(self) -> View:
        path = f"/admin/users/{self.listener.account.user_id}"
        assert self.owner.post(f"{path}/block", json={"reason": "A test."}).status_code == 200
        ended = self.listener.wait_for_view(HAS_ENDED)
        assert ended["ended"]["reason"] == "account_blocked"
        assert self.owner.post(f"{path}/unblock", json={"reason": "A test."}).status_code == 200
        self._sign_in_again()
        return ended

    def _run_out_of_credits(self) -> View:
        self.listener.devtools.poll(self._take_all_credits, "credits to take")
        ended = self.listener.wait_for_view(HAS_ENDED)
        assert ended["ended"]["reason"] == "insufficient_credits"
        return ended

    def _take_all_credits(self) -> bool:
        """Take what no lease holds. A renewal may come first."""
        person = self.listener.account
        available, _ = person.balance()
        body = {"user_id": person.user_id, "credits": -available, "reason": "A test."}
        if available and self.owner.post("/admin/credits", json=body).status_code != 200:
            return False
        self.credits -= available
        return True

    def _sign_in_again(self) -> None:
        """What is left of the session is saved and stopped then."""
        self.listener.sign_in(self.listener.account)
        self.listener.sign_in_elsewhere()
        person = self.listener.account

        def is_stopped() -> bool:
            return not person.get("/transcription/sessions").json()["sessions"]

        self.listener.devtools.poll(is_stopped, "stop of the session")

    def _fail(self, action: str) -> None:
        """Let the first requests fail, or none of them."""
        for kind in self.random.sample(KINDS, self.random.randint(0, 2)):
            self.proxy.fail(action, kind, retry_after_seconds=self.random.choice((None, 0, 1)))
            self._note(f"_{action}_{kind}")

    def _steps(self) -> list[Step]:
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
            self._close_browser,
            self._set_wrong_clock,
        ]

    def _listen(self) -> None:
        self.listener.wait_for_audio(2)

    def _cut_next_socket(self) -> None:
        kind = self.random.choice(("cut", "3005"))
        self.sandbox.fail(Sandbox.STREAMING, kind, delay_seconds=round(self.random.uniform(0.1, 4), 1))

    def _refuse_next_socket(self) -> None:
        self.sandbox.fail(Sandbox.STREAMING, self.random.choice(("quota", "too_many", "3009")))

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
        with self.listener.pause_session():
            pass

    def _open_second_window(self) -> None:
        second = self.listener.open_window()
        assert second.send("START", tabId=second.open_tab())["code"] == "session_running"
        second.close()

    def _set_wrong_clock(self) -> None:
        self._set_clock(self.random.choice((-HOUR_MS, HOUR_MS, 0)))

    def _set_clock(self, wrong_ms: int) -> None:
        devtools = self.listener.devtools
        devtools.first_lines["service_worker"] = [f"({WALL_AHEAD})({wrong_ms})"]
        for context in devtools.contexts("chrome-extension://"):
            with suppress(ClosedError):
                context.run(WALL_AHEAD, wrong_ms)

    def _kill_browser(self) -> None:
        self._go_on_after(kill_browser)

    def _close_browser(self) -> None:
        self._go_on_after(close_browser)

    def _go_on_after(self, end: Callable[[Devtools], None]) -> None:
        """Resume the session in a new browser, whose clock is right."""
        listener = self.listener
        view = listener.view
        shown, session_id = words_of(view["captions"]), view["sessionId"]
        self.gaps += view["gaps"]
        end(listener.devtools)
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
