"""One request at a time signs up or confirms an address: `LIMIT#sign-up#<hmac of the address>` / `LOCK`."""

from contextlib import suppress

from .conditions import Attr
from .table import ItemKey, Tables, Write, WriteRefusedError

LOCK_SECONDS = 30  # longer than any request takes


def lock_sign_up(tables: Tables, address: str, owner: str, now: int) -> bool:
    """Whether `owner` got the lock; it ends by itself. Raises UnavailableError."""
    # A write whose answer was lost is sent again: then the lock is the owner's already.
    is_free = Attr("locked_until").not_exists() | Attr("locked_until").lte(now) | Attr("owner").eq(owner)
    change = {"owner": owner, "locked_until": now + LOCK_SECONDS, "expires_at": now + LOCK_SECONDS}
    try:
        tables.write(Write(_key(address), put_in=change, when=is_free))  # type: ignore[arg-type]
    except WriteRefusedError:
        return False
    return True


def unlock_sign_up(tables: Tables, address: str, owner: str) -> None:
    """Remove the lock, if `owner` still has it. Raises UnavailableError."""
    with suppress(WriteRefusedError):
        tables.write(Write(_key(address), delete=True, when=Attr("owner").eq(owner)))


def _key(address: str) -> ItemKey:
    return ItemKey("app", f"LIMIT#sign-up#{address}", "LOCK")
