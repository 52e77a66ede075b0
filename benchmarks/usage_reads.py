"""Usage reads: the read units of `GET /analytics/usage` for a month, with 100 ledger entries and with many."""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from benchmarks.history_reads import BATCH, Meter
from chalicelib import contract
from chalicelib.credits.usage import UsageReport
from chalicelib.dates import utc_date
from chalicelib.ids import ulid
from chalicelib.models.accounts import Caller
from chalicelib.pricing.price_files import SERVICES
from chalicelib.repositories.expressions import serialize
from chalicelib.repositories.ledger import Ledger
from chalicelib.repositories.table import Tables
from scripts.local.dynamodb_local import DynamoDBLocal
from tests.engines import Engine, client

SIZES = (100, int(os.environ.get("ENTRIES", "100000")))
NOW = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp())
DAYS, WRITERS = 366, 4


def main() -> None:
    """Print the units of both users, and whether they are equal."""
    with tempfile.TemporaryDirectory() as directory, DynamoDBLocal(Path(directory) / "log") as running:
        engine = Engine("dynamodb_local", client(running.endpoint_url))
        with engine.tables() as names:
            users = [Caller(f"user-of-{size:07}", NOW, "") for size in SIZES]
            for user, size in zip(users, SIZES, strict=True):
                fill(engine.client, names[0], user.user_id, size)
            analytics, meter = UsageReport(Ledger(Tables(engine.client, *names)), lambda: NOW), Meter.on(engine.client)
            queries = {
                "thirty days": contract.UsageQuery(),
                "366 days": contract.UsageQuery(from_day=date(2025, 11, 24), to_day=date(2026, 11, 24)),
            }
            print(f"  {'':14}" + "".join(f"{f'{size:,} entries':>26}" for size in SIZES))
            same = True
            for called, body in queries.items():
                units = []
                for user in users:
                    analytics.usage(user, body)
                    units.append(meter.reset())
                same &= len(set(units)) == 1
                print(f"  {called:14}" + "".join(f"{f'{used:g} units, {calls} calls':>26}" for used, calls in units))
            print(f"  {'the same' if same else 'NOT THE SAME'}")


def fill(database: Any, table: str, user_id: str, size: int) -> None:
    """Write entries directly to the table, and daily aggregates of all services for a year."""
    key = {"pk": f"USER#{user_id}"}
    figures = {"credits": 100, "audio_ms": 600_000, "cost_micro_usd": 25_000, "entries": 10}
    days = [utc_date(NOW - n * 86_400) for n in range(DAYS)]
    items = [key | {"sk": f"DAY#{day}#{service}"} | figures for day in days for service in SERVICES]
    entry = {"kind": "usage", "credits": -10, "at": NOW, "service": "live", "audio_ms": 60_000}

    def put(batch: list[dict[str, Any]]) -> None:
        left = {table: [{"PutRequest": {"Item": serialize(item)}} for item in batch]}
        while left:
            left = database.batch_write_item(RequestItems=left)["UnprocessedItems"]

    def write(first: int) -> None:
        numbers = range(first, min(first + BATCH, size))
        put([key | {"sk": f"ENTRY#{ulid(NOW * 1000, n.to_bytes(10))}"} | entry for n in numbers])

    for first in range(0, len(items), BATCH):
        put(items[first : first + BATCH])
    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(write, range(0, size, BATCH)))


if __name__ == "__main__":
    main()
