"""The settings, read once from the environment and checked all together. docs/settings.md lists them.

On one machine (`STAGE=local`, or `chalice local` typed by hand) what `make run` wrote to `.local/settings.json` fills
in what the environment leaves out.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from . import pricing
from .limits import GROUPS, MOST_AT_ONCE_DEPLOYED, MOST_PER_SECOND_DEPLOYED, Limit

LOCAL_SETTINGS = Path(__file__).parent.parent / ".local" / "settings.json"
SECRETS = (
    "cognito_client_secret",
    "assemblyai_api_key",
    "openai_api_key",
    "identity_hmac_key",
    "stripe_api_key",
    "stripe_webhook_secret",
)
ADDRESSES = (
    "assemblyai_sync_base_url",
    "assemblyai_streaming_base_url",
    "assemblyai_base_url",
    "openai_base_url",
    "jwks_url",
    "public_url",
    "stripe_api_base",
    "checkout_success_url",
    "checkout_cancel_url",
)
Switch = Literal["on", "off"]
RATE_LIMIT = "rate_limit_"
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s*]+")  # as a browser sends it
OPENAI_BASE_URL = "https://api.openai.com/v1"
LONGEST_JOB_CALL_SECONDS = 40  # a worker's claim (jobs.py) outlasts it, and the slowest write before it


class SettingsError(Exception):
    """The settings are unfit; the message lists everything that is wrong."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting. An environment variable has the same name in capitals."""

    stage: str
    aws_default_region: str
    ledger_table: str
    app_table: str
    cognito_user_pool_id: str
    cognito_client_id: str
    cognito_client_secret: str
    identity_hmac_key: str
    extension_origin: str
    assemblyai_api_key: str
    openai_api_key: str = ""
    own_origins: str = ""
    cognito_jwks_url: str = ""
    email_verification: Switch = "on"
    free_credits: int = 200
    free_credits_accounts_per_network_day: int = 5
    free_credits_per_day: int = 100_000
    free_credits_refused_domains: str = ""
    price_version: str = "2026-11"
    assemblyai_sync_base_url: str = "https://sync.assemblyai.com"
    assemblyai_sync_model: str = "universal-3-5-pro"
    assemblyai_timeout_seconds: float = 10.0
    openai_base_url: str = OPENAI_BASE_URL
    openai_transcription_model: str = "gpt-transcribe"
    openai_timeout_seconds: float = 12.0
    live_providers: str = "assemblyai"
    assemblyai_streaming_base_url: str = "https://streaming.assemblyai.com"
    openai_live_model: str = "gpt-live-transcribe"
    openai_live_lease_seconds: int = 60
    token_timeout_seconds: float = 5.0
    public_url: str = ""
    upload_bucket: str
    jobs_queue_url: str
    assemblyai_base_url: str = "https://api.assemblyai.com"
    assemblyai_models: str = "universal-3-5-pro,universal-2"
    assemblyai_job_timeout_seconds: float = 30.0
    openai_text_model: str = "gpt-6-luna"
    openai_text_api: Literal["chat", "responses"] = "responses"
    openai_text_effort: str = "none"
    openai_answer_timeout_seconds: float = 20.0
    openai_summary_timeout_seconds: float = 40.0
    lease_seconds: int = 600
    free_allowance_seconds: int = 1_800
    paid_allowance_seconds: int = 14_400
    stripe_api_key: str = ""
    stripe_webhook_secret: str = ""
    stripe_mode: Literal["test", "live"] = "test"
    stripe_api_base: str = ""
    stripe_payment_methods: str = "card"
    checkout_success_url: str = ""
    checkout_cancel_url: str = ""
    rate_limit_register: str = "30/hour"
    rate_limit_codes: str = "60/hour"
    rate_limit_login: str = "120/hour"
    rate_limit_reset: str = "60/hour"
    rate_limit_refresh: str = "120/minute"
    rate_limit_account: str = "60/minute"
    rate_limit_reads: str = "300/minute"
    rate_limit_stream: str = "300/minute"
    rate_limit_audio: str = "3000/minute"
    rate_limit_spend: str = "60/minute"
    rate_limit_admin: str = "600/minute"
    build: str = "development"

    def __repr__(self) -> str:
        """Without a value: settings hold secrets, and a repr ends up in logs."""
        return f"Settings(stage={self.stage!r})"

    @property
    def issuer(self) -> str:
        return f"https://cognito-idp.{self.aws_default_region}.amazonaws.com/{self.cognito_user_pool_id}"

    @property
    def jwks_url(self) -> str:
        return self.cognito_jwks_url or f"{self.issuer}/.well-known/jwks.json"

    @property
    def live_provider_names(self) -> list[str]:
        """Who is asked for direct streams, in this order."""
        return listed(self.live_providers)

    @property
    def has_text_model(self) -> bool:
        """Whether catch-ups and questions can be answered; a server of one's own may want no key."""
        return bool(self.openai_api_key) or self.openai_base_url != OPENAI_BASE_URL

    @property
    def refused_domains(self) -> frozenset[str]:
        """Domains of disposable addresses, which get no free credits; their subdomains neither."""
        return frozenset(name.lower().lstrip("@.") for name in listed(self.free_credits_refused_domains))

    @property
    def assemblyai_model_names(self) -> list[str]:
        """Which models transcribe recordings; the provider takes the first that fits."""
        return listed(self.assemblyai_models)

    @property
    def payment_methods(self) -> tuple[str, ...]:
        """How one may pay; none named: however Stripe's dashboard says."""
        return tuple(listed(self.stripe_payment_methods))

    @property
    def limits(self) -> dict[str, Limit]:
        """How many requests pass, by group. Raises ValueError naming the setting."""
        return {group: self._limit(group) for group in GROUPS}

    def _limit(self, group: str) -> Limit:
        name = f"{RATE_LIMIT}{group}"
        try:
            return Limit.read(getattr(self, name))
        except ValueError as error:
            raise ValueError(f"{name.upper()} takes {error}") from error

    @property
    def allowed_origins(self) -> frozenset[str]:
        """Browser pages that may call: the extension's, and our own."""
        return frozenset({self.extension_origin, *listed(self.own_origins)})


NAMES = frozenset(field.name.upper() for field in msgspec.structs.fields(Settings))
# Stands for a setting that is missing while the others are looked at, so that nothing more is said of it.
UNOBJECTIONABLE = {"stage": "local", "extension_origin": "https://extension.invalid"}


def read(environment: Mapping[str, str], local_file: Path = LOCAL_SETTINGS) -> Settings:
    """The settings in `environment`. Raises SettingsError naming every problem at once."""
    words = _with_local(environment, local_file)
    given = {name.lower(): value for name, value in words.items() if name.upper() in NAMES and value != ""}
    problems = [
        f"{name} is no limit" for name in words if name.lower().startswith(RATE_LIMIT) and name.upper() not in NAMES
    ]
    fit: dict[str, object] = {}
    for field in msgspec.structs.fields(Settings):
        if field.name not in given:
            if field.required:
                problems.append(f"{field.name.upper()} is missing")
                fit[field.name] = UNOBJECTIONABLE.get(field.name, "kms:")
            continue
        try:
            fit[field.name] = msgspec.convert(given[field.name], field.type, strict=False)
        except msgspec.ValidationError as error:
            problems.append(f"{field.name.upper()}: {error}")
    settings = Settings(**fit)  # type: ignore[arg-type]
    problems += _problems(settings)
    if problems:
        raise SettingsError("settings: " + "; ".join(problems))
    return settings


@lru_cache
def load() -> Settings:
    """The settings of this process."""
    return read(os.environ)


@lru_cache
def stage() -> str:
    """The stage's name, known even where the settings are unfit: metrics are kept apart by it."""
    return _with_local(os.environ, LOCAL_SETTINGS).get("STAGE", "") or "unknown"


def extension_origin() -> str:
    """The page that CORS allows. Routes are made with it, so it is needed before the other settings are."""
    return _with_local(os.environ, LOCAL_SETTINGS).get("EXTENSION_ORIGIN", "") or "https://extension.invalid"


def user_pool_arn() -> str | dict[str, str]:
    """The pool whose tokens the gateway's authorizer takes; in a packaged template, the resource stack's export."""
    arn = _with_local(os.environ, LOCAL_SETTINGS).get("COGNITO_USER_POOL_ARN", "")
    return arn or {"Fn::ImportValue": f"live-transcription-{os.environ.get('STAGE', 'dev')}-UserPoolArn"}


def jobs_queue_name() -> str:
    """The queue whose messages wake the worker. Functions are made with it, so it is needed before other settings."""
    stage = _with_local(os.environ, LOCAL_SETTINGS).get("STAGE", "") or "dev"
    return f"live-transcription-{stage}-jobs"


def ledger_stream_arn() -> str | dict[str, str]:
    """The stream that feeds the sums over all users; in a packaged template, the resource stack's export."""
    arn = _with_local(os.environ, LOCAL_SETTINGS).get("LEDGER_STREAM_ARN", "")
    return arn or {"Fn::ImportValue": f"live-transcription-{os.environ.get('STAGE', 'dev')}-LedgerStreamArn"}


def _with_local(environment: Mapping[str, str], local_file: Path) -> Mapping[str, str]:
    """`chalice local` typed by hand gets what `make run` wrote; nothing else may, least of all package and deploy."""
    by_hand = environment.get("AWS_CHALICE_CLI_MODE") == "true" and "local" in sys.argv[1:2]
    if not (by_hand or environment.get("STAGE") == "local") or not local_file.is_file():
        return environment
    written: dict[str, str] = json.loads(local_file.read_text())
    if by_hand:
        os.environ.update({name: value for name, value in written.items() if name.startswith("AWS_")})
        return {**environment, **written}
    return {**written, **environment}


def listed(words: str) -> list[str]:
    """The words of a setting that may be several, comma-separated."""
    return [word.strip() for word in words.split(",") if word.strip()]


def _problems(settings: Settings) -> list[str]:
    found = []
    if settings.stage != "local":
        for name in SECRETS:
            value = getattr(settings, name)
            if value and not value.startswith("kms:"):
                found.append(f"{name.upper()} is plain text: outside the local stage it must be KMS ciphertext (kms:…)")
        for name in ADDRESSES:
            if getattr(settings, name) and not getattr(settings, name).startswith("https://"):
                found.append(f"{name.upper()} must be https outside the local stage")
        if any(origin.startswith("http://") for origin in settings.allowed_origins):
            found.append("EXTENSION_ORIGIN and OWN_ORIGINS must not be http outside the local stage")
    for name in (
        "assemblyai_timeout_seconds",
        "openai_timeout_seconds",
        "token_timeout_seconds",
        "openai_answer_timeout_seconds",
    ):
        if not 0 < getattr(settings, name) <= 24:
            found.append(f"{name.upper()} must be above 0 and at most 24")
    for name in ("assemblyai_job_timeout_seconds", "openai_summary_timeout_seconds"):
        if not 0 < getattr(settings, name) <= LONGEST_JOB_CALL_SECONDS:
            found.append(f"{name.upper()} must be above 0 and at most {LONGEST_JOB_CALL_SECONDS}")
    for name in ("free_credits", "free_credits_accounts_per_network_day", "free_credits_per_day"):
        if getattr(settings, name) < 0:
            found.append(f"{name.upper()} must not be negative")
    if not 60 <= settings.lease_seconds <= 10_800:
        found.append("LEASE_SECONDS must be between 60 and 10800")
    if settings.assemblyai_timeout_seconds + settings.openai_timeout_seconds > 24:
        found.append(
            "ASSEMBLYAI_TIMEOUT_SECONDS and OPENAI_TIMEOUT_SECONDS together must leave 5 of the gateway's 29 s"
        )
    names = settings.live_provider_names
    if not names or not set(names) <= {"assemblyai", "openai"}:
        found.append("LIVE_PROVIDERS must name assemblyai, openai or both, comma-separated")
    if "openai" in names and not settings.openai_api_key:
        found.append("LIVE_PROVIDERS names openai, so OPENAI_API_KEY is needed")
    if not 60 <= settings.openai_live_lease_seconds <= 3_600:
        found.append("OPENAI_LIVE_LEASE_SECONDS must be between 60 and 3600")
    if not 0 <= settings.free_allowance_seconds <= settings.paid_allowance_seconds:
        found.append("FREE_ALLOWANCE_SECONDS must be between 0 and PAID_ALLOWANCE_SECONDS")
    if len(names) * settings.token_timeout_seconds > 20:
        found.append("TOKEN_TIMEOUT_SECONDS must leave 9 of the gateway's 29 s for all live providers together")
    found += _payment_problems(settings)
    found += _limit_problems(settings)
    if wrong := [origin for origin in settings.allowed_origins if not ORIGIN.fullmatch(origin)]:
        origins = ", ".join(sorted(wrong))
        found.append(f"EXTENSION_ORIGIN and OWN_ORIGINS must be scheme://host, nothing after it, not {origins}")
    try:
        prices = pricing.load(settings.price_version)
    except pricing.PriceError as error:
        return [*found, str(error)]
    for model in (
        f"assemblyai/sync-{settings.assemblyai_sync_model}",
        f"openai/{settings.openai_transcription_model}",
        f"openai/{settings.openai_live_model}",
    ):
        if model not in prices.services["live"].models:
            found.append(f"{model} is no live model of the price file {settings.price_version}")
    if not settings.assemblyai_model_names:
        found.append("ASSEMBLYAI_MODELS must name a model")
    for name in settings.assemblyai_model_names:
        if f"assemblyai/{name}" not in prices.services["catchup"].models:
            found.append(f"assemblyai/{name} is no catchup model of the price file {settings.price_version}")
    for service in ("catchup", "catchup_session", "ask"):
        if f"openai/{settings.openai_text_model}" not in prices.text_budget(service).models:
            found.append(f"openai/{settings.openai_text_model} is no {service} model of {settings.price_version}")
    return found


def _limit_problems(settings: Settings) -> list[str]:
    """Every group has a limit, and outside the local stage one that limits."""
    most = f"{MOST_AT_ONCE_DEPLOYED} requests, or {MOST_PER_SECOND_DEPLOYED} a second"
    found = []
    for group in GROUPS:
        try:
            is_lax = not settings._limit(group).is_strict
        except ValueError as error:
            found.append(str(error))
        else:
            if is_lax and settings.stage != "local":
                found.append(f"{RATE_LIMIT.upper()}{group.upper()} limits nobody: {most}, are the most")
    return found


def _payment_problems(settings: Settings) -> list[str]:
    """Payments are set up whole or not at all."""
    if not settings.stripe_api_key:
        unset = "STRIPE_MODE is live, so STRIPE_API_KEY is needed (test until Stripe knows the stage's address)"
        return [unset] if settings.stripe_mode == "live" else []
    needed = ("stripe_webhook_secret", "checkout_success_url", "checkout_cancel_url")
    found = [f"STRIPE_API_KEY is set, so {name.upper()} is needed" for name in needed if not getattr(settings, name)]
    words = settings.stripe_api_key.split("_")
    if len(words) > 2 and words[1] in ("test", "live") and words[1] != settings.stripe_mode:
        found.append(f"STRIPE_MODE is {settings.stripe_mode}, but STRIPE_API_KEY is of the {words[1]} mode")
    return found
