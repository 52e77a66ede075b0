"""History reads: the read units of a page of 50, and of a search, in a history of 100 and in one of 100,000."""

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib import contract
from chalicelib.cursors import Cursors
from chalicelib.ids import ulid
from chalicelib.models.accounts import Caller
from chalicelib.models.transcripts import Transcript
from chalicelib.repositories.expressions import serialize
from chalicelib.repositories.ledger import Ledger
from chalicelib.repositories.searched_items import SearchedItems
from chalicelib.repositories.table import Tables
from chalicelib.repositories.transcripts import TRANSCRIPT, Transcripts, put_transcript
from chalicelib.transcripts.history import QUERIES_PER_PAGE, TRANSCRIPTS_PER_QUERY, History
from chalicelib.transcripts.search import Search
from scripts.local.dynamodb_local import DynamoDBLocal
from tests.engines import Engine

SIZES = (100, 100_000)
PAGE = 50
FIRST_AT = 1_700_000_000
APART_SECONDS = 600
CATCHUP_EVERY = 10  # of the transcripts; the others are live
BATCH, WRITERS = 25, 4
Page = contract.HistoryPage | contract.SearchPage


@dataclass
class Meter:
    """The read units and calls of one client since the last `reset`, as the engine reports them."""

    units: float = 0
    calls: int = 0

    @classmethod
    def on(cls, database: Any) -> "Meter":
        meter = cls()
        for operation in ("Query", "BatchGetItem"):
            database.meta.events.register(f"provide-client-params.dynamodb.{operation}", _ask)
            database.meta.events.register(f"after-call.dynamodb.{operation}", meter._note)
        return meter

    def reset(self) -> tuple[float, int]:
        counts = self.units, self.calls
        self.units, self.calls = 0, 0
        return counts

    def _note(self, parsed: dict[str, Any], **_: Any) -> None:
        consumed = parsed.get("ConsumedCapacity", [])
        self.units += sum(item["CapacityUnits"] for item in (consumed if isinstance(consumed, list) else [consumed]))
        self.calls += 1


def _ask(params: dict[str, Any], **_: Any) -> None:
    params["ReturnConsumedCapacity"] = "TOTAL"


def main() -> None:
    """Print the units of each kind of page for both sizes, and whether they are equal."""
    with tempfile.TemporaryDirectory() as directory, DynamoDBLocal(Path(directory) / "log") as running:
        engine = Engine("dynamodb_local", running.endpoint_url)
        with engine.tables() as names:
            users = [Caller(f"user-of-{size:06}", FIRST_AT, "") for size in SIZES]
            for user, size in zip(users, SIZES, strict=True):
                fill(engine.client, names[1], user.user_id, size)
            tables, meter = Tables(engine.client, *names), Meter.on(engine.client)
            cursors = Cursors("a key for benchmarks")
            history = History(Ledger(tables), tables, Transcripts(tables), cursors, lambda: FIRST_AT)
            report(history, meter, users)


def report(history: History, meter: Meter, users: list[Caller]) -> None:
    print(f"  {'a page of 50':34}" + "".join(f"{f'{size:,} lines':>30}" for size in SIZES))
    all_lines = contract.HistoryQuery(limit=PAGE)
    newest = row("newest", history.page, meter, users, all_lines)
    oldest = [
        contract.HistoryQuery(
            limit=PAGE, cursor=history.cursors.encode(TRANSCRIPT, key(PAGE), user.user_id, "", "None")
        )
        for user in users
    ]
    same = len(set(newest)) == len(set(row("oldest", history.page, meter, users, *oldest))) == 1
    live = row("kind=live, 9 lines of 10", history.page, meter, users, contract.HistoryQuery(limit=PAGE, kind="live"))
    rare = row(
        "kind=catchup, 1 line of 10", history.page, meter, users, contract.HistoryQuery(limit=PAGE, kind="catchup")
    )
    first, last = (datetime.fromtimestamp(FIRST_AT + n * APART_SECONDS, UTC) for n in (20, 80))
    between = contract.HistoryQuery(limit=PAGE, started_from=first, started_before=last)
    dated = row("from, to: 60 lines", history.page, meter, users, between)
    bound = live[0] * QUERIES_PER_PAGE  # In the small history it is one query, of all its lines.
    print(
        f"  unfiltered: {'the same' if same else 'NOT THE SAME'}; filtered: "
        f"{'within' if max(live + rare + dated) <= bound else 'OVER'} the bound of {QUERIES_PER_PAGE} queries of "
        f"{TRANSCRIPTS_PER_QUERY} lines, {bound:g} units"
    )
    search = Search(history.ledger, SearchedItems(history.tables), history.cursors)
    searched = row("search", search.find, meter, users, contract.SearchQuery(q="missing"))
    print(f"  a search: {'the same' if len(set(searched)) == 1 else 'NOT THE SAME'}")


def row(
    name: str, read: Callable[[Caller, Any], Page], meter: Meter, users: list[Caller], *queries: contract.PageQuery
) -> list[float]:
    """Print one line of the table; returns the units of each user. `queries`: the same for all, or one for each."""
    units = []
    text = f"  {name:34}"
    for number, user in enumerate(users):
        page = read(user, queries[number % len(queries)])
        used, calls = meter.reset()
        units.append(used)
        text += f"{f'{used:g} units, {calls} calls, {len(page.items)} found':>30}"
    print(text, flush=True)
    return units


def key(number: int) -> str:
    return TRANSCRIPT + line(number).transcript_id


def line(number: int) -> Transcript:
    """The `number`-th transcript from the oldest, with a usual title."""
    at = FIRST_AT + number * APART_SECONDS
    return Transcript(
        transcript_id=ulid(at * 1000, number.to_bytes(10)),
        kind="live" if number % CATCHUP_EVERY else "catchup",
        started_at=at,
        title=f"A talk with a usual title, number {number:06}",
        source_url=f"https://media.example.com/talks/{number:06}",
        state="done",
        ended_at=at + 500,
        audio_ms=480_000,
        credits=80,
        covered_ms=((0, 480_000),),
    )


def fill(database: Any, table: str, user_id: str, size: int) -> None:
    """Write a history directly to the table."""

    def write(first: int) -> None:
        puts = []
        for number in range(first, min(first + BATCH, size)):
            made = put_transcript(user_id, line(number))
            puts.append({"PutRequest": {"Item": serialize(made.key.as_item() | dict(made.item or {}))}})
        left = {table: puts}
        while left:
            left = database.batch_write_item(RequestItems=left)["UnprocessedItems"]

    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(write, range(0, size, BATCH)))


if __name__ == "__main__":
    main()
