"""Identifiers. ULIDs sort by time as text, so "newest first" is one query."""

import secrets
import uuid

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NAMESPACE = uuid.UUID("5a1de7d4-6c07-5d0e-9a34-3f2f9c1f7b11")


def ulid(at_ms: int, randomness: bytes | None = None) -> str:
    """26 characters: 48 bits of epoch milliseconds, then 80 bits of `randomness` (fresh if None).

    Source: github.com/ulid/spec. The same arguments give the same id.
    """
    number = at_ms << 80 | int.from_bytes(randomness or secrets.token_bytes(10), "big")
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def id_for_key(user_id: str, route: str, key: str) -> str:
    """The id that belongs to an Idempotency-Key: the same arguments always give the same id."""
    return str(uuid.uuid5(NAMESPACE, f"{user_id}\n{route}\n{key}"))
