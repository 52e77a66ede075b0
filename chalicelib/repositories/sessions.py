"""Live sessions and the chunks they relay, as items and writes of the app table.

`USER#<id>` / `SESSION#<id>` is the session, with a map of the chunks that are with providers now. Each save and chunk
writes all of it, so it stays below 1 KB: it has no value that says nothing, and session_responses.py keeps the rest;
`OPEN_SESSION#<transcript>` points to it until it is stopped or expires;
`SEGMENT#<transcript>#C#<seq>` is a relayed chunk, first reserved, then done.
Every write is conditional on what was read, so that of a racing stop, renewal, sweep and chunk exactly one wins.
"""

from typing import Any

from msgspec.structs import asdict, replace

from ..models.ledger import ModelUse
from ..models.sessions import InFlight, Reservation, Session, SessionState, TurnSettings
from ..models.transcripts import Recognition, Word
from .conditions import Attr, Condition
from .session_responses import LABELS
from .table import Item, ItemKey, Path, Tables, Write

SESSION, OPEN_SESSION = "SESSION#", "OPEN_SESSION#"
# Within 30 days a session can be resumed any number of times: a segment cannot be placed any later.
OPEN_SESSION_SECONDS = 31 * 86_400
MAX_OPEN_SESSIONS = 100  # so many keys fit into one BatchGetItem
SAVED_FIELDS = ("saves", "saved_bytes", "next_seq")
LAST_SAVE_FIELDS = ("last_saved_at", "saved_hash", "saved_block", "left_out")
RAISED_BY_CHUNKS = ("next_seq", "saves_before_chunk")
USE_MS, USE_COST = "use_ms:", "use_cost:"
# Stored whatever they are: fields without a default, and what conditions compare. Others, unless they say nothing.
REQUIRED = Session.__struct_fields__[: -len(Session.__struct_defaults__)]
ALWAYS_STORED = frozenset({*REQUIRED, "done_ms", "inflight"})
SAYS_NOTHING: tuple[Any, ...] = (None, "", 0, [])


def session_key(user_id: str, session_id: str) -> ItemKey:
    return ItemKey("app", f"USER#{user_id}", f"{SESSION}{session_id}")


def chunk_key(session: Session, seq: int) -> ItemKey:
    return ItemKey("app", f"USER#{session.user_id}", f"SEGMENT#{session.transcript_id}#C#{seq:010d}")


def session_from(item: Item) -> Session:
    """The session stored in `item`."""
    fields = {name: item[name] for name in Session.__struct_fields__ if name in item}
    uses = tuple(
        ModelUse(name.removeprefix(USE_MS), item[name], item[USE_COST + name.removeprefix(USE_MS)])
        for name in sorted(item)
        if name.startswith(USE_MS) and item[name]
    )
    lists = {
        "state": SessionState(item["state"]),
        "uses": uses,
        "key_terms": tuple(item.get("key_terms", ())),
        "turn": TurnSettings(**item.get("turn", {})),
        "providers": tuple(item.get("providers", ())),
        "left_out": tuple(item.get("left_out", ())),
        "followed_renewals": tuple(item.get("followed_renewals", ())),
        "covered_ms": tuple((start, end) for start, end in item.get("covered_ms", ())),
        "inflight": tuple(InFlight(attempt, *chunk) for attempt, chunk in sorted(item["inflight"].items())),
    }
    return Session(**fields | lists)


def create_session(session: Session) -> Write:
    item = {n: v for n, v in session_fields(session).items() if n in ALWAYS_STORED or v not in SAYS_NOTHING}
    return Write(session_key(session.user_id, session.session_id), item=item, when=Attr("pk").not_exists())


def update_session(before: Session, after: Session, *, with_response: bool = False) -> Write:
    """Store the session after its lease began, was renewed or ended, if it is still as read in `before`.

    `with_response`: the response of a lease that begins is stored beside it. It says `next_seq`, so it is refused where
    that has risen.
    """
    old, new = session_fields(before), session_fields(after)
    changes: dict[Path, Any] = {name: value for name, value in new.items() if old[name] != value}
    dropped: list[Path] = [prefix + use.model for use in before.uses for prefix in (USE_MS, USE_COST)]
    if after.lease_number > before.lease_number:
        dropped.append("renewal_answer")  # Where older sessions have the response of the lease before.
    is_unchanged = (
        _is_same_lease(before)
        & Attr("done_ms").eq(before.done_ms)
        & Attr("inflight").eq(_inflight(before))
        & Attr("free_ms").eq(before.free_ms)
    )
    # Saves go on meanwhile: what they change matters only where this write rests on it.
    guarded = [name for name in SAVED_FIELDS if old[name] != new[name]]
    if with_response and "next_seq" not in guarded:
        guarded.append("next_seq")
    if {"covered_ms", "words_until_ms", "lease_number"} & changes.keys():  # What a lease covers rests on its words.
        guarded.append("words_until_ms")
    for name in guarded:
        is_unchanged &= Attr(name).eq(old[name]) if old[name] else Attr(name).not_exists() | Attr(name).eq(0)
    return Write(session_key(before.user_id, before.session_id), put_in=changes, drop=dropped, when=is_unchanged)


def delete_session(opened: Session) -> Write:
    """Delete the session, if it is still as it was opened."""
    return Write(session_key(opened.user_id, opened.session_id), delete=True, when=_is_same_lease(opened))


def record_save(before: Session, after: Session, max_before_bytes: int) -> Write:
    """Record a save, if at most `max_before_bytes` were saved before.

    What only grows is written where it grows, and refused where another request has raised it further. Refused, too,
    where the session was deleted and started again since it was read (it has another transcript then), where the same
    segments were just saved, or where a repeat of the last save does not follow it any more.
    """
    is_same_session = Attr("transcript_id").eq(before.transcript_id)
    when = is_same_session & (Attr("saved_bytes").not_exists() | Attr("saved_bytes").lte(max_before_bytes))
    is_repeat = before.saved_hash.startswith(after.saved_hash)  # Sessions stored before have a longer hash.
    is_other_hash = Attr("saved_hash").not_exists() | ~Attr("saved_hash").begins_with(after.saved_hash)
    when &= Attr("saves").eq(before.saves) if is_repeat else is_other_hash
    new = session_fields(after)
    changes: dict[Path, Any] = {name: new[name] for name in LAST_SAVE_FIELDS}
    for name in ("next_seq", "words_until_ms"):
        if getattr(after, name) > getattr(before, name):
            changes[name] = getattr(after, name)
            when &= _is_at_most(name, changes[name])
    if after.covered_ms != before.covered_ms:
        changes["covered_ms"] = new["covered_ms"]
    if {"covered_ms", "words_until_ms"} & changes.keys():  # Whether later words are covered depends on the lease.
        when &= _is_same_lease(before)
    added = {"saves": 1, "saved_bytes": after.saved_bytes - before.saved_bytes}
    return Write(session_key(before.user_id, before.session_id), put_in=changes, add=added, when=when)


def _is_same_lease(session: Session) -> Condition:
    return Attr("state").eq(session.state.value) & Attr("lease_number").eq(session.lease_number)


def _is_at_most(name: str, value: int) -> Condition:
    return Attr(name).not_exists() | Attr(name).lte(value)


# Open sessions


def put_open_session(session: Session) -> Write:
    """The pointer by which a session is found until it is stopped."""
    item = {"session_id": session.session_id, "expires_at": session.started_at + OPEN_SESSION_SECONDS}
    return Write(_open_session_key(session.user_id, session.transcript_id), item=item)


def delete_open_session(user_id: str, transcript_id: str) -> Write:
    return Write(_open_session_key(user_id, transcript_id), delete=True)


def list_open_sessions(tables: Tables, user_id: str) -> list[Session]:
    """The sessions that pointers lead to, newest first, at most 100."""
    pointers, _ = tables.query("app", f"USER#{user_id}", OPEN_SESSION, limit=MAX_OPEN_SESSIONS, newest_first=True)
    if not pointers:
        return []
    items = tables.get_many([session_key(user_id, pointer["session_id"]) for pointer in pointers])
    return [session_from(item) for item in items if item]


def _open_session_key(user_id: str, transcript_id: str) -> ItemKey:
    return ItemKey("app", f"USER#{user_id}", f"{OPEN_SESSION}{transcript_id}")


# Relayed chunks


def reserve_chunk(session: Session, chunk: Reservation, instead_of: Reservation | None) -> list[Write]:
    """Reserve the chunk's milliseconds in the lease, and its `seq`, before any provider is called.

    `instead_of` is a stale reservation of the same `seq` to take over; the milliseconds it holds are released.
    Refused, too, where what it raises has been raised further since the session was read: see `has_outrun`.
    """
    stale = next((c for c in session.inflight if instead_of and c.attempt == instead_of.attempt), None)
    needed_ms = chunk.billed_ms - (stale.billed_ms if stale else 0)
    has_room = (
        Attr("transcript_id").eq(session.transcript_id)
        & Attr("state").eq(SessionState.ACTIVE.value)
        & Attr("lease_number").eq(session.lease_number)
        & Attr("lease_expires_at").gt(chunk.reserved_at)
        & Attr("free_ms").gte(needed_ms)
    )
    changes: dict[Path, Any] = {
        "last_reserved_at": chunk.reserved_at,
        ("inflight", chunk.attempt): [chunk.audio_ms, chunk.reserved_at],
    }
    for name, value in _raised_by(session, chunk).items():
        if value > getattr(session, name):
            changes[name] = value
            has_room &= _is_at_most(name, value)
    room = Write(
        session_key(session.user_id, session.session_id),
        put_in=changes,
        add={"free_ms": -needed_ms},
        drop=[("inflight", stale.attempt)] if stale else (),
        when=has_room & Attr(f"inflight.{stale.attempt}").exists() if stale else has_room,
    )
    is_free = Attr("attempt").eq(instead_of.attempt) if instead_of else Attr("pk").not_exists()
    return [room, Write(chunk_key(session, chunk.seq), item=asdict(chunk) | {"state": "reserved"}, when=is_free)]


def has_outrun(session: Session, stored: Session, chunk: Reservation) -> bool:
    """Whether `reserve_chunk` was refused because the session, as it is `stored`, has been raised beyond the chunk."""
    raised = _raised_by(session, chunk)
    return any(getattr(session, name) < value < getattr(stored, name) for name, value in raised.items())


def _raised_by(session: Session, chunk: Reservation) -> dict[str, int]:
    """The least that the session has of `RAISED_BY_CHUNKS` once the chunk is reserved."""
    return {"next_seq": session.next_seq_with([chunk.seq]), "saves_before_chunk": chunk.saves_before}


def release_chunk(session: Session, chunk: Reservation) -> list[Write]:
    """Undo a reservation whose provider call failed; nothing of the chunk remains."""
    return [
        Write(
            session_key(session.user_id, session.session_id),
            add={"free_ms": chunk.billed_ms},
            drop=[("inflight", chunk.attempt)],
            when=Attr(f"inflight.{chunk.attempt}").exists(),
        ),
        Write(chunk_key(session, chunk.seq), delete=True, when=Attr("attempt").eq(chunk.attempt)),
    ]


def complete_chunk(session: Session, chunk: Reservation, recognition: Recognition, cost_micro_usd: int) -> list[Write]:
    """Bill the chunk to the session and store its words, if the session still has it in flight."""
    billed = Write(
        session_key(session.user_id, session.session_id),
        add={
            "done_ms": chunk.billed_ms,
            "rounded_up_ms": chunk.billed_ms - chunk.audio_ms,
            USE_MS + recognition.model: chunk.audio_ms,
            USE_COST + recognition.model: cost_micro_usd,
        },
        drop=[("inflight", chunk.attempt)],
        when=Attr("state").eq(SessionState.ACTIVE.value) & Attr(f"inflight.{chunk.attempt}").exists(),
    )
    words = [[word.text, word.start_ms, word.end_ms, round(word.confidence * 1000)] for word in recognition.words]
    stored = Write(
        chunk_key(session, chunk.seq),
        put_in={"state": "done", "text": recognition.text, "words": words, "model": recognition.model},
        when=Attr("attempt").eq(chunk.attempt) & Attr("state").eq("reserved"),
    )
    return [billed, stored]


def is_completed(chunk: Reservation, item: Item | None) -> bool:
    """Whether `item`, as a refusal of `complete_chunk` shows it, is this chunk, done by this attempt."""
    return item is not None and item.get("attempt") == chunk.attempt and item.get("state") == "done"


def reservation_from(item: Item) -> Reservation:
    """The chunk stored in `item`, reserved or done."""
    return Reservation(**{name: item[name] for name in Reservation.__struct_fields__ if name in item})


def recognition_from(item: Item) -> Recognition | None:
    """The recognition stored in `item`; None while a provider has the chunk."""
    if item["state"] != "done":
        return None
    words = tuple(
        Word(text, start_ms, end_ms, thousandths / 1000) for text, start_ms, end_ms, thousandths in item["words"]
    )
    return Recognition(item["text"], item["model"], words)


def session_fields(session: Session) -> Item:
    """The values of a stored session, also those that say nothing."""
    plain = replace(session, uses=())
    lists = {
        "providers": list(session.providers),
        "left_out": list(session.left_out),
        "followed_renewals": list(session.followed_renewals),
        "covered_ms": [list(stretch) for stretch in session.covered_ms],
        "inflight": _inflight(session),
    }
    beside = {"uses", *LABELS}
    return {n: v for n, v in asdict(plain).items() if n not in beside} | {"state": session.state.value} | lists


def _inflight(session: Session) -> Item:
    return {chunk.attempt: [chunk.audio_ms, chunk.reserved_at] for chunk in session.inflight}
