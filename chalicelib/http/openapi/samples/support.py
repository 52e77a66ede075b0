"""Examples of the shapes of one user and of what was sold, in the section Admin."""

from datetime import date

import msgspec

from .... import contract
from .audit import admin_action
from .ids import ACTION, CURSOR, ENDED, PURCHASE, SESSION, STARTED, TRANSCRIPT, USER
from .payments import purchase_item

sold_purchase = contract.SoldPurchase(
    **msgspec.structs.asdict(purchase_item) | {"credits_taken_back": 167, "cents_returned": 100},
    user_id=USER,
    payment_id="pi_a1b2",
    payment_url="https://dashboard.stripe.com/payments/pi_a1b2",
    refundable_cents=199,
    refunds=[contract.RefundItem(refund_id="re_a1b2", state="succeeded", cents=100)],
    disputes=[],
)

EXAMPLES = [
    contract.UserDetail(
        user_id=USER,
        email="ada@example.com",
        created_at=STARTED,
        is_confirmed=True,
        is_blocked=False,
        available=500,
        held=100,
        lifetime_granted=200,
        lifetime_purchased=500,
        lifetime_used=100,
        name="Ada",
        open_disputes=0,
        holds=[contract.UserHold(kind="session", credits=100, reference=SESSION)],
        figures=contract.UserFigures(
            from_day="2026-11-01",
            to_day="2026-11-30",
            credits_used=100,
            seconds=600,
            uses=1,
            revenue_cents=299,
            provider_cost_micro_usd=25_000,
            payment_fees_micro_usd=387_000,
            margin_micro_usd=2_578_000,
        ),
        actions=[admin_action],
    ),
    contract.UserSessions(
        sessions=[
            contract.UserSession(
                transcript_id=TRANSCRIPT,
                kind="live",
                state="stopped",
                started_at=STARTED,
                ended_at=ENDED,
                seconds=600,
                credits_used=100,
                session_id=SESSION,
            )
        ],
        next_cursor=CURSOR,
    ),
    sold_purchase,
    contract.SoldPurchases(purchases=[sold_purchase], next_cursor=CURSOR),
    contract.SoldPurchasesQuery(from_day=date(2026, 11, 1), to_day=date(2026, 11, 30), state="paid"),
    contract.RefundPurchase(reason="Bought twice.", cents=100),
    contract.RefundStarted(purchase_id=PURCHASE, refund_id="re_a1b2", state="succeeded", cents=100, action_id=ACTION),
]
