"""A session from start to stop, in a real browser: no sample and no word is lost or doubled at a renewal."""

from collections.abc import Iterator

import pytest

from tests.extension.conftest import Stop
from tests.extension.listener import HOUR_MS, WALL_AHEAD, Listener
from tests.fakes import Backend
from tests.http.http_client import Sandbox


def check_renewed_session(listener: Listener, stop: Stop, books: Backend, renewals: int) -> None:
    """So many leases and sockets follow the first ones: all samples, words and seconds are there once."""
    listener.start()
    listener.wait_for_renewals(renewals)
    listener.wait_for_audio(1)

    proof = stop(listener)

    assert len(proof.sockets) > renewals
    proof.check_every_sample_once()
    proof.check_every_word_once()
    proof.check_money(books)


def test_a_session_over_twenty_renewals_loses_and_doubles_nothing(
    listener: Listener, stop: Stop, books: Backend
) -> None:
    check_renewed_session(listener, stop, books, renewals=20)


@pytest.fixture
def wrong_clock(listener: Listener, wrong_ms: int) -> Iterator[None]:
    """The listener's clock is wrong in every context, and right again afterwards: other tests use this browser."""
    listener.speak(wallAheadMs=wrong_ms)
    for context in listener.devtools.contexts("chrome-extension://"):
        context.run(WALL_AHEAD, wrong_ms)
    yield
    for context in listener.devtools.contexts("chrome-extension://"):
        context.run(WALL_AHEAD, 0)


@pytest.mark.soak
@pytest.mark.parametrize("wrong_ms", [-HOUR_MS, HOUR_MS])
@pytest.mark.usefixtures("wrong_clock")
def test_a_clock_an_hour_wrong_changes_neither_words_nor_money(
    listener: Listener, stop: Stop, books: Backend, wrong_ms: int
) -> None:
    check_renewed_session(listener, stop, books, renewals=3)


@pytest.mark.soak
def test_openai_goes_on_where_assemblyai_fails_without_losing_a_word(
    listener: Listener, stop: Stop, books: Backend, sandbox: Sandbox
) -> None:
    listener.configure(sampleRate=24_000, lease_seconds=60, renewLeadSeconds=57, pausePatienceSeconds=1)
    listener.speak(sampleRate=24_000)
    listener.start()
    sandbox.fail(Sandbox.TOKEN, "500", times=-1)
    listener.wait_for_lease_of("openai")
    listener.wait_for_audio(3)
    listener.wait_for_renewals(2)
    listener.wait_for_audio(1)

    proof = stop(listener)

    services = [socket["service"] for socket in proof.sockets]
    assert services == sorted(services)  # AssemblyAI's, then OpenAI's
    assert set(services) == {"assemblyai.streaming", "openai.realtime"}
    proof.check_every_sample_once()
    proof.check_every_word_once()
    proof.check_money(books)


@pytest.mark.soak
def test_a_second_window_shows_the_session_and_stops_it_but_starts_no_other(
    listener: Listener, stop: Stop, books: Backend
) -> None:
    listener.start()
    second = listener.open_window()
    assert second.view["state"] == "live"
    assert second.send("START", tabId=second.open_tab())["code"] == "session_running"
    listener.wait_for_audio(2)

    proof = stop(second)

    second.close()
    assert listener.view == proof.ended
    proof.check_every_sample_once()
    proof.check_every_word_once()
    proof.check_money(books)
