"""Direct live sessions on fresh tables."""

import pytest

from chalicelib.repositories.table import Tables
from tests.fakes import Backend, Clock, FakeLive
from tests.streaming.direct_env import StreamingEnv


@pytest.fixture
def streaming_env(tables: Tables, clock: Clock) -> StreamingEnv:
    provider = FakeLive(clock)
    return StreamingEnv(Backend.on(tables, clock, live=(provider,)), provider, clock)
