"""What is learned of payments, by webhook or by asking, run through the books.

In any order and however often: what is told is put beside what is known, and booked in one write (sales.py says what it
is worth). Nothing an event says decides what is sold: that stands in the purchase.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec.structs import replace

from .. import contract
from ..errors import ProviderError, UnavailableError
from ..logs.request_log import request_log
from ..models.ledger import Balance
from ..models.purchases import CheckoutSession, PaymentNews, Purchase
from ..repositories.ledger_items import balance_key, balance_of
from ..repositories.purchases import booking, changed, payment_key, purchase, purchase_key
from ..repositories.table import Tables, WriteRefusedError
from .purchase_state import Fact, Payment, RefundFact, after, moves

TRIES = 24
RESUMABLE_SECONDS = 23 * 3_600  # the payment system forgets an idempotency key after a day
# Money or a claim that is not as it should be: nothing is booked, and somebody has to look.
ALARMING = {
    "unknown purchase",
    "another user",
    "another mode",
    "another stage",
    "another amount",
    "another currency",
    "another payment",
}


class Gateway(Protocol):
    """The payment system. Each call raises ProviderError; providers/stripe_gateway.py says more."""

    def open(self, wanted: Purchase) -> CheckoutSession: ...

    def session(self, session_id: str) -> CheckoutSession: ...

    def session_of(self, payment_id: str) -> CheckoutSession | None: ...

    def verified_event(self, raw: bytes, signature: str) -> Any: ...

    def news(self, event: Any) -> CheckoutSession | PaymentNews | None: ...

    def undelivered(self, since: int, after: str) -> Any: ...


class IgnoredError(Exception):
    """News that books nothing, and why."""


@dataclass(frozen=True)
class Fulfilment:
    """Books what payments turn out to be. `stage` and `is_live` say which payments are ours."""

    tables: Tables
    gateway: Gateway
    stage: str
    is_live: bool
    now: Callable[[], int]  # epoch seconds, UTC

    def received(self, event: Any) -> contract.StripeWebhookResult:
        """What became of a verified event. Raises UnavailableError: let it come again."""
        try:
            self._apply(self.gateway.news(event), event.livemode)
        except IgnoredError as ignored:
            reason = str(ignored)
            request_log().notes["payment_event"] = f"{event.type}: {reason}"
            if reason in ALARMING:
                request_log().notes["payment_alarm"] = reason
            return contract.StripeWebhookResult(received=True, outcome="ignored", reason=reason)
        except ProviderError as error:
            raise UnavailableError("The payment service could not be asked.") from error
        return contract.StripeWebhookResult(received=True, outcome="applied")

    def _apply(self, news: CheckoutSession | PaymentNews | None, is_live: bool) -> None:
        if news is not None and is_live != self.is_live:
            raise IgnoredError("another mode")
        match news:
            case None:
                raise IgnoredError("nothing about a payment")
            case CheckoutSession():
                self.session_told(news)
            case PaymentNews():
                self._payment_told(news)

    def session_told(self, session: CheckoutSession) -> Purchase:
        """The purchase once its checkout is known to stand so. Raises IgnoredError, UnavailableError."""
        if not session.purchase_id:
            raise IgnoredError("not of this service")
        if session.stage != self.stage:
            raise IgnoredError("another stage")
        known, balance = self.seen(session.purchase_id, session.user_id)
        if session.user_id != known.user_id:
            raise IgnoredError("another user")
        if session.is_live != known.is_live or session.is_live != self.is_live:
            raise IgnoredError("another mode")
        if session.currency != known.currency:
            raise IgnoredError("another currency")
        if session.cents != known.cents:
            raise IgnoredError("another amount")
        if known.checkout_session_id not in ("", session.session_id) and session.payment is not Payment.PAID:
            # Of a checkout that nobody was shown: its answer was lost, and another one was made.
            raise IgnoredError("another checkout")
        return self.told(known, balance, session.payment, session)

    def _payment_told(self, news: PaymentNews) -> None:
        pointer = self.tables.get(payment_key(news.payment_id))
        if pointer is None:
            # The event came before the one that names the payment, which tells the rest too; or it is none of ours.
            session = self.gateway.session_of(news.payment_id)
            if session is None:
                raise IgnoredError("not of this service")
            self.session_told(session)
            known, balance = self.seen(session.purchase_id, session.user_id)
        else:
            known, balance = self.seen(pointer["purchase_id"], pointer["user_id"])
        if known.payment_id not in ("", news.payment_id):  # Of two that paid for one purchase, the one to be refunded.
            raise IgnoredError("another payment")
        if news.is_live != known.is_live:
            raise IgnoredError("another mode")
        if news.currency != known.currency:
            raise IgnoredError("another currency")
        if isinstance(news.fact, RefundFact) and news.cents > known.cents:
            raise IgnoredError("another amount")
        self.told(known, balance, news.fact)

    def told(self, known: Purchase, balance: Balance, fact: Fact, session: CheckoutSession | None = None) -> Purchase:
        """The purchase once this is known of it and the ledger agrees: one write, or none where all is said already.

        `known` and `balance` are as they were read a moment ago; they are read again where something came between.
        Raises IgnoredError, UnavailableError.
        """
        for _ in range(TRIES):
            if session and _is_second_payment(known, session):
                raise IgnoredError("another payment")
            facts = known.facts.learned(fact)
            due = moves(facts, known.booked, known.credits, known.cents, balance.available)
            learned = replace(known, facts=facts, booked=after(known.booked, due))
            if session and session.payment is not Payment.EXPIRED:  # Nobody can pay at that one any more.
                paid_by = session.payment_id if session.payment is Payment.PAID else ""
                learned = replace(
                    learned,
                    checkout_session_id=known.checkout_session_id or session.session_id,
                    checkout_url=known.checkout_url or session.url,
                    payment_id=paid_by or known.payment_id or session.payment_id,
                )
            if learned == known:
                return known
            books = [] if due.is_nothing else booking(known, due, balance, self.now())
            try:
                self.tables.transact([*changed(known, learned), *books])
            except WriteRefusedError:  # Something else was learned, or credits were spent that a dispute was to hold.
                known, balance = self.seen(known.purchase_id, known.user_id)
                continue
            request_log().notes["purchase"] = {"granted": due.granted, "taken": due.taken}
            if due.granted and balance.deleted:  # Nobody can use what was paid for: it is to be refunded by hand.
                request_log().notes["payment_alarm"] = "deleted account"
            return learned
        raise UnavailableError("The account is busy with other requests.")

    def seen(self, purchase_id: str, user_id: str) -> tuple[Purchase, Balance]:
        """The purchase and its buyer's balance, in one read. Raises IgnoredError."""
        item, balance = self.tables.get_many([purchase_key(purchase_id), balance_key(user_id)])
        if item is None:
            raise IgnoredError("unknown purchase")
        return purchase(item), balance_of(balance)


def _is_second_payment(known: Purchase, session: CheckoutSession) -> bool:
    """Whether somebody paid for one purchase twice, at two checkouts: the second is to be refunded by hand."""
    is_paid_twice = known.facts.payment is session.payment is Payment.PAID
    return is_paid_twice and session.payment_id not in ("", known.payment_id)
