"""The deployed package under AWS's own runtime client, with the environment that CloudFormation gave its functions."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from scripts.local.aws import CREDENTIALS, REGION
from scripts.local.deployed import DeployedStack
from scripts.local.queue_events import sqs_record
from scripts.local.stream_events import StreamFeed
from scripts.shipping import package
from scripts.shipping.target import LAMBDA_PYTHON, Target, this_machine
from tests.stack.deployed_stage import FUNCTIONS
from tests.stack.lambda_runtime import CLIENT, FunctionError, RuntimeApi, Sandbox, create_sandbox, without_privileges
from tests.stack.test_chalice_deploy import SCHEDULED_EVENT

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric has wheels for Linux only"),
    pytest.mark.skipif(
        os.geteuid() == 0 and not shutil.which("setpriv"), reason="root writes to read-only files without setpriv"
    ),
]
Start = Callable[[str], RuntimeApi]


THIS = this_machine()
# As Lambda gets it, for the processor of this machine.
LAMBDA = Target(LAMBDA_PYTHON, THIS.architecture)


@pytest.fixture(
    scope="module", params=[THIS] if THIS.python == LAMBDA_PYTHON else [THIS, LAMBDA], ids=lambda target: target.runtime
)
def sandbox_of_code(
    request: pytest.FixtureRequest, stack: DeployedStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    directory, target = tmp_path_factory.mktemp("lambda"), request.param
    if not target.find_compiler():
        pytest.skip(f"there is no Python {target.version} on this machine")
    path = stack.package.path
    if target != THIS:
        shipment = stack.shipment
        path = package.build(shipment.config, shipment.stage, {}, directory / "build", target).path
    # Beside the other logs of the stack, which are searched for private texts at the end.
    created = create_sandbox(path, target, directory, stack.directory / f"runtime-{target.runtime}.log")
    yield created
    for path in (created.code, *created.code.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)  # so that it can be deleted


@pytest.fixture
def start(stack: DeployedStack, sandbox_of_code: Sandbox) -> Iterator[Start]:
    """Starts a function of the stack, by its name in the template."""
    with ExitStack() as processes:

        def start_function(name: str) -> RuntimeApi:
            physical_id = stack.shipment.application_stack.physical_id(name)
            deployed = stack.aws.client("lambda").get_function_configuration(FunctionName=physical_id)
            assert (deployed["Runtime"], deployed["Architectures"]) == (THIS.runtime, [THIS.architecture])
            emulated = {"AWS_ENDPOINT_URL": stack.aws.endpoint_url}
            settings = deployed["Environment"]["Variables"] | CREDENTIALS
            return processes.enter_context(sandbox_of_code.start(deployed["Handler"], emulated | settings, REGION))

        yield start_function


def rest_event(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"} if body is not None else {}
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "pathParameters": None,
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {
            "httpMethod": method,
            "resourcePath": path,
            "path": f"/api{path}",
            "requestId": str(uuid.uuid4()),
            "identity": {"sourceIp": "192.0.2.1"},
        },
    }


def queue_event(body: str) -> dict[str, Any]:
    message = {"MessageId": str(uuid.uuid4()), "ReceiptHandle": "handle", "Body": body, "MD5OfBody": ""}
    return {"Records": [sqs_record(message, f"arn:aws:sqs:{REGION}:000000000000:jobs")]}


def test_the_api_answers_rest_events(stack: DeployedStack, start: Start) -> None:
    api = start("APIHandler")

    health = api.invoke(rest_event("GET", "/health"))
    assert (health["statusCode"], json.loads(health["body"])["build"]) == (200, stack.shipment.running_build())

    # Cognito, both tables and a ciphertext; a name outside ASCII crosses AWS's marshaller and comes back whole.
    account = {"email": f"canary-{uuid.uuid4()}@example.com", "password": f"canary {uuid.uuid4()}", "name": "Ада 🎧"}
    registered = api.invoke(rest_event("POST", "/auth/register", account))
    assert registered["statusCode"] == 201, registered["body"]
    assert json.loads(registered["body"])["user"]["name"] == account["name"]

    wrong = {"email": account["email"], "password": "canary of another"}
    refused = api.invoke(rest_event("POST", "/auth/login", wrong))
    assert (refused["statusCode"], json.loads(refused["body"])["code"]) == (401, "invalid_credentials")
    missing = api.invoke(rest_event("GET", "/credits/balance"))
    assert (missing["statusCode"], json.loads(missing["body"])["code"]) == (401, "unauthenticated")


def test_the_worker_answers_queue_events(start: Start) -> None:
    work = start("Work")

    for message in (f"audit:{uuid.uuid4()}", str(uuid.uuid4())):
        assert work.invoke(queue_event(message)) == {"jobs_done": 1}


def test_the_counter_answers_stream_events(stack: DeployedStack, start: Start) -> None:
    """The records of the ledger's own stream; what the deployed function has counted is not counted again."""
    api, count = start("APIHandler"), start("Count")
    account = {"email": f"canary-{uuid.uuid4()}@example.com", "password": f"canary {uuid.uuid4()}"}
    assert api.invoke(rest_event("POST", "/auth/register", account))["statusCode"] == 201
    counted: list[int] = []

    def invoke(event: dict[str, Any]) -> None:
        response = count.invoke(event)
        assert response.keys() == {"entries_counted"}
        counted.append(response["entries_counted"])

    arn = stack.shipment.resource_stack.outputs()["LedgerStreamArn"]
    feed = StreamFeed("count", arn, 100, invoke, stack.aws.client, None)
    assert feed.step()
    assert counted
    assert all(isinstance(number, int) for number in counted)


def test_the_timers_answer_schedule_events(start: Start) -> None:
    for name in ("Sweep", "Reconcile", "DailyAudit"):
        response = start(name).invoke(SCHEDULED_EVENT)
        assert response, name
        assert all(isinstance(number, int) for number in response.values())


def test_every_function_of_the_template_is_covered_here() -> None:
    assert {"APIHandler", "Work", "Count", "Sweep", "Reconcile", "DailyAudit"} == FUNCTIONS


def test_a_function_that_fails_or_cannot_start_is_noticed(start: Start, sandbox_of_code: Sandbox) -> None:
    """Otherwise the tests above would prove nothing."""
    with pytest.raises(FunctionError, match=r"invocation/.*/error.*KeyError"):
        start("Work").invoke({"no": "records"})
    with (
        sandbox_of_code.start("no_such_module.app", {}, REGION) as api,
        pytest.raises(FunctionError, match="No module named 'no_such_module'"),
    ):
        api.invoke(rest_event("GET", "/health"))


def test_the_code_cannot_be_written_and_was_not(sandbox_of_code: Sandbox) -> None:
    writes = (
        "import pathlib, sys\nfor path in sys.argv[1:]:\n    try: pathlib.Path(path).mkdir(); print('written', path)\n"
    )
    writes += "    except OSError: pass\n"
    paths = [
        str(sandbox_of_code.code / "new"),
        str(sandbox_of_code.code / "chalicelib" / "new"),
        "/home/sbx_user1051/new",
    ]
    command = [*without_privileges(), sandbox_of_code.python, "-c", writes, *paths]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr

    assert sandbox_of_code.find_written_files() == set()


def test_the_functions_see_no_package_of_this_environment(sandbox_of_code: Sandbox) -> None:
    """A dependency that is missing in the package would otherwise be found there."""
    finds = "import importlib.util as util, sys; print([n for n in sys.argv[1:] if util.find_spec(n)])"
    names = ["pytest", "ministack", "pip", "boto3", CLIENT[0]]
    command = [sandbox_of_code.python, "-S", "-c", finds, *names]
    variables = sandbox_of_code.variables("app.app", REGION)
    result = subprocess.run(command, cwd=sandbox_of_code.code, env=variables, capture_output=True, text=True)

    assert result.stdout.strip() == "['boto3', 'awslambdaric']"
