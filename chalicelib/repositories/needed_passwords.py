"""Addresses that get their password with a mailed code: `LIMIT#sign-up#<hmac of the address>` / `PASSWORD`.

While the item is there, the password that the user pool has may be another person's, and opens no account.
"""

from .table import ItemKey, Tables, Write


def is_password_needed(tables: Tables, address: str) -> bool:
    """Whether the address gets its password with a code. Raises UnavailableError."""
    return tables.get(_key(address)) is not None


def need_password(tables: Tables, address: str, code: str, at: int) -> None:
    """From now on, the address needs one. `code`: a hash of the code that is about to be used; empty for none."""
    tables.write(Write(_key(address), put_in={"code": code, "used_at": at}))


def was_code_used(tables: Tables, address: str, code: str, after: int) -> bool:
    """Whether this code was the last to be used, later than `after`, and its password is still needed."""
    item = tables.get(_key(address))
    return item is not None and item["code"] == code and item["used_at"] > after


def end_need(tables: Tables, address: str) -> None:
    """The password was set. May run twice."""
    tables.write(Write(_key(address), delete=True))


def _key(address: str) -> ItemKey:
    return ItemKey("app", f"LIMIT#sign-up#{address}", "PASSWORD")
