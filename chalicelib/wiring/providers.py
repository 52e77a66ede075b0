"""Builds the clients of speech, text and payment providers, from the registry in settings/provider_registry.py."""

import importlib
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from ..lazy import lazy
from ..settings.provider_registry import BATCH, LIVE, RELAY, TEXT, Provider, split_list
from .aws import APP_NAME, secret, settings

if TYPE_CHECKING:
    from ..providers.assemblyai_batch import AssemblyAITranscripts
    from ..providers.openai_text import OpenAIText
    from ..providers.stripe_client import StripeGateway
    from ..streaming.live_providers import LiveProviders
    from ..streaming.relay import Recogniser


@lru_cache
def live_providers() -> "LiveProviders":
    """The providers of direct streams; each is built when it is first used."""
    from ..streaming.live_providers import LiveProviders

    used, registered = settings(), {provider.name: provider for provider in LIVE}
    offered = {name: lazy(partial(build, registered[name])) for name in used.live_provider_names}
    return LiveProviders(offered, frozenset(used.buyers_only_provider_names))


@lru_cache
def recognisers() -> "Sequence[Recogniser]":
    """The providers of relayed audio, in the order in which they are tried."""
    return [build(row) for row in RELAY if not row.is_optional or getattr(settings(), row.secret)]


@lru_cache
def recordings() -> "AssemblyAITranscripts":
    client: AssemblyAITranscripts = build(BATCH)
    return client


@lru_cache
def answer_model() -> "OpenAIText":
    """The text model with the timeout of a question, built when it is first used."""
    client: OpenAIText = lazy(partial(build, TEXT, timeout_seconds=settings().openai_answer_timeout_seconds))
    return client


@lru_cache
def summary_model() -> "OpenAIText":
    """The text model with the timeout of a summary."""
    client: OpenAIText = build(TEXT, timeout_seconds=settings().openai_summary_timeout_seconds)
    return client


@lru_cache
def payments() -> "StripeGateway":
    """The client of Stripe, built when it is first used."""
    return lazy(_build_stripe)


def build(row: Provider, **options: Any) -> Any:
    """The client of a registered provider, with its key decrypted. Raises UnavailableError.

    Calls `build(settings, api_key, …)` in the provider's module, which is imported only now.
    """
    package = __package__.rpartition(".")[0]
    module = importlib.import_module(f"{package}.providers.{row.module}")
    return module.build(settings(), secret(row.secret), **options)


def _build_stripe() -> "StripeGateway":
    from ..providers.stripe_client import StripeGateway

    used = settings()
    return StripeGateway(
        secret("stripe_api_key"),
        tuple(split_list(secret("stripe_webhook_secret"))),  # Two during a rotation.
        APP_NAME,
        used.stage,
        used.payment_methods,
        used.stripe_api_base,
    )
