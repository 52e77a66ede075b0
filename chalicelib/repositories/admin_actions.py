"""Actions of administrators, kept permanently: `ADMIN` / `ACT#<ulid>`; and the result of each request, for two days.

`ACTION#<id>` / `DONE` holds what the request with an Idempotency-Key did; the guard in the ledger is permanent.
"""

from msgspec.structs import asdict

from ..models.admin_actions import AdminAction
from .conditions import Attr
from .table import Item, ItemKey, Tables, Write

REQUEST_RECORD_SECONDS = 2 * 86_400
ADMIN, ACT = "ADMIN", "ACT#"


def request_record_key(action_id: str) -> ItemKey:
    """Where the result of a request is stored; `action_id` is the id of the request."""
    return ItemKey("app", f"ACTION#{action_id}", "DONE")


def request_record_put(action_id: str, action: AdminAction, body_hash: str) -> Write:
    item = asdict(action) | {"body_hash": body_hash, "expires_at": action.at + REQUEST_RECORD_SECONDS}
    return Write(request_record_key(action_id), item=item, when=Attr("pk").not_exists())


def request_record_from(item: Item) -> tuple[AdminAction, str]:
    """What the request did, and the hash of its body."""
    return _action_from(item), str(item["body_hash"])


def action_put(action: AdminAction) -> Write:
    """The record of an action, for the transaction that performs it."""
    key = ItemKey("app", ADMIN, f"{ACT}{action.action_id}")
    return Write(key, item=asdict(action), when=Attr("pk").not_exists())


def recent_actions(tables: Tables, limit: int) -> list[AdminAction]:
    """The newest actions first, in one query."""
    items, _ = tables.query("app", ADMIN, ACT, limit=limit, newest_first=True)
    return [_action_from(item) for item in items]


def _action_from(item: Item) -> AdminAction:
    return AdminAction(**{name: item[name] for name in AdminAction.__struct_fields__})
