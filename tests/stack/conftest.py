"""The deployed shape, once for all tests: both stacks in the emulated AWS, roles enforced, and the stand-ins.

And operators, who deploy in accounts of their own.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local.aws import LocalAws
from scripts.local.deployed import DeployedStack
from tests.http.conftest import PATIENCE
from tests.http.http_client import Api, Person, ResponseRecorder, Sandbox
from tests.http.leak_search import Secrets
from tests.stack.dynamodb_gate import DynamoDbGate
from tests.stack.operators import ACCOUNTS, FRANKFURT, NewOperator, Operator, new_clone


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


@pytest.fixture
def new_operator(ministack: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewOperator:
    return lambda: Operator(ministack, new_clone(tmp_path / f"clone-{next(ACCOUNTS)}"), monkeypatch)


@pytest.fixture
def account() -> str:
    return str(next(ACCOUNTS))


@pytest.fixture
def operator(new_operator: NewOperator, account: str) -> Operator:
    """Signed in to an account without anything in it."""
    operator = new_operator()
    operator.sign_in(account, FRANKFURT)
    return operator


@pytest.fixture
def owner(operator: Operator, capsys: pytest.CaptureFixture[str]) -> Operator:
    """The operator of a stage that has its resources, in Frankfurt."""
    operator.make_resources()
    capsys.readouterr()
    return operator
