"""The ledger's contract, method by method, on both engines."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from chalicelib.errors import InsufficientCreditsError
from chalicelib.models.accounts import Caller
from chalicelib.models.ledger import Charge, Hold, HoldState, ModelUse
from chalicelib.repositories.ledger import Guard, HoldEndedError, Ledger
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import Write
from tests.default_prices import PRICE_VERSION
from tests.fakes import Backend

NOW = 1_795_400_000


def hold_of(caller: Caller, credits: int, name: str = "s1:1", sweep_at: int = NOW + 60) -> Hold:
    return Hold(caller.user_id, name, credits, "stream", "s1", sweep_at, made_at=NOW)


def charge_of(credits: int, audio_ms: int = 1_000) -> Charge:
    return Charge(credits, "live", "s1", audio_ms, PRICE_VERSION, (ModelUse("assemblyai/x", audio_ms, 84),))


# Credits in


def test_a_grant_happens_once_per_guard(backend: Backend, ledger: Ledger) -> None:
    user_id, guard = str(uuid.uuid4()), Guard.free_credits(uuid.uuid4().hex)

    assert ledger.grant(user_id, 200, "free_credits", guard, at=NOW, reason="welcome") is True
    assert ledger.grant(user_id, 200, "free_credits", guard, at=NOW, reason="welcome") is False
    assert ledger.grant(user_id, 200, "free_credits", guard, at=NOW + 5, reason="welcome") is False

    balance = ledger.balance(user_id)
    assert (balance.available, balance.held, balance.granted, balance.version) == (200, 0, 200, 1)
    (entry,) = backend.entries(user_id)
    assert (entry.kind, entry.credits, entry.at, entry.reason) == ("free_credits", 200, NOW, "welcome")


def test_one_guard_grants_to_one_person_only(ledger: Ledger) -> None:
    guard, second = Guard.free_credits(uuid.uuid4().hex), str(uuid.uuid4())
    ledger.grant(str(uuid.uuid4()), 200, "free_credits", guard, at=NOW, reason="welcome")

    assert ledger.grant(second, 200, "free_credits", guard, at=NOW, reason="welcome") is False
    assert ledger.balance(second).available == 0


def test_two_references_are_two_grants(ledger: Ledger, ada: Caller) -> None:
    for payment in ("pi_1", "pi_2", "pi_1"):
        guard = Guard.reference(ada.user_id, "payment", payment)
        ledger.grant(ada.user_id, 500, "purchase", guard, at=NOW, reason="starter")

    assert ledger.balance(ada.user_id).available == 50 + 1_000


def test_opening_an_account_twice_keeps_its_credits(ledger: Ledger, ada: Caller) -> None:
    ledger.open_account(ada.user_id)

    assert ledger.balance(ada.user_id).available == 50


def test_an_unknown_user_has_zeros_and_can_hold_nothing(ledger: Ledger) -> None:
    unknown = Caller(str(uuid.uuid4()), NOW, "unknown@example.com")

    assert ledger.balance(unknown.user_id).available == 0
    with pytest.raises(InsufficientCreditsError, match="1 credit is needed, 0 are available"):
        ledger.hold(unknown, hold_of(unknown, 1), at=NOW)


# Holds


def test_a_hold_moves_credits_and_is_no_entry(backend: Backend, ledger: Ledger, ada: Caller) -> None:
    assert ledger.hold(ada, hold_of(ada, 30), at=NOW) is True

    balance = ledger.balance(ada.user_id)
    assert (balance.available, balance.held, balance.used) == (20, 30, 0)
    assert len(backend.entries(ada.user_id)) == 1
    assert ledger.get_hold(ada.user_id, "s1:1") == hold_of(ada, 30)
    backend.check_invariants(ada.user_id)


def test_the_same_hold_twice_takes_credits_once(ledger: Ledger, ada: Caller) -> None:
    ledger.hold(ada, hold_of(ada, 30), at=NOW)

    assert ledger.hold(ada, hold_of(ada, 30), at=NOW + 9) is False
    assert ledger.hold(ada, hold_of(ada, 5), at=NOW + 9) is False
    assert ledger.balance(ada.user_id).held == 30


def test_a_hold_above_the_balance_changes_nothing(ledger: Ledger, ada: Caller) -> None:
    before = ledger.balance(ada.user_id)

    with pytest.raises(InsufficientCreditsError) as refused:
        ledger.hold(ada, hold_of(ada, 51), at=NOW)

    assert refused.value.details == {"required": 51, "available": 50}
    assert ledger.balance(ada.user_id) == before
    assert ledger.get_hold(ada.user_id, "s1:1") is None


def test_the_whole_balance_can_be_held(ledger: Ledger, ada: Caller) -> None:
    ledger.hold(ada, hold_of(ada, 50), at=NOW)

    assert ledger.balance(ada.user_id).available == 0


def test_a_negative_hold_is_refused_because_it_would_make_credits(ledger: Ledger, ada: Caller) -> None:
    with pytest.raises(ValueError, match="would make credits"):
        ledger.hold(ada, hold_of(ada, -5), at=NOW)


def test_nothing_is_held_below_zero(backend: Backend, ledger: Ledger, ada: Caller) -> None:
    backend.tables.write(Write(balance_key(ada.user_id), add={"available": -60}))

    with pytest.raises(InsufficientCreditsError, match=r"below zero \(-10\)"):
        ledger.hold(ada, hold_of(ada, 1), at=NOW)


@pytest.mark.parametrize(
    ("held", "needed", "message"),
    [
        (0, 51, "51 credits are needed, 50 are available. Buy credits or request less."),
        (49, 2, "2 credits are needed, 1 is available, and 49 are held by open sessions"),
        (50, 1, "1 credit is needed, 0 are available, and 50 are held by open sessions"),
        (1, 1_050, "1,050 credits are needed, 49 are available, and 1 is held by open sessions"),
    ],
)
def test_a_refusal_says_whether_credits_are_missing_or_held(
    ledger: Ledger, ada: Caller, held: int, needed: int, message: str
) -> None:
    if held:
        ledger.hold(ada, hold_of(ada, held, "another"), at=NOW)

    with pytest.raises(InsufficientCreditsError) as refusal:
        ledger.hold(ada, hold_of(ada, needed), at=NOW)

    assert refusal.value.message.startswith(message)
    assert ("Stop sessions that are still open" in refusal.value.message) == (held > 0)
    assert "payment" not in refusal.value.message


def test_below_zero_the_refusal_does_not_guess_who_took_credits_back(
    backend: Backend, ledger: Ledger, ada: Caller
) -> None:
    """A refund, a dispute or an administrator: the statement knows."""
    backend.tables.write(Write(balance_key(ada.user_id), add={"available": -1_060}))

    with pytest.raises(InsufficientCreditsError) as refusal:
        ledger.hold(ada, hold_of(ada, 1), at=NOW)

    assert refusal.value.message == (
        "Your balance is below zero (-1,010), because credits were taken back. GET /credits/transactions says why. "
        "Buy credits to continue."
    )


# Settling


def test_settling_charges_what_was_used_and_returns_the_rest(backend: Backend, ledger: Ledger, ada: Caller) -> None:
    ledger.hold(ada, hold_of(ada, 30), at=NOW)

    ledger.settle(hold_of(ada, 30), charge_of(12, audio_ms=70_500), at=NOW + 90)

    balance = ledger.balance(ada.user_id)
    assert (balance.available, balance.held, balance.used) == (38, 0, 12)
    ended = ledger.get_hold(ada.user_id, "s1:1")
    assert ended == replace(hold_of(ada, 30), state=HoldState.SETTLED, charged=12)
    backend.check_invariants(ada.user_id)


def test_an_entry_explains_its_credits(backend: Backend, ledger: Ledger, ada: Caller) -> None:
    ledger.hold(ada, hold_of(ada, 30), at=NOW)
    ledger.settle(hold_of(ada, 30), charge_of(12, audio_ms=70_500), at=NOW + 90)

    entry = backend.entries(ada.user_id)[0]

    assert (entry.kind, entry.credits, entry.at, entry.service, entry.reference) == (
        "usage",
        -12,
        NOW + 90,
        "live",
        "s1",
    )
    assert (entry.hold_id, entry.held, entry.audio_ms, entry.price_version) == ("s1:1", 30, 70_500, PRICE_VERSION)
    assert (entry.uses, entry.cost_micro_usd) == ((ModelUse("assemblyai/x", 70_500, 84),), 84)


def test_the_whole_hold_can_be_charged_and_not_one_credit_more(ledger: Ledger, ada: Caller) -> None:
    ledger.hold(ada, hold_of(ada, 30), at=NOW)

    for credits in (31, -1):
        with pytest.raises(ValueError, match="cannot be settled"):
            ledger.settle(hold_of(ada, 30), charge_of(credits), at=NOW)
    ledger.settle(hold_of(ada, 30), charge_of(30), at=NOW)

    assert ledger.balance(ada.user_id).available == 20


def test_a_settlement_with_the_wrong_hold_changes_nothing(ledger: Ledger, ada: Caller) -> None:
    ledger.hold(ada, hold_of(ada, 30), at=NOW)
    before = ledger.balance(ada.user_id)

    with pytest.raises(HoldEndedError):
        ledger.settle(hold_of(ada, 45), charge_of(10), at=NOW)
    with pytest.raises(HoldEndedError):
        ledger.release(hold_of(ada, 30, name="never made"), at=NOW)

    assert ledger.balance(ada.user_id) == before


def test_a_settlement_without_usage_is_a_release_without_an_entry(
    backend: Backend, ledger: Ledger, ada: Caller
) -> None:
    ledger.hold(ada, hold_of(ada, 30), at=NOW)

    ledger.release(hold_of(ada, 30), at=NOW)

    ended = ledger.get_hold(ada.user_id, "s1:1")
    assert ended
    assert (ended.state, ended.charged) == (HoldState.RELEASED, 0)
    assert len(backend.entries(ada.user_id)) == 1
    assert ledger.balance(ada.user_id).available == 50


def test_audio_that_costs_no_further_credit_is_still_booked(backend: Backend, ledger: Ledger, ada: Caller) -> None:
    ledger.hold(ada, hold_of(ada, 30), at=NOW)

    ledger.settle(hold_of(ada, 30), charge_of(0, audio_ms=400), at=NOW + 1)

    assert [(entry.credits, entry.audio_ms) for entry in backend.entries(ada.user_id)] == [(0, 400), (50, 0)]


@pytest.mark.parametrize("first", ["settle", "release"])
@pytest.mark.parametrize("second", ["settle", "release", "settle_and_hold"])
def test_a_hold_ends_once(backend: Backend, ledger: Ledger, ada: Caller, first: str, second: str) -> None:
    hold = hold_of(ada, 30)
    ledger.hold(ada, hold, at=NOW)
    ends: dict[str, Callable[[], None]] = {
        "settle": lambda: ledger.settle(hold, charge_of(12), at=NOW),
        "release": lambda: ledger.release(hold, at=NOW),
        "settle_and_hold": lambda: ledger.settle_and_hold(ada, hold, charge_of(3), hold_of(ada, 9, "s1:2"), at=NOW),
    }
    ends[first]()
    after_first = ledger.balance(ada.user_id)

    with pytest.raises(HoldEndedError):
        ends[second]()

    assert ledger.balance(ada.user_id) == after_first
    backend.check_invariants(ada.user_id)


def test_of_settle_release_and_sweep_at_once_one_wins(backend: Backend, ledger: Ledger, ada: Caller) -> None:
    hold = hold_of(ada, 30)
    ledger.hold(ada, hold, at=NOW)

    def end(n: int) -> bool:
        try:
            ledger.settle(hold, charge_of(n), at=NOW) if n % 2 else ledger.release(hold, at=NOW)
        except HoldEndedError:
            return False
        return True

    with ThreadPoolExecutor(12) as threads:
        assert sum(threads.map(end, range(12))) == 1

    assert ledger.balance(ada.user_id).held == 0
    backend.check_invariants(ada.user_id)
