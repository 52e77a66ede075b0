"""Cursors: opaque signed text that names where the next page of a list starts, for one reader and set of filters."""

import base64
import hashlib
import hmac

import msgspec

from .errors import InvalidRequestError

SIGNATURE_BYTES = 16


class Cursors(msgspec.Struct, frozen=True):
    """Cursors signed with `key`. `scope`: what else a cursor is bound to, such as the reader and the filters."""

    key: str

    def encode(self, prefix: str, last_key: str | None, *scope: str) -> str | None:
        """The cursor after the item `last_key`, whose sort key starts with `prefix`; None at the end."""
        if last_key is None:
            return None
        name = last_key.removeprefix(prefix)
        return base64.urlsafe_b64encode(self._signature(prefix, name, scope) + name.encode()).decode().rstrip("=")

    def decode(self, prefix: str, cursor: str | None, *scope: str) -> str | None:
        """The sort key that `cursor` names. Raises InvalidRequestError if it was not made for this list and scope."""
        if cursor is None:
            return None
        try:
            signed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            name = signed[SIGNATURE_BYTES:].decode("ascii")
        except ValueError as error:  # Not base64, or not text.
            raise InvalidRequestError("Invalid cursor. Start from the first page.", "cursor") from error
        expected = self.encode(prefix, prefix + name, *scope)  # Base64 has several spellings of the same bytes.
        if expected is None or not hmac.compare_digest(expected, cursor):
            raise InvalidRequestError(
                "This cursor is for another list or other filters. Start from the first page.", "cursor"
            )
        return prefix + name

    def _signature(self, prefix: str, name: str, scope: tuple[str, ...]) -> bytes:
        # The first text separates cursors from other uses of the key; JSON separates the parts from each other.
        message = msgspec.json.encode(("cursor", prefix, *scope, name))
        return hmac.digest(self.key.encode(), message, hashlib.sha256)[:SIGNATURE_BYTES]
