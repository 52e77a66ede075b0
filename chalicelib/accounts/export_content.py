"""The content of an export: everything stored of one user as one JSON document, piece by piece.

Which attributes it contains is declared at the stored fields (repositories/stored_shapes.py). Items are read a page at
a time, in the order of their keys. The segments and summaries of transcripts are in the same order as the lines of the
history, so one walk through the three brings them together.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, Protocol

import msgspec

from ..dates import rfc3339
from ..models.catchup import StoredFile
from ..models.field_kinds import export_struct
from ..models.ledger import HoldKind
from ..repositories.allowances import ALLOWANCE
from ..repositories.jobs import SUMMARY, job_key, summary_from
from ..repositories.ledger_items import DAY, ENTRY, HOLD, balance_key, entry_from
from ..repositories.profiles import profile_key
from ..repositories.purchases import POINTER, purchase_from, purchase_key
from ..repositories.questions import QUESTION
from ..repositories.session_responses import START
from ..repositories.sessions import SESSION, session_fields, session_from
from ..repositories.stored_shapes import shape_of
from ..repositories.table import Item, ItemKey, TableName, Tables
from ..repositories.transcripts import SEGMENT, TRANSCRIPT, in_order_of_writing, segments_in

READ_AT_ONCE = 100
ExportedItem = dict[str, Any]


class UserUploads(Protocol):
    """The uploaded recordings of a user. Raises UnavailableError."""

    def list_files(self, user_id: str) -> Iterator[StoredFile]: ...


@dataclass(frozen=True)
class ExportContent:
    """Reads everything that is stored of one user."""

    tables: Tables
    uploads: UserUploads

    def pieces(self, user_id: str, at: int) -> Iterator[bytes]:
        """The document's bytes, in order. `at`: the time that it states, epoch seconds. Raises UnavailableError."""
        profile, balance = self.tables.get_many([profile_key(user_id), balance_key(user_id)])
        head = {
            "exported_at": rfc3339(at),
            "user_id": user_id,
            "user": _export_item(profile) if profile else {},
            "credits": _export_item(balance) if balance else {},
        }
        yield msgspec.json.encode(head)[:-1]
        for name, members in self._sections().items():
            yield b"," + msgspec.json.encode(name) + b":["
            for number, member in enumerate(members(user_id)):
                yield (b"," if number else b"") + msgspec.json.encode(member)
            yield b"]"
        yield b"}"

    def _sections(self) -> Mapping[str, Callable[[str], Iterator[ExportedItem]]]:
        return {
            "transactions": lambda user_id: map(_export_entry, self._items("ledger", user_id, ENTRY)),
            "holds": lambda user_id: map(_export_item, self._items("ledger", user_id, HOLD)),
            "days": lambda user_id: map(_export_day, self._items("ledger", user_id, DAY)),
            "purchases": self._purchases,
            "transcripts": self._transcripts,
            "sessions": self._sessions,
            "catchups": self._catchups,
            "questions": lambda user_id: map(_export_question, self._items("app", user_id, QUESTION)),
            "early_stops": lambda user_id: map(_export_allowance, self._items("app", user_id, ALLOWANCE)),
            "uploads": lambda user_id: map(_export_upload, self.uploads.list_files(user_id)),
        }

    def _transcripts(self, user_id: str) -> Iterator[ExportedItem]:
        segments = _ItemsById(self._items("app", user_id, SEGMENT))
        summaries = _ItemsById(self._items("app", user_id, SUMMARY))
        for item in self._items("app", user_id, TRANSCRIPT):
            if "started_at" not in item:  # A late settlement wrote to a line that was deleted.
                continue
            transcript_id = item["transcript_id"]
            yield _export_item(item) | {
                "segments": _export_segments(segments.of(transcript_id)),
                "summaries": [_export_summary(found) for found in summaries.of(transcript_id)],
            }

    def _sessions(self, user_id: str) -> Iterator[ExportedItem]:
        """Each with the labels of its start, and with the values that are not stored because they are zero."""
        starts = _ItemsById(self._items("app", user_id, START))
        for item in self._items("app", user_id, SESSION):
            session = _export_item(session_fields(session_from(item)) | item)
            for start in starts.of(item["session_id"]):
                session["start"] = _export_item(start)
            yield session

    def _purchases(self, user_id: str) -> Iterator[ExportedItem]:
        pointers = self._items("app", user_id, POINTER)
        return map(_export_purchase, self._read(purchase_key(item["purchase_id"]) for item in pointers))

    def _catchups(self, user_id: str) -> Iterator[ExportedItem]:
        """The holds of the ledger name every job there ever was."""
        holds = self._items("ledger", user_id, HOLD)
        keys = (job_key(item["reference"]) for item in holds if item["kind"] == HoldKind.CATCHUP)
        return map(_export_item, self._read(keys))

    def _items(self, table: TableName, user_id: str, prefix: str) -> Iterator[Item]:
        return self.tables.query_all(table, f"USER#{user_id}", prefix)

    def _read(self, keys: Iterator[ItemKey]) -> Iterator[Item]:
        while some := list(islice(keys, READ_AT_ONCE)):
            yield from (item for item in self.tables.get_many(some) if item)


class _ItemsById:
    """Items in the order of the transcript or session that their keys name, read in that order."""

    def __init__(self, items: Iterator[Item]):
        self._groups = groupby(items, key=lambda item: str(item["sk"].split("#")[1]))
        self._current = self._next()

    def of(self, owner_id: str) -> list[Item]:
        while self._current and self._current[0] < owner_id:  # of a deleted transcript that is not erased yet
            self._current = self._next()
        return self._current[1] if self._current and self._current[0] == owner_id else []

    def _next(self) -> tuple[str, list[Item]] | None:
        group = next(self._groups, None)
        return (group[0], list(group[1])) if group else None


# One function for each kind of item


def _export_item(item: Item) -> ExportedItem:
    """The exported attributes; times in the contract's format, without empty values."""
    exported: ExportedItem = {}
    for name, value in shape_of(item).export(item).items():
        if (name == "at" or name.endswith("_at")) and isinstance(value, int):
            if value:
                exported[name] = rfc3339(value)
        elif value not in ("", None):
            exported[name] = value
    return exported


def _export_entry(item: Item) -> ExportedItem:
    uses = [export_struct(use) for use in entry_from(item).uses]
    return {"id": item["sk"].removeprefix(ENTRY)} | _export_item(item) | {"uses": uses}


def _export_day(item: Item) -> ExportedItem:
    _, date, service = item["sk"].split("#", 2)
    return {"date": date, "service": service} | _export_item(item)


def _export_question(item: Item) -> ExportedItem:
    exported = _export_item(item)
    return exported | ({"answer": msgspec.json.decode(exported["answer"])} if "answer" in exported else {})


def _export_allowance(item: Item) -> ExportedItem:
    return {"date": item["sk"].removeprefix(ALLOWANCE)} | _export_item(item)


def _export_upload(file: StoredFile) -> ExportedItem:
    return {"upload_id": file.name, "bytes": file.bytes, "stored_at": rfc3339(file.stored_at)}


def _export_segments(items: list[Item]) -> list[ExportedItem]:
    """The segments in these items of one transcript by time; the last write of a `seq` wins."""
    by_seq: dict[int, ExportedItem] = {}
    for item in in_order_of_writing(items):
        shared = _export_item(item)
        for rows in ("segments", "packed"):
            shared.pop(rows, None)
        for segment in segments_in(item):
            by_seq[segment.seq] = shared | export_struct(segment)
    return sorted(by_seq.values(), key=lambda segment: (segment["start_ms"], segment["seq"]))


def _export_summary(item: Item) -> ExportedItem:
    """The item's attributes with those that only its key has, and its moments as objects."""
    return shape_of(item).export(item) | export_struct(summary_from(item))


def _export_purchase(item: Item) -> ExportedItem:
    """The item's attributes with its payment's facts by name; empty values included."""
    facts = purchase_from(item).facts
    exported = shape_of(item).export(item)
    return exported | {
        "created_at": rfc3339(item["created_at"]),
        "payment": facts.payment.name.lower(),
        "refunds": [{"state": refund.state.name.lower(), "cents": refund.cents} for refund in facts.refunds.values()],
        "disputes": [
            {"state": dispute.state.name.lower(), "cents": dispute.cents} for dispute in facts.disputes.values()
        ],
    }
