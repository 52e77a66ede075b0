"""The words of a session: how many are kept, last words, late words, and the bounds of what is kept."""

from typing import Any

import msgspec
import pytest

from chalicelib import contract
from chalicelib.errors import ConflictError, NotFoundError
from chalicelib.models.accounts import Caller
from chalicelib.models.transcripts import Segment
from chalicelib.repositories.sessions import session_key
from chalicelib.repositories.transcripts import put_segments
from chalicelib.streaming.lease_rules import LeaseRules
from chalicelib.streaming.segments import MAX_BLOCK_BYTES
from chalicelib.streaming.words import BASE_BYTES, BYTES_PER_MINUTE, MAX_TRANSCRIPT_BYTES
from tests.default_prices import live_credits
from tests.fakes import Backend
from tests.streaming.direct_env import StreamingEnv

OVERHEAD = 100
FULL = "x" * (20_000 - OVERHEAD)  # 20,000 bytes as they are counted


def segment(seq: int = 0, text: contract.Scalar = "a word", **fields: Any) -> contract.SegmentInput:
    """As a body of JSON names it."""
    body = {"seq": seq, "start_ms": seq * 1_000, "end_ms": seq * 1_000 + 900, "text": text} | fields
    return msgspec.json.decode(msgspec.json.encode(body), type=contract.SegmentInput)


def save(env: Backend, caller: Caller, lease: contract.Lease, *segments: contract.SegmentInput) -> contract.Saved:
    return env.streaming.save(caller, lease.session_id, list(segments))


def stored_segments(backend: Backend, caller: Caller, lease: contract.Lease) -> dict[int, Segment]:
    return {stored.seq: stored for stored in backend.transcripts.segments(caller.user_id, lease.transcript_id)}


def reasons(response: contract.Saved | contract.Stopped) -> dict[Any, str]:
    return {rejected.seq: rejected.reason for rejected in response.rejected}


def full_segments(first: int, count: int) -> list[contract.SegmentInput]:
    return [segment(seq, FULL) for seq in range(first, first + count)]


@pytest.mark.parametrize("old_block", ["01JDVN3Z6Q0000000000000000", "01" + "Z" * 24, "7" + "Z" * 25, "0" * 26])
def test_a_save_replaces_the_words_of_blocks_that_have_no_number(backend: Backend, old_block: str) -> None:
    """They are those of sessions that were open when numbers came: named by a time alone."""
    ada = backend.person(200)
    lease = backend.start(ada)
    old = [Segment(seq, seq, seq, "old") for seq in (0, 1)]
    backend.tables.write(put_segments(ada.user_id, lease.transcript_id, old_block, old))

    save(backend, ada, lease, segment(1, "new"))

    assert {seq: stored.text for seq, stored in stored_segments(backend, ada, lease).items()} == {0: "old", 1: "new"}


# What fits


def test_what_does_not_fit_into_a_block_is_rejected_and_the_rest_is_stored(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)

    saved = save(backend, ada, lease, *full_segments(0, 15), segment(15, "short"))

    assert saved.saved == [*range(13), 15]  # 13 × 20,000 bytes, and the short one
    assert reasons(saved) == {13: "save_full", 14: "save_full"}
    assert sorted(stored_segments(backend, ada, lease)) == saved.saved


def test_words_are_bounded_by_a_base_and_each_billed_minute(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    first = save(backend, ada, lease, *full_segments(0, 13))
    assert first.rejected == []

    refused = save(backend, ada, lease, segment(20, FULL), segment(21, "short"))
    assert (refused.saved, reasons(refused)) == ([21], {20: "words_limit"})

    backend.send(ada, lease.session_id, 0, seconds=120)  # Two minutes more.
    backend.send(ada, lease.session_id, 1, seconds=120)
    more = save(backend, ada, lease, *full_segments(30, 5))
    used = 13 * 20_000 + OVERHEAD + len("short")
    fitting = (BASE_BYTES + 4 * BYTES_PER_MINUTE - used) // 20_000
    assert (fitting, more.saved) == (3, [30, 31, 32])
    assert set(reasons(more).values()) == {"words_limit"}


def test_each_running_minute_of_a_direct_lease_adds_to_what_may_be_kept(streaming_env: StreamingEnv) -> None:
    backend = streaming_env.backend
    ada = backend.person(500)
    lease = streaming_env.start(ada)
    save(backend, ada, lease, *full_segments(0, 13))
    assert reasons(save(backend, ada, lease, segment(13, FULL))) == {13: "words_limit"}

    streaming_env.clock.forward(120)
    assert save(backend, ada, lease, segment(13, FULL)).saved == [13]
    streaming_env.stop(ada, lease)
    assert save(backend, ada, lease, segment(14, "x" * 14_000)).saved == [14]  # As much as was billed.
    assert reasons(save(backend, ada, lease, segment(15, FULL))) == {15: "words_limit"}


def test_a_transcript_of_hours_has_an_upper_bound(streaming_env: StreamingEnv) -> None:
    backend = streaming_env.backend
    ada = backend.person(5_000)
    lease = streaming_env.start(ada, lease_seconds=10_800)
    streaming_env.clock.forward(10_799)

    saves = [save(backend, ada, lease, *full_segments(13 * n, 13)) for n in range(14)]

    stored = sum(len(saved.saved) for saved in saves)
    assert stored == MAX_TRANSCRIPT_BYTES // 20_000
    assert set(reasons(saves[-1]).values()) == {"words_limit"}


def test_words_beyond_the_bytes_of_a_day_are_rejected_and_a_stop_settles(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.send(ada, lease.session_id, 0, seconds=6)
    per_day = LeaseRules().words_bytes_per_day

    def save_after(sent_today: int, *segments: contract.SegmentInput) -> contract.Saved:
        return backend.streaming.save(ada, lease.session_id, segments, sent_today)

    assert save_after(per_day - 110, segment(1, "ten chars."), segment(2)).saved == [1]
    beyond = save_after(per_day, segment(3))
    assert (beyond.saved, reasons(beyond)) == ([], {3: "words_limit"})
    assert save_after(per_day * 9).rejected == []  # A heartbeat.
    stopped = backend.streaming.stop(ada, lease.session_id, None, [segment(4)], per_day * 9)
    assert (stopped.credits_used, reasons(stopped)) == (live_credits(6), {4: "words_limit"})
    assert backend.open_holds(ada.user_id) == []


def test_fifty_sessions_that_cost_nothing_keep_no_more_than_their_base(backend: Backend) -> None:
    ada = backend.person(200)
    for _ in range(50):
        lease = backend.start(ada)
        for first in (0, 13, 26):
            save(backend, ada, lease, *full_segments(first, 13))
        assert backend.streaming.stop(ada, lease.session_id).credits_used == 0
        size = sum(len(stored.text) + OVERHEAD for stored in stored_segments(backend, ada, lease).values())
        assert size <= BASE_BYTES == MAX_BLOCK_BYTES


# Last words and late words


def test_a_stop_stores_the_last_words_and_again_the_same_answer(streaming_env: StreamingEnv) -> None:
    backend = streaming_env.backend
    ada = backend.person(200)
    lease = streaming_env.start(ada)
    streaming_env.clock.forward(60)
    words = [segment(0, "Goodbye."), segment(1, ""), *full_segments(2, 14)]

    stopped = backend.streaming.stop(ada, lease.session_id, 60, words)

    assert (stopped.billed_seconds, stopped.credits_used, stopped.credits_available) == (
        60,
        live_credits(60),
        200 - live_credits(60),
    )
    assert reasons(stopped) == {15: "save_full"}
    assert sorted(stored_segments(backend, ada, lease)) == [0, *range(2, 15)]
    again = backend.streaming.stop(ada, lease.session_id, 60, words[:2])
    assert again == msgspec.structs.replace(stopped, rejected=[])
    assert streaming_env.available(ada) == 200 - live_credits(60)


NEARLY_FULL = [segment(seq, "x" * 19_900) for seq in range(10)]


@pytest.mark.parametrize("later_seconds", [0, 60, 119, 3_600])
@pytest.mark.parametrize(
    ("words", "rejected"),
    [
        (NEARLY_FULL, {}),
        (full_segments(0, 14), {13: "save_full"}),
        ([segment(0, "Goodbye."), segment(1, ""), segment(2, start_ms=None)], {}),
        ([*NEARLY_FULL, segment(3, "again")], {}),
    ],
)
def test_a_repeated_stop_says_again_what_it_stored(
    backend: Backend, words: list[contract.SegmentInput], rejected: dict[int, str], later_seconds: int
) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    stopped = backend.streaming.stop(ada, lease.session_id, None, words)
    stored = stored_segments(backend, ada, lease)

    backend.clock.forward(later_seconds)
    again = backend.streaming.stop(ada, lease.session_id, None, words)

    assert reasons(stopped) == rejected
    late = {seq: "session_stopped" if later_seconds > 120 else reason for seq, reason in rejected.items()}
    assert reasons(again) == late
    assert stored_segments(backend, ada, lease) == stored


@pytest.mark.parametrize("act", ["save", "stop"])
def test_a_repeated_save_or_a_stop_with_its_words_stores_and_counts_nothing_again(backend: Backend, act: str) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    save(backend, ada, lease, *NEARLY_FULL)

    for _ in range(3):
        if act == "save":
            again: contract.Saved | contract.Stopped = save(backend, ada, lease, *NEARLY_FULL)
        else:
            again = backend.streaming.stop(ada, lease.session_id, None, NEARLY_FULL)
        assert again.rejected == []

    item = backend.tables.get(session_key(ada.user_id, lease.session_id))
    assert item
    assert (item["saves"], item["saved_bytes"]) == (1, 200_000)


def test_other_words_are_counted_also_of_a_seq_that_is_stored(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    save(backend, ada, lease, *NEARLY_FULL)

    corrected = save(backend, ada, lease, *(segment(seq, "y" * 19_900) for seq in [*range(1, 10), 0]))

    assert set(reasons(corrected)) == {*range(4, 10), 0}
    assert stored_segments(backend, ada, lease)[0].text == "x" * 19_900


def test_a_save_that_is_repeated_when_there_is_room_stores_the_rest(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(200)
    lease = streaming_env.start(ada)
    save(streaming_env.backend, ada, lease, *full_segments(20, 12))

    first = save(streaming_env.backend, ada, lease, *full_segments(0, 4))
    streaming_env.clock.forward(240)
    again = save(streaming_env.backend, ada, lease, *full_segments(0, 4))

    assert (first.saved, set(reasons(first).values())) == ([0], {"words_limit"})
    assert (again.saved, again.rejected) == ([0, 1, 2, 3], [])
    assert sorted(stored_segments(streaming_env.backend, ada, lease)) == [0, 1, 2, 3, *range(20, 32)]


@pytest.mark.parametrize("transport", ["direct", "relay"])
def test_words_are_saved_for_two_minutes_after_a_stop_for_nothing(backend: Backend, transport: str) -> None:
    ada = backend.person(200)
    lease = backend.start(ada, transport=transport)
    backend.clock.forward(30)
    stopped = backend.streaming.stop(ada, lease.session_id)
    before = backend.ledger.balance(ada.user_id)

    backend.clock.forward(120)
    saved = save(backend, ada, lease, segment(7, "the last turn"))
    assert (saved.saved, saved.seconds_left, saved.warnings) == ([7], 0, [])
    assert backend.streaming.stop(ada, lease.session_id, None, [segment(8)]) == stopped
    backend.clock.forward(1)
    with pytest.raises(ConflictError) as refusal:
        save(backend, ada, lease, segment(9))
    late = backend.streaming.stop(ada, lease.session_id, None, [segment(9)])

    assert refusal.value.details == {"reason": "session_stopped", "state": "stopped"}
    assert (reasons(late), late.credits_used) == ({9: "session_stopped"}, stopped.credits_used)
    assert sorted(stored_segments(backend, ada, lease)) == [7, 8]
    assert backend.ledger.balance(ada.user_id) == before
    backend.check_invariants(ada.user_id)


def test_a_stop_of_what_can_no_longer_be_resumed_opens_nothing(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.clock.forward(600 + 86_401)
    backend.streaming.sweep()

    stopped = backend.streaming.stop(ada, lease.session_id, None, [segment(1)])

    assert reasons(stopped) == {1: "resume_expired"}
    with pytest.raises(ConflictError):
        save(backend, ada, lease, segment(1))
    assert stored_segments(backend, ada, lease) == {}


@pytest.mark.parametrize("is_stopped", [False, True])
def test_late_words_of_a_lapsed_session_extend_what_it_covers(streaming_env: StreamingEnv, is_stopped: bool) -> None:
    backend = streaming_env.backend
    ada = backend.person(500)
    lease = streaming_env.start(ada, lease_seconds=60)
    streaming_env.save(ada, lease, (0, 0, 20_000, "before"))
    streaming_env.clock.forward(200)
    assert backend.streaming.sweep() == 1
    assert streaming_env.get_covered_intervals(ada, lease) == ((0, 20_000),)
    if is_stopped:
        streaming_env.stop(ada, lease)
    charged = streaming_env.available(ada)

    streaming_env.save(ada, lease, (1, 30_000, 41_000, "unsaved when the worker slept"))
    assert streaming_env.get_covered_intervals(ada, lease) == ((0, 41_000),)
    streaming_env.save(ada, lease, (2, 50_000, 90_000, "by a clock that is fast"), (3, 5_000, 6_000, "early"))

    assert streaming_env.get_covered_intervals(ada, lease) == ((0, 60_000),)
    assert streaming_env.available(ada) == charged
    if not is_stopped:
        resumed = streaming_env.renew(ada, lease)
        assert (resumed.offset_ms, resumed.next_seq) == (200_000, 4)
        streaming_env.stop(ada, lease)
        assert streaming_env.get_covered_intervals(ada, lease) == ((0, 60_000),)


def test_the_last_words_of_a_stop_extend_what_a_lapsed_session_covers(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(500)
    lease = streaming_env.start(ada, lease_seconds=60)
    streaming_env.clock.forward(200)
    streaming_env.backend.streaming.sweep()

    streaming_env.backend.streaming.stop(ada, lease.session_id, None, [segment(0, start_ms=0, end_ms=33_000)])

    assert streaming_env.get_covered_intervals(ada, lease) == ((0, 33_000),)


def test_late_words_of_a_deleted_transcript_are_404(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.streaming.stop(ada, lease.session_id)
    backend.history.delete(ada, lease.transcript_id)

    for command in (
        lambda: save(backend, ada, lease, segment(1)),
        lambda: backend.streaming.stop(ada, lease.session_id, None, [segment(1)]),
    ):
        with pytest.raises(NotFoundError):
            command()
    assert stored_segments(backend, ada, lease) == {}
