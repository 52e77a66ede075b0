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

from scripts import deploy as deploying, destroy as destroying, replay as replaying
from scripts.local.aws import CREDENTIALS, REGION, LocalAws, without_aws
from scripts.local.scratch import scratch
from scripts.shipping import project
from scripts.shipping.project import REPOSITORY, ShippingError
from scripts.shipping.sealing import Sealer
from scripts.shipping.shipment import Shipment

ORIGIN = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
FUNCTIONS = {"APIHandler", "Work", "Sweep", "Erase", "Reconcile", "Count", "DailyAudit"}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    directory = tmp_path_factory.mktemp("aws")
    with scratch(directory) as unpacked, LocalAws(directory, scratch=unpacked) as running:
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
    def run(agree: bool = True, **how: Any) -> None:
        deploying.deploy(aws, "dev", agree=lambda: agree, config_file=config_file, parameters={}, **how)

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

    deploy()
    again = capsys.readouterr().out
    assert again.count("nothing to change") == 2
    assert settings(config_file)["IDENTITY_HMAC_KEY"] == sealed["IDENTITY_HMAC_KEY"]

    change(config_file, LEASE_SECONDS="900")
    deploy()
    touched = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  ~ ")]
    assert {words[2] for words in touched} == FUNCTIONS
    assert {words[1] for words in touched} == {"AWS::Lambda::Function"}

    dead = project_stack(aws, "resources").outputs()["DeadJobsQueueUrl"]
    for body in ("job-one", "job-two"):
        aws.client("sqs").send_message(QueueUrl=dead, MessageBody=body)
    assert replaying.replay(aws, "dev", send_back=False) == 2
    assert replaying.replay(aws, "dev", send_back=True) == 2
    assert replaying.replay(aws, "dev", send_back=True) == 0
    assert "job-one" in capsys.readouterr().out

    destroying.destroy(aws, "dev")
    said = capsys.readouterr().out
    for kept in (
        "table live-transcription-dev-ledger",
        "user pool us-east-1_",
        "bucket live-transcription-dev-packages",
    ):
        assert f"KEPT     {kept}" in said
    tables = aws.client("dynamodb").list_tables()["TableNames"]
    assert [name for name in tables if "-dev-" in name] == ["live-transcription-dev-ledger"]
    assert stack_state(aws, "application") == stack_state(aws, "resources") == ""


def test_the_data_of_prod_is_never_deleted_by_the_script(aws: LocalAws) -> None:
    with pytest.raises(ShippingError, match="by hand"):
        destroying.destroy(aws, "prod", with_data=True)


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
    with LocalAws(tmp_path / "aws") as aws:
        deploying.deploy(aws, "dev", agree=lambda: True, resources_only=True, config_file=config_file, parameters={})
        sealer = Sealer(aws.client("kms"), "dev")
        change(config_file, ASSEMBLYAI_API_KEY=sealer.sealed("ASSEMBLYAI_API_KEY", "a-key-of-assemblyai"))
        policy = json.loads((copy / ".chalice" / "policy-dev.json").read_text())
        assert "Fn::" not in json.dumps(policy)

        surroundings = without_aws(dict(os.environ)) | CREDENTIALS
        surroundings |= {"AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": aws.endpoint_url}
        chalice = [str(Path(sys.executable).with_name("chalice")), "deploy", "--stage", "dev"]
        done = subprocess.run(chalice, cwd=copy, env=surroundings, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Rest API URL" in done.stdout

        event = {
            "resource": "/health", "path": "/health", "httpMethod": "GET", "headers": {}, "multiValueHeaders": {},
            "pathParameters": None, "queryStringParameters": None, "multiValueQueryStringParameters": None,
            "stageVariables": None, "body": None, "isBase64Encoded": False,
            "requestContext": {"httpMethod": "GET", "resourcePath": "/health", "path": "/api/health", "requestId": "1"},
        }  # fmt: skip
        answer = aws.client("lambda").invoke(FunctionName="live-transcription-dev", Payload=json.dumps(event).encode())
        said = json.loads(answer["Payload"].read())
        assert (said["statusCode"], json.loads(said["body"])["stage"]) == (200, "dev")
