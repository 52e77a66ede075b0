"""What administrators did: `ADMIN` / `ACT#<ulid>`, kept for good; and for a while the answer to each request.

`ACTION#<id>` / `DONE` is what a request with an idempotency key did; the ledger's own guard holds for ever.
"""

from boto3.dynamodb.conditions import Attr
from msgspec.structs import asdict

from ..models.admin_actions import AdminAction
from .table import Item, ItemKey, Tables, Write

REMEMBERED_SECONDS = 2 * 86_400
ADMIN, ACT = "ADMIN", "ACT#"


def done_key(action_id: str) -> ItemKey:
    """Where the answer to a request is; `action_id` is the request's."""
    return ItemKey("app", f"ACTION#{action_id}", "DONE")


def done_put(action_id: str, act: AdminAction, body_hash: str) -> Write:
    item = asdict(act) | {"body_hash": body_hash, "expires_at": act.at + REMEMBERED_SECONDS}
    return Write(done_key(action_id), item=item, when=Attr("pk").not_exists())


def done(item: Item) -> tuple[AdminAction, str]:
    """What was done, and the hash of the body that asked for it."""
    return _action(item), str(item["body_hash"])


def action_put(act: AdminAction) -> Write:
    """The record of an act, beside it in one transaction."""
    return Write(ItemKey("app", ADMIN, f"{ACT}{act.action_id}"), item=asdict(act), when=Attr("pk").not_exists())


def recent_actions(tables: Tables, most: int) -> list[AdminAction]:
    """The newest acts, in one query."""
    items, _ = tables.query("app", ADMIN, ACT, limit=most, newest_first=True)
    return [_action(item) for item in items]


def _action(item: Item) -> AdminAction:
    return AdminAction(**{name: item[name] for name in AdminAction.__struct_fields__})
