"""How a session ends that nobody stops in the extension: in the documented state, with its words and its money."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.local.extension import EXTENSION
from tests.default_prices import live_credits
from tests.extension.conftest import Gather
from tests.extension.devtools import Devtools, browser_with
from tests.extension.fault_proxy import FaultProxy
from tests.extension.listener import HAS_ENDED, LATE_RENEWALS, LOG_OUT, Listener
from tests.extension.processes import close_browser, kill_browser
from tests.extension.proof import Proof, words_of
from tests.fakes import Backend
from tests.http.http_client import Api, Person, Sandbox

LOST_WITH_A_BROWSER = 12
"""So many words may be: those of the audio whose words were not final when the browser was killed."""


def open_sessions(person: Person) -> list[str]:
    return [session["session_id"] for session in person.get("/transcription/sessions").json()["sessions"]]


def test_signing_out_stops_the_session_with_its_last_words(
    listener: Listener, gather: Gather, books: Backend, api: Api
) -> None:
    listener.start()
    listener.wait_for_renewals(1)
    listener.wait_for_audio(1.4)

    listener.client(LOG_OUT)

    ended = listener.wait_for_view(HAS_ENDED)
    assert ended["ended"]["reason"] == "stopped"
    listener.sign_in_elsewhere()
    proof = gather(listener, ended)
    assert open_sessions(listener.account) == []
    proof.check_every_sample_once()
    proof.check_every_word_once()
    proof.check_money(books)


@pytest.mark.soak
def test_a_blocked_account_ends_the_session_and_its_words_wait_for_the_unblocking(
    listener: Listener, gather: Gather, books: Backend, owner: Person
) -> None:
    listener.start()
    listener.wait_for_audio(3)
    path = f"/admin/users/{listener.account.user_id}"
    assert owner.post(f"{path}/block", json={"reason": "A test."}).status_code == 200

    ended = listener.wait_for_view(HAS_ENDED)

    assert ended["ended"]["reason"] == "account_blocked"
    assert owner.post(f"{path}/unblock", json={"reason": "A test."}).status_code == 200
    listener.sign_in(listener.account)
    listener.sign_in_elsewhere()
    # The extension stops its session as soon as it can.
    listener.devtools.poll(lambda: not open_sessions(listener.account), "stop of the session")
    proof = gather(listener, ended)
    proof.check_words_and_gaps()
    assert words_of(proof.transcript["segments"])[: len(words_of(ended["captions"]))] == words_of(ended["captions"])
    proof.check_balance(books)


@pytest.mark.soak
def test_a_session_whose_credits_run_out_ends_with_its_last_words(
    listener: Listener, gather: Gather, books: Backend, owner: Person
) -> None:
    left = live_credits(60)
    body = {"user_id": listener.account.user_id, "credits": left - 200, "reason": "A test."}
    assert owner.post("/admin/credits", json=body).status_code == 200
    listener.configure(**LATE_RENEWALS)
    listener.start()
    warned = listener.wait_for_view("(view) => view.credits?.endsInSeconds !== undefined")
    assert warned["state"] == "live"
    assert 0 < warned["credits"]["endsInSeconds"] <= 60

    ended = listener.wait_for_view(HAS_ENDED)

    assert ended["ended"]["reason"] == "insufficient_credits"
    proof = Proof(listener, ended, gather(listener, ended).sockets, credits=left)
    proof.check_every_sample_once()
    proof.check_every_word_once()
    proof.check_money(books)


@pytest.mark.soak
@pytest.mark.parametrize("end", [kill_browser, close_browser])
def test_a_session_goes_on_in_a_reopened_browser(
    api: Api,
    proxy: FaultProxy,
    sandbox: Sandbox,
    page_url: str,
    gather: Gather,
    books: Backend,
    tmp_path: Path,
    end: Callable[[Devtools], None],
) -> None:
    proxy.reset()
    person = Person.register(api)
    with browser_with(EXTENSION, tmp_path) as browser:
        listener = Listener.sit_down(browser, api, proxy, page_url, **LATE_RENEWALS)
        listener.sign_in(person)
        listener.start()
        shown = listener.wait_for_view("(view) => view.captions.length > 1")
        listener.wait_for_audio(0.5)
        end(browser)
    fed_before = listener.fed_samples

    with browser_with(EXTENSION, tmp_path) as browser:
        again = Listener.sit_down(browser, api, proxy, page_url, **LATE_RENEWALS)
        again.person = person
        again.speak(position=fed_before)
        interrupted = again.wait_for_view("(view) => view.interrupted !== undefined")["interrupted"]
        assert interrupted["sessionId"] == shown["sessionId"]
        answer = again.send("RESUME_SESSION", sessionId=shown["sessionId"], tabId=again.open_tab())
        assert answer == {"value": {}}
        again.wait_for_audio(2)
        proof = gather(again, again.stop())
        transcript = proof.transcript
        proof.check_words_and_gaps()
        proof.check_money(books)
        again.leave()

    words = words_of(transcript["segments"])
    assert words[: len(words_of(shown["captions"]))] == words_of(shown["captions"])
    numbers = [int(word[1:]) for word in words]
    assert numbers[-1] == int(proof.expected_words[-1][1:])
    lost = set(range(numbers[-1])) - set(numbers)
    assert not lost or max(lost) - min(lost) < LOST_WITH_A_BROWSER
    assert transcript["uncovered"] != []
