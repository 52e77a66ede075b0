"""Live sessions and the chunks they relay, as items and writes of the app table.

`USER#<id>` / `SESSION#<id>` is the session, with a map of the chunks that are with providers now;
`SEGMENT#<transcript>#C#<seq>` is a relayed chunk, first reserved, then done.
Every write states what it saw, so that a stop, a renewal, a sweep and a chunk may race and one of them wins.
"""

from typing import Any

from boto3.dynamodb.conditions import Attr
from msgspec.structs import asdict, replace

from ..models.ledger import ModelUse
from ..models.sessions import InFlight, Reservation, Session, SessionState
from ..models.transcripts import Recognition, Word
from .table import Item, ItemKey, Path, Write

SESSION = "SESSION#"
USE_MS, USE_COST = "use_ms:", "use_cost:"


def session_key(user_id: str, session_id: str) -> ItemKey:
    return ItemKey("app", f"USER#{user_id}", f"{SESSION}{session_id}")


def chunk_key(session: Session, seq: int) -> ItemKey:
    return ItemKey("app", f"USER#{session.user_id}", f"SEGMENT#{session.transcript_id}#C#{seq:010d}")


def session(item: Item) -> Session:
    """The session that was read."""
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
        "followed_renewals": tuple(item.get("followed_renewals", ())),
        "covered_ms": tuple((start, end) for start, end in item.get("covered_ms", ())),
        "inflight": tuple(InFlight(attempt, *chunk) for attempt, chunk in sorted(item["inflight"].items())),
    }
    return Session(**fields | lists)


def opening(session: Session, first_answer: str | None) -> Write:
    """A new session. The first answer is kept, now or later: the same request again gets it again."""
    return Write(
        session_key(session.user_id, session.session_id),
        item=_fields(session) | ({"first_answer": first_answer} if first_answer else {}),
        when=Attr("pk").not_exists(),
    )


def moved_on(before: Session, after: Session, answer: str | None = None) -> Write:
    """The session after its lease began, was renewed or ended, if nothing happened to it since `before` was read.

    `answer` is what the client is told of a lease that begins; the same wish again gets it again.
    """
    old, new = _fields(before), _fields(after)
    changed: dict[Path, Any] = {name: value for name, value in new.items() if old[name] != value}
    dropped: list[Path] = [prefix + use.model for use in before.uses for prefix in (USE_MS, USE_COST)]
    if answer:
        changed[answer_name(after)] = answer
    elif after.lease_number > before.lease_number:
        dropped.append(answer_name(after))  # That of the lease before must not stand for this one.
    same = (
        Attr("state").eq(before.state.value)
        & Attr("lease_number").eq(before.lease_number)
        & Attr("done_ms").eq(before.done_ms)
        & Attr("inflight").eq(_inflight(before))
        & Attr("free_ms").eq(before.free_ms)
    )
    return Write(session_key(before.user_id, before.session_id), put_in=changed, drop=dropped, when=same)


def answer_name(session: Session) -> str:
    """The attribute that keeps the answer of the current lease: the first one's stays for the session's whole life."""
    return "first_answer" if session.lease_number == 1 else "renewal_answer"


def erasing(opened: Session) -> Write:
    """No session at all, if it is still as it was opened."""
    unchanged = Attr("state").eq(opened.state.value) & Attr("lease_number").eq(opened.lease_number)
    return Write(session_key(opened.user_id, opened.session_id), delete=True, when=unchanged)


def saved(session: Session, size: int, room: int, at: int, words_until_ms: int) -> Write:
    """`size` bytes of words were saved, if no more than `room` were before. Of two at once the later one is noted."""
    has_room = Attr("saved_bytes").not_exists() | Attr("saved_bytes").lte(room)
    key = session_key(session.user_id, session.session_id)
    noted: dict[Path, Any] = {"last_saved_at": at, "words_until_ms": words_until_ms}
    return Write(key, put_in=noted, add={"saved_bytes": size}, when=Attr("pk").exists() & has_room)


# Relayed chunks


def reserving(session: Session, chunk: Reservation, instead_of: Reservation | None) -> list[Write]:
    """Take the chunk's milliseconds out of the lease, and its `seq`, before any provider is asked.

    `instead_of` is a stale reservation of the same `seq` to take over; what the session still counts for it is freed.
    """
    stale = next((c for c in session.inflight if instead_of and c.attempt == instead_of.attempt), None)
    taken = chunk.audio_ms - (stale.audio_ms if stale else 0)
    has_room = (
        Attr("state").eq(SessionState.ACTIVE.value)
        & Attr("lease_number").eq(session.lease_number)
        & Attr("lease_expires_at").gt(chunk.reserved_at)
        & Attr("free_ms").gte(taken)
    )
    room = Write(
        session_key(session.user_id, session.session_id),
        put_in={
            "last_reserved_at": chunk.reserved_at,
            ("inflight", chunk.attempt): [chunk.audio_ms, chunk.reserved_at],
        },
        add={"free_ms": -taken},
        drop=[("inflight", stale.attempt)] if stale else (),
        when=has_room & Attr(f"inflight.{stale.attempt}").exists() if stale else has_room,
    )
    unclaimed = Attr("attempt").eq(instead_of.attempt) if instead_of else Attr("pk").not_exists()
    return [room, Write(chunk_key(session, chunk.seq), item=asdict(chunk) | {"state": "reserved"}, when=unclaimed)]


def giving_back(session: Session, chunk: Reservation) -> list[Write]:
    """Undo a reservation whose provider call failed; nothing of the chunk stays behind."""
    return [
        Write(
            session_key(session.user_id, session.session_id),
            add={"free_ms": chunk.audio_ms},
            drop=[("inflight", chunk.attempt)],
            when=Attr(f"inflight.{chunk.attempt}").exists(),
        ),
        Write(chunk_key(session, chunk.seq), delete=True, when=Attr("attempt").eq(chunk.attempt)),
    ]


def completing(session: Session, chunk: Reservation, heard: Recognition, cost_micro_usd: int) -> list[Write]:
    """Bill the chunk to the session and keep its words, if the session still counts it as under way."""
    billed = Write(
        session_key(session.user_id, session.session_id),
        add={
            "done_ms": chunk.audio_ms,
            USE_MS + heard.model: chunk.audio_ms,
            USE_COST + heard.model: cost_micro_usd,
        },
        drop=[("inflight", chunk.attempt)],
        when=Attr("state").eq(SessionState.ACTIVE.value) & Attr(f"inflight.{chunk.attempt}").exists(),
    )
    words = [[word.text, word.start_ms, word.end_ms, round(word.confidence * 1000)] for word in heard.words]
    stored = Write(
        chunk_key(session, chunk.seq),
        put_in={"state": "done", "text": heard.text, "words": words, "model": heard.model},
        when=Attr("attempt").eq(chunk.attempt) & Attr("state").eq("reserved"),
    )
    return [billed, stored]


def reservation(item: Item) -> Reservation:
    """The chunk that was read, reserved or done."""
    return Reservation(**{name: item[name] for name in Reservation.__struct_fields__})


def recognition(item: Item) -> Recognition | None:
    """What was heard in the chunk that was read; None while a provider has it."""
    if item["state"] != "done":
        return None
    words = tuple(
        Word(text, start_ms, end_ms, thousandths / 1000) for text, start_ms, end_ms, thousandths in item["words"]
    )
    return Recognition(item["text"], item["model"], words)


def _fields(session: Session) -> Item:
    plain = replace(session, uses=())
    lists = {
        "key_terms": list(session.key_terms),
        "followed_renewals": list(session.followed_renewals),
        "covered_ms": [list(stretch) for stretch in session.covered_ms],
        "inflight": _inflight(session),
    }
    return {n: v for n, v in asdict(plain).items() if n != "uses"} | {"state": session.state.value} | lists


def _inflight(session: Session) -> Item:
    return {chunk.attempt: [chunk.audio_ms, chunk.reserved_at] for chunk in session.inflight}
