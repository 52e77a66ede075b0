"""Direct sessions: the token's cap is the lease, the clock bills, early ends are given back out of an allowance."""

from dataclasses import replace

import msgspec
import pytest

from chalicelib import contract
from chalicelib.dates import rfc3339
from chalicelib.errors import ConflictError, InvalidRequestError, ProviderError
from chalicelib.models.accounts import Caller
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import Tables, Write
from tests.fakes import Backend, Clock, FakeLive
from tests.streaming.direct_env import StreamingEnv


def test_a_lease_is_held_before_its_token_and_billed_by_the_clock(world: StreamingEnv) -> None:
    ada = world.backend.person(200)

    lease = world.start(ada)
    assert (lease.lease_seconds, lease.credits_held, lease.provider) == (600, 100, "assemblyai")
    assert (lease.token, lease.websocket_url) == ("token-1", "ws://live.example/v3/ws")
    assert world.provider.tickets == [(world.clock(), 600)]
    world.clock.forward(90)
    stopped = world.stop(ada, lease)

    assert (stopped.billed_seconds, stopped.credits_used) == (90, 15)
    assert world.stop(ada, lease) == stopped
    assert world.available(ada) == 185


def test_no_word_from_the_client_bills_to_the_end_of_the_lease(world: StreamingEnv) -> None:
    ada = world.backend.person(200)
    lease = world.start(ada)

    world.sweep_everything()

    assert world.available(ada) == 100
    assert world.stop(ada, lease).billed_seconds == 600


def test_unused_time_is_given_back_only_from_the_days_allowance(world: StreamingEnv) -> None:
    ada = world.backend.person(2_000)
    for _ in range(3):  # Each gives back 599 of 600 s: 1,797 of the 1,800 s of a free account.
        lease = world.start(ada, lease_seconds=600)
        world.clock.forward(1)
        world.stop(ada, lease)
    assert world.available(ada) == 2_000 - 3

    lease = world.start(ada, lease_seconds=600)
    stopped = world.stop(ada, lease)

    assert stopped.billed_seconds == 597
    world.clock.forward(86_400)
    lease = world.start(ada, lease_seconds=600)
    assert world.stop(ada, lease).billed_seconds == 0


def test_an_account_that_bought_has_the_larger_allowance(world: StreamingEnv) -> None:
    ada = world.backend.person(5_000)
    world.backend.tables.write(_bought(ada))
    for _ in range(6):
        lease = world.start(ada, lease_seconds=600)
        world.clock.forward(1)
        assert world.stop(ada, lease).billed_seconds == 1


def test_the_default_lease_shrinks_as_the_allowance_runs_out(world: StreamingEnv) -> None:
    ada = world.backend.person(2_000)
    seconds = []
    for _ in range(6):
        lease = world.start(ada)
        seconds.append(lease.lease_seconds)
        world.stop(ada, lease)

    assert seconds == [600, 400, 266, 178, 118, 79]


def test_renewing_settles_and_follows_on_and_the_price_is_that_of_the_whole(world: StreamingEnv) -> None:
    ada = world.backend.person(500)
    lease = world.start(ada)
    for number in range(1, 4):
        world.clock.forward(550)
        lease = world.renew(ada, lease)
        assert (lease.offset_ms, lease.token) == (number * 550_000, f"token-{number + 1}")

    world.clock.forward(550)
    stopped = world.stop(ada, lease)

    assert (stopped.billed_seconds, stopped.credits_used) == (2_200, -(-2_200 * 10 // 60))
    assert world.available(ada) == 500 - stopped.credits_used


def test_renewing_too_early_is_refused_unless_the_stream_was_interrupted(world: StreamingEnv) -> None:
    ada = world.backend.person(500)
    lease = world.start(ada)
    world.clock.forward(100)

    with pytest.raises(ConflictError, match="not near its end"):
        world.renew(ada, lease)
    again = world.renew(ada, lease, interrupted=True)

    assert again.session_id == lease.session_id
    assert again.offset_ms == 100_000


def test_what_the_client_says_of_its_sockets_is_kept_beside_our_figure_and_not_billed(world: StreamingEnv) -> None:
    """A session that is taken up day after day may last longer than one day."""
    ada = world.backend.person(500)
    lease = world.start(ada)
    world.clock.forward(90)
    body = msgspec.convert({"session_id": lease.session_id, "provider_session_seconds": 90_061}, contract.Stop)
    stopped = world.backend.streaming.stop(ada, body.session_id, body.provider_session_seconds)

    (entry, _) = world.backend.entries(ada.user_id)
    assert (stopped.billed_seconds, entry.audio_ms) == (90, 90_000)
    assert (entry.reported_ms, entry.reported_of_ms) == (90_061_000, 90_000)


def test_key_terms_that_no_socket_address_holds_are_refused_before_anything_is_held(world: StreamingEnv) -> None:
    """Each is short enough; a letter beyond ASCII takes six to twelve bytes there."""
    ada = world.backend.person(200)

    with pytest.raises(InvalidRequestError) as refusal:
        world.start(ada, key_terms=["語" * 50] * 100)

    assert refusal.value.details == {"field": "key_terms"}
    assert (world.available(ada), world.provider.tickets) == (200, [])
    assert world.start(ada, key_terms=["x" * 50] * 100).lease_seconds == 600


def test_after_a_day_an_interrupted_session_is_over(world: StreamingEnv) -> None:
    ada = world.backend.person(500)
    lease = world.start(ada)
    world.clock.forward(600 + 86_401)
    world.backend.streaming.sweep()

    with pytest.raises(ConflictError, match="too long ago"):
        world.renew(ada, lease, interrupted=True)


def test_a_provider_that_is_down_at_the_start_leaves_nothing_behind(world: StreamingEnv) -> None:
    ada = world.backend.person(200)
    world.provider.script.append(ProviderError("down"))

    with pytest.raises(ProviderError):
        world.start(ada, "session-1")

    assert world.available(ada) == 200
    assert world.backend.open_holds(ada.user_id) == []
    assert world.backend.transcripts.page(ada.user_id, 10, None) == ([], None)
    assert [entry.kind for entry in world.backend.entries(ada.user_id)] == ["free_credits"]


def test_a_provider_that_is_down_at_a_renewal_settles_and_leaves_the_session_to_be_resumed(world: StreamingEnv) -> None:
    ada = world.backend.person(200)
    lease = world.start(ada)
    world.clock.forward(550)
    world.provider.script.append(ProviderError("down"))

    with pytest.raises(ProviderError):
        world.renew(ada, lease)
    assert world.backend.open_holds(ada.user_id) == []
    assert world.available(ada) == 200 - 92
    resumed = world.renew(ada, lease)

    assert resumed.session_id == lease.session_id
    assert world.stop(ada, resumed).billed_seconds == 550


def test_the_second_provider_steps_in_with_a_shorter_lease(tables: Tables, clock: Clock) -> None:
    first = FakeLive(clock, script=[ProviderError("down")])
    second = FakeLive(clock, name="openai", model="openai/gpt-live-transcribe", longest_seconds=60)
    backend = Backend.on(tables, clock, live=(first, second))
    ada = backend.person(200)

    lease = backend.start(ada, transport="direct")
    assert (lease.provider, lease.lease_seconds, second.tickets) == ("openai", 60, [(clock(), 60)])
    clock.forward(1_000)
    backend.streaming.sweep()

    assert backend.ledger.balance(ada.user_id).available == 190
    assert backend.entries(ada.user_id)[0].uses[0].model == "openai/gpt-live-transcribe"
    backend.check_invariants(ada.user_id)


def test_a_language_that_no_provider_knows_is_refused_before_anything_is_held(world: StreamingEnv) -> None:
    ada = world.backend.person(200)

    with pytest.raises(InvalidRequestError) as refusal:
        world.start(ada, language="tlh")

    assert refusal.value.details == {"field": "language"}
    assert world.available(ada) == 200


def test_a_direct_session_takes_no_audio_here(world: StreamingEnv) -> None:
    ada = world.backend.person(200)
    lease = world.start(ada)

    with pytest.raises(ConflictError, match="streams directly"):
        world.backend.send(ada, lease.session_id, 0)


def _bought(caller: Caller) -> Write:
    """The mark that a purchase leaves on the balance."""
    return Write(balance_key(caller.user_id), add={"purchased": 500, "version": 1})


def test_a_short_lease_may_be_renewed_at_once_and_is_said_to_end_in_its_last_third(world: StreamingEnv) -> None:
    ada = world.backend.person(200)
    lease = world.start(ada, lease_seconds=60)
    assert lease.renew_after == rfc3339(world.clock())
    assert world.renew(ada, lease).lease_seconds == 60

    world.clock.forward(39)
    assert world.save(ada, lease).warnings == []
    world.clock.forward(1)
    assert world.save(ada, lease).warnings == ["lease_ending"]


@pytest.mark.soak
def test_a_listener_without_allowance_who_renews_when_warned_pays_half_again_at_most(world: StreamingEnv) -> None:
    """The leases are as short as they come, and each is billed to its end."""
    ada = world.backend.person(1_000)
    for _ in range(3):  # The whole allowance of the day.
        lease = world.start(ada, lease_seconds=600)
        world.stop(ada, lease)
    began, lease = world.clock(), world.start(ada)
    assert lease.lease_seconds == 60

    while world.clock() - began < 1_800:
        while "lease_ending" not in world.save(ada, lease).warnings:
            world.clock.forward(1)
        lease = world.renew(ada, lease)
    listened = world.clock() - began

    assert world.stop(ada, lease).billed_seconds <= listened * 3 / 2 + 60


def test_a_lease_whose_model_is_gone_from_the_prices_is_settled_at_the_old_cost(world: StreamingEnv) -> None:
    ada = world.backend.person(200)
    lease = world.start(ada)
    world.clock.forward(60)
    before = world.backend.streaming.prices
    kept = {name: price for name, price in before.models.items() if name != world.provider.model}
    after_a_deploy = replace(world.backend.streaming, prices=msgspec.structs.replace(before, models=kept))

    assert after_a_deploy.stop(ada, lease.session_id).credits_used == 10

    (entry, _) = world.backend.entries(ada.user_id)
    assert entry.cost_micro_usd == before.cost_micro_usd(world.provider.model, 60_000)
