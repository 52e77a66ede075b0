"""Behind the gateway, as functions with their own roles: what only the deployed shape can show.

`make soak` runs all HTTP tests against it as well (tests/http/limits.py names what its emulator cannot do).
"""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from scripts.local.deployed import DeployedStack
from scripts.shipping.sealing import Sealer
from scripts.smoke import Smoke
from tests.http.buying import Till
from tests.http.calling import Api, Person, Sandbox, check_error


def eventually(condition: Callable[[], Any], seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.2)
    return value


def lines(stack: DeployedStack) -> list[dict[str, Any]]:
    text = stack.gather_logs().read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_stranger_finds_it_as_it_should_be(stack: DeployedStack, capsys: pytest.CaptureFixture[str]) -> None:
    smoke = Smoke(stack.api_url, stack.dev["extension_origin"], is_emulated=True)
    smoke.run()

    wrong = [line for line in smoke.lines if "✗" in line]
    assert wrong == []
    assert "the authorizer is on" in "\n".join(smoke.lines).lower()


def test_the_smoke_test_finds_what_is_wrong(stack: DeployedStack, capsys: pytest.CaptureFixture[str]) -> None:
    smoke = Smoke(stack.api_url, "chrome-extension://anotherone", is_emulated=True)

    assert smoke.run() is False
    assert any("✗ an unknown path is 404" in line for line in smoke.lines)


def test_the_gateway_asks_for_a_token_before_any_function_runs(stack: DeployedStack, api: Api) -> None:
    before = len(lines(stack))
    check_error(api.get("/credits/balance"), 401, "unauthenticated")
    check_error(api.get("/credits/balance", "not.a.token"), 401, "unauthenticated")

    assert len(lines(stack)) == before


def test_a_listeners_whole_way_with_every_role_enforced(stack: DeployedStack, person: Person) -> None:
    """Cognito, both tables, KMS, a provider, the stream's function: each by the role of its function."""
    lease = person.stream(action="start", title="Deployed").json()
    assert lease["provider"] == "assemblyai"
    saved = {"seq": 0, "start_ms": 0, "end_ms": 900, "text": "Said behind the gateway."}
    assert person.stream(action="save", session_id=lease["session_id"], segments=[saved]).status_code == 200
    stopped = person.stop(lease["session_id"])
    assert person.balance() == (200 - stopped["credits_used"], 0)
    whole = person.get(f"/transcription/history/{lease['transcript_id']}").json()
    assert [segment["text"] for segment in whole["segments"]] == ["Said behind the gateway."]

    counted = lambda: sum(line.get("entries_counted", 0) for line in lines(stack))  # noqa: E731
    assert eventually(lambda: counted() >= 1)


def test_a_job_goes_through_the_queue_to_the_worker(person: Person, sandbox: Sandbox) -> None:
    session = person.stream(action="start", title="To catch up with").json()
    words = {"seq": 0, "start_ms": 0, "end_ms": 60_000, "text": "The meeting moved to Thursday at ten."}
    person.stream(action="save", session_id=session["session_id"], segments=[words])
    asked = person.post("/transcription/catchup", json={"session_id": session["session_id"], "minutes": 5})
    assert asked.status_code == 202, asked.text

    job = f"/transcription/catchup/{asked.json()['job_id']}"
    done = eventually(lambda: (said := person.get(job).json())["status"] in ("done", "failed") and said)
    assert (done["status"], bool(done["summary"])) == ("done", True)


def test_an_audit_reads_the_whole_ledger_as_the_worker(stack: DeployedStack, person: Person, api: Api) -> None:
    signed_in = api.login(stack.dev["admin_email"], stack.dev["admin_password"]).json()["token"]
    started = api.post("/admin/audit", signed_in, json={}).json()

    last = lambda: api.get("/admin/audit", signed_in).json()["report"]  # noqa: E731
    report = eventually(lambda: (said := last()) and said["audit_id"] == started["audit_id"] and said)
    assert (report["status"], report["findings_count"]) == ("done", 0)
    assert report["users_judged"] >= 1


def test_a_purchase_is_paid_by_a_webhook_through_the_gateway(stack: DeployedStack, person: Person) -> None:
    till = Till(stack)
    checkout = person.post("/credits/purchase", json={"package_id": "starter"}).json()
    till.pay(checkout)
    till.close()

    assert eventually(lambda: person.balance() == (700, 0))


@pytest.mark.soak
def test_the_same_again_changes_nothing_and_one_setting_that_alone(stack: DeployedStack) -> None:
    assert stack.deploy() is None

    plan = stack.deploy(LEASE_SECONDS="601")

    own = [change for change in plan.changes if not change.follows]
    changed = {change.name for change in own}
    functions = {"APIHandler", "Work", "Sweep", "Erase", "Reconcile", "Count", "DailyAudit"}
    assert changed == functions
    assert all(change.action == "Modify" and change.replaced != "True" for change in own)
    assert stack.shipment.plan_resources() is None


def test_functions_log_where_lines_have_an_end(stack: DeployedStack, person: Person) -> None:
    groups = {one["logGroupName"]: one for one in stack.aws.client("logs").describe_log_groups()["logGroups"]}

    assert all(one.get("retentionInDays") == 7 for one in groups.values())
    assert not [name for name in groups if name.startswith("/aws/lambda/")]
    eventually(lambda: any(line.get("route") == "/auth/register" for line in lines(stack)))


# What fails: 503 in our shape, the metric fires, nothing is charged. In the soak, because each begins with functions
# that have to start anew; tests/test_secrets.py has the same of the secrets by themselves.


@pytest.fixture
def function(stack: DeployedStack) -> Any:
    """Change the API's settings or role behind CloudFormation's back, and put them back."""
    client, name = stack.aws.client("lambda"), stack.shipment.application_stack.outputs()["APIHandlerName"]
    usual = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def change(**settings: str) -> None:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": usual | settings})

    yield change
    change()


def told(stack: DeployedStack, metric: str) -> int:
    return sum(int(line.get(metric, 0)) for line in lines(stack))


@pytest.mark.soak
def test_a_wrong_secret_is_503_and_charges_nothing(stack: DeployedStack, person: Person, function: Any) -> None:
    before = told(stack, "SecretsUnreadable"), told(stack, "ServerErrors")
    sealer = Sealer(stack.aws.client("kms"), "local")
    of_another = sealer.sealed("OPENAI_API_KEY", "sk-of-another-variable")
    function(ASSEMBLYAI_API_KEY=of_another)

    check_error(person.stream(action="start"), 503, "unavailable")

    assert person.balance() == (200, 0)  # which needs no secret
    eventually(lambda: told(stack, "SecretsUnreadable") > before[0] and told(stack, "ServerErrors") > before[1])


@pytest.mark.soak
def test_a_key_that_the_role_may_not_use_is_503(stack: DeployedStack, person: Person, function: Any) -> None:
    kms = stack.aws.client("kms")
    key = stack.shipment.resource_stack.outputs()["SecretsKeyArn"]
    function(LEASE_SECONDS="602")  # New processes, that have not decrypted anything yet.
    kms.disable_key(KeyId=key)
    try:
        check_error(person.stream(action="start"), 503, "unavailable")
        assert person.balance() == (200, 0)
    finally:
        kms.enable_key(KeyId=key)


@pytest.mark.soak
def test_a_table_that_is_not_there_is_503_for_whoever_is_signed_in(person: Person, function: Any) -> None:
    function(LEDGER_TABLE="live-transcription-local-nowhere")

    check_error(person.get("/credits/balance"), 503, "unavailable")
    check_error(person.stream(action="start"), 503, "unavailable")

    function()
    assert person.balance() == (200, 0)
