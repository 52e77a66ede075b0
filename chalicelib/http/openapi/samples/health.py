"""An example of the health report."""

from .... import contract
from .ids import ENDED, JOB, STARTED, USER

EXAMPLES = [
    contract.AdminHealth(
        checked_at=ENDED,
        attention=[contract.AttentionItem(about="failed_jobs", message="1 job failed in the last day.")],
        unreadable=[],
        webhooks=contract.WebhookHealth(
            applied=[contract.AppliedWebhook(webhook="stripe", at=ENDED)],
            refused=[
                contract.HealthCount(
                    hour=STARTED, subject="stripe", reason="invalid_signature", count=3, last_at=STARTED
                )
            ],
        ),
        failed_jobs=[
            contract.HealthCount(
                hour=STARTED,
                subject="catch-up",
                reason="transcription_failed",
                count=1,
                last_at=STARTED,
                reference=JOB,
                user_id=USER,
            )
        ],
        dead_letters=contract.DeadLetterHealth(
            count=0, waiting=1, command=".venv/bin/python -m scripts.replay --stage prod"
        ),
        stuck=contract.StuckHealth(holds_overdue=0, purchases_stuck=0, is_complete=True),
        provider_failures=[
            contract.HealthCount(hour=STARTED, subject="AssemblyAI", reason="timeout", count=2, last_at=STARTED)
        ],
        limits=[contract.HealthCount(hour=STARTED, subject="login", reason="", count=1, last_at=STARTED)],
        alarms=[
            contract.AlarmHealth(name="DeadLetters", state="OK", since=STARTED, description="A job failed repeatedly.")
        ],
        margin=contract.MarginHealth(
            from_day="2026-11-24",
            to_day="2026-11-30",
            revenue_micro_usd=2_990_000,
            margin_micro_usd=2_578_000,
            percent=86,
            lowest_percent=20,
            is_below=False,
        ),
    ),
]
