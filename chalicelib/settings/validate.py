"""The rules that concern two settings, the stage or the price file. Bounds of one setting stand at its field.

Each function returns problems, as sentences without a full stop that name the settings.
"""

from collections.abc import Iterator

from ..models.rate_limits import GROUPS, MAX_BURST_DEPLOYED, MAX_PER_SECOND_DEPLOYED
from ..pricing import price_files
from .declaration import Address, Secret
from .provider_registry import AUDIO_PRICES, LIVE, LONGEST_REQUEST_CALL_SECONDS, TEXT_PRICES, Provider, split_list
from .schema import EXACT_ORIGIN, FIELDS, RATE_LIMIT, Settings

LONGEST_TOKEN_CALLS_SECONDS = 20  # of all live providers, one after the other
CIPHERTEXT = "kms:"


def find_problems(settings: Settings) -> list[str]:
    """Everything that would not work, or would let in callers who must not get in."""
    return [
        *(_stage_problems(settings) if settings.stage != "local" else ()),
        *_origin_problems(settings),
        *_time_problems(settings),
        *_live_problems(settings),
        *_payment_problems(settings),
        *_limit_problems(settings),
        *_price_problems(settings),
    ]


def _stage_problems(settings: Settings) -> Iterator[str]:
    """On a deployed stage, secrets are encrypted, and addresses and origins are https."""
    for field in FIELDS:
        value = getattr(settings, field.name)
        if isinstance(field.setting, Secret) and value and not value.startswith(CIPHERTEXT):
            yield f"{field.variable} is plain text: outside the local stage it must be KMS ciphertext (kms:…)"
        if isinstance(field.setting, Address) and value and not value.startswith("https://"):
            yield f"{field.variable} must be https outside the local stage"
    if any(origin.startswith("http://") for origin in settings.allowed_origins):
        yield "EXTENSION_ORIGIN and OWN_ORIGINS must not be http outside the local stage"


def _origin_problems(settings: Settings) -> Iterator[str]:
    if invalid := [origin for origin in settings.allowed_origins if not EXACT_ORIGIN.fullmatch(origin)]:
        origins = ", ".join(sorted(invalid))
        yield f"EXTENSION_ORIGIN and OWN_ORIGINS must be scheme://host in lower case, nothing after it, not {origins}"
    if not settings.allowed_origins or not split_list(settings.extension_origin):
        yield "EXTENSION_ORIGIN must name an origin"


def _time_problems(settings: Settings) -> Iterator[str]:
    if settings.assemblyai_timeout_seconds + settings.openai_timeout_seconds > LONGEST_REQUEST_CALL_SECONDS:
        yield "ASSEMBLYAI_TIMEOUT_SECONDS and OPENAI_TIMEOUT_SECONDS together must leave 5 of the gateway's 29 s"
    if len(settings.live_provider_names) * settings.token_timeout_seconds > LONGEST_TOKEN_CALLS_SECONDS:
        yield "TOKEN_TIMEOUT_SECONDS must leave 9 of the gateway's 29 s for all live providers together"
    if settings.free_allowance_seconds > settings.paid_allowance_seconds:
        yield "FREE_ALLOWANCE_SECONDS must not be above PAID_ALLOWANCE_SECONDS"


def _live_problems(settings: Settings) -> Iterator[str]:
    registered = {provider.name: provider for provider in LIVE}
    chosen = settings.live_provider_names
    if not chosen or not set(chosen) <= registered.keys():
        yield f"LIVE_PROVIDERS must name one or more of {', '.join(registered)}, comma-separated"
    if not set(settings.buyers_only_provider_names) <= registered.keys():
        yield f"BUYERS_ONLY_PROVIDERS must be `none` or name some of {', '.join(registered)}, comma-separated"
    for name in chosen:
        if name in registered and (secret := registered[name].secret) and not getattr(settings, secret):
            yield f"LIVE_PROVIDERS names {name}, so {secret.upper()} is needed"


def _payment_problems(settings: Settings) -> Iterator[str]:
    """Payments are configured completely or not at all."""
    if not settings.stripe_api_key:
        if settings.stripe_mode == "live":
            yield "STRIPE_MODE is live, so STRIPE_API_KEY is needed (use test until Stripe knows the stage's address)"
        return
    if not settings.stripe_webhook_secret:
        yield "STRIPE_API_KEY is set, so STRIPE_WEBHOOK_SECRET is needed"
    parts = settings.stripe_api_key.split("_")
    if len(parts) > 2 and parts[1] in ("test", "live") and parts[1] != settings.stripe_mode:
        yield f"STRIPE_MODE is {settings.stripe_mode}, but STRIPE_API_KEY is of the {parts[1]} mode"


def _limit_problems(settings: Settings) -> Iterator[str]:
    """Every group of routes has a limit, and on a deployed stage one that limits."""
    for group in GROUPS:
        try:
            limit = settings.limit(group)
        except ValueError as error:
            yield str(error)
        else:
            if settings.stage != "local" and not limit.is_strict:
                highest = f"{MAX_BURST_DEPLOYED:,} requests, or {MAX_PER_SECOND_DEPLOYED} a second"
                yield f"{RATE_LIMIT.upper()}{group.upper()} limits nobody: the highest limit is {highest}"


def _price_problems(settings: Settings) -> Iterator[str]:
    """Every model that may be used has a price."""
    try:
        prices = price_files.load(settings.price_version)
    except price_files.PriceError as error:
        yield str(error)
        return
    if not settings.assemblyai_model_names:
        yield "ASSEMBLYAI_MODELS must name a model"
    for service, providers in AUDIO_PRICES:
        yield from _missing_prices(settings, service, providers, prices.services[service].models)
    for service, providers in TEXT_PRICES:
        yield from _missing_prices(settings, service, providers, prices.text_budget(service).models)


def _missing_prices(
    settings: Settings, service: str, providers: tuple[Provider, ...], priced: tuple[str, ...]
) -> Iterator[str]:
    for provider in providers:
        for model, setting in provider.model_names(settings):
            if model not in priced:
                name = f"{setting.upper()}: " if setting else ""
                yield f"{name}{model} has no price for {service} in the price file {settings.price_version}"
