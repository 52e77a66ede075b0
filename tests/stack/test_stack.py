"""The API behind the gateway, as functions with their own roles: what only the deployed shape can show.

`make soak` runs all HTTP tests against it as well (tests/http/deployed_limits.py lists what its emulator cannot do).
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scripts.local.deployed import DeployedStack
from scripts.shipping.answers import MESSAGES
from scripts.shipping.sealing import Sealer
from scripts.smoke import Smoke
from tests.http.checkout_steps import PaymentsClient
from tests.http.http_client import Api, Person, Sandbox, check_error
from tests.stack.alarm_watch import eventually, log_lines
from tests.stack.dynamodb_gate import DynamoDbGate, Failure
from tests.stack.spending_routes import SpendingRoutes, check_alarm, check_unavailable, read_ledger
from tests.stack.throttled_addresses import check_addresses, check_planted_stages
from tests.stack.uncounted_entries import check_uncounted_entries


def test_the_smoke_test_passes(stack: DeployedStack, capsys: pytest.CaptureFixture[str]) -> None:
    build = stack.shipment.running_build()
    smoke = Smoke(stack.api_url, stack.dev["extension_origin"], build, is_emulated=True)
    smoke.run()

    failures = [line for line in smoke.lines if "✗" in line]
    assert failures == []
    assert "authorization" in "\n".join(smoke.lines).lower()


def test_the_smoke_test_finds_a_wrong_origin(stack: DeployedStack, capsys: pytest.CaptureFixture[str]) -> None:
    smoke = Smoke(stack.api_url, "chrome-extension://anotherone", is_emulated=True)

    assert smoke.run() is False
    assert any("✗ chrome-extension://anotherone may send requests" in line for line in smoke.lines)


def test_the_smoke_test_finds_rate_limits_without_effect(
    stack: DeployedStack, capsys: pytest.CaptureFixture[str]
) -> None:
    """This stack has them, because all its users share one network. On AWS they are a mistake."""
    smoke = Smoke(stack.api_url, stack.dev["extension_origin"])

    assert smoke.run() is False
    failures = "\n".join(line for line in smoke.lines if "✗" in line)
    assert "deployed as a stage of AWS: failed. Received stage local" in failures
    assert "the limit is low enough: failed. Received RateLimit-Limit 1000000, RateLimit-Remaining 999999" in failures


def test_every_address_of_the_gateway_is_below_the_one_throttle(stack: DeployedStack) -> None:
    check_addresses(stack)


def test_a_second_or_unlimited_stage_of_the_gateway_is_found(stack: DeployedStack) -> None:
    check_planted_stages(stack)


def test_the_gateway_checks_the_token_before_any_function_runs(stack: DeployedStack, api: Api) -> None:
    responses = [api.get("/credits/balance"), api.get("/credits/balance", "not.a.token")]
    for response in responses:
        check_error(response, 401, "unauthenticated")
        assert response.json()["message"] == MESSAGES["unauthenticated"]  # The app has another message.

    later = api.get("/health").headers["X-Request-Id"]
    logged = lambda: {line.get("request_id") for line in log_lines(stack)}  # noqa: E731
    assert eventually(lambda: later in (ids := logged()) and ids).isdisjoint(
        response.headers["X-Request-Id"] for response in responses
    )


def test_a_whole_session_works_with_enforced_roles(stack: DeployedStack, person: Person) -> None:
    """Cognito, both tables, KMS, a provider and the stream: each with the role of its function."""
    lease = person.stream(action="start", title="Deployed").json()
    assert lease["provider"] == "assemblyai"
    saved = {"seq": 0, "start_ms": 0, "end_ms": 900, "text": "Text behind the gateway."}
    assert person.stream(action="save", session_id=lease["session_id"], segments=[saved]).status_code == 200
    stopped = person.stop(lease["session_id"])
    assert person.balance() == (200 - stopped["credits_used"], 0)
    whole = person.get(f"/transcription/history/{lease['transcript_id']}").json()
    assert [segment["text"] for segment in whole["segments"]] == ["Text behind the gateway."]

    counted = lambda: sum(line.get("entries_counted", 0) for line in log_lines(stack))  # noqa: E731
    assert eventually(lambda: counted() >= 1)


def test_entries_that_cannot_be_counted_become_a_dead_letter_that_is_replayed(
    stack: DeployedStack, gate: DynamoDbGate, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    check_uncounted_entries(stack, gate, api, capsys)


def test_a_job_is_delivered_to_the_worker_by_the_queue(person: Person, sandbox: Sandbox) -> None:
    session = person.stream(action="start", title="To catch up with").json()
    segment = {"seq": 0, "start_ms": 0, "end_ms": 60_000, "text": "The meeting moved to Thursday at ten."}
    person.stream(action="save", session_id=session["session_id"], segments=[segment])
    response = person.post("/transcription/catchup", json={"session_id": session["session_id"], "minutes": 5})
    assert response.status_code == 202, response.text

    job = f"/transcription/catchup/{response.json()['job_id']}"
    ended = eventually(lambda: (body := person.get(job).json())["status"] in ("done", "failed") and body)
    assert (ended["status"], bool(ended["summary"])) == ("done", True)


def test_an_audit_reads_the_whole_ledger_with_the_role_of_the_worker(
    stack: DeployedStack, person: Person, api: Api
) -> None:
    signed_in = api.login(stack.dev["admin_email"], stack.dev["admin_password"]).json()["token"]
    started = api.post("/admin/audit", signed_in, json={}).json()

    latest = lambda: api.get("/admin/audit", signed_in).json()["report"]  # noqa: E731
    report = eventually(lambda: (found := latest()) and found["audit_id"] == started["audit_id"] and found)
    assert (report["status"], report["findings_count"]) == ("done", 0)
    assert report["users_checked"] >= 1


def test_a_purchase_is_fulfilled_by_a_webhook_through_the_gateway(stack: DeployedStack, person: Person) -> None:
    payments_client = PaymentsClient(stack)
    checkout = person.post("/credits/purchase", json={"package_id": "starter"}).json()
    payments_client.pay(checkout)
    payments_client.close()

    assert eventually(lambda: person.balance() == (700, 0))


@pytest.mark.soak
def test_a_second_deployment_changes_nothing_and_a_setting_only_functions(stack: DeployedStack) -> None:
    assert stack.deploy() is None

    plan = stack.deploy(LEASE_SECONDS="601")

    direct = [change for change in plan.changes if not change.follows]
    names = {change.name for change in direct}
    functions = {"APIHandler", "Work", "Sweep", "Reconcile", "Count", "DailyAudit"}
    assert names == functions
    assert all(change.action == "Modify" and change.replaced != "True" for change in direct)
    assert stack.shipment.plan_resources() is None


def test_functions_log_to_groups_with_retention(stack: DeployedStack, person: Person) -> None:
    groups = {group["logGroupName"]: group for group in stack.aws.client("logs").describe_log_groups()["logGroups"]}

    assert all(group.get("retentionInDays") == 7 for group in groups.values())
    assert not [name for name in groups if name.startswith("/aws/lambda/")]
    eventually(lambda: any(line.get("route") == "/auth/register" for line in log_lines(stack)))


# A dependency fails: 503 in the shape of all errors, the metric of its alarm is logged, no credits are charged


ChangeSettings = Callable[..., None]


@pytest.fixture(scope="module")
def spending_routes(api: Api) -> SpendingRoutes:
    """One user for all tests: none of them may cost credits."""
    return SpendingRoutes(Person.register(api))


SOAK_FAILURES = [pytest.param(failure, marks=pytest.mark.soak) for failure in (Failure.THROTTLED, Failure.FULL)]


@pytest.mark.parametrize("failure", [Failure.UNREACHABLE, *SOAK_FAILURES], ids=lambda failure: failure.name)
def test_failing_tables_return_503_and_trigger_the_alarm(
    stack: DeployedStack, gate: DynamoDbGate, spending_routes: SpendingRoutes, failure: Failure
) -> None:
    before = read_ledger(stack, spending_routes)

    gate.failure = failure
    responses = [*spending_routes.spend(), spending_routes.buy(), spending_routes.person.get("/credits/balance")]
    gate.failure = None

    ids = {check_unavailable(response) for response in responses}
    assert read_ledger(stack, spending_routes) == before
    check_alarm(stack, "AwsErrors", lambda line: line.get("request_id") in ids, at_least=5)
    assert spending_routes.person.balance() == (int(before["available"]), int(before["held"]))


TRANSACTION_FAILURES = [Failure.HALF_FULL, pytest.param(Failure.FULL_INSIDE, marks=pytest.mark.soak)]


@pytest.mark.parametrize("failure", TRANSACTION_FAILURES, ids=lambda failure: failure.name)
def test_throttled_transactions_return_503_and_trigger_the_alarm(
    stack: DeployedStack, gate: DynamoDbGate, spending_routes: SpendingRoutes, failure: Failure
) -> None:
    """The reads before them pass; holds and charges fail."""
    before = read_ledger(stack, spending_routes)

    gate.failure = failure
    responses = [*spending_routes.spend(), spending_routes.buy(), spending_routes.ask()]
    gate.failure = None

    ids = {check_unavailable(response) for response in responses}
    assert read_ledger(stack, spending_routes) == before
    check_alarm(stack, "AwsErrors", lambda line: line.get("request_id") in ids, at_least=5)


@pytest.fixture
def change_function(stack: DeployedStack) -> Iterator[ChangeSettings]:
    """Changes the settings of the API function without CloudFormation, which restarts its processes; restores them."""
    client, name = stack.aws.client("lambda"), stack.shipment.application_stack.physical_id("APIHandler")
    original = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def change(**settings: str) -> None:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": original | settings})
        version = client.publish_version(FunctionName=name)["Version"]
        client.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    yield change
    change()


def test_wrong_secrets_return_503_and_trigger_the_alarm(
    stack: DeployedStack, spending_routes: SpendingRoutes, change_function: ChangeSettings
) -> None:
    before, earlier = read_ledger(stack, spending_routes), len(secret_lines(stack))
    ciphertext = Sealer(stack.aws.client("kms"), stack.shipment.stage).encrypt("STRIPE_API_KEY", "sk_test_of_another")
    change_function(ASSEMBLYAI_API_KEY=ciphertext, OPENAI_API_KEY=ciphertext, IDENTITY_HMAC_KEY=ciphertext)

    for response in spending_routes.spend():
        check_unavailable(response)

    assert read_ledger(stack, spending_routes) == before
    assert spending_routes.person.get("/credits/balance").status_code == 200  # needs no secret
    lines = eventually(lambda: len(found := secret_lines(stack)[earlier:]) >= 3 and found)
    assert {line["setting"] for line in lines} == {"ASSEMBLYAI_API_KEY", "OPENAI_API_KEY", "IDENTITY_HMAC_KEY"}
    check_alarm(stack, "Secrets", lambda line: line in lines, at_least=3)


def test_a_denied_key_returns_503_and_triggers_the_alarm(
    stack: DeployedStack, spending_routes: SpendingRoutes, change_function: ChangeSettings, expected_denials: set[str]
) -> None:
    before, earlier = read_ledger(stack, spending_routes), len(secret_lines(stack))
    iam, role = stack.aws.client("iam"), stack.shipment.application_stack.physical_id("ApiRole")
    policy = iam.get_role_policy(RoleName=role, PolicyName="what-it-needs")["PolicyDocument"]
    statements = [statement for statement in policy["Statement"] if "kms:Decrypt" not in statement["Action"]]
    assert len(statements) == len(policy["Statement"]) - 1
    expected_denials.add("kms:Decrypt")
    put = lambda document: iam.put_role_policy(  # noqa: E731
        RoleName=role, PolicyName="what-it-needs", PolicyDocument=json.dumps(document)
    )
    put(policy | {"Statement": statements})
    try:
        change_function(LEASE_SECONDS="602")  # New processes, which have not decrypted a secret yet.
        for response in spending_routes.spend():
            check_unavailable(response)
    finally:
        put(policy)

    assert read_ledger(stack, spending_routes) == before
    lines = eventually(lambda: len(found := secret_lines(stack)[earlier:]) >= 3 and found)
    assert {line["reason"] for line in lines} == {"AccessDeniedException"}
    check_alarm(stack, "Secrets", lambda line: line in lines, at_least=3)
    assert spending_routes.start().status_code == 201  # A failure is not cached.


@pytest.mark.soak
def test_a_missing_table_returns_503_to_signed_in_users(
    stack: DeployedStack, spending_routes: SpendingRoutes, change_function: ChangeSettings
) -> None:
    before = read_ledger(stack, spending_routes)
    change_function(LEDGER_TABLE="live-transcription-local-nowhere")

    ids = {
        check_unavailable(response)
        for response in [*spending_routes.spend(), spending_routes.ask(), spending_routes.buy()]
    }

    assert read_ledger(stack, spending_routes) == before
    check_alarm(stack, "AwsErrors", lambda line: line.get("request_id") in ids, at_least=5)


def secret_lines(stack: DeployedStack) -> list[dict[str, Any]]:
    return [line for line in log_lines(stack) if line["message"] == "a secret cannot be read"]


def test_forged_webhooks_cause_at_most_the_call_that_counts_them(stack: DeployedStack, api: Api) -> None:
    forged = {"Stripe-Signature": "t=1,v1=" + "0" * 64}
    body = {"transcript_id": "forged", "status": "completed"}
    hooks = [
        lambda: api.post("/webhooks/stripe", data=b'{"id": "evt_forged"}', headers=forged),
        lambda: api.post("/webhooks/assemblyai?job=5a1de7d4-0000-4000-8000-000000000000", json=body),
    ]
    for hook in hooks:
        check_error(hook(), 400, "invalid_signature")  # A new process decrypts its secrets once.

    ids = set()
    for hook in hooks * 5:
        response = hook()
        check_error(response, 400, "invalid_signature")
        ids.add(response.headers["X-Request-Id"])

    logged = lambda: [line for line in log_lines(stack) if line.get("request_id") in ids]  # noqa: E731
    request_lines = eventually(lambda: len(found := logged()) == 10 and found)
    assert {(line["aws_calls"], line["provider_calls"]) for line in request_lines} <= {(0, 0), (1, 0)}
