"""Admin: what failed lately, and what needs the owner."""

from .base import Day, ResponseShape, Time


class AttentionItem(ResponseShape, kw_only=True):
    """`about`: the part of the answer, such as `dead_letters`. `message`: what is wrong, in a sentence."""

    about: str
    message: str


class AppliedWebhook(ResponseShape, kw_only=True):
    """`at` is empty if none was applied in the last fourteen days."""

    webhook: str
    at: str


class HealthCount(ResponseShape, kw_only=True):
    """How often the same happened within the hour that begins at `hour`; counting stops at 100.

    `subject`: the webhook, provider, limit or kind of job. `reference` and `user_id`: the last job and its owner.
    """

    hour: Time
    subject: str
    reason: str
    count: int
    last_at: Time
    reference: str = ""
    user_id: str = ""


class WebhookHealth(ResponseShape, kw_only=True):
    """`refused`: at most 50 counts, newest hour first."""

    applied: list[AppliedWebhook]
    refused: list[HealthCount]


class DeadLetterHealth(ResponseShape, kw_only=True):
    """`count`: messages that failed for good; `waiting`: jobs in the queue. `command` lists the dead letters."""

    count: int
    waiting: int
    command: str


class AlarmHealth(ResponseShape, kw_only=True):
    """`state`: `OK`, `ALARM` or `INSUFFICIENT_DATA`. `since` is empty if it is not known."""

    name: str
    state: str
    since: str
    description: str


class StuckHealth(ResponseShape, kw_only=True):
    """Holds that the sweep should have ended, and purchases that are open after their checkout has expired.

    `is_complete` is false if there were too many to count all.
    """

    holds_overdue: int
    purchases_stuck: int
    is_complete: bool


class MarginHealth(ResponseShape, kw_only=True):
    """The last seven days. `percent` of the revenue, rounded down; null without revenue."""

    from_day: Day
    to_day: Day
    revenue_micro_usd: int
    margin_micro_usd: int
    percent: int | None
    lowest_percent: int
    is_below: bool


class AdminHealth(ResponseShape, kw_only=True):
    """`attention`: what needs the owner, empty if nothing does.

    A part that could not be read is null, and its name is in `unreadable`.
    Counts are of the last fourteen days, at most 50 of each, newest hour first.
    """

    checked_at: Time
    attention: list[AttentionItem]
    unreadable: list[str]
    webhooks: WebhookHealth | None
    failed_jobs: list[HealthCount] | None
    dead_letters: DeadLetterHealth | None
    stuck: StuckHealth | None
    provider_failures: list[HealthCount] | None
    limits: list[HealthCount] | None
    alarms: list[AlarmHealth] | None
    margin: MarginHealth | None
