"""Words that are sent again: a session never stores more bytes than it counts, and rejects nothing that it stores."""

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from chalicelib import contract
from chalicelib.models.accounts import Caller
from chalicelib.models.sessions import Session
from chalicelib.repositories.sessions import session_from, session_key
from chalicelib.repositories.table import Tables
from chalicelib.repositories.transcripts import segments_in
from chalicelib.streaming.lease_rules import LeaseRules
from chalicelib.streaming.segments import MAX_BLOCK_BYTES
from chalicelib.streaming.words import COMPARISONS_PER_DAY
from tests.engines import IN_PROCESS, Engine
from tests.fakes import Backend, Clock
from tests.interleaving import interleave
from tests.streaming.direct_env import StreamingEnv
from tests.streaming.test_words import FULL, full_segments, reasons, save, segment, stored_segments
from tests.streaming.test_words_races import Names, WordsEnv, segments

SIZES = (1, 9_900, 19_900)  # of texts; the largest count as 20,000 bytes


def stored_session(backend: Backend, caller: Caller, lease: contract.Lease) -> Session:
    item = backend.tables.get(session_key(caller.user_id, lease.session_id))
    assert item
    return session_from(item)


def bytes_of_blocks(backend: Backend, caller: Caller, lease: contract.Lease) -> int:
    """Of all that is stored, also where a later block replaces it."""
    prefix = f"SEGMENT#{lease.transcript_id}#S#"
    blocks = list(backend.tables.query_all("app", f"USER#{caller.user_id}", prefix))
    sizes = [sum(len(f"{s.text}{s.speaker}".encode()) + 100 for s in segments_in(block)) for block in blocks]
    assert max(sizes, default=0) <= MAX_BLOCK_BYTES
    return sum(sizes)


def check_bytes(backend: Backend, caller: Caller, lease: contract.Lease) -> None:
    assert bytes_of_blocks(backend, caller, lease) == stored_session(backend, caller, lease).saved_bytes


def text_of(seq: int, variant: int, size: int) -> str:
    return f"{seq} {variant} ".ljust(size, "x")[:size]


pieces = st.tuples(st.integers(0, 19), st.integers(0, 1), st.sampled_from(SIZES))
requests = st.lists(pieces, min_size=1, max_size=18, unique_by=lambda piece: piece[0])
doubled_requests = st.lists(pieces, min_size=1, max_size=18)
steps = st.tuples(
    st.sampled_from(["new", "new", "again", "earlier again", "part again"]), requests, st.sampled_from([0, 1, 60])
)


@pytest.mark.long
@pytest.mark.parametrize("end", ["save", "stop"])
@settings(max_examples=60, deadline=None)
@given(history=st.lists(steps, min_size=2, max_size=10))
def test_repeats_in_any_order_store_no_byte_for_nothing(end: str, history: list[Any]) -> None:
    """A model keeps what was acknowledged."""
    with Engine(IN_PROCESS).tables() as names:
        clock = Clock()
        backend = Backend.on(Tables(Engine(IN_PROCESS).client, *names), clock)
        ada = backend.person(500)
        lease = backend.start(ada, transport="direct")
        expected: dict[int, str] = {}
        sent: list[list[tuple[int, str]]] = []
        for number, (kind, new, seconds) in enumerate(history):
            clock.forward(seconds)
            request = [(seq, text_of(seq, variant, size)) for seq, variant, size in new]
            if sent and kind != "new":
                earlier = sent[0 if kind == "earlier again" else -1]
                request = earlier if kind != "part again" else [*earlier[::2], *request][:18]
            if len({seq for seq, _ in request}) < len(request):
                request = list(dict(request).items())
            sent.append(request)
            body = [segment(seq, text) for seq, text in request]
            answer: contract.Saved | contract.Stopped
            if end == "stop" and number == len(history) - 1:
                answer = backend.streaming.stop(ada, lease.session_id, None, body)
            else:
                answer = save(backend, ada, lease, *body)
            rejected = {piece.seq for piece in answer.rejected}
            expected |= {seq: text for seq, text in request if seq not in rejected}
            stored = {seq: piece.text for seq, piece in stored_segments(backend, ada, lease).items()}
            assert stored == expected
            assert not {seq for seq, text in request if stored.get(seq) == text} & rejected
            check_bytes(backend, ada, lease)


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(history=st.lists(doubled_requests, min_size=1, max_size=3))
def test_a_seq_twice_in_one_request_ends_as_its_last_stored_words(history: list[Any]) -> None:
    """Each request is sent three times; from the second time on, it has more room."""
    with Engine(IN_PROCESS).tables() as names:
        clock = Clock()
        backend = Backend.on(Tables(Engine(IN_PROCESS).client, *names), clock)
        ada = backend.person(500)
        lease = backend.start(ada, transport="direct")
        save(backend, ada, lease, *full_segments(100, 10))
        for request in history:
            body = [segment(seq, text_of(seq, variant, size)) for seq, variant, size in request]
            for seconds in (0, 120, 0):
                clock.forward(seconds)
                rejected = [piece.seq for piece in save(backend, ada, lease, *body).rejected]
                check_bytes(backend, ada, lease)
                last = {piece.seq: piece.text for piece in body}
                stored = stored_segments(backend, ada, lease)
                assert all(stored[seq].text == text for seq, text in last.items() if seq not in rejected)


def test_a_repeat_that_stores_one_more_segment_adds_that_one_only(streaming_env: StreamingEnv) -> None:
    """The words that are stored were once written again with it, as often as a second had passed."""
    backend, clock = streaming_env.backend, streaming_env.clock
    ada = backend.person(500)
    lease = streaming_env.start(ada)
    words = [*full_segments(0, 13), *(segment(seq, "x" * 500) for seq in range(20, 60))]
    save(backend, ada, lease, *words)

    for _ in range(20):
        clock.forward(3)
        save(backend, ada, lease, *words)

    check_bytes(backend, ada, lease)
    assert bytes_of_blocks(backend, ada, lease) < 280_000


def test_a_repeat_names_no_stored_words_as_rejected_where_more_have_room_now(streaming_env: StreamingEnv) -> None:
    """With the new ones before them, the stored ones no longer fit into one block."""
    backend = streaming_env.backend
    ada = backend.person(500)
    lease = streaming_env.start(ada)
    save(backend, ada, lease, *full_segments(50, 6))
    words = [*full_segments(0, 6), segment(6, "x" * 19_000), *full_segments(7, 6)]
    first = save(backend, ada, lease, *words)
    assert first.rejected

    streaming_env.clock.forward(290)
    again = save(backend, ada, lease, *words)

    assert not set(first.saved) & set(reasons(again))
    assert set(again.saved) >= set(first.saved)
    check_bytes(backend, ada, lease)


def test_the_repeat_of_an_earlier_save_is_acknowledged_though_nothing_more_fits(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    first, second = full_segments(0, 7), full_segments(7, 6)
    save(backend, ada, lease, *first)
    save(backend, ada, lease, *second)
    before = stored_session(backend, ada, lease)

    again = save(backend, ada, lease, *first)
    grown = save(backend, ada, lease, *second, segment(13, "short"), *full_segments(14, 1))

    assert (again.saved, again.rejected) == ([*range(7)], [])
    assert (grown.saved, reasons(grown)) == ([*range(7, 14)], {14: "words_limit"})
    assert stored_session(backend, ada, lease).saved_bytes == before.saved_bytes + 105
    check_bytes(backend, ada, lease)


@pytest.mark.parametrize("act", ["save", "stop"])
@pytest.mark.parametrize("too_much", [0, 1, 10**9])
def test_a_repeat_is_acknowledged_though_the_bytes_of_the_day_are_used(
    backend: Backend, act: str, too_much: int
) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    save(backend, ada, lease, *full_segments(0, 2))
    save(backend, ada, lease, segment(2))
    sent_today = LeaseRules().words_bytes_per_day + too_much
    words = [*full_segments(0, 2), segment(3), segment(2, "another word")]

    again = (
        backend.streaming.save(ada, lease.session_id, words, sent_today)
        if act == "save"
        else backend.streaming.stop(ada, lease.session_id, None, words, sent_today)
    )

    assert reasons(again) == {3: "words_limit", 2: "words_limit"}
    assert stored_session(backend, ada, lease).saves == 2
    check_bytes(backend, ada, lease)


def test_the_repeat_of_an_odd_seq_is_acknowledged_though_nothing_more_fits(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    odd = segment(9_999_999, FULL)
    save(backend, ada, lease, odd)
    save(backend, ada, lease, *full_segments(0, 12))

    again = save(backend, ada, lease, odd)

    assert (again.saved, again.rejected) == ([9_999_999], [])
    check_bytes(backend, ada, lease)


def test_a_late_stop_names_no_words_of_an_earlier_save_as_rejected(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    save(backend, ada, lease, segment(0), segment(1))
    save(backend, ada, lease, segment(2))
    backend.streaming.stop(ada, lease.session_id)
    backend.clock.forward(3_600)

    late = backend.streaming.stop(ada, lease.session_id, None, [segment(0), segment(1, "other words"), segment(3)])

    assert reasons(late) == {1: "session_stopped", 3: "session_stopped"}


def test_other_words_of_a_stored_place_replace_them_and_count(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    save(backend, ada, lease, segment(0, "first words"), segment(1))
    save(backend, ada, lease, segment(0, "other words"))
    save(backend, ada, lease, segment(0, "first words"), segment(1))

    assert stored_segments(backend, ada, lease)[0].text == "first words"
    assert stored_session(backend, ada, lease).saves == 3
    check_bytes(backend, ada, lease)


def test_an_earlier_save_is_no_repeat_once_its_words_were_replaced(backend: Backend) -> None:
    """Nothing more fits, so they are rejected, and only the ones that are stored are acknowledged."""
    ada = backend.person(200)
    lease = backend.start(ada)
    first = full_segments(0, 11)
    save(backend, ada, lease, *first)
    save(backend, ada, lease, segment(3, "y" * 19_900), segment(4, "y" * 19_900))

    again = save(backend, ada, lease, *first)

    assert reasons(again) == {3: "words_limit", 4: "words_limit"}
    assert stored_segments(backend, ada, lease)[3].text[0] == "y"


def test_comparing_with_what_is_stored_is_bounded_and_costs_two_calls(engine: Engine, names: Names) -> None:
    env = WordsEnv.on(engine, names, "relay")
    save(env.quiet, env.caller, env.lease, *full_segments(0, 13))
    save(env.quiet, env.caller, env.lease, segment(20))

    def calls_of(*body: contract.SegmentInput) -> list[str]:
        env.fault_injector.calls.clear()
        save(env.backend, env.caller, env.lease, *body)
        return list(env.fault_injector.calls)

    assert len(calls_of(segment(21))) == 2
    assert len(calls_of(*full_segments(30, 1))) == 1, "a place above all that are stored is not stored"
    compared = [calls_of(*full_segments(0, 1)) for _ in range(COMPARISONS_PER_DAY + 1)]
    assert [calls[1:] for calls in compared] == [["UpdateItem", "Query"]] * COMPARISONS_PER_DAY + [["UpdateItem"]]


# At once


@pytest.mark.parametrize("first_act", ["save", "stop"])
@pytest.mark.parametrize("second_act", ["save", "stop"])
def test_the_same_words_at_once_are_stored_and_counted_once(
    engine: Engine, names: Names, first_act: str, second_act: str
) -> None:
    body = segments({0: "some words", 1: "and more"})

    def send(act: str, env: WordsEnv) -> None:
        backend = env.backend if act == first_act else env.quiet
        if act == "save":
            answer: Any = backend.streaming.save(env.caller, env.lease.session_id, body)
        else:
            answer = backend.streaming.stop(env.caller, env.lease.session_id, None, body)
        assert answer.rejected == []

    def check(env: WordsEnv) -> None:
        session = stored_session(env.quiet, env.caller, env.lease)
        assert (session.saves, session.saved_bytes) == (1, 218)
        check_bytes(env.quiet, env.caller, env.lease)
        assert env.texts() == {0: "some words", 1: "and more"}

    interleave(
        lambda: WordsEnv.on(engine, names, "direct"),
        partial(send, first_act),
        partial(send, second_act),
        check,
        f"{second_act} before a call of {first_act}",
    )


@pytest.mark.parametrize("between", ["another save", "the same repeat"])
def test_a_repeat_that_stores_more_is_judged_again_where_a_save_came_between(
    engine: Engine, names: Names, between: str
) -> None:
    words = full_segments(0, 11)

    def new_env() -> WordsEnv:
        env = WordsEnv.on(engine, names, "direct")
        save(env.quiet, env.caller, env.lease, *full_segments(20, 3))
        assert reasons(save(env.quiet, env.caller, env.lease, *words)) == {10: "words_limit"}
        env.quiet.clock.forward(290)
        return env

    def repeat(backend: Backend, env: WordsEnv) -> None:
        assert save(backend, env.caller, env.lease, *words).rejected == []

    def come_between(env: WordsEnv) -> None:
        if between == "the same repeat":
            repeat(env.quiet, env)
        else:
            save(env.quiet, env.caller, env.lease, segment(0, "other"))

    def check(env: WordsEnv) -> None:
        check_bytes(env.quiet, env.caller, env.lease)
        assert env.texts()[0] in ("other", words[0].text)
        assert {seq: env.texts()[seq] for seq in range(1, 11)} == {seq: words[seq].text for seq in range(1, 11)}
        if between == "the same repeat":
            assert stored_session(env.quiet, env.caller, env.lease).saved_bytes == 14 * 20_000

    interleave(new_env, lambda env: repeat(env.backend, env), come_between, check, f"{between} before a call")
