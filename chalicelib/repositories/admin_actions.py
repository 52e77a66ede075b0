"""Actions of administrators, kept permanently, and the result of each request, for two days.

`ADMIN` / `ACT#<ulid>` is the list of all, `ADMIN#<user>` / `ACT#<ulid>` what was done to one user; both are written
together. `ACTION#<id>` / `DONE` holds what the request with an Idempotency-Key did; the guard of credits in the ledger
is permanent.
"""

from msgspec import Struct
from msgspec.structs import asdict, replace

from ..models.admin_actions import AdminAction
from ..models.purchase_facts import Refund, RefundFact, RefundState
from .conditions import Attr
from .table import Item, ItemKey, Path, Tables, Write

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


class RefundRequest(Struct, frozen=True):
    """A refund that an administrator asked for, and what the payment system answered, if it is known."""

    action: AdminAction
    body_hash: str
    cents: int
    refund: RefundFact | None = None
    is_refused: bool = False


def put_refund_request(action_id: str, request: RefundRequest) -> Write:
    put = request_record_put(action_id, request.action, request.body_hash)
    return replace(put, item={**(put.item or {}), "cents": request.cents})


def record_refund(action_id: str, fact: RefundFact) -> Write:
    """Store what the payment system answered to the request."""
    answer: dict[Path, object] = {
        "refund_id": fact.refund_id,
        "refund_state": int(fact.refund.state),
        "refund_cents": fact.refund.cents,
    }
    return Write(request_record_key(action_id), put_in=answer, when=Attr("cents").exists())


def refund_request_from(item: Item) -> RefundRequest:
    """The request as it was stored. One for something else has the hash of another body."""
    action, body_hash = request_record_from(item)
    refund = None
    if "refund_id" in item:
        refund = RefundFact(item["refund_id"], Refund(RefundState(item["refund_state"]), item["refund_cents"]))
    return RefundRequest(action, body_hash, int(item.get("cents", 0)), refund, item.get("is_refused", False))


def record_refusal(action_id: str) -> Write:
    """Store that the payment system refused the request; refused where that is stored already."""
    is_open = Attr("cents").exists() & Attr("is_refused").not_exists()
    return Write(request_record_key(action_id), put_in={"is_refused": True}, when=is_open)


def put_action(action: AdminAction) -> list[Write]:
    """The record of an action, for the transaction that performs it."""
    lists = (ADMIN, f"{ADMIN}#{action.user_id}")
    keys = [ItemKey("app", pk, f"{ACT}{action.action_id}") for pk in lists]
    return [Write(key, item=asdict(action), when=Attr("pk").not_exists()) for key in keys]


def recent_actions(tables: Tables, limit: int, user_id: str = "") -> list[AdminAction]:
    """The newest actions first, in one query: all, or those on one user."""
    pk = f"{ADMIN}#{user_id}" if user_id else ADMIN
    items, _ = tables.query("app", pk, ACT, limit=limit, newest_first=True)
    return [_action_from(item) for item in items]


def _action_from(item: Item) -> AdminAction:
    return AdminAction(**{name: item[name] for name in AdminAction.__struct_fields__ if name in item})
