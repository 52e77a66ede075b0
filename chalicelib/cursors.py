"""Where the next page starts, as an opaque word. It can only point into the reader's own items of one kind."""

import base64

from .errors import InvalidRequestError


def encode(prefix: str, last_key: str | None) -> str | None:
    """The cursor after the item `last_key`; None at the end."""
    if last_key is None:
        return None
    return base64.urlsafe_b64encode(last_key.removeprefix(prefix).encode()).decode().rstrip("=")


def decode(prefix: str, cursor: str | None) -> str | None:
    """The sort key that `cursor` stands for, always one that starts with `prefix`. Raises InvalidRequestError."""
    if cursor is None:
        return None
    try:
        name = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except ValueError as error:  # Not ASCII, not base64, or not text.
        raise InvalidRequestError("This cursor is none of ours.", "cursor") from error
    if not name.isalnum() or encode(prefix, prefix + name) != cursor:
        raise InvalidRequestError("This cursor is none of ours.", "cursor")
    return prefix + name
