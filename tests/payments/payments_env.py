"""A stand-in for the payment system, and the selling of credits put together on the tables of a backend."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from chalicelib import contract
from chalicelib.errors import InvalidSignatureError
from chalicelib.models.accounts import Caller
from chalicelib.models.purchases import CheckoutSession, PaymentNews, Purchase
from chalicelib.payments.checkout import Purchases
from chalicelib.payments.fulfilment import Fulfilment
from chalicelib.payments.purchase_state import (
    Dispute,
    DisputeFact,
    DisputeState,
    Fact,
    Payment,
    Refund,
    RefundFact,
    RefundState,
)
from chalicelib.payments.reconciliation import Reconciler
from chalicelib.pricing import price_files
from chalicelib.repositories.purchases import purchase, purchase_key
from tests.fakes import Backend

News = CheckoutSession | PaymentNews | None
STAGE = "local"
RETURN = "https://extension.example"


@dataclass(frozen=True)
class FakeEvent:
    type: str
    news: News
    id: str = ""
    livemode: bool = False


@dataclass
class FakePayments:
    """Opens each purchase's checkout once; payments, refunds and disputes are as a test says.

    `script`: what the next calls do first: an error to raise, or something to run.
    `undelivered_events`: what no webhook brought.
    """

    sessions: dict[str, CheckoutSession] = field(default_factory=dict)
    opens: list[str] = field(default_factory=list)
    events: dict[bytes, FakeEvent] = field(default_factory=dict)
    undelivered_events: list[FakeEvent] = field(default_factory=list)
    script: list[Exception | Callable[[], None]] = field(default_factory=list)

    def open(self, wanted: Purchase) -> CheckoutSession:
        self._next()
        self.opens.append(wanted.purchase_id)
        made = CheckoutSession(
            session_id=f"cs_{wanted.purchase_id}",
            url=f"https://pay.example/{wanted.purchase_id}",
            payment=Payment.OPEN,
            payment_id="",
            cents=wanted.cents,
            currency=wanted.currency,
            is_live=wanted.is_live,
            purchase_id=wanted.purchase_id,
            user_id=wanted.user_id,
            stage=STAGE,
        )
        return self.sessions.setdefault(made.session_id, made)

    def session(self, session_id: str) -> CheckoutSession:
        self._next()
        return self.sessions[session_id]

    def session_of(self, payment_id: str) -> CheckoutSession | None:
        self._next()
        return next((one for one in self.sessions.values() if one.payment_id == payment_id), None)

    def verified_event(self, raw: bytes, signature: str) -> FakeEvent:
        if signature != "good":
            raise InvalidSignatureError("This is not a signed event.")
        return self.events[raw]

    def news(self, event: FakeEvent) -> News:
        return event.news

    def undelivered(self, since: int, after: str = "") -> Iterator[FakeEvent]:
        self._next()
        ids = [event.id for event in self.undelivered_events]
        yield from self.undelivered_events[ids.index(after) + 1 if after else 0 :]

    # What happens there

    def moved(self, purchase_id: str, payment: Payment) -> CheckoutSession:
        """The checkout as it is once its payment got there; a paid one is never anything else again."""
        there = self.sessions[f"cs_{purchase_id}"]
        moved = replace(there, payment=payment, payment_id=f"pi_{purchase_id}")
        if there.payment is not Payment.PAID:
            self.sessions[there.session_id] = moved
        return moved

    def news_of(self, one: Purchase, fact: Fact) -> News:
        if isinstance(fact, Payment):
            return self.moved(one.purchase_id, fact)
        cents = fact.refund.cents if isinstance(fact, RefundFact) else fact.dispute.cents
        return PaymentNews(fact, f"pi_{one.purchase_id}", cents, one.currency, one.is_live)

    def _next(self) -> None:
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, Exception):
                raise step
            step()


@dataclass(frozen=True)
class PaymentsEnv:
    """The selling of credits, on a backend."""

    backend: Backend
    payments: FakePayments = field(default_factory=FakePayments)

    @property
    def purchases(self) -> Purchases:
        return Purchases(
            ledger=self.backend.ledger,
            tables=self.backend.tables,
            prices=price_files.load("2026-11"),
            fulfilment=self.fulfilment,
            is_on=True,
            return_origins=frozenset({RETURN}),
            success_url=f"{RETURN}/paid",
            cancel_url=f"{RETURN}/cancelled",
            now=self.backend.clock,
        )

    @property
    def fulfilment(self) -> Fulfilment:
        return Fulfilment(self.backend.tables, self.payments, STAGE, is_live=False, now=self.backend.clock)

    @property
    def reconciler(self) -> Reconciler:
        return Reconciler(self.fulfilment, self.backend.tables, is_on=True, now=self.backend.clock)

    def buy(self, caller: Caller, package: str = "popular", purchase_id: str | None = None, **more: str) -> str:
        """A purchase with its checkout; its id."""
        purchase_id = purchase_id or str(uuid.uuid4())
        self.purchases.buy(caller, contract.Buy(package_id=package, **more), purchase_id, "hash")
        return purchase_id

    def purchase(self, purchase_id: str) -> Purchase:
        return purchase(self.backend.tables.get(purchase_key(purchase_id)) or {})

    def hears(self, purchase_id: str, fact: Fact, event_id: str = "") -> contract.StripeWebhookResult:
        """An event about the purchase, under any id."""
        return self.hears_news(self.payments.news_of(self.purchase(purchase_id), fact), event_id)

    def hears_news(self, news: News, event_id: str = "", livemode: bool = False) -> contract.StripeWebhookResult:
        raw = (event_id or str(uuid.uuid4())).encode()
        self.payments.events[raw] = FakeEvent("an.event", news, livemode=livemode)
        return self.purchases.receive(raw, "good")


def refund(name: str, cents: int, state: RefundState = RefundState.SUCCEEDED) -> RefundFact:
    return RefundFact(name, Refund(state, cents))


def dispute(name: str, state: DisputeState, cents: int) -> DisputeFact:
    return DisputeFact(name, Dispute(state, cents))


def credits(payments_env: PaymentsEnv, caller: Caller) -> tuple[int, int]:
    """Available and held; the books add up."""
    payments_env.backend.check_books(caller.user_id)
    balance = payments_env.backend.ledger.balance(caller.user_id)
    return balance.available, balance.held


def reconciled(payments_env: PaymentsEnv) -> dict[str, int]:
    """The figures of a run in which nothing failed."""
    figures, failures = payments_env.reconciler.reconcile()
    assert failures == []
    return figures
