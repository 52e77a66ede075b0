"""Purchases: `PURCHASE#<id>` / `PURCHASE`, and what leads to them.

`PAYMENT#<payment id>` / `PURCHASE` names the purchase of a payment, because refunds and disputes know only that.
`PURCHASES` / `OPEN#<created>#<id>` is there until a purchase's payment has ended one way: the reconciler's list.
`USER#<id>` / `PURCHASE#<created>#<id>` stays: a user's purchases, oldest first.
Every change states the version it saw, so whoever comes second reads again; the ledger's part is in the same write.
"""

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase
from msgspec.structs import asdict, replace

from ..models.ledger import Balance, Entry, Hold, HoldKind
from ..models.purchases import Purchase
from ..payments.purchase_state import Booked, Dispute, DisputeState, Facts, Moves, Payment, Refund, RefundState
from ..pricing.price_files import load
from .ledger_items import balance_key, entry_id_for, entry_put, hold_ended, hold_put
from .table import Item, ItemKey, Tables, Write

NEVER_AT = 253_402_300_799  # a dispute's hold waits for the bank, however long that takes
LIST, OPEN, POINTER = "PURCHASES", "OPEN#", "PURCHASE#"
HEARD = ItemKey("app", LIST, "HEARD")
ENDED = (Payment.PAID, Payment.FAILED, Payment.EXPIRED)


def purchase_key(purchase_id: str) -> ItemKey:
    return ItemKey("app", f"PURCHASE#{purchase_id}", "PURCHASE")


def payment_key(payment_id: str) -> ItemKey:
    return ItemKey("app", f"PAYMENT#{payment_id}", "PURCHASE")


def open_key(one: Purchase) -> ItemKey:
    return ItemKey("app", LIST, f"{OPEN}{one.created_at:012d}#{one.purchase_id}")


def pointer_key(one: Purchase) -> ItemKey:
    return ItemKey("app", f"USER#{one.user_id}", f"{POINTER}{one.created_at:012d}#{one.purchase_id}")


def purchase(item: Item) -> Purchase:
    """The purchase that was read."""
    fields = {name: item[name] for name in Purchase.__struct_fields__ if name in item}
    refunds = {name: Refund(RefundState(state), cents) for name, (state, cents) in item["refunds"].items()}
    disputes = {name: Dispute(DisputeState(state), cents) for name, (state, cents) in item["disputes"].items()}
    fields["facts"] = Facts(Payment(item["payment"]), refunds, disputes)
    fields["booked"] = Booked(item["granted"], item["taken"], item["returned_cents"], item["holds"])
    return Purchase(**fields)


def created(new: Purchase) -> list[Write]:
    """A purchase that was not there before, on the reconciler's list and among its buyer's."""
    return [
        Write(purchase_key(new.purchase_id), item=_fields(new), when=Attr("pk").not_exists()),
        Write(open_key(new), item={"purchase_id": new.purchase_id}),
        Write(pointer_key(new), item={"purchase_id": new.purchase_id}),
    ]


def changed(before: Purchase, now: Purchase) -> list[Write]:
    """The purchase with what was learned, if nobody learned anything since; what leads to it, and off the list."""
    old, new = _fields(before), _fields(replace(now, version=before.version + 1))
    different: dict[Any, Any] = {name: value for name, value in new.items() if old[name] != value}
    same = Attr("version").eq(before.version)
    writes = [Write(purchase_key(now.purchase_id), put_in=different, when=same)]
    if now.payment_id and now.payment_id != before.payment_id:
        writes.append(Write(payment_key(now.payment_id), item={"purchase_id": now.purchase_id, "user_id": now.user_id}))
    if now.facts.payment in ENDED and before.facts.payment not in ENDED:
        writes.append(Write(open_key(now), delete=True))
    return writes


def open_purchases(tables: Tables, before: int, limit: int) -> list[tuple[str, int]]:
    """Purchases made before then whose payment has not ended, and when they were made, oldest first."""
    between = (f"{OPEN}{0:012d}", f"{OPEN}{max(0, before):012d}")
    items, _ = tables.query("app", LIST, OPEN, limit=limit, between=between)
    return [(item["purchase_id"], int(item["sk"].split("#")[1])) for item in items]


def heard_until(tables: Tables) -> str:
    """The event after which the reconciler goes on; empty: from the newest."""
    item = tables.get(HEARD)
    return item["event_id"] if item else ""


def hear_on_after(tables: Tables, event_id: str) -> None:
    """Go on after this event next time; empty: from the newest."""
    tables.write(Write(HEARD, item={"event_id": event_id}))


# What the ledger books of it


def booking(before: Purchase, due: Moves, balance: Balance, at: int) -> list[Write]:
    """What the ledger books: the balance, an entry for each movement, the holds of disputes.

    `balance` is what `due` was worked out with: a new hold stands on it, so that it must not have shrunk since.
    """
    change = {"available": due.available, "held": due.held, "purchased": due.granted - due.taken, "version": 1}
    opens = any(due.opened.values())
    key = balance_key(before.user_id)
    writes = [Write(key, add=change, when=_still(balance) if opens else None)]
    writes += [entry_put(before.user_id, entry) for entry in _entries(before, due, at)]
    for dispute_id, credits in due.opened.items():
        if credits:
            writes.append(hold_put(dispute_hold(before, dispute_id, credits), at))
    for dispute_id, (held, charged) in due.ended.items():
        if held:
            writes.append(hold_ended(dispute_hold(before, dispute_id, held), charged, at))
    return writes


def _still(balance: Balance) -> ConditionBase:
    """There is as much to spend as was read; an account that never had anything has no item yet."""
    enough: ConditionBase = Attr("available").gte(balance.available)
    return enough | Attr("available").not_exists() if balance.available == 0 else enough


def dispute_hold(one: Purchase, dispute_id: str, credits: int) -> Hold:
    """What an open dispute holds; only the dispute's end ends it."""
    hold_id = dispute_hold_id(one, dispute_id)
    return Hold(one.user_id, hold_id, credits, HoldKind.DISPUTE, one.purchase_id, NEVER_AT)


def dispute_hold_id(one: Purchase, dispute_id: str) -> str:
    return f"{HoldKind.DISPUTE}:{one.purchase_id}:{dispute_id}"


def _entries(before: Purchase, due: Moves, at: int) -> list[Entry]:
    """One entry for each movement, in their order; the purchase's version keeps them from being booked twice."""
    found: list[Entry] = []

    def entry(kind: str, credits: int, reason: str, **more: Any) -> None:
        fact = f"{before.purchase_id}/{before.version}/{kind}/{more.get('hold_id', '')}"
        shared = {"reference": before.purchase_id, "price_version": before.price_version, "reason": reason}
        found.append(Entry(entry_id_for(at, fact, len(found)), kind, credits, at, **shared | more))

    if due.granted:
        what = f"{before.credits} credits for ${before.cents / 100:.2f}"
        fee = load(before.price_version).payment_fee_micro_usd(before.cents)
        entry("purchase", due.granted, what, cents=before.cents, cost_micro_usd=fee)
    left, money = due.taken, -due.returned_cents
    for dispute_id, (_, charged) in due.ended.items():
        if charged:
            what = "Taken back: the payment was disputed and lost"
            entry("clawback", -charged, what, hold_id=dispute_hold_id(before, dispute_id), held=charged, cents=money)
            left, money = left - charged, 0
    # A cent may buy less than a credit: the money is booked all the same.
    if left > 0 or money < 0:
        entry("clawback", -left, "Taken back: the payment was refunded or disputed and lost", cents=money)
    if left < 0 or money > 0:
        entry("clawback_reversed", -left, "Given back: the refund of the payment failed", cents=money)
    return found


def _fields(one: Purchase) -> Item:
    plain: dict[str, Any] = {name: value for name, value in asdict(one).items() if name not in ("facts", "booked")}
    facts, booked = one.facts, one.booked
    return plain | {
        "payment": int(facts.payment),
        "refunds": _pairs(facts.refunds),
        "disputes": _pairs(facts.disputes),
        "granted": booked.granted,
        "taken": booked.taken,
        "returned_cents": booked.returned_cents,
        "holds": dict(booked.holds),
    }


def _pairs(known: Mapping[str, Refund] | Mapping[str, Dispute]) -> Item:
    return {name: [int(one.state), one.cents] for name, one in known.items()}
