"""Audits on the tables of a backend, and users with every kind of item to audit."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from chalicelib import contract
from chalicelib.admin.usage_figures import ActiveAndTopUsers
from chalicelib.audit.reader import Auditor, AuditRules
from chalicelib.audit.service import MESSAGE, Audits
from chalicelib.models.accounts import Caller, Profile
from chalicelib.models.ledger import Entry
from chalicelib.models.purchase_facts import DisputeState, PaymentState
from chalicelib.payments.refunds_and_disputes import purchase_value
from chalicelib.pricing import price_files
from chalicelib.repositories.aggregates import Aggregates
from chalicelib.repositories.conditions import Attr
from chalicelib.repositories.ledger_items import balance_key, entry_from
from chalicelib.repositories.profiles import create_profile
from chalicelib.repositories.table import Tables, Write, WriteRefusedError
from tests.admin.admin_env import AdminEnv, FakeDirectory
from tests.catchup.catchup_env import CatchupEnv, FakeQueue
from tests.fakes import Backend, Clock, ScriptedRecogniser
from tests.payments.payments_env import THIRD_CENTS, PaymentsEnv, dispute, refund

ENTRIES = Attr("sk").begins_with("ENTRY#")
OWNER = Caller("owner", 1_795_400_000, "owner@example.com", ("admins",))


@dataclass(frozen=True)
class AuditEnv:
    """Audits on a backend. `pause`: called before books with problems are read again."""

    backend: Backend
    queue: FakeQueue = field(default_factory=FakeQueue)
    rules: AuditRules = field(default_factory=AuditRules)
    pause: Callable[[float], None] = lambda _: None
    max_top_users: int = 20

    @classmethod
    def on(cls, tables: Tables, clock: Clock, **rules: Any) -> "AuditEnv":
        return cls(Backend.on(tables, clock, (ScriptedRecogniser(),)), rules=AuditRules(**rules))

    @property
    def aggregates(self) -> Aggregates:
        return Aggregates(self.backend.tables)

    @property
    def audits(self) -> Audits:
        tables, clock = self.backend.tables, self.backend.clock
        auditor = Auditor(
            tables=tables,
            aggregates=self.aggregates,
            price_tables=price_files.load_all(),
            purchase_value=purchase_value,
            usage_collector=ActiveAndTopUsers(self.max_top_users),
            rules=self.rules,
            now=clock,
            pause=self.pause,
        )
        return Audits(
            ledger=self.backend.ledger,
            tables=tables,
            auditor=auditor,
            queue=self.queue,
            rules=self.rules,
            now=clock,
            new_id=lambda: str(uuid.uuid4()),
        )

    def work(self) -> list[dict[str, int]]:
        """Deliver all messages, and those sent meanwhile; the metrics of audits that ended."""
        metrics = []
        while self.queue.sent:
            ended = self.audits.advance(self.queue.sent.pop(0).removeprefix(MESSAGE))
            metrics += [ended] if ended else []
        return metrics

    def run(self, *, recount: bool = False) -> contract.AuditReport:
        """The report of a whole audit."""
        started = self.audits.start(OWNER, recount)
        self.work()
        report = self.audits.load_latest(OWNER).report
        assert report is not None
        assert (report.audit_id, report.status) == (started.audit_id, "done")
        return report

    def find_problems(self) -> list[tuple[str, str, str]]:
        """Kind, user and reference of each finding of an audit."""
        return [(finding.kind, finding.user_id, finding.reference) for finding in self.run().findings]

    def count_all(self) -> None:
        """Count all entries, as the ledger's stream would have done by now."""
        after: tuple[str, ...] | None = ()
        while after is not None:
            items, after = self.backend.tables.scan("ledger", ENTRIES, limit=10_000, after=after)
            entries: list[tuple[str, Entry]] = [(item["pk"].removeprefix("USER#"), entry_from(item)) for item in items]
            self.aggregates.count(entries)


@dataclass(frozen=True)
class AuditedUsers:
    """A user who did everything, one who only signed up, and one from whom more was taken than was available."""

    ada: Caller
    bob: Caller
    carol: Caller
    bought: str  # granted, and partly refunded
    disputed: str  # granted, and held for by an open dispute
    unpaid: str


def create_all_items(backend: Backend) -> AuditedUsers:
    """Every kind of item: uses of every service, open and ended holds of every kind, purchases."""
    ada, bob, carol = (backend.person() for _ in range(3))
    payments_env, catchup_env = PaymentsEnv(backend), CatchupEnv(backend)
    run_admin_actions(backend, carol)
    lease = backend.start(ada, lease_seconds=120)
    backend.send(ada, lease.session_id, 0, seconds=45.0)
    backend.streaming.save(
        ada, lease.session_id, [contract.SegmentInput(seq=0, start_ms=0, end_ms=900, text="A sentence.")]
    )
    backend.streaming.renew(ada, lease.session_id, interrupted=True)
    backend.send(ada, lease.session_id, 1, seconds=30.0)
    backend.streaming.stop(ada, lease.session_id)
    catchup_env.ask(ada, session_id=lease.session_id)
    catchup_env.start(ada, session_id=lease.session_id, minutes=5)
    catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=120_000)
    catchup_env.work()
    bought, disputed, unpaid = (payments_env.buy(ada) for _ in range(3))
    for purchase_id in (bought, disputed):
        payments_env.receive_fact(purchase_id, PaymentState.PAID)
    payments_env.receive_fact(bought, refund("re_1", THIRD_CENTS))
    payments_env.receive_fact(disputed, dispute("dp_0", DisputeState.LOST, 100))
    payments_env.receive_fact(disputed, dispute("dp_1", DisputeState.OPEN, 500))
    backend.clock.forward(1)
    unused = backend.start(ada, lease_seconds=120)
    backend.streaming.stop(ada, unused.session_id)
    direct = backend.start(ada, transport="direct", lease_seconds=60)
    backend.clock.forward(20)
    backend.streaming.stop(ada, direct.session_id)
    backend.start(ada, lease_seconds=600)
    return AuditedUsers(ada, bob, carol, bought, disputed, unpaid)


def run_admin_actions(backend: Backend, caller: Caller) -> None:
    """Grant credits, take back more than there are, block, unblock."""
    admin_env = AdminEnv(backend, FakeDirectory(), OWNER, caller)
    with suppress(WriteRefusedError):  # Another test wrote it.
        backend.tables.write(create_profile(Profile(OWNER.user_id, OWNER.email, "", backend.clock())))
    admin_env.adjust_credits(10)
    backend.clock.forward(1)
    admin_env.adjust_credits(-300, reason="A mistake.")
    for is_blocked in (True, False):
        backend.clock.forward(1)
        admin_env.admin.set_blocked(OWNER, caller.user_id, is_blocked, "A test.")


def break_books(audit_env: AuditEnv, user_id: str) -> None:
    audit_env.backend.tables.write(Write(balance_key(user_id), add={"available": 1}))


def figures(report: contract.AuditReport) -> dict[str, object]:
    """The report without what differs between audits."""
    names = set(report.__struct_fields__) - {"audit_id", "started_at", "ended_at"}
    return {name: getattr(report, name) for name in names}
