"""Tables on ministack that are a test's own: an audit looks at all that there is."""

from collections.abc import Iterator

import pytest

from chalicelib.repositories.table import Tables
from scripts.local.aws import LocalAws
from tests.audit.audit_env import Office
from tests.engines import Engine, client
from tests.fakes import Clock

Names = tuple[str, str]


@pytest.fixture(scope="session")
def engine(ministack: LocalAws) -> Engine:
    return Engine("ministack", client(ministack.endpoint_url))


@pytest.fixture
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as made:
        yield made


@pytest.fixture
def office(engine: Engine, names: Names, clock: Clock) -> Office:
    return Office.on(Tables(engine.client, *names, pause=lambda _: None), clock)
