"""Buying credits: the packages, a checkout for one of them, and the events of its payment.

A purchase is written before the payment system is called, under an id that is also the idempotency key there. What is
sold is decided by the stored purchase, never by what a client says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from .. import contract
from ..cursors import Cursors
from ..dates import rfc3339
from ..errors import (
    OFF_RETRY_SECONDS,
    ConflictError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
    ProviderRefusedError,
    UnavailableError,
)
from ..models.accounts import Caller
from ..models.ledger import Balance
from ..models.purchase_facts import PaymentState
from ..models.purchases import Purchase
from ..pricing.price_files import Prices
from ..repositories.ledger import Ledger
from ..repositories.purchases import POINTER, create_purchase, list_purchases, purchase_from, purchase_key
from ..repositories.table import Tables, WriteRefusedError
from .fulfilment import RESUMABLE_SECONDS, Fulfilment
from .purchase_item import purchase_item

CURRENCY = "usd"
CHECKOUT_SECONDS = 3_600


@dataclass(frozen=True)
class Purchases:
    """Sells credits, if it `is_on`."""

    ledger: Ledger
    tables: Tables
    prices: Prices
    fulfilment: Fulfilment
    is_on: bool
    return_origins: tuple[str, ...]
    success_url: str
    cancel_url: str
    now: Callable[[], int]  # epoch seconds, UTC
    cursors: Cursors

    def packages(self) -> contract.Packages:
        """The packages for sale, cheapest first."""
        packages = sorted(self.prices.packages.items(), key=lambda item: item[1].cents)
        return contract.Packages(
            packages=[
                contract.CreditPackage(id=name, credits=package.credits, cents=package.cents, currency=CURRENCY)
                for name, package in packages
            ],
            price_version=self.prices.version,
        )

    # Buying

    def buy(
        self, caller: Caller, body: contract.Buy, purchase_id: str, body_hash: str, base_url: str = ""
    ) -> contract.Checkout:
        """A checkout for a package. The same `purchase_id` and body again return the same checkout.

        `base_url`: of this API, whose own pages take the buyer back where neither the body nor a setting names one.
        Raises InvalidRequestError (package, URLs), IdempotencyMismatchError, ConflictError (the purchase has ended or
        is too old to resume), ProviderError (nothing was bought: retry with the same key).
        """
        if not self.is_on:
            raise UnavailableError(
                "Credits are not for sale on this server. Contact its operator.", retry_after_seconds=OFF_RETRY_SECONDS
            )
        new_purchase = self._new_purchase(caller, body, purchase_id, body_hash, base_url)
        _, (item,) = self.ledger.admit(caller, extra_keys=[purchase_key(purchase_id)])
        purchase = purchase_from(item) if item else None
        if purchase is None:
            try:
                self.tables.transact(create_purchase(new_purchase))
                purchase = new_purchase
            except WriteRefusedError as refusal:  # The same request is being handled by another process.
                raise ConflictError(
                    "This purchase is being started. Retry the request.", "still_running", retry_after_seconds=1
                ) from refusal
        if purchase.user_id != caller.user_id:  # Ids are derived from the user, so no honest client gets here.
            raise NotFoundError("There is no such purchase.")
        if purchase.body_hash != body_hash:
            raise IdempotencyMismatchError("This Idempotency-Key was already used with different parameters.")
        if not purchase.checkout_session_id:
            purchase = self._open_checkout(purchase)
        return _checkout(purchase)

    def _new_purchase(
        self, caller: Caller, body: contract.Buy, purchase_id: str, body_hash: str, base_url: str
    ) -> Purchase:
        package = self.prices.packages.get(body.package_id)
        if package is None:
            names = ", ".join(self.prices.packages)
            raise InvalidRequestError(f"There is no such package. Choose one of: {names}.", "package_id")
        now = self.now()
        paid = self.success_url or f"{base_url}/checkout/paid?credits={package.credits}"
        cancelled = self.cancel_url or f"{base_url}/checkout/cancelled"
        return Purchase(
            purchase_id=purchase_id,
            user_id=caller.user_id,
            package_id=body.package_id,
            credits=package.credits,
            cents=package.cents,
            currency=CURRENCY,
            price_version=self.prices.version,
            is_live=self.fulfilment.is_live,
            created_at=now,
            checkout_expires_at=now + CHECKOUT_SECONDS,
            success_url=self._return_url(body.success_url, "success_url", paid),
            cancel_url=self._return_url(body.cancel_url, "cancel_url", cancelled),
            body_hash=body_hash,
        )

    def _return_url(self, url: str | None, field: str, default: str) -> str:
        """Where the buyer returns to: a page of an allowed origin, so that no buyer is led to another site."""
        if url is None:
            return default
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise InvalidRequestError(
                "This is not a valid URL. Send one such as https://example.com/paid.", field
            ) from error
        is_allowed = f"{parts.scheme}://{parts.netloc}" in self.return_origins and "\\" not in url
        if not is_allowed or parts.scheme not in ("http", "https"):  # The payment system accepts no other scheme.
            raise InvalidRequestError("Use an http or https URL of an origin that this service allows.", field)
        return url

    def _open_checkout(self, purchase: Purchase) -> Purchase:
        """The purchase with its checkout. A repeated call completes one that was interrupted."""
        has_ended = purchase.facts.payment >= PaymentState.EXPIRED
        if has_ended or self.now() > purchase.created_at + RESUMABLE_SECONDS:
            raise ConflictError("This purchase failed or expired. Start a new one.", "purchase_ended")
        unused = Balance()  # Neither an open checkout nor a failed one changes the balance.
        try:
            session = self.fulfilment.gateway.open_checkout(purchase)
        except ProviderRefusedError:
            self.fulfilment.record_payment_fact(purchase, unused, PaymentState.FAILED)
            raise
        return self.fulfilment.record_payment_fact(purchase, unused, PaymentState.OPEN, session)

    # Looking at purchases

    def page(self, caller: Caller, limit: int, cursor: str | None) -> contract.PurchasePage:
        """One page, newest first. Raises InvalidRequestError for an invalid cursor."""
        after = self.cursors.decode(POINTER, cursor, caller.user_id)
        self.ledger.admit(caller)
        purchases, last = list_purchases(self.tables, caller.user_id, limit, after)
        next_cursor = self.cursors.encode(POINTER, last, caller.user_id)
        return contract.PurchasePage(purchases=list(map(purchase_item, purchases)), next_cursor=next_cursor)

    def get(self, caller: Caller, purchase_id: str) -> contract.PurchaseItem:
        """One purchase. Raises NotFoundError, also for one of another buyer."""
        _, (item,) = self.ledger.admit(caller, extra_keys=[purchase_key(purchase_id)])
        purchase = purchase_from(item) if item else None
        if purchase is None or purchase.user_id != caller.user_id:
            raise NotFoundError("There is no purchase with this id.")
        return purchase_item(purchase)

    # Events of payments

    def receive(self, raw: bytes, signature: str) -> contract.StripeWebhookResult:
        """Process an event of the payment system. Raises InvalidSignatureError, UnavailableError.

        Events may arrive in any order, any number of times and concurrently. An event that does not concern this
        service is ignored with a reason, and one that should not exist also triggers an alarm; neither moves a credit.
        """
        if not self.is_on:
            raise UnavailableError("Payments are not configured on this server.", retry_after_seconds=OFF_RETRY_SECONDS)
        return self.fulfilment.process_event(self.fulfilment.gateway.verify_event(raw, signature))


def _checkout(purchase: Purchase) -> contract.Checkout:
    return contract.Checkout(
        purchase_id=purchase.purchase_id,
        checkout_url=purchase.checkout_url,
        checkout_session_id=purchase.checkout_session_id,
        expires_at=rfc3339(purchase.checkout_expires_at),
        credits=purchase.credits,
        cents=purchase.cents,
        currency=purchase.currency,
    )
