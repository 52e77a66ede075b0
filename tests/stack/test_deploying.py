"""`make deploy`, `make resources`, `make destroy` and plain `chalice deploy`, against the AWS of this machine."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from scripts import deploy as deploying, destroy as destroying, replay as replaying, restore as restoring
from scripts.local.aws import CREDENTIALS, REGION, LocalAws, without_aws
from scripts.local.scratch import scratch_directory
from scripts.shipping import project
from scripts.shipping.project import REPOSITORY, ShippingError
from scripts.shipping.sealing import Sealer
from scripts.shipping.shipment import Shipment

ORIGIN = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
TICK = {
    "version": "0",
    "id": "1",
    "source": "aws.events",
    "account": "",
    "time": "",
    "region": "",
    "resources": [],
    "detail": {},
    "detail-type": "Scheduled Event",
}
STACK = "live-transcription-dev"
FUNCTIONS = {"APIHandler", "Work", "Sweep", "Erase", "Reconcile", "Count", "DailyAudit"}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    directory = tmp_path_factory.mktemp("aws")
    with scratch_directory(directory) as unpacked, LocalAws(directory, scratch=unpacked) as running:
        yield running


@pytest.fixture(scope="module")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stage as in a fresh clone, with nothing but its extension named."""
    config = project.read()
    project.environment(config, "dev")["EXTENSION_ORIGIN"] = ORIGIN
    written = tmp_path_factory.mktemp("project") / "config.json"
    project.write(config, written)
    return written


@pytest.fixture(autouse=True)
def emulated_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator publishes a pool's keys under no address that a deployed stage may have."""
    monkeypatch.setattr(Shipment, "_keys", lambda self: {})


Deploy = Callable[..., None]


@pytest.fixture
def deploy(aws: LocalAws, config_file: Path) -> Deploy:
    def run(agree: bool = True, **parameters: str) -> None:
        deploying.deploy(aws, "dev", agree=lambda: agree, config_file=config_file, parameters=parameters)

    return run


def settings(config_file: Path) -> dict[str, str]:
    return project.environment(project.read(config_file), "dev")


def change(config_file: Path, **changes: str) -> None:
    config = project.read(config_file)
    project.environment(config, "dev").update(changes)
    project.write(config, config_file)


def stack_state(aws: LocalAws, name: str) -> str:
    return project_stack(aws, name).state()


def project_stack(aws: LocalAws, name: str) -> Any:
    shipment = Shipment(aws, "dev", project.read())
    return shipment.resource_stack if name == "resources" else shipment.application_stack


def test_a_stage_goes_up_and_comes_down(
    aws: LocalAws, deploy: Deploy, config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one piece, because each step begins where the one before ended."""
    with pytest.raises(ShippingError, match=r"Nothing was changed\."):
        deploy(agree=False)
    assert "+ AWS::DynamoDB::Table" in capsys.readouterr().out
    assert stack_state(aws, "resources") == ""

    with pytest.raises(ShippingError) as refused:  # Resources are made, the application is not.
        deploy()
    assert "ASSEMBLYAI_API_KEY is missing" in str(refused.value)
    assert stack_state(aws, "application") == ""
    sealed = settings(config_file)
    assert all(sealed[name].startswith("kms:") for name in ("COGNITO_CLIENT_SECRET", "IDENTITY_HMAC_KEY"))

    change(config_file, STRIPE_API_KEY="sk_test_plain", LEASE_SECONDS="1")
    with pytest.raises(ShippingError) as refused:
        deploy()
    for problem in ("ASSEMBLYAI_API_KEY is missing", "STRIPE_API_KEY is not KMS ciphertext"):
        assert problem in str(refused.value)
    assert "sk_test_plain" not in str(refused.value)

    sealer = Sealer(aws.client("kms"), "dev")
    config = project.read(config_file)
    chosen = project.environment(config, "dev")
    chosen.pop("STRIPE_API_KEY")
    chosen |= {"ASSEMBLYAI_API_KEY": sealer.sealed("ASSEMBLYAI_API_KEY", "a-key-of-assemblyai"), "LEASE_SECONDS": "1"}
    project.write(config, config_file)
    with pytest.raises(ShippingError, match="LEASE_SECONDS must be between 60 and 10800"):
        deploy()

    change(config_file, LEASE_SECONDS="600")
    capsys.readouterr()
    deploy()
    said = capsys.readouterr().out
    assert "resources: nothing to change" in said
    assert "/webhooks/stripe" in said
    assert "scripts.smoke --url" in said
    api_id = project_stack(aws, "application").outputs()["RestAPIId"]
    health = requests.get(f"{aws.endpoint_url}/_aws/execute-api/{api_id}/api/health", timeout=60)
    assert (health.status_code, health.json()["stage"]) == (200, "dev")
    assert health.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert f"--origin {ORIGIN} --build {health.json()['build']}\n" in said

    deploy()
    again = capsys.readouterr().out
    assert again.count("nothing to change") == 2
    assert settings(config_file)["IDENTITY_HMAC_KEY"] == sealed["IDENTITY_HMAC_KEY"]

    before = function_settings(aws)
    change(config_file, LEASE_SECONDS="900")
    deploy()
    said = capsys.readouterr().out
    touched = [line.split() for line in said.splitlines() if line[:4].strip() in ("+", "-", "~")]
    assert {(words[0], words[1], words[2]) for words in touched} == {
        ("~", "AWS::Lambda::Function", f) for f in FUNCTIONS
    }
    assert "REPLACED" not in said
    after = function_settings(aws)
    assert {name: each.pop("LEASE_SECONDS") for name, each in after.items()} == dict.fromkeys(FUNCTIONS, "900")
    assert {name: each.pop("LEASE_SECONDS") for name, each in before.items()} == dict.fromkeys(FUNCTIONS, "600")
    assert after == before

    deploy(LogRetentionDays="7")
    touched = [line.split() for line in capsys.readouterr().out.splitlines() if line[:4].strip() in ("+", "-", "~")]
    assert {(words[0], words[1]) for words in touched} == {("~", "AWS::Logs::LogGroup")}
    assert {words[2] for words in touched} == {"AccessLog", *(f"{function}Log" for function in FUNCTIONS)}

    made = project_stack(aws, "resources").outputs()
    check_restoring(aws, made, capsys)

    dead = made["DeadJobsQueueUrl"]
    for body in ("job-one", "job-two"):
        aws.client("sqs").send_message(QueueUrl=dead, MessageBody=body)
    assert replaying.replay(aws, "dev", send_back=False) == 2
    assert replaying.replay(aws, "dev", send_back=True) == 2
    assert replaying.replay(aws, "dev", send_back=True) == 0
    assert "job-one" in capsys.readouterr().out

    # Down: what is protected stops the rest before it is half gone.
    aws.client("s3").put_object(Bucket=made["UploadBucket"], Key="uploads/somebody/one", Body=b"words")
    protect(aws, made["AppTable"], True)
    destroying.destroy(aws, "dev", config_file=config_file)
    said = capsys.readouterr().out
    assert f"KEPT     {STACK}-resources, whole: its table {made['AppTable']} is protected" in said
    assert (stack_state(aws, "application"), stack_state(aws, "resources")) == ("", "CREATE_COMPLETE")
    assert aws.client("s3").get_object(Bucket=made["UploadBucket"], Key="uploads/somebody/one")

    # All but what is money or somebody's account, and it is said what that is.
    protect(aws, made["AppTable"], False)
    destroying.destroy(aws, "dev", config_file=config_file)
    said = capsys.readouterr().out
    kept = {
        f"table {made['LedgerTable']}",
        f"user pool {made['UserPoolId']}",
        f"bucket {made['PackageBucket']}",
        f"key {made['SecretsKeyArn']} (alias/{STACK})",
    }
    assert f"deleted  {STACK}-resources" in said
    assert {line.removeprefix("KEPT     ") for line in said.splitlines() if line.startswith("KEPT     ")} - kept == {
        f"role {role}, for the logs of every gateway of the account" for role in roles(aws)
    }
    assert all(f"KEPT     {one}\n" in said for one in kept)
    assert left(aws) == kept

    with pytest.raises(ShippingError) as refused:
        deploy()
    assert all(one in str(refused.value) for one in (*kept, "make destroy STAGE=dev DATA=delete"))
    assert (left(aws), stack_state(aws, "resources")) == (kept, "")

    # With the data: also now that no stack knows of it any more, and where an earlier try was cut off.
    aws.client("kms").schedule_key_deletion(KeyId=made["SecretsKeyArn"], PendingWindowInDays=7)
    destroying.destroy(aws, "dev", with_data=True, config_file=config_file)
    said = capsys.readouterr().out
    assert all(f"deleted  {one}\n" in said for one in kept)
    assert "KEPT" not in said
    assert left(aws) == set()
    assert not [name for name, value in settings(config_file).items() if value.startswith("kms:")]

    # And a new stage of that name begins as the first one did.
    with pytest.raises(ShippingError) as refused:
        deploy()
    assert str(refused.value).count("missing") == 1
    assert "ASSEMBLYAI_API_KEY is missing" in str(refused.value)
    destroying.destroy(aws, "dev", with_data=True, config_file=config_file)
    assert left(aws) == set()
    keys = [one["KeyId"] for one in aws.client("kms").list_keys()["Keys"]]
    states = [aws.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] for key in keys]
    assert states == ["PendingDeletion"] * 2
    destroying.destroy(aws, "dev", with_data=True, config_file=config_file)
    assert f"{STACK}-resources is not there" in capsys.readouterr().out


def check_restoring(aws: LocalAws, made: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Items that were changed, deleted and added are as in the copies again, once nothing runs any more."""
    tables = [made["LedgerTable"], made["AppTable"]]
    was = [item(number, credits="5") for number in range(30)]  # more than one batch
    changed = [item(number, credits="5" if number % 2 else "7") for number in range(16)]
    for table in tables:
        copy(aws, table, was)
        fill(aws, table, [*changed, *(item(number, credits="1") for number in range(30, 35))])

    with pytest.raises(ShippingError, match="may still write: APIHandler, Count, DailyAudit, Erase, Reconcile, Sweep"):
        restoring.restore(aws, "dev", carry_out=True)
    functions = project_stack(aws, "application").resources_of_type("AWS::Lambda::Function")
    assert set(functions) == FUNCTIONS
    for function in functions.values():
        aws.client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)

    counted = "8 as they were, 8 changed back, 14 put back, 5 taken out"
    assert restoring.main(["--stage", "dev"], aws) == 0
    said = capsys.readouterr().out
    assert [f"{table}: {counted} (nothing was changed)" for table in tables] == said.splitlines()
    assert restoring.main(["--stage", "dev", "--carry-out"], aws) == 0
    assert [f"{table}: {counted}" for table in tables] == capsys.readouterr().out.splitlines()
    for table in tables:
        assert sorted(content(aws, table), key=str) == sorted(was, key=str)

    restoring.restore(aws, "dev", carry_out=True)
    assert capsys.readouterr().out.count("30 as they were, 0 changed back, 0 put back, 0 taken out") == 2
    for table in tables:
        aws.client("dynamodb").delete_table(TableName=f"{table}-restored")
    assert restoring.main(["--stage", "dev"], aws) == 1
    assert "no table live-transcription-dev-ledger-restored" in capsys.readouterr().err
    for function in functions.values():
        aws.client("lambda").delete_function_concurrency(FunctionName=function)


def item(number: int, **numbers: str) -> dict[str, Any]:
    key = {"pk": {"S": f"USER#{number % 7}"}, "sk": {"S": f"THING#{number}"}}
    return key | {name: {"N": value} for name, value in numbers.items()}


def copy(aws: LocalAws, table: str, items: list[dict[str, Any]]) -> None:
    """A table as a restore makes one."""
    keys = {"pk": "HASH", "sk": "RANGE"}
    aws.client("dynamodb").create_table(
        TableName=f"{table}-restored",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
    )
    fill(aws, f"{table}-restored", items)


def fill(aws: LocalAws, table: str, items: list[dict[str, Any]]) -> None:
    for one in content(aws, table):
        aws.client("dynamodb").delete_item(TableName=table, Key={"pk": one["pk"], "sk": one["sk"]})
    for one in items:
        aws.client("dynamodb").put_item(TableName=table, Item=one)


def content(aws: LocalAws, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = aws.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
    return found


def function_settings(aws: LocalAws) -> dict[str, dict[str, str]]:
    """Logical name → what the function is given."""
    found = {}
    for name in FUNCTIONS:
        physical = project_stack(aws, "application").physical_id(name)
        configuration = aws.client("lambda").get_function_configuration(FunctionName=physical)
        found[name] = configuration["Environment"]["Variables"]
    return found


def protect(aws: LocalAws, table: str, is_protected: bool) -> None:
    aws.client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=is_protected)


def roles(aws: LocalAws) -> list[str]:
    return [role["RoleName"] for role in aws.client("iam").list_roles()["Roles"] if "dev" in role["RoleName"]]


def left(aws: LocalAws) -> set[str]:
    """Everything of the account that holds data or runs code, in the words of `make destroy`; roles apart."""
    kms = aws.client("kms")
    aliases = {
        one["AliasName"]: one["TargetKeyId"] for one in kms.list_aliases()["Aliases"] if STACK in one["AliasName"]
    }
    arns = {alias: kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"] for alias, key in aliases.items()}
    # A function that was still running gets its group anew from the emulator. AWS's Lambda would need a permission for
    # that which no role of ours has.
    groups = aws.client("logs").describe_log_groups()["logGroups"]
    pools = aws.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
    return {
        *(f"table {name}" for name in aws.client("dynamodb").list_tables()["TableNames"]),
        *(f"user pool {pool['Id']}" for pool in pools),
        *(f"bucket {one['Name']}" for one in aws.client("s3").list_buckets()["Buckets"]),
        *(f"key {arn} ({alias})" for alias, arn in arns.items()),
        *(f"queue {url}" for url in aws.client("sqs").list_queues().get("QueueUrls", [])),
        *(f"function {one['FunctionName']}" for one in aws.client("lambda").list_functions()["Functions"]),
        *(f"gateway {one['name']}" for one in aws.client("apigateway").get_rest_apis()["items"]),
        *(f"logs {one['logGroupName']}" for one in groups if "retentionInDays" in one),
        *(f"schedule {one['Name']}" for one in aws.client("events").list_rules()["Rules"]),
        *(f"alarm {one['AlarmName']}" for one in aws.client("cloudwatch").describe_alarms()["MetricAlarms"]),
        *(f"topic {one['TopicArn']}" for one in aws.client("sns").list_topics()["Topics"]),
    }


class Untouchable:
    """An AWS that nobody may ask anything."""

    def __init__(self, region: str = "us-east-1") -> None:
        self.region = region

    def account(self) -> str:
        return "000000000000"

    def client(self, service: str) -> Any:
        raise AssertionError(f"{service} was asked")


def test_the_data_of_prod_is_never_deleted_by_the_script() -> None:
    with pytest.raises(ShippingError, match="by hand"):
        destroying.destroy(Untouchable(), "prod", with_data=True)


@pytest.mark.parametrize(("data", "is_with_data"), [("delete", True), ("keep", False), ("", False)])
def test_make_passes_on_what_is_to_become_of_the_data(data: str, is_with_data: bool) -> None:
    command = ["make", "--dry-run", "destroy", "STAGE=dev", *([f"DATA={data}"] if data else [])]
    told = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout

    assert 'scripts.destroy --stage "dev"' in told
    assert ("--with-data" in told) is is_with_data


@pytest.mark.parametrize("typed", ["", "y", "prod"])
def test_nothing_is_deleted_before_the_stage_is_named(
    typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(destroying, "RealAws", Untouchable)
    monkeypatch.setattr("builtins.input", lambda words: asked.append(words) or typed)

    assert destroying.main(["--stage", "dev", "--with-data"]) == 1
    assert "dev AND ALL ITS DATA" in asked[0]
    assert "Nothing was deleted." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stage", "said"), [("local", "this machine's"), ("Prod!", "lower-case"), ("staging", "no stage 'staging'")]
)
def test_a_stage_that_cannot_be_deployed_is_refused(aws: LocalAws, config_file: Path, stage: str, said: str) -> None:
    with pytest.raises(ShippingError, match=said):
        deploying.deploy(aws, stage, agree=lambda: True, config_file=config_file, parameters={})


def test_a_choice_that_no_template_knows_is_refused(aws: LocalAws, config_file: Path) -> None:
    with pytest.raises(ShippingError, match="no template knows AlarmMail"):
        deploying.deploy(
            aws, "dev", agree=lambda: True, config_file=config_file, parameters={"AlarmMail": "a@b.example"}
        )


@pytest.mark.soak
def test_plain_chalice_deploy_works_after_the_resource_stack(tmp_path: Path) -> None:
    """Its gateway has no routes in this emulator, so the function is called as a gateway would."""
    copy = tmp_path / "project"
    shutil.copytree(REPOSITORY / "chalicelib", copy / "chalicelib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / ".chalice", copy / ".chalice", ignore=shutil.ignore_patterns("deploy*"))
    for name in ("app.py", "requirements.txt"):
        shutil.copy(REPOSITORY / name, copy)
    config_file = copy / ".chalice" / "config.json"
    change(config_file, EXTENSION_ORIGIN=ORIGIN)
    with scratch_directory(tmp_path) as unpacked, LocalAws(tmp_path / "aws", scratch=unpacked) as aws:
        deploying.deploy(aws, "dev", agree=lambda: True, resources_only=True, config_file=config_file, parameters={})
        sealer = Sealer(aws.client("kms"), "dev")
        change(config_file, ASSEMBLYAI_API_KEY=sealer.sealed("ASSEMBLYAI_API_KEY", "a-key-of-assemblyai"))
        policy = json.loads((copy / ".chalice" / "policy-dev.json").read_text())
        assert "Fn::" not in json.dumps(policy)

        surroundings = without_aws(dict(os.environ)) | CREDENTIALS
        surroundings |= {"AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": aws.endpoint_url}

        def chalice(command: str) -> str:
            words = [str(Path(sys.executable).with_name("chalice")), command, "--stage", "dev"]
            done = subprocess.run(words, cwd=copy, env=surroundings, capture_output=True, text=True, timeout=500)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        assert "Rest API URL" in chalice("deploy")

        event = {
            "resource": "/health", "path": "/health", "httpMethod": "GET", "headers": {}, "multiValueHeaders": {},
            "pathParameters": None, "queryStringParameters": None, "multiValueQueryStringParameters": None,
            "stageVariables": None, "body": None, "isBase64Encoded": False,
            "requestContext": {"httpMethod": "GET", "resourcePath": "/health", "path": "/api/health", "requestId": "1"},
        }  # fmt: skip
        answer = aws.client("lambda").invoke(FunctionName="live-transcription-dev", Payload=json.dumps(event).encode())
        said = json.loads(answer["Payload"].read())
        assert (said["statusCode"], json.loads(said["body"])["stage"]) == (200, "dev")

        # As its role, by the one policy, on a table and the queue of the resource stack. What needs a secret cannot be
        # shown: this AWS's evaluator of policies knows no encryption context, which the policy asks for.
        event = json.dumps(TICK).encode()
        started = aws.client("lambda").invoke(FunctionName="live-transcription-dev-daily_audit", Payload=event)
        answer = json.loads(started["Payload"].read())
        assert "FunctionError" not in started, answer
        assert answer == {"audits_started": 1}

        chalice("delete")
        assert aws.client("lambda").list_functions()["Functions"] == []
