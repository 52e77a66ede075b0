"""What a session needs only when a lease begins, kept beside it: every save and chunk writes, and is billed for, the
whole session.

`USER#<id>` / `START#<session>` has the labels of the session that its sockets are opened with, and the response of its
first lease; `RENEWAL#<session>` has the response of the current lease, if a renewal opened it. Both are written in the
transactions that write the session, whose conditions guard them, and are deleted with it.

Sessions that were stored before have all of it in their own item.
"""

from msgspec.structs import asdict

from ..models.sessions import Session
from .table import Item, ItemKey, Write

START, RENEWAL = "START#", "RENEWAL#"
LABELS = ("key_terms", "turn")


def start_key(user_id: str, session_id: str) -> ItemKey:
    return ItemKey("app", f"USER#{user_id}", f"{START}{session_id}")


def renewal_key(user_id: str, session_id: str) -> ItemKey:
    return ItemKey("app", f"USER#{user_id}", f"{RENEWAL}{session_id}")


def put_start(session: Session, response: str | None) -> Write:
    """The labels of a new session, and the response of its first lease where that is known already."""
    labels = {
        "key_terms": list(session.key_terms),
        "turn": {name: value for name, value in asdict(session.turn).items() if value is not None},
    }
    answered = {"response": response} if response else {}
    return Write(start_key(session.user_id, session.session_id), item=labels | answered)


def put_response(session: Session, response: str) -> Write:
    """The response of the session's current lease, for retries of the request that opened it."""
    if session.lease_number == 1:
        return Write(start_key(session.user_id, session.session_id), put_in={"response": response})
    item = {"lease_number": session.lease_number, "response": response}
    return Write(renewal_key(session.user_id, session.session_id), item=item)


def delete_responses(session: Session) -> list[Write]:
    """Delete what is stored beside the session; before its second lease there is no renewal."""
    keys = (start_key, renewal_key) if session.lease_number > 1 else (start_key,)
    return [Write(key(session.user_id, session.session_id), delete=True) for key in keys]


def with_labels(item: Item, start: Item | None) -> Item:
    """The session's item with the labels that are stored beside it."""
    return item | {name: start[name] for name in LABELS if name in start} if start else item


def first_response(item: Item, start: Item | None) -> str | None:
    """The response of the session's first lease; None if its process has not come so far.

    `start` has to be read after `item`: then it has the response if the lease runs.
    """
    return (start or {}).get("response") or item.get("first_answer")


def renewal_response(item: Item, renewal: Item | None) -> str | None:
    """The response of the session's current lease; None if it has none, or was renewed before `renewal` was read.

    `renewal` has to be read after `item`.
    """
    is_current = renewal is not None and renewal["lease_number"] == item["lease_number"]
    return renewal["response"] if renewal and is_current else item.get("renewal_answer")
