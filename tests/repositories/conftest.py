"""A ledger and a user with credits."""

import pytest

from chalicelib.models.accounts import Caller
from chalicelib.repositories.ledger import Ledger
from tests.engines import SERVERS, Engine, requested_engine
from tests.fakes import Backend


@pytest.fixture(scope="session", params=SERVERS)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Repositories are tested on both servers."""
    return requested_engine(request)


@pytest.fixture
def ledger(backend: Backend) -> Ledger:
    return backend.ledger


@pytest.fixture
def ada(backend: Backend) -> Caller:
    """A new user with 50 credits."""
    return backend.person(50)
