"""Counters with a ceiling, a day each: `LIMIT#<name>#<date>` / `COUNT` in the app table.

One conditional write counts and checks at once, so no number of requests at the same moment passes the ceiling.
"""

from boto3.dynamodb.conditions import Attr

from ..dates import utc_date
from .table import ItemKey, Tables, Write, WriteRefusedError

KEPT_SECONDS = 3 * 86_400


def claimed(tables: Tables, name: str, amount: int, ceiling: int, at: int) -> bool:
    """Count `amount` into the day's counter `name`, unless that would pass `ceiling`; whether it was counted.

    What is claimed is never given back: a crash afterwards wastes it, and nothing passes the ceiling.
    """
    if amount > ceiling:
        return False
    room = Attr("count").not_exists() | Attr("count").lte(ceiling - amount)
    key = ItemKey("app", f"LIMIT#{name}#{utc_date(at)}", "COUNT")
    try:
        tables.write(Write(key, add={"count": amount}, put_in={"expires_at": at + KEPT_SECONDS}, when=room))
    except WriteRefusedError:
        return False
    return True
