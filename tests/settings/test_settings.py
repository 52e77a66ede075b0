"""Settings are read all at once, refused all at once, and fit to the stage."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from chalicelib.models.rate_limits import GROUPS, Limit
from chalicelib.settings import load
from chalicelib.settings.schema import Settings
from chalicelib.settings.validate import SECRETS
from scripts.local.stack import LIMIT_SETTINGS

DOCS = Path(__file__).parents[2] / "docs"
NOWHERE = Path("/nonexistent/settings.json")
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
RETURNS = {
    "CHECKOUT_SUCCESS_URL": "https://extension.example/paid",
    "CHECKOUT_CANCEL_URL": "https://extension.example/cancelled",
}
DEPLOYED = LOCAL | RETURNS | {name: f"kms:{name}" for name in SECRET_NAMES} | {"STAGE": "prod"}


def problems(environment: dict[str, str]) -> str:
    with pytest.raises(load.SettingsError) as refused:
        load.read(environment, NOWHERE)
    return str(refused.value)


def test_every_missing_setting_is_named_at_once() -> None:
    said = problems({})

    assert all(f"{name} is missing" in said for name in LOCAL)


def test_an_empty_setting_counts_as_missing() -> None:
    assert "ASSEMBLYAI_API_KEY is missing" in problems(LOCAL | {"ASSEMBLYAI_API_KEY": ""})


def test_defaults_fill_the_rest() -> None:
    settings = load.read(LOCAL, NOWHERE)

    assert (settings.free_credits, settings.lease_seconds, settings.email_verification) == (200, 600, "on")
    assert settings.jwks_url == f"{settings.issuer}/.well-known/jwks.json"
    assert settings.issuer == "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"FREE_CREDITS": "many"}, "FREE_CREDITS: Expected `int`"),
        ({"FREE_CREDITS": "-1"}, "FREE_CREDITS"),
        ({"LEASE_SECONDS": "59"}, "LEASE_SECONDS"),
        ({"LEASE_SECONDS": "10801"}, "LEASE_SECONDS"),
        ({"EMAIL_VERIFICATION": "maybe"}, "EMAIL_VERIFICATION: Invalid enum value"),
        ({"ASSEMBLYAI_TIMEOUT_SECONDS": "15"}, "29 s"),
        ({"ASSEMBLYAI_TIMEOUT_SECONDS": "nan"}, "ASSEMBLYAI_TIMEOUT_SECONDS"),
        ({"OPENAI_TIMEOUT_SECONDS": "-5"}, "OPENAI_TIMEOUT_SECONDS"),
        ({"LIVE_PROVIDERS": "nobody"}, "LIVE_PROVIDERS"),
        ({"LIVE_PROVIDERS": "openai"}, "OPENAI_API_KEY"),
        ({"FREE_ALLOWANCE_SECONDS": "20000"}, "FREE_ALLOWANCE_SECONDS"),
        ({"PRICE_VERSION": "1999-01"}, "1999-01"),
        ({"PRICE_VERSION": "../../etc/passwd"}, "price"),
        ({"EXTENSION_ORIGIN": "*"}, "EXTENSION_ORIGIN"),
        ({"EXTENSION_ORIGIN": "null"}, "EXTENSION_ORIGIN"),
        ({"EXTENSION_ORIGIN": "chrome-extension://a/"}, "EXTENSION_ORIGIN"),
        ({"EXTENSION_ORIGIN": "an-id-alone"}, "EXTENSION_ORIGIN"),
        ({"OWN_ORIGINS": "https://a.example,https://b.example/page"}, "OWN_ORIGINS"),
        ({"OWN_ORIGINS": "https://a.example,*"}, "OWN_ORIGINS"),
        ({"OPENAI_TRANSCRIPTION_MODEL": "free-model"}, "free-model"),
        ({"ASSEMBLYAI_SYNC_MODEL": "free-model"}, "free-model"),
        ({"ASSEMBLYAI_MODELS": "universal-2,free-model"}, "assemblyai/free-model is no catchup model"),
        ({"ASSEMBLYAI_MODELS": " , "}, "ASSEMBLYAI_MODELS must name a model"),
        ({"RATE_LIMIT_SPEND": "0/minute"}, "RATE_LIMIT_SPEND takes 1 to"),
        ({"RATE_LIMIT_READS": "off"}, "RATE_LIMIT_READS takes 1 to"),
        ({"RATE_LIMIT_AUDIO": "100"}, "RATE_LIMIT_AUDIO takes 1 to"),
        ({"RATE_LIMIT_READ": "10/minute"}, "RATE_LIMIT_READ is no limit"),
        ({"RATE_LIMIT_OPEN": ""}, "RATE_LIMIT_OPEN is no limit"),
        ({"ASSEMBLYAI_JOB_TIMEOUT_SECONDS": "0"}, "ASSEMBLYAI_JOB_TIMEOUT_SECONDS"),
        ({"ASSEMBLYAI_JOB_TIMEOUT_SECONDS": "40.5"}, "ASSEMBLYAI_JOB_TIMEOUT_SECONDS"),
        ({"ASSEMBLYAI_JOB_TIMEOUT_SECONDS": "nan"}, "ASSEMBLYAI_JOB_TIMEOUT_SECONDS"),
        ({"OPENAI_SUMMARY_TIMEOUT_SECONDS": "-1"}, "OPENAI_SUMMARY_TIMEOUT_SECONDS"),
        ({"OPENAI_SUMMARY_TIMEOUT_SECONDS": "40.5"}, "OPENAI_SUMMARY_TIMEOUT_SECONDS"),
        ({"OPENAI_SUMMARY_TIMEOUT_SECONDS": "inf"}, "OPENAI_SUMMARY_TIMEOUT_SECONDS"),
        ({"OPENAI_ANSWER_TIMEOUT_SECONDS": "24.5"}, "OPENAI_ANSWER_TIMEOUT_SECONDS"),
        ({"OPENAI_ANSWER_TIMEOUT_SECONDS": "soon"}, "OPENAI_ANSWER_TIMEOUT_SECONDS: Expected `float`"),
        ({"OPENAI_TEXT_API": "completions"}, "OPENAI_TEXT_API: Invalid enum value"),
        ({"OPENAI_TEXT_MODEL": "free-model"}, "openai/free-model is no ask model"),
    ],
)
def test_an_unfit_setting_is_refused_and_named(change: dict[str, str], said: str) -> None:
    assert said in problems(LOCAL | change)


def test_several_problems_come_together() -> None:
    said = problems(LOCAL | {"FREE_CREDITS": "-1", "LEASE_SECONDS": "1", "EXTENSION_ORIGIN": "*"})

    assert all(name in said for name in ("FREE_CREDITS", "LEASE_SECONDS", "EXTENSION_ORIGIN"))


def test_what_is_missing_of_no_type_and_contradictory_comes_together() -> None:
    said = problems(
        {name: value for name, value in DEPLOYED.items() if name not in ("APP_TABLE", "IDENTITY_HMAC_KEY")}
        | {"FREE_CREDITS": "many", "LEASE_SECONDS": "soon", "STRIPE_MODE": "live", "STRIPE_API_KEY": "sk_test_plain"}
        | {"RATE_LIMIT_READS": "off", "RATE_LIMIT_SPEND": "0/minute", "RATE_LIMIT_LOGIN": "1000000/minute"}
        | {"OPENAI_BASE_URL": "http://provider.example"}
    )

    assert said.count("; ") == 9
    for problem in (
        "APP_TABLE is missing",
        "IDENTITY_HMAC_KEY is missing",
        "FREE_CREDITS: Expected `int`",
        "LEASE_SECONDS: Expected `int`",
        "STRIPE_API_KEY is plain text",
        "STRIPE_API_KEY is of the test mode",
        "RATE_LIMIT_READS takes 1 to",
        "RATE_LIMIT_SPEND takes 1 to",
        "RATE_LIMIT_LOGIN limits nobody",
        "OPENAI_BASE_URL must be https",
    ):
        assert problem in said
    assert "sk_test_plain" not in said


def test_of_what_is_missing_nothing_else_is_said() -> None:
    said = problems({}).removeprefix("settings: ").split("; ")

    assert sorted(said) == sorted(f"{name} is missing" for name in LOCAL)


TABLE = (DOCS / "settings.md").read_text().partition("\n## ")[0].replace("100,000", "100000")
DOCUMENTED = re.findall(r"^\| (`[A-Z].*?) \| (.*?) \| ", TABLE, re.MULTILINE)


def documented(names: str) -> list[str]:
    """The settings that a line of the table is about; `_LOGIN` goes on where `RATE_LIMIT_REGISTER` began."""
    found = re.findall(r"`(\w+)`", names)
    return [name if name[0] != "_" else found[0].rpartition("_")[0] + name for name in found]


def test_every_setting_is_in_the_documented_table_and_the_table_names_no_other() -> None:
    named = [name for names, _ in DOCUMENTED for name in documented(names)]

    assert len(named) == len(set(named))
    assert set(named) == load.NAMES | {"COGNITO_USER_POOL_ARN"}  # which is needed before the others are read


def test_the_documented_defaults_are_those_of_the_code() -> None:
    fields = {field.name.upper(): field for field in msgspec.structs.fields(Settings)}
    compared = 0
    for names, said in DOCUMENTED:
        named = documented(names)
        defaults = said.split(", ") if len(named) > 1 else [said]
        each = defaults if len(defaults) == len(named) else defaults[:1] * len(named)
        for name, default in zip(named, each, strict=True):
            if field := fields.get(name):
                word = default.removesuffix(", secret").strip("`")
                assert field.required == (word == "needed"), name
                if not field.required and field.default != "":
                    assert field.default == type(field.default)(word), name
                    compared += 1

    assert compared > 40


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize("stage", ["dev", "prod", "Local", "local2"])
def test_a_plain_secret_is_refused_outside_the_local_stage(name: str, stage: str) -> None:
    said = problems(DEPLOYED | {"STAGE": stage, name: "plain-text-secret"})

    assert f"{name} is plain text" in said
    assert "plain-text-secret" not in said


def test_a_text_model_must_have_a_price_in_every_service_that_it_works_for() -> None:
    said = problems(LOCAL | {"OPENAI_TEXT_MODEL": "free-model"})

    assert all(f"openai/free-model is no {service} model" in said for service in ("catchup", "catchup_session", "ask"))


def test_what_catch_ups_and_questions_use_has_defaults_and_may_be_set() -> None:
    usual = load.read(LOCAL, NOWHERE)
    other = load.read(LOCAL | {"ASSEMBLYAI_MODELS": " universal-2 ,", "OPENAI_TEXT_API": "chat"}, NOWHERE)

    assert (usual.openai_text_model, usual.openai_text_api, usual.openai_text_effort) == (
        "gpt-6-luna", "responses", "none")  # fmt: skip
    assert (usual.assemblyai_job_timeout_seconds, usual.openai_answer_timeout_seconds) == (30, 20)
    assert (usual.openai_summary_timeout_seconds, usual.public_url) == (40, "")
    assert usual.assemblyai_model_names == ["universal-3-5-pro", "universal-2"]
    assert (other.assemblyai_model_names, other.openai_text_api) == (["universal-2"], "chat")


@pytest.mark.parametrize(
    "name",
    ["ASSEMBLYAI_SYNC_BASE_URL", "ASSEMBLYAI_BASE_URL", "OPENAI_BASE_URL", "COGNITO_JWKS_URL", "PUBLIC_URL"],
)
def test_http_without_tls_is_refused_outside_the_local_stage(name: str) -> None:
    assert "https" in problems(DEPLOYED | {name: "http://provider.example"})
    assert load.read(LOCAL | {name: "http://127.0.0.1:1"}, NOWHERE)


def test_a_deployed_stage_starts_with_its_secrets_still_sealed() -> None:
    settings = load.read(DEPLOYED, NOWHERE)

    assert (settings.stage, settings.openai_api_key) == ("prod", "kms:OPENAI_API_KEY")


def test_pages_of_plain_http_are_refused_outside_the_local_stage() -> None:
    assert "must not be http" in problems(DEPLOYED | {"OWN_ORIGINS": "http://a.example"})


@pytest.mark.parametrize(("command", "is_local"), [("local", True), ("package", False), ("deploy", False)])
def test_only_chalice_local_gets_what_make_run_wrote(
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


def test_settings_never_show_what_they_hold() -> None:
    settings = load.read(LOCAL, NOWHERE)

    for shown in (repr(settings), str(settings), f"{settings}", f"{settings!r}"):
        assert not any(LOCAL.get(name, "-") in shown for name in SECRET_NAMES)


def test_allowed_origins_are_the_extensions_and_our_own() -> None:
    settings = load.read(LOCAL | {"OWN_ORIGINS": "https://a.example,,https://b.example"}, NOWHERE)

    assert settings.allowed_origins == {"chrome-extension://a", "https://a.example", "https://b.example"}


def test_the_local_file_fills_in_only_on_the_local_stage_and_the_environment_wins(tmp_path: Path) -> None:
    written = tmp_path / "settings.json"
    written.write_text(json.dumps(LOCAL | {"BUILD": "from the file", "LEASE_SECONDS": "120"}))

    settings = load.read({"STAGE": "local", "LEASE_SECONDS": "180"}, written)

    assert (settings.build, settings.lease_seconds) == ("from the file", 180)
    with pytest.raises(load.SettingsError, match="LEDGER_TABLE is missing"):
        load.read({"STAGE": "prod"}, written)
    with pytest.raises(load.SettingsError, match="STAGE is missing"):
        load.read({}, written)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"STRIPE_API_KEY": "sk_test_1"}, "STRIPE_WEBHOOK_SECRET is needed"),
        ({"STRIPE_API_KEY": "sk_test_1"}, "CHECKOUT_SUCCESS_URL is needed"),
        ({"STRIPE_API_KEY": "sk_test_1"}, "CHECKOUT_CANCEL_URL is needed"),
        ({"STRIPE_MODE": "live"}, "STRIPE_API_KEY is needed"),
        ({"STRIPE_API_KEY": "rk_live_1"}, "STRIPE_MODE is test, but STRIPE_API_KEY is of the live mode"),
        ({"STRIPE_API_KEY": "sk_test_1", "STRIPE_MODE": "live"}, "STRIPE_API_KEY is of the test mode"),
        ({"STRIPE_MODE": "both"}, "Invalid enum value"),
    ],
)
def test_payments_are_set_up_whole_or_not_at_all(changes: dict[str, str], says: str) -> None:
    assert says in problems(LOCAL | changes)


def test_a_stage_can_be_deployed_before_stripe_knows_its_address() -> None:
    """Its webhook's secret is had for an address, and the address is had by deploying."""
    first = {name: value for name, value in DEPLOYED.items() if not name.startswith("STRIPE_")}

    assert load.read(first, NOWHERE).stripe_mode == "test"
    assert "test until Stripe knows the stage's address" in problems(first | {"STRIPE_MODE": "live"})


def test_payments_are_by_card_unless_said_otherwise() -> None:
    set_up = LOCAL | RETURNS | {"STRIPE_API_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}

    assert load.read(set_up, NOWHERE).payment_methods == ("card",)


def test_every_group_of_requests_has_a_limit_and_every_limit_a_group() -> None:
    settings = load.read(LOCAL, NOWHERE)

    assert {f"rate_limit_{group}" for group in GROUPS} == {name for name in dir(settings) if name.startswith("rate_")}
    assert settings.limits["audio"] == Limit(3_000, "minute")
    assert all(limit.is_strict for limit in settings.limits.values())


@pytest.mark.parametrize("words", ["1000000/minute", "101/second", "10001/day"])
@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_limit_that_limits_nobody_is_for_the_local_stage_only(group: str, words: str) -> None:
    name = f"RATE_LIMIT_{group.upper()}"

    load.read(LOCAL | {name: words}, NOWHERE)
    assert f"{name} limits nobody" in problems(DEPLOYED | {name: words})


def test_the_local_stack_sets_every_limit() -> None:
    assert load.read(LOCAL | LIMIT_SETTINGS, NOWHERE).limits == dict.fromkeys(GROUPS, Limit(1_000_000, "minute"))
