"""Counters with a daily ceiling: `LIMIT#<name>#<date>` / `COUNT` in the app table.

One conditional write counts and checks at once, so concurrent requests cannot pass the ceiling.
"""

from ..dates import utc_date
from .conditions import Attr
from .table import ItemKey, Tables, Write, WriteRefusedError

KEPT_SECONDS = 3 * 86_400


def daily_cap_key(name: str, at: int) -> ItemKey:
    """Where the day's counter `name` is stored, with its `count`."""
    return ItemKey("app", f"LIMIT#{name}#{utc_date(at)}", "COUNT")


def claim_daily_amount(tables: Tables, name: str, amount: int, ceiling: int, at: int) -> bool:
    """Add `amount` to the day's counter `name`, unless it would pass `ceiling`; return whether it was added.

    A claimed amount is never returned: a crash afterwards wastes it, but the ceiling holds.
    """
    if amount > ceiling:
        return False
    has_room = Attr("count").not_exists() | Attr("count").lte(ceiling - amount)
    key = daily_cap_key(name, at)
    try:
        tables.write(Write(key, add={"count": amount}, put_in={"expires_at": at + KEPT_SECONDS}, when=has_room))
    except WriteRefusedError:
        return False
    return True


def use_up_daily_cap(tables: Tables, name: str, ceiling: int, at: int) -> None:
    """Leave nothing of the day's amount, where what is left is too little to be of use."""
    tables.write(Write(daily_cap_key(name, at), put_in={"count": ceiling, "expires_at": at + KEPT_SECONDS}))
