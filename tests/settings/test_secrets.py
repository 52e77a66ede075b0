"""Secrets of deployed stages: encrypted for one variable of one stage, decrypted on first use, never shown."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from chalicelib.errors import UnavailableError
from chalicelib.providers.kms import Kms
from chalicelib.settings import load
from chalicelib.wiring import aws, common, providers, use_cases
from scripts import secret as command
from scripts.local.aws import LocalAws
from scripts.shipping.project import ShippingError
from scripts.shipping.sealing import SECRET_NAMES, Sealer
from tests.settings.test_settings import DEPLOYED, LOCAL, NOWHERE

PLAIN = {
    "COGNITO_CLIENT_SECRET": "canary-client-secret",
    "ASSEMBLYAI_API_KEY": "canary-assemblyai-key",
    "OPENAI_API_KEY": "sk-canary-openai",
    "IDENTITY_HMAC_KEY": "canary-identity-key-of-thirty-two-characters",
    "STRIPE_API_KEY": "sk_test_canary",
    "STRIPE_WEBHOOK_SECRET": "whsec_canary",
}
PLAIN |= {name: f"canary-of-{name.lower()}" for name in SECRET_NAMES if name not in PLAIN}


@pytest.fixture(scope="module")
def kms(ministack: LocalAws) -> Any:
    """An emulated KMS with the keys of two stages."""
    client = ministack.client("kms")
    for stage in ("dev", "prod"):
        key = client.create_key()["KeyMetadata"]["KeyId"]
        client.create_alias(AliasName=f"alias/live-transcription-{stage}", TargetKeyId=key)
    return client


@pytest.fixture(scope="module")
def ciphertexts(kms: Any) -> dict[str, str]:
    sealer = Sealer(kms, "prod")
    return {name: sealer.encrypt(name, plain) for name, plain in PLAIN.items()}


class ColdProcess:
    """The wiring of a cold process of a deployed stage; `decrypted` are the variables that its KMS decrypted."""

    def __init__(self, settings: dict[str, str], kms: Any):
        self.settings, self.kms, self.decrypted, self.failure = load.read(settings, NOWHERE), kms, [], None

    def client(self, service: str, _: Any = None) -> Any:
        return self if service == "kms" else type("Client", (), {})()

    def decrypt(self, **parameters: Any) -> Any:
        self.decrypted.append(parameters["EncryptionContext"]["variable"])
        if self.failure:
            raise self.failure
        return self.kms.decrypt(**parameters)


@pytest.fixture
def process(ciphertexts: dict[str, str], kms: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ColdProcess]:
    cold = ColdProcess(DEPLOYED | ciphertexts, kms)
    monkeypatch.setattr(aws, "load", lambda: cold.settings)
    monkeypatch.setattr(aws, "client", cold.client)
    clear_caches()
    yield cold
    clear_caches()


def builders() -> Iterator[tuple[ModuleType, str, Any]]:
    """Every function of the wiring that builds something once per process."""
    for module in (aws, common, providers, use_cases):
        for name, function in vars(module).items():
            if hasattr(function, "cache_clear") and function.__module__ == module.__name__:
                yield module, name, function


def clear_caches() -> None:
    for _, _, function in builders():
        function.cache_clear()


def test_a_process_of_the_stage_decrypts_every_secret(process: ColdProcess) -> None:
    assert {name: aws.secret(name.lower()) for name in SECRET_NAMES} == PLAIN


def test_a_secret_is_decrypted_once_per_process(process: ColdProcess) -> None:
    aws.secret("openai_api_key")
    aws.secret("openai_api_key")

    assert process.decrypted == ["OPENAI_API_KEY"]


BUILDERS = [(module, name) for module, name, function in builders() if not signature(function).parameters]


@pytest.mark.parametrize(("module", "name"), BUILDERS, ids=lambda part: getattr(part, "__name__", part))
def test_everything_that_is_built_late_can_be_built(process: ColdProcess, module: ModuleType, name: str) -> None:
    """Each builder imports what it needs when it is called, so only calling it finds a missing name."""
    built = getattr(module, name)()

    assert built is getattr(module, name)()


WITHOUT_SECRETS = ["statements", "purchases", "history", "streaming", "questions", "usage_report", "cost_report"]


@pytest.mark.parametrize("name", [*WITHOUT_SECRETS, "fulfilment", "audits"])
def test_use_cases_that_work_without_secrets_decrypt_none_when_built(process: ColdProcess, name: str) -> None:
    getattr(use_cases, name)()

    assert process.decrypted == []


def test_cursors_decrypt_their_key_when_one_is_signed(process: ColdProcess) -> None:
    assert common.cursors().encode("ENTRY#", None) is None or process.decrypted == ["IDENTITY_HMAC_KEY"]
    assert common.cursors().encode("ENTRY#", "ENTRY#1")
    assert process.decrypted == ["IDENTITY_HMAC_KEY"]


@pytest.mark.parametrize("name", ["accounts", "relay", "catchups", "catchup_worker"])
def test_use_cases_that_hold_or_spend_are_not_built_without_their_secrets(process: ColdProcess, name: str) -> None:
    process.failure = ConnectTimeoutError(endpoint_url="https://kms.example")

    with pytest.raises(UnavailableError):
        getattr(use_cases, name)()
    process.failure = None

    assert getattr(use_cases, name)()  # The failure is not cached.


def test_a_live_provider_decrypts_its_key_before_the_lease_is_held(process: ColdProcess) -> None:
    """`start` asks which provider supports the language first, and holds credits only then."""
    process.failure = ConnectTimeoutError(endpoint_url="https://kms.example")

    with pytest.raises(UnavailableError):
        use_cases.leases().live_providers.by_name["assemblyai"].supports_language("en")
    process.failure = None

    assert use_cases.leases().live_providers.by_name["assemblyai"].supports_language("en")


def test_two_webhook_secrets_are_valid_during_a_rotation(
    process: ColdProcess, kms: Any, ciphertexts: dict[str, str]
) -> None:
    both = Sealer(kms, "prod").encrypt("STRIPE_WEBHOOK_SECRET", "whsec_new,whsec_old")
    process.settings = load.read(DEPLOYED | ciphertexts | {"STRIPE_WEBHOOK_SECRET": both}, NOWHERE)

    assert use_cases.fulfilment().gateway.webhook_secrets == ("whsec_new", "whsec_old")  # type: ignore[attr-defined]


def test_on_one_machine_a_secret_may_be_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "load", lambda: load.read(LOCAL, NOWHERE))
    clear_caches()

    assert aws.secret("assemblyai_api_key") == LOCAL["ASSEMBLYAI_API_KEY"]
    assert aws.secret("openai_api_key") == ""
    clear_caches()


@pytest.mark.parametrize(
    ("stage", "name", "damage", "reason"),
    [
        ("dev", "OPENAI_API_KEY", lambda stored: stored, "InvalidCiphertextException"),  # of another stage
        ("prod", "STRIPE_API_KEY", lambda stored: stored, "InvalidCiphertextException"),  # of another variable
        ("prod", "OPENAI_API_KEY", lambda _: "kms:", "InvalidCiphertext"),  # empty
        ("prod", "OPENAI_API_KEY", lambda _: "kms:canary%%%", "Error"),  # no base64
        ("prod", "OPENAI_API_KEY", lambda _: "kms:" + base64.b64encode(b"canary").decode(), "InvalidCiphertext"),
    ],
)
def test_an_invalid_ciphertext_is_unavailable_triggers_an_alarm_and_shows_nothing(
    kms: Any,
    ciphertexts: dict[str, str],
    stage: str,
    name: str,
    damage: Callable[[str], str],
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(UnavailableError) as raised:
        Kms(kms, "live-transcription", stage).decrypt(name, damage(ciphertexts["OPENAI_API_KEY"]))

    output = capsys.readouterr().out
    line = json.loads(output)
    assert (line["SecretsUnreadable"], line["setting"]) == (1, name)
    assert reason in line["reason"]
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert "canary" not in output + str(raised.value)
    assert ciphertexts["OPENAI_API_KEY"][4:40] not in output


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "KMSInvalidStateException", "DisabledException", "ThrottlingException"]
)
def test_a_key_that_cannot_be_used_is_unavailable(
    process: ColdProcess, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    process.failure = ClientError({"Error": {"Code": code, "Message": "canary"}}, "Decrypt")

    with pytest.raises(UnavailableError) as raised:
        aws.secret("openai_api_key")

    assert raised.value.details["retry_after_seconds"] == 30
    assert json.loads(capsys.readouterr().out)["reason"] == code


# The command scripts.secret


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"version": "2.0", "stages": {"prod": {"environment_variables": {}}}}))
    return path


@pytest.fixture
def run_command(
    kms: Any, ministack: LocalAws, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """Runs the command with a secret on its standard input."""

    def run(*arguments: str, plain: str = "") -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(plain + "\n"))
        return command.main([arguments[0], "--stage", "prod", *arguments[1:]], ministack, config_file)

    return run


def stored_secrets(config_file: Path) -> dict[str, str]:
    return dict(json.loads(config_file.read_text())["stages"]["prod"]["environment_variables"])


def test_the_command_encrypts_checks_and_rotates_secrets(
    run_command: Callable[..., int], config_file: Path, kms: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [run_command("encrypt", name, plain=plain) for name, plain in PLAIN.items()] == [0] * len(PLAIN)
    first = stored_secrets(config_file)
    assert run_command("check") == 0
    assert run_command("rotate") == 0
    second = stored_secrets(config_file)

    assert {name: Sealer(kms, "prod").decrypt(name, stored) for name, stored in second.items()} == PLAIN
    assert all(stored.startswith("kms:") and stored != first[name] for name, stored in second.items())
    assert load.read(DEPLOYED | second, NOWHERE)
    output = capsys.readouterr()
    assert not any(plain in output.out + output.err + config_file.read_text() for plain in PLAIN.values())


def test_rotating_a_stage_without_secrets_leaves_the_file_unchanged(
    run_command: Callable[..., int], config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = config_file.read_bytes()

    assert run_command("rotate") == 0
    assert config_file.read_bytes() == before
    assert "prod has no secret yet" in capsys.readouterr().out


def test_the_check_names_every_problem_and_no_value(
    run_command: Callable[..., int], config_file: Path, kms: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.loads(config_file.read_text())
    content["stages"]["prod"]["environment_variables"] = {
        "STRIPE_MODE": "live",
        "STRIPE_API_KEY": Sealer(kms, "prod").encrypt("STRIPE_API_KEY", "sk_test_canary"),
        "OPENAI_API_KEY": "sk-canary-plain",
        "ASSEMBLYAI_API_KEY": Sealer(kms, "dev").encrypt("ASSEMBLYAI_API_KEY", "canary-of-dev"),
    }
    config_file.write_text(json.dumps(content))

    assert run_command("check") == 1

    output = capsys.readouterr().err
    for problem in (
        "COGNITO_CLIENT_SECRET is missing",
        "IDENTITY_HMAC_KEY is missing",
        "STRIPE_API_KEY is not of the live mode",
        "OPENAI_API_KEY is not KMS ciphertext",
        "ASSEMBLYAI_API_KEY cannot be decrypted for the stage prod",
    ):
        assert problem in output
    assert "canary" not in output


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("STRIPE_API_KEY", "pk_test_canary"),  # the public one
        ("STRIPE_WEBHOOK_SECRET", "canary"),
        ("OPENAI_API_KEY", ""),
        ("ASSEMBLYAI_API_KEY", "canary key"),
        ("IDENTITY_HMAC_KEY", "canary"),
    ],
)
def test_an_invalid_secret_is_not_encrypted(
    run_command: Callable[..., int], config_file: Path, name: str, plain: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command("encrypt", name, plain=plain) == 1
    assert stored_secrets(config_file) == {}
    assert "canary" not in capsys.readouterr().err


def test_the_identity_key_is_not_replaced_by_accident(run_command: Callable[..., int], config_file: Path) -> None:
    assert run_command("encrypt", "IDENTITY_HMAC_KEY", plain="a" * 40) == 0
    before = stored_secrets(config_file)

    assert run_command("encrypt", "IDENTITY_HMAC_KEY", plain="b" * 40) == 1
    assert stored_secrets(config_file) == before
    assert run_command("encrypt", "IDENTITY_HMAC_KEY", "--replace", plain="b" * 40) == 0
    assert stored_secrets(config_file) != before


def test_a_second_webhook_secret_is_added_to_the_first(
    run_command: Callable[..., int], config_file: Path, kms: Any
) -> None:
    assert run_command("encrypt", "STRIPE_WEBHOOK_SECRET", plain="whsec_old") == 0
    assert run_command("encrypt", "STRIPE_WEBHOOK_SECRET", "--beside", plain="whsec_new") == 0

    plain = Sealer(kms, "prod").decrypt("STRIPE_WEBHOOK_SECRET", stored_secrets(config_file)["STRIPE_WEBHOOK_SECRET"])
    assert plain == "whsec_new,whsec_old"


def test_a_missing_key_is_reported_with_the_command_to_run(kms: Any) -> None:
    with pytest.raises(ShippingError, match="make resources STAGE=staging"):
        Sealer(kms, "staging").encrypt("OPENAI_API_KEY", "sk-canary")
