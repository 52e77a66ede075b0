"""Behind the gateway, as functions with their own roles: what only the deployed shape can show.

`make soak` runs all HTTP tests against it as well (tests/http/deployed_limits.py names what its emulator cannot do).
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scripts.local.deployed import DeployedStack
from scripts.shipping.answers import MESSAGES
from scripts.shipping.sealing import Sealer
from scripts.smoke import Smoke
from tests.http.checkout_steps import Till
from tests.http.http_client import Api, Person, Sandbox, check_error
from tests.stack.alarm_watch import eventually, log_lines
from tests.stack.dynamodb_gate import DynamoDbGate, Failure
from tests.stack.spender import Spender, check_alarm, check_unavailable, read_ledger


def test_a_stranger_finds_it_as_it_should_be(stack: DeployedStack, capsys: pytest.CaptureFixture[str]) -> None:
    build = stack.package.digest[:12]
    smoke = Smoke(stack.api_url, stack.dev["extension_origin"], build, is_emulated=True)
    smoke.run()

    wrong = [line for line in smoke.lines if "✗" in line]
    assert wrong == []
    assert "the authorizer is on" in "\n".join(smoke.lines).lower()


def test_the_smoke_test_finds_what_is_wrong(stack: DeployedStack, capsys: pytest.CaptureFixture[str]) -> None:
    smoke = Smoke(stack.api_url, "chrome-extension://anotherone", is_emulated=True)

    assert smoke.run() is False
    assert any("✗ an unknown path is 404" in line for line in smoke.lines)


def test_limits_that_limit_nobody_are_found(stack: DeployedStack, capsys: pytest.CaptureFixture[str]) -> None:
    """This stack has them, as everybody here comes from one network. On AWS that would be a mistake."""
    smoke = Smoke(stack.api_url, stack.dev["extension_origin"])

    assert smoke.run() is False
    wrong = "\n".join(line for line in smoke.lines if "✗" in line)
    assert "it is no stage of one machine: no. Got stage local" in wrong
    assert "the limit is one that limits: no. Got RateLimit-Limit 1000000, RateLimit-Remaining 999999" in wrong


def test_the_gateway_asks_for_a_token_before_any_function_runs(stack: DeployedStack, api: Api) -> None:
    asked = [api.get("/credits/balance"), api.get("/credits/balance", "not.a.token")]
    for answer in asked:
        check_error(answer, 401, "unauthenticated")
        assert answer.json()["message"] == MESSAGES["unauthenticated"]  # The app says it in other words.

    later = api.get("/health").headers["X-Request-Id"]
    logged = lambda: {line.get("request_id") for line in log_lines(stack)}  # noqa: E731
    assert eventually(lambda: later in (seen := logged()) and seen).isdisjoint(
        answer.headers["X-Request-Id"] for answer in asked
    )


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

    counted = lambda: sum(line.get("entries_counted", 0) for line in log_lines(stack))  # noqa: E731
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
    eventually(lambda: any(line.get("route") == "/auth/register" for line in log_lines(stack)))


# Something of ours is out of order: 503 in our shape, the template's alarm is fed, nothing is charged


Change = Callable[..., None]


@pytest.fixture(scope="module")
def spender(api: Api) -> Spender:
    """One for all tests here, since none of them may cost anything."""
    return Spender(Person.register(api))


SOAKED = [pytest.param(trouble, marks=pytest.mark.soak) for trouble in (Failure.THROTTLED, Failure.FULL)]


@pytest.mark.parametrize("trouble", [Failure.UNREACHABLE, *SOAKED], ids=lambda trouble: trouble.name)
def test_tables_that_take_nothing_are_503_and_ring(
    stack: DeployedStack, gate: DynamoDbGate, spender: Spender, trouble: Failure
) -> None:
    before = read_ledger(stack, spender)

    gate.trouble = trouble
    answers = [*spender.spending(), spender.buy(), spender.person.get("/credits/balance")]
    gate.trouble = None

    ids = {check_unavailable(answer) for answer in answers}
    assert read_ledger(stack, spender) == before
    check_alarm(stack, "AwsErrors", lambda line: line.get("request_id") in ids, at_least=5)
    assert spender.person.balance() == (int(before["available"]), int(before["held"]))


INSIDE = [Failure.HALF_FULL, pytest.param(Failure.FULL_INSIDE, marks=pytest.mark.soak)]


@pytest.mark.parametrize("trouble", INSIDE, ids=lambda trouble: trouble.name)
def test_transactions_that_are_throttled_are_503_and_ring(
    stack: DeployedStack, gate: DynamoDbGate, spender: Spender, trouble: Failure
) -> None:
    """The reads before them pass: what is held and charged is what does not."""
    before = read_ledger(stack, spender)

    gate.trouble = trouble
    answers = [*spender.spending(), spender.buy(), spender.ask()]
    gate.trouble = None

    ids = {check_unavailable(answer) for answer in answers}
    assert read_ledger(stack, spender) == before
    check_alarm(stack, "AwsErrors", lambda line: line.get("request_id") in ids, at_least=5)


@pytest.fixture
def function(stack: DeployedStack) -> Iterator[Change]:
    """Change the API's settings behind CloudFormation's back, so that its processes start anew; and put them back."""
    client, name = stack.aws.client("lambda"), stack.shipment.application_stack.physical_id("APIHandler")
    usual = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def change(**settings: str) -> None:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": usual | settings})

    yield change
    change()


def test_wrong_secrets_are_503_and_ring(stack: DeployedStack, spender: Spender, function: Change) -> None:
    before, earlier = read_ledger(stack, spender), len(secret_lines(stack))
    of_another = Sealer(stack.aws.client("kms"), stack.shipment.stage).sealed("STRIPE_API_KEY", "sk_test_of_another")
    function(ASSEMBLYAI_API_KEY=of_another, OPENAI_API_KEY=of_another, IDENTITY_HMAC_KEY=of_another)

    for answer in spender.spending():
        check_unavailable(answer)

    assert read_ledger(stack, spender) == before
    assert spender.person.get("/credits/balance").status_code == 200  # which needs no secret
    named = eventually(lambda: len(found := secret_lines(stack)[earlier:]) >= 3 and found)
    assert {line["setting"] for line in named} == {"ASSEMBLYAI_API_KEY", "OPENAI_API_KEY", "IDENTITY_HMAC_KEY"}
    check_alarm(stack, "Secrets", lambda line: line in named, at_least=3)


def test_a_key_that_the_role_may_not_use_is_503_and_rings(
    stack: DeployedStack, spender: Spender, function: Change, provoked: set[str]
) -> None:
    before, earlier = read_ledger(stack, spender), len(secret_lines(stack))
    iam, role = stack.aws.client("iam"), stack.shipment.application_stack.physical_id("ApiRole")
    policy = iam.get_role_policy(RoleName=role, PolicyName="what-it-needs")["PolicyDocument"]
    without = policy | {"Statement": [one for one in policy["Statement"] if "kms:Decrypt" not in one["Action"]]}
    assert len(without["Statement"]) == len(policy["Statement"]) - 1
    provoked.add("kms:Decrypt")
    put = lambda document: iam.put_role_policy(  # noqa: E731
        RoleName=role, PolicyName="what-it-needs", PolicyDocument=json.dumps(document)
    )
    put(without)
    try:
        function(LEASE_SECONDS="602")  # New processes, that have not decrypted anything yet.
        for answer in spender.spending():
            check_unavailable(answer)
    finally:
        put(policy)

    assert read_ledger(stack, spender) == before
    named = eventually(lambda: len(found := secret_lines(stack)[earlier:]) >= 3 and found)
    assert {line["reason"] for line in named} == {"AccessDeniedException"}
    check_alarm(stack, "Secrets", lambda line: line in named, at_least=3)
    assert spender.start().status_code == 201  # A failure is not kept.


@pytest.mark.soak
def test_tables_that_are_not_there_are_503_for_whoever_is_signed_in(
    stack: DeployedStack, spender: Spender, function: Change
) -> None:
    before = read_ledger(stack, spender)
    function(LEDGER_TABLE="live-transcription-local-nowhere")

    ids = {check_unavailable(answer) for answer in [*spender.spending(), spender.ask(), spender.buy()]}

    assert read_ledger(stack, spender) == before
    check_alarm(stack, "AwsErrors", lambda line: line.get("request_id") in ids, at_least=5)


def secret_lines(stack: DeployedStack) -> list[dict[str, Any]]:
    return [line for line in log_lines(stack) if line["message"] == "a secret cannot be read"]


def test_forged_webhooks_cost_no_call_to_anything(stack: DeployedStack, api: Api) -> None:
    forged = {"Stripe-Signature": "t=1,v1=" + "0" * 64}
    said = {"transcript_id": "forged", "status": "completed"}
    hooks = [
        lambda: api.post("/webhooks/stripe", data=b'{"id": "evt_forged"}', headers=forged),
        lambda: api.post("/webhooks/assemblyai?job=5a1de7d4-0000-4000-8000-000000000000", json=said),
    ]
    for hook in hooks:
        check_error(hook(), 400, "invalid_signature")  # A new process decrypts its secrets, once.

    ids = set()
    for hook in hooks * 5:
        answer = hook()
        check_error(answer, 400, "invalid_signature")
        ids.add(answer.headers["X-Request-Id"])

    heard = lambda: [line for line in log_lines(stack) if line.get("request_id") in ids]  # noqa: E731
    told = eventually(lambda: len(found := heard()) == 10 and found)
    assert {(line["aws_calls"], line["provider_calls"]) for line in told} == {(0, 0)}
