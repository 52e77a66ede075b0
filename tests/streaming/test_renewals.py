"""Renewals: when one may follow, how long it is, and taking up a session that lapsed, on both engines."""

import pytest

from chalicelib import contract
from chalicelib.dates import rfc3339
from chalicelib.errors import ConflictError, InsufficientCreditsError
from chalicelib.models.accounts import Caller
from chalicelib.repositories.sessions import session_key
from chalicelib.streaming.session_records import MAX_REMEMBERED_RENEWALS
from tests.default_prices import live_credits
from tests.fakes import Backend


def renew_session(backend: Backend, caller: Caller, session_id: str, interrupted: bool = False) -> contract.Lease:
    return backend.streaming.renew(caller, session_id, interrupted)


def test_a_renewal_that_is_too_early_says_when_to_retry(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.clock.forward(539)

    with pytest.raises(ConflictError) as refused:
        renew_session(backend, ada, lease.session_id)

    assert refused.value.details == {
        "reason": "lease_open",
        "renew_after": lease.renew_after,
        "lease_expires_at": lease.lease_expires_at,
    }


def test_a_renewal_near_the_end_settles_one_lease_and_holds_the_next(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.send(ada, lease.session_id, 0, seconds=30)
    backend.clock.forward(540)

    following = renew_session(backend, ada, lease.session_id)

    assert (following.session_id, following.transcript_id) == (lease.session_id, lease.transcript_id)
    assert (following.credits_held, following.offset_ms) == (live_credits(630) - live_credits(30), 30_000)
    assert following.credits_available == 200 - live_credits(630)
    assert following.lease_expires_at == rfc3339(backend.clock() + 600)
    assert [entry.credits for entry in backend.entries(ada.user_id)] == [-live_credits(30), 200]
    backend.check_invariants(ada.user_id)


def test_a_lease_whose_audio_is_used_up_may_be_renewed_at_once(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada, lease_seconds=120)
    backend.send(ada, lease.session_id, 0, seconds=59)
    with pytest.raises(ConflictError):
        renew_session(backend, ada, lease.session_id)
    backend.send(ada, lease.session_id, 1, seconds=1)

    assert renew_session(backend, ada, lease.session_id).lease_seconds == 120


def test_an_interrupted_stream_is_renewed_at_once_and_unused_time_is_free(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.clock.forward(10)

    renew_session(backend, ada, lease.session_id, interrupted=True)

    assert backend.streaming.stop(ada, lease.session_id).credits_used == 0
    assert backend.ledger.balance(ada.user_id).available == 200


def test_the_next_lease_shrinks_with_the_balance_and_is_refused_below_a_minute(backend: Backend) -> None:
    ada = backend.person(live_credits(180))
    lease = backend.start(ada)
    assert lease.lease_seconds == 180
    backend.send(ada, lease.session_id, 0, seconds=119)
    backend.send(ada, lease.session_id, 1, seconds=1)

    following = renew_session(backend, ada, lease.session_id)
    assert (following.lease_seconds, following.credits_held, following.credits_available) == (
        60,
        live_credits(180) - live_credits(120),
        0,
    )
    backend.send(ada, lease.session_id, 2, seconds=1)
    with pytest.raises(InsufficientCreditsError) as refused:
        renew_session(backend, ada, lease.session_id)

    required = live_credits(181) - live_credits(121)
    assert refused.value.details == {
        "required": required,
        "available": required - live_credits(121) + live_credits(120),
    }
    backend.check_invariants(ada.user_id)


def test_a_lapsed_session_can_be_resumed_within_a_day(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.send(ada, lease.session_id, 0, seconds=30)
    backend.clock.forward(660)
    backend.streaming.sweep()
    backend.clock.forward(86_400 - 60)

    following = renew_session(backend, ada, lease.session_id)

    assert (following.transcript_id, following.offset_ms) == (lease.transcript_id, 30_000)
    backend.send(ada, lease.session_id, 1, seconds=3)
    assert backend.streaming.stop(ada, lease.session_id).credits_used == live_credits(33)
    backend.check_invariants(ada.user_id)


def test_a_session_cannot_be_resumed_a_day_after_its_end(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.clock.forward(600 + 86_401)
    for _ in range(2):
        with pytest.raises(ConflictError, match="too long ago"):
            renew_session(backend, ada, lease.session_id, interrupted=True)
        backend.streaming.sweep()


def test_a_stopped_session_is_not_renewed(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.streaming.stop(ada, lease.session_id)

    with pytest.raises(ConflictError, match="stopped"):
        renew_session(backend, ada, lease.session_id, interrupted=True)


@pytest.mark.long
def test_the_keys_of_earlier_renewals_are_bounded(backend: Backend) -> None:
    ada = backend.person(200)
    session_id = backend.start(ada).session_id
    for number in range(MAX_REMEMBERED_RENEWALS + 3):
        backend.streaming.renew(ada, session_id, True, f"{number:08}-key", "hash")

    item = backend.tables.get(session_key(ada.user_id, session_id)) or {}
    assert item["followed_renewals"] == [f"{number:08}" for number in range(2, MAX_REMEMBERED_RENEWALS + 2)]
