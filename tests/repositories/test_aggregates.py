"""The sums over all users: each entry counts once, whatever comes again, in whatever order, and whoever dies."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from chalicelib.dates import utc_date
from chalicelib.errors import AppError
from chalicelib.models.aggregates import Line, Sums, lines_of, together
from chalicelib.models.ledger import Entry, ModelUse
from chalicelib.repositories.aggregates import ACTIVE, Aggregates
from chalicelib.repositories.expressions import serialize
from chalicelib.repositories.ledger_items import entry_put
from chalicelib.repositories.table import Tables
from tests.engines import Engine, tables
from tests.fault_injection import CRASHES, TRANSIENT, Crash, FaultInjector, fail_call

BEGIN_AT, DAYS = 1_795_392_000, 3  # 2026-11-23T00:00:00Z
MODELS = ("assemblyai/universal-streaming-english", "openai/gpt-6-luna", "openai/gpt-live-transcribe")
SERVICES = ("live", "catchup", "ask")
Booked = list[tuple[str, Entry]]


def made_up(seed: int, count: int, users: int = 9) -> Booked:
    """Movements of some users over three days, their first and last seconds included."""
    rng, booked = random.Random(seed), []
    for number in range(count):
        moment = BEGIN_AT + rng.choice([0, 86_399, 86_400, rng.randrange(DAYS * 86_400)])
        if rng.random() < 0.2:
            kind = rng.choice(["purchase", "free_credits", "clawback"])
            entry = Entry(f"e{seed}-{number}", kind, rng.randint(-500, 500), moment, cents=rng.randint(-999, 999))
        else:
            uses = [
                ModelUse(m, rng.randrange(9_999), rng.randrange(9_999), rng.randrange(99), 7)
                for m in rng.sample(MODELS, rng.choice([1, 1, 2]))
            ]
            entry = Entry(
                f"e{seed}-{number}", "usage", -rng.randrange(50), moment, service=rng.choice(SERVICES),
                audio_ms=rng.randrange(9_999), cost_micro_usd=sum(use.cost_micro_usd for use in uses), uses=tuple(uses),
                reported_ms=rng.choice([None, 0, 4_000]), reported_of_ms=5_000,
            )  # fmt: skip
        booked.append((f"user-{rng.randrange(users)}", entry))
    return booked


def sums_of(booked: Booked) -> dict[Line, Sums]:
    """The same sums by a loop over all entries."""
    found: dict[Line, Sums] = {}
    for _, entry in booked:
        for line, sums in lines_of(entry).items():
            found[line] = together([found.get(line, {}), sums])
    seen = {(utc_date(entry.at), user_id) for user_id, entry in booked if entry.kind == "usage"}
    for day, _ in seen:
        found[Line(day, ACTIVE)] = together([found.get(Line(day, ACTIVE), {}), {"users": 1}])
    return found


def check(totals: Aggregates, booked: Booked) -> None:
    assert totals.read("2026-11-23", "2026-11-25") == sums_of(booked)
    everything = totals.everything().sums
    assert everything["credits"] == sum(entry.credits for _, entry in booked)
    assert everything["entries"] == len(booked)


@pytest.fixture
def store(engine: Engine) -> Iterator[Callable[[FaultInjector], Aggregates]]:
    with engine.tables() as names:
        yield lambda fault_injector: Aggregates(fault_injector.tables(engine, names))


def test_every_entry_counts_once_however_often_it_comes_and_in_whatever_order(
    store: Callable[[FaultInjector], Aggregates],
) -> None:
    totals, booked = store(FaultInjector()), made_up(1, 150)
    replayed = booked * 2
    random.Random(2).shuffle(replayed)

    counted = [totals.count(replayed[first : first + 37]) for first in range(0, len(replayed), 37)]

    assert sum(counted) == len(booked)
    assert totals.count(booked) == 0
    check(totals, booked)


def test_two_streams_that_bring_the_same_entries_at_once(engine: Engine) -> None:
    booked = made_up(3, 120)
    with engine.tables() as names:
        totals = Aggregates(tables(engine, names))
        with ThreadPoolExecutor(4) as pool:
            halves = [booked[:80], booked[40:], booked[::2], list(reversed(booked))]
            counted = list(pool.map(lambda part: totals.count(part), halves))

        assert sum(counted) == len(booked)
        check(totals, booked)


@pytest.mark.sampled(8)
@pytest.mark.parametrize("fault", [*CRASHES, *TRANSIENT], ids=lambda fault: fault.name)
def test_whoever_counts_may_die_at_every_call(store: Callable[[FaultInjector], Aggregates], fault: str) -> None:
    booked, place, is_over = [], 0, False
    while not is_over:
        fault_injector = FaultInjector()
        totals, more = store(fault_injector), made_up(100 + place, 24)
        fault_injector.use_plan(fail_call(place, fault))  # type: ignore[arg-type]
        with suppress(Crash, AppError):
            totals.count(more)
        is_over = place >= len(fault_injector.calls)
        fault_injector.use_plan(lambda *_: None)
        totals.count(more)
        booked += more
        place += 1

    assert place > 4
    check(totals, booked)


def test_the_streams_images_are_counted_and_everything_else_of_the_ledger_is_not(engine: Engine) -> None:
    booked = made_up(5, 20)
    writes = [entry_put(user_id, entry) for user_id, entry in booked]
    images = [serialize((write.item or {}) | write.key.as_item()) for write in writes]
    others = [
        serialize({"pk": "USER#user-1", "sk": sk, "credits": 7}) for sk in ("BALANCE", "HOLD#e", "DAY#2026-11-23#ask")
    ]
    with engine.tables() as names:
        totals = Aggregates(tables(engine, names))

        assert totals.count_changes([*others, *images, *others]) == 20

        check(totals, booked)


def test_the_days_that_are_read_are_those_that_were_asked_for(engine: Engine) -> None:
    days = [("2026-11-30", 1_796_083_199), ("2026-12-01", 1_796_083_200), ("2027-01-01", 1_798_761_600)]
    with engine.tables() as names:
        totals = Aggregates(tables(engine, names))
        totals.count([("user-1", Entry(day, "usage", -1, moment, service="ask")) for day, moment in days])

        def dates(first: str, last: str) -> list[str]:
            return sorted({line.date for line in totals.read(first, last)})

        assert dates("2026-11-30", "2026-11-30") == ["2026-11-30"]
        assert dates("2026-12-01", "2026-12-31") == ["2026-12-01"]
        assert dates("2026-12-02", "2026-12-31") == []
        assert dates("2026-11-01", "2027-02-28") == [day for day, _ in days]


def test_old_entries_that_come_late_do_not_turn_back_how_far_it_is_counted(engine: Engine) -> None:
    with engine.tables() as names:
        totals = Aggregates(tables(engine, names))
        for number, moment in enumerate([BEGIN_AT + 60, BEGIN_AT, BEGIN_AT + 30]):
            totals.count([("user-1", Entry(f"e{number}", "usage", -1, moment, service="ask"))])

        assert totals.everything().counted_until == BEGIN_AT + 60


def test_nothing_was_ever_counted(engine: Engine) -> None:
    with engine.tables() as names:
        totals = Aggregates(Tables(engine.client, *names))
        assert totals.read("2026-01-01", "2026-12-31") == {}
        assert totals.everything().sums == {}
        assert totals.everything().counted_until == 0
