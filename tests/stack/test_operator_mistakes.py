"""Commands in the wrong place, in the wrong order, side by side or interrupted: refused in a sentence, nothing lost.

One emulated AWS; each test has an account of its own in it.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from chalice.package import YAMLTemplateSerializer

from scripts.local.aws import LocalAws
from scripts.shipping import cloudformation, location, progress, project, retained, shipment
from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import ShippingError
from scripts.shipping.sealing import Sealer
from tests.stack.deployed_stage import change_settings, remove_setting
from tests.stack.operators import Operator, new_clone

RESOURCES, APPLICATION = "live-transcription-dev-resources", "live-transcription-dev"
FRANKFURT, DUBLIN = "eu-central-1", "eu-west-1"
ACCOUNTS = count(100000000000)
# A resource that is being created until it gets a signal.
WAIT = {
    "Type": "AWS::CloudFormation::WaitCondition",
    "CreationPolicy": {"ResourceSignal": {"Count": 1, "Timeout": "PT5M"}},
}
NewOperator = Callable[[], Operator]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(tmp_path_factory.mktemp("aws")) as running:
        yield running


@pytest.fixture
def new_operator(emulator: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewOperator:
    return lambda: Operator(emulator, new_clone(tmp_path / f"clone-{next(ACCOUNTS)}"), monkeypatch)


@pytest.fixture
def account() -> str:
    return str(next(ACCOUNTS))


@pytest.fixture
def operator(new_operator: NewOperator, account: str) -> Operator:
    """Signed in to an account without anything in it."""
    operator = new_operator()
    operator.sign_in(account, FRANKFURT)
    return operator


@pytest.fixture
def deployed(operator: Operator, capsys: pytest.CaptureFixture[str]) -> Operator:
    """Whose stage has its resources, in Frankfurt."""
    operator.make_resources()
    capsys.readouterr()
    return operator


def start_function(operator: Operator, **settings: str) -> None:
    """The application stack with the API's function only, which runs with these settings."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "*"}]}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    properties = {
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Handler": "index.handle",
        "Runtime": "python3.13",
        "Code": {"ZipFile": "def handle(event, context): pass"},
        "Environment": {"Variables": settings},
    }
    resources = {"Role": role, "APIHandler": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    create_stack(operator, resources)


def create_stack(operator: Operator, resources: dict[str, Any]) -> None:
    stack = Stack(operator.aws.client("cloudformation"), APPLICATION)
    if plan := stack.plan({"TemplateBody": json.dumps({"Resources": resources})}, {}):
        plan.apply()


def signal(operator: Operator, stack: str) -> None:
    """End the wait of a stack, once it has begun."""
    client, deadline = operator.aws.client("cloudformation"), time.monotonic() + 60

    def is_accepted() -> bool:
        try:
            client.signal_resource(StackName=stack, LogicalResourceId="Wait", UniqueId="1", Status="SUCCESS")
        except ClientError as error:
            if "is not waiting for signals" not in str(error) or time.monotonic() > deadline:
                raise
            return False
        return True

    while not is_accepted():
        time.sleep(0.05)
    Stack(client, stack)._wait(lambda: status(operator, stack), str, 60)


def status(operator: Operator, stack: str = RESOURCES) -> str:
    return Stack(operator.aws.client("cloudformation"), stack).state()


def remains(operator: Operator) -> list[str]:
    return [resource.name for resource in retained.find_retained(operator.aws, "dev")]


def decrypted(operator: Operator, name: str) -> str:
    return Sealer(operator.aws.client("kms"), "dev").decrypt(name, operator.settings[name])


# Another place


def test_the_account_is_that_of_the_named_profile(
    operator: Operator, account: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Although keys of another account are in the environment."""
    assert operator.run_secret("check") == 1

    assert f"account {account} (profile work), region {FRANKFURT}, stage dev" in capsys.readouterr().out


def test_every_command_refuses_another_place_and_names_both(
    deployed: Operator, account: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files, kept = deployed.files(), remains(deployed)

    for here in ((account, DUBLIN), (str(next(ACCOUNTS)), FRANKFURT)):
        deployed.sign_in(*here)
        for name, run in deployed.every_command().items():
            try:
                message = f"exit code {run()}" + capsys.readouterr().err
            except ShippingError as error:
                message = str(error)
            assert f"in account {account}, region {FRANKFURT}" in message, name
            assert f"You are in account {here[0]} (profile work), region {here[1]}. Nothing was changed." in message
            assert f"AWS_REGION={FRANKFURT}" in message, name
            assert "DATA=delete" not in message, name
        assert (deployed.files(), remains(deployed), status(deployed)) == (files, [], "")
    deployed.sign_in(account, FRANKFURT)
    assert (remains(deployed), status(deployed)) == (kept, "CREATE_COMPLETE")


def test_own_ciphertexts_tell_the_place_if_the_file_was_not_committed(deployed: Operator, account: str) -> None:
    (deployed.clone / location.FILE).unlink()
    files = deployed.files()

    for here in ((account, DUBLIN), (str(next(ACCOUNTS)), FRANKFURT)):
        deployed.sign_in(*here)
        for run in (deployed.make_resources, deployed.destroy, lambda: deployed.destroy(with_data=True)):
            with pytest.raises(ShippingError, match="sealed with a key that is not in account") as caught:
                run()
            assert here[1] in str(caught.value)
    assert deployed.files() == files

    deployed.sign_in(account, FRANKFURT)
    deployed.make_resources()
    assert location.find("dev", deployed.config_file).region == FRANKFURT  # type: ignore[union-attr]


def test_two_regions_of_one_account_do_not_touch_each_other(
    deployed: Operator, account: str, new_operator: NewOperator
) -> None:
    other = new_operator()
    other.sign_in(account, DUBLIN)
    other.make_resources()
    kept = remains(deployed)
    assert len(deployed.aws.client("s3").list_buckets()["Buckets"]) == 4

    other.destroy(with_data=True)

    assert (remains(other), remains(deployed)) == ([], kept)
    assert location.find("dev", other.config_file) is None
    deployed.sign_in(account, FRANKFURT)
    assert decrypted(deployed, "IDENTITY_HMAC_KEY")
    deployed.make_resources()


# Secrets that are missing


def test_secrets_that_were_not_committed_are_taken_from_the_running_function(
    deployed: Operator, account: str, new_operator: NewOperator, capsys: pytest.CaptureFixture[str]
) -> None:
    sealer = Sealer(deployed.aws.client("kms"), "dev")
    sealed = {name: deployed.settings[name] for name in ("IDENTITY_HMAC_KEY", "COGNITO_CLIENT_SECRET")}
    sealed["OPENAI_API_KEY"] = sealer.encrypt("OPENAI_API_KEY", "sk-of-the-function")
    start_function(deployed, **sealed)
    other = new_operator()
    other.sign_in(account, FRANKFURT)

    other.make_resources()

    assert {name: other.settings[name] for name in sealed} == sealed
    assert "OPENAI_API_KEY was taken from the running function" in capsys.readouterr().out
    assert location.find("dev", other.config_file) == location.find("dev", deployed.config_file)


def test_a_secret_that_was_removed_on_purpose_stays_removed(deployed: Operator) -> None:
    sealer = Sealer(deployed.aws.client("kms"), "dev")
    start_function(deployed, OPENAI_API_KEY=sealer.encrypt("OPENAI_API_KEY", "sk-of-the-function"))
    change_settings(deployed.config_file, OPENAI_API_KEY="")

    deployed.make_resources()

    assert deployed.settings["OPENAI_API_KEY"] == ""


def test_an_identity_key_is_never_made_anew(deployed: Operator) -> None:
    sealer = Sealer(deployed.aws.client("kms"), "dev")
    of_another_variable = sealer.encrypt("OPENAI_API_KEY", "sk-" + "k" * 40)
    remove_setting(deployed.config_file, "IDENTITY_HMAC_KEY")
    files = deployed.files()

    for running in (None, {"STAGE": "dev"}, {"IDENTITY_HMAC_KEY": of_another_variable}):
        if running:
            start_function(deployed, **running)
        for command in ("deploy", "resources"):
            with pytest.raises(ShippingError, match=r"grant every user the free credits again, so none was made\."):
                deployed.every_command()[command]()
        assert deployed.run_secret("encrypt", "IDENTITY_HMAC_KEY") == 1
        assert deployed.files() == files


# The key


def test_a_lost_key_stops_a_deployment_before_anything_changes(deployed: Operator) -> None:
    kms, alias = deployed.aws.client("kms"), f"alias/{APPLICATION}"
    key, secret = kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"], decrypted(deployed, "IDENTITY_HMAC_KEY")
    files = deployed.files()
    harms = {
        "PendingDeletion": lambda: kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7),
        "Disabled": lambda: kms.disable_key(KeyId=key),
        "A lost key": lambda: kms.delete_alias(AliasName=alias),
    }

    for said, harm in harms.items():
        harm()
        with pytest.raises(ShippingError, match=r"Nothing was changed\.") as caught:
            deployed.make_resources()
        assert said in str(caught.value)
        assert deployed.files() == files
        for command, key_id in re.findall(r"aws kms ([a-z-]+) --key-id (\S+)", str(caught.value)):
            getattr(kms, command.replace("-", "_"))(KeyId=key_id)
        if said == "A lost key":
            kms.create_alias(AliasName=alias, TargetKeyId=key)
        deployed.make_resources()
    assert decrypted(deployed, "IDENTITY_HMAC_KEY") == secret


def test_ciphertexts_are_kept_unless_their_key_is_scheduled_for_deletion(
    deployed: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    kms, sealed = deployed.aws.client("kms"), deployed.settings
    key = kms.describe_key(KeyId=f"alias/{APPLICATION}")["KeyMetadata"]["KeyId"]
    kms.delete_alias(AliasName=f"alias/{APPLICATION}")

    deployed.destroy(with_data=True)

    assert deployed.settings == sealed
    assert "KEPT     COGNITO_CLIENT_SECRET, IDENTITY_HMAC_KEY in config.json" in capsys.readouterr().out
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert location.find("dev", deployed.config_file)

    kms.create_alias(AliasName=f"alias/{APPLICATION}", TargetKeyId=key)
    deployed.destroy(with_data=True)
    assert "IDENTITY_HMAC_KEY" not in deployed.settings
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert location.find("dev", deployed.config_file) is None


@pytest.mark.parametrize("written", [False, True], ids=["before the file", "after the file"])
def test_an_interrupted_deletion_of_data_is_continued(
    deployed: Operator, written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = project.write

    def interrupt(config: dict[str, Any], path: Path) -> None:
        if written:
            write(config, path)
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(project, "write", interrupt)
        with pytest.raises(KeyboardInterrupt):
            deployed.destroy(with_data=True)
    assert [name.partition(" ")[0] for name in remains(deployed)] == ["key"]

    deployed.destroy(with_data=True)

    assert remains(deployed) == []
    assert not [value for value in deployed.settings.values() if value.startswith("kms:")]
    assert location.find("dev", deployed.config_file) is None


# The user pool's client


def test_what_was_kept_is_imported_and_the_secret_of_the_new_client_is_sealed_again(
    deployed: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    """As docs/operations.md, After a destroy, says."""
    before, outputs = deployed.settings, Stack(deployed.aws.client("cloudformation"), RESOURCES).outputs()
    deployed.destroy()
    with pytest.raises(ShippingError, match="were kept"):
        deployed.make_resources()

    import_kept(deployed, outputs)
    capsys.readouterr()
    deployed.make_resources()

    output, after = capsys.readouterr().out, deployed.settings
    assert "COGNITO_CLIENT_SECRET is of another client than the user pool's" in output
    assert after["COGNITO_CLIENT_ID"] != before["COGNITO_CLIENT_ID"]
    assert after["COGNITO_USER_POOL_ID"] == before["COGNITO_USER_POOL_ID"]
    assert after["IDENTITY_HMAC_KEY"] == before["IDENTITY_HMAC_KEY"]
    client = deployed.aws.client("cognito-idp").describe_user_pool_client(
        UserPoolId=after["COGNITO_USER_POOL_ID"], ClientId=after["COGNITO_CLIENT_ID"]
    )
    assert decrypted(deployed, "COGNITO_CLIENT_SECRET") == client["UserPoolClient"]["ClientSecret"]
    deployed.make_resources()
    assert "is of another client" not in capsys.readouterr().out


def import_kept(operator: Operator, outputs: dict[str, str]) -> None:
    template = YAMLTemplateSerializer().load_template(shipment.RESOURCES.read_text(), "resources.yaml")
    identifiers = {
        "Ledger": {"TableName": outputs["LedgerTable"]},
        "UserPool": {"UserPoolId": outputs["UserPoolId"]},
        "Packages": {"BucketName": outputs["PackageBucket"]},
        "SecretsKey": {"KeyId": outputs["SecretsKeyArn"].rpartition("/")[2]},
        "SecretsKeyAlias": {"AliasName": f"alias/{APPLICATION}"},
    }
    kept = {name: template["Resources"][name] for name in identifiers}
    del template["Outputs"]
    cloudformation_client = operator.aws.client("cloudformation")
    cloudformation_client.create_change_set(
        StackName=RESOURCES,
        ChangeSetName="import",
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(template | {"Resources": kept}),
        Parameters=[{"ParameterKey": "Stage", "ParameterValue": "dev"}],
        ResourcesToImport=[
            {
                "ResourceType": kept[name]["Type"],
                "LogicalResourceId": name,
                "ResourceIdentifier": identifier,
            }
            for name, identifier in identifiers.items()
        ],
    )
    cloudformation_client.get_waiter("change_set_create_complete").wait(
        StackName=RESOURCES, ChangeSetName="import", WaiterConfig={"Delay": 1}
    )
    cloudformation_client.execute_change_set(StackName=RESOURCES, ChangeSetName="import")
    cloudformation_client.get_waiter("stack_import_complete").wait(StackName=RESOURCES, WaiterConfig={"Delay": 1})


def test_a_second_secret_of_the_same_client_is_left_alone(deployed: Operator) -> None:
    """A person adds it to rotate the client's secret."""
    second = Sealer(deployed.aws.client("kms"), "dev").encrypt("COGNITO_CLIENT_SECRET", "a-second-secret")
    change_settings(deployed.config_file, COGNITO_CLIENT_SECRET=second)

    deployed.make_resources()

    assert deployed.settings["COGNITO_CLIENT_SECRET"] == second


# The role that API Gateway logs with


def test_the_role_that_the_account_logs_with_is_left_alone(operator: Operator) -> None:
    role = operator.aws.client("iam").create_role(RoleName="of-the-owner", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    set_gateway_role(operator, role)

    for _ in range(2):
        operator.make_resources()
        assert operator.aws.client("apigateway").get_account()["cloudwatchRoleArn"] == role
    stack = Stack(operator.aws.client("cloudformation"), RESOURCES)
    assert stack.resources_of_type("AWS::IAM::Role") == {}


def test_a_role_that_was_deleted_is_replaced_and_stays(operator: Operator) -> None:
    set_gateway_role(operator, "arn:aws:iam::000000000000:role/deleted-long-ago")

    for _ in range(2):
        operator.make_resources()
        role = operator.aws.client("apigateway").get_account()["cloudwatchRoleArn"]
        assert "GatewayLogsRole" in role


def set_gateway_role(operator: Operator, role: str) -> None:
    change = {"op": "replace", "path": "/cloudwatchRoleArn", "value": role}
    operator.aws.client("apigateway").update_account(patchOperations=[change])


# Interrupted, and side by side


@pytest.fixture
def slow_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resource stack is being created until it gets a signal."""
    template = shipment.RESOURCES.read_text(encoding="utf-8")
    path = tmp_path / "resources.yaml"
    path.write_text(template.replace("\nResources:\n", f"\nResources:\n  Wait: {json.dumps(WAIT)}\n"))
    monkeypatch.setattr(shipment, "RESOURCES", path)


@pytest.mark.usefixtures("slow_resources")
def test_an_interrupted_deployment_is_continued(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(cloudformation.Progress, "report", interrupt)
        with pytest.raises(KeyboardInterrupt):
            operator.make_resources()
    assert status(operator) == "CREATE_IN_PROGRESS"

    for run in (operator.make_resources, operator.destroy, lambda: operator.destroy(with_data=True)):
        with pytest.raises(ShippingError, match=f"{RESOURCES} is CREATE_IN_PROGRESS: .* Nothing was changed"):
            run()
    assert "IDENTITY_HMAC_KEY" not in operator.settings

    signal(operator, RESOURCES)
    operator.make_resources()
    sealed = operator.settings
    assert decrypted(operator, "IDENTITY_HMAC_KEY")
    operator.make_resources()
    assert operator.settings == sealed


@pytest.mark.usefixtures("slow_resources")
def test_progress_is_shown_while_cloudformation_works(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "PERIOD_SECONDS", 0)
    report = progress.Progress.report

    reported: list[Any] = []

    def report_and_signal(self: Any) -> None:
        report(self)
        if not reported:
            signal(operator, RESOURCES)
        reported.append(self)

    monkeypatch.setattr(cloudformation.Progress, "report", report_and_signal)
    operator.make_resources()

    lines = re.findall(r"^  \d:\d\d  (\d+) of (\d+) resources done(?:, now: (.*))?$", capsys.readouterr().out, re.M)
    assert lines[0][2] == "Wait"
    assert lines[-1][:2] == ("16", "16")


def test_a_stage_is_not_destroyed_while_its_application_is_deployed(deployed: Operator) -> None:
    cloudformation_client = deployed.aws.client("cloudformation")
    cloudformation_client.create_stack(StackName=APPLICATION, TemplateBody=json.dumps({"Resources": {"Wait": WAIT}}))
    files, kept = deployed.files(), remains(deployed)

    for run in (deployed.destroy, lambda: deployed.destroy(with_data=True), deployed.every_command()["deploy"]):
        with pytest.raises(ShippingError, match=f"{APPLICATION} is CREATE_IN_PROGRESS: .* Nothing was changed"):
            run()
    assert (deployed.files(), remains(deployed), status(deployed)) == (files, kept, "CREATE_COMPLETE")

    signal(deployed, APPLICATION)
    deployed.destroy()
    assert (status(deployed, APPLICATION), status(deployed), remains(deployed)) == ("", "", kept)


def test_a_deployment_stops_if_the_stage_is_destroyed_beside_it(operator: Operator) -> None:
    def destroy_meanwhile() -> bool:
        operator.destroy()
        return True

    with pytest.raises(ShippingError, match="changed by another command since these changes were planned"):
        operator.make_resources(agree=destroy_meanwhile)
    assert (status(operator), remains(operator)) == ("", [])

    operator.make_resources()
    assert status(operator) == "CREATE_COMPLETE"


def test_a_refused_plan_of_a_destroyed_stage_ends_in_a_sentence(operator: Operator) -> None:
    def destroy_and_refuse() -> bool:
        operator.destroy()
        return False

    with pytest.raises(ShippingError, match=r"Nothing was changed\."):
        operator.make_resources(agree=destroy_and_refuse)
    assert location.find("dev", operator.config_file) is None


# The screen before anything


def test_a_screen_names_the_place_and_what_will_be_made(
    operator: Operator, account: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ShippingError, match=r"Nothing was changed\."):
        operator.make_resources(agree=lambda: False, stage="prod")

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"account {account} (profile work), region {FRANKFURT}, stage prod"
    assert re.search("new: 2 tables, 2 buckets, .* 1 user pool", lines[1])
    assert [line.split()[1] for line in lines if line.startswith("  !")] == ["AlarmEmail", "EmailFrom"]
    assert len(lines) <= 24
    assert operator.files().keys() == {"config.json"}
