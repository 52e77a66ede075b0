"""A ledger and somebody with credits in it."""

import pytest

from chalicelib.models import Caller
from chalicelib.repositories.ledger import Ledger
from tests.fakes import Backend


@pytest.fixture
def ledger(backend: Backend) -> Ledger:
    return backend.ledger


@pytest.fixture
def ada(backend: Backend) -> Caller:
    """A new user with 50 credits."""
    return backend.person(50)
