"""Thousands of operations under faults, and a stream that killed aggregators replay: the totals are exact.

System totals = the users' own daily totals added up = all entries added up, per day, service and model.
"""

import random
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from chalicelib.dates import utc_date
from chalicelib.errors import AppError
from chalicelib.models.accounts import Caller
from chalicelib.models.aggregates import ACTIVE_USERS, AggregateKey, Amounts, add_amounts, amounts_by_key
from chalicelib.models.ledger import Entry
from chalicelib.repositories.aggregates import Aggregates
from chalicelib.repositories.expressions import Item
from chalicelib.repositories.ledger import Guard
from chalicelib.repositories.table import Tables
from scripts.crowd import actions
from scripts.crowd.providers import BatchTranscription
from scripts.crowd.services import Services
from tests.credits.account_invariants import DAY_TOTALS, Books
from tests.default_prices import PRICE_VERSION
from tests.engines import Engine
from tests.fault_injection import Crash, Fault, FaultInjector, Plan, no_faults

BEGIN_AT = 1_795_392_000  # 2026-11-23T00:00:00Z
USERS, BATCH = 12, 40
KINDS: list[actions.Action] = [
    actions.listen,
    actions.relay,
    actions.catch_up,
    actions.ask,
    actions.buy,
    actions.receive_refund,
    actions.open_dispute,
    actions.decide_dispute,
]


def random_faults(rng: random.Random, one_in: int) -> Plan:
    """Any call may fail in any way, whatever failed before."""
    return lambda number, _: rng.choice(list(Fault)) if rng.randrange(one_in) == 0 else None


@dataclass
class Run:
    """A crowd on tables that have a stream."""

    engine: Engine
    names: tuple[str, str]
    stream_arn: str
    rng: random.Random
    counts: Counter[str] = field(default_factory=Counter)

    def operate(self, operations: int) -> list[str]:
        """Operations of some users, over three days; the ids of the users."""
        fault_injector = FaultInjector()
        shared = {"identity_key": "a key", "price_version": PRICE_VERSION, "recordings": BatchTranscription()}
        services = Services.build(fault_injector.tables(self.engine, self.names), **shared)
        quiet = Services.build(Tables(self.engine.client, *self.names), **shared)
        quiet.clock.at = BEGIN_AT
        users = [actions.CrowdUser(Caller(str(uuid.uuid4()), BEGIN_AT, "ada@example.com")) for _ in range(USERS)]
        for user in users:
            guard = Guard.free_credits(user.caller.user_id)
            quiet.ledger.grant(user.caller.user_id, 400, "free_credits", guard, at=BEGIN_AT, reason="welcome")
        for number in range(operations):
            # Three days pass; times near midnight are more frequent.
            services.clock.at = BEGIN_AT + number * 3 * 86_400 // operations + self.rng.choice([0, 0, 86_399 % 3_600])
            fault_injector.use_plan(random_faults(self.rng, 25))
            with suppress(Crash, AppError, ExceptionGroup):
                actions.try_action(self.rng.choice(KINDS), services, self.rng.choice(users), self.rng)
            self.counts["operations"] += 1
            self.counts["calls"] += len(fault_injector.calls)
            services.queue.sent.clear()
            fault_injector.use_plan(no_faults)
            if number % 50 == 49:
                quiet.sweep(services.clock.at + 3_600)
        for hours in range(2, 8):  # Interrupted jobs are abandoned after four.
            quiet.sweep(services.clock.at + hours * 3_600)
        return [user.caller.user_id for user in users]

    def stream(self) -> Iterator[list[Item]]:
        """The new images of the whole stream, from its oldest record, shard by shard, in batches."""
        streams = self.engine.streams()
        shards = streams.describe_stream(StreamArn=self.stream_arn)["StreamDescription"]["Shards"]
        for shard in shards:
            where = {"StreamArn": self.stream_arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            iterator = streams.get_shard_iterator(**where)["ShardIterator"]
            empty = 0
            while iterator and empty < 3:
                answer = streams.get_records(ShardIterator=iterator, Limit=BATCH)
                images = [
                    record["dynamodb"]["NewImage"] for record in answer["Records"] if record["eventName"] == "INSERT"
                ]
                empty = 0 if answer["Records"] else empty + 1
                if images:
                    yield images
                iterator = answer.get("NextShardIterator")
        streams.close()

    def aggregate(self) -> None:
        """Aggregators that are killed, batches that are repeated and out of order, and two aggregators at once."""
        batches = list(self.stream())
        assert batches
        for _ in range(2):
            self.rng.shuffle(batches)
            fault_injector = FaultInjector()
            totals = Aggregates(fault_injector.tables(self.engine, self.names))
            for batch in batches:
                fault_injector.use_plan(random_faults(self.rng, 8))
                with suppress(Crash, AppError):
                    totals.count_changes(batch)
                self.counts["batches"] += 1
            fault_injector.use_plan(no_faults)
        both = [Aggregates(Tables(self.engine.client, *self.names)) for _ in range(2)]
        with ThreadPoolExecutor(2) as pool:  # A stream repeats each batch until it is counted.
            list(pool.map(lambda totals: [totals.count_changes(batch) for batch in self.stream()], both))


def check(run: Run, user_ids: list[str]) -> Counter[str]:
    books = [Books.of(run.engine, run.names, user_id) for user_id in user_ids]
    for account in books:
        account.check_totals()
        assert [hold for hold in account.open_holds if hold.kind != "dispute"] == [], "a hold is stuck"
    booked: list[tuple[str, Entry]] = [
        (user_id, entry) for user_id, account in zip(user_ids, books, strict=True) for entry in account.entries
    ]
    by_entries: dict[AggregateKey, Amounts] = {}
    for _, entry in booked:
        for key, amounts in amounts_by_key(entry).items():
            by_entries[key] = add_amounts([by_entries.get(key, {}), amounts])
    for day, _ in {(utc_date(entry.at), user_id) for user_id, entry in booked if entry.kind == "usage"}:
        active_key = AggregateKey(day, ACTIVE_USERS)
        by_entries[active_key] = add_amounts([by_entries.get(active_key, {}), {"users": 1}])

    totals = Aggregates(Tables(run.engine.client, *run.names))
    stored = totals.read("2026-11-01", "2026-12-31")
    assert stored == by_entries
    by_users: Counter[tuple[str, str, str]] = Counter()
    for account in books:
        by_users.update(account.days)
    for (day, service, name), total in by_users.items():
        sign = -1 if name == "credits" else 1
        assert sign * stored[AggregateKey(day, service)].get(name, 0) == total, (day, service, name)
    used = {(key.date, key.service) for key in stored if (key.date, key.service, "entries") in by_users}
    assert used == {(day, service) for day, service, _ in by_users}
    assert set(DAY_TOTALS) == {name for _, _, name in by_users}
    all_amounts = totals.all_time().amounts
    assert all_amounts["credits"] == sum(account.balance.available + account.balance.held for account in books)
    of_models = [amounts for key, amounts in stored.items() if key.is_for_model]
    of_services = [stored[AggregateKey(day, service)] for day, service in used]
    assert add_amounts(of_models)["cost_micro_usd"] == add_amounts(of_services)["cost_micro_usd"]
    return Counter(run.counts, entries=len(booked))


def run_on(engine: Engine, seed: int, operations: int) -> Counter[str]:
    with engine.tables(with_stream=True) as names:
        described = engine.client.describe_table(TableName=names[0])["Table"]
        run = Run(engine, names, described["LatestStreamArn"], random.Random(seed))
        user_ids = run.operate(operations)
        run.aggregate()
        return check(run, user_ids)


@pytest.mark.long
def test_totals_of_a_crowd_under_faults_equal_its_entries(engine: Engine) -> None:
    counts = run_on(engine, 1, 250)

    assert counts["entries"] > 100


@pytest.mark.soak
def test_totals_of_thousands_of_operations_equal_their_entries(engine: Engine, soak_counts: Counter[str]) -> None:
    counts = run_on(engine, 2, 2_200)

    assert counts["operations"] >= 2_000
    soak_counts.update({f"totals: {name}": number for name, number in counts.items()})
