"""Settings are read and validated together, every problem is reported at once, and secrets never show."""

import json
from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from chalicelib.models.rate_limits import GROUPS, Limit
from chalicelib.settings import load
from chalicelib.settings.declaration import Address, Secret, Setting, declared_fields
from chalicelib.settings.provider_registry import LIVE
from chalicelib.settings.schema import FIELDS, SECRETS
from scripts import settings_page
from scripts.local.processes import closed_port, listen
from scripts.local.stack import LIMIT_SETTINGS

NOWHERE = Path("/nonexistent/settings.json")
LIVE_NAMES = ", ".join(sorted(row.name for row in LIVE))
LOCAL = {
    "STAGE": "local",
    "AWS_DEFAULT_REGION": "us-east-1",
    "LEDGER_TABLE": "ledger",
    "APP_TABLE": "app",
    "UPLOAD_BUCKET": "uploads",
    "JOBS_QUEUE_URL": "https://sqs.example/jobs",
    "COGNITO_USER_POOL_ID": "us-east-1_pool",
    "COGNITO_CLIENT_ID": "client",
    "COGNITO_CLIENT_SECRET": "client-secret",
    "IDENTITY_HMAC_KEY": "identity-key",
    "EXTENSION_ORIGIN": "chrome-extension://a",
    "ASSEMBLYAI_API_KEY": "assemblyai-key",
}
SECRET_NAMES = [name.upper() for name in SECRETS]
RETURN_PAGES = {
    "CHECKOUT_SUCCESS_URL": "https://extension.example/paid",
    "CHECKOUT_CANCEL_URL": "https://extension.example/cancelled",
}
DEPLOYED = LOCAL | RETURN_PAGES | {name: f"kms:{name}" for name in SECRET_NAMES} | {"STAGE": "prod"}


def problems_of(environment: dict[str, str]) -> str:
    with pytest.raises(load.SettingsError) as raised:
        load.read(environment, NOWHERE)
    return str(raised.value)


def test_every_missing_setting_is_named_at_once() -> None:
    message = problems_of({})

    assert all(f"{name} is missing" in message for name in LOCAL)


def test_an_empty_setting_counts_as_missing() -> None:
    assert "ASSEMBLYAI_API_KEY is missing" in problems_of(LOCAL | {"ASSEMBLYAI_API_KEY": ""})


def test_defaults_fill_the_rest() -> None:
    settings = load.read(LOCAL, NOWHERE)

    assert (settings.free_credits, settings.lease_seconds, settings.email_verification) == (200, 300, "on")
    assert settings.jwks_url == f"{settings.issuer}/.well-known/jwks.json"
    assert settings.issuer == "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"FREE_CREDITS": "many"}, "FREE_CREDITS must be a whole number of at least 0"),
        ({"FREE_CREDITS": "-1"}, "FREE_CREDITS must be a whole number of at least 0"),
        ({"LEASE_SECONDS": "59"}, "LEASE_SECONDS must be a whole number between 60 and 10,800"),
        ({"LEASE_SECONDS": "10801"}, "LEASE_SECONDS"),
        ({"EMAIL_VERIFICATION": "maybe"}, "EMAIL_VERIFICATION must be on or off"),
        ({"ASSEMBLYAI_TIMEOUT_SECONDS": "15"}, "29 s"),
        ({"ASSEMBLYAI_TIMEOUT_SECONDS": "nan"}, "ASSEMBLYAI_TIMEOUT_SECONDS"),
        ({"OPENAI_TIMEOUT_SECONDS": "-5"}, "OPENAI_TIMEOUT_SECONDS must be a number above 0 and at most 24"),
        (
            {"LIVE_PROVIDERS": "unknown"},
            f"LIVE_PROVIDERS must name one or more of {LIVE_NAMES}",
        ),
        ({"LIVE_PROVIDERS": "openai"}, "OPENAI_API_KEY"),
        (
            {"BUYERS_ONLY_PROVIDERS": "openai,unknown"},
            f"BUYERS_ONLY_PROVIDERS must be `none` or name some of {LIVE_NAMES}",
        ),
        ({"FREE_ALLOWANCE_SECONDS": "20000"}, "FREE_ALLOWANCE_SECONDS"),
        ({"PRICE_VERSION": "1999-01"}, "1999-01"),
        ({"PRICE_VERSION": "../../etc/passwd"}, "price"),
        ({"EXTENSION_ORIGIN": "*"}, "EXTENSION_ORIGIN"),
        ({"EXTENSION_ORIGIN": "null"}, "EXTENSION_ORIGIN"),
        ({"EXTENSION_ORIGIN": "chrome-extension://a/"}, "EXTENSION_ORIGIN"),
        ({"EXTENSION_ORIGIN": "an-id-alone"}, "EXTENSION_ORIGIN"),
        ({"EXTENSION_ORIGIN": "chrome-extension://a, chrome-extension://B"}, "not chrome-extension://B"),
        ({"EXTENSION_ORIGIN": 'https://a"$x'}, "EXTENSION_ORIGIN"),
        ({"EXTENSION_ORIGIN": " , "}, "EXTENSION_ORIGIN must name an origin"),
        ({"OWN_ORIGINS": "https://a.example/page"}, "OWN_ORIGINS"),
        ({"OWN_ORIGINS": "https://a.example,https://b.example/page"}, "OWN_ORIGINS"),
        ({"OWN_ORIGINS": "https://a.example,*"}, "OWN_ORIGINS"),
        ({"OPENAI_TRANSCRIPTION_MODEL": "free-model"}, "free-model"),
        ({"ASSEMBLYAI_SYNC_MODEL": "free-model"}, "free-model"),
        (
            {"ASSEMBLYAI_MODELS": "universal-2,free-model"},
            "ASSEMBLYAI_MODELS: assemblyai/free-model has no price for catchup",
        ),
        ({"ASSEMBLYAI_MODELS": " , "}, "ASSEMBLYAI_MODELS must name a model"),
        ({"RATE_LIMIT_SPEND": "0/minute"}, "RATE_LIMIT_SPEND takes 1 to"),
        ({"RATE_LIMIT_READS": "off"}, "RATE_LIMIT_READS takes 1 to"),
        ({"RATE_LIMIT_AUDIO": "100"}, "RATE_LIMIT_AUDIO takes 1 to"),
        ({"RATE_LIMIT_READ": "10/minute"}, "RATE_LIMIT_READ is not a rate limit"),
        ({"RATE_LIMIT_OPEN": ""}, "RATE_LIMIT_OPEN is not a rate limit"),
        ({"ASSEMBLYAI_JOB_TIMEOUT_SECONDS": "0"}, "ASSEMBLYAI_JOB_TIMEOUT_SECONDS"),
        ({"ASSEMBLYAI_JOB_TIMEOUT_SECONDS": "40.5"}, "ASSEMBLYAI_JOB_TIMEOUT_SECONDS"),
        ({"ASSEMBLYAI_JOB_TIMEOUT_SECONDS": "nan"}, "ASSEMBLYAI_JOB_TIMEOUT_SECONDS"),
        ({"OPENAI_SUMMARY_TIMEOUT_SECONDS": "-1"}, "OPENAI_SUMMARY_TIMEOUT_SECONDS"),
        ({"OPENAI_SUMMARY_TIMEOUT_SECONDS": "40.5"}, "OPENAI_SUMMARY_TIMEOUT_SECONDS"),
        ({"OPENAI_SUMMARY_TIMEOUT_SECONDS": "inf"}, "OPENAI_SUMMARY_TIMEOUT_SECONDS"),
        ({"OPENAI_ANSWER_TIMEOUT_SECONDS": "24.5"}, "OPENAI_ANSWER_TIMEOUT_SECONDS"),
        ({"OPENAI_ANSWER_TIMEOUT_SECONDS": "soon"}, "OPENAI_ANSWER_TIMEOUT_SECONDS must be a number above 0"),
        ({"OPENAI_TEXT_API": "completions"}, "OPENAI_TEXT_API must be chat or responses"),
        ({"OPENAI_TEXT_MODEL": "free-model"}, "OPENAI_TEXT_MODEL: openai/free-model has no price for ask"),
    ],
)
def test_an_invalid_setting_is_rejected_and_named(change: dict[str, str], problem: str) -> None:
    assert problem in problems_of(LOCAL | change)


def test_several_problems_are_reported_together() -> None:
    message = problems_of(LOCAL | {"FREE_CREDITS": "-1", "LEASE_SECONDS": "1", "EXTENSION_ORIGIN": "*"})

    assert all(name in message for name in ("FREE_CREDITS", "LEASE_SECONDS", "EXTENSION_ORIGIN"))


def test_missing_malformed_and_contradictory_settings_are_reported_together() -> None:
    message = problems_of(
        {name: value for name, value in DEPLOYED.items() if name not in ("APP_TABLE", "IDENTITY_HMAC_KEY")}
        | {"FREE_CREDITS": "many", "LEASE_SECONDS": "soon", "STRIPE_MODE": "live", "STRIPE_API_KEY": "sk_test_plain"}
        | {"RATE_LIMIT_READS": "off", "RATE_LIMIT_SPEND": "0/minute", "RATE_LIMIT_LOGIN": "1000000/minute"}
        | {"OPENAI_BASE_URL": "http://provider.example"}
    )

    assert message.count("; ") == 9
    for problem in (
        "APP_TABLE is missing",
        "IDENTITY_HMAC_KEY is missing",
        "FREE_CREDITS must be a whole number of at least 0",
        "LEASE_SECONDS must be a whole number",
        "STRIPE_API_KEY is plain text",
        "STRIPE_API_KEY is of the test mode",
        "RATE_LIMIT_READS takes 1 to",
        "RATE_LIMIT_SPEND takes 1 to",
        "RATE_LIMIT_LOGIN limits nobody",
        "OPENAI_BASE_URL must be https",
    ):
        assert problem in message
    assert "sk_test_plain" not in message


def test_a_missing_setting_causes_no_further_problem() -> None:
    found = problems_of({}).removeprefix("settings: ").split("; ")

    assert sorted(found) == sorted(f"{name} is missing" for name in LOCAL)


def test_the_documented_tables_are_made_from_the_declarations() -> None:
    """`python -m scripts.settings_page` writes them."""
    text = settings_page.PAGE.read_text(encoding="utf-8")

    assert settings_page.page(text) == text
    # The user pool's ARN is read before the other settings.
    assert sorted(settings_page.ROW.findall(text.partition("\n## ")[0])) == sorted(
        [*load.NAMES, "COGNITO_USER_POOL_ARN"]
    )


def test_a_changed_declaration_changes_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    class NewSettings(msgspec.Struct, kw_only=True):
        first_address: Annotated[str, Address(meaning="an address", if_empty="our own")] = ""
        lease_seconds: Annotated[int, Setting(meaning="the lease", at_least=1, at_most=2_000)] = 1_500
        new_api_key: Annotated[str, Secret(meaning="another key")]

    monkeypatch.setattr(settings_page, "FIELDS", declared_fields(NewSettings))
    text = settings_page.page("| `REMOVED` | 1 | old |\n| `LEASE_SECONDS` | 1 | old |\n| other | row | here |\n")

    assert text.splitlines() == [
        "| `LEASE_SECONDS` | 1,500 | the lease, between 1 and 2,000 |",
        "| `FIRST_ADDRESS` | our own | an address |",
        "| `NEW_API_KEY` | needed, secret | another key |",
        "| other | row | here |",
    ]


def test_a_setting_without_a_declaration_is_an_error() -> None:
    class Undeclared(msgspec.Struct):
        name: str

    with pytest.raises(TypeError, match="The setting name needs one declaration"):
        declared_fields(Undeclared)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_default_keeps_its_declared_bounds(field) -> None:
    assert field.is_required or field.setting.allows(field.default)


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize("stage", ["dev", "prod", "Local", "local2"])
def test_a_plain_secret_is_rejected_outside_the_local_stage(name: str, stage: str) -> None:
    message = problems_of(DEPLOYED | {"STAGE": stage, name: "plain-text-secret"})

    assert f"{name} is plain text" in message
    assert "plain-text-secret" not in message


def test_a_text_model_needs_a_price_in_every_service_that_uses_it() -> None:
    message = problems_of(LOCAL | {"OPENAI_TEXT_MODEL": "free-model"})

    for service in ("catchup", "catchup_session", "ask"):
        assert f"openai/free-model has no price for {service} in" in message


def test_the_models_of_catch_ups_and_questions_have_defaults_and_can_be_set() -> None:
    defaults = load.read(LOCAL, NOWHERE)
    other = load.read(LOCAL | {"ASSEMBLYAI_MODELS": " universal-2 ,", "OPENAI_TEXT_API": "chat"}, NOWHERE)

    assert (defaults.openai_text_model, defaults.openai_text_api, defaults.openai_text_effort) == (
        "gpt-6-luna", "responses", "none")  # fmt: skip
    assert (defaults.assemblyai_job_timeout_seconds, defaults.openai_answer_timeout_seconds) == (30, 20)
    assert (defaults.openai_summary_timeout_seconds, defaults.public_url) == (40, "")
    assert defaults.assemblyai_model_names == ["universal-3-5-pro", "universal-2"]
    assert (other.assemblyai_model_names, other.openai_text_api) == (["universal-2"], "chat")


@pytest.mark.parametrize("name", [field.variable for field in FIELDS if isinstance(field.setting, Address)])
def test_an_address_without_tls_is_rejected_outside_the_local_stage(name: str) -> None:
    assert f"{name} must be https" in problems_of(DEPLOYED | {name: "http://provider.example"})
    assert load.read(LOCAL | {name: "http://127.0.0.1:1"}, NOWHERE)


def test_a_deployed_stage_starts_with_encrypted_secrets() -> None:
    settings = load.read(DEPLOYED, NOWHERE)

    assert (settings.stage, settings.openai_api_key) == ("prod", "kms:OPENAI_API_KEY")


def test_http_origins_are_rejected_outside_the_local_stage() -> None:
    assert "must not be http" in problems_of(DEPLOYED | {"OWN_ORIGINS": "http://a.example"})


@pytest.mark.parametrize(("command", "is_local"), [("local", True), ("package", False), ("deploy", False)])
def test_only_chalice_local_reads_what_make_run_wrote(
    command: str, is_local: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = tmp_path / "settings.json"
    written.write_text(json.dumps(LOCAL))
    monkeypatch.setattr("sys.argv", ["chalice", command, "--stage", "dev"])
    environment = {"STAGE": "dev", "AWS_CHALICE_CLI_MODE": "true"}

    if is_local:
        assert load.read(environment, written).stage == "local"
    else:
        with pytest.raises(load.SettingsError, match="LEDGER_TABLE is missing"):
            load.read(environment, written)


@pytest.mark.parametrize(
    ("command", "is_written", "is_running", "is_warned"),
    [
        ("local", False, False, True),
        ("local", True, False, True),
        ("local", True, True, False),
        ("deploy", True, False, False),
    ],
)
def test_chalice_local_without_a_stack_says_how_to_start_it(
    command: str,
    is_written: bool,
    is_running: bool,
    is_warned: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    recwarn: pytest.WarningsRecorder,
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "LEDGER_TABLE"):
        monkeypatch.setenv(name, "")  # What `chalice local` puts into the environment is taken back.
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CHALICE_CLI_MODE", "true")
    monkeypatch.setattr("sys.argv", ["chalice", command])
    with closed_port() as port, listen() as listener:
        running_port = listener.getsockname()[1]
        written = tmp_path / "settings.json"
        if is_written:
            endpoint_url = f"http://127.0.0.1:{running_port if is_running else port}"
            written.write_text(json.dumps(LOCAL | {"AWS_ENDPOINT_URL": endpoint_url}))

        load.warn_without_local_stack(written)

    assert ["Run `make run`" in str(warning.message) for warning in recwarn] == [True] * is_warned


def test_settings_never_show_their_values() -> None:
    settings = load.read(LOCAL, NOWHERE)

    for text in (repr(settings), str(settings), f"{settings}", f"{settings!r}"):
        assert not any(LOCAL.get(name, "-") in text for name in SECRET_NAMES)


def test_allowed_origins_are_the_extension_and_own_origins() -> None:
    settings = load.read(LOCAL | {"OWN_ORIGINS": "https://a.example,,https://b.example"}, NOWHERE)

    assert settings.allowed_origins == ("chrome-extension://a", "https://a.example", "https://b.example")


def test_both_settings_may_have_several_origins_and_name_one_twice() -> None:
    several = {
        "EXTENSION_ORIGIN": "chrome-extension://store, extension://edge",
        "OWN_ORIGINS": "chrome-extension://store",
    }

    assert load.read(LOCAL | several, NOWHERE).allowed_origins == ("chrome-extension://store", "extension://edge")


@pytest.mark.parametrize("command", ["deploy", "package"])
def test_plain_chalice_deploy_names_the_origins_that_it_cannot_allow(
    command: str, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setenv("AWS_CHALICE_CLI_MODE", "true")
    monkeypatch.setattr("sys.argv", ["chalice", command, "--stage", "dev"])
    monkeypatch.setenv("STAGE", "dev")
    monkeypatch.delenv("OWN_ORIGINS", raising=False)
    for origins in ("chrome-extension://store", "chrome-extension://store,extension://edge,https://owner.example"):
        monkeypatch.setenv("EXTENSION_ORIGIN", origins)
        assert load.allowed_origins() == tuple(origins.split(","))

    printed = [str(warning.message) for warning in recwarn]
    expected = "browsers let chrome-extension://store call the API, but not extension://edge, https://owner.example."
    assert [expected in text and "make deploy" in text for text in printed] == [True] * (command == "deploy")


def test_the_local_file_is_used_on_the_local_stage_only_and_the_environment_wins(tmp_path: Path) -> None:
    written = tmp_path / "settings.json"
    written.write_text(json.dumps(LOCAL | {"BUILD": "from the file", "LEASE_SECONDS": "120"}))

    settings = load.read({"STAGE": "local", "LEASE_SECONDS": "180"}, written)

    assert (settings.build, settings.lease_seconds) == ("from the file", 180)
    with pytest.raises(load.SettingsError, match="LEDGER_TABLE is missing"):
        load.read({"STAGE": "prod"}, written)
    with pytest.raises(load.SettingsError, match="STAGE is missing"):
        load.read({}, written)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"STRIPE_API_KEY": "sk_test_1"}, "STRIPE_WEBHOOK_SECRET is needed"),
        ({"STRIPE_MODE": "live"}, "STRIPE_API_KEY is needed"),
        ({"STRIPE_API_KEY": "rk_live_1"}, "STRIPE_MODE is test, but STRIPE_API_KEY is of the live mode"),
        ({"STRIPE_API_KEY": "sk_test_1", "STRIPE_MODE": "live"}, "STRIPE_API_KEY is of the test mode"),
        ({"STRIPE_MODE": "both"}, "STRIPE_MODE must be test or live"),
    ],
)
def test_payments_are_configured_completely_or_not_at_all(changes: dict[str, str], problem: str) -> None:
    assert problem in problems_of(LOCAL | changes)


def test_a_stage_can_be_deployed_before_stripe_knows_its_address() -> None:
    """Stripe gives the webhook's secret for an address, and deploying gives the address."""
    without_stripe = {name: value for name, value in DEPLOYED.items() if not name.startswith("STRIPE_")}

    assert load.read(without_stripe, NOWHERE).stripe_mode == "test"
    assert "test until Stripe knows the stage's address" in problems_of(without_stripe | {"STRIPE_MODE": "live"})


def test_the_default_payment_method_is_card() -> None:
    configured = LOCAL | RETURN_PAGES | {"STRIPE_API_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}

    assert load.read(configured, NOWHERE).payment_methods == ("card",)


def test_every_group_of_routes_has_a_limit_and_every_limit_a_group() -> None:
    settings = load.read(LOCAL, NOWHERE)

    assert {f"rate_limit_{group}" for group in GROUPS} == {name for name in dir(settings) if name.startswith("rate_")}
    assert settings.limits["audio"] == Limit(300, "minute")
    assert all(limit.is_strict for limit in settings.limits.values())


@pytest.mark.parametrize("limit", ["1000000/minute", "101/second", "10001/day"])
@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_limit_that_limits_nobody_is_for_the_local_stage_only(group: str, limit: str) -> None:
    name = f"RATE_LIMIT_{group.upper()}"

    load.read(LOCAL | {name: limit}, NOWHERE)
    assert f"{name} limits nobody" in problems_of(DEPLOYED | {name: limit})


def test_the_local_stack_sets_every_limit() -> None:
    assert load.read(LOCAL | LIMIT_SETTINGS, NOWHERE).limits == dict.fromkeys(GROUPS, Limit(1_000_000, "minute"))
