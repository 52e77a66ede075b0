"""How the HTTP tests buy: the hosted page, customers, banks, webhooks, and time that passes at once."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from msgspec.structs import replace
from stripe import WebhookSignature

from chalicelib.repositories.purchases import open_key, purchase_from, purchase_key
from chalicelib.repositories.table import Write
from scripts.local.stack import LocalStack
from tests.fakes import Backend
from tests.http.http_client import WEBHOOK_SECONDS, Api, Person
from tests.http.waiting import wait_until

PURCHASE, WEBHOOK = "/credits/purchase", "/webhooks/stripe"
CREATE = "stripe.sessions_create"
DEFAULT_ORDERS: dict[str, Any] = {
    "webhook_copies": 1,
    "webhook_twins": 0,
    "webhook_hold": False,
    "webhook_lose": [],
    "webhook_retry_seconds": 5,
    "webhook_deadline_seconds": WEBHOOK_SECONDS,
    "refund_status": "succeeded",
    "webhook_before_redirect": True,
}


class PaymentsClient:
    """Controls the sandbox's Stripe behind a running backend."""

    def __init__(self, stack: LocalStack):
        self._url, self._session = f"{stack.dev['sandbox_url']}/sandbox", requests.Session()
        self._session.trust_env = False
        self.secret = stack.dev["stripe_webhook_secret"]
        self._endpoint = f"{stack.api_url}{WEBHOOK}"

    def do(self, path: str, **order: Any) -> dict[str, Any]:
        """An action of a customer, a bank or the network."""
        response = self._session.post(f"{self._url}/stripe/{path}", json=order)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def reset_faults(self) -> None:
        self._session.delete(f"{self._url}/faults")
        self.do("orders", webhook_url=self._endpoint, **DEFAULT_ORDERS)

    def pay(self, checkout: dict[str, Any], method: str = "card") -> None:
        """Pay without the page, and wait until the webhooks have been answered."""
        self.do(f"sessions/{checkout['checkout_session_id']}/pay", method=method)
        self.rest()

    def refund(self, checkout: dict[str, Any], cents: int | None = None, **more: Any) -> str:
        amount = {} if cents is None else {"amount": cents}
        refund = self.do("refunds", session=checkout["checkout_session_id"], **amount, **more)
        self.rest()
        return str(refund["id"])

    def dispute(self, checkout: dict[str, Any], **more: Any) -> str:
        dispute = self.do("disputes", session=checkout["checkout_session_id"], **more)
        self.rest()
        return str(dispute["id"])

    def step(self, path: str, status: str) -> None:
        """Move a refund or a dispute to another status."""
        self.do(path, status=status)
        self.rest()

    def books(self) -> dict[str, Any]:
        return dict(self._session.get(f"{self._url}/stripe").json())

    def sessions_of(self, purchase_id: str) -> list[dict[str, Any]]:
        """Every session that was made for a purchase."""
        sessions = self.books()["sessions"]
        return [session for session in sessions if session["client_reference_id"] == purchase_id]

    def charges_of(self, person: Person) -> list[int]:
        """The cents of every charge of a user's purchases."""
        intents = {
            session["payment_intent"]
            for session in self.books()["sessions"]
            if session["metadata"]["user_id"] == person.user_id
        }
        return [charge["amount"] for charge in self.books()["charges"] if charge["payment_intent"] in intents]

    def session(self, checkout: dict[str, Any]) -> dict[str, Any]:
        (found,) = self.sessions_of(checkout["purchase_id"])
        return found

    def deliveries(self) -> list[dict[str, Any]]:
        return list(self._session.get(f"{self._url}/stripe/deliveries").json()["deliveries"])

    def rest(self) -> None:
        """Wait until every webhook on its way was answered."""
        wait_until(
            lambda: not [delivery for delivery in self.deliveries() if delivery["state"] == "sending"],
            "webhooks are still sent",
        )

    def fail(self, service: str, kind: str, times: int = 1, **how: Any) -> None:
        order = {"service": service, "kind": kind, "times": times, **how}
        assert self._session.post(f"{self._url}/faults", json=order).status_code == 201

    def close(self) -> None:
        self._session.close()

    @classmethod
    @contextmanager
    def on(cls, stack: LocalStack) -> Iterator["PaymentsClient"]:
        """Stripe's stand-in, its webhooks as usual before and after."""
        control = cls(stack)
        control.reset_faults()
        try:
            yield control
        finally:
            control.reset_faults()
            control.close()


def buy(person: Person, package: str = "popular", key: str | None = None, **fields: Any) -> dict[str, Any]:
    """Start a purchase; its open checkout."""
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    answer = person.post(PURCHASE, json={"package_id": package, **fields}, headers=headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def buy_and_pay(person: Person, payments_client: PaymentsClient, package: str = "popular") -> dict[str, Any]:
    """A checkout that was paid and whose credits are booked."""
    before, checkout = person.balance(), buy(person, package)
    payments_client.pay(checkout)
    assert person.balance() == (before[0] + checkout["credits"], before[1])
    return checkout


def movements(person: Person) -> list[tuple[str, int, int]]:
    """Kind, credits and cents of the entries of the statement, without the free credits, sorted."""
    found = person.get("/credits/transactions").json()["transactions"]
    entries = [(entry["kind"], entry["credits"], entry.get("cents", 0)) for entry in found]
    return sorted(entry for entry in entries if entry[0] != "free_credits")


def webhook(api: Api, raw: bytes, signature: str | bytes | None) -> requests.Response:
    headers = {} if signature is None else {"Stripe-Signature": signature}
    return api.post(WEBHOOK, data=raw, headers=headers | {"Content-Type": "application/json; charset=utf-8"})


def event(type: str, fields: dict[str, Any], **changes: Any) -> bytes:
    fields_of_event = {"id": f"evt_{uuid.uuid4().hex}", "object": "event", "type": type, "livemode": False}
    return json.dumps(fields_of_event | {"data": {"object": fields}} | changes, indent=2).encode()


def send_signed(api: Api, payments_client: PaymentsClient, raw: bytes) -> requests.Response:
    """The response to an event that Stripe signed."""
    return webhook(api, raw, WebhookSignature.generate_signature_header(raw.decode(), payments_client.secret))


def age(books: Backend, checkout: dict[str, Any], seconds: int) -> None:
    """Change the creation time of the purchase to this many seconds earlier."""
    purchase = purchase_from(books.tables.get(purchase_key(checkout["purchase_id"])) or {})
    earlier = replace(purchase, created_at=purchase.created_at - seconds)
    books.tables.transact(
        [
            Write(purchase_key(purchase.purchase_id), add={"created_at": -seconds}),
            Write(open_key(purchase), delete=True),
            Write(open_key(earlier), item={"purchase_id": purchase.purchase_id}),
        ]
    )
