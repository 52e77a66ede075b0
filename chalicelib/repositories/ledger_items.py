"""The ledger's items: their keys, the writes of them, and reading them. What may be written when is in ledger.py."""

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict

from ..dates import utc_date
from ..ids import ulid
from ..models.ledger import Balance, Charge, DayTotal, Entry, Hold, HoldState, ModelUse
from .conditions import Attr
from .expressions import deserialize
from .table import Item, ItemKey, Write

OPEN_HOLD_SHARDS = 8
USER, ENTRY, HOLD, DAY = "USER#", "ENTRY#", "HOLD#", "DAY#"
BALANCE_ATTRIBUTES = (
    *("available", "held", "granted", "purchased", "used", "version"),
    *("signed_out_at", "open_disputes"),
)

# Keys


def user_pk(user_id: str) -> str:
    return f"{USER}{user_id}"


def balance_key(user_id: str) -> ItemKey:
    return ItemKey("ledger", user_pk(user_id), "BALANCE")


def hold_key(user_id: str, hold_id: str) -> ItemKey:
    return ItemKey("ledger", user_pk(user_id), f"{HOLD}{hold_id}")


def entry_id_for(at: int, fact: str, number: int = 0) -> str:
    """An id that sorts entries in the order in which they were booked.

    They sort by second, then by this machine's millisecond, then by `number` among the entries of one write. An entry
    is kept from being booked twice by its guard, hold or version, never by this id.
    """
    millisecond = min(max(time.time_ns() // 1_000_000 - at * 1000, 0), 999)
    return ulid(at * 1000 + millisecond, bytes([number]) + hashlib.sha256(fact.encode()).digest()[:9])


def open_shard(user_id: str) -> str:
    return f"OPEN#{hashlib.sha256(user_id.encode()).digest()[0] % OPEN_HOLD_SHARDS}"


# Writes


def hold_put(hold: Hold, at: int) -> Write:
    if hold.credits < 0:
        raise ValueError(f"a hold of {hold.credits} credits would make credits")
    item = {
        "credits": hold.credits,
        "kind": hold.kind,
        "reference": hold.reference,
        "state": HoldState.OPEN.value,
        "user_id": hold.user_id,
        "hold_id": hold.hold_id,
        "open_shard": open_shard(hold.user_id),
        "sweep_at": hold.sweep_at,
        "made_at": at,
    }
    return Write(hold_key(hold.user_id, hold.hold_id), item=item, when=Attr("pk").not_exists())


def reschedule_sweep(hold: Hold) -> Write:
    """Sweep the hold at the end of its work, once the work has started, instead of at the end of its opening."""
    still_open = Attr("state").eq(HoldState.OPEN.value)
    return Write(hold_key(hold.user_id, hold.hold_id), put_in={"sweep_at": hold.sweep_at}, when=still_open)


def end_hold(hold: Hold, charged: int, at: int, *, is_released: bool | None = None) -> Write:
    """End the hold: `charged` credits of it are used, the rest returns. A released hold has no entry."""
    if not 0 <= charged <= hold.credits:
        raise ValueError(f"a hold of {hold.credits} cannot be settled for {charged}")
    state = HoldState.RELEASED if (charged == 0 if is_released is None else is_released) else HoldState.SETTLED
    return Write(
        hold_key(hold.user_id, hold.hold_id),
        put_in={"state": state.value, "charged": charged, "ended_at": at},
        drop=("open_shard",),  # leaves the sparse index of open holds
        when=Attr("state").eq(HoldState.OPEN.value) & Attr("credits").eq(hold.credits),
    )


def settlement_change(hold: Hold, charge: Charge) -> dict[str, int]:
    """How settling the hold changes the balance."""
    return {"available": hold.credits - charge.credits, "held": -hold.credits, "used": charge.credits}


def usage_writes(hold: Hold, charge: Charge, at: int) -> list[Write]:
    """The entry of a settlement and its share of the day's totals; none where nothing was used."""
    fact = f"{hold.user_id}/{hold.hold_id}"
    return [] if charge.is_empty else _usage_writes(hold.user_id, charge, at, fact, hold.hold_id, hold.credits)


def cost_writes(user_id: str, charge: Charge, at: int, fact: str) -> list[Write]:
    """The same for work at no credits whose hold has ended, and the balance's next version. `fact` names the work."""
    if charge.credits:
        raise ValueError(f"{charge.credits} credits cannot be charged without a hold")
    balance = Write(balance_key(user_id), add={"available": 0, "held": 0, "used": 0, "version": 1})
    return [balance, *_usage_writes(user_id, charge, at, fact)]


def _usage_writes(
    user_id: str, charge: Charge, at: int, fact: str, hold_id: str = "", held_credits: int = 0
) -> list[Write]:
    entry = Entry(
        entry_id_for(at, fact),
        "usage",
        -charge.credits,
        at,
        service=charge.service,
        reference=charge.reference,
        hold_id=hold_id,
        held=held_credits,
        audio_ms=charge.audio_ms,
        price_version=charge.price_version,
        cost_micro_usd=charge.cost_micro_usd,
        uses=charge.uses,
        reported_ms=charge.reported_ms,
        reported_of_ms=charge.reported_of_ms,
        implausible_ms=charge.implausible_ms,
    )
    day = Write(
        ItemKey("ledger", user_pk(user_id), f"{DAY}{utc_date(at)}#{charge.service}"),
        add={
            "credits": charge.credits,
            "audio_ms": charge.audio_ms,
            "cost_micro_usd": charge.cost_micro_usd,
            "entries": 1,
        },
    )
    return [entry_put(user_id, entry), day]


def entry_put(user_id: str, entry: Entry) -> Write:
    item: dict[str, Any] = {
        name: value
        for name, value in asdict(entry).items()
        if name not in {"entry_id", "uses"} and (value != "" and value is not None)
    }
    item["uses"] = [asdict(use) for use in entry.uses]
    return Write(
        ItemKey("ledger", user_pk(user_id), f"{ENTRY}{entry.entry_id}"), item=item, when=Attr("pk").not_exists()
    )


# Items to models


def balance_of(item: Mapping[str, Any] | None) -> Balance:
    item = item or {}
    numbers = {name: item.get(name, 0) for name in BALANCE_ATTRIBUTES}
    # Below zero where disputes ended that were opened before anything counted them.
    numbers["open_disputes"] = max(0, numbers["open_disputes"])
    return Balance(**numbers, blocked=item.get("blocked", False), deleted=item.get("deleted", False))


def hold_from(item: Item) -> Hold:
    return Hold(
        user_id=item["user_id"],
        hold_id=item["hold_id"],
        credits=item["credits"],
        kind=item["kind"],
        reference=item["reference"],
        sweep_at=item["sweep_at"],
        state=HoldState(item["state"]),
        charged=item.get("charged", 0),
        made_at=item.get("made_at", 0),
    )


def entry_from(item: Item) -> Entry:
    fields = {name: item[name] for name in Entry.__struct_fields__ if name in item and name != "uses"}
    uses = tuple(ModelUse(**use) for use in item.get("uses", []))
    return Entry(entry_id=item["sk"].removeprefix(ENTRY), uses=uses, **fields)


def day_from(item: Item) -> DayTotal:
    _, date, service = item["sk"].split("#", 2)
    return DayTotal(date, service, item["credits"], item["audio_ms"], item["cost_micro_usd"], item["entries"])


def entry_from_stream(image: Mapping[str, Any]) -> tuple[str, Entry] | None:
    """The user and the entry that a record of the ledger's stream wrote (its new image); None for any other item."""
    sk = image.get("sk", {}).get("S", "")
    if not sk.startswith(ENTRY):
        return None
    item = deserialize(image)
    return item["pk"].removeprefix(USER), entry_from(item)
