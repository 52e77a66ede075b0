"""An audit whose worker dies at any call to AWS goes on, and tells what an undisturbed one tells."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from chalicelib import contract
from chalicelib.audit.service import MESSAGE
from chalicelib.errors import UnavailableError
from chalicelib.repositories.audits import KNOWN_KEY, known
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import Tables, Write
from tests.audit.audit_env import OWNER, Office, everything, figures
from tests.catchup.catchup_env import FakeQueue
from tests.engines import Engine
from tests.fakes import Clock
from tests.fault_injection import Crash, Fault, FaultInjector, fail_call, no_faults

Names = tuple[str, str]
DAY, SHORT = 86_400, {"places_a_page": 2, "items_a_scan": 10, "first_month": "2026-11"}
READS = {"GetItem", "BatchGetItem", "Query", "Scan"}
FAULTS = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST)


class WiredQueue(FakeQueue):
    """A queue at the other end of the wire."""

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
            raise UnavailableError("The queue's answer was lost.")


@pytest.fixture
def quiet(engine: Engine, names: Names, clock: Clock) -> Office:
    """Books of a closed day, some of them wrong, in a few pages."""
    clock.at -= DAY
    office = Office.on(Tables(engine.client, *names, pause=lambda _: None), clock, **SHORT)
    world = everything(office.backend)
    for _ in range(2):
        wrong = office.backend.person()
        office.backend.tables.write(Write(balance_key(wrong.user_id), add={"available": 1, "version": 1}))
    clock.forward(500)
    office.backend.streaming.sweep()
    office.backend.streaming.sweep()
    clock.forward(DAY)
    office.backend.streaming.sweep()
    assert office.backend.ledger.balance(world.ada.user_id).available > 0
    return office


@pytest.fixture
def wired(engine: Engine, names: Names, clock: Clock) -> tuple[FaultInjector, Office]:
    fault_injector = FaultInjector()
    office = Office.on(fault_injector.tables(engine, names), clock, **SHORT)
    return fault_injector, Office(office.backend, WiredQueue(fault_injector), office.rules)


def disturbed(fault_injector: FaultInjector, office: Office, *, recount: bool) -> contract.AuditReport:
    """The report of an audit that somebody starts until it is answered, and whose messages come until they are done.

    A message whose worker died comes again, as SQS brings it; what is silent all the same is found by the sweep.
    """
    while True:
        with suppress(Crash, UnavailableError):
            audit_id = office.audits.start(OWNER, recount).audit_id
            break
    for _ in range(30):
        while office.queue.sent:
            message = office.queue.sent[0]
            with suppress(Crash, UnavailableError):
                office.audits.advance(message.removeprefix(MESSAGE))
                office.queue.sent.remove(message)
                continue
            office.queue.sent.remove(message)
            office.queue.sent.append(message)
            office.backend.clock.forward(office.rules.claim_seconds)
        fault_injector.use_plan(no_faults)
        if not known(office.backend.tables.get(KNOWN_KEY)).running:
            report = office.audits.last(OWNER).report
            assert report is not None
            assert report.audit_id == audit_id
            return report
        office.backend.clock.forward(office.rules.claim_seconds)
        office.audits.sweep()
    raise AssertionError("the audit never ended")


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("recount", "faults"), [(False, FAULTS), (True, (Fault.CRASH_AFTER,))])
def test_an_audit_killed_at_any_call_tells_what_an_undisturbed_one_tells(
    quiet: Office, wired: tuple[FaultInjector, Office], recount: bool, faults: tuple[Fault, ...]
) -> None:
    fault_injector, office = wired
    began_at = quiet.backend.clock.at
    fault_injector.use_plan(no_faults)
    office.audits.start(OWNER, recount)
    office.work()
    points = list(crash_points(fault_injector.calls, faults))
    expected = office.audits.last(OWNER).report
    assert expected
    kinds = [finding.kind for finding in expected.findings]
    assert kinds.count("balance_differs") == 2
    assert ("totals_differ" in kinds) is not recount

    for number, fault in points:
        quiet.backend.clock.at = began_at
        fault_injector.use_plan(fail_call(number, fault))
        report = disturbed(fault_injector, office, recount=recount)
        assert figures(report) == figures(expected), f"{fault} at call {number}"


def crash_points(calls: list[str], faults: tuple[Fault, ...]) -> Iterator[tuple[int, Fault]]:
    """Every call with each fault; of a row of reads, between which nothing differs, the first and the last. A crash
    before any other call than the first is the crash after the one before it."""
    for number, call in enumerate(calls):
        if call in READS and all(near in READS for near in calls[max(0, number - 1) : number + 2]):
            continue
        yield from ((number, fault) for fault in faults if number == 0 or fault is not Fault.CRASH_BEFORE)
