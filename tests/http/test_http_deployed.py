"""What only the deployed shape has, and what the other tests lean on there: rules that call, APIs that stand alone."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from scripts.local.deployed import DeployedStack
from tests.http.catchup_steps import wait_for
from tests.http.conftest import StartApi
from tests.http.deployed_limits import IS_DEPLOYED
from tests.http.http_client import Api, ResponseRecorder, check_error

LONGEST_RATE_SECONDS = 300
DISPATCHED = re.compile(r"EventBridge → Lambda live-transcription-local-(\w+)-\w+: dispatched")

pytestmark = pytest.mark.skipif(not IS_DEPLOYED, reason="the local server has neither rules nor functions")


def test_every_scheduled_rule_calls_its_function(stack: DeployedStack) -> None:
    """The other tests hurry them (schedules.py)."""

    def called_functions() -> set[str]:
        log = (stack.directory / "aws.log").read_text(encoding="utf-8", errors="replace")
        return set(DISPATCHED.findall(log))

    assert wait_for(lambda: called_functions() >= {"Sweep", "Reconcile"}, seconds=LONGEST_RATE_SECONDS + 60)


def test_a_separate_api_has_no_event_sources(stack: DeployedStack, start_api: StartApi) -> None:
    def sources() -> list[str]:
        mappings = stack.aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        return sorted(
            [mapping["UUID"] for mapping in mappings]
            + [mapping["Name"] for mapping in stack.aws.client("events").list_rules()["Rules"]]
        )

    before = sources()
    beside = start_api(LEASE_SECONDS="601")

    assert beside.url != stack.api_url
    assert beside.get("/health").status_code == 200
    assert sources() == before != []


def test_above_the_stages_throttle_webhooks_get_503_too(
    stack: DeployedStack, response_recorder: ResponseRecorder
) -> None:
    """Stripe and AssemblyAI send again what was 503; AssemblyAI takes a 429 for the end."""
    narrow = Api(stack.deploy_additional_api(requests_at_once=2), response_recorder)

    for method, path, usual in (("GET", "/health", 200), ("POST", "/webhooks/stripe", 400)):
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _, m=method, p=path: narrow.call(m, p), range(40)))
        assert {answer.status_code for answer in answers} == {usual, 503}
        for answer in answers:
            if answer.status_code == 503:
                check_error(answer, 503, "unavailable")
                assert int(answer.headers["Retry-After"]) > 0
    narrow.close()
