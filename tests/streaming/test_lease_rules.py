"""The arithmetic of leases, and that a session keeps the price it started with."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from msgspec import structs

from chalicelib.errors import InsufficientCreditsError
from chalicelib.models.sessions import InFlight, Session, SessionState
from chalicelib.pricing import price_files
from chalicelib.streaming.lease_rules import LeaseEnd, LeaseRules
from tests.default_prices import LIVE_PER_MINUTE, PRICE_VERSION, PRICES, live_credits
from tests.fakes import Backend

NOW = 1_795_400_000
RULES = LeaseRules()


def new_session(lease_seconds: int = 600) -> Session:
    return Session(
        user_id="ada",
        session_id="s",
        transcript_id="t",
        transport="relay",
        state=SessionState.ACTIVE,
        started_at=NOW,
        lease_number=0,
        lease_seconds=0,
        requested_lease_seconds=lease_seconds,
        lease_started_at=NOW,
        lease_expires_at=NOW,
        held=0,
        price_version=PRICES.version,
        free_ms=0,
    )


def end_lease(current: Session, now: int = NOW) -> LeaseEnd:
    return RULES.ending(current, SessionState.ACTIVE, 0, now, prices=PRICES)


used_parts = st.lists(st.fractions(0, 1), min_size=1, max_size=12)


@pytest.mark.long
@given(credits=st.integers(live_credits(60), 400), lease_seconds=st.integers(60, 10_800), parts=used_parts)
@settings(derandomize=True, deadline=None, max_examples=300)
def test_a_lease_holds_at_most_the_balance_and_charges_at_most_its_hold(credits, lease_seconds, parts) -> None:
    is_right, available = True, credits
    current = RULES.first(new_session(lease_seconds), PRICES, credits, NOW)
    for part in parts:
        available -= current.held
        assert available >= 0
        assert 60 <= current.lease_seconds <= lease_seconds
        assert current.free_ms == current.lease_seconds * 1_000
        done_ms = int(current.free_ms * part)
        current = structs.replace(current, done_ms=current.done_ms + done_ms, free_ms=current.free_ms - done_ms)
        ending = end_lease(current)
        charge = ending.charge
        assert 0 <= charge.credits <= current.held
        assert charge.audio_ms == done_ms
        available += current.held
        try:
            following = RULES.next_lease(ending.session, available - charge.credits, 0, NOW)
        except InsufficientCreditsError as refused:
            is_right = refused.details["required"] > refused.details["available"]
            break
        available, current = available - charge.credits, following
        assert current.charged == PRICES.live_credits(current.done_ms) == credits - available
    assert is_right


def test_settling_leaves_nothing_to_settle() -> None:
    current = structs.replace(RULES.first(new_session(), PRICES, 200, NOW), done_ms=61_000, free_ms=539_000)

    after = end_lease(current).session

    assert end_lease(after).charge.is_empty
    assert (after.charged, after.settled_ms) == (live_credits(61), 61_000)


def test_each_lease_has_its_own_hold_and_a_grace_period() -> None:
    first = RULES.first(new_session(), PRICES, 200, NOW)
    second = RULES.next_lease(end_lease(first).session, 200, 0, NOW + 550)

    assert (RULES.hold(first).hold_id, RULES.hold(first).sweep_at) == ("t:1", NOW + 660)
    assert (RULES.hold(second).hold_id, RULES.hold(second).sweep_at) == ("t:2", NOW + 550 + 660)


def test_chunks_in_flight_stay_reserved_in_the_next_lease_until_stale() -> None:
    first = RULES.first(new_session(), PRICES, 200, NOW)
    old, young = InFlight("old", 30_000, NOW + 10), InFlight("young", 20_000, NOW + 40)
    busy = end_lease(structs.replace(first, inflight=(old, young), free_ms=550_000)).session

    both, second = RULES.next_lease(busy, 200, 0, NOW + 44), RULES.next_lease(busy, 200, 0, NOW + 45)

    assert (both.inflight, both.free_ms) == ((old, young), 550_000)
    assert (second.inflight, second.free_ms) == ((young,), 580_000)


@pytest.fixture
def dearer_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[price_files.Prices]:
    """A second version of the prices, twice as dear."""
    monkeypatch.setattr(price_files, "PRICES_DIRECTORY", tmp_path)
    text = (Path(price_files.__file__).parent / "prices" / f"{PRICE_VERSION}.json").read_text()
    (tmp_path / f"{PRICE_VERSION}.json").write_text(text)
    dearer = json.loads(text) | {"version": "2027-01"}
    dearer["services"]["live"]["credits_per_minute"] = 2 * LIVE_PER_MINUTE
    (tmp_path / "2027-01.json").write_text(json.dumps(dearer))
    yield price_files.load("2027-01")
    price_files.load.cache_clear()


def test_a_session_keeps_the_price_it_started_with(backend: Backend, dearer_prices: price_files.Prices) -> None:
    ada = backend.person(300)
    lease = backend.start(ada)
    changed = replace(backend.streaming, prices=dearer_prices)

    following = changed.renew(ada, lease.session_id, interrupted=True)
    backend.send(ada, lease.session_id, 0, seconds=60)

    assert (following.credits_per_minute, following.credits_held) == (LIVE_PER_MINUTE, live_credits(600))
    assert changed.stop(ada, lease.session_id).credits_used == live_credits(60)
    assert [entry.price_version for entry in backend.entries(ada.user_id) if entry.kind == "usage"] == [PRICE_VERSION]
    assert replace(backend, streaming=changed).start(ada).credits_held == 2 * live_credits(600)
