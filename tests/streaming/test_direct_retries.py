"""Direct leases said again, or left by a dead process: one lease has one token, whoever comes second."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chalicelib.dates import rfc3339
from chalicelib.errors import ConflictError, IdempotencyMismatchError, ProviderError
from chalicelib.models.ledger import Hold
from chalicelib.repositories.ledger import Ledger
from tests.fault_injection import Crash
from tests.streaming.direct_env import StreamingEnv


def test_the_same_start_again_gets_the_same_token_and_no_second_one_is_made(world: StreamingEnv) -> None:
    ada = world.backend.person(200)

    lease = world.start(ada, "session-1")

    assert world.start(ada, "session-1") == lease
    assert len(world.provider.tickets) == 1
    assert world.available(ada) == 100


def test_a_renewal_with_a_key_is_answered_again_and_makes_no_second_lease(world: StreamingEnv) -> None:
    ada = world.backend.person(500)
    lease = world.start(ada)
    world.clock.forward(550)
    renew = world.backend.streaming.renew

    first = renew(ada, lease.session_id, False, "renewal-1", "hash")

    assert renew(ada, lease.session_id, False, "renewal-1", "hash") == first
    assert len(world.provider.tickets) == 2
    with pytest.raises(IdempotencyMismatchError):
        renew(ada, lease.session_id, True, "renewal-1", "another hash")
    world.available(ada)


def test_a_lease_that_waited_for_its_token_begins_when_it_has_it(world: StreamingEnv) -> None:
    """A process that died on the way is not the listener's fault."""
    ada = world.backend.person(200)
    world.provider.script = [_crash]
    with pytest.raises(Crash):
        world.start(ada, "session-1")
    world.clock.forward(50)

    lease = world.start(ada, "session-1")

    assert lease.lease_expires_at == rfc3339(world.clock() + lease.lease_seconds)
    assert lease.offset_ms == 50_000
    world.clock.forward(12)
    assert world.stop(ada, lease).billed_seconds == 12
    assert world.covered(ada, lease) == ((50_000, 62_000),)
    assert world.available(ada) == 198


def test_a_start_never_answered_whose_session_went_on_gives_out_no_second_socket(world: StreamingEnv) -> None:
    """Its id can be worked out from the key, so it can be renewed without an answer."""
    ada = world.backend.person(200)
    world.provider.script = [_crash]
    with pytest.raises(Crash):
        world.start(ada, "session-1")
    world.clock.forward(50)
    world.backend.streaming.renew(ada, "session-1", interrupted=True)

    for _ in range(3):
        with pytest.raises(ConflictError, match="ended before its answer"):
            world.start(ada, "session-1")
    world.backend.streaming.stop(ada, "session-1")
    with pytest.raises(ConflictError):
        world.start(ada, "session-1")

    assert len(world.provider.tickets) == 1
    assert world.available(ada) == 200


def test_a_try_without_a_token_does_not_undo_the_lease_that_another_try_handed_out(world: StreamingEnv) -> None:
    """Two retries after a dead process, of which the second is answered while the first still asks in vain."""
    ada = world.backend.person(400)
    world.provider.script = [_crash]
    with pytest.raises(Crash):
        world.start(ada, "session-1")
    world.clock.forward(40)
    leases = []

    def meanwhile() -> None:
        leases.append(world.start(ada, "session-1"))
        raise ProviderError("down")

    world.provider.script = [meanwhile]
    with pytest.raises(ProviderError):
        world.start(ada, "session-1")
    (hold,) = world.backend.open_holds(ada.user_id)
    assert hold.credits == leases[0].credits_held
    assert world.start(ada, "session-1") == leases[0]

    world.sweep_everything()
    assert world.available(ada) == 300


def test_a_renewal_without_a_token_does_not_undo_the_lease_that_another_try_handed_out(world: StreamingEnv) -> None:
    ada = world.backend.person(400)
    session_id = world.start(ada).session_id
    renew = world.backend.streaming.renew
    world.provider.script = [_crash]
    with pytest.raises(Crash):
        renew(ada, session_id, True, "one", "hash")
    world.clock.forward(40)
    leases = []

    def meanwhile() -> None:
        leases.append(renew(ada, session_id, True, "one", "hash"))
        raise ProviderError("down")

    world.provider.script = [meanwhile]
    with pytest.raises(ProviderError):
        renew(ada, session_id, True, "one", "hash")
    (hold,) = world.backend.open_holds(ada.user_id)
    assert hold.credits == leases[0].credits_held
    assert renew(ada, session_id, True, "one", "hash") == leases[0]
    world.available(ada)


def test_a_renewal_that_died_gets_a_lease_of_its_own_and_not_the_one_before(world: StreamingEnv) -> None:
    ada = world.backend.person(1_000)
    session_id = world.start(ada).session_id
    renew = world.backend.streaming.renew
    first = renew(ada, session_id, True, "one", "hash")
    world.provider.script = [_crash]
    with pytest.raises(Crash):
        renew(ada, session_id, True, "two", "hash")
    world.clock.forward(40)

    second = renew(ada, session_id, True, "two", "hash")

    assert (first.token, second.token) == ("token-2", "token-3")
    assert renew(ada, session_id, True, "two", "hash") == second


def test_a_start_never_answered_gets_no_lease_that_a_renewal_is_opening(world: StreamingEnv) -> None:
    ada = world.backend.person(1_000)
    world.provider.script = [_crash, _crash]
    with pytest.raises(Crash):
        world.start(ada, "session-1")
    world.clock.forward(40)
    with pytest.raises(Crash):
        world.backend.streaming.renew(ada, "session-1", interrupted=True)
    world.clock.forward(40)

    with pytest.raises(ConflictError, match="ended before its answer"):
        world.start(ada, "session-1")

    assert world.provider.tickets == []


def test_the_sweep_leaves_a_lease_that_began_while_it_looked(world: StreamingEnv) -> None:
    """The index shows the hold of a lease that waited for its token, which has come since."""
    ada = world.backend.person(200)
    world.provider.script = [_crash]
    with pytest.raises(Crash):
        world.start(ada, "session-1")
    world.clock.forward(61)
    seen = list(world.backend.ledger.iter_due_holds(world.clock()))

    class LateIndex(Ledger):
        def iter_due_holds(self, now_at: int) -> Iterator[Hold]:
            return iter(seen)

    lease = world.start(ada, "session-1")
    swept = replace(world.backend.streaming, ledger=LateIndex(world.backend.tables)).sweep()

    assert [hold.user_id for hold in seen].count(ada.user_id) == 1
    assert swept == 0
    world.clock.forward(10)
    assert world.stop(ada, lease).billed_seconds == 10


def test_a_running_lease_is_left_to_its_end_by_the_index_of_open_holds(world: StreamingEnv) -> None:
    ada = world.backend.person(200)
    lease = world.start(ada)
    (hold,) = world.backend.open_holds(ada.user_id)

    assert hold.sweep_at == world.clock() + lease.lease_seconds + world.backend.streaming.rules.sweep_grace_seconds


def _crash() -> None:
    raise Crash


def test_a_renewal_that_comes_late_ends_no_lease_but_its_own(world: StreamingEnv) -> None:
    """A copy of a request that was on its way for long, while the client has renewed twice since."""
    ada = world.backend.person(500)
    session_id, renew = world.start(ada).session_id, world.backend.streaming.renew
    for key in ("first", "second", "", "third"):
        world.clock.forward(10)
        last = renew(ada, session_id, True, key, "hash")
    before = (world.available(ada), len(world.provider.tickets))

    for key in ("first", "second"):
        with pytest.raises(ConflictError) as refused:
            renew(ada, session_id, True, key, "hash")
        assert refused.value.details == {"reason": "renewed_since"}

    assert renew(ada, session_id, True, "third", "hash") == last
    assert (world.available(ada), len(world.provider.tickets)) == before
