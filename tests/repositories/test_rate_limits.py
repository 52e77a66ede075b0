"""Counting requests in the table: exactly as many pass as the rule says, however many come at once, in any order."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from boto3.dynamodb.conditions import Attr

from chalicelib.errors import RateLimitedError, UnavailableError
from chalicelib.models.rate_limits import Limit
from chalicelib.repositories.rate_limits import TRIES, Count, CountingTables, limit_key
from chalicelib.repositories.table import ItemKey, Write, WriteRefusedError

SECOND = 1_000_000
NOW = 1_795_400_000 * SECOND
SIXTY = Limit.read("60/minute")
THERE = ItemKey("app", "USER#1", "THERE")


def count_of(limit: Limit = SIXTY, now_us: int = NOW, who: str = "ada", tat_us: int = 0) -> Count:
    return Count(limit_key("spend", limit, who), limit, now_us, tat_us)


def alone(tables: CountingTables, count: Count) -> None:
    tables.count(count)


def along(tables: CountingTables, count: Count) -> None:
    """With a read and a transaction of the request's own."""
    with tables.taking_along(count):
        tables.get_many([THERE])
        tables.transact([Write(ItemKey("app", "USER#1", f"N#{random.random()}"), item={})])


both_ways = pytest.mark.parametrize("way", [alone, along])
Way = Callable[[CountingTables, Count], None]


def passes(tables: CountingTables, way: Way, now_us: int, limit: Limit = SIXTY) -> bool:
    try:
        way(tables, count_of(limit, now_us))
    except RateLimitedError:
        return False
    return True


@both_ways
def test_of_600_requests_in_two_bursts_against_60_a_minute_exactly_90_pass(tables: CountingTables, way: Way) -> None:
    with ThreadPoolExecutor(8) as threads:
        bursts = [
            list(threads.map(lambda _, at=at: passes(tables, way, at), range(300))) for at in (NOW, NOW + 30 * SECOND)
        ]

    assert [sum(burst) for burst in bursts] == [60, 30]


@both_ways
def test_everybody_has_a_limit_of_their_own_and_every_group_too(tables: CountingTables, way: Way) -> None:
    one = Limit.read("1/minute")
    way(tables, count_of(one))

    way(tables, count_of(one, who="grace"))
    way(tables, Count(limit_key("reads", one, "ada"), one, NOW))
    way(tables, count_of(Limit.read("2/minute")))  # A changed setting counts anew.
    with pytest.raises(RateLimitedError):
        way(tables, count_of(one))


@both_ways
def test_a_refused_request_is_told_when_to_come_back_and_moves_nothing(tables: CountingTables, way: Way) -> None:
    for _ in range(60):
        way(tables, count_of())
    before = tables.get(count_of().key)

    with pytest.raises(RateLimitedError) as refused:
        way(tables, count_of(now_us=NOW + SECOND // 2))

    assert refused.value.details == {"retry_after_seconds": 1, "limit": "60/minute"}
    assert tables.get(count_of().key) == before
    way(tables, count_of(now_us=NOW + SECOND))


@pytest.mark.parametrize("seed", range(6))
def test_interleaved_clients_with_stale_clocks_never_pass_more_than_the_rule(tables: CountingTables, seed: int) -> None:
    """Six clients, each of whose tries is a step of its own, with clocks up to two seconds late."""
    lived_through(tables, random.Random(seed), steps=250)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 160))
def test_many_interleaved_clients(tables: CountingTables, seed: int, soak_counts: Counter[str]) -> None:
    soak_counts["requests against a limit, interleaved"] += lived_through(tables, random.Random(seed), steps=2_000)


def lived_through(tables: CountingTables, rng: random.Random, steps: int) -> int:
    """How many requests began. `latest_us` behind the time is the most that the clock of one that passed was."""
    limit = Limit(rng.choice([1, 3, 10, 60]), rng.choice(["second", "minute"]))
    most_late_us = rng.choice([0, limit.interval_us // 3, 2 * SECOND])
    now, who, begun, latest_us = NOW, f"ada-{rng.random()}", 0, 0
    passed: list[int] = []
    counts: list[Count | None] = [None] * 6
    remembered = [0] * 6
    for _ in range(steps):
        now += rng.choice([0, 0, 0, 1, limit.interval_us // 7, limit.interval_us, rng.randrange(limit.window_us // 4)])
        client = rng.randrange(6)
        count, counts[client] = counts[client], None
        if count is None:
            begun += 1
            at = now - rng.randrange(most_late_us + 1)
            counts[client] = count_of(limit, at, who, rng.choice([0, remembered[client]]))
            continue
        try:
            count.check()
            tables.write(count.write())
            count.made()
            passed.append(now)
            latest_us = max(latest_us, now - count.now_us)
        except WriteRefusedError as refusal:
            with suppress(RateLimitedError):
                count.see(refusal.refused[0])
                counts[client] = count  # It tries again, when its turn comes.
        except RateLimitedError:
            pass
        remembered[client] = count.tat_us
    check_passed(passed, limit, latest_us)
    assert len(passed) >= steps // 50, "a limit that lets nobody through proves nothing"
    return begun


def check_passed(passed: list[int], limit: Limit, latest_us: int) -> None:
    """From any request that passed to any later one: no more than the limit at once, and one an interval."""
    lowest = None
    for place, at in enumerate(passed):
        ahead = place * limit.interval_us - at
        lowest = ahead if lowest is None else min(lowest, ahead)
        assert ahead - lowest <= (limit.requests - 1) * limit.interval_us + latest_us


def test_no_guess_is_wrong_twice(tables: CountingTables) -> None:
    """At rest or busy: whatever a client takes the caller for, the second try is right."""
    for taken_for in (0, NOW + SECOND):
        who = f"ada-{taken_for}"
        for others in (0, 1):
            for _ in range(others):
                tables.count(count_of(who=who))
            written: list[Write] = []
            watched = Watched(tables, written)
            watched.count(count_of(who=who, tat_us=taken_for))
            assert len(written) <= 2 < TRIES


class Watched(CountingTables):
    """The same tables; single writes are noted."""

    def __init__(self, tables: CountingTables, written: list[Write]):
        self.__dict__ = tables.__dict__ | {"written": written}

    def write(self, write: Write) -> None:
        self.written.append(write)
        super().write(write)


# Riding along


def test_the_count_rides_with_the_first_read_and_the_first_transaction_only(tables: CountingTables) -> None:
    count = count_of()
    with tables.taking_along(count):
        assert tables.get_many([THERE]) == [None]
        for n in range(3):
            tables.transact([Write(ItemKey("app", "USER#1", f"N#{n}"), item={})])
            tables.get_many([THERE])

    assert tables.get(count.key)["tat_us"] == NOW + SIXTY.interval_us == count.tat_us
    tables.transact([Write(THERE, item={})])
    assert tables.get(count.key)["tat_us"] == count.tat_us


def test_a_transaction_that_is_refused_for_its_own_sake_counts_nothing_and_says_which(tables: CountingTables) -> None:
    tables.write(Write(THERE, item={"n": 1}))
    count = count_of()
    missing = Attr("pk").not_exists()
    writes = [Write(ItemKey("app", "USER#1", "NEW"), item={}), Write(THERE, item={"n": 2}, when=missing)]

    with tables.taking_along(count), pytest.raises(WriteRefusedError) as refused:
        tables.transact(writes)

    assert refused.value.refused == {1: {"n": 1} | THERE.as_item()}
    assert (tables.get(count.key), count.is_made) == (None, False)
    with tables.taking_along(count):
        tables.transact(writes[:1])
    assert count.is_made


def test_both_refused_at_once_is_a_refusal_of_its_own_unless_there_is_no_room(tables: CountingTables) -> None:
    tables.write(Write(THERE, item={"n": 1}))
    again = [Write(THERE, item={"n": 2}, when=Attr("pk").not_exists())]
    tables.count(count_of(Limit.read("2/minute")))

    with tables.taking_along(count_of(Limit.read("2/minute"))), pytest.raises(WriteRefusedError) as refused:
        tables.transact(again)
    assert list(refused.value.refused) == [0]
    tables.count(count_of(Limit.read("2/minute")))
    with tables.taking_along(count_of(Limit.read("2/minute"))), pytest.raises(RateLimitedError):
        tables.transact(again)


def test_without_room_nothing_is_written_with_it(tables: CountingTables) -> None:
    one = Limit.read("1/minute")
    tables.count(count_of(one))

    with tables.taking_along(count_of(one)), pytest.raises(RateLimitedError):
        tables.transact([Write(THERE, item={})])
    with tables.taking_along(count_of(one)), pytest.raises(RateLimitedError):
        tables.get_many([THERE])

    assert tables.get(THERE) is None


def test_what_expired_while_it_was_looked_at_is_counted_anew(tables: CountingTables) -> None:
    count = count_of(tat_us=NOW + 5 * SECOND)

    tables.count(count)

    item = tables.get(count.key)
    assert item["tat_us"] == NOW + SECOND
    assert item["expires_at"] > NOW // SECOND + 60


def test_a_number_that_changes_under_every_try_is_503(tables: CountingTables, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise WriteRefusedError({0: {}})

    monkeypatch.setattr("chalicelib.repositories.table.Tables.write", refuse)
    monkeypatch.setattr("chalicelib.repositories.table.Tables.transact", refuse)

    with pytest.raises(UnavailableError):
        tables.count(count_of())
    with tables.taking_along(count_of()), pytest.raises(WriteRefusedError):
        tables.transact([Write(THERE, item={})])
    with tables.taking_along(count_of()), pytest.raises(UnavailableError):
        tables.transact([])
