"""What can be set, and what the app does where nothing is. docs/settings.md lists it, for people."""

from typing import Literal

import msgspec

from ..models.rate_limits import GROUPS, Limit

Switch = Literal["on", "off"]
RATE_LIMIT = "rate_limit_"
OPENAI_BASE_URL = "https://api.openai.com/v1"


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
        return {group: self.limit(group) for group in GROUPS}

    def limit(self, group: str) -> Limit:
        """How many requests of a group pass. Raises ValueError naming the setting."""
        name = f"{RATE_LIMIT}{group}"
        try:
            return Limit.parse(getattr(self, name))
        except ValueError as error:
            raise ValueError(f"{name.upper()} takes {error}") from error

    @property
    def allowed_origins(self) -> frozenset[str]:
        """Browser pages that may call: the extension's, and our own."""
        return frozenset({self.extension_origin, *listed(self.own_origins)})


def listed(words: str) -> list[str]:
    """The words of a setting that may be several, comma-separated."""
    return [word.strip() for word in words.split(",") if word.strip()]
