"""Which settings go together, and which are safe where others may call. Pure rules."""

import re

from ..models.rate_limits import GROUPS, MAX_BURST_DEPLOYED, MAX_PER_SECOND_DEPLOYED
from ..pricing import price_files
from .schema import RATE_LIMIT, Settings

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
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s*]+")  # as a browser sends it
LONGEST_JOB_CALL_SECONDS = 40  # a worker's claim (jobs.py) outlasts it, and the slowest write before it


def problems(settings: Settings) -> list[str]:
    """What would not work, or would let somebody in; in words for whoever deploys. Nothing, one hopes."""
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
        prices = price_files.load(settings.price_version)
    except price_files.PriceError as error:
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
    most = f"{MAX_BURST_DEPLOYED} requests, or {MAX_PER_SECOND_DEPLOYED} a second"
    found = []
    for group in GROUPS:
        try:
            is_lax = not settings.limit(group).is_strict
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
