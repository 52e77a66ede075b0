"""Stripe's webhook, whole: signature, event, what it tells, and whether it books anything.

The last byte says what is made up: the body behind a good signature, both it and more of the header, all of it, or one
value of an event (the two bytes before say which). Only what is signed is heard; only what is told of our purchase as
it was sold is booked.
"""

import hmac
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from unittest.mock import patch

import app
from chalicelib.models.purchases import CheckoutSession, Purchase
from chalicelib.payments.checkout import Purchases
from chalicelib.payments.fulfilment import Fulfilment
from chalicelib.providers.stripe_client import StripeGateway
from chalicelib.providers.stripe_events import HANDLERS, SIGNATURE_SECONDS
from chalicelib.repositories.purchases import create_purchase, payment_key, purchase_key
from chalicelib.repositories.table import Item, ItemKey, Write
from chalicelib.wiring import use_cases
from tests.default_prices import PRICE_VERSION
from tests.fuzz.calls import request, status
from tests.fuzz.document_holes import VALUES, filled, with_holes

MOST_BYTES = 4_096
NOW = 1_795_400_000
SECRET, APP, STAGE = "a secret for tests", "live-transcription", "local"
SOLD = Purchase(
    "p1", "ada", "popular", 2_000, 999, "usd", PRICE_VERSION, False, NOW, NOW + 3_600, "", "", payment_id="pi_1"
)
NAMES = {"app": APP, "stage": STAGE, "purchase_id": "p1", "user_id": "ada"}
PAID = {
    "id": "cs_1",
    "status": "complete",
    "payment_status": "paid",
    "amount_total": 999,
    "currency": "usd",
    "livemode": False,
    "payment_intent": "pi_1",
    "metadata": NAMES,
}
MOVED = {"id": "re_1", "amount": 500, "currency": "usd", "status": "succeeded", "payment_intent": "pi_1"}
DISPUTED = MOVED | {"id": "dp_1", "status": "needs_response", "balance_transactions": [{"amount": -999}]}
WORDS = [
    *(word.encode() for word in sorted(HANDLERS)),
    *(
        f'"{word}"'.encode()
        for word in sorted({*PAID, *MOVED, *DISPUTED, *NAMES, "data", "object", "type", "true", "null"})
    ),
    *(b"999", b"-1", b"1e400", b"99999999999999999999", b"[[[[", b"v1=", b"t=", b"\\ud800"),
]


class Way(IntEnum):
    BODY = 0
    BODY_AND_MORE_HEADER = 1
    ALL = 2
    VALUE = 3


class Shelf:
    """The one purchase that was sold, and what is to be written about it."""

    def __init__(self) -> None:
        (item,) = [write.item for write in create_purchase(SOLD) if write.key == purchase_key(SOLD.purchase_id)]
        assert item is not None
        pointer = {"purchase_id": SOLD.purchase_id, "user_id": SOLD.user_id}
        self._items: dict[ItemKey, Item] = {purchase_key("p1"): item, payment_key("pi_1"): pointer}
        self.writes: list[Write] = []

    def get(self, key: ItemKey) -> Item | None:
        return self._items.get(key)

    def get_many(self, keys: Sequence[ItemKey]) -> list[Item | None]:
        return [self._items.get(key) for key in keys]

    def transact(self, writes: Sequence[Write]) -> None:
        self.writes += writes


class Gateway(StripeGateway):
    """Asks nobody: a payment it does not know is none of ours."""

    def find_checkout(self, payment_id: str) -> CheckoutSession | None:
        return None


@dataclass(frozen=True)
class Standing:
    """The clock of the signatures."""

    @staticmethod
    def time() -> float:
        return float(NOW)


SHELF = Shelf()
GATEWAY = Gateway("sk", (SECRET,), APP, STAGE, ())
FULFILMENT = Fulfilment(SHELF, GATEWAY, STAGE, False, lambda: NOW)  # type: ignore[arg-type]
NONE: Any = None
PURCHASES = Purchases(NONE, NONE, NONE, FULFILMENT, True, frozenset(), "", "", lambda: NOW)
patch.object(use_cases, "purchases", lambda: PURCHASES).start()
patch("chalicelib.providers.stripe_events.time", Standing).start()
patch("stripe._webhook.time", Standing).start()


def signature(raw: bytes, at: int = NOW) -> str:
    return hmac.new(SECRET.encode(), b"%d." % at + raw, "sha256").hexdigest()


def event(kind: str, **changes: Any) -> dict[str, Any]:
    told = PAID if kind.startswith("checkout") else DISPUTED if "dispute" in kind else MOVED
    return {"id": "evt_1", "object": "event", "type": kind, "livemode": False, "data": {"object": told}} | changes


EVENTS_WITH_HOLES = [
    hole
    for kind in ("checkout.session.completed", "refund.created", "charge.dispute.closed")
    for hole in with_holes(event(kind))
]


def seeds() -> Iterator[bytes]:
    for said in [*map(event, sorted(HANDLERS)), event("customer.created"), event("refund.updated", livemode=True)]:
        raw = json.dumps(said).encode()
        yield raw + bytes([Way.BODY])
        yield b"\n" + raw + bytes([Way.BODY_AND_MORE_HEADER])
        for at in (NOW, NOW - SIGNATURE_SECONDS - 1, NOW + SIGNATURE_SECONDS + 1):
            yield f"t={at},v1={signature(raw, at)}\n".encode() + raw + bytes([Way.ALL])
    for number in range(len(EVENTS_WITH_HOLES)):
        yield VALUES[number % len(VALUES)] + number.to_bytes(2) + bytes([Way.VALUE])


def one(data: bytes) -> None:
    if len(data) < 3:
        return
    body, header = data[:-1], ""
    match data[-1] % 4:
        case Way.BODY:
            header = f"t={NOW},v1={signature(body)}"
        case Way.BODY_AND_MORE_HEADER:
            first, _, body = body.partition(b"\n")
            header = f"t={NOW},v1={signature(body)}{first.decode('latin-1')}"
        case Way.ALL:
            first, _, body = body.partition(b"\n")
            header = first.decode("latin-1")
        case Way.VALUE:
            body = filled(EVENTS_WITH_HOLES[int.from_bytes(data[-3:-1]) % len(EVENTS_WITH_HOLES)], data[:-3])
            header = f"t={NOW},v1={signature(body)}"
    SHELF.writes.clear()
    answer = status(app.stripe_webhook, request(body, {"stripe-signature": header}))
    assert answer in (200, 400, 503), answer
    if answer != 400:
        assert _is_signed(body, header)
    if SHELF.writes:
        assert answer == 200
        assert _is_ours(json.loads(body))


def _is_signed(body: bytes, header: str) -> bool:
    """Whether the header holds the signature of this body at a time it names, which is about now."""
    times = [int(at) for at in re.findall(r"(?:^|,)t=\s*([+-]?[\d_]+)\s*(?=,|$)", header)]
    near = [at for at in times if abs(at - NOW) <= SIGNATURE_SECONDS]
    return any(signature(body, at) in header for at in near)


def _is_ours(said: Any) -> bool:
    """Whether the event tells of the purchase as it was sold."""
    told = said["data"]["object"]
    if said.get("livemode", False) is not False or said["type"] not in HANDLERS or told["currency"] != "usd":
        return False
    if said["type"].startswith("checkout"):
        is_named = {name: told["metadata"].get(name) for name in NAMES} == NAMES
        return is_named and told["amount_total"] == 999 and told.get("livemode", False) is False
    return told["payment_intent"] == "pi_1" and (0 <= told["amount"] <= 999 or "dispute" in said["type"])
