"""What an account that pays nothing can cost in a day, as docs/security.md states it: writes and egress.

Its reads are in test_reads_of_a_free_account.py.

List prices of us-east-1, on demand, read 2026-11-29 (aws.amazon.com/dynamodb/pricing, aws.amazon.com/ec2/pricing).
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from chalicelib import contract
from chalicelib.errors import ConflictError
from chalicelib.models.accounts import Caller
from chalicelib.models.rate_limits import GROUPS, SECONDS, Limit
from chalicelib.models.sessions import LiveOptions, SocketCredential
from chalicelib.models.transcripts import Transcript
from chalicelib.repositories.table import Tables
from chalicelib.repositories.transcripts import put_transcript
from chalicelib.settings.schema import Settings
from chalicelib.transcripts import history
from tests.engines import IN_PROCESS, Engine
from tests.fakes import Backend, Clock, FakeLive
from tests.in_process_dynamodb import Answer, InProcessDynamoDB
from tests.payments.payments_env import PaymentsEnv
from tests.transcripts.sharing_env import confirm_email, sharing_on, token_of

pytestmark = pytest.mark.long

PAGE = (Path(__file__).parents[1] / "docs" / "security.md").read_text(encoding="utf-8")
USD_PER_WRITE_UNIT, USD_PER_GB_OUT = 0.625e-6, 0.09
LONG_TITLE, LONG_URL = "語" * 200, "https://talks.example/" + "語" * 1_978
KEY_TERMS = ["x" * 50] * 100
DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Settings)}
GROUPS_OF_A_USER = [name for name, group in GROUPS.items() if group.by == "user" and name != "admin"]
LIMITER_UNITS = 1  # the request itself is counted in an item of less than 1 KB


class WriteUnits:
    """Counts the write units of what a client sends: by item and started KB, twice in a transaction.

    A refused write costs as much. Sizes are those of the typed JSON, which is more than DynamoDB counts. `open_shard`:
    its index costs one more for each hold that enters or leaves it.
    """

    def __init__(self) -> None:
        self.units = 0
        self._reader = InProcessDynamoDB()

    def intercept(self, operation: str, request: dict[str, Any], send: Callable[[], Answer]) -> Answer | None:
        if operation not in ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"):
            return None
        written = request.get("TransactItems", [{operation: request}])
        keys = [key_of(write) for each in written for write in each.values()]
        before = [self._item(*key) for key in keys]
        answer = send()
        for item, changed in zip(before, [self._item(*key) for key in keys], strict=True):
            size = max(len(json.dumps(each, ensure_ascii=False).encode()) for each in (item, changed))
            self.units += -(-size // 1024) * (1 if len(keys) == 1 else 2) + (
                item.keys() ^ changed.keys() >= {"open_shard"}
            )
        return answer

    def _item(self, table: str, key: dict[str, Any]) -> dict[str, Any]:
        return dict(self._reader.get_item(TableName=table, Key=key).get("Item", {}))


def key_of(write: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    fields = write.get("Key") or write["Item"]
    return write["TableName"], {name: fields[name] for name in ("pk", "sk")}


class LiveWithLongAddress(FakeLive):
    """Its address has the key terms in it, as AssemblyAI's does."""

    def create_socket_credential(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        credential = super().create_socket_credential(lease_seconds, options)
        address = f"wss://live.example/?keyterms_prompt={msgspec.json.encode(options.key_terms).decode()}"
        return msgspec.structs.replace(credential, websocket_url=address)


@dataclass(frozen=True)
class MeteredAccount:
    """A free account, on use cases whose writes are counted."""

    backend: Backend
    caller: Caller
    written: WriteUnits

    def start(self, transport: str) -> contract.Lease:
        """With everything that a start may be labelled with."""
        return self.backend.start(
            self.caller, transport=transport, title=LONG_TITLE, source_url=LONG_URL, key_terms=KEY_TERMS
        )

    def stop(self, lease: contract.Lease) -> None:
        self.backend.streaming.stop(self.caller, lease.session_id)


@pytest.fixture
def account() -> Iterator[MeteredAccount]:
    clock, written = Clock(), WriteUnits()
    with Engine(IN_PROCESS).tables() as names:
        tables = Tables(InProcessDynamoDB(written.intercept), *names)
        backend = Backend.on(tables, clock, live=[LiveWithLongAddress(clock)])
        account = MeteredAccount(backend, backend.person(200), written)
        written.units = 0
        yield account


def requests_a_day(group: str) -> int:
    """At most, by the default of the group's limit: its burst, and what refills."""
    limit = Limit.parse(DEFAULTS[f"rate_limit_{group}"])
    return limit.requests + limit.requests * 86_400 // SECONDS[limit.window]


def start_and_stop(account: MeteredAccount) -> float:
    """Units of each of the two requests."""
    account.stop(account.start("direct"))
    return account.written.units / 2


def renew_without_audio(account: MeteredAccount) -> float:
    lease = account.start("relay")
    for _ in range(200):
        account.backend.streaming.renew(account.caller, lease.session_id, True, str(uuid.uuid4()), "hash")
    return account.written.units / 201


def send_chunks_to_a_lease_that_is_over(account: MeteredAccount) -> float:
    lease = account.start("relay")
    account.backend.clock.forward(lease.lease_seconds + 1)
    account.written.units = 0
    with pytest.raises(ConflictError):
        account.backend.send(account.caller, lease.session_id, 0)
    return account.written.units


def start_purchase(account: MeteredAccount) -> float:
    long = f"https://extension.example/{'x' * 1_900}"
    PaymentsEnv(account.backend).buy(account.caller, success_url=long, cancel_url=long)
    return account.written.units


def delete_transcript(account: MeteredAccount) -> float:
    lease = account.start("direct")
    account.stop(lease)
    account.written.units = 0
    account.backend.history.delete(account.caller, lease.transcript_id)
    return account.written.units


def share_again_and_again(account: MeteredAccount) -> float:
    lease = account.start("direct")
    sharing, caller = sharing_on(account.backend), confirm_email(account.caller)
    sharing.share(caller, lease.transcript_id, "https://api.example")
    account.written.units = 0
    sharing.share(caller, lease.transcript_id, "https://api.example")
    return account.written.units


def read_balance(account: MeteredAccount) -> float:
    account.backend.ledger.admit(account.caller)
    return account.written.units


@pytest.mark.parametrize(
    ("group", "write"),
    [
        ("reads", read_balance),
        ("stream", start_and_stop),
        ("stream", renew_without_audio),
        ("audio", send_chunks_to_a_lease_that_is_over),
        ("spend", start_purchase),
        ("account", delete_transcript),
        ("account", share_again_and_again),
    ],
)
def test_the_writes_of_a_day_cost_at_most_what_the_page_says(
    account: MeteredAccount, group: str, write: Callable[[MeteredAccount], float]
) -> None:
    """The dearest requests that move no credits, as often as the limit of their group allows."""
    units = LIMITER_UNITS + write(account)

    assert requests_a_day(group) * units * USD_PER_WRITE_UNIT <= row_of(group).writes_usd


def test_the_answers_of_a_day_cost_at_most_what_the_page_says(account: MeteredAccount) -> None:
    """Of lists at most so many bytes and one line, of whole transcripts and files what a response may have."""
    tables, user_id = account.backend.tables, account.caller.user_id
    for number in range(100):
        line = Transcript(f"{number:026d}", "live", number, title=LONG_TITLE, source_url=LONG_URL)
        tables.write(put_transcript(user_id, line))
    page = account.backend.history.page(account.caller, contract.HistoryQuery(limit=100))
    list_bytes = len(msgspec.json.encode(page))

    assert 10 < len(page.items) < 100
    assert list_bytes < history.MAX_LIST_BYTES + 1_000
    for group, answer_bytes in [("reads", list_bytes), ("bulk_reads", history.MAX_ANSWER_BYTES)]:
        assert requests_a_day(group) * answer_bytes / 1e9 * USD_PER_GB_OUT <= row_of(group).egress_usd


def test_the_shared_pages_of_a_day_cost_at_most_what_the_page_says(account: MeteredAccount) -> None:
    """The smallest page, as often as the cap of the account allows, from any number of networks."""
    lease = account.start("direct")
    sharing = sharing_on(account.backend)
    url = sharing.share(confirm_email(account.caller), lease.transcript_id, "https://api.example").url
    account.written.units = 0
    served_bytes = DEFAULTS["shared_bytes_per_account_day"]
    views = served_bytes / len(sharing.page(token_of(url), 0).encode())
    written = views * (LIMITER_UNITS + account.written.units) * USD_PER_WRITE_UNIT
    egress = served_bytes / 1e9 * USD_PER_GB_OUT

    (stated,) = re.findall(r"\*\*Shared pages\*\* .* \| \$([\d.]+) per day in writes, \$([\d.]+) in egress \|", PAGE)

    assert written <= float(stated[0])
    assert egress <= float(stated[1])


@pytest.mark.parametrize("group", GROUPS_OF_A_USER)
def test_the_page_states_how_many_requests_pass_in_a_day(group: str) -> None:
    assert row_of(group).requests == requests_a_day(group)


def test_the_summary_is_the_sum_of_the_table() -> None:
    rows = [row_of(group) for group in GROUPS_OF_A_USER]

    writes, reads = sum(row.writes_usd for row in rows), sum(row.reads_usd for row in rows)
    egress = sum(row.egress_usd for row in rows)
    stated = f"${-(-writes * 10 // 1) / 10:.2f} per day in writes, ${reads:.2f} in reads, ${egress:.2f} in egress"
    assert stated in PAGE


class StatedRow(NamedTuple):
    """A row of the table on the page."""

    requests: int
    writes_usd: float
    reads_usd: float
    egress_usd: float


def row_of(group: str) -> StatedRow:
    usd = r" \| \$([\d.]+)"
    row = re.findall(rf"^\| `{group}` \| ([\d,]+) \| [^|]+{usd * 3} \|$", PAGE, re.MULTILINE)
    assert len(row) == 1, group
    requests, *costs = row[0]
    return StatedRow(int(requests.replace(",", "")), *map(float, costs))
