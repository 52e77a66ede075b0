"""A month as `make seed` creates it adds up, for each user and in total, also while users stay active."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.models.accounts import Caller
from chalicelib.repositories.table import Tables
from scripts.crowd.month import DAYS, Month
from scripts.crowd.services import Services
from tests.audit.audit_env import AuditEnv
from tests.audit.test_audit_writers import run_random_actions
from tests.default_prices import PRICE_VERSION
from tests.engines import Engine
from tests.fakes import Backend, Clock

Names = tuple[str, str]
USERS, WRITERS, ACTIVE = 24, 2, 8


@pytest.mark.long
def test_an_audit_of_a_seeded_month_finds_nothing_while_users_are_active(engine: Engine, names: Names) -> None:
    clock = Clock()
    tables = Tables(engine.client, *names, pause=lambda _: None)
    audit_env = AuditEnv.on(tables, clock)
    month = Month(
        lambda: Services.build(tables, identity_key="a key", price_version=PRICE_VERSION),
        lambda number: (str(uuid.uuid4()), f"person{number}@example.com"),
        clock(),
        USERS,
        "a month",
    )
    days: list[int] = []
    user_ids = month.simulate(lambda day, _: days.append(day))
    audit_env.count_all()
    callers = [Caller(user_id, clock(), "") for user_id in user_ids[:ACTIVE]]
    stop = threading.Event()

    with ThreadPoolExecutor(WRITERS) as threads:
        backends = [Backend.on(Tables(engine.client, *names, pause=lambda _: None), clock) for _ in range(WRITERS)]
        writers = [
            threads.submit(run_random_actions, backend, callers, seed, stop) for seed, backend in enumerate(backends)
        ]
        try:
            report = audit_env.run()
        finally:
            stop.set()
        actions = sum(writer.result() for writer in writers)

    assert (report.findings_count, report.findings) == (0, [])
    assert report.users_checked + report.users_moving == len(user_ids) <= USERS
    assert report.users_checked >= len(user_ids) - ACTIVE
    assert actions > 0
    assert (len(days), month.done["registered"]) == (DAYS, len(user_ids))
    assert min(month.done[act] for act in ("listen", "relay", "catch_up", "ask", "buy")) > 0
    assert audit_env.aggregates.read("2026-01-01", "2026-12-31")
