"""The deployed shape, once for all tests: both stacks in the emulated AWS, roles enforced, and the stand-ins."""

from collections.abc import Iterator

import pytest

from scripts.local.deployed import DeployedStack
from tests.http.conftest import PATIENCE
from tests.http.http_client import Api, Person, ResponseRecorder, Sandbox
from tests.http.leak_search import Secrets
from tests.stack.dynamodb_gate import DynamoDbGate


@pytest.fixture(scope="package")
def response_recorder() -> ResponseRecorder:
    return ResponseRecorder()


@pytest.fixture(scope="package")
def expected_denials() -> set[str]:
    """Actions that a test denies to a role, such as `kms:Decrypt`."""
    return set()


@pytest.fixture(scope="package")
def running(
    expected_denials: set[str], response_recorder: ResponseRecorder
) -> Iterator[tuple[DeployedStack, DynamoDbGate]]:
    """The stack, whose functions reach their tables through a gate.

    At the end, checks that the roles denied no call of a function, and that nothing private was logged.
    """
    stack = DeployedStack(quiet=True)
    with DynamoDbGate(lambda: stack.aws.endpoint_url) as gate:
        stack.extra_settings = PATIENCE | {"AWS_ENDPOINT_URL_DYNAMODB": gate.url}
        with stack:
            yield stack, gate
            stack.gather_logs()
            assert (
                Secrets.of(stack).find_leaks(
                    stack.directory, response_recorder.answers, response_recorder.private_texts
                )
                == []
            )
            assert [
                line for line in stack.denied_calls() if not any(action in line for action in expected_denials)
            ] == []


@pytest.fixture(scope="package")
def stack(running: tuple[DeployedStack, DynamoDbGate]) -> DeployedStack:
    return running[0]


@pytest.fixture
def gate(running: tuple[DeployedStack, DynamoDbGate]) -> Iterator[DynamoDbGate]:
    """The gate before the tables, which lets calls pass before and after the test."""
    yield running[1]
    running[1].failure = None


@pytest.fixture(scope="package")
def api(stack: DeployedStack, response_recorder: ResponseRecorder) -> Iterator[Api]:
    running = Api(stack.api_url, response_recorder)
    yield running
    running.close()


@pytest.fixture
def person(api: Api) -> Person:
    return Person.register(api)


@pytest.fixture
def sandbox(stack: DeployedStack) -> Iterator[Sandbox]:
    catchup_env = Sandbox(stack.dev["sandbox_url"])
    catchup_env.reset_faults()
    yield catchup_env
    catchup_env.reset_faults()
    catchup_env.close()
