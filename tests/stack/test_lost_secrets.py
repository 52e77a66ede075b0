"""Secrets and keys that are missing: taken back where they still are, or refused in a sentence; never made again."""

import io
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from chalice.package import YAMLTemplateSerializer

from scripts.shipping import location, project, shipment
from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import ShippingError
from scripts.shipping.sealing import Sealer
from tests.stack.deployed_stage import change_settings, remove_setting
from tests.stack.operators import (
    APPLICATION,
    FRANKFURT,
    RESOURCES,
    NewOperator,
    Operator,
    decrypt,
    remains,
    start_function,
)

RETAINED = ("Ledger", "UserPool", "Packages", "SecretsKey", "SecretsKeyAlias")


# Secrets that are missing


def test_secrets_that_were_not_committed_are_taken_from_the_running_function(
    owner: Operator, account: str, new_operator: NewOperator, capsys: pytest.CaptureFixture[str]
) -> None:
    sealer = Sealer(owner.aws.client("kms"), "dev")
    sealed = {name: owner.settings[name] for name in ("IDENTITY_HMAC_KEY", "COGNITO_CLIENT_SECRET")}
    sealed["OPENAI_API_KEY"] = sealer.encrypt("OPENAI_API_KEY", "sk-of-the-function")
    start_function(owner, **sealed)
    other = new_operator()
    other.sign_in(account, FRANKFURT)

    other.make_resources()

    assert {name: other.settings[name] for name in sealed} == sealed
    assert "OPENAI_API_KEY was taken from the running function" in capsys.readouterr().out
    assert location.find("dev", other.config_file) == location.find("dev", owner.config_file)


def test_a_secret_that_was_removed_on_purpose_stays_removed(owner: Operator) -> None:
    sealer = Sealer(owner.aws.client("kms"), "dev")
    start_function(owner, OPENAI_API_KEY=sealer.encrypt("OPENAI_API_KEY", "sk-of-the-function"))
    change_settings(owner.config_file, OPENAI_API_KEY="")

    owner.make_resources()

    assert owner.settings["OPENAI_API_KEY"] == ""


def test_an_identity_key_is_never_made_again(owner: Operator) -> None:
    sealer = Sealer(owner.aws.client("kms"), "dev")
    of_another_variable = sealer.encrypt("OPENAI_API_KEY", "sk-" + "k" * 40)
    remove_setting(owner.config_file, "IDENTITY_HMAC_KEY")
    files = owner.files()

    for running in (None, {"STAGE": "dev"}, {"IDENTITY_HMAC_KEY": of_another_variable}):
        if running:
            start_function(owner, **running)
        for command in ("deploy", "resources"):
            with pytest.raises(ShippingError, match=r"grant every user the free credits again, so none was made\."):
                owner.every_command()[command]()
        assert owner.run_secret("encrypt", "IDENTITY_HMAC_KEY") == 1
        assert owner.files() == files


def test_an_identity_key_other_than_the_running_one_is_refused(owner: Operator) -> None:
    """Each of two clones has one."""
    sealer = Sealer(owner.aws.client("kms"), "dev")
    start_function(owner, IDENTITY_HMAC_KEY=sealer.encrypt("IDENTITY_HMAC_KEY", "k" * 40))
    files, settings = owner.files(), owner.settings

    with pytest.raises(ShippingError, match="is not the one that its functions run with"):
        owner.make_resources()
    assert owner.files() == files

    change_settings(owner.config_file, IDENTITY_HMAC_KEY=sealer.encrypt("IDENTITY_HMAC_KEY", "k" * 40))
    owner.make_resources()  # the same key in another ciphertext, as after `rotate`
    remove_setting(owner.config_file, "IDENTITY_HMAC_KEY")
    owner.make_resources()
    assert decrypt(owner, "IDENTITY_HMAC_KEY") == "k" * 40
    change_settings(owner.config_file, IDENTITY_HMAC_KEY=settings["IDENTITY_HMAC_KEY"])
    owner.make_resources(replaces_identity_key=True)
    assert owner.settings["IDENTITY_HMAC_KEY"] == settings["IDENTITY_HMAC_KEY"]


# The key


def test_a_lost_key_stops_a_deployment_before_anything_changes(owner: Operator) -> None:
    kms, alias = owner.aws.client("kms"), f"alias/{APPLICATION}"
    key, secret = kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"], decrypt(owner, "IDENTITY_HMAC_KEY")
    files = owner.files()
    harms = {
        "PendingDeletion": lambda: kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7),
        "Disabled": lambda: kms.disable_key(KeyId=key),
        "A lost key": lambda: kms.delete_alias(AliasName=alias),
    }

    for expected, harm in harms.items():
        harm()
        with pytest.raises(ShippingError, match=r"Nothing was changed\.") as caught:
            owner.make_resources()
        assert expected in str(caught.value)
        assert owner.files() == files
        for command, key_id in re.findall(r"aws kms ([a-z-]+) --key-id (\S+)", str(caught.value)):
            getattr(kms, command.replace("-", "_"))(KeyId=key_id)
        if expected == "A lost key":
            kms.create_alias(AliasName=alias, TargetKeyId=key)
        owner.make_resources()
    assert decrypt(owner, "IDENTITY_HMAC_KEY") == secret


def test_ciphertexts_are_kept_unless_their_key_is_scheduled_for_deletion(
    owner: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    kms, sealed = owner.aws.client("kms"), owner.settings
    key = kms.describe_key(KeyId=f"alias/{APPLICATION}")["KeyMetadata"]["KeyId"]
    kms.delete_alias(AliasName=f"alias/{APPLICATION}")

    owner.destroy(with_data=True)

    assert owner.settings == sealed
    assert "KEPT     COGNITO_CLIENT_SECRET, IDENTITY_HMAC_KEY in config.json" in capsys.readouterr().out
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert location.find("dev", owner.config_file)

    kms.create_alias(AliasName=f"alias/{APPLICATION}", TargetKeyId=key)
    owner.destroy(with_data=True)
    assert "IDENTITY_HMAC_KEY" not in owner.settings
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert location.find("dev", owner.config_file) is None


@pytest.mark.parametrize("written", [False, True], ids=["before the file", "after the file"])
def test_an_interrupted_deletion_of_data_is_continued(
    owner: Operator, written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = project.write

    def interrupt(config: dict[str, Any], path: Path) -> None:
        if written:
            write(config, path)
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(project, "write", interrupt)
        with pytest.raises(KeyboardInterrupt):
            owner.destroy(with_data=True)
    assert [name.partition(" ")[0] for name in remains(owner)] == ["key"]

    owner.destroy(with_data=True)

    assert remains(owner) == []
    assert not [value for value in owner.settings.values() if value.startswith("kms:")]
    assert location.find("dev", owner.config_file) is None


# The user pool's client


def test_what_was_kept_is_imported_and_the_secret_of_the_new_client_is_sealed_again(
    owner: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    """As docs/operations.md, After a destroy, says."""
    before, outputs = (
        owner.settings,
        Stack(owner.aws.client("cloudformation"), RESOURCES).outputs(),
    )
    owner.destroy()
    with pytest.raises(ShippingError, match="were kept"):
        owner.make_resources()

    import_kept(owner, outputs)
    capsys.readouterr()
    owner.make_resources()

    output, after = capsys.readouterr().out, owner.settings
    assert "COGNITO_CLIENT_SECRET is of another client than the user pool's" in output
    assert after["COGNITO_CLIENT_ID"] != before["COGNITO_CLIENT_ID"]
    assert after["COGNITO_USER_POOL_ID"] == before["COGNITO_USER_POOL_ID"]
    assert after["IDENTITY_HMAC_KEY"] == before["IDENTITY_HMAC_KEY"]
    client = owner.aws.client("cognito-idp").describe_user_pool_client(
        UserPoolId=after["COGNITO_USER_POOL_ID"], ClientId=after["COGNITO_CLIENT_ID"]
    )
    assert decrypt(owner, "COGNITO_CLIENT_SECRET") == client["UserPoolClient"]["ClientSecret"]
    owner.make_resources()
    assert "is of another client" not in capsys.readouterr().out


def test_a_stage_whose_key_was_deleted_gets_a_new_one(owner: Operator) -> None:
    """As docs/operations.md, A lost key, says."""
    kms, before = owner.aws.client("kms"), owner.settings
    outputs = Stack(owner.aws.client("cloudformation"), RESOURCES).outputs()
    kms.delete_alias(AliasName=f"alias/{APPLICATION}")  # as AWS does when it deletes the key
    for name in ("COGNITO_CLIENT_SECRET", "IDENTITY_HMAC_KEY"):
        remove_setting(owner.config_file, name)
    owner.destroy()
    import_kept(owner, outputs, {"Ledger", "UserPool", "Packages"})

    with pytest.raises(ShippingError, match="so none was made"):
        owner.make_resources()
    monkeypatch_stdin(owner, "k" * 40)
    assert owner.run_secret("encrypt", "IDENTITY_HMAC_KEY", "--replace") == 0
    owner.make_resources()

    assert decrypt(owner, "IDENTITY_HMAC_KEY") == "k" * 40
    assert owner.settings["COGNITO_USER_POOL_ID"] == before["COGNITO_USER_POOL_ID"]
    assert Stack(owner.aws.client("cloudformation"), RESOURCES).outputs()["SecretsKeyArn"] != outputs["SecretsKeyArn"]


def monkeypatch_stdin(operator: Operator, text: str) -> None:
    operator.monkeypatch.setattr("sys.stdin", io.StringIO(text + "\n"))


def import_kept(operator: Operator, outputs: dict[str, str], names: Collection[str] = RETAINED) -> None:
    template = YAMLTemplateSerializer().load_template(shipment.RESOURCES.read_text(), "resources.yaml")
    identifiers = {
        "Ledger": {"TableName": outputs["LedgerTable"]},
        "UserPool": {"UserPoolId": outputs["UserPoolId"]},
        "Packages": {"BucketName": outputs["PackageBucket"]},
        "SecretsKey": {"KeyId": outputs["SecretsKeyArn"].rpartition("/")[2]},
        "SecretsKeyAlias": {"AliasName": f"alias/{APPLICATION}"},
    }
    kept = {name: template["Resources"][name] for name in names}
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
                "ResourceIdentifier": identifiers[name],
            }
            for name in names
        ],
    )
    cloudformation_client.get_waiter("change_set_create_complete").wait(
        StackName=RESOURCES, ChangeSetName="import", WaiterConfig={"Delay": 1}
    )
    cloudformation_client.execute_change_set(StackName=RESOURCES, ChangeSetName="import")
    cloudformation_client.get_waiter("stack_import_complete").wait(StackName=RESOURCES, WaiterConfig={"Delay": 1})


def test_a_second_secret_of_the_same_client_is_left_alone(owner: Operator) -> None:
    """A person adds it to rotate the client's secret."""
    second = Sealer(owner.aws.client("kms"), "dev").encrypt("COGNITO_CLIENT_SECRET", "a-second-secret")
    change_settings(owner.config_file, COGNITO_CLIENT_SECRET=second)

    owner.make_resources()

    assert owner.settings["COGNITO_CLIENT_SECRET"] == second
