"""Audits put together on the tables of a backend, and a world with something of everything to audit."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from boto3.dynamodb.conditions import Attr

from chalicelib import contract
from chalicelib.audit.reader import Auditor, AuditRules
from chalicelib.audit.service import MESSAGE, Audits
from chalicelib.models.accounts import Caller, Profile
from chalicelib.models.ledger import Entry
from chalicelib.models.purchase_facts import DisputeState, PaymentState
from chalicelib.payments.purchase_state import purchase_value
from chalicelib.pricing import price_files
from chalicelib.repositories.aggregates import Aggregates
from chalicelib.repositories.ledger_items import entry_from
from chalicelib.repositories.profiles import create_profile
from chalicelib.repositories.table import Tables, WriteRefusedError
from tests.admin.test_users import Bureau, FakeDirectory
from tests.catchup.catchup_env import CatchupEnv, FakeQueue
from tests.catchup.worker_env import CatchupScenario
from tests.fakes import Backend, Clock, ScriptedRecogniser
from tests.payments.payments_env import PaymentsEnv, dispute, refund

ENTRIES = Attr("sk").begins_with("ENTRY#")
OWNER = Caller("owner", 1_795_400_000, "owner@example.com", ("admins",))


@dataclass(frozen=True)
class Office:
    """Audits on a backend. `pause`: what happens between two readings of books that are wrong."""

    backend: Backend
    queue: FakeQueue = field(default_factory=FakeQueue)
    rules: AuditRules = field(default_factory=AuditRules)
    pause: Callable[[float], None] = lambda _: None

    @classmethod
    def on(cls, tables: Tables, clock: Clock, **rules: Any) -> "CatchupScenario":
        return cls(Backend.on(tables, clock, (ScriptedRecogniser(),)), rules=AuditRules(**rules))

    @property
    def totals(self) -> Aggregates:
        return Aggregates(self.backend.tables)

    @property
    def audits(self) -> Audits:
        tables, clock = self.backend.tables, self.backend.clock
        versions = frozenset(price_files.available())
        return Audits(
            ledger=self.backend.ledger,
            tables=tables,
            auditor=Auditor(tables, self.totals, versions, purchase_value, self.rules, clock, self.pause),
            queue=self.queue,
            rules=self.rules,
            now=clock,
            new_id=lambda: str(uuid.uuid4()),
        )

    def work(self) -> list[dict[str, int]]:
        """Deliver all messages, those that come of it too; the figures of audits that ended."""
        ended = []
        while self.queue.sent:
            figures = self.audits.advance(self.queue.sent.pop(0).removeprefix(MESSAGE))
            ended += [figures] if figures else []
        return ended

    def run(self, *, recount: bool = False) -> contract.AuditReport:
        """A whole audit; its report."""
        started = self.audits.start(OWNER, recount)
        self.work()
        report = self.audits.last(OWNER).report
        assert report is not None
        assert (report.audit_id, report.status) == (started.audit_id, "done")
        return report

    def found(self) -> list[tuple[str, str, str]]:
        """Kind, user and reference of all that an audit finds."""
        return [(one.kind, one.user_id, one.reference) for one in self.run().findings]

    def count_all(self) -> None:
        """What the ledger's stream would have brought until now."""
        after: tuple[str, ...] | None = ()
        while after is not None:
            items, after = self.backend.tables.scan("ledger", ENTRIES, limit=10_000, after=after)
            booked: list[tuple[str, Entry]] = [(item["pk"].removeprefix("USER#"), entry_from(item)) for item in items]
            self.totals.count(booked)


@dataclass(frozen=True)
class World:
    """Somebody who did everything, somebody who did nothing but sign up, and somebody from whom more was taken than
    was there."""

    ada: Caller
    bob: Caller
    carol: Caller
    bought: str  # granted, and partly refunded
    disputed: str  # granted, and an open dispute holds of it
    begun: str  # nobody paid it


def everything(backend: Backend) -> World:
    """Every kind of item there is: uses of every service, holds of every kind open and ended, purchases."""
    ada, bob, carol = (backend.person() for _ in range(3))
    payments_env, catchup_env = PaymentsEnv(backend), CatchupEnv(backend)
    administer(backend, carol)
    lease = backend.start(ada, lease_seconds=120)
    backend.send(ada, lease.session_id, 0, seconds=45.0)
    backend.streaming.save(ada, lease.session_id, [contract.SegmentInput(seq=0, start_ms=0, end_ms=900, text="said")])
    backend.streaming.renew(ada, lease.session_id, interrupted=True)
    backend.send(ada, lease.session_id, 1, seconds=30.0)
    backend.streaming.stop(ada, lease.session_id)
    catchup_env.ask(ada, session_id=lease.session_id)
    catchup_env.start(ada, session_id=lease.session_id, minutes=5)
    catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=120_000)
    catchup_env.work()
    bought, disputed, begun = (payments_env.buy(ada) for _ in range(3))
    for purchase_id in (bought, disputed):
        payments_env.receive_fact(purchase_id, PaymentState.PAID)
    payments_env.receive_fact(bought, refund("re_1", 333))
    payments_env.receive_fact(disputed, dispute("dp_0", DisputeState.LOST, 100))
    payments_env.receive_fact(disputed, dispute("dp_1", DisputeState.OPEN, 500))
    backend.clock.forward(1)
    unused = backend.start(ada, lease_seconds=120)
    backend.streaming.stop(ada, unused.session_id)
    direct = backend.start(ada, transport="direct", lease_seconds=60)
    backend.clock.forward(20)
    backend.streaming.stop(ada, direct.session_id)
    backend.start(ada, lease_seconds=600)
    return World(ada, bob, carol, bought, disputed, begun)


def administer(backend: Backend, caller: Caller) -> None:
    """Give credits, take back more than there are, block, let in again."""
    bureau = Bureau(backend, FakeDirectory(), OWNER, caller)
    with suppress(WriteRefusedError):  # It is there from another test.
        backend.tables.write(create_profile(Profile(OWNER.user_id, OWNER.email, "", backend.clock())))
    bureau.give(10)
    backend.clock.forward(1)
    bureau.give(-300, reason="A mistake.")
    for is_blocked in (True, False):
        backend.clock.forward(1)
        bureau.admin.set_blocked(OWNER, caller.user_id, is_blocked, "A test.")


def figures(report: contract.AuditReport) -> dict[str, object]:
    """All of it but what is each audit's own."""
    own = {"audit_id", "started_at", "ended_at"}
    return {name: getattr(report, name) for name in report.__struct_fields__ if name not in own}
