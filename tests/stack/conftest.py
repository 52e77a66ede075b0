"""The deployed shape, once for all tests here: both stacks in a local AWS, roles enforced, the stand-ins beside it."""

from collections.abc import Iterator

import pytest

from scripts.local.deployed import DeployedStack
from tests.http.calling import Api, Person, Sandbox, Witness
from tests.http.conftest import DEPLOYED_PATIENCE


@pytest.fixture(scope="session")
def stack() -> Iterator[DeployedStack]:
    """At the end, no function was refused anything that it asked for."""
    with DeployedStack(quiet=True, more=DEPLOYED_PATIENCE) as running:
        yield running
        emulator = (running.directory / "aws.log").read_text(encoding="utf-8", errors="replace")
        assert [line for line in emulator.splitlines() if "is not authorized to perform" in line] == []


@pytest.fixture(scope="session")
def api(stack: DeployedStack) -> Iterator[Api]:
    running = Api(stack.api_url, Witness())
    yield running
    running.close()


@pytest.fixture
def person(api: Api) -> Person:
    return Person.register(api)


@pytest.fixture
def sandbox(stack: DeployedStack) -> Iterator[Sandbox]:
    desk = Sandbox(stack.dev["sandbox_url"])
    desk.heal()
    yield desk
    desk.heal()
    desk.close()
