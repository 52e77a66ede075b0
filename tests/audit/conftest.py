"""Tables for one test each: an audit reads everything in them."""

from collections.abc import Iterator

import pytest

from chalicelib.repositories.table import Tables
from tests.audit.audit_env import AuditEnv
from tests.engines import Engine
from tests.fakes import Clock

Names = tuple[str, str]


@pytest.fixture
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as made:
        yield made


@pytest.fixture
def audit_env(engine: Engine, names: Names, clock: Clock) -> AuditEnv:
    return AuditEnv.on(Tables(engine.client, *names, pause=lambda _: None), clock)
