"""Problems of balances, entries, prices and day totals."""

from chalicelib.models.audits import FindingKind
from chalicelib.repositories.ledger_items import balance_key, hold_key, open_shard
from chalicelib.repositories.purchases import purchase_key
from chalicelib.repositories.table import ItemKey, Write
from tests.audit.planter import Planter, References, problem


@problem(FindingKind.BALANCE_DIFFERS)
def wrong_balance(plant: Planter) -> References:
    plant.add_to_balance(available=5)
    return [""]


@problem(FindingKind.HELD_DIFFERS)
def wrong_held(plant: Planter) -> References:
    plant.add_to_balance(available=-5, held=5)
    return [""]


@problem(FindingKind.LIFETIME_DIFFERS)
def wrong_granted(plant: Planter) -> References:
    plant.add_to_balance(granted=1, used=-1)
    return ["granted", "used"]


@problem(FindingKind.LIFETIME_DIFFERS)
def wrong_purchased(plant: Planter) -> References:
    plant.add_to_balance(purchased=1)
    return ["purchased"]


@problem(FindingKind.ENTRY_MISSING)
def settled_hold_without_entry(plant: Planter) -> References:
    hold = plant.hold(state="settled") | {"hold_id": "h", "charged": 3, "credits": 5}
    plant.put(hold_key(plant.ada, "h"), hold)
    return ["h"]


@problem(FindingKind.ENTRY_MISSING)
def guard_without_entry(plant: Planter) -> References:
    plant.put(plant.ledger_key("REF#payment#1"), {"user_id": plant.ada, "entry_id": "never", "at": 1})
    return ["REF#payment#1"]


@problem(FindingKind.ENTRY_MISSING)
def free_credits_without_entry(plant: Planter) -> References:
    plant.put(ItemKey("ledger", "FREE#hmac", "GUARD"), {"user_id": plant.ada, "entry_id": "never", "at": 1})
    return ["free_credits"]


@problem(FindingKind.ENTRY_DOUBLED)
def hold_booked_twice(plant: Planter) -> References:
    entry = plant.entry(kind="usage")
    plant.put(plant.ledger_key(entry["sk"] + "A"), entry)
    plant.add_to_balance(available=entry["credits"], used=-entry["credits"])
    day = plant.ledger_key(f"DAY#2026-11-23#{entry['service']}")
    more = {"credits": -entry["credits"], "audio_ms": entry["audio_ms"], "cost_micro_usd": entry["cost_micro_usd"]}
    plant.tables.write(Write(day, add=more | {"entries": 1}))
    return [entry["hold_id"]]


@problem(FindingKind.GRANT_DOUBLED)
def purchase_granted_twice(plant: Planter) -> References:
    entry = plant.entry(kind="purchase", reference=plant.users.bought)
    plant.put(plant.ledger_key(entry["sk"] + "A"), entry)
    plant.add_to_balance(available=entry["credits"], purchased=entry["credits"])
    return [plant.users.bought]


@problem(FindingKind.GRANT_DOUBLED)
def free_credits_granted_twice(plant: Planter) -> References:
    entry = plant.entry(kind="free_credits")
    plant.put(plant.ledger_key(entry["sk"] + "A"), entry)
    plant.add_to_balance(available=entry["credits"], granted=entry["credits"])
    return ["free_credits"]


@problem(FindingKind.GRANT_DOUBLED)
def admin_grant_without_a_guard(plant: Planter) -> References:
    entry = plant.entry(kind="free_credits") | {"kind": "admin_grant"}
    plant.put(plant.ledger_key("ENTRY#A"), entry)
    plant.add_to_balance(available=entry["credits"], granted=entry["credits"])
    return ["A"]


@problem(FindingKind.COST_DIFFERS)
def cost_different_from_its_models(plant: Planter) -> References:
    entry = next(item for item in plant.items("ENTRY#", kind="usage") if item["cost_micro_usd"])
    first, *others = entry["uses"]
    more = first | {"cost_micro_usd": first["cost_micro_usd"] + 1}
    plant.set_values(plant.ledger_key(entry["sk"]), uses=[more, *others])
    return [entry["sk"].removeprefix("ENTRY#")]


@problem(FindingKind.DAY_DIFFERS)
def wrong_day(plant: Planter) -> References:
    plant.tables.write(Write(plant.ledger_key("DAY#2026-11-23#live"), add={"audio_ms": 1}))
    return ["2026-11-23 live"]


@problem(FindingKind.DAY_DIFFERS)
def day_without_entries(plant: Planter) -> References:
    totals = {"credits": 5, "audio_ms": 0, "cost_micro_usd": 0, "entries": 1}
    plant.put(plant.ledger_key("DAY#2026-11-22#ask"), totals)
    return ["2026-11-22 ask"]


@problem(FindingKind.NEGATIVE_AVAILABLE)
def negative_available(plant: Planter) -> References:
    """Of a user from whom no credits were taken back."""
    bob = plant.users.bob.user_id
    plant.tables.write(Write(balance_key(bob), add={"available": -205, "held": 205}))
    plant.ada = bob
    hold = {"credits": 205, "kind": "stream", "reference": "s", "state": "open", "user_id": bob, "hold_id": "h"}
    hold |= {"sweep_at": plant.env.backend.clock() + 60, "open_shard": open_shard(bob)}
    plant.put(hold_key(bob, "h"), hold)
    return [""]


@problem(FindingKind.PRICE_VERSION_UNKNOWN)
def unknown_price_version(plant: Planter) -> References:
    entry = plant.entry(kind="usage")
    plant.set_values(plant.ledger_key(entry["sk"]), price_version="2020-01")
    return [entry["sk"].removeprefix("ENTRY#")]


@problem(FindingKind.PRICE_VERSION_UNKNOWN)
def use_without_price_version(plant: Planter) -> References:
    entry = plant.entry(kind="usage")
    plant.tables.write(Write(plant.ledger_key(entry["sk"]), drop=("price_version",)))
    return [entry["sk"].removeprefix("ENTRY#")]


def longer_use(plant: Planter, service: str) -> References:
    """The first use of the service has a minute more, in its day too, for the same credits."""
    entry = next(entry for entry in plant.items("ENTRY#", kind="usage", service=service) if entry["credits"])
    plant.tables.write(Write(plant.ledger_key(entry["sk"]), add={"audio_ms": 60_000}))
    plant.tables.write(Write(plant.ledger_key(f"DAY#2026-11-23#{service}"), add={"audio_ms": 60_000}))
    return [entry["reference"]]


@problem(FindingKind.PRICE_DIFFERS)
def live_time_that_was_not_charged(plant: Planter) -> References:
    return longer_use(plant, "live")


@problem(FindingKind.PRICE_DIFFERS)
def recording_that_was_not_charged(plant: Planter) -> References:
    return longer_use(plant, "catchup")


@problem(FindingKind.PRICE_DIFFERS)
def saved_captions_that_were_not_charged(plant: Planter) -> References:
    return longer_use(plant, "catchup_session")


@problem(FindingKind.PRICE_DIFFERS)
def dear_question(plant: Planter) -> References:
    """One credit too much, everywhere."""
    entry = plant.entry(kind="usage", service="ask")
    plant.tables.write(Write(plant.ledger_key(entry["sk"]), add={"credits": -1}))
    plant.tables.write(Write(hold_key(plant.ada, entry["hold_id"]), add={"charged": 1, "credits": 1}))
    plant.tables.write(Write(plant.ledger_key("DAY#2026-11-23#ask"), add={"credits": 1}))
    plant.add_to_balance(available=-1, used=1)
    return [entry["reference"]]


@problem(FindingKind.PRICE_DIFFERS)
def cheap_sale(plant: Planter) -> References:
    """The price of the package, and of what was paid, is one cent less."""
    entry = plant.entry(kind="purchase", reference=plant.users.disputed)
    plant.tables.write(Write(plant.ledger_key(entry["sk"]), add={"cents": -1}))
    plant.tables.write(Write(purchase_key(plant.users.disputed), add={"cents": -1}))
    return [plant.users.disputed]


@problem(FindingKind.UNREADABLE)
def entry_without_credits(plant: Planter) -> References:
    plant.tables.write(Write(plant.ledger_key(plant.entry()["sk"]), drop=("credits",)))
    return [""]
