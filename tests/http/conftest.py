"""The whole backend once for all HTTP tests, and further API processes with other settings beside it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest

from scripts.browser import Page
from scripts.contract.files import current_contract
from scripts.local.deployed import DeployedStack
from scripts.local.processes import LOOPBACK, closed_port
from scripts.local.stack import LocalStack
from tests.browsing import open_browser
from tests.fakes import Backend
from tests.http.checkout_steps import PaymentsClient
from tests.http.contract_check import ContractCheck
from tests.http.dashboard_page import Dashboard, watched_dashboard
from tests.http.deployed_limits import IS_DEPLOYED, limit_of
from tests.http.forged_tokens import Forger
from tests.http.http_client import Api, Person, ResponseRecorder, Sandbox
from tests.http.leak_search import Secrets
from tests.http.log_lines import request_lines
from tests.http.running_stack import additional_api, open_books, remove_own_settings, sign_in_owner
from tests.http.schedules import fast_schedules
from tests.http.waiting import RARELY_SECONDS, schedules_called_while_waiting

# A busy machine may take long to recognise a second of speech; that must not look like a provider's failure.
PATIENCE = {"ASSEMBLYAI_TIMEOUT_SECONDS": "18", "OPENAI_TIMEOUT_SECONDS": "6", "TOKEN_TIMEOUT_SECONDS": "10"}
StartApi = Callable[..., Api]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`STACK=1`: the same tests against the deployed shape, minus what the emulator of its gateway cannot do."""
    for item in items:
        if IS_DEPLOYED and (reason := limit_of(item.nodeid)):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="package")
def response_recorder() -> ResponseRecorder:
    return ResponseRecorder()


@pytest.fixture(scope="package")
def stack(response_recorder: ResponseRecorder) -> Iterator[LocalStack]:
    """The running backend. At the end, all that tests heard or made it log is searched for what must not be there, each
    private word that any of them said among it, and held against the contract.
    """
    with pytest.MonkeyPatch.context() as patch:
        remove_own_settings(patch)
        for name, seconds in PATIENCE.items():
            patch.setenv(name, seconds)
        patch.setenv("LOCAL_SCHEDULE_SECONDS", str(RARELY_SECONDS))
        with DeployedStack(quiet=True, extra_settings=PATIENCE) if IS_DEPLOYED else LocalStack(quiet=True) as running:
            is_deployed = isinstance(running, DeployedStack)
            with fast_schedules(running.aws) if is_deployed else schedules_called_while_waiting(running.directory):
                yield running
            running.gather_logs()
            if isinstance(running, DeployedStack):
                assert running.denied_calls() == []
            assert (
                Secrets.of(running).find_leaks(
                    running.directory, response_recorder.answers, response_recorder.private_texts
                )
                == []
            )
            broken = ContractCheck(current_contract()).find_all_problems(response_recorder.answers)
            assert not broken, "\n".join(broken)


@pytest.fixture(scope="package")
def api(stack: LocalStack, response_recorder: ResponseRecorder) -> Iterator[Api]:
    running = Api(stack.api_url, response_recorder)
    yield running
    running.close()


@pytest.fixture(scope="package")
def start_api(stack: LocalStack, response_recorder: ResponseRecorder) -> Iterator[StartApi]:
    """Start another API on the same tables, with these settings changed. Of the deployed shape it is another function
    behind another gateway.
    """
    numbers = count(2)
    with ExitStack() as running:

        def start(**changes: str) -> Api:
            if isinstance(stack, DeployedStack):
                other = Api(stack.deploy_additional_api(**changes), response_recorder)
                running.callback(other.close)
                return other
            return running.enter_context(additional_api(stack, f"api-{next(numbers)}", response_recorder, **changes))

        yield start


@pytest.fixture(scope="package")
def short_first_timeout_api(start_api: StartApi) -> Api:
    """An API that waits half a second for its first provider."""
    return start_api(ASSEMBLYAI_TIMEOUT_SECONDS="0.5", OPENAI_TIMEOUT_SECONDS="23")


@pytest.fixture(scope="package")
def short_timeouts_api(start_api: StartApi) -> Api:
    """An API that waits half a second for either provider: less than any recognition takes."""
    return start_api(ASSEMBLYAI_TIMEOUT_SECONDS="0.5", OPENAI_TIMEOUT_SECONDS="0.5")


@pytest.fixture(scope="package")
def refusing_url() -> Iterator[str]:
    """An address that refuses connections."""
    with closed_port() as port:
        yield f"http://{LOOPBACK}:{port}"


@pytest.fixture(scope="package")
def email_verification_api(start_api: StartApi, refusing_url: str) -> Api:
    """An API that wants emails confirmed, and whose first provider is not there."""
    patience = {"ASSEMBLYAI_TIMEOUT_SECONDS": "1", "OPENAI_TIMEOUT_SECONDS": "23"}
    return start_api(EMAIL_VERIFICATION="on", ASSEMBLYAI_SYNC_BASE_URL=refusing_url, **patience)


@pytest.fixture(scope="package")
def api_without_keys(start_api: StartApi, refusing_url: str) -> Api:
    """An API that cannot fetch the pool's public keys."""
    return start_api(COGNITO_JWKS_URL=f"{refusing_url}/jwks.json")


@pytest.fixture
def sandbox(stack: LocalStack) -> Iterator[Sandbox]:
    """The stand-ins, in good health before and after."""
    control = Sandbox(stack.dev["sandbox_url"])
    control.reset_faults()
    yield control
    control.reset_faults()
    control.close()


@pytest.fixture
def payments_client(stack: LocalStack) -> Iterator[PaymentsClient]:
    with PaymentsClient.on(stack) as control:
        yield control


@pytest.fixture
def fast_queue(request: pytest.FixtureRequest) -> Iterator[None]:
    """A job that failed comes again within seconds. A deployed queue waits for an hour and a half."""
    if not IS_DEPLOYED:
        yield
        return
    stack: DeployedStack = request.getfixturevalue("stack")
    sqs, queue = stack.aws.client("sqs"), {"QueueUrl": stack.settings["JOBS_QUEUE_URL"]}
    usual = sqs.get_queue_attributes(**queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(**queue, Attributes={"VisibilityTimeout": "30"})
    yield
    sqs.set_queue_attributes(**queue, Attributes=usual)


@pytest.fixture
def person(api: Api) -> Person:
    """Somebody new, with 200 credits."""
    return Person.register(api)


@pytest.fixture(scope="module")
def signed_in_user(api: Api) -> Person:
    """Somebody whom the tests of one file share, for what leaves no trace."""
    return Person.register(api)


@pytest.fixture(scope="package")
def owner(api: Api, stack: LocalStack) -> Person:
    """An administrator."""
    return sign_in_owner(api, stack)


@pytest.fixture(scope="package")
def forger(stack: LocalStack) -> Forger:
    return Forger.of(stack)


@pytest.fixture(scope="package")
def books(stack: LocalStack) -> Iterator[Backend]:
    """The money as it lies in the running backend's tables."""
    with open_books(stack) as backend:
        yield backend


@pytest.fixture
def log_lines(stack: LocalStack) -> Callable[[], list[dict[str, Any]]]:
    """The API's structured request lines so far."""
    return lambda: request_lines(stack.gather_logs())


# Pages in a browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with open_browser(tmp_path_factory, ("Runtime", "Log", "Network")) as page:
        yield page


@pytest.fixture
def dashboard(browser: Page, stack: LocalStack) -> Iterator[Dashboard]:
    with watched_dashboard(browser, stack) as page:
        yield page
