"""Whatever happens to payments, leases and questions, in whatever order: nothing is ever found to be wrong."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from chalicelib.audit.checks import findings
from chalicelib.payments.purchase_state import purchase_value
from chalicelib.pricing import price_files
from chalicelib.repositories.account_books import read
from tests.audit.conftest import Names
from tests.engines import Engine
from tests.payments.test_payment_histories import Histories

VERSIONS = frozenset(price_files.available())


class Judged(Histories):
    """The histories of payments with spending between, judged after every step."""

    @invariant()
    def nothing_is_wrong(self) -> None:
        books, is_still = read(self.backend.tables, self.caller.user_id)
        assert is_still
        assert findings(books, self.clock(), VERSIONS, purchase_value) == []
        assert len(books.purchases) == len(self.purchase_ids)


def test_no_history_of_payments_is_found_wrong(engine: Engine, names: Names) -> None:
    machine = type("OnEngine", (Judged,), {"engine": engine, "names": names})
    profile = settings(
        max_examples=8,
        stateful_step_count=12,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=profile)
