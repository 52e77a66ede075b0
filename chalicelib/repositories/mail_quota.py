"""Whether the mails of the day are used up: `LIMIT#mail` / `EMPTY` in the app table, while they are."""

from ..dates import DAY_SECONDS
from .table import ItemKey, Tables, Write

KEY = ItemKey("app", "LIMIT#mail", "EMPTY")


def is_mail_quota_empty(tables: Tables, now: int) -> bool:
    """Whether a mail was refused within a day, and none was sent since."""
    item = tables.get(KEY)
    return item is not None and now < item["refused_at"] + DAY_SECONDS  # a daily quota has returned by then


def mark_mail_quota(tables: Tables, *, is_empty: bool, at: int) -> None:
    """Record that a mail was refused, or sent after that."""
    found = Write(KEY, put_in={"refused_at": at, "expires_at": at + DAY_SECONDS})
    tables.write(found if is_empty else Write(KEY, delete=True))
