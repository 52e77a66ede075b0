"""The rule of rate limits against a plain model: a bucket of fractional tokens that refills continuously."""

from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from chalicelib.models.rate_limits import GROUPS, MAX_REQUESTS, SECONDS, UNCOUNTED, Limit

SECOND = 1_000_000
NOW = 1_795_400_000 * SECOND
LIMITS = st.builds(Limit, st.integers(1, 500), st.sampled_from(sorted(SECONDS)))
# Steps in parts of an interval, so that every limit is tested at its edge.
STEPS = st.lists(st.tuples(st.integers(0, 40), st.integers(-1, 1)), min_size=1, max_size=200)


def arrival_times(limit: Limit, steps: list[tuple[int, int]]) -> list[int]:
    """When requests arrive: mostly at once, sometimes later, now and then a microsecond from an edge."""
    now, times = NOW, []
    for sixteenths, edge in steps:
        now += max(0, limit.interval_us * max(0, sixteenths - 20) // 16 + edge)
        times.append(now)
    return times


@pytest.mark.long
@given(LIMITS, STEPS)
def test_the_rule_allows_exactly_what_a_bucket_of_tokens_allows(limit: Limit, steps: list[tuple[int, int]]) -> None:
    tat, tokens, last = 0, Fraction(limit.requests), NOW
    for now in arrival_times(limit, steps):
        tokens = min(Fraction(limit.requests), tokens + Fraction(now - last, limit.interval_us))
        last = now

        passes = limit.wait_us(tat, now) == 0

        assert passes == (tokens >= 1)
        assert limit.remaining(tat, now) == int(tokens)
        if passes:
            tat, tokens = limit.next_tat_us(tat, now), tokens - 1
        else:
            assert limit.wait_us(tat, now) == (1 - tokens) * limit.interval_us


@pytest.mark.long
@given(LIMITS, STEPS)
def test_a_request_passes_after_the_announced_wait_and_not_earlier(limit: Limit, steps: list[tuple[int, int]]) -> None:
    tat = 0
    for now in arrival_times(limit, steps):
        if wait_us := limit.wait_us(tat, now):
            assert limit.wait_us(tat, now + wait_us - 1) == 1
            assert limit.wait_us(tat, now + wait_us) == 0
            assert wait_us <= limit.interval_us
        else:
            tat = limit.next_tat_us(tat, now)


@given(LIMITS)
def test_a_full_burst_passes_at_once_and_again_after_a_window(limit: Limit) -> None:
    tat = 0
    for now in (NOW, NOW + limit.requests * limit.interval_us):
        for _ in range(limit.requests):
            assert limit.wait_us(tat, now) == 0
            tat = limit.next_tat_us(tat, now)
        assert limit.wait_us(tat, now) == limit.interval_us
    assert 0 <= limit.requests * limit.interval_us - limit.window_us < limit.requests


def test_sixty_per_minute_is_one_per_second_after_the_first_sixty() -> None:
    limit, tat = Limit.parse("60/minute"), 0
    passed = []
    for second in range(120):
        for _ in range(5):
            now = NOW + second * SECOND
            if limit.wait_us(tat, now) == 0:
                tat = limit.next_tat_us(tat, now)
                passed.append(second)

    assert len(passed) == 60 + 119
    assert passed.count(30) == 1


@pytest.mark.parametrize("text", ["1/second", "60/minute", "1000000/day"])
def test_a_limit_is_printed_as_it_is_parsed(text: str) -> None:
    assert str(Limit.parse(text)) == text


@pytest.mark.parametrize(
    "text",
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
        *(f"{MAX_REQUESTS + 1}/day", "9" * 5_000 + "/day"),
    ],
    ids=lambda text: text[:20],
)
def test_text_that_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="requests per second, minute, hour or day"):
        Limit.parse(text)


@pytest.mark.parametrize(
    ("text", "is_strict"),
    [
        *(("100/second", True), ("101/second", False), ("6000/minute", True), ("6001/minute", False)),
        *(("10000/day", True), ("10001/day", False), ("1/day", True)),
    ],
)
def test_a_limit_too_high_to_be_reached_is_not_strict(text: str, is_strict: bool) -> None:
    assert Limit.parse(text).is_strict is is_strict


def test_requests_that_spend_or_give_credits_are_counted_or_refused() -> None:
    assert {name for name, group in GROUPS.items() if group.must_count} == {
        "register",
        "codes",
        "login",
        "reset",
        "stream",
        "audio",
        "spend",
        "uploads",
        "bulk_reads",
        "shared",
        "admin",
    }
    assert not UNCOUNTED & GROUPS.keys()


def test_only_new_work_of_relayed_audio_is_not_counted() -> None:
    assert {name for name, group in GROUPS.items() if not group.counts_new_work} == {"audio"}
