"""An audit whose worker dies at any AWS call continues, and reports what an undisturbed one reports."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from chalicelib import contract
from chalicelib.audit.service import MESSAGE
from chalicelib.errors import UnavailableError
from chalicelib.repositories.audits import LATEST_KEY, latest_audits_from
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import Tables, Write
from tests.audit.audit_env import OWNER, AuditEnv, create_all_items, figures
from tests.catchup.catchup_env import FakeQueue
from tests.engines import Engine
from tests.fakes import Clock
from tests.fault_injection import Crash, Fault, FaultInjector, fail_call, no_faults

Names = tuple[str, str]
DAY, SHORT = 86_400, {"items_per_page": 2, "items_per_scan": 10, "first_month": "2026-11"}
READS = {"GetItem", "BatchGetItem", "Query", "Scan"}
FAULTS = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST)


class FaultyQueue(FakeQueue):
    """A queue whose calls can fail."""

    def __init__(self, fault_injector: FaultInjector):
        super().__init__()
        self.fault_injector = fault_injector

    def send(self, job_id: str) -> None:
        fault = self.fault_injector.next_fault("SendMessage")
        if fault is Fault.CRASH_BEFORE:
            raise Crash
        super().send(job_id)
        if fault is Fault.CRASH_AFTER:
            raise Crash
        if fault is not None:
            raise UnavailableError("The queue's response was lost.")


@pytest.fixture
def env_without_faults(engine: Engine, names: Names, clock: Clock) -> AuditEnv:
    """Books of a closed day, two of them wrong, in a few pages."""
    clock.at -= DAY
    audit_env = AuditEnv.on(Tables(engine.client, *names, pause=lambda _: None), clock, **SHORT)
    users = create_all_items(audit_env.backend)
    for _ in range(2):
        caller = audit_env.backend.person()
        audit_env.backend.tables.write(Write(balance_key(caller.user_id), add={"available": 1, "version": 1}))
    clock.forward(500)
    audit_env.backend.streaming.sweep()
    audit_env.backend.streaming.sweep()
    clock.forward(DAY)
    audit_env.backend.streaming.sweep()
    assert audit_env.backend.ledger.balance(users.ada.user_id).available > 0
    return audit_env


@pytest.fixture
def faulty_env(engine: Engine, names: Names, clock: Clock) -> tuple[FaultInjector, AuditEnv]:
    fault_injector = FaultInjector()
    audit_env = AuditEnv.on(fault_injector.tables(engine, names), clock, **SHORT)
    return fault_injector, AuditEnv(audit_env.backend, FaultyQueue(fault_injector), audit_env.rules)


def run_with_faults(fault_injector: FaultInjector, audit_env: AuditEnv, *, recount: bool) -> contract.AuditReport:
    """The report of an audit whose start is retried until it succeeds, and whose messages are delivered until they do.

    A message whose worker died is delivered again, as SQS does; a lost message is replaced by the sweep.
    """
    while True:
        with suppress(Crash, UnavailableError):
            audit_id = audit_env.audits.start(OWNER, recount).audit_id
            break
    for _ in range(30):
        while audit_env.queue.sent:
            message = audit_env.queue.sent[0]
            with suppress(Crash, UnavailableError):
                audit_env.audits.advance(message.removeprefix(MESSAGE))
                audit_env.queue.sent.remove(message)
                continue
            audit_env.queue.sent.remove(message)
            audit_env.queue.sent.append(message)
            audit_env.backend.clock.forward(audit_env.rules.claim_seconds)
        fault_injector.use_plan(no_faults)
        if not latest_audits_from(audit_env.backend.tables.get(LATEST_KEY)).running:
            report = audit_env.audits.load_latest(OWNER).report
            assert report is not None
            assert report.audit_id == audit_id
            return report
        audit_env.backend.clock.forward(audit_env.rules.claim_seconds)
        audit_env.audits.sweep()
    raise AssertionError("the audit never ended")


@pytest.mark.long
@pytest.mark.sampled(1)
@pytest.mark.parametrize(("recount", "faults"), [(False, FAULTS), (True, (Fault.CRASH_AFTER,))])
def test_an_audit_that_dies_at_any_call_reports_what_an_undisturbed_one_reports(
    env_without_faults: AuditEnv, faulty_env: tuple[FaultInjector, AuditEnv], recount: bool, faults: tuple[Fault, ...]
) -> None:
    fault_injector, audit_env = faulty_env
    started_at = env_without_faults.backend.clock.at
    fault_injector.use_plan(no_faults)
    audit_env.audits.start(OWNER, recount)
    audit_env.work()
    points = list(crash_points(fault_injector.calls, faults))
    expected = audit_env.audits.load_latest(OWNER).report
    assert expected
    kinds = [finding.kind for finding in expected.findings]
    assert kinds.count("balance_differs") == 2
    assert ("totals_differ" in kinds) is not recount

    for number, fault in points:
        env_without_faults.backend.clock.at = started_at
        fault_injector.use_plan(fail_call(number, fault))
        report = run_with_faults(fault_injector, audit_env, recount=recount)
        assert figures(report) == figures(expected), f"{fault} at call {number}"


def crash_points(calls: list[str], faults: tuple[Fault, ...]) -> Iterator[tuple[int, Fault]]:
    """Every call with each fault; of consecutive reads, which change nothing, only the first and the last.

    A crash before a call is the same as a crash after the call before it, so only the first call has it.
    """
    for number, call in enumerate(calls):
        if call in READS and all(near in READS for near in calls[max(0, number - 1) : number + 2]):
            continue
        yield from ((number, fault) for fault in faults if number == 0 or fault is not Fault.CRASH_BEFORE)
