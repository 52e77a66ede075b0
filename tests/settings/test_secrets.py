"""Secrets outside of one machine: sealed for one variable of one stage, opened on first use, never shown; else 503."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from chalicelib.errors import UnavailableError
from chalicelib.lazy import lazy
from chalicelib.providers.kms import Kms
from chalicelib.settings import load
from chalicelib.wiring import use_cases
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


@pytest.fixture(scope="module")
def kms(ministack: LocalAws) -> Any:
    """A real key store, with the keys of two stages."""
    client = ministack.client("kms")
    for stage in ("dev", "prod"):
        key = client.create_key()["KeyMetadata"]["KeyId"]
        client.create_alias(AliasName=f"alias/live-transcription-{stage}", TargetKeyId=key)
    return client


@pytest.fixture(scope="module")
def sealed(kms: Any) -> dict[str, str]:
    sealer = Sealer(kms, "prod")
    return {name: sealer.sealed(name, plain) for name, plain in PLAIN.items()}


class Wired:
    """The wiring of a cold process of a deployed stage; `asked` is what its KMS was asked to decrypt."""

    def __init__(self, settings: dict[str, str], kms: Any):
        self.settings, self.kms, self.asked, self.failure = load.read(settings, NOWHERE), kms, [], None

    def client(self, service: str, _: Any = None) -> Any:
        return self if service == "kms" else type("Client", (), {})()

    def decrypt(self, **words: Any) -> Any:
        self.asked.append(words["EncryptionContext"]["variable"])
        if self.failure:
            raise self.failure
        return self.kms.decrypt(**words)


@pytest.fixture
def wired(sealed: dict[str, str], kms: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wired]:
    cold = Wired(DEPLOYED | sealed, kms)
    monkeypatch.setattr(use_cases, "settings", lambda: cold.settings)
    monkeypatch.setattr(use_cases, "_client", cold.client)
    forget()
    yield cold
    forget()


def forget() -> None:
    for made in vars(use_cases).values():
        if hasattr(made, "cache_clear") and made is not use_cases.load:
            made.cache_clear()


def test_every_secret_is_opened_by_the_process_that_may_and_is_what_it_was(wired: Wired) -> None:
    assert {name: use_cases.secret(name.lower()) for name in SECRET_NAMES} == PLAIN


def test_a_secret_is_asked_for_once_a_process(wired: Wired) -> None:
    use_cases.secret("openai_api_key")
    use_cases.secret("openai_api_key")

    assert wired.asked == ["OPENAI_API_KEY"]


BUILDERS = [
    name
    for name, made in vars(use_cases).items()
    if hasattr(made, "cache_clear") and made is not use_cases.load and not signature(made).parameters
]


@pytest.mark.parametrize("name", BUILDERS)
def test_everything_that_is_built_late_can_be_built(wired: Wired, name: str) -> None:
    """What it imports is imported there and then, and nothing else would notice a name that is missing."""
    made = getattr(use_cases, name)()

    assert made is getattr(use_cases, name)()


@pytest.mark.parametrize(
    "need_none", ["billing", "history", "streaming", "assistant", "analytics", "fulfilment", "audits"]
)
def test_what_works_without_secrets_asks_for_none_when_it_is_built(wired: Wired, need_none: str) -> None:
    getattr(use_cases, need_none)()

    assert wired.asked == []


def test_a_cursor_asks_when_there_is_something_to_sign(wired: Wired) -> None:
    assert use_cases.cursors().encode("ENTRY#", None) is None or wired.asked == ["IDENTITY_HMAC_KEY"]
    assert use_cases.cursors().encode("ENTRY#", "ENTRY#1")
    assert wired.asked == ["IDENTITY_HMAC_KEY"]


@pytest.mark.parametrize("holding", ["accounts", "relay", "catchups", "catchup_worker"])
def test_what_holds_or_spends_is_not_even_built_without_its_secrets(wired: Wired, holding: str) -> None:
    wired.failure = ConnectTimeoutError(endpoint_url="https://kms.example")

    with pytest.raises(UnavailableError):
        getattr(use_cases, holding)()
    wired.failure = None

    assert getattr(use_cases, holding)()  # The failure is not kept.


def test_a_live_provider_asks_before_its_lease_is_held(wired: Wired) -> None:
    """`start` asks for the language first, and only then holds."""
    wired.failure = ConnectTimeoutError(endpoint_url="https://kms.example")

    with pytest.raises(UnavailableError):
        use_cases.streaming().leases.supports_language("en")
    wired.failure = None

    assert use_cases.streaming().leases.supports_language("en")


def test_the_webhook_secrets_are_two_while_they_are_rotated(wired: Wired, kms: Any, sealed: dict[str, str]) -> None:
    both = Sealer(kms, "prod").sealed("STRIPE_WEBHOOK_SECRET", "whsec_new,whsec_old")
    wired.settings = load.read(DEPLOYED | sealed | {"STRIPE_WEBHOOK_SECRET": both}, NOWHERE)

    assert use_cases.fulfilment().gateway.webhook_secrets == ("whsec_new", "whsec_old")  # type: ignore[attr-defined]


def test_on_one_machine_a_secret_may_be_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use_cases, "settings", lambda: load.read(LOCAL, NOWHERE))
    forget()

    assert use_cases.secret("assemblyai_api_key") == LOCAL["ASSEMBLYAI_API_KEY"]
    assert use_cases.secret("openai_api_key") == ""
    forget()


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
def test_a_ciphertext_that_does_not_open_is_unavailable_rings_the_alarm_and_shows_nothing(
    kms: Any,
    sealed: dict[str, str],
    stage: str,
    name: str,
    damage: Callable[[str], str],
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(UnavailableError) as refused:
        Kms(kms, "live-transcription", stage).decrypt(name, damage(sealed["OPENAI_API_KEY"]))

    said = capsys.readouterr().out
    line = json.loads(said)
    assert (line["SecretsUnreadable"], line["setting"]) == (1, name)
    assert reason in line["reason"]
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
    assert "canary" not in said + str(refused.value)
    assert sealed["OPENAI_API_KEY"][4:40] not in said


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "KMSInvalidStateException", "DisabledException", "ThrottlingException"]
)
def test_a_key_that_may_not_be_used_is_unavailable(wired: Wired, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    wired.failure = ClientError({"Error": {"Code": code, "Message": "canary"}}, "Decrypt")

    with pytest.raises(UnavailableError) as refused:
        use_cases.secret("openai_api_key")

    assert refused.value.details["retry_after_seconds"] == 30
    assert json.loads(capsys.readouterr().out)["reason"] == code


def test_deferred_makes_once_and_tries_again_after_a_failure() -> None:
    made: list[int] = []

    def make() -> str:
        made.append(1)
        if len(made) == 1:
            raise UnavailableError("not yet")
        return "word"

    late = lazy(make)
    assert made == []
    with pytest.raises(UnavailableError):
        late.upper()
    assert (late.upper(), late.upper(), len(made)) == ("WORD", "WORD", 2)


# The command


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    written = tmp_path / "config.json"
    written.write_text(json.dumps({"version": "2.0", "stages": {"prod": {"environment_variables": {}}}}))
    return written


@pytest.fixture
def told(kms: Any, config_file: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command with a secret on its standard input."""

    def run(*words: str, plain: str = "") -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(plain + "\n"))
        return command.main([words[0], "--stage", "prod", *words[1:]], kms, config_file)

    return run


def kept(config_file: Path) -> dict[str, str]:
    return dict(json.loads(config_file.read_text())["stages"]["prod"]["environment_variables"])


def test_the_command_seals_checks_and_reseals(
    told: Callable[..., int], config_file: Path, kms: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [told("encrypt", name, plain=plain) for name, plain in PLAIN.items()] == [0] * len(PLAIN)
    first = kept(config_file)
    assert told("check") == 0
    assert told("rotate") == 0
    second = kept(config_file)

    assert {name: Sealer(kms, "prod").opened(name, stored) for name, stored in second.items()} == PLAIN
    assert all(stored.startswith("kms:") and stored != first[name] for name, stored in second.items())
    assert load.read(DEPLOYED | second, NOWHERE)
    said = capsys.readouterr()
    assert not any(plain in said.out + said.err + config_file.read_text() for plain in PLAIN.values())


def test_a_stage_without_secrets_is_left_as_it_is_written(
    told: Callable[..., int], config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = config_file.read_bytes()

    assert told("rotate") == 0
    assert config_file.read_bytes() == before
    assert "there is no secret of prod yet" in capsys.readouterr().out


def test_the_check_names_all_that_is_wrong_and_no_value(
    told: Callable[..., int], config_file: Path, kms: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.loads(config_file.read_text())
    content["stages"]["prod"]["environment_variables"] = {
        "STRIPE_MODE": "live",
        "STRIPE_API_KEY": Sealer(kms, "prod").sealed("STRIPE_API_KEY", "sk_test_canary"),
        "OPENAI_API_KEY": "sk-canary-plain",
        "ASSEMBLYAI_API_KEY": Sealer(kms, "dev").sealed("ASSEMBLYAI_API_KEY", "canary-of-dev"),
    }
    config_file.write_text(json.dumps(content))

    assert told("check") == 1

    said = capsys.readouterr().err
    for word in (
        "COGNITO_CLIENT_SECRET is missing",
        "IDENTITY_HMAC_KEY is missing",
        "STRIPE_API_KEY is not of the live mode",
        "OPENAI_API_KEY is not KMS ciphertext",
        "ASSEMBLYAI_API_KEY cannot be decrypted for the stage prod",
    ):
        assert word in said
    assert "canary" not in said


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
def test_what_cannot_be_the_secret_is_not_sealed(
    told: Callable[..., int], config_file: Path, name: str, plain: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told("encrypt", name, plain=plain) == 1
    assert kept(config_file) == {}
    assert "canary" not in capsys.readouterr().err


def test_the_key_of_the_guards_is_not_replaced_by_accident(told: Callable[..., int], config_file: Path) -> None:
    assert told("encrypt", "IDENTITY_HMAC_KEY", plain="a" * 40) == 0
    before = kept(config_file)

    assert told("encrypt", "IDENTITY_HMAC_KEY", plain="b" * 40) == 1
    assert kept(config_file) == before
    assert told("encrypt", "IDENTITY_HMAC_KEY", "--replace", plain="b" * 40) == 0
    assert kept(config_file) != before


def test_a_second_webhook_secret_stands_beside_the_first(told: Callable[..., int], config_file: Path, kms: Any) -> None:
    assert told("encrypt", "STRIPE_WEBHOOK_SECRET", plain="whsec_old") == 0
    assert told("encrypt", "STRIPE_WEBHOOK_SECRET", "--beside", plain="whsec_new") == 0

    opened = Sealer(kms, "prod").opened("STRIPE_WEBHOOK_SECRET", kept(config_file)["STRIPE_WEBHOOK_SECRET"])
    assert opened == "whsec_new,whsec_old"


def test_a_stage_without_a_key_says_what_to_do(kms: Any) -> None:
    with pytest.raises(ShippingError, match="make resources STAGE=staging"):
        Sealer(kms, "staging").sealed("OPENAI_API_KEY", "sk-canary")
