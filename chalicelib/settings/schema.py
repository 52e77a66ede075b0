"""Every setting, with its declaration and its default. docs/settings.md is made from it."""

import re
from typing import Annotated, Literal

from ..models.rate_limits import GROUPS, Limit
from .declaration import Address, Secret, Setting, declared_fields
from .provider_registry import ProviderSettings, split_list

Switch = Literal["on", "off"]
RATE_LIMIT = "rate_limit_"
# As a browser sends it, in lower case. What else it could contain would end the text of a header or of a template.
EXACT_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]{0,30}://[a-z0-9._:\[\]-]{1,260}")
# The domains of AWS partitions other than the usual one, by the first letters of their regions.
# Source: botocore's data/partitions.json, which a test holds this to.
PARTITION_DOMAINS = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}
PER_NETWORK = Setting(meaning="requests of one network")
PER_USER = Setting(meaning="requests of one user")


class Settings(ProviderSettings, frozen=True, kw_only=True):
    """The settings of a process. An environment variable has the same name in capitals."""

    stage: Annotated[str, Setting(meaning="`local`, `dev`, `prod`, …")]
    aws_default_region: Annotated[str, Setting(meaning="set by Lambda")]
    ledger_table: Annotated[str, Setting(meaning="name of the ledger table")]
    app_table: Annotated[str, Setting(meaning="name of the app table")]
    upload_bucket: Annotated[str, Setting(meaning="bucket of uploaded recordings, which expire after a day")]
    jobs_queue_url: Annotated[str, Setting(meaning="queue that starts the worker of catch-ups")]
    build: Annotated[str, Setting(meaning="shown by `GET /health`")] = "development"
    aws_client: Annotated[
        Literal["json", "boto3"], Setting(meaning="how requests call AWS: `boto3` uses the AWS SDK for every call")
    ] = "json"

    cognito_user_pool_id: Annotated[str, Setting(meaning="the user pool")]
    cognito_client_id: Annotated[str, Setting(meaning="the pool's client")]
    cognito_client_secret: Annotated[str, Secret(meaning="the client's secret")]
    cognito_jwks_url: Annotated[
        str, Address(meaning="address of the pool's public keys", if_empty="the pool's own")
    ] = ""
    identity_hmac_key: Annotated[
        str, Secret(meaning="key of the guards of the free credits; never change it", min_characters=32)
    ]
    email_verification: Annotated[Switch, Setting(meaning="`off`: accounts are confirmed without a code")] = "on"
    emails_per_network_day: Annotated[
        int,
        Setting(meaning="emails with codes that one network may ask for per day", at_least=1, at_most=1_000_000),
    ] = 20
    extension_origin: Annotated[
        str,
        Setting(
            meaning="the extension: `chrome-extension://` and its id, nothing after it; "
            "several (another store, an unpacked copy) comma-separated"
        ),
    ]
    own_origins: Annotated[
        str, Setting(meaning="further origins that may call, such as your web page, comma-separated")
    ] = ""
    public_url: Annotated[
        str, Address(meaning="base URL to which providers send webhooks", if_empty="the request's own")
    ] = ""

    free_credits: Annotated[int, Setting(meaning="for a new person; 0 switches them off", at_least=0)] = 200
    free_credits_accounts_per_network_day: Annotated[
        int, Setting(meaning="accounts of one network that receive them per day", at_least=0)
    ] = 5
    free_credits_per_day: Annotated[
        int, Setting(meaning="free credits of all accounts together per day", at_least=0)
    ] = 100_000
    free_credits_refused_domains: Annotated[
        str, Setting(meaning="domains of disposable addresses, comma-separated")
    ] = ""

    price_version: Annotated[str, Setting(meaning="file in `chalicelib/pricing/prices`")] = "2026-11"
    lowest_margin_percent: Annotated[
        int,
        Setting(
            meaning="the dashboard warns if the margin of seven days is a smaller share of revenue",
            at_least=-1_000,
            at_most=100,
        ),
    ] = 20
    lease_seconds: Annotated[int, Setting(meaning="the usual lease", at_least=60, at_most=10_800)] = 300
    words_bytes_per_day: Annotated[
        int,
        Setting(meaning="bytes of an account's streaming requests per day after which no words are kept", at_least=0),
    ] = 8_388_608
    pack_words: Annotated[
        Switch, Setting(meaning="`off` while a release that cannot read packed words may still run")
    ] = "on"
    shared_bytes_per_transcript_day: Annotated[
        int, Setting(meaning="bytes of the page of one shared transcript that are served per day", at_least=0)
    ] = 52_428_800
    shared_bytes_per_account_day: Annotated[
        int, Setting(meaning="the same, of all transcripts that an account shares", at_least=0)
    ] = 524_288_000
    session_reads_per_day: Annotated[
        int,
        Setting(
            meaning="catch-ups and quotes of an account per day that read a session", at_least=1, at_most=1_000_000
        ),
    ] = 1_440
    free_allowance_seconds: Annotated[
        int, Setting(meaning="unused time of direct leases given back per day, free account", at_least=0)
    ] = 1_800
    paid_allowance_seconds: Annotated[
        int, Setting(meaning="the same, for an account that bought credits", at_least=0)
    ] = 14_400

    stripe_api_key: Annotated[
        str,
        Secret(
            meaning="the key; without it purchases and webhooks answer 503",
            begins_with=("sk_test_", "sk_live_", "rk_test_", "rk_live_"),
            of_provider=True,
        ),
    ] = ""
    stripe_webhook_secret: Annotated[
        str,
        Secret(
            meaning="of the endpoint; two, comma-separated, during a rotation",
            begins_with=("whsec_",),
            is_list=True,
            of_provider=True,
        ),
    ] = ""
    stripe_mode: Annotated[Literal["test", "live"], Setting(meaning="or `live`")] = "test"
    checkout_success_url: Annotated[
        str,
        Address(meaning="where buyers return to, if a purchase names no page", if_empty="our own page"),
    ] = ""
    checkout_cancel_url: Annotated[str, Address(meaning="the same, after cancelling", if_empty="our own page")] = ""
    stripe_payment_methods: Annotated[str, Setting(meaning="by Stripe's names, comma-separated")] = "card"
    stripe_api_base: Annotated[
        str, Address(meaning="address of a stand-in", if_empty="Stripe's own", stand_in="/stripe")
    ] = ""

    rate_limit_register: Annotated[str, PER_NETWORK] = "30/hour"
    rate_limit_codes: Annotated[str, PER_NETWORK] = "60/hour"
    rate_limit_login: Annotated[str, PER_NETWORK] = "120/hour"
    rate_limit_reset: Annotated[str, PER_NETWORK] = "60/hour"
    rate_limit_refresh: Annotated[str, PER_NETWORK] = "120/minute"
    rate_limit_shared: Annotated[str, PER_NETWORK] = "60/minute"
    rate_limit_account: Annotated[str, PER_USER] = "60/minute"
    rate_limit_reads: Annotated[str, PER_USER] = "120/minute"
    rate_limit_bulk_reads: Annotated[str, PER_USER] = "300/hour"
    rate_limit_stream: Annotated[str, PER_USER] = "120/minute"
    rate_limit_audio: Annotated[str, PER_USER] = "300/minute"
    rate_limit_spend: Annotated[str, PER_USER] = "60/minute"
    rate_limit_uploads: Annotated[str, PER_USER] = "30/hour"
    rate_limit_admin: Annotated[str, PER_USER] = "600/minute"

    def __repr__(self) -> str:
        """Without values: settings hold secrets, and a repr may reach a log."""
        return f"Settings(stage={self.stage!r})"

    @property
    def issuer(self) -> str:
        """The issuer of the user pool's tokens."""
        return user_pool_issuer(self.aws_default_region, self.cognito_user_pool_id)

    @property
    def jwks_url(self) -> str:
        """The address of the user pool's public keys."""
        return self.cognito_jwks_url or f"{self.issuer}/.well-known/jwks.json"

    @property
    def refused_domains(self) -> frozenset[str]:
        """Domains of disposable email addresses, which receive no free credits; nor do their subdomains."""
        return frozenset(name.lower().lstrip("@.") for name in split_list(self.free_credits_refused_domains))

    @property
    def payment_methods(self) -> tuple[str, ...]:
        """The payment methods on offer; empty leaves the choice to Stripe's dashboard."""
        return tuple(split_list(self.stripe_payment_methods))

    @property
    def limits(self) -> dict[str, Limit]:
        """The rate limit of each group of routes. Raises ValueError naming the setting."""
        return {group: self.limit(group) for group in GROUPS}

    def limit(self, group: str) -> Limit:
        """The rate limit of a group of routes. Raises ValueError naming the setting."""
        name = f"{RATE_LIMIT}{group}"
        try:
            return Limit.parse(getattr(self, name))
        except ValueError as error:
            raise ValueError(f"{name.upper()} takes {error}") from error

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins of browser pages that may call: the extension's, and our own."""
        return split_origins(self.extension_origin, self.own_origins)


def user_pool_issuer(region: str, user_pool_id: str) -> str:
    """The issuer of a user pool's tokens, in any partition of AWS.

    Source: Amazon Cognito developer guide, "Verifying JSON web tokens".
    """
    return f"https://cognito-idp.{region}.{aws_domain(region)}/{user_pool_id}"


def aws_domain(region: str) -> str:
    """The domain of AWS's services in a region."""
    domains = (domain for prefix, domain in PARTITION_DOMAINS.items() if region.startswith(prefix))
    return next(domains, "amazonaws.com")


def split_origins(extension_origin: str, own_origins: str) -> tuple[str, ...]:
    """The origins of both settings, each once, the extension's first."""
    return tuple(dict.fromkeys([*split_list(extension_origin), *split_list(own_origins)]))


FIELDS = declared_fields(Settings)
SECRETS = tuple(field.name for field in FIELDS if isinstance(field.setting, Secret))
