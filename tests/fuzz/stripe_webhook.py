"""The webhook of Stripe with its signature and event. Only signed events that match our purchase cause writes.

The last byte selects what is random: the body with a valid signature, the body and more of the header, everything, or
one value of an event (selected by the two bytes before).
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
from chalicelib.providers.stripe_event_handlers import HANDLERS, SIGNATURE_SECONDS
from chalicelib.repositories.purchases import create_purchase, payment_key, purchase_key
from chalicelib.repositories.table import Item, ItemKey, Write
from chalicelib.wiring import use_cases
from tests.default_prices import PRICE_VERSION
from tests.fuzz.calls import get_status, make_request
from tests.fuzz.document_holes import VALUES, fill_hole, with_holes

MOST_BYTES = 4_096
NOW = 1_795_400_000
SECRET, APP, STAGE = "a secret for tests", "live-transcription", "local"
PURCHASE = Purchase(
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
REFUNDED = {"id": "re_1", "amount": 500, "currency": "usd", "status": "succeeded", "payment_intent": "pi_1"}
DISPUTED = REFUNDED | {"id": "dp_1", "status": "needs_response", "balance_transactions": [{"amount": -999}]}
WORDS = [
    *(word.encode() for word in sorted(HANDLERS)),
    *(
        f'"{word}"'.encode()
        for word in sorted({*PAID, *REFUNDED, *DISPUTED, *NAMES, "data", "object", "type", "true", "null"})
    ),
    *(b"999", b"-1", b"1e400", b"99999999999999999999", b"[[[[", b"v1=", b"t=", b"\\ud800"),
]


class RandomPart(IntEnum):
    BODY = 0
    BODY_AND_MORE_HEADER = 1
    ALL = 2
    VALUE = 3


class FakeTable:
    """A table with one purchase; records the writes."""

    def __init__(self) -> None:
        (item,) = [write.item for write in create_purchase(PURCHASE) if write.key == purchase_key(PURCHASE.purchase_id)]
        assert item is not None
        pointer = {"purchase_id": PURCHASE.purchase_id, "user_id": PURCHASE.user_id}
        self._items: dict[ItemKey, Item] = {purchase_key("p1"): item, payment_key("pi_1"): pointer}
        self.writes: list[Write] = []

    def get(self, key: ItemKey) -> Item | None:
        return self._items.get(key)

    def get_many(self, keys: Sequence[ItemKey]) -> list[Item | None]:
        return [self._items.get(key) for key in keys]

    def transact(self, writes: Sequence[Write]) -> None:
        self.writes += writes


class OfflineStripe(StripeGateway):
    """Makes no calls: an unknown payment belongs to another app."""

    def find_checkout(self, payment_id: str) -> CheckoutSession | None:
        return None


@dataclass(frozen=True)
class FixedClock:
    """The clock for signatures."""

    @staticmethod
    def time() -> float:
        return float(NOW)


TABLE = FakeTable()
GATEWAY = OfflineStripe("sk", (SECRET,), APP, STAGE, ())
FULFILMENT = Fulfilment(TABLE, GATEWAY, STAGE, False, lambda: NOW)  # type: ignore[arg-type]
NONE: Any = None
PURCHASES = Purchases(NONE, NONE, NONE, FULFILMENT, True, (), "", "", lambda: NOW, NONE)
patch.object(use_cases, "purchases", lambda: PURCHASES).start()
patch("chalicelib.providers.stripe_event_handlers.time", FixedClock).start()
patch("stripe._webhook.time", FixedClock).start()


def signature(raw: bytes, at: int = NOW) -> str:
    return hmac.new(SECRET.encode(), b"%d." % at + raw, "sha256").hexdigest()


def event(kind: str, **changes: Any) -> dict[str, Any]:
    payload = PAID if kind.startswith("checkout") else DISPUTED if "dispute" in kind else REFUNDED
    return {"id": "evt_1", "object": "event", "type": kind, "livemode": False, "data": {"object": payload}} | changes


EVENTS_WITH_HOLES = [
    hole
    for kind in ("checkout.session.completed", "refund.created", "charge.dispute.closed")
    for hole in with_holes(event(kind))
]


def seeds() -> Iterator[bytes]:
    for payload in [*map(event, sorted(HANDLERS)), event("customer.created"), event("refund.updated", livemode=True)]:
        raw = json.dumps(payload).encode()
        yield raw + bytes([RandomPart.BODY])
        yield b"\n" + raw + bytes([RandomPart.BODY_AND_MORE_HEADER])
        for at in (NOW, NOW - SIGNATURE_SECONDS - 1, NOW + SIGNATURE_SECONDS + 1):
            yield f"t={at},v1={signature(raw, at)}\n".encode() + raw + bytes([RandomPart.ALL])
    for number in range(len(EVENTS_WITH_HOLES)):
        yield VALUES[number % len(VALUES)] + number.to_bytes(2) + bytes([RandomPart.VALUE])


def run_input(data: bytes) -> None:
    if len(data) < 3:
        return
    body, header = data[:-1], ""
    match data[-1] % 4:
        case RandomPart.BODY:
            header = f"t={NOW},v1={signature(body)}"
        case RandomPart.BODY_AND_MORE_HEADER:
            first, _, body = body.partition(b"\n")
            header = f"t={NOW},v1={signature(body)}{first.decode('latin-1')}"
        case RandomPart.ALL:
            first, _, body = body.partition(b"\n")
            header = first.decode("latin-1")
        case RandomPart.VALUE:
            body = fill_hole(EVENTS_WITH_HOLES[int.from_bytes(data[-3:-1]) % len(EVENTS_WITH_HOLES)], data[:-3])
            header = f"t={NOW},v1={signature(body)}"
    TABLE.writes.clear()
    status_code = get_status(app.stripe_webhook, make_request(body, {"stripe-signature": header}))
    assert status_code in (200, 400, 503), status_code
    if status_code != 400:
        assert _is_signed(body, header)
    if TABLE.writes:
        assert status_code == 200
        assert _matches_purchase(json.loads(body))


def _is_signed(body: bytes, header: str) -> bool:
    """Whether the header has the signature of this body for a timestamp close to now."""
    times = [int(at) for at in re.findall(r"(?:^|,)t=\s*([+-]?[\d_]+)\s*(?=,|$)", header)]
    recent = [at for at in times if abs(at - NOW) <= SIGNATURE_SECONDS]
    return any(signature(body, at) in header for at in recent)


def _matches_purchase(event_fields: Any) -> bool:
    """Whether the event matches the purchase."""
    payload = event_fields["data"]["object"]
    if (
        event_fields.get("livemode", False) is not False
        or event_fields["type"] not in HANDLERS
        or payload["currency"] != "usd"
    ):
        return False
    if event_fields["type"].startswith("checkout"):
        has_metadata = {name: payload["metadata"].get(name) for name in NAMES} == NAMES
        return has_metadata and payload["amount_total"] == 999 and payload.get("livemode", False) is False
    return payload["payment_intent"] == "pi_1" and (0 <= payload["amount"] <= 999 or "dispute" in event_fields["type"])
