"""Selling credits: the packages, a checkout for one, and the events of its payment.

The purchase is written before the payment system is asked, under an id that is also the idempotency key there. Nothing
a client says decides what is sold: that stands in the purchase.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from .. import contract
from ..dates import rfc3339
from ..errors import (
    ConflictError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
    ProviderRefusedError,
    UnavailableError,
)
from ..models.accounts import Caller
from ..models.ledger import Balance
from ..models.purchases import Purchase
from ..pricing.price_files import Prices
from ..repositories.ledger import Ledger
from ..repositories.purchases import created, purchase, purchase_key
from ..repositories.table import Tables, WriteRefusedError
from .fulfilment import RESUMABLE_SECONDS, Fulfilment
from .purchase_state import Payment

CURRENCY = "usd"
CHECKOUT_SECONDS = 3_600
OFF_RETRY_SECONDS = 3_600


@dataclass(frozen=True)
class Purchases:
    """Sells credits, if it `is_on`."""

    ledger: Ledger
    tables: Tables
    prices: Prices
    fulfilment: Fulfilment
    is_on: bool
    return_origins: frozenset[str]
    success_url: str
    cancel_url: str
    now: Callable[[], int]  # epoch seconds, UTC

    def packages(self) -> contract.Packages:
        """What may be bought, cheapest first."""
        sold = sorted(self.prices.packages.items(), key=lambda one: one[1].cents)
        return contract.Packages(
            packages=[
                contract.CreditPackage(id=name, credits=one.credits, cents=one.cents, currency=CURRENCY)
                for name, one in sold
            ],
            price_version=self.prices.version,
        )

    # Buying

    def buy(self, caller: Caller, body: contract.Buy, purchase_id: str, body_hash: str) -> contract.Checkout:
        """A checkout for a package. The same `purchase_id` again: the same checkout, if the body is the same.

        Raises InvalidRequestError (package, addresses), IdempotencyMismatchError, ConflictError (a purchase of
        yesterday), ProviderError (nothing is bought: ask again with the same key).
        """
        if not self.is_on:
            raise UnavailableError("Credits cannot be bought here.", retry_after_seconds=OFF_RETRY_SECONDS)
        new = self._new(caller, body, purchase_id, body_hash)
        _, (item,) = self.ledger.admit(caller, extra_keys=[purchase_key(purchase_id)])
        wanted = purchase(item) if item else None
        if wanted is None:
            try:
                self.tables.transact(created(new))
                wanted = new
            except WriteRefusedError as refusal:  # The same wish came at this moment.
                raise ConflictError(
                    "This purchase is being made. Retry the request.", "still_running", retry_after_seconds=1
                ) from refusal
        if wanted.user_id != caller.user_id:  # An id is made of its user: this cannot be met by honest means.
            raise NotFoundError("There is no such purchase.")
        if wanted.body_hash != body_hash:
            raise IdempotencyMismatchError("This Idempotency-Key came before with another body.")
        if not wanted.checkout_session_id:
            wanted = self._opened(wanted)
        return _checkout(wanted)

    def _new(self, caller: Caller, body: contract.Buy, purchase_id: str, body_hash: str) -> Purchase:
        package = self.prices.packages.get(body.package_id)
        if package is None:
            raise InvalidRequestError(f"There is no such package: {', '.join(self.prices.packages)}.", "package_id")
        now = self.now()
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
            success_url=self._return_url(body.success_url, "success_url", self.success_url),
            cancel_url=self._return_url(body.cancel_url, "cancel_url", self.cancel_url),
            body_hash=body_hash,
        )

    def _return_url(self, given: str | None, field: str, usual: str) -> str:
        """Where the buyer comes back to: a web page of ours, so that nobody is led elsewhere."""
        if given is None:
            return usual
        try:
            parts = urlsplit(given)
        except ValueError as error:
            raise InvalidRequestError("This is not an address.", field) from error
        is_ours = f"{parts.scheme}://{parts.netloc}" in self.return_origins and "\\" not in given
        if not is_ours or parts.scheme not in ("http", "https"):  # The payment system leads to no other.
            raise InvalidRequestError("Buyers come back to http(s) pages of this service only.", field)
        return given

    def _opened(self, wanted: Purchase) -> Purchase:
        """The purchase with its checkout; a crash before this is made good by the same call again."""
        if wanted.facts.payment >= Payment.EXPIRED or self.now() > wanted.created_at + RESUMABLE_SECONDS:
            raise ConflictError("This purchase failed or expired. Start a new one.", "purchase_ended")
        nothing = Balance()  # An open checkout and a failed one book nothing, so no balance plays a part.
        try:
            session = self.fulfilment.gateway.open(wanted)
        except ProviderRefusedError:
            self.fulfilment.told(wanted, nothing, Payment.FAILED)
            raise
        return self.fulfilment.told(wanted, nothing, Payment.OPEN, session)

    # What is learned of payments

    def receive(self, raw: bytes, signature: str) -> contract.StripeWebhookResult:
        """An event of the payment system, run through the books. Raises InvalidSignatureError, UnavailableError.

        Safe to hear in any order, any number of times and at once. What is none of our business is answered with a
        reason, and what should not be rings the alarm; neither moves a credit.
        """
        if not self.is_on:
            raise UnavailableError("Payments are not set up here.", retry_after_seconds=OFF_RETRY_SECONDS)
        return self.fulfilment.received(self.fulfilment.gateway.verified_event(raw, signature))


def _checkout(wanted: Purchase) -> contract.Checkout:
    return contract.Checkout(
        purchase_id=wanted.purchase_id,
        checkout_url=wanted.checkout_url,
        checkout_session_id=wanted.checkout_session_id,
        expires_at=rfc3339(wanted.checkout_expires_at),
        credits=wanted.credits,
        cents=wanted.cents,
        currency=wanted.currency,
    )
