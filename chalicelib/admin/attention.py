"""What of the health report needs the owner now: the line at the top of the dashboard. Pure rules."""

from collections.abc import Iterable, Iterator

from .. import contract
from ..dates import DAY_SECONDS, rfc3339
from ..errors import quantity

NAMES = {
    "webhooks": "the webhooks",
    "failed_jobs": "the failed jobs",
    "dead_letters": "the dead letters",
    "stuck": "what is stuck",
    "provider_failures": "the failures of providers",
    "limits": "the limits that were met",
    "alarms": "the alarms",
    "margin": "the margin",
}
# Reasons that say nothing about this stage or its payments: the request was no webhook at all.
REFUSALS_OF_ANYBODY = frozenset({"invalid_request", "too_large", "unsupported_media_type", "origin_not_allowed"})
FORGED = "invalid_signature"
MANY_FAILURES = 10  # of providers in an hour, as the alarm


def attention(report: contract.AdminHealth, now: int) -> Iterator[contract.AttentionItem]:
    """The items, the most serious first. Counts matter for a day, provider failures and limits are only listed."""
    since = rfc3339(now - DAY_SECONDS)
    for about, message in _messages(report, since):
        yield contract.AttentionItem(about=about, message=message)


def _messages(report: contract.AdminHealth, since: str) -> Iterator[tuple[str, str]]:
    if report.alarms and (raised := [alarm.name for alarm in report.alarms if alarm.state == "ALARM"]):
        yield "alarms", f"{quantity(len(raised), 'alarm')} raised: {', '.join(raised)}."
    if report.dead_letters and report.dead_letters.count:
        yield "dead_letters", f"{quantity(report.dead_letters.count, 'dead letter')} to handle by hand."
    if report.webhooks and (refused := _total(_alarming(report.webhooks), since)):
        yield "webhooks", f"{quantity(refused, 'webhook')} refused in the last day."
    if report.failed_jobs and (failed := _total(report.failed_jobs, since)):
        yield "failed_jobs", f"{quantity(failed, 'job')} failed in the last day."
    if report.stuck and report.stuck.holds_overdue:
        yield "stuck", f"{quantity(report.stuck.holds_overdue, 'hold')} overdue."
    if report.stuck and report.stuck.purchases_stuck:
        yield "stuck", f"{quantity(report.stuck.purchases_stuck, 'purchase')} open after the checkout has expired."
    if report.provider_failures and (failures := _most_in_an_hour(report.provider_failures, since)) >= MANY_FAILURES:
        yield "provider_failures", f"{quantity(failures, 'failure')} of one provider in an hour of the last day."
    if report.margin and report.margin.is_below:
        yield "margin", _margin_message(report.margin)
    for name in report.unreadable:
        yield name, f"{NAMES[name].capitalize()} could not be read."


def _margin_message(margin: contract.MarginHealth) -> str:
    if margin.percent is None:
        return "The last seven days cost more than they earned."
    return f"The margin of seven days is {margin.percent}% of revenue, below {margin.lowest_percent}%."


def _alarming(webhooks: contract.WebhookHealth) -> Iterator[contract.HealthCount]:
    """Without what unauthenticated callers can cause: a wrong signature matters only if no event was applied since."""
    applied_at = {applied.webhook: applied.at for applied in webhooks.applied}
    for count in webhooks.refused:
        is_forged = count.reason == FORGED and applied_at.get(count.subject, "") >= count.last_at
        if count.reason not in REFUSALS_OF_ANYBODY and not is_forged:
            yield count


def _total(counts: Iterable[contract.HealthCount], since: str) -> int:
    return sum(count.count for count in counts if count.last_at >= since)


def _most_in_an_hour(counts: Iterable[contract.HealthCount], since: str) -> int:
    by_hour: dict[tuple[str, str], int] = {}
    for count in counts:
        if count.last_at >= since:
            key = (count.hour, count.subject)
            by_hour[key] = by_hour.get(key, 0) + count.count
    return max(by_hour.values(), default=0)
