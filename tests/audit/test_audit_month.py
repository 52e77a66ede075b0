"""A month as `make seed` makes it adds up, for each user and for all, also while its people go on."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

from chalicelib.models.accounts import Caller
from chalicelib.repositories.table import Tables
from scripts.crowd.month import DAYS, Month
from scripts.crowd.services import Services
from tests.audit.audit_env import Office
from tests.audit.test_audit_writers import lively
from tests.engines import Engine
from tests.fakes import Backend, Clock

Names = tuple[str, str]
USERS, WRITERS, LIVELY = 24, 2, 8


def test_an_audit_of_a_seeded_month_finds_nothing_while_its_people_go_on(engine: Engine, names: Names) -> None:
    clock = Clock()
    tables = Tables(engine.client, *names, pause=lambda _: None)
    office = Office.on(tables, clock)
    month = Month(
        lambda: Services.build(tables, identity_key="a key", price_version="2026-11"),
        lambda number: (str(uuid.uuid4()), f"person{number}@example.com"),
        clock(),
        USERS,
        "a month",
    )
    days_told: list[int] = []
    user_ids = month.simulate(lambda day, _: days_told.append(day))
    office.count_all()
    people = [Caller(user_id, clock(), "") for user_id in user_ids[:LIVELY]]
    stop = threading.Event()

    with ThreadPoolExecutor(WRITERS) as threads:
        others = [Backend.on(Tables(engine.client, *names, pause=lambda _: None), clock) for _ in range(WRITERS)]
        writers = [threads.submit(lively, one, people, seed, stop) for seed, one in enumerate(others)]
        try:
            report = office.run()
        finally:
            stop.set()
        done = sum(writer.result() for writer in writers)

    assert (report.findings_count, report.findings) == (0, [])
    assert report.users_judged + report.users_moving == len(user_ids) <= USERS
    assert report.users_judged >= len(user_ids) - LIVELY
    assert done > 0
    assert (len(days_told), month.done["registered"]) == (DAYS, len(user_ids))
    assert min(month.done[act] for act in ("listen", "relay", "catch_up", "ask", "buy")) > 0
    assert office.totals.read("2026-01-01", "2026-12-31")
