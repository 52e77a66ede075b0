"""A stand-in for the payment system, and the payment use cases on the tables of a backend."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from chalicelib import contract
from chalicelib.errors import InvalidSignatureError, ProviderRefusedError
from chalicelib.ids import ulid
from chalicelib.models.accounts import Caller
from chalicelib.models.purchase_facts import (
    Dispute,
    DisputeFact,
    DisputeState,
    PaymentFact,
    PaymentState,
    Refund,
    RefundFact,
    RefundState,
)
from chalicelib.models.purchases import CheckoutSession, PaymentUpdate, Purchase
from chalicelib.payments.administration import PurchaseAdministration
from chalicelib.payments.checkout import Purchases
from chalicelib.payments.fulfilment import Fulfilment
from chalicelib.payments.reconciliation import Reconciler
from chalicelib.repositories.purchases import purchase_from, purchase_key
from tests.default_prices import POPULAR, PRICES
from tests.fakes import CURSORS, Backend

Update = CheckoutSession | PaymentUpdate | None
STAGE = "local"
RETURN = "https://extension.example"
# The package that tests buy, and a refund of a third of it.
CREDITS, CENTS = POPULAR.credits, POPULAR.cents
THIRD_CENTS = CENTS // 3
THIRD_CREDITS = CREDITS * THIRD_CENTS // CENTS


@dataclass(frozen=True)
class FakeEvent:
    type: str
    payment_update: Update
    id: str = ""
    livemode: bool = False


@dataclass
class FakePayments:
    """Opens one checkout for each purchase; payments, refunds and disputes are as a test sets them.

    `script`: what the next calls do first: an error to raise, or a function to run.
    `undelivered_events`: those that no webhook delivered.
    """

    sessions: dict[str, CheckoutSession] = field(default_factory=dict)
    opens: list[str] = field(default_factory=list)
    events: dict[bytes, FakeEvent] = field(default_factory=dict)
    undelivered_events: list[FakeEvent] = field(default_factory=list)
    script: list[Exception | Callable[[], None]] = field(default_factory=list)
    refunds: dict[str, tuple[str, RefundFact]] = field(default_factory=dict)  # by key: the payment and its refund

    def open_checkout(self, purchase: Purchase) -> CheckoutSession:
        self._next()
        self.opens.append(purchase.purchase_id)
        session = CheckoutSession(
            session_id=f"cs_{purchase.purchase_id}",
            url=f"https://pay.example/{purchase.purchase_id}",
            payment=PaymentState.OPEN,
            payment_id="",
            cents=purchase.cents,
            currency=purchase.currency,
            is_live=purchase.is_live,
            purchase_id=purchase.purchase_id,
            user_id=purchase.user_id,
            stage=STAGE,
        )
        return self.sessions.setdefault(session.session_id, session)

    def get_checkout(self, session_id: str) -> CheckoutSession:
        self._next()
        return self.sessions[session_id]

    def find_checkout(self, payment_id: str) -> CheckoutSession | None:
        self._next()
        return next((session for session in self.sessions.values() if session.payment_id == payment_id), None)

    def refund(self, purchase: Purchase, cents: int, refund_key: str) -> RefundFact:
        """One refund for a key; never more than the payment in all."""
        self._next()
        if refund_key not in self.refunds:
            returned = sum(
                fact.refund.cents for payment, fact in self.refunds.values() if payment == purchase.payment_id
            )
            if returned + cents > purchase.cents:
                raise ProviderRefusedError(
                    "The payment service rejected the request. Start a new one, or contact support."
                )
            fact = refund(f"re_{len(self.refunds)}", cents)
            self.refunds[refund_key] = (purchase.payment_id, fact)
        return self.refunds[refund_key][1]

    def verify_event(self, raw: bytes, signature: str) -> FakeEvent:
        if signature != "good":
            raise InvalidSignatureError("This is not an event that the payment service signed.")
        return self.events[raw]

    def payment_update(self, event: FakeEvent) -> Update:
        return event.payment_update

    def list_undelivered_events(self, since: int, after: str = "") -> Iterator[FakeEvent]:
        self._next()
        ids = [event.id for event in self.undelivered_events]
        yield from self.undelivered_events[ids.index(after) + 1 if after else 0 :]

    # What happens at the payment system

    def set_payment(self, purchase_id: str, payment: PaymentState) -> CheckoutSession:
        """The checkout with its payment in this state; one that was paid stays paid."""
        current = self.sessions[f"cs_{purchase_id}"]
        updated = replace(current, payment=payment, payment_id=f"pi_{purchase_id}")
        if current.payment is not PaymentState.PAID:
            self.sessions[current.session_id] = updated
        return updated

    def make_update(self, purchase: Purchase, fact: PaymentFact) -> Update:
        if isinstance(fact, PaymentState):
            return self.set_payment(purchase.purchase_id, fact)
        cents = fact.refund.cents if isinstance(fact, RefundFact) else fact.dispute.cents
        return PaymentUpdate(fact, f"pi_{purchase.purchase_id}", cents, purchase.currency, purchase.is_live)

    def _next(self) -> None:
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, Exception):
                raise step
            step()


@dataclass(frozen=True)
class PaymentsEnv:
    """The payment use cases on a backend."""

    backend: Backend
    payments: FakePayments = field(default_factory=FakePayments)

    @property
    def purchases(self) -> Purchases:
        return Purchases(
            ledger=self.backend.ledger,
            tables=self.backend.tables,
            prices=PRICES,
            fulfilment=self.fulfilment,
            is_on=True,
            return_origins=(RETURN,),
            cursors=CURSORS,
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

    @property
    def administration(self) -> PurchaseAdministration:
        clock = self.backend.clock
        tables, ledger = self.backend.tables, self.backend.ledger
        return PurchaseAdministration(ledger, tables, self.payments, CURSORS, clock, lambda: ulid(clock() * 1000))

    def buy(self, caller: Caller, package: str = "popular", purchase_id: str | None = None, **more: str) -> str:
        """The id of a purchase that has its checkout."""
        purchase_id = purchase_id or str(uuid.uuid4())
        self.purchases.buy(caller, contract.Buy(package_id=package, **more), purchase_id, "hash")
        return purchase_id

    def purchase(self, purchase_id: str) -> Purchase:
        return purchase_from(self.backend.tables.get(purchase_key(purchase_id)) or {})

    def receive_fact(self, purchase_id: str, fact: PaymentFact, event_id: str = "") -> contract.StripeWebhookResult:
        """An event about the purchase, under any id."""
        return self.receive_update(self.payments.make_update(self.purchase(purchase_id), fact), event_id)

    def receive_update(
        self, update: Update, event_id: str = "", livemode: bool = False
    ) -> contract.StripeWebhookResult:
        raw = (event_id or str(uuid.uuid4())).encode()
        self.payments.events[raw] = FakeEvent("an.event", update, livemode=livemode)
        return self.purchases.receive(raw, "good")


def share(cents: int) -> int:
    """The credits that this part of the package's price bought."""
    return CREDITS * cents // CENTS


def refund(name: str, cents: int, state: RefundState = RefundState.SUCCEEDED) -> RefundFact:
    return RefundFact(name, Refund(state, cents))


def dispute(name: str, state: DisputeState, cents: int) -> DisputeFact:
    return DisputeFact(name, Dispute(state, cents))


def credits(payments_env: PaymentsEnv, caller: Caller) -> tuple[int, int]:
    """Available and held credits; the account's books add up."""
    payments_env.backend.check_books(caller.user_id)
    balance = payments_env.backend.ledger.balance(caller.user_id)
    return balance.available, balance.held


def run_reconciler(payments_env: PaymentsEnv) -> dict[str, int]:
    """The figures of a run in which nothing failed."""
    figures, failures = payments_env.reconciler.reconcile()
    assert failures == []
    return figures
