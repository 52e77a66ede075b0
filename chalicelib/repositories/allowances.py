"""How much of a day's early-stop allowance an account has used: one small item a day in the app table."""

from boto3.dynamodb.conditions import Attr

from ..dates import utc_date
from .table import Item, ItemKey, Write

KEPT_SECONDS = 3 * 86_400
ALLOWANCE = "ALLOWANCE#"


def allowance_key(user_id: str, at: int) -> ItemKey:
    """The item of the UTC day of `at`."""
    return ItemKey("app", f"USER#{user_id}", f"{ALLOWANCE}{utc_date(at)}")


def allowance_used(item: Item | None) -> int:
    """Seconds given back today of direct leases that ended early."""
    return int(item["used_seconds"]) if item else 0


def spending(user_id: str, at: int, seconds: int, used_before_seconds: int) -> Write:
    """Count `seconds` as given back, if nothing else was since `used_before_seconds` was read."""
    unchanged = Attr("used_seconds").eq(used_before_seconds)
    return Write(
        allowance_key(user_id, at),
        put_in={"expires_at": at + KEPT_SECONDS},
        add={"used_seconds": seconds},
        when=unchanged if used_before_seconds else Attr("used_seconds").not_exists(),
    )
