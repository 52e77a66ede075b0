"""Examples of the shapes of the section Admin."""

from datetime import date

from .... import contract
from .ids import ACTION, ENDED, SESSION, SHARED_ADDRESS, STARTED, USER

service_cost = contract.ServiceCost(
    service="live", credits=100, seconds=600, uses=1, cost_micro_usd=25_000, value_micro_usd=399_600
)
cost_totals = contract.CostTotals(
    revenue_micro_usd=2_990_000,
    provider_cost_micro_usd=25_000,
    payment_fees_micro_usd=387_000,
    margin_micro_usd=2_578_000,
    credits_used=100,
    credits_sold=500,
    credits_given=200,
    credits_taken_back=0,
    seconds=600,
    uses=1,
)
model_cost = contract.ModelCost(
    service="live",
    provider="assemblyai",
    model="universal-streaming-english",
    uses=1,
    seconds=600,
    input_tokens=0,
    output_tokens=0,
    cost_micro_usd=25_000,
)

EXAMPLES = [
    contract.CostsQuery(from_day=date(2026, 11, 1), to_day=date(2026, 11, 30)),
    contract.Costs(
        from_day="2026-11-30",
        to_day="2026-11-30",
        counted_until=ENDED,
        totals=cost_totals,
        services=[service_cost],
        models=[model_cost],
        days=[
            contract.DayCost(
                date="2026-11-30",
                totals=cost_totals,
                sums=cost_totals,
                active_users=1,
                services=[service_cost],
                models=[model_cost],
            )
        ],
        outstanding=contract.Outstanding(credits=600, liability_cents=359),
        holds=contract.OpenHolds(
            count=1,
            credits=100,
            overdue=0,
            is_complete=True,
            open=[
                contract.OpenHold(
                    user_id=USER,
                    hold_id=SESSION,
                    kind="live",
                    credits=100,
                    made_at=STARTED,
                    due_at=ENDED,
                    is_overdue=False,
                )
            ],
        ),
        live_seconds=contract.LiveSeconds(
            sessions=1,
            billed_seconds=600,
            client_reported_seconds=601,
            difference_seconds=-1,
            implausible_sessions=0,
            implausible_seconds=0,
        ),
    ),
    contract.UsersQuery(email="ada@", limit=20),
    contract.AdminUsers(
        users=[
            contract.AdminUser(
                user_id=USER,
                email="ada@example.com",
                created_at=STARTED,
                is_confirmed=True,
                is_blocked=False,
                available=100,
                held=100,
                lifetime_granted=200,
                lifetime_purchased=0,
                lifetime_used=0,
                name="Ada",
            )
        ],
        next_cursor=None,
    ),
    contract.GiveCredits(user_id=USER, credits=100, reason="A gift."),
    contract.CreditsGiven(user_id=USER, credits=100, available=200, action_id=ACTION),
    contract.EndShare(address=SHARED_ADDRESS, reason="It was reported."),
    contract.ShareEndedByAdmin(user_id=USER, is_shared=False),
    contract.BlockReason(reason="Abuse."),
    contract.BlockState(user_id=USER, is_blocked=True),
]
