"""Behind the gateway, as functions with their own roles: what only the deployed shape can show.

`make soak` runs all HTTP tests against it as well (tests/http/limits.py names what its emulator cannot do).
"""

import pytest

from scripts.local.deployed import DeployedStack
from scripts.smoke import Smoke
from tests.http.buying import Till
from tests.http.calling import Api, Person, Sandbox, check_error
from tests.stack.watching import eventually, lines


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
