"""What was sold, for the seller: the purchases of one user or of all, and refunds.

A refund is made at the payment system; its credits are taken back when the payment system reports it, by the webhook
or by the reconciler, as for a refund that was made in Stripe's dashboard.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import msgspec
from msgspec.structs import replace

from .. import contract
from ..cursors import Cursors
from ..dates import DAY_SECONDS, day_range, midnight
from ..errors import (
    ConflictError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
    ProviderRefusedError,
    UnavailableError,
)
from ..models.accounts import Caller
from ..models.admin_actions import AdminAction
from ..models.purchase_facts import DisputeState, PaymentState, RefundFact, RefundState
from ..models.purchases import Purchase
from ..repositories.admin_actions import (
    RefundRequest,
    put_action,
    put_refund_request,
    record_refund,
    record_refusal,
    refund_request_from,
    request_record_key,
)
from ..repositories.ledger import Ledger
from ..repositories.purchases import (
    POINTER,
    SOLD,
    list_purchases,
    list_sold_purchases,
    purchase_from,
    purchase_key,
)
from ..repositories.table import Tables, WriteRefusedError
from .fulfilment import RESUMABLE_SECONDS
from .purchase_item import purchase_item

NOT_REFUNDABLE = "Nothing of this payment can be refunded. It was not paid, was refunded before, or is disputed."
REFUSED = "Stripe refused this refund. Look at the payment in Stripe's dashboard."
QUERIES_PER_PAGE = 3  # of a filtered page, however few match


class RefundGateway(Protocol):
    """The payment system. Raises ProviderError; see providers/stripe_client.py."""

    def refund(self, purchase: Purchase, cents: int, refund_key: str) -> RefundFact: ...


@dataclass(frozen=True)
class PurchaseAdministration:
    """Every method refuses an administrator who is blocked or signed out."""

    ledger: Ledger
    tables: Tables
    gateway: RefundGateway
    cursors: Cursors
    now: Callable[[], int]  # epoch seconds, UTC
    new_ulid: Callable[[], str]

    def purchases_of(self, admin: Caller, user_id: str, limit: int, cursor: str | None) -> contract.SoldPurchases:
        """One page of the user's purchases, newest first. Raises InvalidRequestError for an invalid cursor."""
        after = self.cursors.decode(POINTER, cursor, admin.user_id, user_id)
        self.ledger.admit(admin)
        purchases, last = list_purchases(self.tables, user_id, limit, after)
        next_cursor = self.cursors.encode(POINTER, last, admin.user_id, user_id)
        return contract.SoldPurchases(purchases=list(map(sold_purchase, purchases)), next_cursor=next_cursor)

    def page(self, admin: Caller, query: contract.SoldPurchasesQuery) -> contract.SoldPurchases:
        """One page of the purchases of a range of days, newest first. Raises InvalidRequestError."""
        days = day_range(query.from_day, query.to_day, self.now())
        scope = (admin.user_id, days[0], days[-1], query.state or "")
        after = self.cursors.decode(SOLD, query.cursor, *scope)
        self.ledger.admit(admin)
        period = (midnight(days[0]), midnight(days[-1]) + DAY_SECONDS - 1)
        found: list[contract.SoldPurchase] = []
        last = (after or "").removeprefix(SOLD) or None
        for _ in range(QUERIES_PER_PAGE):
            missing = query.limit - len(found)
            purchases, last = list_sold_purchases(self.tables, period, missing, last)
            shown = map(sold_purchase, purchases)
            found += [purchase for purchase in shown if query.state in (None, purchase.state)]
            if last is None or len(found) == query.limit:
                break
        next_cursor = self.cursors.encode(SOLD, SOLD + last if last else None, *scope)
        return contract.SoldPurchases(purchases=found, next_cursor=next_cursor)

    def refund(
        self, admin: Caller, purchase_id: str, body: contract.RefundPurchase, action_id: str, body_hash: str
    ) -> contract.RefundStarted:
        """Refund a purchase, or a part of it, at the payment system. A retry with the same `action_id` changes nothing.

        The request is recorded with its amount before the payment system is called, so that a retry asks for the same
        refund, by the same key. Raises NotFoundError, InvalidRequestError (`cents`), IdempotencyMismatchError,
        ConflictError and ProviderError: after any but ProviderRefusedError, retry.
        """
        keys = [request_record_key(action_id), purchase_key(purchase_id)]
        _, (record, item) = self.ledger.admit(admin, extra_keys=keys)
        if item is None:
            raise NotFoundError("There is no purchase with this id.")
        purchase = purchase_from(item)
        request = (
            refund_request_from(record) if record else self._record_request(admin, purchase, body, action_id, body_hash)
        )
        if request.body_hash != body_hash:
            raise IdempotencyMismatchError("This Idempotency-Key was already used with different parameters.")
        refund = request.refund or self._refund(purchase, request, action_id)
        return contract.RefundStarted(
            purchase_id=purchase_id,
            refund_id=refund.refund_id,
            state=refund.refund.state.name.lower(),
            cents=refund.refund.cents,
            action_id=request.action.action_id,
        )

    def _record_request(
        self, admin: Caller, purchase: Purchase, body: contract.RefundPurchase, action_id: str, body_hash: str
    ) -> RefundRequest:
        most = refundable_cents(purchase)
        if most == 0:
            raise ConflictError(NOT_REFUNDABLE, "not_refundable")
        cents = body.cents or most
        if cents > most:
            raise InvalidRequestError(
                f"At most {most} cents of this payment can be refunded. Enter a smaller amount.", "cents"
            )
        returned = purchase.booked.returned_cents
        action = AdminAction(
            self.new_ulid(),
            self.now(),
            admin.user_id,
            "refund_requested",
            purchase.user_id,
            body.reason,
            {"returned_cents": returned},
            {"returned_cents": returned + cents},
            purchase.purchase_id,
        )
        request = RefundRequest(action, body_hash, cents)
        try:
            self.tables.transact([*put_action(action), put_refund_request(action_id, request)])
        except WriteRefusedError as refusal:  # The same request is being processed at this moment.
            raise UnavailableError("This refund is being requested. Retry the request.") from refusal
        return request

    def _refund(self, purchase: Purchase, request: RefundRequest, action_id: str) -> RefundFact:
        """Ask the payment system, and record what it answered, also a refusal, which is final."""
        if request.is_refused:
            raise ConflictError(REFUSED, "not_refundable")
        if self.now() > request.action.at + RESUMABLE_SECONDS:  # The payment system has forgotten the key since.
            raise ConflictError("This request was already processed. See the purchase.", "already_done")
        try:
            refund = self.gateway.refund(purchase, request.cents, f"refund:{action_id}")
        except ProviderRefusedError as error:
            self._record_refusal(request, action_id)
            raise ConflictError(REFUSED, "not_refundable") from error
        with suppress(WriteRefusedError):  # The record has expired; the purchase shows the refund.
            self.tables.write(record_refund(action_id, refund))
        return refund

    def _record_refusal(self, request: RefundRequest, action_id: str) -> None:
        """Say beside the request that nothing was refunded."""
        action = replace(
            request.action,
            action_id=self.new_ulid(),
            at=self.now(),
            action="refund_refused",
            after=request.action.before,
        )
        with suppress(WriteRefusedError):  # A repeat of the request was refused at this moment, or the record expired.
            self.tables.transact([record_refusal(action_id), *put_action(action)])


def refundable_cents(purchase: Purchase) -> int:
    """What was neither refunded, nor is on its way back, nor is disputed or lost."""
    facts = purchase.facts
    if facts.payment is not PaymentState.PAID or not purchase.payment_id:
        return 0
    returning = sum(refund.cents for refund in facts.refunds.values() if refund.state is not RefundState.FAILED)
    disputed = sum(dispute.cents for dispute in facts.disputes.values() if dispute.state is not DisputeState.WON)
    return max(0, purchase.cents - returning - disputed)


def sold_purchase(purchase: Purchase) -> contract.SoldPurchase:
    """A purchase as its seller sees it, without what only its buyer may use."""
    facts = purchase.facts
    mode = "" if purchase.is_live else "test/"
    payment_url = f"https://dashboard.stripe.com/{mode}payments/{purchase.payment_id}" if purchase.payment_id else ""
    item = msgspec.structs.asdict(purchase_item(purchase)) | {"checkout_url": ""}
    return contract.SoldPurchase(
        **item,
        user_id=purchase.user_id,
        payment_id=purchase.payment_id,
        payment_url=payment_url,
        refundable_cents=refundable_cents(purchase),
        refunds=[
            contract.RefundItem(refund_id=refund_id, state=refund.state.name.lower(), cents=refund.cents)
            for refund_id, refund in sorted(facts.refunds.items())
        ],
        disputes=[
            contract.DisputeItem(dispute_id=dispute_id, state=dispute.state.name.lower(), cents=dispute.cents)
            for dispute_id, dispute in sorted(facts.disputes.items())
        ],
    )
