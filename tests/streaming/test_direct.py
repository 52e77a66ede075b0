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
from tests.default_prices import live_credits
from tests.fakes import Backend, Clock, FakeLive
from tests.streaming.direct_env import StreamingEnv


def test_a_lease_is_held_before_its_token_and_billed_by_the_clock(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(200)

    lease = streaming_env.start(ada)
    assert (lease.lease_seconds, lease.credits_held, lease.provider) == (600, live_credits(600), "assemblyai")
    assert (lease.token, lease.websocket_url) == ("token-1", "ws://live.example/v3/ws")
    assert streaming_env.provider.socket_credentials == [(streaming_env.clock(), 600)]
    streaming_env.clock.forward(90)
    stopped = streaming_env.stop(ada, lease)

    assert (stopped.billed_seconds, stopped.credits_used) == (90, live_credits(90))
    assert streaming_env.stop(ada, lease) == stopped
    assert streaming_env.available(ada) == 200 - live_credits(90)


def test_a_silent_client_is_billed_to_the_end_of_the_lease(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(200)
    lease = streaming_env.start(ada)

    streaming_env.sweep_everything()

    assert streaming_env.available(ada) == 200 - live_credits(600)
    assert streaming_env.stop(ada, lease).billed_seconds == 600


def test_unused_time_is_returned_only_from_the_days_allowance(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(2_000)
    for _ in range(3):  # Each gives back 599 of 600 s: 1,797 of the 1,800 s of a free account.
        lease = streaming_env.start(ada, lease_seconds=600)
        streaming_env.clock.forward(1)
        streaming_env.stop(ada, lease)
    assert streaming_env.available(ada) == 2_000 - 3 * live_credits(1)

    lease = streaming_env.start(ada, lease_seconds=600)
    stopped = streaming_env.stop(ada, lease)

    assert stopped.billed_seconds == 597
    streaming_env.clock.forward(86_400)
    lease = streaming_env.start(ada, lease_seconds=600)
    assert streaming_env.stop(ada, lease).billed_seconds == 0


def test_an_account_that_bought_has_the_larger_allowance(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(5_000)
    streaming_env.backend.tables.write(buy_credits(ada))
    for _ in range(6):
        lease = streaming_env.start(ada, lease_seconds=600)
        streaming_env.clock.forward(1)
        assert streaming_env.stop(ada, lease).billed_seconds == 1


def test_the_default_lease_shrinks_as_the_allowance_runs_out(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(2_000)
    seconds = []
    for _ in range(6):
        lease = streaming_env.start(ada)
        seconds.append(lease.lease_seconds)
        streaming_env.stop(ada, lease)

    assert seconds == [600, 400, 266, 178, 118, 79]


def test_renewing_settles_and_the_price_is_that_of_the_whole_session(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(500)
    lease = streaming_env.start(ada)
    for number in range(1, 4):
        streaming_env.clock.forward(550)
        lease = streaming_env.renew(ada, lease)
        assert (lease.offset_ms, lease.token) == (number * 550_000, f"token-{number + 1}")

    streaming_env.clock.forward(550)
    stopped = streaming_env.stop(ada, lease)

    assert (stopped.billed_seconds, stopped.credits_used) == (2_200, live_credits(2_200))
    assert streaming_env.available(ada) == 500 - stopped.credits_used


def test_renewing_too_early_is_refused_unless_the_stream_was_interrupted(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(500)
    lease = streaming_env.start(ada)
    streaming_env.clock.forward(100)

    with pytest.raises(ConflictError, match="not near its end"):
        streaming_env.renew(ada, lease)
    again = streaming_env.renew(ada, lease, interrupted=True)

    assert again.session_id == lease.session_id
    assert again.offset_ms == 100_000


def test_the_clients_reported_duration_is_stored_and_not_billed(
    streaming_env: StreamingEnv,
) -> None:
    ada = streaming_env.backend.person(500)
    lease = streaming_env.start(ada)
    streaming_env.clock.forward(90)
    stopped = streaming_env.backend.streaming.stop(ada, lease.session_id, 83)

    (entry, _) = streaming_env.backend.entries(ada.user_id)
    assert (stopped.billed_seconds, entry.audio_ms) == (90, 90_000)
    assert (entry.reported_ms, entry.reported_of_ms, entry.implausible_ms) == (83_000, 90_000, None)


@pytest.mark.parametrize(
    ("lasted", "renewals", "reported", "is_plausible"),
    [
        (90, 0, 0, True),
        (90, 0, 90, True),
        (90, 0, 91, True),  # clocks count whole seconds
        (90, 0, 92, False),
        (0, 0, 600, False),
        (90, 0, 3_600, False),
        (90, 0, 2_592_000, False),
        (60, 2, 200, True),  # two sockets are open for a while at each renewal
        (60, 2, 202, False),
        (90_000, 0, 90_000, True),  # taken up after a night
    ],
)
def test_a_report_of_more_seconds_than_have_passed_counts_as_implausible(
    streaming_env: StreamingEnv, lasted: int, renewals: int, reported: int, is_plausible: bool
) -> None:
    ada = streaming_env.backend.person(5_000)
    lease = streaming_env.start(ada, lease_seconds=10_800)
    for _ in range(renewals):
        streaming_env.clock.forward(lasted)
        streaming_env.renew(ada, lease, interrupted=True)
    streaming_env.clock.forward(lasted)
    body = msgspec.convert({"session_id": lease.session_id, "provider_session_seconds": reported}, contract.Stop)

    stopped = streaming_env.backend.streaming.stop(ada, body.session_id, body.provider_session_seconds)

    entry = next(entry for entry in streaming_env.backend.entries(ada.user_id) if entry.kind == "usage")
    milliseconds = reported * 1_000
    assert (entry.reported_ms, entry.implausible_ms) == ((milliseconds, None) if is_plausible else (None, milliseconds))
    assert entry.reported_of_ms == (stopped.billed_seconds * 1_000 if is_plausible else 0)


def test_key_terms_too_long_for_a_socket_address_are_refused_before_a_hold(
    streaming_env: StreamingEnv,
) -> None:
    """Each is short enough; a letter beyond ASCII takes six to twelve bytes there."""
    ada = streaming_env.backend.person(200)

    with pytest.raises(InvalidRequestError) as refusal:
        streaming_env.start(ada, key_terms=["語" * 50] * 100)

    assert refusal.value.details == {"field": "key_terms"}
    assert (streaming_env.available(ada), streaming_env.provider.socket_credentials) == (200, [])
    assert streaming_env.start(ada, key_terms=["x" * 50] * 100).lease_seconds == 600


def test_an_interrupted_session_cannot_be_resumed_after_a_day(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(500)
    lease = streaming_env.start(ada)
    streaming_env.clock.forward(600 + 86_401)
    streaming_env.backend.streaming.sweep()

    with pytest.raises(ConflictError, match="too long ago"):
        streaming_env.renew(ada, lease, interrupted=True)


def test_a_provider_outage_at_the_start_leaves_nothing_stored(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(200)
    streaming_env.provider.script.append(ProviderError("down"))

    with pytest.raises(ProviderError):
        streaming_env.start(ada, "session-1")

    assert streaming_env.available(ada) == 200
    assert streaming_env.backend.open_holds(ada.user_id) == []
    assert streaming_env.backend.transcripts.page(ada.user_id, 10, None) == ([], None)
    assert [entry.kind for entry in streaming_env.backend.entries(ada.user_id)] == ["free_credits"]


def test_a_provider_outage_at_a_renewal_settles_and_the_session_can_be_resumed(
    streaming_env: StreamingEnv,
) -> None:
    ada = streaming_env.backend.person(200)
    lease = streaming_env.start(ada)
    streaming_env.clock.forward(550)
    streaming_env.provider.script.append(ProviderError("down"))

    with pytest.raises(ProviderError):
        streaming_env.renew(ada, lease)
    assert streaming_env.backend.open_holds(ada.user_id) == []
    assert streaming_env.available(ada) == 200 - live_credits(550)
    resumed = streaming_env.renew(ada, lease)

    assert resumed.session_id == lease.session_id
    assert streaming_env.stop(ada, resumed).billed_seconds == 550


def test_the_second_provider_takes_over_with_a_shorter_lease(tables: Tables, clock: Clock) -> None:
    first = FakeLive(clock, script=[ProviderError("down")])
    second = FakeLive(clock, name="openai", model="openai/gpt-live-transcribe", longest_seconds=60)
    backend = Backend.on(tables, clock, live=(first, second))
    ada = backend.person(200)

    lease = backend.start(ada, transport="direct")
    assert (lease.provider, lease.lease_seconds, second.socket_credentials) == ("openai", 60, [(clock(), 60)])
    clock.forward(1_000)
    backend.streaming.sweep()

    assert backend.ledger.balance(ada.user_id).available == 200 - live_credits(60)
    assert backend.entries(ada.user_id)[0].uses[0].model == "openai/gpt-live-transcribe"
    backend.check_invariants(ada.user_id)


def test_a_language_that_no_provider_supports_is_refused_before_a_hold(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(200)

    with pytest.raises(InvalidRequestError) as refusal:
        streaming_env.start(ada, language="ja")

    assert refusal.value.details == {"field": "language"}
    assert streaming_env.available(ada) == 200


def test_a_direct_session_refuses_relayed_audio(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(200)
    lease = streaming_env.start(ada)

    with pytest.raises(ConflictError, match="streams directly"):
        streaming_env.backend.send(ada, lease.session_id, 0)


def buy_credits(caller: Caller) -> Write:
    """The mark that a purchase leaves on the balance."""
    return Write(balance_key(caller.user_id), add={"purchased": 500, "version": 1})


def test_a_short_lease_can_be_renewed_at_once_and_warns_in_its_last_third(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(200)
    lease = streaming_env.start(ada, lease_seconds=60)
    assert lease.renew_after == rfc3339(streaming_env.clock())
    assert streaming_env.renew(ada, lease).lease_seconds == 60

    streaming_env.clock.forward(39)
    assert streaming_env.save(ada, lease).warnings == []
    streaming_env.clock.forward(1)
    assert streaming_env.save(ada, lease).warnings == ["lease_ending"]


@pytest.mark.soak
def test_renewing_on_warning_without_allowance_costs_at_most_half_more(
    streaming_env: StreamingEnv,
) -> None:
    """The leases are as short as they come, and each is billed to its end."""
    ada = streaming_env.backend.person(1_000)
    for _ in range(3):  # The whole allowance of the day.
        lease = streaming_env.start(ada, lease_seconds=600)
        streaming_env.stop(ada, lease)
    began, lease = streaming_env.clock(), streaming_env.start(ada)
    assert lease.lease_seconds == 60

    while streaming_env.clock() - began < 1_800:
        while "lease_ending" not in streaming_env.save(ada, lease).warnings:
            streaming_env.clock.forward(1)
        lease = streaming_env.renew(ada, lease)
    listened = streaming_env.clock() - began

    assert streaming_env.stop(ada, lease).billed_seconds <= listened * 3 / 2 + 60


def test_a_lease_whose_model_left_the_price_file_settles_at_the_old_cost(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(200)
    lease = streaming_env.start(ada)
    streaming_env.clock.forward(60)
    before = streaming_env.backend.streaming.prices
    kept = {name: price for name, price in before.models.items() if name != streaming_env.provider.model}
    after_a_deploy = replace(streaming_env.backend.streaming, prices=msgspec.structs.replace(before, models=kept))

    assert after_a_deploy.stop(ada, lease.session_id).credits_used == live_credits(60)

    (entry, _) = streaming_env.backend.entries(ada.user_id)
    assert entry.cost_micro_usd == before.cost_micro_usd(streaming_env.provider.model, 60_000)
