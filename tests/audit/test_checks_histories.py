"""Payments, leases and questions in any order never leave anything that the checks find."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from chalicelib.audit.checks import findings
from chalicelib.payments.refunds_and_disputes import purchase_value
from chalicelib.pricing import price_files
from chalicelib.repositories.account_books import read_books
from tests.audit.conftest import Names
from tests.engines import Engine
from tests.payments.test_payment_histories import Histories

PRICE_TABLES = price_files.load_all()


class CheckedHistories(Histories):
    """Histories of payments with spending in between, checked after every step."""

    @invariant()
    def has_no_findings(self) -> None:
        books, is_unchanged = read_books(self.backend.tables, self.caller.user_id)
        assert is_unchanged
        assert findings(books, self.clock(), PRICE_TABLES, purchase_value) == []
        assert len(books.purchases) == len(self.purchase_ids)


@pytest.mark.long
def test_no_history_of_payments_has_findings(engine: Engine, names: Names) -> None:
    machine = type("OnEngine", (CheckedHistories,), {"engine": engine, "names": names})
    profile = settings(
        max_examples=8,
        stateful_step_count=12,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=profile)
