"""Selling credits: the packages, a checkout for one, and what comes of its payment.

The purchase is written before the payment system is asked, under an id that is also the idempotency key there. What is
learned of a payment, by webhook or by asking, in any order and however often, is put beside what is known and booked in
one write (sales.py says what it is worth). Nothing a client or an event says decides what is sold: that stands in the
purchase.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import urlsplit

from . import contract
from .errors import (
    ConflictError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    ProviderRefusedError,
    UnavailableError,
)
from .models import Balance, Caller, CheckoutSession, PaymentNews, Purchase
from .pricing import Prices
from .repositories.ledger import Ledger
from .repositories.ledger_items import balance_key, balance_of
from .repositories.purchases import (
    booking,
    changed,
    created,
    open_purchases,
    payment_key,
    purchase,
    purchase_key,
)
from .repositories.table import Tables, WriteRefusedError
from .sales import Fact, Payment, RefundFact, after, moves
from .telemetry import tally
from .times import rfc3339

CURRENCY = "usd"
TRIES = 24
CHECKOUT_SECONDS = 3_600
RESUMABLE_SECONDS = 23 * 3_600  # the payment system forgets an idempotency key after a day
ASKED_AFTER_SECONDS = 900
STUCK_AFTER_SECONDS = 3 * 86_400
UNDELIVERED_SECONDS = 29 * 86_400  # the payment system keeps events for 30 days
RECONCILED_EVERY_SECONDS = 300
LISTED_AT_ONCE, ASKED_AT_ONCE = 1_000, 50
OFF_RETRY_SECONDS = 3_600
# Money or a claim that is not as it should be: nothing is booked, and somebody has to look.
ALARMING = {"unknown purchase", "another user", "another mode", "another stage", "another amount", "another currency"}


class Gateway(Protocol):
    """The payment system. Each call raises ProviderError; providers/stripe_gateway.py says more."""

    def open(self, wanted: Purchase) -> CheckoutSession: ...

    def session(self, session_id: str) -> CheckoutSession: ...

    def session_of(self, payment_id: str) -> CheckoutSession | None: ...

    def verified_event(self, raw: bytes, signature: str) -> Any: ...

    def news(self, event: Any) -> CheckoutSession | PaymentNews | None: ...

    def undelivered(self, since: int) -> Any: ...


class IgnoredError(Exception):
    """News that books nothing, and why."""


@dataclass(frozen=True)
class Purchases:
    """Sells credits, if it `is_on`. `stage` and `is_live` say which payments are ours."""

    ledger: Ledger
    tables: Tables
    prices: Prices
    gateway: Gateway
    stage: str
    is_live: bool
    is_on: bool
    return_origins: frozenset[str]
    success_url: str
    cancel_url: str
    now: Callable[[], int]  # epoch seconds, UTC

    def packages(self) -> contract.Packages:
        """What may be bought, cheapest first."""
        sold = sorted(self.prices.packages.items(), key=lambda one: one[1].cents)
        return contract.Packages(
            [contract.PackageOut(name, one.credits, one.cents, CURRENCY) for name, one in sold], self.prices.version
        )

    # Buying

    def buy(self, caller: Caller, wish: contract.Buy, purchase_id: str, body_hash: str) -> contract.Checkout:
        """A checkout for a package. The same `purchase_id` again: the same checkout, if the body is the same.

        Raises InvalidRequestError (package, addresses), IdempotencyMismatchError, ConflictError (a purchase of
        yesterday), ProviderError (nothing is bought: ask again with the same key).
        """
        if not self.is_on:
            raise UnavailableError("Credits cannot be bought here.", retry_after_seconds=OFF_RETRY_SECONDS)
        new = self._new(caller, wish, purchase_id, body_hash)
        _, (item,) = self.ledger.admit(caller, also=[purchase_key(purchase_id)])
        wanted = purchase(item) if item else None
        if wanted is None:
            try:
                self.tables.transact(created(new))
                wanted = new
            except WriteRefusedError as refusal:  # The same wish came at this moment.
                raise ConflictError("This purchase is being made: ask again.", retry_after_seconds=1) from refusal
        if wanted.user_id != caller.user_id:  # An id is made of its user: this cannot be met by honest means.
            raise NotFoundError("There is no such purchase.")
        if wanted.body_hash != body_hash:
            raise IdempotencyMismatchError("This Idempotency-Key came before with another body.")
        if not wanted.checkout_session_id:
            wanted = self._opened(wanted)
        return _checkout(wanted)

    def _new(self, caller: Caller, wish: contract.Buy, purchase_id: str, body_hash: str) -> Purchase:
        package = self.prices.packages.get(wish.package_id)
        if package is None:
            raise InvalidRequestError(f"There is no such package: {', '.join(self.prices.packages)}.", "package_id")
        now = self.now()
        return Purchase(
            purchase_id=purchase_id,
            user_id=caller.user_id,
            package_id=wish.package_id,
            credits=package.credits,
            cents=package.cents,
            currency=CURRENCY,
            price_version=self.prices.version,
            is_live=self.is_live,
            created_at=now,
            checkout_expires_at=now + CHECKOUT_SECONDS,
            success_url=self._return_url(wish.success_url, "success_url", self.success_url),
            cancel_url=self._return_url(wish.cancel_url, "cancel_url", self.cancel_url),
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
            raise ConflictError("This purchase came to nothing: start a new one.")
        nothing = Balance()  # An open checkout and a failed one book nothing, so no balance plays a part.
        try:
            session = self.gateway.open(wanted)
        except ProviderRefusedError:
            self._told(wanted, nothing, Payment.FAILED)
            raise
        return self._told(wanted, nothing, Payment.OPEN, session)

    # What is learned of payments

    def receive(self, raw: bytes, signature: str) -> contract.Received:
        """An event of the payment system, run through the books. Raises InvalidSignatureError, UnavailableError.

        Safe to hear in any order, any number of times and at once. What is none of our business is answered with a
        reason, and what should not be rings the alarm; neither moves a credit.
        """
        if not self.is_on:
            raise UnavailableError("Payments are not set up here.", retry_after_seconds=OFF_RETRY_SECONDS)
        return self._received(self.gateway.verified_event(raw, signature))

    def _received(self, event: Any) -> contract.Received:
        try:
            self._apply(self.gateway.news(event))
        except IgnoredError as ignored:
            reason = str(ignored)
            tally().notes["payment_event"] = f"{event.type}: {reason}"
            if reason in ALARMING:
                tally().notes["payment_alarm"] = reason
            return contract.Received(True, "ignored", reason)
        except ProviderError as error:
            raise UnavailableError("The payment service could not be asked.") from error
        return contract.Received(True, "applied")

    def _apply(self, news: CheckoutSession | PaymentNews | None) -> None:
        match news:
            case None:
                raise IgnoredError("nothing about a payment")
            case CheckoutSession():
                self._session_told(news)
            case PaymentNews():
                self._payment_told(news)

    def _session_told(self, session: CheckoutSession) -> Purchase:
        if not session.purchase_id:
            raise IgnoredError("not of this service")
        if session.stage != self.stage:
            raise IgnoredError("another stage")
        known, balance = self._seen(session.purchase_id, session.user_id)
        if session.user_id != known.user_id:
            raise IgnoredError("another user")
        if session.is_live != known.is_live or session.is_live != self.is_live:
            raise IgnoredError("another mode")
        if session.currency != known.currency:
            raise IgnoredError("another currency")
        if session.cents != known.cents:
            raise IgnoredError("another amount")
        return self._told(known, balance, session.payment, session)

    def _payment_told(self, news: PaymentNews) -> None:
        pointer = self.tables.get(payment_key(news.payment_id))
        if pointer is None:
            # The event came before the one that names the payment, which tells the rest too; or it is none of ours.
            session = self.gateway.session_of(news.payment_id)
            if session is None:
                raise IgnoredError("not of this service")
            self._session_told(session)
            known, balance = self._seen(session.purchase_id, session.user_id)
        else:
            known, balance = self._seen(pointer["purchase_id"], pointer["user_id"])
        if news.is_live != known.is_live:
            raise IgnoredError("another mode")
        if news.currency != known.currency:
            raise IgnoredError("another currency")
        if isinstance(news.fact, RefundFact) and news.cents > known.cents:
            raise IgnoredError("another amount")
        self._told(known, balance, news.fact)

    def _told(self, known: Purchase, balance: Balance, fact: Fact, session: CheckoutSession | None = None) -> Purchase:
        """The purchase once this is known of it and the ledger agrees: one write, or none where all is said already.

        `known` and `balance` are as they were read a moment ago; they are read again where something came between.
        """
        for _ in range(TRIES):
            facts = known.facts.learned(fact)
            due = moves(facts, known.booked, known.credits, known.cents, balance.available)
            learned = replace(known, facts=facts, booked=after(known.booked, due))
            if session:
                learned = replace(
                    learned,
                    checkout_session_id=known.checkout_session_id or session.session_id,
                    checkout_url=known.checkout_url or session.url,
                    payment_id=known.payment_id or session.payment_id,
                )
            if learned == known:
                return known
            books = [] if due.is_nothing else booking(known, due, balance, self.now())
            try:
                self.tables.transact([*changed(known, learned), *books])
            except WriteRefusedError:  # Something else was learned, or credits were spent that a dispute was to hold.
                known, balance = self._seen(known.purchase_id, known.user_id)
                continue
            tally().notes["purchase"] = {"granted": due.granted, "taken": due.taken}
            return learned
        raise UnavailableError("The account is busy with other requests.")

    def _seen(self, purchase_id: str, user_id: str) -> tuple[Purchase, Balance]:
        """The purchase and its buyer's balance, in one read. Raises IgnoredError."""
        item, balance = self.tables.get_many([purchase_key(purchase_id), balance_key(user_id)])
        if item is None:
            raise IgnoredError("unknown purchase")
        return purchase(item), balance_of(balance)

    # Reconciling

    def reconcile(self) -> tuple[dict[str, int], list[Exception]]:
        """Ask about purchases that have been open too long, and about events that did not reach us.

        Runs what it learns through the same books. What is still not right after days rings the alarm. Answers with
        figures and with what failed, none of which kept the rest from being done.
        """
        figures = {"purchases_asked": 0, "purchases_stuck": 0, "events_applied": 0, "payment_alarms": 0}
        failures: list[Exception] = []
        if not self.is_on:
            return figures, failures
        for purchase_id in self._due():
            try:
                figures["purchases_asked"] += 1
                figures["purchases_stuck"] += self._asked(purchase_id)
            except Exception as failure:  # noqa: BLE001 - one purchase that cannot be told must not keep the others
                failures.append(failure)
        try:
            for event in self.gateway.undelivered(self.now() - UNDELIVERED_SECONDS):
                try:
                    heard = self._received(event)
                except Exception as failure:  # noqa: BLE001 - nor one event
                    failures.append(failure)
                    continue
                figures["events_applied"] += heard.outcome == "applied"
                figures["payment_alarms"] += heard.reason in ALARMING
        except ProviderError as failure:
            failures.append(failure)
        return figures, failures

    def _due(self) -> list[str]:
        """Whom to ask about this time: all in turn, so that many that stay open keep no other from it."""
        found = open_purchases(self.tables, self.now() - ASKED_AFTER_SECONDS, LISTED_AT_ONCE)
        first = self.now() // RECONCILED_EVERY_SECONDS * ASKED_AT_ONCE % max(1, len(found))
        return (found[first:] + found[:first])[:ASKED_AT_ONCE]

    def _asked(self, purchase_id: str) -> bool:
        """Learn how a purchase stands; whether it is stuck all the same."""
        item = self.tables.get(purchase_key(purchase_id))
        if item is None:
            return False
        known = purchase(item)
        if known.checkout_session_id:
            session = self.gateway.session(known.checkout_session_id)
        elif self.now() <= known.created_at + RESUMABLE_SECONDS:
            try:
                session = self.gateway.open(known)  # The same idempotency key: what was made, if it was, or a new one.
            except ProviderRefusedError:
                self._told(known, Balance(), Payment.FAILED)
                return False
        else:
            self._told(known, Balance(), Payment.EXPIRED)
            return False
        is_open = self._session_told(session).facts.payment < Payment.EXPIRED
        return is_open and self.now() > known.created_at + STUCK_AFTER_SECONDS


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
