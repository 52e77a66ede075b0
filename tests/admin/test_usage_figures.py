"""Active users and top users: worked out one user at a time, in any order."""

from itertools import permutations

from chalicelib.admin.usage_figures import ActiveAndTopUsers, user_usage
from chalicelib.dates import DAY_SECONDS
from chalicelib.models.ledger import Entry
from chalicelib.models.usage_figures import UsageFigures, UserUsage

NOW = 1_795_400_000


def use(age_seconds: int, credits: int = 1, cost_micro_usd: int = 0) -> Entry:
    return Entry("e", "usage", -credits, NOW - age_seconds, service="live", cost_micro_usd=cost_micro_usd)


def test_a_user_is_active_until_a_day_a_week_and_thirty_days_after_the_last_use() -> None:
    def active(age_seconds: int) -> tuple[int, int, int]:
        figures = ActiveAndTopUsers().add_user(UsageFigures(), "ada", [use(age_seconds), use(90 * DAY_SECONDS)], NOW)
        return figures.active_day, figures.active_week, figures.active_month

    assert active(0) == active(DAY_SECONDS - 1) == (1, 1, 1)
    assert active(DAY_SECONDS) == active(7 * DAY_SECONDS - 1) == (0, 1, 1)
    assert active(7 * DAY_SECONDS) == active(30 * DAY_SECONDS - 1) == (0, 0, 1)
    assert active(30 * DAY_SECONDS) == active(-1) == (0, 0, 0)


def test_grants_and_purchases_alone_are_no_use() -> None:
    entries = [Entry("e1", "free_credits", 200, NOW), Entry("e2", "purchase", 500, NOW, cents=299)]

    assert ActiveAndTopUsers().add_user(UsageFigures(), "ada", entries, NOW) == UsageFigures()


def test_usage_has_the_credits_costs_and_money_of_thirty_days() -> None:
    bought = Entry("e", "purchase", 500, NOW - DAY_SECONDS, cents=299)
    bought_earlier = Entry("e", "purchase", 500, NOW - 30 * DAY_SECONDS, cents=999)

    usage = user_usage(
        "ada", [use(5, 20, 700), use(6, 1, 50), use(30 * DAY_SECONDS, 9, 9), bought, bought_earlier], NOW
    )

    assert usage == UserUsage("ada", credits=21, cost_micro_usd=750, cents=299)


def test_top_users_do_not_depend_on_the_order_of_users() -> None:
    users = {"ada": use(1, 5, 10), "bob": use(1, 5, 20), "carol": use(1, 5, 10), "dan": use(1, 9), "eve": use(1, 1)}
    collector = ActiveAndTopUsers(max_top_users=3)

    for order in permutations(users):
        figures = UsageFigures()
        for user_id in order:
            figures = collector.add_user(figures, user_id, [users[user_id]], NOW)
        assert [usage.user_id for usage in figures.top_users] == ["dan", "bob", "ada"]
        assert figures.active_day == len(users)
