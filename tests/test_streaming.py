"""Leases: start, renew, save, stop, sweep, on both engines."""

import pytest

from chalicelib import contract
from chalicelib.errors import ConflictError, InsufficientCreditsError
from tests.fakes import Backend


def test_a_session_is_held_used_and_settled_to_the_credit(backend: Backend) -> None:
    ada = backend.person(200)

    lease = backend.start(ada)
    assert (lease.lease_seconds, lease.credits_held, lease.credits_available) == (600, 100, 100)
    chunk = backend.send(ada, lease.session_id, 0, seconds=7.1)
    assert (chunk.text, chunk.duration_ms, chunk.credits_used) == ("some words", 7100, 2)
    backend.check_invariants(ada.user_id)
    stopped = backend.streaming.stop(ada, lease.session_id)

    assert (stopped.billed_seconds, stopped.credits_used, stopped.credits_available) == (8, 2, 198)
    assert backend.streaming.stop(ada, lease.session_id) == stopped
    assert backend.ledger.balance(ada.user_id).available == 198
    backend.check_invariants(ada.user_id)


def test_the_sweep_settles_a_lease_that_nobody_ended(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.send(ada, lease.session_id, 0, seconds=60)

    backend.clock.forward(659)
    assert backend.streaming.sweep() == 0
    backend.clock.forward(1)
    assert backend.streaming.sweep() == 1

    assert backend.ledger.balance(ada.user_id).available == 190
    stopped = backend.streaming.stop(ada, lease.session_id)
    assert (stopped.billed_seconds, stopped.credits_used) == (60, 10)
    backend.check_invariants(ada.user_id)
