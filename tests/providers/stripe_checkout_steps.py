"""Our Stripe gateway beside the sandbox's Stripe: a purchase to open, events as the dashboard would sign them."""

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
    """A gateway of its own; its connections are closed at the end."""
    words = {"api_key": KEYS.stripe, "webhook_secrets": (SECRET,), "api_base": f"{stand_in.url}/stripe"} | changes
    made = StripeGateway(app_name=APP, stage=STAGE, methods=methods, **words)
    yield made
    if made.client is not None:
        made.client._requestor._get_http_client().close()


def wanted(**changes: Any) -> Purchase:
    """A purchase that was just written."""
    now = int(time.time())
    words = {
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
    return Purchase(**words | changes)


def event(type: str = "refund.created", fields: Any = None, **changes: Any) -> dict[str, Any]:
    """An event as Stripe writes it."""
    data = {"object": {"id": "re_1", "object": "refund"} if fields is None else fields}
    return {"id": "evt_1", "object": "event", "type": type, "livemode": False, "data": data} | changes


def raw_of(said: Any) -> bytes:
    return said if isinstance(said, bytes) else json.dumps(said, indent=2).encode()


def signed(raw: bytes, secret: str = SECRET, seconds_ago: int = 0) -> str:
    """The signature's header, made by the SDK's own code; for bytes that are no text, of what they would be read as."""
    return WebhookSignature.generate_signature_header(
        raw.decode("utf-8", "replace"), secret, int(time.time()) - seconds_ago
    )
