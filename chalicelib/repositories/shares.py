"""Shared transcripts: `SHARED#<hash of the token>` / `SHARE` says which transcript an address leads to.

The line of the transcript has the same hash while it is shared. It decides: an address that its line does not name
leads nowhere. The token itself is stored nowhere.
"""

import hashlib

from ..models.transcripts import Share
from .conditions import Attr, Condition
from .table import ItemKey, Tables, Write

SHARED = "SHARED#"


def hash_of(token: str) -> str:
    """The hash that is stored of a token. Tokens are random, so a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def token_in(address: str) -> str:
    """The token in a shared address, which is its last part, or in what was copied of it."""
    path, _, _ = address.strip().partition("?")
    return path.partition("#")[0].rstrip("/").rpartition("/")[2]


def share_key(share_hash: str) -> ItemKey:
    return ItemKey("app", f"{SHARED}{share_hash}", "SHARE")


def load_share(tables: Tables, share_hash: str) -> Share | None:
    """Which transcript an address leads to, if its line still names it; None if there is no such address."""
    item = tables.get(share_key(share_hash))
    return Share(item["user_id"], item["transcript_id"]) if item else None


def begin_share(line: ItemKey, share: Share, earlier_hash: str, share_hash: str, at: int) -> list[Write]:
    """Share a transcript at a new address instead of the earlier one; `line`: the key of its line.

    Refused if it was deleted, or is not shared any more as it was.
    """
    when = Attr("started_at").exists() & is_shared_as(earlier_hash)
    item = {"user_id": share.user_id, "transcript_id": share.transcript_id}
    return [
        Write(line, put_in={"share_hash": share_hash, "shared_at": at}, when=when),
        Write(share_key(share_hash), item=item),
        *delete_share(earlier_hash),
    ]


def end_share(line: ItemKey, share_hash: str) -> list[Write]:
    """End the share of the transcript of this line; refused if it is not shared like this any more."""
    return [
        Write(line, drop=["share_hash", "shared_at"], when=Attr("started_at").exists() & is_shared_as(share_hash)),
        *delete_share(share_hash),
    ]


def delete_share(share_hash: str) -> list[Write]:
    """Delete an address, if there is one: `share_hash` is empty for a transcript that is not shared."""
    return [Write(share_key(share_hash), delete=True)] if share_hash else []


def is_shared_as(share_hash: str) -> Condition:
    """The condition that a line names this address or, for an empty one, none."""
    return Attr("share_hash").eq(share_hash) if share_hash else Attr("share_hash").not_exists()
