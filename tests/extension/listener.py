"""Somebody with the extension: a browser, an account, a tab that speaks, and what the extension says of its session."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scripts.local.aws import REPOSITORY
from scripts.local.extension import EXTENSION_ID
from tests.extension.addresses import PANEL, RECORDER, WORKER
from tests.extension.context import Context
from tests.extension.devtools import Devtools
from tests.extension.fault_proxy import FaultProxy
from tests.extension.processes import suspend_browser
from tests.http.http_client import PASSWORD, Api, Person

CODED = REPOSITORY / "clients" / "browser" / "test" / "support" / "coded.js"
FEED = (Path(__file__).parent / "feed.js").read_text().replace("/* CODED */", CODED.read_text().replace("export ", ""))
SHORT_LEASES = {"lease_seconds": 60, "renewLeadSeconds": 60, "pausePatienceSeconds": 1}
"""Leases that are renewed as soon as the API accepts it, which is at their beginning."""
LATE_RENEWALS = {"lease_seconds": 60, "renewLeadSeconds": 10}
HOUR_MS = 3_600_000
View = dict[str, Any]
HAS_ENDED = "(view) => view.state === 'ended' && view.ended"
LOG_OUT = "(client) => client.auth.logout()"

WAIT_FOR_VIEW = """async () => {
  const { loadView, watchView } = await import("/common/live_view.js");
  const isRight = %s;
  return new Promise(async (resolve) => {
    const stop = watchView((view) => isRight(view) && (stop(), resolve(view)));
    const view = await loadView();
    if (isRight(view)) stop(), resolve(view);
  });
}"""
SAVE_SETTINGS = """async (settings) => {
  const { saveSettings, giveConsent } = await import("/common/settings.js");
  await saveSettings(settings);
  await giveConsent();
}"""
CALL_CLIENT = """async () => {
  const { openClient } = await import("/common/client.js");
  const client = await openClient();
  return (%s)(client);
}"""
WALL_AHEAD = """async (milliseconds) => {
  const now = (globalThis.rightNow ??= Date.now);
  Date.now = () => now() + milliseconds;
}"""
TICK_SECONDS = 0.1
COUNT_TICKS = """async (tickSeconds) => {
  if (globalThis.ticks === undefined) setInterval(() => ticks++, tickSeconds * 1000);
  globalThis.ticks ??= 0;
}"""
TICKS = "async () => ticks"
SEND = """async (type, body) => {
  const { send } = await import("/common/messages.js");
  try {
    return { value: await send(type, body) };
  } catch ({ code, message }) {
    return { code, message };
  }
}"""


def feed_script(**speech: Any) -> str:
    """What runs before the first line of an offscreen document; `speech`: see feed.js."""
    return FEED.replace("/* SPEECH */", json.dumps(speech))


@dataclass
class Listener:
    """`panel`: the side panel, opened as a tab. `tab`: the page that speaks, once `open_tab` opened it."""

    devtools: Devtools
    api: Api
    proxy: FaultProxy
    panel: Context
    page_url: str
    person: Person | None = None
    tab: Context | None = None
    sample_rate: int = 16_000

    @classmethod
    def sit_down(cls, devtools: Devtools, api: Api, proxy: FaultProxy, page_url: str, **session: Any) -> "Listener":
        """Open the panel. `session`: more options of the live session than SHORT_LEASES."""
        devtools.wait_for_context(WORKER)
        listener = cls(devtools, api, proxy, devtools.open_page(PANEL), page_url)
        listener.configure(**SHORT_LEASES | session)
        listener.speak()
        return listener

    @classmethod
    @contextmanager
    def of_new_person(cls, devtools: Devtools, api: Api, proxy: FaultProxy, page_url: str) -> Iterator["Listener"]:
        """Somebody new, signed in, with 200 credits; at the end no context may have written an error."""
        proxy.reset()
        devtools.errors.clear()
        listener = cls.sit_down(devtools, api, proxy, page_url)
        listener.sign_in(Person.register(api))
        yield listener
        listener.leave()
        assert not devtools.errors, "\n".join(devtools.errors)

    def speak(self, **speech: Any) -> None:
        """How the next recording speaks: see feed.js. By default it begins at position 0."""
        self.devtools.reported = speech.get("position", 0)
        self.sample_rate = int(speech.get("sampleRate", 16_000))
        self.devtools.first_lines["background_page"] = [feed_script(**speech)]

    @property
    def fed_samples(self) -> int:
        """How many samples sessions took so far."""
        return int(self.devtools.reported)

    def configure(self, **session: Any) -> None:
        self.panel.run(SAVE_SETTINGS, {"apiUrl": self.proxy.url, "session": session, "language": "en"})

    def sign_in(self, person: Person) -> None:
        self.person = person
        self.client(f"(client) => client.auth.login({{ email: '{person.email}', password: '{PASSWORD}' }})")

    def store_token(self, token: str) -> None:
        """Replace the token of the sign-in, as if it were the one that was received."""
        self.panel.run(
            """async (key, token) => {
              const { [key]: signIn } = await chrome.storage.local.get(key);
              await chrome.storage.local.set({ [key]: { ...signIn, token } });
            }""",
            "live-transcription/sign-in",
            token,
        )

    def sign_in_elsewhere(self) -> None:
        """Get new tokens for the test itself: a sign-out or a block has ended the old ones."""
        self.person = Person.sign_in(self.api, self.account.email)

    def client(self, function: str) -> Any:
        """What a function of the SDK's client returns, called in the panel."""
        return self.panel.run(CALL_CLIENT % function)

    def send(self, type: str, **body: Any) -> dict[str, Any]:
        """What a message to the worker is answered: `value`, or `code` and `message`."""
        return dict(self.panel.run(SEND, type, body))

    def open_tab(self) -> int:
        """Open a page that speaks and click the button in the toolbar there; returns the id of its tab."""
        url = f"{self.page_url}?{time.monotonic_ns()}"
        self.tab = self.devtools.open_page(url)
        self.devtools.click_action(EXTENSION_ID, self.tab).close()
        tabs = self.panel.poll(
            "async (url) => (await chrome.tabs.query({ url: undefined })).filter((tab) => tab.url === url)", url
        )
        return int(tabs[0]["id"])

    def start(self) -> None:
        """Caption a new tab; returns when the session is live."""
        assert self.send("START", tabId=self.open_tab(), microphone=False) == {"value": {}}
        self.wait_for_view("(view) => view.state === 'live'")

    @contextmanager
    def pause_session(self) -> Iterator[None]:
        """Pause the session for this time."""
        assert self.send("PAUSE") == {"value": {}}
        try:
            yield
        finally:
            assert self.send("RESUME") == {"value": {}}

    @property
    def recorder(self) -> Context:
        return self.devtools.wait_for_context(RECORDER)

    @property
    def view(self) -> View:
        return dict(self.panel.run("async () => (await import('/common/live_view.js')).loadView()"))

    def wait_for_view(self, is_right: str) -> View:
        """The first view for which this JavaScript function is true."""
        return dict(self.panel.run(WAIT_FOR_VIEW % is_right))

    def wait_for_captions(self, count: int = 1) -> View:
        """Wait until so many more captions came; the view keeps the last ones only. Returns the view then."""
        seq = max((caption["seq"] for caption in self.view["captions"]), default=-1)
        return self.wait_for_view(f"(view) => view.captions.filter((caption) => caption.seq > {seq}).length >= {count}")

    def wait_for_renewals(self, count: int) -> None:
        """Wait until so many more renewals were answered."""
        until = len(self.proxy.of("renew")) + count
        while (answered := len(self.proxy.of("renew"))) < until:
            self._wait_for_renewal(answered)

    def wait_for_lease_of(self, provider: str) -> None:
        """Wait until a renewal was answered with a lease of this provider."""

        def has_lease() -> bool:
            return any(exchange.answer["provider"] == provider for exchange in self.proxy.of("renew"))

        self.devtools.poll(has_lease, f"lease of {provider}")

    def _wait_for_renewal(self, answered: int) -> None:
        self.devtools.poll(lambda: len(self.proxy.of("renew")) > answered, f"renewal after {answered} others")

    def wait_for_audio(self, seconds: float) -> None:
        """Wait until the session took so many more seconds of audio."""
        until = self.fed_samples + seconds * self.sample_rate
        self.devtools.wait_for(lambda: self.fed_samples >= until, f"{seconds} s of speech")

    def sleep(self, seconds: float) -> None:
        """Let the computer sleep, with the timers of the recording."""
        recorder = self.recorder
        recorder.run(COUNT_TICKS, TICK_SECONDS)
        recorder.poll("async () => ticks > 0")
        began_at, before = time.monotonic(), recorder.run(TICKS)
        with suspend_browser(self.devtools):
            time.sleep(seconds)  # it is the computer that sleeps
        ticks = recorder.run(TICKS) - before
        awake_seconds = time.monotonic() - began_at - seconds
        assert ticks <= awake_seconds / TICK_SECONDS + 2, f"{ticks} ticks of a timer in a sleep of {seconds} s"

    def stop(self) -> View:
        """Stop, and return the view when the session has ended."""
        assert self.send("STOP") == {"value": {}}
        return self.wait_for_view(HAS_ENDED)

    @property
    def account(self) -> Person:
        """The account, as it was signed in last."""
        assert self.person
        return self.person

    def open_window(self) -> "Listener":
        """The same person at another panel."""
        return replace(self, panel=self.devtools.open_page(PANEL), tab=None)

    def close(self) -> None:
        for context in (self.tab, self.panel):
            if context and not context.is_closed:
                context.close()

    def leave(self) -> None:
        """Sign out and close everything, whatever state it is in."""
        self.proxy.reset()
        if self.view["state"] not in ("idle", "ended"):
            self.send("STOP")
        self.client(LOG_OUT)
        self.close()


def words_of(segments: list[dict[str, Any]]) -> list[str]:
    """The words of segments in the order of their numbers."""
    ordered = sorted(segments, key=lambda segment: segment["seq"])
    return [word for segment in ordered for word in segment["text"].split()]
