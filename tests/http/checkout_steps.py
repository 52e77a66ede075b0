"""How the HTTP tests buy: the till with its hosted page, customers, banks, webhooks, and time that passes at once."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import requests
from msgspec.structs import replace
from stripe import WebhookSignature

from chalicelib.repositories.purchases import open_key, purchase_from, purchase_key
from chalicelib.repositories.table import Write
from scripts.local.stack import LocalStack
from tests.fakes import Backend
from tests.http.http_client import WEBHOOK_SECONDS, Api, Person

PURCHASE, WEBHOOK = "/credits/purchase", "/webhooks/stripe"
CREATE = "stripe.sessions_create"
PATIENCE_SECONDS = 90  # only what goes wrong waits so long
UNTOUCHED: dict[str, Any] = {
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
    """The sandbox's Stripe behind a running backend."""

    def __init__(self, stack: LocalStack):
        self._url, self._session = f"{stack.dev['sandbox_url']}/sandbox", requests.Session()
        self._session.trust_env = False
        self.secret = stack.dev["stripe_webhook_secret"]
        self._endpoint = f"{stack.api_url}{WEBHOOK}"

    def do(self, path: str, **order: Any) -> dict[str, Any]:
        """What a customer, a bank or the network does."""
        answer = self._session.post(f"{self._url}/stripe/{path}", json=order)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def reset_faults(self) -> None:
        self._session.delete(f"{self._url}/faults")
        self.do("orders", webhook_url=self._endpoint, **UNTOUCHED)

    def pay(self, checkout: dict[str, Any], method: str = "card") -> None:
        """Pay without the page; the webhooks have been answered."""
        self.do(f"sessions/{checkout['checkout_session_id']}/pay", method=method)
        self.rest()

    def refund(self, checkout: dict[str, Any], cents: int | None = None, **more: Any) -> str:
        given = {} if cents is None else {"amount": cents}
        refund = self.do("refunds", session=checkout["checkout_session_id"], **given, **more)
        self.rest()
        return str(refund["id"])

    def dispute(self, checkout: dict[str, Any], **more: Any) -> str:
        dispute = self.do("disputes", session=checkout["checkout_session_id"], **more)
        self.rest()
        return str(dispute["id"])

    def step(self, path: str, status: str) -> None:
        """A refund or dispute goes on."""
        self.do(path, status=status)
        self.rest()

    def books(self) -> dict[str, Any]:
        return dict(self._session.get(f"{self._url}/stripe").json())

    def sessions_of(self, purchase_id: str) -> list[dict[str, Any]]:
        """Every session that was ever made for a purchase."""
        return [one for one in self.books()["sessions"] if one["client_reference_id"] == purchase_id]

    def charged(self, person: Person) -> list[int]:
        """The cents of every charge that a user's purchases ever made."""
        mine = {
            one["payment_intent"] for one in self.books()["sessions"] if one["metadata"]["user_id"] == person.user_id
        }
        return [one["amount"] for one in self.books()["charges"] if one["payment_intent"] in mine]

    def session(self, checkout: dict[str, Any]) -> dict[str, Any]:
        (found,) = self.sessions_of(checkout["purchase_id"])
        return found

    def deliveries(self) -> list[dict[str, Any]]:
        return list(self._session.get(f"{self._url}/stripe/deliveries").json()["deliveries"])

    def rest(self) -> None:
        """Until every webhook on its way was answered."""
        wait_until(
            lambda: not [one for one in self.deliveries() if one["state"] == "sending"], "webhooks are still sent"
        )

    def fail(self, service: str, kind: str, times: int = 1, **how: Any) -> None:
        order = {"service": service, "kind": kind, "times": times, **how}
        assert self._session.post(f"{self._url}/faults", json=order).status_code == 201

    def close(self) -> None:
        self._session.close()


def wait_until(holds: Callable[[], object], else_said: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, else_said
        time.sleep(0.05)


def buy(person: Person, package: str = "popular", key: str | None = None, **words: Any) -> dict[str, Any]:
    """An open checkout."""
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    answer = person.post(PURCHASE, json={"package_id": package, **words}, headers=headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def buy_and_pay(person: Person, payments_client: PaymentsClient, package: str = "popular") -> dict[str, Any]:
    """A checkout that was paid, its credits booked."""
    before, checkout = person.balance(), buy(person, package)
    payments_client.pay(checkout)
    assert person.balance() == (before[0] + checkout["credits"], before[1])
    return checkout


def movements(person: Person) -> list[tuple[str, int, int]]:
    """Kind, credits and cents of the statement but for the free credits, sorted."""
    found = person.get("/credits/transactions").json()["transactions"]
    told = [(one["kind"], one["credits"], one.get("cents", 0)) for one in found]
    return sorted(one for one in told if one[0] != "free_credits")


def webhook(api: Api, raw: bytes, signature: str | bytes | None) -> requests.Response:
    headers = {} if signature is None else {"Stripe-Signature": signature}
    return api.post(WEBHOOK, data=raw, headers=headers | {"Content-Type": "application/json; charset=utf-8"})


def event(type: str, fields: dict[str, Any], **changes: Any) -> bytes:
    said = {"id": f"evt_{uuid.uuid4().hex}", "object": "event", "type": type, "livemode": False}
    return json.dumps(said | {"data": {"object": fields}} | changes, indent=2).encode()


def send_signed(api: Api, payments_client: PaymentsClient, raw: bytes) -> requests.Response:
    """The answer to an event that Stripe signed."""
    return webhook(api, raw, WebhookSignature.generate_signature_header(raw.decode(), payments_client.secret))


def age(books: Backend, checkout: dict[str, Any], seconds: int) -> None:
    """Let the purchase have been made so much earlier."""
    known = purchase_from(books.tables.get(purchase_key(checkout["purchase_id"])) or {})
    earlier = replace(known, created_at=known.created_at - seconds)
    books.tables.transact(
        [
            Write(purchase_key(known.purchase_id), add={"created_at": -seconds}),
            Write(open_key(known), delete=True),
            Write(open_key(earlier), item={"purchase_id": known.purchase_id}),
        ]
    )
