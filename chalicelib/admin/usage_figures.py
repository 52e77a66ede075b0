"""Active users and the users with the most usage, worked out one user at a time. Pure rules."""

from collections.abc import Collection
from dataclasses import dataclass

from ..dates import DAY_SECONDS
from ..models.ledger import Entry
from ..models.usage_figures import UsageFigures, UserUsage

WEEK_DAYS, MONTH_DAYS = 7, 30
USAGE = "usage"


@dataclass(frozen=True)
class ActiveAndTopUsers:
    """Adds users to the owner's figures, of which `max_top_users` are listed."""

    max_top_users: int = 20

    def add_user(self, figures: UsageFigures, user_id: str, entries: Collection[Entry], now: int) -> UsageFigures:
        """The figures with one more user; `entries` are all of the user's, `now` is the moment of the figures."""
        last_use_at = max((entry.at for entry in entries if entry.kind == USAGE and entry.at <= now), default=-1)

        def is_active(days: int) -> bool:
            return last_use_at >= 0 and last_use_at > now - days * DAY_SECONDS

        usage = user_usage(user_id, entries, now)
        return UsageFigures(
            active_day=figures.active_day + is_active(1),
            active_week=figures.active_week + is_active(WEEK_DAYS),
            active_month=figures.active_month + is_active(MONTH_DAYS),
            top_users=self._rank([*figures.top_users, usage]) if usage else figures.top_users,
        )

    def _rank(self, usages: Collection[UserUsage]) -> tuple[UserUsage, ...]:
        """Most credits first. User ids order equal usage, so that the result does not depend on the order of users."""
        ranked = sorted(usages, key=lambda usage: (-usage.credits, -usage.cost_micro_usd, usage.user_id))
        return tuple(ranked[: self.max_top_users])


def user_usage(user_id: str, entries: Collection[Entry], now: int) -> UserUsage | None:
    """What the user used and paid in the thirty days before `now`; None without a use."""
    recent = [entry for entry in entries if now - MONTH_DAYS * DAY_SECONDS < entry.at <= now]
    uses = [entry for entry in recent if entry.kind == USAGE]
    if not uses:
        return None
    return UserUsage(
        user_id=user_id,
        credits=-sum(entry.credits for entry in uses),
        cost_micro_usd=sum(entry.cost_micro_usd for entry in uses),
        cents=sum(entry.cents for entry in recent),
    )
