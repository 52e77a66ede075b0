"""What fails while a session runs: sockets, requests, the worker, the sign-in, the computer's own sleep."""

import json
import time

import pytest

from scripts.local.stack import LocalStack
from tests.extension.addresses import WORKER
from tests.extension.conftest import Stop
from tests.extension.listener import LATE_RENEWALS, Listener
from tests.fakes import Backend
from tests.http.forged_tokens import Forger
from tests.http.http_client import Sandbox

HOLD_VIEW = """async () => new Promise((held) => {
  navigator.locks.request("live-transcription/view", () => {
    held();
    return new Promise((release) => (globalThis.release = release));
  });
})"""
STALL_AFTER_STORING = """async () => {
  const area = chrome.storage.session;
  const set = area.set.bind(area);
  area.set = (items) => set(items).then(() => new Promise(() => undefined));
}"""


@pytest.mark.parametrize(
    ("kind", "after_seconds"),
    [
        ("cut", 2.3),
        pytest.param("3005", 2.3, marks=pytest.mark.soak),
        # It stays open but answers nothing any more: given up after 15 seconds of speech.
        pytest.param("stall", 4, marks=pytest.mark.soak),
    ],
)
def test_a_socket_that_fails_costs_no_word(
    listener: Listener, stop: Stop, books: Backend, sandbox: Sandbox, kind: str, after_seconds: float
) -> None:
    sandbox.fail(Sandbox.STREAMING, kind, delay_seconds=after_seconds)
    listener.configure(**LATE_RENEWALS)
    listener.start()
    listener.wait_for_view("(view) => view.state === 'reconnecting'")
    listener.wait_for_view("(view) => view.state === 'live'")
    listener.wait_for_audio(2)

    proof = stop(listener)

    assert len(proof.sockets) == 2
    proof.check_every_sample_received()
    proof.check_every_word_once()
    proof.check_money(books)


def test_storms_of_refusals_and_lost_answers_cost_no_word_and_no_credit(
    listener: Listener, stop: Stop, books: Backend
) -> None:
    proxy = listener.proxy
    proxy.fail("start", "503", retry_after_seconds=0)
    proxy.fail("start", "lost")
    proxy.fail("renew", "429", times=2, retry_after_seconds=1)
    proxy.fail("renew", "lost")
    proxy.fail("renew", "503", times=2)
    proxy.fail("renew", "drop")
    listener.start()
    listener.wait_for_renewals(3)
    proxy.fail("stop", "429", times=2, retry_after_seconds=0)
    proxy.fail("stop", "lost")

    proof = stop(listener)

    assert {exchange.fault for exchange in proxy.exchanges} == {None, "429", "503", "lost", "drop"}
    proof.check_repeats()
    proof.check_every_sample_once()
    proof.check_every_word_once()
    proof.check_money(books)


def test_a_killed_worker_neither_loses_nor_doubles_a_caption(listener: Listener, stop: Stop, books: Backend) -> None:
    listener.start()
    listener.panel.run(HOLD_VIEW)  # no worker can store what it receives
    for _ in range(2):  # the second one receives a caption with its first events
        worker = listener.devtools.wait_for_context(WORKER)
        listener.wait_for_audio(2.3)
        worker.close()
    listener.panel.run("async () => release()")
    worker = listener.devtools.wait_for_context(WORKER)
    worker.run(STALL_AFTER_STORING)  # what it stores it does not acknowledge
    listener.wait_for_audio(2.3)
    worker.close()
    listener.wait_for_renewals(1)

    proof = stop(listener)

    proof.check_every_sample_once()
    proof.check_every_word_once()
    proof.check_money(books)


@pytest.mark.soak
def test_a_token_that_expires_in_mid_stream_is_refreshed_once(
    listener: Listener, stop: Stop, books: Backend, stack: LocalStack
) -> None:
    listener.start()
    listener.wait_for_audio(1)
    listener.store_token(Forger.of(stack).token(listener.account, exp=int(time.time()) - 60))
    listener.wait_for_renewals(2)

    proof = stop(listener)

    refused = [exchange.answer["details"]["reason"] for exchange in listener.proxy.exchanges if exchange.status == 401]
    assert refused
    assert set(refused) == {"expired"}
    assert len(listener.proxy.of("/auth/refresh")) == 1
    proof.check_every_sample_once()
    proof.check_every_word_once()
    proof.check_money(books)


@pytest.mark.soak
@pytest.mark.parametrize("seconds", [5, 75])  # the lease ends after 60
def test_words_after_the_computer_slept_go_on_and_the_gap_is_shown(
    listener: Listener, stop: Stop, books: Backend, seconds: int
) -> None:
    listener.configure(**LATE_RENEWALS)
    listener.start()
    listener.wait_for_audio(2)
    listener.sleep(seconds)
    listener.wait_for_view("(view) => view.gaps.length > 0 && view.state === 'live'")
    listener.wait_for_audio(3)

    proof = stop(listener)

    (gap,) = [gap for gap in proof.ended["gaps"] if gap["reason"] == "no_audio"]
    assert gap["endMs"] - gap["startMs"] >= 1_000 * (seconds - 1), json.dumps(proof.ended["gaps"])
    proof.check_words_and_gaps()
    proof.check_every_sample_received()
    proof.check_money(books)
