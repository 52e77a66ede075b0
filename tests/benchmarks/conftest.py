"""What the app is billed for, counted once for all tests."""

import pytest

from benchmarks import bill
from benchmarks.billed_use import BilledUse


@pytest.fixture(scope="session")
def use() -> BilledUse:
    return bill.measure_in_own_process()
