"""Where the next page of a list starts: an opaque, signed word, good for one reader, one list, one set of filters."""

import base64
import hashlib
import hmac
from dataclasses import dataclass

import msgspec

from .errors import InvalidRequestError

SIGNATURE_BYTES = 16


@dataclass(frozen=True)
class Cursors:
    """Cursors signed with `key`. `scope`: what a cursor is good for besides its list, such as reader and filters."""

    key: str

    def encode(self, prefix: str, last_key: str | None, *scope: str) -> str | None:
        """The cursor after the item `last_key`, whose sort key starts with `prefix`; None at the end."""
        if last_key is None:
            return None
        name = last_key.removeprefix(prefix)
        return base64.urlsafe_b64encode(self._signature(prefix, name, scope) + name.encode()).decode().rstrip("=")

    def decode(self, prefix: str, cursor: str | None, *scope: str) -> str | None:
        """The sort key that `cursor` stands for. Raises InvalidRequestError for one not made here for this scope."""
        if cursor is None:
            return None
        try:
            signed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            name = signed[SIGNATURE_BYTES:].decode("ascii")
        except ValueError as error:  # Not base64, or not text.
            raise InvalidRequestError("This cursor is none of ours.", "cursor") from error
        ours = self.encode(prefix, prefix + name, *scope)  # The whole of it: base64 has several spellings of one thing.
        if ours is None or not hmac.compare_digest(ours, cursor):
            raise InvalidRequestError("This cursor is not of this list with these filters.", "cursor")
        return prefix + name

    def _signature(self, prefix: str, name: str, scope: tuple[str, ...]) -> bytes:
        # The first word keeps it apart from the other uses of the key; JSON keeps each word apart from the next.
        said = msgspec.json.encode(("cursor", prefix, *scope, name))
        return hmac.digest(self.key.encode(), said, hashlib.sha256)[:SIGNATURE_BYTES]
