"""Purchases: `PURCHASE#<id>` / `PURCHASE`, and the items that lead to them.

`PAYMENT#<payment id>` / `PURCHASE` names the purchase of a payment, because refunds and disputes name only the payment.
`PURCHASES` / `OPEN#<created>#<id>` exists until the payment has ended: the reconciler's list.
`USER#<id>` / `PURCHASE#<created>#<id>` is permanent: a user's purchases, oldest first.
`SOLD#<month>` / `<created>#<id>` is permanent too: the purchases that began in a month, for the seller.
Every change names the version that it read, so that of two changes at once the second reads again. What the ledger
books for a purchase is written in the same transaction.
"""

from collections.abc import Mapping
from functools import reduce
from operator import and_
from typing import Any

from msgspec.structs import asdict, replace

from ..dates import utc_date
from ..errors import quantity
from ..models.ledger import Balance, Entry, Hold, HoldKind
from ..models.purchase_facts import (
    BookedAmounts,
    Dispute,
    DisputeState,
    LedgerChanges,
    PaymentFacts,
    PaymentState,
    Refund,
    RefundState,
)
from ..models.purchases import Purchase
from ..pricing.price_files import load
from .conditions import Attr, Condition
from .ledger_items import balance_key, end_hold, entry_id_for, entry_put, hold_put
from .table import Item, ItemKey, Path, Tables, Write

NO_EXPIRY = 253_402_300_799  # a dispute's hold waits for the bank, however long that takes
LIST, OPEN, POINTER, SOLD = "PURCHASES", "OPEN#", "PURCHASE#", "SOLD#"
EVENT_POSITION = ItemKey("app", LIST, "EVENT_POSITION")
DISPUTE_LOST = "Taken back: a dispute of the payment was lost"
ENDED = (PaymentState.PAID, PaymentState.FAILED, PaymentState.EXPIRED)


def purchase_key(purchase_id: str) -> ItemKey:
    return ItemKey("app", f"PURCHASE#{purchase_id}", "PURCHASE")


def payment_key(payment_id: str) -> ItemKey:
    return ItemKey("app", f"PAYMENT#{payment_id}", "PURCHASE")


def open_key(purchase: Purchase) -> ItemKey:
    return ItemKey("app", LIST, f"{OPEN}{purchase.created_at:012d}#{purchase.purchase_id}")


def pointer_key(purchase: Purchase) -> ItemKey:
    return ItemKey("app", f"USER#{purchase.user_id}", f"{POINTER}{purchase.created_at:012d}#{purchase.purchase_id}")


def sold_key(purchase: Purchase) -> ItemKey:
    return ItemKey("app", _sold_pk(utc_date(purchase.created_at)), _sold_sk(purchase.created_at) + purchase.purchase_id)


def purchase_from(item: Item) -> Purchase:
    """The purchase that an item stores."""
    fields = {name: item[name] for name in Purchase.__struct_fields__ if name in item}
    refunds = {name: Refund(RefundState(state), cents) for name, (state, cents) in item["refunds"].items()}
    disputes = {name: Dispute(DisputeState(state), cents) for name, (state, cents) in item["disputes"].items()}
    fields["facts"] = PaymentFacts(PaymentState(item["payment"]), refunds, disputes)
    fields["booked"] = BookedAmounts(item["granted"], item["clawed_back"], item["returned_cents"], item["holds"])
    return Purchase(**fields)


def create_purchase(purchase: Purchase) -> list[Write]:
    """A new purchase, its place on the lists of the reconciler and the seller, and its pointer from the buyer."""
    return [
        Write(purchase_key(purchase.purchase_id), item=_fields(purchase), when=Attr("pk").not_exists()),
        Write(open_key(purchase), item={"purchase_id": purchase.purchase_id}),
        Write(pointer_key(purchase), item={"purchase_id": purchase.purchase_id}),
        list_as_sold(purchase),
    ]


def list_as_sold(purchase: Purchase) -> Write:
    """Put the purchase on the seller's list; where it is on it, this changes nothing."""
    return Write(sold_key(purchase), item={"purchase_id": purchase.purchase_id})


def update_purchase(before: Purchase, after: Purchase) -> list[Write]:
    """Save the purchase unless it changed meanwhile; point to it from a new payment; unlist it when it has ended."""
    old, new = _fields(before), _fields(replace(after, version=before.version + 1))
    changes: dict[Any, Any] = {name: value for name, value in new.items() if old[name] != value}
    is_unchanged = Attr("version").eq(before.version)
    writes = [Write(purchase_key(after.purchase_id), put_in=changes, when=is_unchanged)]
    if after.payment_id and after.payment_id != before.payment_id:
        pointer = {"purchase_id": after.purchase_id, "user_id": after.user_id}
        writes.append(Write(payment_key(after.payment_id), item=pointer))
    if after.facts.payment in ENDED and before.facts.payment not in ENDED:
        writes.append(Write(open_key(after), delete=True))
    return writes


def list_open_purchases(tables: Tables, before: int, limit: int) -> list[tuple[str, int]]:
    """Ids and creation times of purchases created before then whose payment has not ended, oldest first."""
    between = (f"{OPEN}{0:012d}", f"{OPEN}{max(0, before):012d}")
    items, _ = tables.query("app", LIST, OPEN, limit=limit, between=between)
    return [(item["purchase_id"], int(item["sk"].split("#")[1])) for item in items]


def list_purchases(
    tables: Tables, user_id: str, limit: int, after: str | None = None
) -> tuple[list[Purchase], str | None]:
    """One page of the user's purchases, newest first, and the sort key to continue `after`. `limit`: at most 100."""
    pointers, last = tables.query("app", f"USER#{user_id}", POINTER, limit=limit, newest_first=True, after=after)
    items = tables.get_many([purchase_key(item["purchase_id"]) for item in pointers]) if pointers else []
    return [purchase_from(item) for item in items if item], last


def list_sold_purchases(
    tables: Tables, period: tuple[int, int], limit: int, after: str | None = None
) -> tuple[list[Purchase], str | None]:
    """One page of the purchases of all users that began in this period, newest first, and where to continue.

    `period`: the first and the last second. `limit`: at most 100. `after`: `<month>/<sort key>`, as returned.
    """
    month, _, after_sk = after.partition("/") if after else (utc_date(period[1])[:7], "", "")
    between = (_sold_sk(period[0]), _sold_sk(period[1] + 1))
    places: list[tuple[str, Item]] = []
    while month >= utc_date(period[0])[:7] and len(places) <= limit:
        items, _ = tables.query(
            "app",
            f"{SOLD}{month}",
            "",
            limit=limit + 1 - len(places),
            newest_first=True,
            after=after_sk or None,
            between=between,
        )
        places += [(month, item) for item in items]
        month, after_sk = _month_before(month), ""
    page = places[:limit]
    found = tables.get_many([purchase_key(item["purchase_id"]) for _, item in page]) if page else []
    last = f"{page[-1][0]}/{page[-1][1]['sk']}" if len(places) > limit else None
    return [purchase_from(item) for item in found if item], last


def _sold_pk(day: str) -> str:
    return f"{SOLD}{day[:7]}"


def _sold_sk(created_at: int) -> str:
    return f"{max(0, created_at):012d}#"


def _month_before(month: str) -> str:
    number = int(month[:4]) * 12 + int(month[5:]) - 2
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def load_event_position(tables: Tables) -> str:
    """The id of the event after which the reconciler continues; empty: from the newest."""
    item = tables.get(EVENT_POSITION)
    return item["event_id"] if item else ""


def save_event_position(tables: Tables, event_id: str) -> None:
    """Continue after this event in the next run; empty: from the newest."""
    tables.write(Write(EVENT_POSITION, item={"event_id": event_id}))


# What the ledger books for a purchase


def ledger_writes(
    before: Purchase, facts: PaymentFacts, changes: LedgerChanges, balance: Balance, at: int
) -> list[Write]:
    """The ledger's part of an update: the balance, an entry for each movement, the holds of disputes.

    `facts`: those of the updated purchase, which say why credits move. `balance` is the one from which `changes` were
    calculated. A new hold relies on it, so it must not have shrunk; the number of open disputes must be as it was read.
    """
    change = {
        "available": changes.available_change,
        "held": changes.held_change,
        "purchased": changes.granted - changes.clawed_back,
        "version": 1,
    }
    counts: dict[Path, Any] = {}
    conditions: list[Condition] = []
    if newly_disputed := len(changes.opened_holds) - len(changes.ended_holds):
        # A dispute may be older than its counter: then its end has nothing to count down.
        counts = {"open_disputes": max(0, balance.open_disputes + newly_disputed)}
        conditions.append(_has_open_disputes(balance.open_disputes))
    if any(changes.opened_holds.values()):
        conditions.append(_has_not_shrunk(balance))
    when = reduce(and_, conditions) if conditions else None
    writes = [Write(balance_key(before.user_id), put_in=counts, add=change, when=when)]
    writes += [entry_put(before.user_id, entry) for entry in _entries(before, facts, changes, at)]
    for dispute_id, credits in changes.opened_holds.items():
        if credits:
            writes.append(hold_put(dispute_hold(before, dispute_id, credits), at))
    for dispute_id, (held, charged) in changes.ended_holds.items():
        if held:
            writes.append(end_hold(dispute_hold(before, dispute_id, held), charged, at))
    return writes


def _has_not_shrunk(balance: Balance) -> Condition:
    """At least as much is available as was read; an account that never had credits has no item yet."""
    condition: Condition = Attr("available").gte(balance.available)
    return condition | Attr("available").not_exists() if balance.available == 0 else condition


def _has_open_disputes(number: int) -> Condition:
    """So many open disputes are counted; below zero counts as none, as in `balance_of`."""
    name = Attr("open_disputes")
    return name.eq(number) if number else name.lte(0) | name.not_exists()


def dispute_hold(purchase: Purchase, dispute_id: str, credits: int) -> Hold:
    """The hold of an open dispute, which only the end of the dispute ends."""
    hold_id = dispute_hold_id(purchase, dispute_id)
    return Hold(purchase.user_id, hold_id, credits, HoldKind.DISPUTE, purchase.purchase_id, NO_EXPIRY)


def dispute_hold_id(purchase: Purchase, dispute_id: str) -> str:
    return f"{HoldKind.DISPUTE}:{purchase.purchase_id}:{dispute_id}"


def _entries(before: Purchase, facts: PaymentFacts, changes: LedgerChanges, at: int) -> list[Entry]:
    """One entry for each movement, in order; the purchase's version keeps them from being booked twice."""
    entries: list[Entry] = []

    def add(kind: str, credits: int, reason: str, **more: Any) -> None:
        fact = f"{before.purchase_id}/{before.version}/{kind}/{more.get('hold_id', '')}"
        shared = {"reference": before.purchase_id, "price_version": before.price_version, "reason": reason}
        entries.append(Entry(entry_id_for(at, fact, len(entries)), kind, credits, at, **shared | more))

    if changes.granted:
        reason = f"{quantity(before.credits, 'credit')} for ${before.cents / 100:.2f}"
        fee = load(before.price_version).payment_fee_micro_usd(before.cents)
        add("purchase", changes.granted, reason, cents=before.cents, cost_micro_usd=fee)
    credits, cents = changes.clawed_back, -changes.returned_cents
    for dispute_id, (_, charged) in changes.ended_holds.items():
        if charged:
            add(
                "clawback",
                -charged,
                DISPUTE_LOST,
                hold_id=dispute_hold_id(before, dispute_id),
                held=charged,
                cents=cents,
            )
            credits, cents = credits - charged, 0
    # One cent may buy less than one credit: the money is booked even if no credit moves.
    if credits > 0 or cents < 0:
        add("clawback", -credits, _clawback_reason(before.facts, facts), cents=cents)
    if credits < 0 or cents > 0:
        add("clawback_reversed", -credits, "Returned: the refund of the payment failed", cents=cents)
    return entries


def _clawback_reason(before: PaymentFacts, after: PaymentFacts) -> str:
    """What took the money back, as the buyer's bank statement would say it."""
    is_lost = after.lost_cents > before.lost_cents
    if is_lost and after.refunded_cents > before.refunded_cents:
        return "Taken back: a part of the payment was refunded, and a dispute of it was lost"
    return DISPUTE_LOST if is_lost else "Taken back: the payment was refunded"


def _fields(purchase: Purchase) -> Item:
    plain: dict[str, Any] = {name: value for name, value in asdict(purchase).items() if name not in ("facts", "booked")}
    facts, booked = purchase.facts, purchase.booked
    return plain | {
        "payment": int(facts.payment),
        "refunds": _state_and_cents(facts.refunds),
        "disputes": _state_and_cents(facts.disputes),
        "granted": booked.granted,
        "clawed_back": booked.clawed_back,
        "returned_cents": booked.returned_cents,
        "holds": dict(booked.holds),
    }


def _state_and_cents(items: Mapping[str, Refund] | Mapping[str, Dispute]) -> Item:
    return {name: [int(item.state), item.cents] for name, item in items.items()}
