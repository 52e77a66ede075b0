"""The world of live sessions, on fresh tables."""

from collections.abc import Iterator

import pytest

from chalicelib.repositories.table import Tables
from tests.engines import LONG_RUN_ENGINES, Engine, client
from tests.fakes import Backend, Clock, FakeLive
from tests.live.world import LiveWorld


@pytest.fixture(scope="session", params=LONG_RUN_ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each test that takes this runs on one engine, in a soak on both."""
    running = request.getfixturevalue(request.param)
    return Engine(request.param, client(running.endpoint_url))


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[tuple[str, str]]:
    """Tables that the tests of one file share: every listener is a user of their own."""
    with engine.tables() as made:
        yield made


@pytest.fixture
def world(tables: Tables, clock: Clock) -> LiveWorld:
    provider = FakeLive(clock)
    return LiveWorld(Backend.on(tables, clock, live=(provider,)), provider, clock)
