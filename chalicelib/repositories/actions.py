"""What administrators did: `ADMIN#<month>` / `ACT#<ulid>`, kept for good; and for a while the answer to each request.

`ACTION#<id>` / `DONE` is what a request with an idempotency key did; the ledger's own guard holds for ever.
"""

from boto3.dynamodb.conditions import Attr

from ..models import Action
from ..times import rfc3339
from .table import Item, ItemKey, Tables, Write

REMEMBERED_SECONDS = 2 * 86_400
MONTHS = 12
ACT = "ACT#"


def done_key(action_id: str) -> ItemKey:
    """Where the answer to a request is; `action_id` is the request's."""
    return ItemKey("app", f"ACTION#{action_id}", "DONE")


def done_put(action_id: str, act: Action, body_hash: str) -> Write:
    item = _fields(act) | {"body_hash": body_hash, "expires_at": act.at + REMEMBERED_SECONDS}
    return Write(done_key(action_id), item=item, when=Attr("pk").not_exists())


def done(item: Item) -> tuple[Action, str]:
    """What was done, and the hash of the body that asked for it."""
    return _action(item), str(item["body_hash"])


def action_put(act: Action) -> Write:
    """The record of an act, beside it in one transaction."""
    return Write(ItemKey("app", _pk(act.at), f"{ACT}{act.action_id}"), item=_fields(act), when=Attr("pk").not_exists())


def recent_actions(tables: Tables, now: int, most: int) -> list[Action]:
    """The newest acts, of the last twelve months at most."""
    found: list[Action] = []
    year, month = int(rfc3339(now)[:4]), int(rfc3339(now)[5:7])
    for back in range(MONTHS):
        number = year * 12 + month - 1 - back
        pk = f"ADMIN#{number // 12:04d}-{number % 12 + 1:02d}"
        items, _ = tables.query("app", pk, ACT, limit=most - len(found), newest_first=True)
        found += map(_action, items)
        if len(found) >= most:
            break
    return found


def _pk(at: int) -> str:
    return f"ADMIN#{rfc3339(at)[:7]}"


def _fields(act: Action) -> Item:
    return dict(vars(act))


def _action(item: Item) -> Action:
    return Action(**{name: item[name] for name in Action.__dataclass_fields__})
