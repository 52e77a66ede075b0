"""Where the sign-up of an address came from: `LIMIT#sign-up#<hmac of the address>` / `NETWORK`."""

from .table import ItemKey, Tables, Write

KEPT_SECONDS = 7 * 86_400  # longer than codes are valid, and than people wait


def note_network(tables: Tables, address: str, user_id: str, network: str, now: int) -> None:
    """`network`: a hash. Raises UnavailableError."""
    expires_at = now + KEPT_SECONDS
    tables.write(Write(_key(address), put_in={"user_id": user_id, "network": network, "expires_at": expires_at}))


def is_network_of(tables: Tables, address: str, user_id: str, network: str) -> bool:
    """Whether the sign-up of this user came from there. Raises UnavailableError."""
    item = tables.get(_key(address))
    return item is not None and (item["user_id"], item["network"]) == (user_id, network)


def _key(address: str) -> ItemKey:
    return ItemKey("app", f"LIMIT#sign-up#{address}", "NETWORK")
