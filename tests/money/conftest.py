"""Tables that the money tests of one engine share: every history has users of its own."""

from collections.abc import Iterator

import pytest

from tests.engines import LONG_RUN_ENGINES, Engine, client


@pytest.fixture(scope="session", params=LONG_RUN_ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each test that takes this runs on one engine, in a soak on both; test_writers.py always on both."""
    running = request.getfixturevalue(request.param)
    return Engine(request.param, client(running.endpoint_url))


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[tuple[str, str]]:
    with engine.tables() as made:
        yield made
