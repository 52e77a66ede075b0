"""Whatever can be wrong is planted into books that are right, and is all that the audit then finds."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chalicelib.audit.checks import STUCK_AFTER_SECONDS
from chalicelib.models.audits import FindingKind
from chalicelib.models.purchase_facts import PaymentState
from chalicelib.repositories.expressions import Item
from chalicelib.repositories.ledger import Guard
from chalicelib.repositories.ledger_items import balance_key, hold_key, open_shard, user_pk
from chalicelib.repositories.purchases import purchase_key
from chalicelib.repositories.table import ItemKey, Write
from tests.audit.audit_env import Office, World, everything

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
References = list[str]  # what the findings are about, all of one kind and one user
PLANTS: list[tuple[FindingKind, Callable[["Planter"], References]]] = []


class Planter:
    """Changes items behind everybody's back."""

    def __init__(self, office: Office, world: World):
        self.office, self.world = office, world
        self.tables = office.backend.tables
        self.ada = world.ada.user_id

    def balance(self, **more: int) -> None:
        self.tables.write(Write(balance_key(self.ada), add=more))

    def put_in(self, key: ItemKey, **values: Any) -> None:
        self.tables.write(Write(key, put_in=values))

    def put(self, key: ItemKey, item: Item) -> None:
        self.tables.write(Write(key, item={name: value for name, value in item.items() if name not in ("pk", "sk")}))

    def ledger(self, sk: str) -> ItemKey:
        return ItemKey("ledger", user_pk(self.ada), sk)

    def items(self, prefix: str, **like: Any) -> list[Item]:
        found, _ = self.tables.query("ledger", user_pk(self.ada), prefix)
        return [item for item in found if all(item.get(name) == value for name, value in like.items())]

    def hold(self, **like: Any) -> Item:
        return self.items("HOLD#", **like)[0]

    def hold_key(self, hold: Item) -> ItemKey:
        return hold_key(self.ada, hold["hold_id"])

    def entry(self, **like: Any) -> Item:
        return self.items("ENTRY#", **like)[0]


def of(kind: FindingKind) -> Callable[[Any], Any]:
    """What the audit has to call that which is planted."""

    def keep(plant: Any) -> Any:
        PLANTS.append((kind, plant))
        return plant

    return keep


@of(FindingKind.BALANCE_DIFFERS)
def balance_off(plant: Planter) -> References:
    plant.balance(available=5)
    return [""]


@of(FindingKind.HELD_DIFFERS)
def held_off(plant: Planter) -> References:
    plant.balance(available=-5, held=5)
    return [""]


@of(FindingKind.LIFETIME_DIFFERS)
def granted_off(plant: Planter) -> References:
    plant.balance(granted=1, used=-1)
    return ["granted", "used"]


@of(FindingKind.LIFETIME_DIFFERS)
def purchased_off(plant: Planter) -> References:
    plant.balance(purchased=1)
    return ["purchased"]


@of(FindingKind.ENTRY_MISSING)
def entry_of_a_settled_hold_gone(plant: Planter) -> References:
    hold = plant.hold(state="settled") | {"hold_id": "h", "charged": 3, "credits": 5}
    plant.put(hold_key(plant.ada, "h"), hold)
    return ["h"]


@of(FindingKind.ENTRY_MISSING)
def entry_of_a_guard_gone(plant: Planter) -> References:
    plant.put(plant.ledger("REF#payment#1"), {"user_id": plant.ada, "entry_id": "never", "at": 1})
    return ["REF#payment#1"]


@of(FindingKind.ENTRY_MISSING)
def free_credits_never_booked(plant: Planter) -> References:
    plant.put(ItemKey("ledger", "FREE#hmac", "GUARD"), {"user_id": plant.ada, "entry_id": "never", "at": 1})
    return ["free_credits"]


@of(FindingKind.ENTRY_DOUBLED)
def hold_booked_twice(plant: Planter) -> References:
    entry = plant.entry(kind="usage")
    plant.put(plant.ledger(entry["sk"] + "A"), entry)
    plant.balance(available=entry["credits"], used=-entry["credits"])
    day = plant.ledger(f"DAY#2026-11-23#{entry['service']}")
    more = {"credits": -entry["credits"], "audio_ms": entry["audio_ms"], "cost_micro_usd": entry["cost_micro_usd"]}
    plant.tables.write(Write(day, add=more | {"entries": 1}))
    return [entry["hold_id"]]


@of(FindingKind.GRANT_DOUBLED)
def purchase_granted_twice(plant: Planter) -> References:
    entry = plant.entry(kind="purchase", reference=plant.world.bought)
    plant.put(plant.ledger(entry["sk"] + "A"), entry)
    plant.balance(available=entry["credits"], purchased=entry["credits"])
    return [plant.world.bought]


@of(FindingKind.GRANT_DOUBLED)
def free_credits_given_twice(plant: Planter) -> References:
    entry = plant.entry(kind="free_credits")
    plant.put(plant.ledger(entry["sk"] + "A"), entry)
    plant.balance(available=entry["credits"], granted=entry["credits"])
    return ["free_credits"]


@of(FindingKind.GRANT_DOUBLED)
def admin_grant_without_a_guard(plant: Planter) -> References:
    entry = plant.entry(kind="free_credits") | {"kind": "admin_grant"}
    plant.put(plant.ledger("ENTRY#A"), entry)
    plant.balance(available=entry["credits"], granted=entry["credits"])
    return ["A"]


@of(FindingKind.HOLD_STUCK)
def lease_never_swept(plant: Planter) -> References:
    hold = plant.hold(state="open", kind="stream")
    plant.office.backend.clock.at = hold["sweep_at"] + STUCK_AFTER_SECONDS + 1
    return [hold["hold_id"]]


@of(FindingKind.HOLD_INDEX)
def open_hold_out_of_the_index(plant: Planter) -> References:
    hold = plant.hold(state="open")
    plant.tables.write(Write(plant.hold_key(hold), drop=("open_shard",)))
    return [hold["hold_id"]]


@of(FindingKind.HOLD_INDEX)
def open_hold_in_another_place_of_the_index(plant: Planter) -> References:
    hold = plant.hold(state="open")
    plant.put_in(plant.hold_key(hold), open_shard="OPEN#8")
    return [hold["hold_id"]]


@of(FindingKind.HOLD_INDEX)
def ended_hold_in_the_index(plant: Planter) -> References:
    hold = plant.hold(state="released")
    plant.put_in(plant.hold_key(hold), open_shard="OPEN#0")
    return [hold["hold_id"]]


@of(FindingKind.HOLD_OVERCHARGED)
def more_charged_than_held(plant: Planter) -> References:
    hold = next(one for one in plant.items("HOLD#", state="settled") if one["charged"])
    plant.put_in(plant.hold_key(hold), credits=hold["charged"] - 1)
    return [hold["hold_id"]]


@of(FindingKind.CHARGE_DIFFERS)
def charge_unlike_its_entry(plant: Planter) -> References:
    hold = next(one for one in plant.items("HOLD#", state="settled") if one["charged"])
    plant.put_in(plant.hold_key(hold), charged=hold["charged"] - 1)
    return [hold["hold_id"]]


@of(FindingKind.CHARGE_DIFFERS)
def entry_of_a_hold_that_was_released(plant: Planter) -> References:
    hold = next(one for one in plant.items("HOLD#", state="settled") if one["charged"])
    plant.put_in(plant.hold_key(hold), state="released")
    return [hold["hold_id"]]


@of(FindingKind.CHARGE_DIFFERS)
def entry_of_no_hold(plant: Planter) -> References:
    hold = next(one for one in plant.items("HOLD#", state="settled") if one["charged"])
    plant.tables.write(Write(plant.hold_key(hold), delete=True))
    return [hold["hold_id"]]


@of(FindingKind.COST_DIFFERS)
def cost_unlike_its_models(plant: Planter) -> References:
    entry = next(one for one in plant.items("ENTRY#", kind="usage") if one["cost_micro_usd"])
    first, *others = entry["uses"]
    more = first | {"cost_micro_usd": first["cost_micro_usd"] + 1}
    plant.put_in(plant.ledger(entry["sk"]), uses=[more, *others])
    return [entry["sk"].removeprefix("ENTRY#")]


@of(FindingKind.DAY_DIFFERS)
def day_off(plant: Planter) -> References:
    plant.tables.write(Write(plant.ledger("DAY#2026-11-23#live"), add={"audio_ms": 1}))
    return ["2026-11-23 live"]


@of(FindingKind.DAY_DIFFERS)
def day_that_never_was(plant: Planter) -> References:
    totals = {"credits": 5, "audio_ms": 0, "cost_micro_usd": 0, "entries": 1}
    plant.put(plant.ledger("DAY#2026-11-22#ask"), totals)
    return ["2026-11-22 ask"]


@of(FindingKind.PAID_NOT_GRANTED)
def paid_and_not_granted(plant: Planter) -> References:
    plant.put_in(purchase_key(plant.world.begun), payment=int(PaymentState.PAID))
    return [plant.world.begun]


@of(FindingKind.GRANTED_NOT_PAID)
def granted_and_not_paid(plant: Planter) -> References:
    plant.put_in(purchase_key(plant.world.bought), payment=int(PaymentState.PENDING))
    return [plant.world.bought]


@of(FindingKind.GRANTED_NOT_PAID)
def granted_without_a_purchase(plant: Planter) -> References:
    plant.tables.write(Write(purchase_key(plant.world.bought), delete=True))
    return [plant.world.bought]


@of(FindingKind.GRANTED_NOT_PAID)
def granted_for_another_users_purchase(plant: Planter) -> References:
    plant.put_in(purchase_key(plant.world.bought), user_id=plant.world.bob.user_id)
    return [plant.world.bought]


@of(FindingKind.TAKEN_DIFFERS)
def refund_not_taken_back(plant: Planter) -> References:
    plant.put_in(purchase_key(plant.world.bought), refunds={"re_1": [1, 333], "re_2": [1, 100]})
    return [plant.world.bought]


@of(FindingKind.PURCHASE_DIFFERS)
def more_booked_of_a_purchase_than_its_entries(plant: Planter) -> References:
    clawback = plant.entry(kind="clawback", reference=plant.world.bought)
    plant.put_in(plant.ledger(clawback["sk"]), reference=plant.world.disputed)
    return sorted([plant.world.bought, plant.world.disputed])


@of(FindingKind.PURCHASE_DIFFERS)
def sold_for_other_money(plant: Planter) -> References:
    entry = plant.entry(kind="purchase", reference=plant.world.bought)
    plant.put_in(plant.ledger(entry["sk"]), cents=entry["cents"] + 1)
    return [plant.world.bought]


@of(FindingKind.PURCHASE_DIFFERS)
def returned_other_money(plant: Planter) -> References:
    entry = plant.entry(kind="clawback", reference=plant.world.bought)
    plant.put_in(plant.ledger(entry["sk"]), cents=0)
    return [plant.world.bought]


@of(FindingKind.PURCHASE_DIFFERS)
def dispute_without_its_hold(plant: Planter) -> References:
    hold = plant.hold(kind="dispute", state="open")
    plant.put_in(plant.hold_key(hold), kind="stream", sweep_at=plant.office.backend.clock() + 60)
    return [plant.world.disputed]


@of(FindingKind.NEGATIVE_AVAILABLE)
def less_than_nothing(plant: Planter) -> References:
    """Of somebody from whom nothing was taken back."""
    bob = plant.world.bob.user_id
    plant.tables.write(Write(balance_key(bob), add={"available": -205, "held": 205}))
    plant.ada = bob
    hold = {"credits": 205, "kind": "stream", "reference": "s", "state": "open", "user_id": bob, "hold_id": "h"}
    hold |= {"sweep_at": plant.office.backend.clock() + 60, "open_shard": open_shard(bob)}
    plant.put(hold_key(bob, "h"), hold)
    return [""]


@of(FindingKind.PRICE_VERSION_UNKNOWN)
def unknown_price_version(plant: Planter) -> References:
    entry = plant.entry(kind="usage")
    plant.put_in(plant.ledger(entry["sk"]), price_version="2020-01")
    return [entry["sk"].removeprefix("ENTRY#")]


@of(FindingKind.PRICE_VERSION_UNKNOWN)
def use_without_prices(plant: Planter) -> References:
    entry = plant.entry(kind="usage")
    plant.tables.write(Write(plant.ledger(entry["sk"]), drop=("price_version",)))
    return [entry["sk"].removeprefix("ENTRY#")]


@of(FindingKind.UNREADABLE)
def entry_without_credits(plant: Planter) -> References:
    plant.tables.write(Write(plant.ledger(plant.entry()["sk"]), drop=("credits",)))
    return [""]


@of(FindingKind.UNREADABLE)
def hold_in_no_known_state(plant: Planter) -> References:
    plant.put_in(plant.hold_key(plant.hold()), state="lost")
    return [""]


@of(FindingKind.UNREADABLE)
def purchase_without_a_price(plant: Planter) -> References:
    plant.tables.write(Write(purchase_key(plant.world.begun), drop=("cents",)))
    return [""]


@pytest.fixture
def planter(office: Office) -> Planter:
    return Planter(office, everything(office.backend))


@pytest.mark.parametrize(("kind", "plant"), PLANTS, ids=[plant.__name__ for _, plant in PLANTS])
def test_what_is_planted_is_what_is_found(
    planter: Planter, kind: FindingKind, plant: Callable[[Planter], References]
) -> None:
    assert planter.office.found() == []

    references = plant(planter)

    assert sorted(planter.office.found()) == sorted((kind, planter.ada, reference) for reference in references)


def test_a_user_whose_balance_is_gone_is_found_by_the_guard_of_the_free_credits(planter: Planter) -> None:
    bob = planter.world.bob.user_id
    guard = Guard.free_credits("the hmac of bob's address")
    assert planter.office.backend.ledger.grant(
        bob, 5, "free_credits", guard, at=planter.office.backend.clock(), reason=""
    )
    bobs = planter.office.run()

    planter.tables.write(Write(balance_key(bob), delete=True))

    report = planter.office.run()
    assert {(one.kind, one.reference) for one in report.findings if one.user_id == bob} >= {
        ("balance_differs", ""),
        ("lifetime_differs", "granted"),
    }
    assert {one.user_id for one in report.findings} == {bob}
    assert report.users_judged == bobs.users_judged
    assert report.entries == bobs.entries


def test_every_kind_of_finding_is_planted_and_explained() -> None:
    """Of the sums over all users, test_audit_totals.py plants wrong ones."""
    table = OPERATIONS.read_text(encoding="utf-8").split("### What can be found")[1]
    explained = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))

    assert {kind for kind, _ in PLANTS} == set(FindingKind) - {FindingKind.TOTALS_DIFFER}
    assert explained == set(FindingKind)
