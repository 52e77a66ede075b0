"""The early-stop allowance that an account used on a day: one small item a day in the app table."""

from ..dates import utc_date
from .conditions import Attr
from .table import Item, ItemKey, Write

KEPT_SECONDS = 3 * 86_400
ALLOWANCE = "ALLOWANCE#"


def allowance_key(user_id: str, at: int) -> ItemKey:
    """The item of the UTC day of `at`."""
    return ItemKey("app", f"USER#{user_id}", f"{ALLOWANCE}{utc_date(at)}")


def allowance_used_seconds(item: Item | None) -> int:
    """Seconds returned today for direct leases that ended early."""
    return int(item["used_seconds"]) if item else 0


def spend_allowance(user_id: str, at: int, seconds: int, used_before_seconds: int) -> Write:
    """Count `seconds` as returned, if the count is still `used_before_seconds`."""
    unchanged = Attr("used_seconds").eq(used_before_seconds)
    return Write(
        allowance_key(user_id, at),
        put_in={"expires_at": at + KEPT_SECONDS},
        add={"used_seconds": seconds},
        when=unchanged if used_before_seconds else Attr("used_seconds").not_exists(),
    )
