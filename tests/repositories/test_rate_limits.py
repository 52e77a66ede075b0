"""Counting requests in the table: exactly as many pass as the rule says, however many arrive at once, in any order."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.errors import UnavailableError
from chalicelib.models.rate_limits import Limit
from chalicelib.repositories.rate_limits import MAX_ATTEMPTS, RateLimits, RequestCount, limit_key
from chalicelib.repositories.table import Item, Tables, Write, WriteRefusedError
from tests.engines import on_use_case_engines

SECOND = 1_000_000
NOW = 1_795_400_000 * SECOND
SIXTY = Limit.parse("60/minute")


@pytest.fixture
def rate_limits(tables: Tables) -> RateLimits:
    return RateLimits(tables)


def count_of(limit: Limit = SIXTY, now_us: int = NOW, identity: str = "ada", tat_us: int = 0) -> RequestCount:
    return RequestCount(limit_key("spend", limit, identity), limit, now_us, tat_us)


def passes(rate_limits: RateLimits, now_us: int, limit: Limit = SIXTY) -> bool:
    return rate_limits.count(count_of(limit, now_us))


def test_of_600_requests_in_two_bursts_against_60_a_minute_exactly_90_pass(rate_limits: RateLimits) -> None:
    with ThreadPoolExecutor(8) as threads:
        bursts = [
            list(threads.map(lambda _, at=at: passes(rate_limits, at), range(300))) for at in (NOW, NOW + 30 * SECOND)
        ]

    assert [sum(burst) for burst in bursts] == [60, 30]


def test_each_user_group_and_setting_has_its_own_limit(rate_limits: RateLimits) -> None:
    limit = Limit.parse("1/minute")
    assert rate_limits.count(count_of(limit))

    assert rate_limits.count(count_of(limit, identity="grace"))
    assert rate_limits.count(RequestCount(limit_key("reads", limit, "ada"), limit, NOW))
    assert rate_limits.count(count_of(Limit.parse("2/minute")))  # A changed setting starts a new count.
    assert not rate_limits.count(count_of(limit))


def test_a_refused_request_says_when_to_retry_and_changes_nothing(tables: Tables, rate_limits: RateLimits) -> None:
    for _ in range(60):
        assert rate_limits.count(count_of())
    before = tables.get(count_of().key)

    refused = count_of(now_us=NOW + SECOND // 2)
    assert not rate_limits.count(refused)

    assert refused.wait_seconds == 1
    assert tables.get(count_of().key) == before
    assert rate_limits.count(count_of(now_us=NOW + SECOND))


@on_use_case_engines
@pytest.mark.parametrize("seed", range(6))
def test_interleaved_clients_with_late_clocks_never_pass_more_than_the_rule(tables: Tables, seed: int) -> None:
    """Six clients, each of whose attempts is a step of its own, with clocks up to two seconds late."""
    simulate_clients(tables, random.Random(seed), steps=250)


@pytest.mark.parametrize("seed", [6, 7])
def test_interleaved_clients_never_pass_more_than_the_rule_on_a_server(tables: Tables, seed: int) -> None:
    simulate_clients(tables, random.Random(seed), steps=60)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 160))
def test_many_interleaved_clients(tables: Tables, seed: int, soak_counts: Counter[str]) -> None:
    soak_counts["requests against a limit, interleaved"] += simulate_clients(tables, random.Random(seed), steps=2_000)


def simulate_clients(tables: Tables, rng: random.Random, steps: int) -> int:
    """Returns how many requests started. `max_delay_us`: the latest clock of a request that passed."""
    limit = Limit(rng.choice([1, 3, 10, 60]), rng.choice(["second", "minute"]))
    max_clock_delay_us = rng.choice([0, limit.interval_us // 3, 2 * SECOND])
    now, identity, started, max_delay_us = NOW, f"ada-{rng.random()}", 0, 0
    passed: list[int] = []
    counts: list[RequestCount | None] = [None] * 6
    remembered = [0] * 6
    for _ in range(steps):
        now += rng.choice([0, 0, 0, 1, limit.interval_us // 7, limit.interval_us, rng.randrange(limit.window_us // 4)])
        client = rng.randrange(6)
        count, counts[client] = counts[client], None
        if count is None:
            started += 1
            at = now - rng.randrange(max_clock_delay_us + 1)
            counts[client] = count_of(limit, at, identity, rng.choice([0, remembered[client]]))
            continue
        if not count.wait_seconds:
            try:
                count.mark_counted(tables.write(count.conditional_write(), returns_changes=True))
                passed.append(now)
                max_delay_us = max(max_delay_us, now - count.now_us)
            except WriteRefusedError as refusal:
                count.update_from(refusal.refused[0])
                if not count.wait_seconds:
                    counts[client] = count  # It tries again on its next turn.
        remembered[client] = count.tat_us
    check_passed(passed, limit, max_delay_us)
    assert len(passed) >= steps // 50, "a limit that allows no request proves nothing"
    return started


def check_passed(passed: list[int], limit: Limit, max_delay_us: int) -> None:
    """Between any two requests that passed: at most the limit at once, and one per interval."""
    lowest = None
    for place, at in enumerate(passed):
        ahead = place * limit.interval_us - at
        lowest = ahead if lowest is None else min(lowest, ahead)
        assert ahead - lowest <= (limit.requests - 1) * limit.interval_us + max_delay_us


@pytest.mark.parametrize("guess_us", [0, NOW + SECOND])
@pytest.mark.parametrize("earlier_requests", [0, 1])
def test_no_guess_is_wrong_twice(tables: Tables, guess_us: int, earlier_requests: int) -> None:
    """Idle or busy: whatever a process assumes of the caller, its second write is right."""
    identity = f"ada-{guess_us}-{earlier_requests}"
    for _ in range(earlier_requests):
        assert RateLimits(tables).count(count_of(identity=identity))
    recording = RecordingTables(tables)

    assert RateLimits(recording).count(count_of(identity=identity, tat_us=guess_us))

    assert len(recording.writes) <= 2 < MAX_ATTEMPTS


class RecordingTables(Tables):
    """The same tables; single writes are recorded."""

    def __init__(self, tables: Tables):
        self.__dict__ = dict(tables.__dict__)
        self.writes: list[Write] = []

    def write(self, write: Write, *, returns_changes: bool = False) -> Item:
        self.writes.append(write)
        return super().write(write, returns_changes=returns_changes)


def test_a_count_changes_nothing_but_its_own_item(tables: Tables, rate_limits: RateLimits) -> None:
    count = count_of()
    rate_limits.count(count)

    assert tables.get(count.key)["tat_us"] == NOW + SIXTY.interval_us == count.tat_us
    assert (count.is_counted, count.is_current, count.is_exempt) == (True, True, False)


def test_an_item_that_expired_since_it_was_read_starts_a_new_count(tables: Tables, rate_limits: RateLimits) -> None:
    count = count_of(tat_us=NOW + 5 * SECOND)

    rate_limits.count(count)

    item = tables.get(count.key)
    assert item["tat_us"] == NOW + SECOND
    assert item["expires_at"] > NOW // SECOND + 60


# Bytes of a day

DAY = 86_400 * SECOND


def count_bytes(rate_limits: RateLimits, size: int, now_us: int, tat_us: int = 0) -> int:
    count = count_of(now_us=now_us, tat_us=tat_us)
    count.body_bytes = size
    assert rate_limits.count(count)
    return count.day_bytes


def test_bytes_are_counted_by_day_in_the_write_of_the_request(tables: Tables) -> None:
    recording = RecordingTables(tables)
    rate_limits = RateLimits(recording)
    morning = NOW - NOW % DAY + SECOND

    assert count_bytes(rate_limits, 100, morning) == 100
    assert count_bytes(rate_limits, 250, morning, tat_us=morning + SECOND) == 350
    assert count_bytes(rate_limits, 0, morning + 2 * SECOND) == 350
    assert len(recording.writes) == 3

    item = tables.get(count_of().key)
    assert item["expires_at"] >= (morning + DAY) // SECOND, "the sum outlives an idle hour"
    assert count_bytes(rate_limits, 7, morning + DAY) == 7
    item = tables.get(count_of().key)
    assert [value for name, value in item.items() if name.startswith("bytes:")] == [7]


def test_bytes_of_concurrent_requests_are_all_counted(rate_limits: RateLimits) -> None:
    with ThreadPoolExecutor(8) as threads:
        totals = list(threads.map(lambda _: count_bytes(rate_limits, 10, NOW), range(40)))

    assert sorted(totals) == [*range(10, 401, 10)]


def test_a_refused_request_counts_no_bytes(tables: Tables, rate_limits: RateLimits) -> None:
    for _ in range(60):
        count_bytes(rate_limits, 1, NOW)
    refused = count_of()
    refused.body_bytes = 1_000

    assert not rate_limits.count(refused)

    assert sum(value for name, value in tables.get(refused.key).items() if name.startswith("bytes:")) == 60


def test_a_limit_that_changes_under_every_attempt_is_503(
    rate_limits: RateLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **options: object) -> None:
        raise WriteRefusedError({0: {}})

    monkeypatch.setattr("chalicelib.repositories.table.Tables.write", refuse)

    with pytest.raises(UnavailableError):
        rate_limits.count(count_of())
