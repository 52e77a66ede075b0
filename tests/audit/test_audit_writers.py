"""An audit is correct while users start, talk, stop, ask, buy, get refunds and are granted credits."""

import random
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from chalicelib import contract
from chalicelib.errors import AppError
from chalicelib.models.accounts import Caller
from chalicelib.models.purchase_facts import DisputeState, PaymentState
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import Tables, Write
from tests.admin.admin_env import AdminEnv, FakeDirectory
from tests.audit.audit_env import OWNER, AuditEnv
from tests.catchup.catchup_env import CatchupEnv
from tests.engines import Engine
from tests.fakes import Backend, Clock
from tests.payments.payments_env import PaymentsEnv, dispute, refund

Names = tuple[str, str]
WRITERS, USERS, AUDITS = 6, 8, 3


def run_random_actions(backend: Backend, callers: list[Caller], seed: int, stop: threading.Event) -> int:
    """Use and change the credits of random callers until `stop` is set; the number of actions."""
    rng, payments_env, catchup_env, actions = random.Random(seed), PaymentsEnv(backend), CatchupEnv(backend), 0
    while not stop.is_set():
        caller = rng.choice(callers)
        with suppress(AppError):  # Of two actions on one account, one may be refused.
            match rng.randrange(4):
                case 0:
                    listen(backend, catchup_env, caller, rng)
                case 1:
                    buy(payments_env, caller, rng)
                case 2:
                    catchup_env.start(caller, upload_id=catchup_env.upload(caller, str(uuid.uuid4())), to_ms=60_000)
                    catchup_env.work()
                case 3:
                    AdminEnv(backend, FakeDirectory(), OWNER, caller).adjust_credits(rng.choice([-20, 30]))
        actions += 1
    return actions


def listen(backend: Backend, catchup_env: CatchupEnv, caller: Caller, rng: random.Random) -> None:
    direct = backend.start(caller, transport="direct", lease_seconds=60)
    backend.streaming.stop(caller, direct.session_id)
    lease = backend.start(caller, lease_seconds=60)
    backend.send(caller, lease.session_id, 0, seconds=rng.uniform(1, 20))
    backend.streaming.save(
        caller, lease.session_id, [contract.SegmentInput(seq=0, start_ms=0, end_ms=900, text="A sentence.")]
    )
    backend.streaming.renew(caller, lease.session_id, interrupted=True)
    backend.streaming.stop(caller, lease.session_id)
    catchup_env.ask(caller, session_id=lease.session_id)


def buy(payments_env: PaymentsEnv, caller: Caller, rng: random.Random) -> None:
    purchase_id = payments_env.buy(caller)
    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    if rng.random() < 0.5:
        payments_env.receive_fact(purchase_id, refund("re_1", rng.randint(1, 500)))
    if rng.random() < 0.5:
        payments_env.receive_fact(purchase_id, dispute("dp_1", DisputeState.OPEN, 400))
        if rng.random() < 0.7:
            payments_env.receive_fact(
                purchase_id, dispute("dp_1", rng.choice([DisputeState.WON, DisputeState.LOST]), 400)
            )


@pytest.mark.long
def test_an_audit_beside_writers_finds_no_false_problem_and_the_real_one(engine: Engine, names: Names) -> None:
    clock = Clock()
    audit_env = AuditEnv.on(
        Tables(engine.client, *names, pause=lambda _: None),
        clock,
        items_per_page=3,
        items_per_scan=20,
        first_month="2026-11",
    )
    callers = [audit_env.backend.person(400) for _ in range(USERS)]
    stop = threading.Event()

    with ThreadPoolExecutor(WRITERS) as threads:
        writers = [
            threads.submit(
                run_random_actions,
                Backend.on(Tables(engine.client, *names, pause=lambda _: None), clock),
                callers,
                seed,
                stop,
            )
            for seed in range(WRITERS)
        ]
        try:
            reports = [audit_env.run() for _ in range(AUDITS)]
        finally:
            stop.set()
        actions = sum(writer.result() for writer in writers)

    assert [(report.findings_count, report.findings) for report in reports] == [(0, [])] * AUDITS
    assert all(report.users_checked + report.users_moving == USERS for report in reports)
    assert sum(report.users_checked for report in reports) > 0
    assert actions > WRITERS
    at_rest = audit_env.run()
    assert (at_rest.users_checked, at_rest.findings_count) == (USERS, 0)
    assert at_rest.purchases > 0
    assert at_rest.entries > at_rest.purchases
    audit_env.backend.tables.write(Write(balance_key(callers[0].user_id), add={"available": 1}))
    assert audit_env.find_problems() == [("balance_differs", callers[0].user_id, "")]
