"""The rule of rate limits, held against a plain model: a bucket of whole and part tokens that fills all the time."""

from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from chalicelib.models.rate_limits import GROUPS, MOST_REQUESTS, SECONDS, UNCOUNTED, Limit

SECOND = 1_000_000
NOW = 1_795_400_000 * SECOND
LIMITS = st.builds(Limit, st.integers(1, 500), st.sampled_from(sorted(SECONDS)))
# Steps in parts of an interval, so that every limit is met at its edge.
STEPS = st.lists(st.tuples(st.integers(0, 40), st.integers(-1, 1)), min_size=1, max_size=200)


def moments(limit: Limit, steps: list[tuple[int, int]]) -> list[int]:
    """When requests come: mostly at once, sometimes after a while, now and then a microsecond from an edge."""
    now, found = NOW, []
    for sixteenths, edge in steps:
        now += max(0, limit.interval_us * max(0, sixteenths - 20) // 16 + edge)
        found.append(now)
    return found


@given(LIMITS, STEPS)
def test_it_passes_exactly_what_a_bucket_of_tokens_passes(limit: Limit, steps: list[tuple[int, int]]) -> None:
    tat, tokens, last = 0, Fraction(limit.requests), NOW
    for now in moments(limit, steps):
        tokens = min(Fraction(limit.requests), tokens + Fraction(now - last, limit.interval_us))
        last = now

        passes = limit.wait_us(tat, now) == 0

        assert passes == (tokens >= 1)
        assert limit.remaining(tat, now) == int(tokens)
        if passes:
            tat, tokens = limit.after(tat, now), tokens - 1
        else:
            assert limit.wait_us(tat, now) == (1 - tokens) * limit.interval_us


@given(LIMITS, STEPS)
def test_who_waits_as_long_as_told_passes_and_not_a_moment_earlier(limit: Limit, steps: list[tuple[int, int]]) -> None:
    tat = 0
    for now in moments(limit, steps):
        if wait_us := limit.wait_us(tat, now):
            assert limit.wait_us(tat, now + wait_us - 1) == 1
            assert limit.wait_us(tat, now + wait_us) == 0
            assert wait_us <= limit.interval_us
        else:
            tat = limit.after(tat, now)


@given(LIMITS)
def test_a_whole_window_passes_at_once_and_again_after_a_window(limit: Limit) -> None:
    tat = 0
    for now in (NOW, NOW + limit.requests * limit.interval_us):
        for _ in range(limit.requests):
            assert limit.wait_us(tat, now) == 0
            tat = limit.after(tat, now)
        assert limit.wait_us(tat, now) == limit.interval_us
    assert 0 <= limit.requests * limit.interval_us - limit.window_us < limit.requests


def test_sixty_a_minute_is_one_a_second_after_the_first_sixty() -> None:
    limit, tat = Limit.read("60/minute"), 0
    passed = []
    for second in range(120):
        for _ in range(5):
            now = NOW + second * SECOND
            if limit.wait_us(tat, now) == 0:
                tat = limit.after(tat, now)
                passed.append(second)

    assert len(passed) == 60 + 119
    assert passed.count(30) == 1


@pytest.mark.parametrize("words", ["1/second", "60/minute", "1000000/day"])
def test_a_limit_is_written_as_it_is_read(words: str) -> None:
    assert str(Limit.read(words)) == words


@pytest.mark.parametrize(
    "words",
    [
        *(
            "",
            "0/minute",
            "-1/minute",
            "60",
            "60/",
            "/minute",
            "60/minutes",
            "60/fortnight",
            "1.5/second",
            "+60/minute",
        ),
        *("60 /minute", "60/minute ", "60/minute/second", "inf/second", "1e3/second", "٦/minute", "off", "none"),
        *(f"{MOST_REQUESTS + 1}/day", "9" * 5_000 + "/day"),
    ],
    ids=lambda words: words[:20],
)
def test_what_is_no_limit_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="requests per second, minute, hour or day"):
        Limit.read(words)


@pytest.mark.parametrize(
    ("words", "is_strict"),
    [
        *(("100/second", True), ("101/second", False), ("6000/minute", True), ("6001/minute", False)),
        *(("10000/day", True), ("10001/day", False), ("1/day", True)),
    ],
)
def test_a_limit_that_limits_nobody_is_not_strict(words: str, is_strict: bool) -> None:
    assert Limit.read(words).is_strict is is_strict


def test_what_spends_or_gives_credits_is_counted_or_refused() -> None:
    assert {name for name, group in GROUPS.items() if group.must_count} == {
        "register",
        "codes",
        "login",
        "reset",
        "stream",
        "audio",
        "spend",
        "admin",
    }
    assert not UNCOUNTED & GROUPS.keys()
