"""All that is kept of one person, told as one JSON document, piece by piece. Used by exports.py.

It is read a page at a time, in the order in which it lies. The words and the summaries of transcripts lie in the same
order as their lines, so one walk through the three tells each transcript whole.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, Protocol

import msgspec

from ..catchup.job_rules import HOLD_KIND
from ..dates import rfc3339
from ..models.catchup import StoredFile
from ..models.purchases import Purchase
from ..repositories.allowances import ALLOWANCE
from ..repositories.jobs import SUMMARY, job_key, summary_from
from ..repositories.ledger_items import DAY, ENTRY, HOLD, balance_key
from ..repositories.profiles import profile_key
from ..repositories.purchases import POINTER, purchase, purchase_key
from ..repositories.questions import QUESTION
from ..repositories.sessions import SESSION
from ..repositories.table import Item, ItemKey, TableName, Tables
from ..repositories.transcripts import SEGMENT, TRANSCRIPT, segments_from

READ_AT_ONCE = 100
Told = dict[str, Any]
# How we keep things apart and safe, and what opens a socket: nothing that the person said or did.
OURS = {
    *("pk", "sk", "user_id", "version", "open_shard", "sweep_at", "expires_at"),
    *("body_hash", "renewal", "renewal_hash", "first_answer", "renewal_answer", "inflight", "claim", "attempt"),
    *("worker", "claimed_until", "give_up_at", "submissions", "summary_tries"),
    *("submitted_url", "webhook_url", "provider_id", "notified_id", "is_provider_copy_deleted"),
}


class Uploads(Protocol):
    """Where uploaded recordings lie. Raises UnavailableError."""

    def all_of(self, user_id: str) -> Iterator[StoredFile]: ...


@dataclass(frozen=True)
class ExportContent:
    """Reads everything of one person."""

    tables: Tables
    uploads: Uploads

    def pieces(self, user_id: str, at: int) -> Iterator[bytes]:
        """The document's bytes, in order. Raises UnavailableError."""
        profile, balance = self.tables.get_many([profile_key(user_id), balance_key(user_id)])
        head = {
            "exported_at": rfc3339(at),
            "user_id": user_id,
            "user": _told(profile or {}),
            "credits": _told(balance or {}),
        }
        yield msgspec.json.encode(head)[:-1]
        for name, members in self._sections().items():
            yield b"," + msgspec.json.encode(name) + b":["
            for number, member in enumerate(members(user_id)):
                yield (b"," if number else b"") + msgspec.json.encode(member)
            yield b"]"
        yield b"}"

    def _sections(self) -> Mapping[str, Callable[[str], Iterator[Told]]]:
        return {
            "transactions": lambda user: map(_entry, self._items("ledger", user, ENTRY)),
            "holds": lambda user: map(_told, self._items("ledger", user, HOLD)),
            "days": lambda user: map(_day, self._items("ledger", user, DAY)),
            "purchases": self._purchases,
            "transcripts": self._transcripts,
            "sessions": lambda user: map(_told, self._items("app", user, SESSION)),
            "catchups": self._catchups,
            "questions": lambda user: map(_question, self._items("app", user, QUESTION)),
            "early_stops": lambda user: map(_allowance, self._items("app", user, ALLOWANCE)),
            "uploads": lambda user: map(_upload, self.uploads.all_of(user)),
        }

    def _transcripts(self, user_id: str) -> Iterator[Told]:
        words = _Beside(self._items("app", user_id, SEGMENT))
        summaries = _Beside(self._items("app", user_id, SUMMARY))
        for item in self._items("app", user_id, TRANSCRIPT):
            if "started_at" not in item:  # A settlement may have touched a line that was just deleted.
                continue
            transcript_id = item["transcript_id"]
            yield _told(item) | {
                "segments": [msgspec.to_builtins(one) for one in segments_from(words.of(transcript_id))],
                "summaries": [msgspec.to_builtins(summary_from(one)) for one in summaries.of(transcript_id)],
            }

    def _purchases(self, user_id: str) -> Iterator[Told]:
        pointers = self._items("app", user_id, POINTER)
        keys = (purchase_key(item["purchase_id"]) for item in pointers)
        return (_purchase(purchase(item)) for item in self._named(keys))

    def _catchups(self, user_id: str) -> Iterator[Told]:
        """The holds of the ledger name every job there ever was."""
        holds = self._items("ledger", user_id, HOLD)
        keys = (job_key(item["reference"]) for item in holds if item["kind"] == HOLD_KIND)
        return map(_told, self._named(keys))

    def _items(self, table: TableName, user_id: str, prefix: str) -> Iterator[Item]:
        after: str | None = None
        while True:
            items, after = self.tables.query(table, f"USER#{user_id}", prefix, after=after)
            yield from items
            if after is None:
                return

    def _named(self, keys: Iterator[ItemKey]) -> Iterator[Item]:
        while some := list(islice(keys, READ_AT_ONCE)):
            yield from (item for item in self.tables.get_many(some) if item)


class _Beside:
    """Items in the order of the transcripts that they are of, looked up in that order."""

    def __init__(self, items: Iterator[Item]):
        self._groups = groupby(items, key=lambda item: str(item["sk"].split("#")[1]))
        self._here = self._next()

    def of(self, transcript_id: str) -> list[Item]:
        while self._here and self._here[0] < transcript_id:  # of one that is deleted, and not erased yet
            self._here = self._next()
        return self._here[1] if self._here and self._here[0] == transcript_id else []

    def _next(self) -> tuple[str, list[Item]] | None:
        found = next(self._groups, None)
        return (found[0], list(found[1])) if found else None


# One thing of each kind


def _told(item: Item) -> Told:
    """The item without what is ours alone, its times as the contract writes them."""
    told: Told = {}
    for name, value in item.items():
        if name in OURS:
            continue
        if (name == "at" or name.endswith("_at")) and isinstance(value, int):
            if value:
                told[name] = rfc3339(value)
        elif value not in ("", None):
            told[name] = value
    return told


def _entry(item: Item) -> Told:
    return {"id": item["sk"].removeprefix(ENTRY)} | _told(item)


def _day(item: Item) -> Told:
    _, date, service = item["sk"].split("#", 2)
    return {"date": date, "service": service} | _told(item)


def _question(item: Item) -> Told:
    told = _told(item)
    return told | ({"answer": msgspec.json.decode(told["answer"])} if "answer" in told else {})


def _allowance(item: Item) -> Told:
    return {"date": item["sk"].removeprefix(ALLOWANCE)} | _told(item)


def _upload(file: StoredFile) -> Told:
    return {"upload_id": file.name, "bytes": file.bytes, "stored_at": rfc3339(file.stored_at)}


def _purchase(one: Purchase) -> Told:
    facts, booked = one.facts, one.booked
    return {
        "purchase_id": one.purchase_id,
        "package_id": one.package_id,
        "credits": one.credits,
        "cents": one.cents,
        "currency": one.currency,
        "price_version": one.price_version,
        "created_at": rfc3339(one.created_at),
        "success_url": one.success_url,
        "cancel_url": one.cancel_url,
        "checkout_session_id": one.checkout_session_id,
        "payment_id": one.payment_id,
        "payment": facts.payment.name.lower(),
        "refunds": [{"state": got.state.name.lower(), "cents": got.cents} for got in facts.refunds.values()],
        "disputes": [{"state": got.state.name.lower(), "cents": got.cents} for got in facts.disputes.values()],
        "granted": booked.granted,
        "taken": booked.taken,
    }
