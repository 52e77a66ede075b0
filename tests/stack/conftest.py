"""The deployed shape, once for all tests here: both stacks in a local AWS, roles enforced, the stand-ins beside it."""

from collections.abc import Iterator

import pytest

from scripts.local.deployed import DeployedStack
from tests.http.calling import Api, Person, Sandbox, Witness
from tests.http.conftest import DEPLOYED_PATIENCE
from tests.http.leaks import Secrets


@pytest.fixture(scope="session")
def witness() -> Witness:
    return Witness()


@pytest.fixture(scope="session")
def stack(witness: Witness) -> Iterator[DeployedStack]:
    """At the end, no function was refused anything that it asked for, and none wrote what it should not."""
    with DeployedStack(quiet=True, more=DEPLOYED_PATIENCE) as running:
        yield running
        running.gather_logs()
        assert Secrets.of(running).leaked(running.directory, witness.answers, witness.said) == []
        emulator = (running.directory / "aws.log").read_text(encoding="utf-8", errors="replace")
        assert [line for line in emulator.splitlines() if "is not authorized to perform" in line] == []


@pytest.fixture(scope="session")
def api(stack: DeployedStack, witness: Witness) -> Iterator[Api]:
    running = Api(stack.api_url, witness)
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
