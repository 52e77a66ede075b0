"""The engine of the long tests of accounts that end."""

import pytest

from tests.engines import LONG_RUN_ENGINES, Engine, client


@pytest.fixture(scope="session", params=LONG_RUN_ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each test that takes this runs on one engine, in a soak on both."""
    running = request.getfixturevalue(request.param)
    return Engine(request.param, client(running.endpoint_url))
