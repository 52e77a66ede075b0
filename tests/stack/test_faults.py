"""Something of ours is out of order: 503 in our shape, the alarm of the template is fed, and nothing is charged."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from scripts.local.deployed import DeployedStack
from scripts.shipping.sealing import Sealer
from tests.http.calling import Api, Person, check_error
from tests.shipping.ringing import fed
from tests.stack.gate import Gate, Trouble
from tests.stack.watching import eventually, lines

Change = Callable[..., None]


class Spender:
    """Somebody with words to ask about, and every way to spend that does not need a recording."""

    def __init__(self, person: Person):
        self.person = person
        session = person.stream(action="start", title="To ask about").json()
        self.session_id, self.transcript_id = session["session_id"], session["transcript_id"]
        words = {"seq": 0, "start_ms": 0, "end_ms": 60_000, "text": "The meeting moved to Thursday at ten."}
        person.stream(action="save", session_id=self.session_id, segments=[words])
        person.stop(self.session_id)

    def ask(self) -> requests.Response:
        wish = {"question": "When is the meeting?", "transcript_id": self.transcript_id}
        return self.person.post("/transcription/ask", json=wish)

    def start(self) -> requests.Response:
        return self.person.stream(action="start")

    def catch_up(self) -> requests.Response:
        wish = {"session_id": self.session_id, "from_ms": 0, "to_ms": 60_000}
        return self.person.post("/transcription/catchup", json=wish)

    def buy(self) -> requests.Response:
        return self.person.post("/credits/purchase", json={"package_id": "starter"})

    def spending(self) -> list[requests.Response]:
        return [self.start(), self.ask(), self.catch_up()]


@pytest.fixture(scope="module")
def spender(api: Api) -> Spender:
    """One for all tests here, since none of them may cost anything."""
    return Spender(Person.register(api))


def books(stack: DeployedStack, spender: Spender) -> dict[str, Any]:
    """What the ledger's table says of somebody's money: read beside the functions, and past the gate."""
    table = stack.shipment.resource_stack.outputs()["LedgerTable"]
    items = stack.aws.client("dynamodb").query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"USER#{spender.person.user_id}"}},
        ConsistentRead=True,
    )["Items"]
    (balance,) = [item for item in items if item["sk"]["S"] == "BALANCE"]
    return {
        "available": balance["available"]["N"],
        "held": balance["held"]["N"],
        "entries": [item for item in items if item["sk"]["S"].startswith("ENTRY#")],
        "open holds": [item["sk"]["S"] for item in items if "open_shard" in item],
    }


def check_unavailable(answer: requests.Response) -> str:
    """503 in our shape, and when to come again; its request id."""
    check_error(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    return str(answer.headers["X-Request-Id"])


def check_alarm(stack: DeployedStack, name: str, of: Callable[[dict[str, Any]], bool], at_least: int) -> None:
    """The lines that are meant tell the metric of the template's alarm, so often that it rings."""
    alarm = stack.shipment.whole_template(stack.package)["Resources"][f"{name}Alarm"]
    assert at_least >= alarm["Properties"]["Threshold"]
    told = lambda: sum(fed(line, alarm, stack.shipment.stage) for line in lines(stack) if of(line))  # noqa: E731
    eventually(lambda: told() >= at_least, seconds=30)


# The tables


SOAKED = [pytest.param(trouble, marks=pytest.mark.soak) for trouble in (Trouble.THROTTLED, Trouble.FULL)]


@pytest.mark.parametrize("trouble", [Trouble.UNREACHABLE, *SOAKED], ids=lambda trouble: trouble.name)
def test_tables_that_take_nothing_are_503_and_ring(
    stack: DeployedStack, gate: Gate, spender: Spender, trouble: Trouble
) -> None:
    before = books(stack, spender)

    gate.trouble = trouble
    answers = [*spender.spending(), spender.buy(), spender.person.get("/credits/balance")]
    gate.trouble = None

    ids = {check_unavailable(answer) for answer in answers}
    assert books(stack, spender) == before
    check_alarm(stack, "AwsErrors", lambda line: line.get("request_id") in ids, at_least=5)
    assert spender.person.balance() == (int(before["available"]), int(before["held"]))


INSIDE = [Trouble.HALF_FULL, pytest.param(Trouble.FULL_INSIDE, marks=pytest.mark.soak)]


@pytest.mark.parametrize("trouble", INSIDE, ids=lambda trouble: trouble.name)
def test_transactions_that_are_throttled_are_503_and_ring(
    stack: DeployedStack, gate: Gate, spender: Spender, trouble: Trouble
) -> None:
    """The reads before them pass: what is held and charged is what does not."""
    before = books(stack, spender)

    gate.trouble = trouble
    answers = [*spender.spending(), spender.buy(), spender.ask()]
    gate.trouble = None

    ids = {check_unavailable(answer) for answer in answers}
    assert books(stack, spender) == before
    check_alarm(stack, "AwsErrors", lambda line: line.get("request_id") in ids, at_least=5)


# What a process finds when it starts: its settings and its role


@pytest.fixture
def function(stack: DeployedStack) -> Iterator[Change]:
    """Change the API's settings behind CloudFormation's back, so that its processes start anew; and put them back."""
    client, name = stack.aws.client("lambda"), stack.shipment.application_stack.physical("APIHandler")
    usual = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def change(**settings: str) -> None:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": usual | settings})

    yield change
    change()


def test_wrong_secrets_are_503_and_ring(stack: DeployedStack, spender: Spender, function: Change) -> None:
    before, earlier = books(stack, spender), len(secret_lines(stack))
    of_another = Sealer(stack.aws.client("kms"), stack.shipment.stage).sealed("STRIPE_API_KEY", "sk_test_of_another")
    function(ASSEMBLYAI_API_KEY=of_another, OPENAI_API_KEY=of_another, IDENTITY_HMAC_KEY=of_another)

    for answer in spender.spending():
        check_unavailable(answer)

    assert books(stack, spender) == before
    assert spender.person.get("/credits/balance").status_code == 200  # which needs no secret
    named = eventually(lambda: len(found := secret_lines(stack)[earlier:]) >= 3 and found)
    assert {line["setting"] for line in named} == {"ASSEMBLYAI_API_KEY", "OPENAI_API_KEY", "IDENTITY_HMAC_KEY"}
    check_alarm(stack, "Secrets", lambda line: line in named, at_least=3)


def test_a_key_that_the_role_may_not_use_is_503_and_rings(
    stack: DeployedStack, spender: Spender, function: Change, provoked: set[str]
) -> None:
    before, earlier = books(stack, spender), len(secret_lines(stack))
    iam, role = stack.aws.client("iam"), stack.shipment.application_stack.physical("ApiRole")
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

    assert books(stack, spender) == before
    named = eventually(lambda: len(found := secret_lines(stack)[earlier:]) >= 3 and found)
    assert {line["reason"] for line in named} == {"AccessDeniedException"}
    check_alarm(stack, "Secrets", lambda line: line in named, at_least=3)
    assert spender.start().status_code == 201  # A failure is not kept.


@pytest.mark.soak
def test_tables_that_are_not_there_are_503_for_whoever_is_signed_in(
    stack: DeployedStack, spender: Spender, function: Change
) -> None:
    before = books(stack, spender)
    function(LEDGER_TABLE="live-transcription-local-nowhere")

    ids = {check_unavailable(answer) for answer in [*spender.spending(), spender.ask(), spender.buy()]}

    assert books(stack, spender) == before
    check_alarm(stack, "AwsErrors", lambda line: line.get("request_id") in ids, at_least=5)


def secret_lines(stack: DeployedStack) -> list[dict[str, Any]]:
    return [line for line in lines(stack) if line["message"] == "a secret cannot be read"]


# Floods


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

    heard = lambda: [line for line in lines(stack) if line.get("request_id") in ids]  # noqa: E731
    told = eventually(lambda: len(found := heard()) == 10 and found)
    assert {(line["aws_calls"], line["provider_calls"]) for line in told} == {(0, 0)}
