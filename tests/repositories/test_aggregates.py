"""The totals across all users: each entry counts once, however often, in whatever order, and with whatever faults."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from chalicelib.dates import utc_date
from chalicelib.errors import AppError
from chalicelib.models.aggregates import ACTIVE_USERS, AggregateKey, Amounts, add_amounts, amounts_by_key
from chalicelib.models.ledger import Entry, ModelUse
from chalicelib.repositories.aggregates import Aggregates
from chalicelib.repositories.expressions import serialize
from chalicelib.repositories.ledger_items import entry_put
from chalicelib.repositories.table import Tables
from tests.engines import Engine, on_use_case_engines, tables
from tests.fault_injection import CRASHES, TRANSIENT, Crash, FaultInjector, fail_call

BEGIN_AT, DAYS = 1_795_392_000, 3  # 2026-11-23T00:00:00Z
MODELS = ("assemblyai/universal-streaming-english", "openai/gpt-6-luna", "openai/gpt-live-transcribe")
SERVICES = ("live", "catchup", "ask")
UserEntries = list[tuple[str, Entry]]


def random_entries(seed: int, count: int, users: int = 9) -> UserEntries:
    """Entries of some users on three days, including the first and last seconds of a day."""
    rng, entries = random.Random(seed), []
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
                implausible_ms=rng.choice([None, 0, 9_000]),
            )  # fmt: skip
        entries.append((f"user-{rng.randrange(users)}", entry))
    return entries


def expected_totals(entries: UserEntries) -> dict[AggregateKey, Amounts]:
    """The totals by a loop over all entries."""
    found: dict[AggregateKey, Amounts] = {}
    for _, entry in entries:
        for key, amounts in amounts_by_key(entry).items():
            found[key] = add_amounts([found.get(key, {}), amounts])
    active = {(utc_date(entry.at), user_id) for user_id, entry in entries if entry.kind == "usage"}
    for day, _ in active:
        found[AggregateKey(day, ACTIVE_USERS)] = add_amounts(
            [found.get(AggregateKey(day, ACTIVE_USERS), {}), {"users": 1}]
        )
    return found


def check_totals(totals: Aggregates, entries: UserEntries) -> None:
    assert totals.read("2026-11-23", "2026-11-25") == expected_totals(entries)
    all_time = totals.all_time().amounts
    assert all_time["credits"] == sum(entry.credits for _, entry in entries)
    assert all_time["entries"] == len(entries)


@pytest.fixture
def store(engine: Engine) -> Iterator[Callable[[FaultInjector], Aggregates]]:
    with engine.tables() as names:
        yield lambda fault_injector: Aggregates(fault_injector.tables(engine, names))


def test_each_entry_counts_once_however_often_and_in_whatever_order_it_arrives(
    store: Callable[[FaultInjector], Aggregates],
) -> None:
    totals, entries = store(FaultInjector()), random_entries(1, 150)
    replayed = entries * 2
    random.Random(2).shuffle(replayed)

    counted = [totals.count(replayed[first : first + 37]) for first in range(0, len(replayed), 37)]

    assert sum(counted) == len(entries)
    assert totals.count(entries) == 0
    check_totals(totals, entries)


def test_concurrent_streams_with_the_same_entries_count_each_once(engine: Engine) -> None:
    entries = random_entries(3, 120)
    with engine.tables() as names:
        totals = Aggregates(tables(engine, names))
        with ThreadPoolExecutor(4) as pool:
            halves = [entries[:80], entries[40:], entries[::2], list(reversed(entries))]
            counted = list(pool.map(lambda part: totals.count(part), halves))

        assert sum(counted) == len(entries)
        check_totals(totals, entries)


@pytest.mark.long
@on_use_case_engines
@pytest.mark.parametrize("fault", [*CRASHES, *TRANSIENT], ids=lambda fault: fault.name)
def test_a_count_that_fails_at_any_call_can_be_repeated(
    store: Callable[[FaultInjector], Aggregates], fault: str
) -> None:
    entries, call, is_last = [], 0, False
    while not is_last:
        fault_injector = FaultInjector()
        totals, new_entries = store(fault_injector), random_entries(100 + call, 24)
        fault_injector.use_plan(fail_call(call, fault))  # type: ignore[arg-type]
        with suppress(Crash, AppError):
            totals.count(new_entries)
        is_last = call >= len(fault_injector.calls)
        fault_injector.use_plan(lambda *_: None)
        totals.count(new_entries)
        entries += new_entries
        call += 1

    assert call > 4
    check_totals(totals, entries)


def test_of_the_ledgers_stream_only_entries_are_counted(engine: Engine) -> None:
    entries = random_entries(5, 20)
    writes = [entry_put(user_id, entry) for user_id, entry in entries]
    images = [serialize((write.item or {}) | write.key.as_item()) for write in writes]
    others = [
        serialize({"pk": "USER#user-1", "sk": sk, "credits": 7}) for sk in ("BALANCE", "HOLD#e", "DAY#2026-11-23#ask")
    ]
    with engine.tables() as names:
        totals = Aggregates(tables(engine, names))

        assert totals.count_changes([*others, *images, *others]) == 20

        check_totals(totals, entries)


def test_only_the_requested_days_are_read(engine: Engine) -> None:
    days = [("2026-11-30", 1_796_083_199), ("2026-12-01", 1_796_083_200), ("2027-01-01", 1_798_761_600)]
    with engine.tables() as names:
        totals = Aggregates(tables(engine, names))
        totals.count([("user-1", Entry(day, "usage", -1, moment, service="ask")) for day, moment in days])

        def dates(first: str, last: str) -> list[str]:
            return sorted({key.date for key in totals.read(first, last)})

        assert dates("2026-11-30", "2026-11-30") == ["2026-11-30"]
        assert dates("2026-12-01", "2026-12-31") == ["2026-12-01"]
        assert dates("2026-12-02", "2026-12-31") == []
        assert dates("2026-11-01", "2027-02-28") == [day for day, _ in days]


def test_late_entries_do_not_move_counted_until_back(engine: Engine) -> None:
    with engine.tables() as names:
        totals = Aggregates(tables(engine, names))
        for number, moment in enumerate([BEGIN_AT + 60, BEGIN_AT, BEGIN_AT + 30]):
            totals.count([("user-1", Entry(f"e{number}", "usage", -1, moment, service="ask"))])

        assert totals.all_time().counted_until == BEGIN_AT + 60


def test_totals_without_entries_are_empty(engine: Engine) -> None:
    with engine.tables() as names:
        totals = Aggregates(Tables(engine.client, *names))
        assert totals.read("2026-01-01", "2026-12-31") == {}
        assert totals.all_time().amounts == {}
        assert totals.all_time().counted_until == 0
