"""A provider's socket that stays open but answers nothing any more, in the real extension."""

from collections.abc import Callable

import pytest

from tests.extension.listener import Listener
from tests.extension.proof import Proof
from tests.fakes import Backend
from tests.http.http_client import Sandbox

STREAMING = "assemblyai.streaming"


@pytest.mark.soak  # it takes the 15 seconds of speech after which the SDK gives a silent socket up
def test_a_socket_that_answers_nothing_any_more_costs_no_word(
    listener: Listener, stop: Callable[[Listener], Proof], books: Backend, sandbox: Sandbox
) -> None:
    sandbox.fail(STREAMING, "stall", delay_seconds=4)
    listener.configure(lease_seconds=60, renewLeadSeconds=10)
    listener.start()
    listener.wait_for_view("(view) => view.state === 'reconnecting'")
    listener.wait_for_view("(view) => view.state === 'live'")
    listener.wait_for_audio(2)

    proof = stop(listener)

    assert len(proof.sockets) == 2
    proof.check_every_sample_received()
    proof.check_every_word_once()
    proof.check_money(books)
