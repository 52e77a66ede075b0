"""Direct leases repeated, or left by a dead process: one lease has exactly one token."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chalicelib.dates import rfc3339
from chalicelib.errors import ConflictError, IdempotencyMismatchError, ProviderError
from chalicelib.models.ledger import Hold
from chalicelib.repositories.ledger import Ledger
from tests.default_prices import live_credits
from tests.fault_injection import Crash
from tests.streaming.direct_env import StreamingEnv


def test_a_repeated_start_returns_the_same_token_and_creates_no_second(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(200)

    lease = streaming_env.start(ada, "session-1")

    assert streaming_env.start(ada, "session-1") == lease
    assert len(streaming_env.provider.socket_credentials) == 1
    assert streaming_env.available(ada) == 200 - live_credits(600)


def test_a_repeated_renewal_returns_the_same_lease(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(500)
    lease = streaming_env.start(ada)
    streaming_env.clock.forward(550)
    renew = streaming_env.backend.streaming.renew

    first = renew(ada, lease.session_id, False, "renewal-1", "hash")

    assert renew(ada, lease.session_id, False, "renewal-1", "hash") == first
    assert len(streaming_env.provider.socket_credentials) == 2
    with pytest.raises(IdempotencyMismatchError):
        renew(ada, lease.session_id, True, "renewal-1", "another hash")
    streaming_env.available(ada)


def test_a_lease_begins_when_its_token_arrives(streaming_env: StreamingEnv) -> None:
    """A process that died on the way is not the listener's fault."""
    ada = streaming_env.backend.person(200)
    streaming_env.provider.script = [_crash]
    with pytest.raises(Crash):
        streaming_env.start(ada, "session-1")
    streaming_env.clock.forward(50)

    lease = streaming_env.start(ada, "session-1")

    assert lease.lease_expires_at == rfc3339(streaming_env.clock() + lease.lease_seconds)
    assert lease.offset_ms == 50_000
    streaming_env.clock.forward(12)
    assert streaming_env.stop(ada, lease).billed_seconds == 12
    assert streaming_env.get_covered_intervals(ada, lease) == ((50_000, 62_000),)
    assert streaming_env.available(ada) == 200 - live_credits(12)


def test_an_unanswered_start_opens_no_second_socket_once_renewed(streaming_env: StreamingEnv) -> None:
    """Its id can be worked out from the key, so it can be renewed without an answer."""
    ada = streaming_env.backend.person(200)
    streaming_env.provider.script = [_crash]
    with pytest.raises(Crash):
        streaming_env.start(ada, "session-1")
    streaming_env.clock.forward(50)
    streaming_env.backend.streaming.renew(ada, "session-1", interrupted=True)

    for _ in range(3):
        with pytest.raises(ConflictError, match="ended before its answer"):
            streaming_env.start(ada, "session-1")
    streaming_env.backend.streaming.stop(ada, "session-1")
    with pytest.raises(ConflictError):
        streaming_env.start(ada, "session-1")

    assert len(streaming_env.provider.socket_credentials) == 1
    assert streaming_env.available(ada) == 200


def test_a_start_without_a_token_does_not_cancel_another_trys_lease(streaming_env: StreamingEnv) -> None:
    """Two retries after a dead process, of which the second is answered while the first still waits without success."""
    ada = streaming_env.backend.person(400)
    streaming_env.provider.script = [_crash]
    with pytest.raises(Crash):
        streaming_env.start(ada, "session-1")
    streaming_env.clock.forward(40)
    leases = []

    def act_meanwhile() -> None:
        leases.append(streaming_env.start(ada, "session-1"))
        raise ProviderError("down")

    streaming_env.provider.script = [act_meanwhile]
    with pytest.raises(ProviderError):
        streaming_env.start(ada, "session-1")
    (hold,) = streaming_env.backend.open_holds(ada.user_id)
    assert hold.credits == leases[0].credits_held
    assert streaming_env.start(ada, "session-1") == leases[0]

    streaming_env.sweep_everything()
    assert streaming_env.available(ada) == 400 - live_credits(600)


def test_a_renewal_without_a_token_does_not_cancel_another_trys_lease(
    streaming_env: StreamingEnv,
) -> None:
    ada = streaming_env.backend.person(400)
    session_id = streaming_env.start(ada).session_id
    renew = streaming_env.backend.streaming.renew
    streaming_env.provider.script = [_crash]
    with pytest.raises(Crash):
        renew(ada, session_id, True, "one", "hash")
    streaming_env.clock.forward(40)
    leases = []

    def act_meanwhile() -> None:
        leases.append(renew(ada, session_id, True, "one", "hash"))
        raise ProviderError("down")

    streaming_env.provider.script = [act_meanwhile]
    with pytest.raises(ProviderError):
        renew(ada, session_id, True, "one", "hash")
    (hold,) = streaming_env.backend.open_holds(ada.user_id)
    assert hold.credits == leases[0].credits_held
    assert renew(ada, session_id, True, "one", "hash") == leases[0]
    streaming_env.available(ada)


def test_a_renewal_that_crashed_gets_its_own_lease_not_the_previous_one(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(1_000)
    session_id = streaming_env.start(ada).session_id
    renew = streaming_env.backend.streaming.renew
    first = renew(ada, session_id, True, "one", "hash")
    streaming_env.provider.script = [_crash]
    with pytest.raises(Crash):
        renew(ada, session_id, True, "two", "hash")
    streaming_env.clock.forward(40)

    second = renew(ada, session_id, True, "two", "hash")

    assert (first.token, second.token) == ("token-2", "token-3")
    assert renew(ada, session_id, True, "two", "hash") == second


def test_an_unanswered_start_gets_no_lease_that_a_renewal_is_opening(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(1_000)
    streaming_env.provider.script = [_crash, _crash]
    with pytest.raises(Crash):
        streaming_env.start(ada, "session-1")
    streaming_env.clock.forward(40)
    with pytest.raises(Crash):
        streaming_env.backend.streaming.renew(ada, "session-1", interrupted=True)
    streaming_env.clock.forward(40)

    with pytest.raises(ConflictError, match="ended before its answer"):
        streaming_env.start(ada, "session-1")

    assert streaming_env.provider.socket_credentials == []


def test_the_sweep_leaves_a_lease_that_began_meanwhile(streaming_env: StreamingEnv) -> None:
    """The index shows the hold of a lease that waited for its token, which has come since."""
    ada = streaming_env.backend.person(200)
    streaming_env.provider.script = [_crash]
    with pytest.raises(Crash):
        streaming_env.start(ada, "session-1")
    streaming_env.clock.forward(61)
    due_holds = list(streaming_env.backend.ledger.iter_due_holds(streaming_env.clock()))

    class LateIndex(Ledger):
        def iter_due_holds(self, now_at: int) -> Iterator[Hold]:
            return iter(due_holds)

    lease = streaming_env.start(ada, "session-1")
    swept = replace(streaming_env.backend.streaming, ledger=LateIndex(streaming_env.backend.tables)).sweep()

    assert [hold.user_id for hold in due_holds].count(ada.user_id) == 1
    assert swept == 0
    streaming_env.clock.forward(10)
    assert streaming_env.stop(ada, lease).billed_seconds == 10


def test_a_running_lease_is_not_due_in_the_index_of_open_holds(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(200)
    lease = streaming_env.start(ada)
    (hold,) = streaming_env.backend.open_holds(ada.user_id)

    assert (
        hold.sweep_at
        == streaming_env.clock() + lease.lease_seconds + streaming_env.backend.streaming.rules.sweep_grace_seconds
    )


def _crash() -> None:
    raise Crash


def test_a_late_copy_of_a_renewal_ends_no_later_lease(streaming_env: StreamingEnv) -> None:
    """A copy of a request that was on its way for long, while the client has renewed twice since."""
    ada = streaming_env.backend.person(500)
    session_id, renew = streaming_env.start(ada).session_id, streaming_env.backend.streaming.renew
    for key in ("first", "second", "", "third"):
        streaming_env.clock.forward(10)
        last = renew(ada, session_id, True, key, "hash")
    before = (streaming_env.available(ada), len(streaming_env.provider.socket_credentials))

    for key in ("first", "second"):
        with pytest.raises(ConflictError) as refused:
            renew(ada, session_id, True, key, "hash")
        assert refused.value.details == {"reason": "renewed_since"}

    assert renew(ada, session_id, True, "third", "hash") == last
    assert (streaming_env.available(ada), len(streaming_env.provider.socket_credentials)) == before
