"""How many users were active and who used the most: figures for the owner, as of one moment."""

from msgspec import Struct


class UserUsage(Struct, frozen=True):
    """What one user used and paid in the last thirty days."""

    user_id: str
    credits: int
    cost_micro_usd: int
    cents: int


class UsageFigures(Struct, frozen=True):
    """`active_…`: users with a use in the last day, week and thirty days. `top_users`: most credits first."""

    active_day: int = 0
    active_week: int = 0
    active_month: int = 0
    top_users: tuple[UserUsage, ...] = ()
