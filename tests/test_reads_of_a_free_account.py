"""What the reads of an account that pays nothing can cost in a day, as docs/security.md states it.

List price of us-east-1, on demand, read 2026-11-29 (aws.amazon.com/dynamodb/pricing).
"""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib import contract
from chalicelib.catchup.job_rules import JobRules
from chalicelib.errors import ConflictError
from chalicelib.models.transcripts import Segment, Transcript
from chalicelib.repositories.sessions import MAX_OPEN_SESSIONS
from chalicelib.repositories.table import Tables
from chalicelib.repositories.transcripts import put_segments, put_transcript
from chalicelib.streaming.words import BASE_BYTES, BYTES_PER_MINUTE, COMPARISONS_PER_DAY
from chalicelib.transcripts.search import LINES_PER_CALL, SEGMENT_QUERIES
from tests.catchup.catchup_env import CatchupEnv
from tests.engines import IN_PROCESS, Engine
from tests.fakes import Backend, Clock
from tests.in_process_dynamodb import Answer, InProcessDynamoDB
from tests.payments.payments_env import PaymentsEnv
from tests.test_cost_of_a_free_account import (
    LONG_TITLE,
    LONG_URL,
    LiveWithLongAddress,
    MeteredAccount,
    WriteUnits,
    requests_a_day,
    row_of,
)
from tests.transcripts.sharing_env import search_on

pytestmark = pytest.mark.long

USD_PER_READ_UNIT = 0.125e-6
FREE_CREDITS, FREE_MINUTES = 200, 20
PAGE_BYTES = 1024 * 1024  # of a query


class ReadUnits:
    """Counts the units of consistent reads: by item and started 4 KB, of a query by what it found together.

    Sizes are those of the typed JSON, which is more than DynamoDB counts.
    """

    def __init__(self) -> None:
        self.units = 0

    def intercept(self, operation: str, request: dict[str, Any], send: Callable[[], Answer]) -> Answer:
        answer = send()
        body = json.loads(answer[1])
        if operation == "Query":
            self.units += _units(sum(map(_size, body["Items"])))
        elif operation == "GetItem":
            self.units += _units(_size(body.get("Item", {})))
        elif operation == "BatchGetItem":
            found = [item for items in body["Responses"].values() for item in items]
            keys = sum(len(keys["Keys"]) for keys in request["RequestItems"].values())
            self.units += sum(_units(_size(item)) for item in found) + keys - len(found)
        return answer


def _size(item: dict[str, Any]) -> int:
    return len(json.dumps(item, ensure_ascii=False).encode())


def _units(size: int) -> int:
    return max(1, -(-size // 4096))


@dataclass(frozen=True)
class Reader:
    """An account whose reads are counted."""

    account: MeteredAccount
    read: ReadUnits

    @property
    def backend(self) -> Backend:
        return self.account.backend

    @property
    def user_id(self) -> str:
        return self.account.caller.user_id

    def units_of(self, request: Callable[[], object]) -> int:
        self.read.units = 0
        request()
        return self.read.units

    def session_full_of_words(self) -> contract.Lease:
        """With what its base and all minutes that free credits pay for may hold."""
        lease = self.account.start("direct")
        row = contract.SegmentInput(seq=99_999, start_ms=0, end_ms=FREE_MINUTES * 60_000, text="words")
        self.backend.streaming.save(self.account.caller, lease.session_id, [row])
        size = BASE_BYTES + FREE_MINUTES * BYTES_PER_MINUTE
        for number in range(4):
            segments = [Segment(number * 1_000 + n, 0, 9_000, "x" * 900) for n in range(size // 4 // 1_000)]
            block_id = f"N00000000#{number}"
            self.backend.tables.write(put_segments(self.user_id, lease.transcript_id, block_id, segments))
        return lease


@pytest.fixture
def reader() -> Iterator[Reader]:
    clock, read = Clock(), ReadUnits()
    with Engine(IN_PROCESS).tables() as names:
        tables = Tables(InProcessDynamoDB(read.intercept), *names)
        backend = Backend.on(tables, clock, live=[LiveWithLongAddress(clock)])
        yield Reader(MeteredAccount(backend, backend.person(FREE_CREDITS), WriteUnits()), read)


def give_credits(reader: Reader) -> Reader:
    """Only so that the items exist: a free account makes them over several days."""
    rich = reader.backend.person(100_000)
    return Reader(MeteredAccount(reader.backend, rich, WriteUnits()), reader.read)


def read_history(reader: Reader) -> float:
    for number in range(300):
        line = Transcript(f"{number:026d}", "live", number, title=LONG_TITLE, source_url=LONG_URL)
        reader.backend.tables.write(put_transcript(reader.user_id, line))
    queries = [contract.HistoryQuery(limit=100), contract.HistoryQuery(limit=100, kind="catchup")]
    return max(
        reader.units_of(lambda q=query: reader.backend.history.page(reader.account.caller, q))  # type: ignore[misc]
        for query in queries
    )


def list_sessions(reader: Reader) -> float:
    rich = give_credits(reader)
    for _ in range(MAX_OPEN_SESSIONS):
        lease = rich.account.start("direct")
        for _ in range(3):
            rich.backend.streaming.renew(rich.account.caller, lease.session_id, True, str(uuid.uuid4()), "hash")
    units = rich.units_of(lambda: rich.backend.streaming.open_sessions(rich.account.caller))
    assert units > MAX_OPEN_SESSIONS
    return units


def list_purchases(reader: Reader) -> float:
    payments, long = PaymentsEnv(reader.backend), f"https://extension.example/{'x' * 1_900}"
    for _ in range(100):
        payments.buy(reader.account.caller, success_url=long, cancel_url=long)
    return reader.units_of(lambda: payments.purchases.page(reader.account.caller, 100, None))


def read_whole_transcript(reader: Reader) -> float:
    lease = reader.session_full_of_words()
    return reader.units_of(lambda: reader.backend.history.get_transcript(reader.account.caller, lease.transcript_id))


def search_everything(reader: Reader) -> float:
    """More lines and words than a call reads."""
    for number in range(LINES_PER_CALL):
        line = Transcript(f"{number:026d}", "live", number, title=LONG_TITLE, source_url=LONG_URL)
        reader.backend.tables.write(put_transcript(reader.user_id, line))
        words = [Segment(n, 0, 9_000, "x" * 900) for n in range(50)]
        reader.backend.tables.write(put_segments(reader.user_id, line.transcript_id, "N00000001#0", words))
    units = reader.units_of(
        lambda: search_on(reader.backend).find(reader.account.caller, contract.SearchQuery(q="missing"))
    )
    assert SEGMENT_QUERIES * PAGE_BYTES / 4096 * 0.9 < units < (1 + SEGMENT_QUERIES) * PAGE_BYTES / 4096 * 1.1
    return units


def save_nothing(reader: Reader) -> float:
    lease = reader.account.start("direct")
    return reader.units_of(lambda: reader.backend.streaming.save(reader.account.caller, lease.session_id, []))


def start_and_stop(reader: Reader) -> float:
    """Units of each of the two requests."""
    return reader.units_of(lambda: reader.account.stop(reader.account.start("direct"))) / 2


def send_chunk_too_late(reader: Reader) -> float:
    lease = reader.account.start("relay")
    reader.backend.clock.forward(lease.lease_seconds + 1)

    def send() -> None:
        with pytest.raises(ConflictError):
            reader.backend.send(reader.account.caller, lease.session_id, 0)

    return reader.units_of(send)


def start_purchase(reader: Reader) -> float:
    payments, long = PaymentsEnv(reader.backend), f"https://extension.example/{'x' * 1_900}"
    bodies = {"success_url": long, "cancel_url": long, "purchase_id": "one"}
    payments.buy(reader.account.caller, **bodies)
    return reader.units_of(lambda: payments.buy(reader.account.caller, **bodies))


def repeat_catchup(reader: Reader) -> float:
    """The result from store, with a title and an address as long as they may be."""
    env = CatchupEnv(reader.backend)
    body = {"audio_url": "https://media.example.com/a.mp3?" + "x" * 1_900, "title": LONG_TITLE, "to_ms": 60_000}
    env.start(reader.account.caller, **body)
    env.work()
    return reader.units_of(lambda: env.start(reader.account.caller, **body))


def delete_transcript(reader: Reader) -> float:
    lease = reader.account.start("direct")
    reader.account.stop(lease)
    return reader.units_of(lambda: reader.backend.history.delete(reader.account.caller, lease.transcript_id))


def quote_session(reader: Reader) -> float:
    lease, env = reader.session_full_of_words(), CatchupEnv(reader.backend)
    body = contract.Catchup(session_id=lease.session_id, minutes=600, quote=True)
    units = reader.units_of(lambda: env.catchups.start(reader.account.caller, body, "job", "hash", "https://x.example"))
    assert units > 100, "all of its text"
    return units


def compare_with_stored_words(_: Reader) -> float:
    return PAGE_BYTES / 4096


NO_CAP: tuple[int, Callable[[Reader], float]] = (0, lambda _: 0)


@pytest.mark.parametrize(
    ("group", "read", "capped"),
    [
        ("reads", read_history, NO_CAP),
        ("bulk_reads", list_sessions, NO_CAP),
        ("bulk_reads", list_purchases, NO_CAP),
        ("bulk_reads", read_whole_transcript, NO_CAP),
        ("bulk_reads", search_everything, NO_CAP),
        ("stream", save_nothing, (COMPARISONS_PER_DAY, compare_with_stored_words)),
        ("stream", start_and_stop, (COMPARISONS_PER_DAY, compare_with_stored_words)),
        ("audio", send_chunk_too_late, NO_CAP),
        ("spend", start_purchase, (JobRules().session_reads_per_day, quote_session)),
        ("spend", repeat_catchup, (JobRules().session_reads_per_day, quote_session)),
        ("spend", repeat_catchup, (JobRules().session_reads_per_day, list_sessions)),
        ("account", delete_transcript, NO_CAP),
    ],
)
def test_the_reads_of_a_day_cost_at_most_what_the_page_says(
    reader: Reader, group: str, read: Callable[[Reader], float], capped: tuple[int, Callable[[Reader], float]]
) -> None:
    """The requests that read most and move no credits: as often as the limit of their group, or a cap, allows."""
    times, read_more = capped
    units = requests_a_day(group) * read(reader) + times * read_more(reader)

    assert units * USD_PER_READ_UNIT <= row_of(group).reads_usd
