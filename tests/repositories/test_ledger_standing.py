"""Following holds, the standing of an account, open holds, day totals, and extra writes of an entry."""

from collections.abc import Callable

import pytest

from chalicelib.errors import AccountBlockedError, AppError, InsufficientCreditsError, UnauthenticatedError
from chalicelib.models.accounts import Caller
from chalicelib.models.ledger import Charge, Hold
from chalicelib.repositories.conditions import Attr
from chalicelib.repositories.ledger import ExtraWriteRefusedError, Guard, HoldEndedError, Ledger
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import ItemKey, Write
from tests.default_prices import PRICE_VERSION
from tests.fakes import Backend

NOW = 1_795_400_000


def hold_of(caller: Caller, credits: int, name: str = "s1:1", sweep_at: int = NOW + 60) -> Hold:
    return Hold(caller.user_id, name, credits, "stream", "s1", sweep_at, made_at=NOW)


def charge_of(credits: int, audio_ms: int = 1_000) -> Charge:
    return Charge(credits, "live", "s1", audio_ms, PRICE_VERSION)


# Settling one hold and making the next


def test_a_following_hold_may_use_what_the_settled_one_returns(backend: Backend, ledger: Ledger, ada: Caller) -> None:
    first, second = hold_of(ada, 40), hold_of(ada, 45, "s1:2")
    ledger.hold(ada, first, at=NOW)

    ledger.settle_and_hold(ada, first, charge_of(5), second, at=NOW)

    balance = ledger.balance(ada.user_id)
    assert (balance.available, balance.held, balance.used) == (0, 45, 5)
    assert backend.open_holds(ada.user_id) == [second]
    backend.check_invariants(ada.user_id)


def test_a_following_hold_above_the_balance_changes_nothing(backend: Backend, ledger: Ledger, ada: Caller) -> None:
    first = hold_of(ada, 40)
    ledger.hold(ada, first, at=NOW)
    before = ledger.balance(ada.user_id)

    with pytest.raises(InsufficientCreditsError) as refused:
        ledger.settle_and_hold(ada, first, charge_of(5), hold_of(ada, 46, "s1:2"), at=NOW)

    assert refused.value.details == {"required": 46, "available": 45}
    assert ledger.balance(ada.user_id) == before
    assert backend.open_holds(ada.user_id) == [first]


def test_a_lease_is_followed_once(ledger: Ledger, ada: Caller) -> None:
    first, second = hold_of(ada, 10), hold_of(ada, 10, "s1:2")
    ledger.hold(ada, first, at=NOW)
    ledger.settle_and_hold(ada, first, charge_of(5), second, at=NOW)

    with pytest.raises(HoldEndedError):
        ledger.settle_and_hold(ada, first, charge_of(5), second, at=NOW)

    assert ledger.balance(ada.user_id).held == 10


# Standing

Flagging = Callable[[Backend, Caller], None]
FLAGS: dict[str, tuple[Flagging, type[AppError]]] = {
    "blocked": (lambda backend, caller: backend.ledger.set_blocked(caller.user_id, True), AccountBlockedError),
    "deleted": (
        lambda backend, caller: backend.tables.write(Write(balance_key(caller.user_id), put_in={"deleted": True})),
        UnauthenticatedError,
    ),
    "signed out": (
        lambda backend, caller: backend.ledger.sign_out(caller.user_id, caller.auth_time_at + 1),
        UnauthenticatedError,
    ),
}


@pytest.mark.parametrize(("flag", "error"), FLAGS.values(), ids=FLAGS)
def test_an_account_without_good_standing_holds_nothing_and_is_not_admitted(
    backend: Backend, ledger: Ledger, ada: Caller, flag: Flagging, error: type[AppError]
) -> None:
    first = hold_of(ada, 10)
    ledger.hold(ada, first, at=NOW)
    flag(backend, ada)
    before = ledger.balance(ada.user_id)

    with pytest.raises(error):
        ledger.hold(ada, hold_of(ada, 5, "s2:1"), at=NOW)
    with pytest.raises(error):
        ledger.settle_and_hold(ada, first, charge_of(1), hold_of(ada, 5, "s1:2"), at=NOW)
    with pytest.raises(error):
        ledger.admit(ada)

    assert ledger.balance(ada.user_id) == before
    ledger.settle(first, charge_of(4), at=NOW)
    assert ledger.balance(ada.user_id).used == 4


def test_an_unblocked_account_may_hold_again(ledger: Ledger, ada: Caller) -> None:
    ledger.set_blocked(ada.user_id, True)
    ledger.set_blocked(ada.user_id, False)

    assert ledger.hold(ada, hold_of(ada, 5), at=NOW) is True


def test_a_new_sign_in_is_admitted_and_a_sign_out_never_moves_back(ledger: Ledger, ada: Caller) -> None:
    ledger.sign_out(ada.user_id, NOW + 100)
    ledger.sign_out(ada.user_id, NOW + 50)

    with pytest.raises(UnauthenticatedError):
        ledger.admit(Caller(ada.user_id, NOW + 99, ada.email))
    balance, _ = ledger.admit(Caller(ada.user_id, NOW + 100, ada.email))
    assert (balance.available, balance.signed_out_at) == (50, NOW + 100)


def test_admitting_reads_other_items_in_the_same_call(backend: Backend, ledger: Ledger, ada: Caller) -> None:
    existing, missing = extra_write(ada), ItemKey("app", f"USER#{ada.user_id}", "EXTRA#2")
    backend.tables.write(existing)

    _, others = ledger.admit(ada, extra_keys=[missing, existing.key])

    assert others[0] is None
    assert others[1]
    assert others[1]["n"] == 1


def test_every_write_increases_the_version(ledger: Ledger, ada: Caller) -> None:
    user_id, versions = ada.user_id, [ledger.balance(ada.user_id).version]
    guard = Guard.reference(user_id, "payment", "pi_1")

    for write in (
        lambda: ledger.open_account(user_id),
        lambda: ledger.grant(user_id, 9, "purchase", guard, at=NOW, reason="starter"),
        lambda: ledger.hold(ada, hold_of(ada, 10), at=NOW),
        lambda: ledger.settle_and_hold(ada, hold_of(ada, 10), charge_of(1), hold_of(ada, 10, "s1:2"), at=NOW),
        lambda: ledger.settle(hold_of(ada, 10, "s1:2"), charge_of(1), at=NOW),
        lambda: ledger.hold(ada, hold_of(ada, 10, "s2:1"), at=NOW),
        lambda: ledger.release(hold_of(ada, 10, "s2:1"), at=NOW),
        lambda: ledger.sign_out(user_id, NOW - 50),
        lambda: ledger.set_blocked(user_id, True),
    ):
        write()
        versions.append(ledger.balance(user_id).version)

    assert versions == list(range(1, 11))


# Open holds


def test_only_open_holds_past_their_sweep_time_are_due(ledger: Ledger, ada: Caller) -> None:
    due, later, ended = (hold_of(ada, 5, name, at) for name, at in (("a", NOW), ("b", NOW + 1), ("c", NOW - 9)))
    for hold in (due, later, ended):
        ledger.hold(ada, hold, at=NOW)
    ledger.release(ended, at=NOW)

    assert list(ledger.iter_due_holds(NOW)) == [due]
    assert list(ledger.iter_due_holds(NOW - 1)) == []
    assert {hold.hold_id for hold in ledger.iter_due_holds(NOW + 1)} == {"a", "b"}


def test_due_holds_are_found_for_every_user(backend: Backend, ledger: Ledger) -> None:
    people = [backend.person(5) for _ in range(24)]
    for person in people:
        ledger.hold(person, hold_of(person, 5, sweep_at=NOW), at=NOW)

    assert {hold.user_id for hold in ledger.iter_due_holds(NOW)} == {person.user_id for person in people}


# Day totals, and pages of entries


def test_day_totals_add_up_by_utc_day_and_service(backend: Backend, ledger: Ledger, ada: Caller) -> None:
    midnight = NOW - NOW % 86_400 + 86_400
    for n, at in enumerate((midnight - 1, midnight, midnight + 5)):
        ledger.hold(ada, hold_of(ada, 10, f"s{n}"), at=at)
        ledger.settle(hold_of(ada, 10, f"s{n}"), charge_of(n + 1, audio_ms=6_000), at=at)

    items, _ = backend.tables.query("ledger", f"USER#{ada.user_id}", "DAY#")

    totals = [(item["sk"][-5:], item["credits"], item["audio_ms"], item["entries"]) for item in items]
    assert totals == [("#live", 1, 6_000, 1), ("#live", 5, 12_000, 2)]


def test_entries_are_listed_newest_first_page_by_page(backend: Backend, ledger: Ledger, ada: Caller) -> None:
    for n in range(5):
        guard = Guard.reference(ada.user_id, "payment", f"pi_{n}")
        ledger.grant(ada.user_id, n + 1, "purchase", guard, at=NOW + n + 1, reason="starter")

    first, after = ledger.entries(ada.user_id, 4)
    second, end = ledger.entries(ada.user_id, 4, after)

    assert [entry.credits for entry in first + second] == [5, 4, 3, 2, 1, 50]
    assert end is None


# Extra writes


def extra_write(caller: Caller) -> Write:
    """A write of another repository, which is refused the second time."""
    key = ItemKey("app", f"USER#{caller.user_id}", "EXTRA#1")
    return Write(key, item={"n": 1}, when=Attr("pk").not_exists())


Movement = Callable[[Ledger, Caller, list[Write]], object]
MOVEMENTS: dict[str, Movement] = {
    "hold": lambda ledger, caller, extra_writes: ledger.hold(
        caller, hold_of(caller, 7, "s2:1"), at=NOW, extra_writes=extra_writes
    ),
    "settle": lambda ledger, caller, extra_writes: ledger.settle(
        hold_of(caller, 10), charge_of(3), at=NOW, extra_writes=extra_writes
    ),
    "release": lambda ledger, caller, extra_writes: ledger.release(
        hold_of(caller, 10), at=NOW, extra_writes=extra_writes
    ),
    "settle_and_hold": lambda ledger, caller, extra_writes: ledger.settle_and_hold(
        caller, hold_of(caller, 10), charge_of(3), hold_of(caller, 9, "s1:2"), at=NOW, extra_writes=extra_writes
    ),
    "grant": lambda ledger, caller, extra_writes: ledger.grant(
        caller.user_id,
        5,
        "purchase",
        Guard.reference(caller.user_id, "payment", "pi"),
        at=NOW,
        reason="",
        extra_writes=extra_writes,
    ),
}


@pytest.mark.parametrize("movement", MOVEMENTS.values(), ids=MOVEMENTS)
def test_extra_writes_happen_together_with_the_movement(
    backend: Backend, ledger: Ledger, ada: Caller, movement: Movement
) -> None:
    ledger.hold(ada, hold_of(ada, 10), at=NOW)

    movement(ledger, ada, [extra_write(ada)])

    assert backend.tables.get(extra_write(ada).key)
    backend.check_invariants(ada.user_id)


@pytest.mark.parametrize("movement", MOVEMENTS.values(), ids=MOVEMENTS)
def test_a_refused_extra_write_stops_the_movement(
    backend: Backend, ledger: Ledger, ada: Caller, movement: Movement
) -> None:
    ledger.hold(ada, hold_of(ada, 10), at=NOW)
    backend.tables.write(extra_write(ada))
    before = ledger.balance(ada.user_id)

    with pytest.raises(ExtraWriteRefusedError) as refused:
        movement(ledger, ada, [extra_write(ada)])

    assert refused.value.refused[0]["n"] == 1
    assert ledger.balance(ada.user_id) == before
    assert backend.open_holds(ada.user_id) == [hold_of(ada, 10)]


def test_extra_writes_of_a_refused_movement_do_not_happen(backend: Backend, ledger: Ledger, ada: Caller) -> None:
    with pytest.raises(InsufficientCreditsError):
        ledger.hold(ada, hold_of(ada, 51), at=NOW, extra_writes=[extra_write(ada)])

    assert backend.tables.get(extra_write(ada).key) is None
