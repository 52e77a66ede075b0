"""Saves at the same time, with crashes or wrong clocks: no acknowledged word is lost, and `next_seq` never falls."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

import pytest

from chalicelib import contract
from chalicelib.errors import AppError, ConflictError, NotFoundError, ProviderError, UnavailableError
from chalicelib.models.accounts import Caller
from chalicelib.models.sessions import LARGEST_SEQ, LONGEST_SEQ_STEP
from chalicelib.repositories.sessions import session_from, session_key
from chalicelib.repositories.table import Tables, Write
from chalicelib.repositories.transcripts import SEGMENT_OVERHEAD_BYTES
from chalicelib.streaming.lease_rules import LeaseRules
from chalicelib.streaming.words import MAX_TRANSCRIPT_BYTES
from tests.credits.test_ledger_races import all_at_once
from tests.default_prices import live_credits
from tests.engines import Engine
from tests.fakes import Backend, Clock, FakeLive
from tests.fault_injection import CRASHES, OUTAGES, Crash, Fault, FaultInjector, fail_call, no_faults
from tests.interleaving import interleave, interrupt

Names = tuple[str, str]


@dataclass
class WordsEnv:
    """A listener with one session, whose calls pass through a fault injector; `quiet` looks on without disturbing.

    `saved`: seq → the text of the save that was acknowledged last. `chunks`: the `seq` of those that were acknowledged.
    `next_seqs`: of the leases, in order.
    """

    backend: Backend
    quiet: Backend
    fault_injector: FaultInjector
    caller: Caller
    lease: contract.Lease
    saved: dict[int, str] = field(default_factory=dict)
    chunks: list[int] = field(default_factory=list)
    next_seqs: list[int] = field(default_factory=list)

    @classmethod
    def on(cls, engine: Engine, names: Names, transport: str) -> "WordsEnv":
        fault_injector, clock = FaultInjector(), Clock()
        live = (FakeLive(clock),)
        quiet = Backend.on(Tables(engine.client, *names, pause=lambda _: None), clock, live=live)
        caller = quiet.person(400)
        lease = quiet.start(caller, str(uuid.uuid4()), transport=transport)
        backend = Backend.on(fault_injector.tables(engine, names), clock, live=live)
        return cls(backend, quiet, fault_injector, caller, lease)

    def save(self, *seqs: int, by: Backend | None = None) -> None:
        texts = {seq: f"{seq} {uuid.uuid4()}" for seq in seqs}
        answer = (by or self.backend).streaming.save(self.caller, self.lease.session_id, segments(texts))
        assert answer.rejected == []
        self.saved |= texts

    def stop(self, *seqs: int) -> contract.Stopped:
        texts = {seq: f"{seq} {uuid.uuid4()}" for seq in seqs}
        answer = self.backend.streaming.stop(self.caller, self.lease.session_id, None, segments(texts))
        assert answer.rejected == []
        self.saved |= texts
        return answer

    def renew(self) -> None:
        lease = self.backend.streaming.renew(self.caller, self.lease.session_id, interrupted=True)
        assert lease.next_seq > max([-1, *self.saved, *self.chunks]), "of all that was acknowledged before this answer"
        self.next_seqs.append(lease.next_seq)

    def chunk(self, seq: int) -> None:
        self.backend.send(self.caller, self.lease.session_id, seq)
        self.chunks.append(seq)

    def sweep(self) -> None:
        self.backend.clock.forward(1_000)
        self.backend.streaming.sweep()

    @property
    def next_seq(self) -> int:
        """As a client that has just woken sees it."""
        (session,) = self.quiet.streaming.open_sessions(self.caller).sessions
        return session.next_seq

    @property
    def stored_next_seq(self) -> int:
        """Also of a session that is stopped."""
        item = self.quiet.tables.get(session_key(self.caller.user_id, self.lease.session_id))
        assert item
        return session_from(item).next_seq

    def texts(self) -> dict[int, str]:
        found = self.quiet.transcripts.segments(self.caller.user_id, self.lease.transcript_id)
        return {segment.seq: segment.text for segment in found}

    def check(self) -> None:
        self.quiet.check_invariants(self.caller.user_id)
        assert self.texts().keys() >= self.saved.keys()
        assert self.next_seqs == sorted(self.next_seqs)
        lines, _ = self.quiet.transcripts.page(self.caller.user_id, 100, None)
        item = self.quiet.tables.get(session_key(self.caller.user_id, self.lease.session_id))
        assert item
        covered = next(line.covered_ms for line in lines if line.session_id == self.lease.session_id)
        assert covered == session_from(item).covered_ms
        if item["state"] == "lapsed" and self.saved:
            assert covered[-1][1] >= max(self.saved) * 1_000 + 900, "all of these words were said within the lease"


def segments(texts: dict[int, str]) -> list[contract.SegmentInput]:
    return [
        contract.SegmentInput(seq=seq, start_ms=seq * 1_000, end_ms=seq * 1_000 + 900, text=text)
        for seq, text in texts.items()
    ]


Act = Callable[[WordsEnv], object]
ACTS: dict[str, Act] = {
    "save": lambda env: env.save(3, 5),
    "a later save": lambda env: env.save(3, 9),
    "stop": lambda env: env.stop(3, 7),
    "renew": WordsEnv.renew,
    "sweep": WordsEnv.sweep,
    "chunk": lambda env: env.chunk(20),
    "a later chunk": lambda env: env.chunk(30),
}


def accept_conflicts(act: Act, env: WordsEnv) -> None:
    """Who comes second may be told so."""
    with suppress(ConflictError, UnavailableError):
        act(env)


@pytest.mark.parametrize(
    ("transport", "first", "second"),
    [
        ("direct", "a later save", "sweep"),
        ("direct", "sweep", "a later save"),
        ("direct", "a later save", "renew"),
        ("direct", "save", "a later save"),
        ("direct", "a later save", "save"),
        ("direct", "save", "stop"),
        ("direct", "stop", "save"),
        ("direct", "stop", "stop"),
        ("direct", "save", "renew"),
        ("direct", "renew", "save"),
        ("direct", "renew", "renew"),
        ("relay", "renew", "save"),
        ("relay", "renew", "a later save"),
        ("relay", "renew", "chunk"),
        ("relay", "save", "renew"),
        ("direct", "save", "sweep"),
        ("direct", "sweep", "save"),
        ("direct", "sweep", "stop"),
        ("relay", "save", "chunk"),
        ("relay", "chunk", "a later chunk"),
        ("relay", "a later chunk", "chunk"),
        ("relay", "chunk", "save"),
        ("relay", "stop", "a later chunk"),
    ],
)
def test_no_interleaving_loses_a_saved_word(
    engine: Engine, names: Names, transport: str, first: str, second: str
) -> None:
    def new_env() -> WordsEnv:
        env = WordsEnv.on(engine, names, transport)
        env.save(0, 3)
        return env

    def check(env: WordsEnv) -> None:
        env.check()
        env.backend.clock.forward(-1_000)  # The next process has a clock that is slow.
        env.save(3, 5)
        assert {seq: env.texts()[seq] for seq in (3, 5)} == {seq: env.saved[seq] for seq in (3, 5)}

    acts = [partial(accept_conflicts, ACTS[name]) for name in (first, second)]
    assert interleave(new_env, *acts, check, f"{second} before a call of {first}") >= 2


@pytest.mark.parametrize("slow_seconds", [0, 1, 8, 3_600])
def test_an_acknowledged_later_save_wins_whatever_the_clocks_say(
    engine: Engine, names: Names, slow_seconds: int
) -> None:
    env = WordsEnv.on(engine, names, "direct")

    env.save(3, 4)
    env.backend.clock.forward(-slow_seconds)
    env.save(3)
    env.stop(4)

    assert env.texts() == env.saved


@pytest.mark.parametrize("act", ["save", "stop"])
@pytest.mark.parametrize("fault", [*CRASHES, *OUTAGES])
def test_after_a_crash_at_any_call_a_retry_stores_the_words(
    engine: Engine, names: Names, act: str, fault: Fault
) -> None:
    for number in range(9):
        env = WordsEnv.on(engine, names, "direct")
        env.backend.clock.forward(100)
        env.fault_injector.use_plan(fail_call(number, fault))
        try:
            ACTS[act](env)
            was_hit = len(env.fault_injector.calls) > number
        except (Crash, AppError):
            was_hit = True
        env.fault_injector.use_plan(no_faults)
        ACTS[act](env)
        assert env.texts() == env.saved
        env.check()
        if act == "stop":
            assert (env.stop().billed_seconds, env.quiet.open_holds(env.caller.user_id)) == (100, [])
        if not was_hit:
            return
    raise AssertionError("the command never ran without a fault")


def test_a_save_that_was_held_up_replaces_nothing_that_was_saved_since(engine: Engine, names: Names) -> None:
    """Its client has given up on it and saved the same segments again, and then corrected them."""
    env = WordsEnv.on(engine, names, "direct")

    def save_held_up(env: WordsEnv) -> None:
        env.backend.streaming.save(env.caller, env.lease.session_id, segments({3: "held up"}))

    def save_twice(env: WordsEnv) -> None:
        env.save(3, by=env.quiet)
        env.save(3, by=env.quiet)

    assert interrupt(env, save_held_up, save_twice, at="TransactWriteItems")
    assert env.texts() == env.saved


def test_sixteen_saves_at_once_lose_nothing_and_next_seq_is_above_all(engine: Engine, names: Names) -> None:
    env = WordsEnv.on(engine, names, "direct")

    with all_at_once(16) as run:
        answers = run(lambda number: env.save(number, 100 + number))

    assert answers == [None] * 16
    assert env.texts() == env.saved
    assert env.next_seq == 116
    env.renew()
    assert env.next_seqs == [116]


# next_seq


def test_every_lease_says_where_to_go_on(engine: Engine, names: Names) -> None:
    env = WordsEnv.on(engine, names, "direct")
    assert env.lease.next_seq == env.next_seq == 0

    env.save(0, 7, 2)
    env.renew()
    env.save(1)
    env.sweep()
    env.renew()
    env.save(8)
    again = env.backend.streaming.start(env.caller, contract.Start(transport="direct"), env.lease.session_id, "hash")

    assert (env.next_seqs, env.next_seq) == ([8, 8], 9)
    assert again.next_seq == 9, "a repeated start must not lead its client to the old numbers"
    assert again.token == env.lease.token


@pytest.mark.parametrize("seqs", [[0], [3, 6], [9, 2], [100]])
@pytest.mark.parametrize("act", ["renew", "renew after a lapse"])
def test_a_lease_goes_on_after_what_was_saved_while_its_token_was_created(
    engine: Engine, names: Names, act: str, seqs: list[int]
) -> None:
    """A renewed one: what is saved before the first token is refused (test_words_before_a_token.py)."""
    env = WordsEnv.on(engine, names, "direct")
    if act == "renew after a lapse":
        env.sweep()
    session_id = env.lease.session_id
    shown: list[int] = []

    def save() -> None:
        env.quiet.streaming.save(env.caller, session_id, segments(dict.fromkeys(seqs, "words")))
        found = env.quiet.streaming.open_sessions(env.caller).sessions
        shown.extend(session.next_seq for session in found if session.session_id == session_id)

    provider = FakeLive(env.backend.clock, script=[save])
    backend = Backend.on(env.backend.tables, env.backend.clock, live=(provider,))
    lease = backend.streaming.renew(env.caller, session_id, True, "key", "hash")
    again = backend.streaming.renew(env.caller, session_id, True, "key", "hash")
    assert again == lease

    assert shown == [lease.next_seq] == [max(seqs) + 1]
    assert len(provider.socket_credentials) == 1
    env.quiet.check_invariants(env.caller.user_id)


def test_a_chunk_counts_as_well(engine: Engine, names: Names) -> None:
    env = WordsEnv.on(engine, names, "relay")

    env.chunk(4)
    env.chunk(2)
    env.save(3)

    assert env.next_seq == 5


@pytest.mark.parametrize("odd", [9_999_999_999, 9_999_999, 4_294_967_295, 100_004])
@pytest.mark.parametrize("act", ["save", "stop", "chunk"])
def test_one_odd_seq_does_not_end_the_words_of_its_session(engine: Engine, names: Names, act: str, odd: int) -> None:
    env = WordsEnv.on(engine, names, "relay")
    env.save(2)

    if act == "chunk":
        env.chunk(odd)
    elif act == "save":
        env.save(1, odd)
    else:
        env.stop(1, odd)
    assert set(env.texts()) >= {2, odd}
    env.save(env.stored_next_seq, 1)

    assert env.stored_next_seq == 4
    assert env.texts().keys() == {1, 2, 3, odd}
    assert env.saved.items() <= env.texts().items()


def test_a_client_that_begins_at_a_number_of_its_own_goes_on_there(engine: Engine, names: Names) -> None:
    env = WordsEnv.on(engine, names, "relay")

    env.save(100_000)
    assert env.next_seq == 100_001
    env.chunk(200_001)

    assert env.next_seq == 200_002


def test_a_session_whose_numbers_were_used_up_goes_on(engine: Engine, names: Names) -> None:
    """An earlier release had 9,999,999 as the largest `seq`."""
    env = WordsEnv.on(engine, names, "relay")
    key = session_key(env.caller.user_id, env.lease.session_id)
    env.quiet.tables.write(Write(key, put_in={"next_seq": 10_000_000}))

    env.save(10_000_000)
    env.chunk(10_000_001)
    env.save(0)

    assert env.next_seq == 10_000_002
    assert env.texts().keys() == {0, 10_000_000, 10_000_001}


def test_no_words_that_a_session_can_keep_use_up_its_numbers() -> None:
    segments_of_a_session = MAX_TRANSCRIPT_BYTES // SEGMENT_OVERHEAD_BYTES

    assert (segments_of_a_session + 1) * (LONGEST_SEQ_STEP + 1) < LARGEST_SEQ
    assert segments_of_a_session < LONGEST_SEQ_STEP


# Open sessions


def test_a_client_that_wakes_finds_what_it_left_open(backend: Backend, clock: Clock) -> None:
    ada, grace = backend.person(500), backend.person(500)
    lapsed = backend.start(ada, transport="direct", lease_seconds=60)
    clock.forward(200)
    backend.streaming.sweep()
    stopped, running = backend.start(ada), backend.start(ada, transport="direct", lease_seconds=120)
    backend.streaming.stop(ada, stopped.session_id)
    backend.start(grace)
    backend.streaming.save(ada, running.session_id, segments({4: "words"}))

    found = backend.streaming.open_sessions(ada).sessions

    shown = {s.session_id: (s.transcript_id, s.state, s.next_seq, s.credits_held, s.lease_expires_at) for s in found}
    assert shown == {
        running.session_id: (running.transcript_id, "active", 5, live_credits(120), running.lease_expires_at),
        lapsed.session_id: (lapsed.transcript_id, "lapsed", 0, 0, lapsed.lease_expires_at),
    }
    assert found[0].session_id == running.session_id, "newest first"
    clock.forward(86_400 - 100)  # The older one can no longer be resumed.
    assert [s.session_id for s in backend.streaming.open_sessions(ada).sessions] == [running.session_id]
    backend.history.delete(ada, lapsed.transcript_id)
    backend.streaming.stop(ada, running.session_id)
    assert backend.streaming.open_sessions(ada).sessions == []


def test_a_start_that_no_provider_answers_leaves_no_open_session(tables: Tables, clock: Clock) -> None:
    backend = Backend.on(tables, clock, live=(FakeLive(clock, script=[ProviderError("down")]),))
    ada = backend.person(200)

    with pytest.raises(ProviderError):
        backend.start(ada, transport="direct")

    assert backend.streaming.open_sessions(ada).sessions == []


def test_a_chunk_of_a_session_that_was_just_deleted_is_404(engine: Engine, names: Names) -> None:
    env = WordsEnv.on(engine, names, "relay")

    def stop_and_delete(env: WordsEnv) -> None:
        env.quiet.streaming.stop(env.caller, env.lease.session_id)
        env.quiet.history.delete(env.caller, env.lease.transcript_id)

    with pytest.raises(NotFoundError):
        interrupt(env, lambda env: env.chunk(0), stop_and_delete, at=1)


def test_two_forgotten_starts_hold_no_more_than_two_leases(backend: Backend) -> None:
    """With the lease that a stage has by default."""
    rules = LeaseRules()
    streaming = replace(backend.streaming, rules=rules, leases=replace(backend.streaming.leases, rules=rules))
    ada = backend.person(200)

    leases = [
        streaming.start(ada, contract.Start(transport=transport), str(uuid.uuid4()), "hash")
        for transport in ("direct", "relay")
    ]

    held = live_credits(300)
    assert [(lease.lease_seconds, lease.credits_held) for lease in leases] == [(300, held), (300, held)]
    assert backend.ledger.balance(ada.user_id).available == 200 - 2 * held


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as made:
        yield made
