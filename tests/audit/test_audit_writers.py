"""An audit is right while people start, talk, stop, ask, buy, get money back and are given credits."""

import random
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from chalicelib import contract
from chalicelib.errors import AppError
from chalicelib.models.accounts import Caller
from chalicelib.models.purchase_facts import DisputeState, PaymentState
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import Tables, Write
from tests.admin.test_users import Bureau, FakeDirectory
from tests.audit.audit_env import OWNER, Office
from tests.catchup.catchup_env import CatchupEnv
from tests.engines import Engine
from tests.fakes import Backend, Clock
from tests.payments.payments_env import PaymentsEnv, dispute, refund

Names = tuple[str, str]
WRITERS, PEOPLE, AUDITS = 6, 8, 3


def lively(backend: Backend, people: list[Caller], seed: int, stop: threading.Event) -> int:
    """Do something with somebody's credits, over and over; how often it was."""
    chance, payments_env, catchup_env, done = random.Random(seed), PaymentsEnv(backend), CatchupEnv(backend), 0
    while not stop.is_set():
        who = chance.choice(people)
        with suppress(AppError):  # Two at once on one account: one is told to come again, or has too little.
            match chance.randrange(4):
                case 0:
                    listen(backend, catchup_env, who, chance)
                case 1:
                    buy(payments_env, who, chance)
                case 2:
                    catchup_env.start(who, upload_id=catchup_env.upload(who, str(uuid.uuid4())), to_ms=60_000)
                    catchup_env.work()
                case 3:
                    Bureau(backend, FakeDirectory(), OWNER, who).give(chance.choice([-20, 30]))
        done += 1
    return done


def listen(backend: Backend, catchup_env: CatchupEnv, caller: Caller, chance: random.Random) -> None:
    direct = backend.start(caller, transport="direct", lease_seconds=60)
    backend.streaming.stop(caller, direct.session_id)
    lease = backend.start(caller, lease_seconds=60)
    backend.send(caller, lease.session_id, 0, seconds=chance.uniform(1, 20))
    backend.streaming.save(
        caller, lease.session_id, [contract.SegmentInput(seq=0, start_ms=0, end_ms=900, text="said")]
    )
    backend.streaming.renew(caller, lease.session_id, interrupted=True)
    backend.streaming.stop(caller, lease.session_id)
    catchup_env.ask(caller, session_id=lease.session_id)


def buy(payments_env: PaymentsEnv, caller: Caller, chance: random.Random) -> None:
    purchase_id = payments_env.buy(caller)
    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    if chance.random() < 0.5:
        payments_env.receive_fact(purchase_id, refund("re_1", chance.randint(1, 500)))
    if chance.random() < 0.5:
        payments_env.receive_fact(purchase_id, dispute("dp_1", DisputeState.OPEN, 400))
        if chance.random() < 0.7:
            payments_env.receive_fact(
                purchase_id, dispute("dp_1", chance.choice([DisputeState.WON, DisputeState.LOST]), 400)
            )


def test_an_audit_beside_writers_finds_nothing_and_what_is_wrong_all_the_same(engine: Engine, names: Names) -> None:
    clock = Clock()
    office = Office.on(
        Tables(engine.client, *names, pause=lambda _: None),
        clock,
        places_a_page=3,
        items_a_scan=20,
        first_month="2026-11",
    )
    people = [office.backend.person(400) for _ in range(PEOPLE)]
    stop = threading.Event()

    with ThreadPoolExecutor(WRITERS) as threads:
        writers = [
            threads.submit(
                lively, Backend.on(Tables(engine.client, *names, pause=lambda _: None), clock), people, seed, stop
            )
            for seed in range(WRITERS)
        ]
        try:
            reports = [office.run() for _ in range(AUDITS)]
        finally:
            stop.set()
        done = sum(writer.result() for writer in writers)

    assert [(report.findings_count, report.findings) for report in reports] == [(0, [])] * AUDITS
    assert all(report.users_judged + report.users_moving == PEOPLE for report in reports)
    assert sum(report.users_judged for report in reports) > 0
    assert done > WRITERS
    at_rest = office.run()
    assert (at_rest.users_judged, at_rest.findings_count) == (PEOPLE, 0)
    assert at_rest.purchases > 0
    assert at_rest.entries > at_rest.purchases
    office.backend.tables.write(Write(balance_key(people[0].user_id), add={"available": 1}))
    assert office.found() == [("balance_differs", people[0].user_id, "")]
