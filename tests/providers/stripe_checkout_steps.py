"""Our Stripe gateway on the sandbox's Stripe: a purchase to open, and events signed as Stripe signs them."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stripe import WebhookSignature

from chalicelib.models.purchases import Purchase
from chalicelib.providers.stripe_client import StripeGateway
from tests.default_prices import PRICE_VERSION
from tests.providers.stand_in import KEYS, StandIn

APP, STAGE = "live-transcription", "local"
SECRET = KEYS.stripe_webhooks


@contextmanager
def gateway(stand_in: StandIn, methods: tuple[str, ...] = ("card",), **changes: Any) -> Iterator[StripeGateway]:
    """A new gateway whose connections are closed at the end."""
    arguments = {"api_key": KEYS.stripe, "webhook_secrets": (SECRET,), "api_base": f"{stand_in.url}/stripe"} | changes
    started = StripeGateway(app_name=APP, stage=STAGE, methods=methods, **arguments)
    yield started
    if started.client is not None:
        started.client._requestor._get_http_client().close()


def new_purchase(**changes: Any) -> Purchase:
    """A purchase that was just stored."""
    now = int(time.time())
    fields = {
        "purchase_id": str(uuid.uuid4()),
        "user_id": "ada",
        "package_id": "popular",
        "credits": 2_000,
        "cents": 999,
        "currency": "usd",
        "price_version": PRICE_VERSION,
        "is_live": False,
        "created_at": now,
        "checkout_expires_at": now + 3_600,
        "success_url": "https://shop.example/paid?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/cancelled",
    }
    return Purchase(**fields | changes)


def event(type: str = "refund.created", fields: Any = None, **changes: Any) -> dict[str, Any]:
    """An event as Stripe writes it."""
    data = {"object": {"id": "re_1", "object": "refund"} if fields is None else fields}
    return {"id": "evt_1", "object": "event", "type": type, "livemode": False, "data": data} | changes


def to_raw(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value, indent=2).encode()


def sign(raw: bytes, secret: str = SECRET, seconds_ago: int = 0) -> str:
    """The signature header, made by the SDK's own code. Bytes that are not UTF-8 are signed as decoded."""
    return WebhookSignature.generate_signature_header(
        raw.decode("utf-8", "replace"), secret, int(time.time()) - seconds_ago
    )
