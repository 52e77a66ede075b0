"""Builds the use cases, once per process and only when first needed: a cold start pays for what it uses.

One function for each thing that is built, and nothing else: that is what makes it long.
"""

import json
import time
import uuid
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from ..cursors import Cursors
from ..errors import UnavailableError
from ..http.rate_limiter import RateLimiter
from ..ids import ulid
from ..lazy import lazy
from ..logs.redaction import register_secret_for_redaction
from ..logs.request_log import count_aws_calls
from ..pricing import price_files
from ..providers.id_tokens import TokenVerifier
from ..repositories.ledger import Ledger
from ..repositories.rate_limits import CountingTables
from ..settings.load import load
from ..settings.schema import Settings, listed

if TYPE_CHECKING:
    from ..accounts.deletion import AccountDeletion
    from ..accounts.export import AccountExports
    from ..accounts.free_credits import FreeCreditRules
    from ..accounts.service import Accounts
    from ..admin.costs import CostReport
    from ..admin.users import UserAdministration
    from ..audit.service import Audits
    from ..catchup.service import Catchups
    from ..catchup.worker import CatchupWorker
    from ..credits.statement import Statements
    from ..credits.usage import UsageReport
    from ..payments.checkout import Purchases
    from ..payments.fulfilment import Fulfilment
    from ..payments.reconciliation import Reconciler
    from ..providers.cognito import Cognito
    from ..providers.export_files import ExportFiles
    from ..providers.openai_text import OpenAIText
    from ..providers.queue import Queue
    from ..providers.upload_files import Uploads
    from ..repositories.aggregates import Aggregates
    from ..streaming.lease_rules import LeaseRules
    from ..streaming.leases import Leases, LiveProvider
    from ..streaming.relay import Relay
    from ..streaming.service import Streaming
    from ..transcripts.history import History
    from ..transcripts.questions import Questions

APP_NAME = "live-transcription"
JWKS_DIRECTORY = Path(__file__).parents[1] / "jwks"
# A Lambda in the same region answers in milliseconds; waiting longer only fills the gateway's 29 s.
AWS_CONFIG = Config(
    connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3}, tcp_keepalive=True
)
# Signing up is not repeatable: a second try after a lost answer would find the address taken.
COGNITO_CONFIG = Config(connect_timeout=1, read_timeout=8, retries={"total_max_attempts": 1}, tcp_keepalive=True)
JWKS_TIMEOUT_SECONDS = (1, 3)
MAX_RECORDING_BYTES = 64 * 1024 * 1024  # ten hours hold about 100,000 words of 120 bytes each


def now() -> int:
    return int(time.time())


def new_id() -> str:
    return str(uuid.uuid4())


def new_ulid() -> str:
    return ulid(time.time_ns() // 1_000_000)


def settings() -> Settings:
    return load()


@lru_cache
def secret(name: str) -> str:
    """A secret among the settings, in plain text; one call of KMS, then the process keeps it.

    Asked for where a use case is built, so before that holds or spends anything. What must work without it (a balance,
    the end of a session) has the part that needs it `deferred`. Raises UnavailableError.
    """
    from ..providers.kms import PREFIX, Kms

    used = settings()
    plain: str = getattr(used, name)
    if plain.startswith(PREFIX):  # The settings have refused plain text where it must not be.
        plain = Kms(_client("kms"), APP_NAME, used.stage).plain(name.upper(), plain)
    for part in listed(plain):
        register_secret_for_redaction(part)
    return plain


@lru_cache
def accounts() -> "Accounts":
    from ..accounts.free_credits import FreeCredits
    from ..accounts.service import Accounts

    used = settings()
    return Accounts(
        cognito=cognito(),
        verifier=verifier(),
        ledger=ledger(),
        free_credits=FreeCredits(ledger(), tables(), free_credit_rules(), secret("identity_hmac_key"), now),
        is_verification_on=used.email_verification == "on",
        tables=tables(),
        now=now,
        pause=time.sleep,
        elapsed=time.monotonic,
    )


@lru_cache
def cognito() -> "Cognito":
    from ..providers.cognito import Cognito

    used = settings()
    client = _client("cognito-idp", COGNITO_CONFIG)
    return Cognito(client, used.cognito_user_pool_id, used.cognito_client_id, secret("cognito_client_secret"))


@lru_cache
def account_deletion() -> "AccountDeletion":
    from ..accounts.deletion import AccountDeletion, DeletionRules
    from ..catchup.job_rules import JobRules

    return AccountDeletion(
        ledger=ledger(),
        tables=tables(),
        leases=leases(),
        prices=price_files.load(settings().price_version),
        sign_ins=cognito(),
        files=(uploads(), export_files()),
        queue=queue(),
        rules=DeletionRules(),
        job_rules=JobRules(),
        now=now,
        new_id=new_id,
    )


@lru_cache
def account_exports() -> "AccountExports":
    from ..accounts.export import AccountExports, ExportRules
    from ..accounts.export_content import ExportContent

    return AccountExports(
        ledger=ledger(),
        tables=tables(),
        export_content=ExportContent(tables(), uploads()),
        files=export_files(),
        queue=queue(),
        rules=ExportRules(),
        now=now,
        new_id=new_id,
    )


@lru_cache
def user_administration() -> "UserAdministration":
    from ..admin.users import UserAdministration

    return UserAdministration(ledger(), tables(), cognito(), cursors(), now, new_ulid)


@lru_cache
def free_credit_rules() -> "FreeCreditRules":
    from ..accounts.free_credits import FreeCreditRules

    used = settings()
    return FreeCreditRules(
        free_credits=used.free_credits,
        accounts_per_network_day=used.free_credits_accounts_per_network_day,
        credits_per_day=used.free_credits_per_day,
        refused_domains=used.refused_domains,
    )


@lru_cache
def streaming() -> "Streaming":
    from ..streaming.service import Streaming

    used = settings()
    return Streaming(
        ledger=ledger(),
        tables=tables(),
        prices=price_files.load(used.price_version),
        rules=lease_rules(),
        leases=leases(),
        relay_provider="assemblyai",
        now=now,
        new_ulid=new_ulid,
    )


@lru_cache
def leases() -> "Leases":
    from ..streaming.leases import Leases

    return Leases(ledger(), tables(), lease_rules(), live_providers(), now)


@lru_cache
def live_providers() -> "Sequence[LiveProvider]":
    from ..providers.assemblyai_live import AssemblyAILive, OpenAILive
    from ..providers.transport import Session, Transport
    from ..streaming.leases import LiveProvider

    used = settings()
    first = Transport(Session(), "AssemblyAI", used.token_timeout_seconds)
    second = Transport(Session(), "OpenAI", used.token_timeout_seconds)
    known: dict[str, LiveProvider] = {
        "assemblyai": lazy(
            lambda: AssemblyAILive(first, used.assemblyai_streaming_base_url, secret("assemblyai_api_key"), now)
        ),
        "openai": lazy(
            lambda: OpenAILive(
                second,
                used.openai_base_url,
                secret("openai_api_key"),
                used.openai_live_model,
                longest_lease_seconds=used.openai_live_lease_seconds,
            )
        ),
    }
    return [known[name] for name in used.live_provider_names]


@lru_cache
def relay() -> "Relay":
    from ..providers.assemblyai_sync import AssemblyAISync
    from ..providers.openai_transcription import OpenAITranscription
    from ..providers.transport import Session, Transport
    from ..streaming.relay import Relay

    used = settings()
    first = Transport(Session(), "AssemblyAI", used.assemblyai_timeout_seconds)
    fallback = Transport(Session(), "OpenAI", used.openai_timeout_seconds)
    assemblyai = AssemblyAISync(
        first, used.assemblyai_sync_base_url, secret("assemblyai_api_key"), used.assemblyai_sync_model
    )
    openai = OpenAITranscription(
        fallback, used.openai_base_url, secret("openai_api_key"), used.openai_transcription_model
    )
    return Relay(
        ledger=ledger(),
        tables=tables(),
        recognisers=(assemblyai, openai) if used.openai_api_key else (assemblyai,),
        prices=price_files.load(used.price_version),
        stale_after_seconds=lease_rules().chunk_stale_after_seconds,
        now=now,
        new_id=new_id,
    )


@lru_cache
def catchups() -> "Catchups":
    from ..catchup.job_rules import JobRules
    from ..catchup.service import Catchups
    from ..repositories.transcripts import Transcripts

    used = settings()
    return Catchups(
        ledger=ledger(),
        tables=tables(),
        transcripts=Transcripts(tables()),
        uploads=uploads(),
        queue=queue(),
        prices=price_files.load(used.price_version),
        rules=JobRules(),
        webhook_key=secret("identity_hmac_key"),
        is_on=used.has_text_model,
        now=now,
        new_ulid=new_ulid,
    )


@lru_cache
def catchup_worker() -> "CatchupWorker":
    from ..catchup.job_rules import JobRules
    from ..catchup.worker import CatchupWorker
    from ..providers.assemblyai_batch import AssemblyAITranscripts
    from ..providers.transport import Session, Transport
    from ..repositories.transcripts import Transcripts

    used = settings()
    transport = Transport(Session(), "AssemblyAI", used.assemblyai_job_timeout_seconds, MAX_RECORDING_BYTES)
    recordings = AssemblyAITranscripts(
        transport, used.assemblyai_base_url, secret("assemblyai_api_key"), used.assemblyai_model_names
    )
    return CatchupWorker(
        ledger=ledger(),
        tables=tables(),
        transcripts=Transcripts(tables()),
        recordings=recordings,
        uploads=uploads(),
        text=text_model(used.openai_summary_timeout_seconds),
        rules=JobRules(),
        webhook_key=secret("identity_hmac_key"),
        now=now,
        new_id=new_id,
    )


@lru_cache
def questions() -> "Questions":
    from ..repositories.transcripts import Transcripts
    from ..transcripts.questions import Questions

    used = settings()
    return Questions(
        ledger=ledger(),
        transcripts=Transcripts(tables()),
        text=lazy(lambda: text_model(used.openai_answer_timeout_seconds)),
        prices=price_files.load(used.price_version),
        is_on=used.has_text_model,
        now=now,
        new_id=new_id,
    )


def text_model(timeout_seconds: float) -> "OpenAIText":
    from ..providers.openai_text import OpenAIText
    from ..providers.transport import Session, Transport

    used = settings()
    return OpenAIText(
        Transport(Session(), "OpenAI", timeout_seconds),
        used.openai_base_url,
        secret("openai_api_key"),
        used.openai_text_model,
        api=used.openai_text_api,
        effort=used.openai_text_effort,
    )


@lru_cache
def uploads() -> "Uploads":
    from ..providers.upload_files import Uploads

    return Uploads(bucket_client(), settings().upload_bucket)


@lru_cache
def export_files() -> "ExportFiles":
    from ..providers.export_files import ExportFiles

    return ExportFiles(bucket_client(), settings().upload_bucket)


@lru_cache
def bucket_client() -> Any:
    return _client("s3", AWS_CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "path"})))


@lru_cache
def queue() -> "Queue":
    from ..providers.queue import Queue

    return Queue(_client("sqs"), settings().jobs_queue_url)


@lru_cache
def history() -> "History":
    from ..repositories.transcripts import Transcripts
    from ..transcripts.history import History

    return History(ledger(), tables(), Transcripts(tables()), cursors(), now)


@lru_cache
def statements() -> "Statements":
    from ..credits.statement import Statements

    return Statements(ledger(), cursors())


@lru_cache
def purchases() -> "Purchases":
    from ..payments.checkout import Purchases

    used = settings()
    return Purchases(
        ledger=ledger(),
        tables=tables(),
        prices=price_files.load(used.price_version),
        fulfilment=fulfilment(),
        is_on=bool(used.stripe_api_key),
        return_origins=used.allowed_origins,
        success_url=used.checkout_success_url,
        cancel_url=used.checkout_cancel_url,
        now=now,
    )


@lru_cache
def reconciler() -> "Reconciler":
    from ..payments.reconciliation import Reconciler

    return Reconciler(fulfilment(), tables(), bool(settings().stripe_api_key), now)


@lru_cache
def fulfilment() -> "Fulfilment":
    from ..payments.fulfilment import Fulfilment
    from ..providers.stripe_client import StripeGateway

    used = settings()
    gateway = lazy(
        lambda: StripeGateway(
            secret("stripe_api_key"),
            tuple(listed(secret("stripe_webhook_secret"))),  # Two while it is being rotated.
            APP_NAME,
            used.stage,
            used.payment_methods,
            used.stripe_api_base,
        )
    )
    return Fulfilment(tables(), gateway, used.stage, used.stripe_mode == "live", now)


@lru_cache
def usage_report() -> "UsageReport":
    from ..credits.usage import UsageReport

    return UsageReport(ledger(), now)


@lru_cache
def cost_report() -> "CostReport":
    from ..admin.costs import CostReport

    return CostReport(ledger(), aggregates(), price_files.load(settings().price_version), cursors(), now)


@lru_cache
def audits() -> "Audits":
    from ..admin.usage_figures import ActiveAndTopUsers
    from ..audit.reader import Auditor, AuditRules
    from ..audit.service import Audits

    rules = AuditRules()
    return Audits(
        ledger=ledger(),
        tables=tables(),
        auditor=Auditor(
            tables=tables(),
            aggregates=aggregates(),
            price_versions=frozenset(price_files.available()),
            usage_collector=ActiveAndTopUsers(),
            rules=rules,
            now=now,
            pause=time.sleep,
        ),
        queue=queue(),
        rules=rules,
        now=now,
        new_id=new_id,
    )


@lru_cache
def cursors() -> Cursors:
    return lazy(lambda: Cursors(secret("identity_hmac_key")))


@lru_cache
def lease_rules() -> "LeaseRules":
    from ..streaming.lease_rules import LeaseRules

    used = settings()
    return LeaseRules(
        default_seconds=used.lease_seconds,
        free_allowance_seconds=used.free_allowance_seconds,
        paid_allowance_seconds=used.paid_allowance_seconds,
    )


@lru_cache
def verifier() -> TokenVerifier:
    used = settings()
    packaged = JWKS_DIRECTORY / f"{used.cognito_user_pool_id}.json"
    keys = json.loads(packaged.read_text()) if packaged.is_file() else None
    return TokenVerifier(used.issuer, used.cognito_client_id, lambda: _fetched_keys(used.jwks_url), now, keys)


@lru_cache
def ledger() -> Ledger:
    return Ledger(tables())


@lru_cache
def aggregates() -> "Aggregates":
    from ..repositories.aggregates import Aggregates

    return Aggregates(tables())


@lru_cache
def rate_limiter() -> RateLimiter:
    used = settings()
    return RateLimiter(tables(), used.limits, lambda: secret("identity_hmac_key"), lambda: time.time_ns() // 1_000)


@lru_cache
def tables() -> CountingTables:
    used = settings()
    return CountingTables(_client("dynamodb"), used.ledger_table, used.app_table)


def _client(service: Any, config: Config = AWS_CONFIG) -> Any:
    client = boto3.client(service, region_name=settings().aws_default_region, config=config)
    count_aws_calls(client)
    return client


def _fetched_keys(url: str) -> Any:
    import requests

    try:
        answer = requests.get(url, timeout=JWKS_TIMEOUT_SECONDS, allow_redirects=False)
        answer.raise_for_status()
        return answer.json()
    except (requests.RequestException, ValueError) as error:
        raise UnavailableError("The sign-in service's keys cannot be had.") from error
