"""Examples of the shapes of the section Credits."""

from datetime import date

from .... import contract
from .ids import ACTION, ENDED, SESSION

service_usage = contract.ServiceUsage(service="live", credits=100, seconds=600, uses=1)
transaction = contract.Transaction(
    id=ACTION,
    kind="usage",
    credits=-100,
    at=ENDED,
    explanation="600.0 s of live transcription; 100 credits were held, 100 used",
    service="live",
    session_id=SESSION,
    hold_id=SESSION,
    credits_held=100,
    seconds=600,
    price_version="2026-11",
    models=[contract.ModelUsage(provider="assemblyai", model="universal-streaming-english", audio_ms=600_000)],
)

EXAMPLES = [
    contract.CreditBalance(available=100, held=100, lifetime_granted=200, lifetime_purchased=0, lifetime_used=0),
    contract.TransactionsQuery(limit=20),
    contract.Transactions(transactions=[transaction], next_cursor=None),
    contract.UsageQuery(from_day=date(2026, 11, 1), to_day=date(2026, 11, 30)),
    contract.Usage(
        from_day="2026-11-30",
        to_day="2026-11-30",
        totals=contract.UsageTotals(credits=100, seconds=600, uses=1),
        services=[service_usage],
        days=[contract.DayUsage(date="2026-11-30", credits=100, seconds=600, uses=1, services=[service_usage])],
    ),
]
