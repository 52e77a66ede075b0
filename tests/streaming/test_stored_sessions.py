"""What is stored of a session: small enough for the writes of every minute, and readable in the form it had before."""

import hashlib
import uuid
from dataclasses import dataclass, field

import pytest
from msgspec import structs

from benchmarks.capacity import WRITE_BYTES, item_bytes
from chalicelib import contract
from chalicelib.errors import ConflictError, IdempotencyMismatchError
from chalicelib.models.accounts import Caller
from chalicelib.models.sessions import LiveOptions, SocketCredential, TurnSettings
from chalicelib.repositories.expressions import serialize
from chalicelib.repositories.session_responses import renewal_key, start_key
from chalicelib.repositories.sessions import create_session, session_fields, session_from, session_key
from chalicelib.repositories.table import Item, Tables, Write
from chalicelib.repositories.transcripts import put_segments
from chalicelib.streaming.segments import read_segments
from tests.fakes import Backend, Clock, FakeLive

BODY_HASH, OTHER_HASH = (hashlib.sha256(text.encode()).hexdigest() for text in ("body", "other"))
LEASE = {"transport": "direct", "lease_seconds": 300}
LONG_LABELS = {
    "title": "語" * 200,
    "source_url": f"https://talks.example/{'x' * 1_900}",
    "language": "en",
    "key_terms": ["x" * 50] * 100,
    "turn": contract.Turn(silence_ms=1_000, max_silence_ms=2_000, confidence=0.5),
}
SEGMENTS = [contract.SegmentInput(seq=n, start_ms=n, end_ms=n + 1, text=f"word {n}") for n in range(3)]


@dataclass
class RecordingLive(FakeLive):
    """Its tokens and addresses are as long as a provider's; remembers what its sockets were asked for."""

    options: list[LiveOptions] = field(default_factory=list)

    def create_socket_credential(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        self.options.append(options)
        given = super().create_socket_credential(lease_seconds, options)
        address = f"wss://live.example/?{'&'.join(options.key_terms)}"
        return SocketCredential(
            given.provider, given.model, address, given.token * 40, given.token_expires_at, given.longest_lease_seconds
        )


@pytest.fixture
def live(clock: Clock) -> RecordingLive:
    return RecordingLive(clock)


@pytest.fixture
def backend(tables: Tables, clock: Clock, live: RecordingLive) -> Backend:
    return Backend.on(tables, clock, live=[live])


@pytest.fixture
def ada(backend: Backend) -> Caller:
    return backend.person(2_000)


def load_session(backend: Backend, caller: Caller, session_id: str) -> Item:
    item = backend.tables.get(session_key(caller.user_id, session_id))
    assert item
    return item


def start(backend: Backend, caller: Caller, session_id: str, body_hash: str = BODY_HASH) -> contract.Lease:
    return backend.streaming.start(caller, contract.Start(**LEASE, **LONG_LABELS), session_id, body_hash)


def renew(
    backend: Backend, caller: Caller, session_id: str, renewal: str, body_hash: str = BODY_HASH
) -> contract.Lease:
    return backend.streaming.renew(caller, session_id, True, renewal, body_hash)


# Size


@pytest.mark.parametrize("transport", ["direct", "relay"])
@pytest.mark.parametrize("labels", [{}, LONG_LABELS], ids=["without labels", "with long labels"])
def test_a_session_of_an_hour_stays_below_a_kilobyte(
    backend: Backend, ada: Caller, transport: str, labels: dict[str, object]
) -> None:
    body = contract.Start(transport=transport, lease_seconds=300, **labels)
    session_id = str(uuid.uuid4())
    backend.streaming.start(ada, body, session_id, BODY_HASH)
    sizes = []
    for minute in range(60):
        backend.clock.forward(60)
        if minute % 5 == 4:
            renew(backend, ada, session_id, str(uuid.uuid4()))
        if transport == "relay":
            backend.send(ada, session_id, 1_000 + minute)
        backend.streaming.save(ada, session_id, [SEGMENTS[0]])
        sizes.append(item_bytes(serialize(load_session(backend, ada, session_id))))

    assert max(sizes) < WRITE_BYTES


# The form before


def store_in_old_form(backend: Backend, caller: Caller, session_id: str, renewals: list[str]) -> None:
    """As the release before stored this session: all of it in one item, with whole hashes and keys."""
    keys = start_key(caller.user_id, session_id), renewal_key(caller.user_id, session_id)
    first, renewed = (backend.tables.get(key) or {} for key in keys)
    item = load_session(backend, caller, session_id)
    old = session_fields(session_from(item)) | item | {name: first[name] for name in ("key_terms", "turn")}
    old |= {"first_answer": first["response"], "body_hash": BODY_HASH}
    if renewals:
        old |= {"renewal_answer": renewed["response"], "renewal_hash": BODY_HASH, "followed_renewals": renewals[:-1]}
    if old["saved_hash"]:
        old["saved_hash"] = old["saved_hash"].ljust(64, "0")
    backend.tables.write(Write(session_key(caller.user_id, session_id), item=old))
    backend.tables.delete_many(keys)


def test_a_start_and_a_renewal_stored_before_return_their_responses(
    backend: Backend, ada: Caller, live: RecordingLive
) -> None:
    started = start(backend, ada, "session-1")
    renewed = renew(backend, ada, "session-1", "renewal-1")
    store_in_old_form(backend, ada, "session-1", ["renewal-1"])

    assert start(backend, ada, "session-1") == started
    assert renew(backend, ada, "session-1", "renewal-1") == renewed
    assert len(live.socket_credentials) == 2
    for repeat in (
        lambda: start(backend, ada, "session-1", OTHER_HASH),
        lambda: renew(backend, ada, "session-1", "renewal-1", OTHER_HASH),
    ):
        with pytest.raises(IdempotencyMismatchError):
            repeat()


def test_a_session_stored_before_is_renewed_with_its_labels(backend: Backend, ada: Caller, live: RecordingLive) -> None:
    start(backend, ada, "session-1")
    keys = ["1f2e3d4c-renewal", "5a6b7c8d-renewal"]
    for key in keys:
        renew(backend, ada, "session-1", key)
    store_in_old_form(backend, ada, "session-1", keys)

    following = renew(backend, ada, "session-1", "9a8b7c6d-renewal")

    assert renew(backend, ada, "session-1", "9a8b7c6d-renewal") == following
    for key in keys:
        with pytest.raises(ConflictError, match="renewed again"):
            renew(backend, ada, "session-1", key)
    assert len(live.options) == 4
    assert len({options.key_terms for options in live.options}) == len({options.turn for options in live.options}) == 1
    assert "renewal_answer" not in load_session(backend, ada, "session-1")
    backend.check_invariants(ada.user_id)


def test_a_lease_that_the_release_before_renewed_since_has_the_later_response(backend: Backend, ada: Caller) -> None:
    """After a way back: its response is in the session, and an older one is beside it."""
    start(backend, ada, "session-1")
    renew(backend, ada, "session-1", "renewal-1")
    key = renewal_key(ada.user_id, "session-1")
    older = backend.tables.get(key)
    assert older
    newest = renew(backend, ada, "session-1", "renewal-2")
    store_in_old_form(backend, ada, "session-1", ["renewal-1", "renewal-2"])
    backend.tables.write(Write(key, item=older))

    assert renew(backend, ada, "session-1", "renewal-2") == newest


def test_a_save_stored_before_is_acknowledged_and_not_stored_again(backend: Backend, ada: Caller) -> None:
    start(backend, ada, "session-1")
    saved = backend.streaming.save(ada, "session-1", SEGMENTS)
    store_in_old_form(backend, ada, "session-1", [])
    before = load_session(backend, ada, "session-1")

    again = backend.streaming.save(ada, "session-1", SEGMENTS)

    assert again.saved == saved.saved
    assert load_session(backend, ada, "session-1") == before


def test_a_session_stored_before_stops_as_any_other(backend: Backend, ada: Caller) -> None:
    lease = start(backend, ada, "session-1")
    store_in_old_form(backend, ada, "session-1", [])
    backend.clock.forward(60)

    stopped = backend.streaming.stop(ada, "session-1")
    backend.history.delete(ada, lease.transcript_id)

    assert stopped.billed_seconds == 60
    backend.check_invariants(ada.user_id)


def test_deleting_a_transcript_deletes_what_is_stored_beside_its_session(backend: Backend, ada: Caller) -> None:
    lease = start(backend, ada, "session-1")
    renew(backend, ada, "session-1", "renewal-1")
    keys = [start_key(ada.user_id, "session-1"), renewal_key(ada.user_id, "session-1")]
    assert all(backend.tables.get_many(keys))
    backend.streaming.stop(ada, "session-1")

    backend.history.delete(ada, lease.transcript_id)

    assert backend.tables.get_many([*keys, session_key(ada.user_id, "session-1")]) == [None] * 3


# Words


def test_a_field_without_a_default_is_stored_whatever_it_is(backend: Backend, ada: Caller) -> None:
    start(backend, ada, "session")
    session = session_from(load_session(backend, ada, "session"))
    empty = {name: type(getattr(session, name))() for name in ("held", "lease_seconds", "requested_lease_seconds")}
    emptied = structs.replace(session, price_version="", **empty)

    stored = create_session(emptied).item

    assert stored is not None
    assert session_from(stored) == structs.replace(emptied, key_terms=(), turn=TurnSettings())


def test_words_are_read_whether_they_are_packed_or_not(backend: Backend, ada: Caller) -> None:
    lease = start(backend, ada, "session-1")
    rows = list(read_segments(SEGMENTS[:2]).segments.values())
    backend.tables.write(put_segments(ada.user_id, lease.transcript_id, "0" * 26, rows))
    backend.streaming.save(ada, "session-1", SEGMENTS[1:])

    items = backend.tables.query_all("app", f"USER#{ada.user_id}", f"SEGMENT#{lease.transcript_id}#")
    found = backend.transcripts.segments(ada.user_id, lease.transcript_id)

    assert [{"packed", "segments"} & item.keys() for item in items] == [{"segments"}, {"packed"}]
    assert [segment.text for segment in found] == ["word 0", "word 1", "word 2"]
