"""`make deploy`, `make resources` and `make destroy`, with the emulated AWS."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from botocore.exceptions import ClientError

from scripts import deploy as deploying, destroy as destroying, replay as replaying
from scripts.local.aws import LocalAws
from scripts.local.scratch import scratch_directory
from scripts.shipping import location, project
from scripts.shipping.package import Package
from scripts.shipping.plain import RESOURCE_SETTINGS
from scripts.shipping.project import ShippingError
from scripts.shipping.sealing import Sealer
from scripts.shipping.shipment import Shipment
from tests.stack.deploy_role import NOT_CALLED, SOMETIMES_CALLED, DeployRole
from tests.stack.deployed_stage import (
    FUNCTIONS,
    ORIGIN,
    STACK,
    application_stack,
    change_settings,
    function_settings,
    list_resources,
    protect_table,
    read_settings,
    remove_setting,
    resource_stack,
    role_names,
)
from tests.stack.failed_rollback import check_failed_rollback
from tests.stack.restored_tables import check_restore
from tests.stack.rolled_back_releases import check_rollback


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    directory = tmp_path_factory.mktemp("aws")
    with scratch_directory(directory) as unpacked, LocalAws(directory, scratch=unpacked) as running:
        yield running


@pytest.fixture(scope="module")
def role(aws: LocalAws) -> Iterator[DeployRole]:
    """The same AWS, with no more permissions than the role that GitHub deploys with."""
    role = DeployRole(aws, "dev")
    yield role
    role.close()


@pytest.fixture(scope="module")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stage as in a new clone, with only the origin of the extension set."""
    config = project.read()
    project.environment(config, "dev")["EXTENSION_ORIGIN"] = ORIGIN
    path = tmp_path_factory.mktemp("project") / "config.json"
    project.write(config, path)
    return path


@pytest.fixture(autouse=True)
def emulated_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Package no public keys: the address of the emulator is not allowed for a deployed stage."""
    monkeypatch.setattr(Shipment, "_keys", lambda self: {})


@pytest.fixture(autouse=True)
def packages(monkeypatch: pytest.MonkeyPatch) -> list[Package]:
    """What was packaged, in this order."""
    packed: list[Package] = []
    pack = Shipment.pack
    monkeypatch.setattr(Shipment, "pack", lambda self: packed.append(pack(self)) or packed[-1])
    return packed


Deploy = Callable[..., None]


@pytest.fixture
def deploy(role: DeployRole, config_file: Path) -> Deploy:
    def run(is_confirmed: bool = True, **parameters: str) -> None:
        deploying.deploy(role, "dev", agree=lambda: is_confirmed, config_file=config_file, parameters=parameters)

    return run


def test_a_stage_is_deployed_changed_rolled_back_restored_and_deleted(
    aws: LocalAws,
    role: DeployRole,
    deploy: Deploy,
    config_file: Path,
    packages: list[Package],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One test, because each step continues from the state of the previous one."""
    with pytest.raises(ShippingError, match=r"Nothing was changed\."):
        deploy(is_confirmed=False)
    assert "+ AWS::DynamoDB::Table" in capsys.readouterr().out
    assert resource_stack(aws).state() == ""

    with pytest.raises(ShippingError) as caught:  # Resources are created, the application is not.
        deploy()
    assert "ASSEMBLYAI_API_KEY is missing" in str(caught.value)
    assert application_stack(aws).state() == ""
    generated = read_settings(config_file)
    assert all(generated[name].startswith("kms:") for name in ("COGNITO_CLIENT_SECRET", "IDENTITY_HMAC_KEY"))

    change_settings(config_file, STRIPE_API_KEY="sk_test_plain", LEASE_SECONDS="1")
    with pytest.raises(ShippingError) as caught:
        deploy()
    for problem in ("ASSEMBLYAI_API_KEY is missing", "STRIPE_API_KEY is not KMS ciphertext"):
        assert problem in str(caught.value)
    assert "sk_test_plain" not in str(caught.value)

    sealer = Sealer(aws.client("kms"), "dev")
    config = project.read(config_file)
    settings = project.environment(config, "dev")
    settings.pop("STRIPE_API_KEY")
    settings |= {
        "ASSEMBLYAI_API_KEY": sealer.encrypt("ASSEMBLYAI_API_KEY", "a-key-of-assemblyai"),
        "LEASE_SECONDS": "1",
    }
    project.write(config, config_file)
    with pytest.raises(ShippingError, match="LEASE_SECONDS must be a whole number between 60 and 10,800"):
        deploy()

    change_settings(config_file, LEASE_SECONDS="600")
    capsys.readouterr()
    deploy()
    output = capsys.readouterr().out
    assert "resources: no changes" in output
    assert "/webhooks/stripe" in output
    assert "scripts.smoke --url" in output
    api_id = application_stack(aws).outputs()["RestAPIId"]
    health = requests.get(f"{aws.endpoint_url}/_aws/execute-api/{api_id}/api/health", timeout=60)
    assert (health.status_code, health.json()["stage"]) == (200, "dev")
    assert health.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert f"--origin {ORIGIN} --build {health.json()['build']}\n" in output

    # Names of resources, which `make resources` writes, are not deployed; what was not committed is taken back.
    remove_setting(config_file, "IDENTITY_HMAC_KEY")
    names = dict.fromkeys(RESOURCE_SETTINGS, "of-an-earlier-stack")
    change_settings(config_file, **names)
    deploy()
    output = capsys.readouterr().out
    assert output.count("no changes") == 2
    assert "IDENTITY_HMAC_KEY was taken from the running function" in output
    assert read_settings(config_file)["IDENTITY_HMAC_KEY"] == generated["IDENTITY_HMAC_KEY"]
    for name in names:
        remove_setting(config_file, name)

    before = function_settings(aws)
    change_settings(config_file, LEASE_SECONDS="900")
    deploy()
    output = capsys.readouterr().out
    changes = [line.split() for line in output.splitlines() if line[:4].strip() in ("+", "-", "~")]
    versions = {"+": [], "-": []}
    for parts in changes:
        if parts[1] == "AWS::Lambda::Version":
            versions[parts[0]].append(parts[2].partition("Version")[0])
    assert {sign: sorted(names) for sign, names in versions.items()} == dict.fromkeys("+-", sorted(FUNCTIONS))
    # On AWS each alias changes as well; the emulator does not see that from a changed reference.
    others = {tuple(parts[:3]) for parts in changes if parts[1] not in ("AWS::Lambda::Version", "AWS::Lambda::Alias")}
    assert others == {("~", "AWS::Lambda::Function", function) for function in FUNCTIONS}
    assert "REPLACED" not in output
    after = function_settings(aws)
    assert {name: each.pop("LEASE_SECONDS") for name, each in after.items()} == dict.fromkeys(FUNCTIONS, "900")
    assert {name: each.pop("LEASE_SECONDS") for name, each in before.items()} == dict.fromkeys(FUNCTIONS, "600")
    # Another setting is another build.
    assert not {each.pop("BUILD") for each in after.values()} & {each.pop("BUILD") for each in before.values()}
    assert after == before

    deploy(LogRetentionDays="7")
    changes = [line.split() for line in capsys.readouterr().out.splitlines() if line[:4].strip() in ("+", "-", "~")]
    assert {(parts[0], parts[1]) for parts in changes} == {("~", "AWS::Logs::LogGroup")}
    assert {parts[2] for parts in changes} == {"AccessLog", *(f"{function}Log" for function in FUNCTIONS)}

    check_rollback(aws, role, deploy, packages[-1], config_file.parent, capsys, LogRetentionDays="7")
    outputs = resource_stack(aws).outputs()
    check_restore(aws, outputs, capsys)

    dead = outputs["DeadJobsQueueUrl"]
    for body in ("job-one", "job-two"):
        aws.client("sqs").send_message(QueueUrl=dead, MessageBody=body)
    assert replaying.replay(aws, "dev", send_back=False) == 2
    assert replaying.replay(aws, "dev", send_back=True) == 2
    assert replaying.replay(aws, "dev", send_back=True) == 0
    assert "job-one" in capsys.readouterr().out

    # Deletion: a protected table prevents the deletion of its stack before half of it is deleted.
    aws.client("s3").put_object(Bucket=outputs["UploadBucket"], Key="uploads/somebody/one", Body=b"audio")
    protect_table(aws, outputs["AppTable"], True)
    destroying.destroy(role, "dev", config_file=config_file)
    output = capsys.readouterr().out
    assert f"KEPT     {STACK}-resources: its table {outputs['AppTable']} is protected" in output
    assert (application_stack(aws).state(), resource_stack(aws).state()) == ("", "CREATE_COMPLETE")
    assert aws.client("s3").get_object(Bucket=outputs["UploadBucket"], Key="uploads/somebody/one")

    # Everything is deleted except money and accounts, which are listed.
    protect_table(aws, outputs["AppTable"], False)
    destroying.destroy(role, "dev", config_file=config_file)
    output = capsys.readouterr().out
    kept = {
        f"table {outputs['LedgerTable']}",
        f"user pool {outputs['UserPoolId']}",
        f"bucket {outputs['PackageBucket']}",
        f"key {outputs['SecretsKeyArn']} (alias/{STACK})",
    }
    assert f"deleted  {STACK}-resources" in output
    assert {line.removeprefix("KEPT     ") for line in output.splitlines() if line.startswith("KEPT     ")} - kept == {
        f"role {role}, for the logs of all gateways of the account" for role in role_names(aws)
    }
    assert all(f"KEPT     {name}\n" in output for name in kept)
    assert list_resources(aws) == kept

    with pytest.raises(ShippingError) as caught:
        deploy()
    assert all(name in str(caught.value) for name in (*kept, "make destroy STAGE=dev DATA=delete"))
    assert (list_resources(aws), resource_stack(aws).state()) == (kept, "")

    # Deletion of the data: also without the stacks, and after an interrupted attempt.
    aws.client("kms").schedule_key_deletion(KeyId=outputs["SecretsKeyArn"], PendingWindowInDays=7)
    destroying.destroy(aws, "dev", with_data=True, config_file=config_file)
    output = capsys.readouterr().out
    assert all(f"deleted  {name}\n" in output for name in kept)
    assert "KEPT" not in output
    assert list_resources(aws) == set()
    assert not [name for name, value in read_settings(config_file).items() if value.startswith("kms:")]
    assert location.find("dev", config_file) is None

    # A new stage with this name can be deployed as the first one was.
    with pytest.raises(ShippingError) as caught:
        deploy()
    assert str(caught.value).count("missing") == 1
    assert "ASSEMBLYAI_API_KEY is missing" in str(caught.value)
    destroying.destroy(aws, "dev", with_data=True, config_file=config_file)
    assert list_resources(aws) == set()
    keys = [key["KeyId"] for key in aws.client("kms").list_keys()["Keys"]]
    states = [aws.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] for key in keys]
    assert states == ["PendingDeletion"] * 2
    destroying.destroy(aws, "dev", with_data=True, config_file=config_file)
    assert f"{STACK}-resources does not exist" in capsys.readouterr().out

    # All of this was possible with the permissions of the role, and it has no other ones.
    assert role.called | NOT_CALLED | SOMETIMES_CALLED == role.allowed
    assert role.called.isdisjoint(NOT_CALLED)


def test_github_deploys_only_the_stage_that_its_environment_names(role: DeployRole) -> None:
    assert role.assume("dev")
    for environment in ("prod", "dev-2", "*"):
        with pytest.raises(ClientError, match="AccessDenied"):
            role.assume(environment)
    with pytest.raises(ClientError, match="not authorized"):
        role.client("dynamodb").scan(TableName="live-transcription-dev-ledger")
    role.called.discard("dynamodb:Scan")


def test_a_failed_rollback_goes_on_once_its_cause_is_repaired(
    aws: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    check_failed_rollback(aws, capsys)


@pytest.mark.parametrize(
    ("stage", "message"), [("local", "this machine only"), ("Prod!", "lower-case"), ("staging", "no stage 'staging'")]
)
def test_a_stage_that_cannot_be_deployed_is_rejected(
    aws: LocalAws, config_file: Path, stage: str, message: str
) -> None:
    with pytest.raises(ShippingError, match=message):
        deploying.deploy(aws, stage, agree=lambda: True, config_file=config_file, parameters={})


def test_a_parameter_that_no_template_declares_is_rejected(aws: LocalAws, config_file: Path) -> None:
    with pytest.raises(ShippingError, match="no template has the parameter AlarmMail"):
        deploying.deploy(
            aws, "dev", agree=lambda: True, config_file=config_file, parameters={"AlarmMail": "a@b.example"}
        )
