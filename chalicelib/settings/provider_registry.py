"""The registry of speech and text providers: which there are, what builds their clients, and their settings.

A new provider needs a row and its settings here, its client in `chalicelib/providers/`, and prices in the price file
(docs/changing.md). This module only holds data, so that a cold start imports no client that it does not use.
"""

from typing import Annotated, Any, Literal

from msgspec import Struct

from .declaration import Address, Secret, Setting

OPENAI_BASE_URL = "https://api.openai.com/v1"
LONGEST_REQUEST_CALL_SECONDS = 24  # leaves 5 of the gateway's 29 s
LONGEST_JOB_CALL_SECONDS = 40  # shorter than a worker's claim on its job, together with the slowest write before it
# Live models that no setting names.
ASSEMBLYAI_ENGLISH = "universal-streaming-english"
ASSEMBLYAI_MULTILINGUAL = "universal-streaming-multilingual"
ASSEMBLYAI_KEY_TERMS = "+keyterms"  # a model with key terms costs more, so it has a price of its own


class ProviderSettings(Struct, frozen=True, kw_only=True):
    """The settings of providers, and which of them are used."""

    assemblyai_api_key: Annotated[str, Secret(meaning="the key", of_provider=True)]
    assemblyai_sync_base_url: Annotated[str, Address(meaning="for relayed audio", stand_in="")] = (
        "https://sync.assemblyai.com"
    )
    assemblyai_sync_model: Annotated[str, Setting(meaning="for relayed audio; must have a price")] = "universal-3-5-pro"
    assemblyai_timeout_seconds: Annotated[
        float, Setting(meaning="for the whole response to relayed audio", above=0, at_most=LONGEST_REQUEST_CALL_SECONDS)
    ] = 10.0
    assemblyai_base_url: Annotated[str, Address(meaning="for recordings", stand_in="")] = "https://api.assemblyai.com"
    assemblyai_models: Annotated[str, Setting(meaning="for recordings, comma-separated; each must have a price")] = (
        "universal-3-5-pro,universal-2"
    )
    assemblyai_job_timeout_seconds: Annotated[
        float, Setting(meaning="for each call about a recording", above=0, at_most=LONGEST_JOB_CALL_SECONDS)
    ] = 30.0
    assemblyai_streaming_base_url: Annotated[str, Address(meaning="for direct streams", stand_in="")] = (
        "https://streaming.assemblyai.com"
    )
    openai_api_key: Annotated[
        str, Secret(meaning="the key; a compatible server may need none", begins_with=("sk-",), of_provider=True)
    ] = ""
    openai_base_url: Annotated[str, Address(meaning="or any compatible server", stand_in="/openai/v1")] = (
        OPENAI_BASE_URL
    )
    openai_transcription_model: Annotated[str, Setting(meaning="for relayed audio; must have a price")] = (
        "gpt-transcribe"
    )
    openai_timeout_seconds: Annotated[
        float, Setting(meaning="for relayed audio", above=0, at_most=LONGEST_REQUEST_CALL_SECONDS)
    ] = 12.0
    openai_text_model: Annotated[
        str, Setting(meaning="writes summaries and answers; must have a price in each of these services")
    ] = "gpt-6-luna"
    openai_text_api: Annotated[
        Literal["chat", "responses"], Setting(meaning="or `chat`, which more compatible servers support")
    ] = "responses"
    openai_text_effort: Annotated[str, Setting(meaning="reasoning effort of a reasoning model")] = "none"
    openai_answer_timeout_seconds: Annotated[
        float, Setting(meaning="for the answer to a question", above=0, at_most=LONGEST_REQUEST_CALL_SECONDS)
    ] = 20.0
    openai_summary_timeout_seconds: Annotated[
        float, Setting(meaning="for each call of a summary", above=0, at_most=LONGEST_JOB_CALL_SECONDS)
    ] = 40.0
    openai_live_model: Annotated[str, Setting(meaning="for direct streams; must have a price")] = "gpt-live-transcribe"
    openai_live_lease_seconds: Annotated[
        int, Setting(meaning="the longest direct lease at OpenAI", at_least=60, at_most=3_600)
    ] = 60
    live_providers: Annotated[str, Setting(meaning="providers of direct streams, in this order, comma-separated")] = (
        "assemblyai"
    )
    buyers_only_providers: Annotated[
        str, Setting(meaning="those of them that only accounts that bought get, comma-separated, or `none`")
    ] = "openai"
    token_timeout_seconds: Annotated[
        float, Setting(meaning="for a token or client secret", above=0, at_most=LONGEST_REQUEST_CALL_SECONDS)
    ] = 5.0

    @property
    def live_provider_names(self) -> list[str]:
        """The providers of direct streams, in the order in which they are tried."""
        return split_list(self.live_providers)

    @property
    def buyers_only_provider_names(self) -> list[str]:
        """The providers of direct streams that only accounts that bought get, unless there is no other."""
        return [] if self.buyers_only_providers == "none" else split_list(self.buyers_only_providers)

    @property
    def assemblyai_model_names(self) -> list[str]:
        """The models that transcribe recordings. The provider uses the first that supports the language."""
        return split_list(self.assemblyai_models)

    @property
    def has_text_model(self) -> bool:
        """Whether catch-ups and questions are offered. A server other than OpenAI's may need no key."""
        return bool(self.openai_api_key) or self.openai_base_url != OPENAI_BASE_URL


class Provider(Struct, frozen=True, kw_only=True):
    """A provider of one service.

    `module`: the module of `chalicelib/providers` whose function `build` makes the client. `secret`, `address`: the
    settings with its key and its URL. `models`: the models that it may use, as "provider/model"; `{setting}` stands for
    each model that a setting names. `is_optional`: left out where its secret is not set.
    """

    name: str
    module: str
    secret: str
    address: str
    models: tuple[str, ...]
    is_optional: bool = False

    def model_names(self, settings: Any) -> list[tuple[str, str]]:
        """The models that it may use, each with the setting that names it (empty if none does)."""
        found = []
        for model in self.models:
            beginning, _, rest = model.partition("{")
            setting, _, end = rest.partition("}")
            names = split_list(getattr(settings, setting)) if setting else [""]
            found += [(f"{beginning}{name}{end}", setting) for name in names]
        return found


# Direct streams. LIVE_PROVIDERS chooses among them, in its own order.
LIVE = (
    Provider(
        name="assemblyai",
        module="assemblyai_live",
        secret="assemblyai_api_key",
        address="assemblyai_streaming_base_url",
        models=tuple(
            f"assemblyai/{model}{addition}"
            for model in (ASSEMBLYAI_ENGLISH, ASSEMBLYAI_MULTILINGUAL)
            for addition in ("", ASSEMBLYAI_KEY_TERMS)
        ),
    ),
    Provider(
        name="openai",
        module="openai_live",
        secret="openai_api_key",
        address="openai_base_url",
        models=("openai/{openai_live_model}",),
    ),
)
# Relayed audio. They are tried in this order.
RELAY = (
    Provider(
        name="assemblyai",
        module="assemblyai_sync",
        secret="assemblyai_api_key",
        address="assemblyai_sync_base_url",
        models=("assemblyai/sync-{assemblyai_sync_model}",),
    ),
    Provider(
        name="openai",
        module="openai_transcription",
        secret="openai_api_key",
        address="openai_base_url",
        models=("openai/{openai_transcription_model}",),
        is_optional=True,
    ),
)
BATCH = Provider(
    name="assemblyai",
    module="assemblyai_batch",
    secret="assemblyai_api_key",
    address="assemblyai_base_url",
    models=("assemblyai/{assemblyai_models}",),
)
TEXT = Provider(
    name="openai",
    module="openai_text",
    secret="openai_api_key",
    address="openai_base_url",
    models=("openai/{openai_text_model}",),
)
# The services of the price file in which each provider's models need a price.
AUDIO_PRICES: tuple[tuple[str, tuple[Provider, ...]], ...] = (("live", (*RELAY, *LIVE)), ("catchup", (BATCH,)))
TEXT_PRICES: tuple[tuple[str, tuple[Provider, ...]], ...] = tuple(
    (service, (TEXT,)) for service in ("catchup", "catchup_session", "ask")
)


def split_list(text: str) -> list[str]:
    """The values of a comma-separated setting."""
    return [value.strip() for value in text.split(",") if value.strip()]
