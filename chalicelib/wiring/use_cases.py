"""Builds the use cases, once per process and only when they are first needed: a cold start pays for what it uses."""

import time
from functools import lru_cache
from typing import TYPE_CHECKING

from ..errors import InsufficientCreditsError
from ..http.health_notes import HealthRecorder
from ..http.rate_limiter import RateLimiter
from ..pricing import price_files
from ..repositories.rate_limits import RateLimits
from ..settings.provider_registry import RELAY
from . import aws, providers
from .accounts import accounts as accounts
from .admin import (
    cost_report as cost_report,
    health_report as health_report,
    purchase_administration as purchase_administration,
    user_administration as user_administration,
    user_details as user_details,
    user_list as user_list,
)
from .aws import secret, settings, tables
from .common import aggregates, common, cursors, ledger, now
from .transcripts import (
    history as history,
    questions as questions,
    recorded_work as recorded_work,
    search as search,
    sharing as sharing,
)

if TYPE_CHECKING:
    from ..accounts.deletion import AccountDeletion
    from ..accounts.export import AccountExports
    from ..audit.service import Audits
    from ..catchup.service import Catchups
    from ..catchup.worker import CatchupWorker
    from ..credits.statement import Statements
    from ..credits.usage import UsageReport
    from ..payments.checkout import Purchases
    from ..payments.fulfilment import Fulfilment
    from ..payments.reconciliation import Reconciler
    from ..streaming.lease_rules import LeaseRules
    from ..streaming.leases import Leases
    from ..streaming.relay import Relay
    from ..streaming.service import Streaming


@lru_cache
def rate_limiter() -> RateLimiter:
    used = settings()
    return RateLimiter(
        RateLimits(tables()), used.limits, lambda: secret("identity_hmac_key"), lambda: time.time_ns() // 1_000
    )


@lru_cache
def health_recorder() -> HealthRecorder:
    return HealthRecorder(tables)


def explain_refusal(user_id: str, refusal: InsufficientCreditsError) -> InsufficientCreditsError:
    """The refusal with what holds the credits; a process reads none of that before it refuses somebody."""
    from ..repositories import held_credits

    return held_credits.explain_refusal(tables(), user_id, refusal, now())


# Accounts


@lru_cache
def account_deletion() -> "AccountDeletion":
    from ..accounts.deletion import AccountDeletion, DeletionRules
    from ..catchup.job_rules import JobRules

    return AccountDeletion(
        **common().of(AccountDeletion),
        leases=leases(),
        sign_ins=aws.cognito(),
        files=(aws.upload_files(), aws.export_files()),
        queue=aws.queue(),
        rules=DeletionRules(),
        jobs_kept_seconds=JobRules().failed_retention_seconds,
    )


@lru_cache
def account_exports() -> "AccountExports":
    from ..accounts.export import AccountExports, ExportRules
    from ..accounts.export_content import ExportContent

    return AccountExports(
        **common().of(AccountExports),
        export_content=ExportContent(tables(), aws.upload_files()),
        files=aws.export_files(),
        queue=aws.queue(),
        rules=ExportRules(),
    )


# Streaming


@lru_cache
def streaming() -> "Streaming":
    from ..streaming.service import Streaming

    return Streaming(**common().of(Streaming), rules=lease_rules(), leases=leases(), relay_provider=RELAY[0].name)


@lru_cache
def leases() -> "Leases":
    from ..streaming.leases import Leases

    return Leases(**common().of(Leases), rules=lease_rules(), live_providers=providers.live_providers())


@lru_cache
def lease_rules() -> "LeaseRules":
    from ..streaming.lease_rules import LeaseRules

    used = settings()
    return LeaseRules(
        default_seconds=used.lease_seconds,
        free_allowance_seconds=used.free_allowance_seconds,
        paid_allowance_seconds=used.paid_allowance_seconds,
        words_bytes_per_day=used.words_bytes_per_day,
        packs_words=used.pack_words == "on",
    )


@lru_cache
def relay() -> "Relay":
    from ..streaming.relay import Relay

    return Relay(
        **common().of(Relay),
        recognisers=providers.recognisers(),
        stale_after_seconds=lease_rules().chunk_stale_after_seconds,
    )


# Catch-up


@lru_cache
def catchups() -> "Catchups":
    from ..catchup.job_rules import JobRules
    from ..catchup.service import Catchups
    from ..repositories.transcripts import Transcripts

    return Catchups(
        **common().of(Catchups),
        transcripts=Transcripts(tables()),
        uploads=aws.upload_files(),
        queue=aws.queue(),
        rules=JobRules(session_reads_per_day=settings().session_reads_per_day),
        webhook_key=secret("identity_hmac_key"),
        is_on=settings().has_text_model,
    )


@lru_cache
def catchup_worker() -> "CatchupWorker":
    from ..catchup.job_rules import JobRules
    from ..catchup.worker import CatchupWorker
    from ..repositories.transcripts import Transcripts

    shared = common()
    return CatchupWorker.assemble(
        ledger=shared.ledger,
        tables=shared.tables,
        now=shared.now,
        new_id=shared.new_id,
        transcripts=Transcripts(tables()),
        recordings=providers.recordings(),
        uploads=aws.upload_files(),
        text=providers.summary_model(),
        rules=JobRules(),
        webhook_key=secret("identity_hmac_key"),
    )


# Credits and payments


@lru_cache
def statements() -> "Statements":
    from ..credits.statement import Statements

    return Statements(ledger(), cursors())


@lru_cache
def usage_report() -> "UsageReport":
    from ..credits.usage import UsageReport

    return UsageReport(ledger(), now)


@lru_cache
def purchases() -> "Purchases":
    from ..payments.checkout import Purchases

    used = settings()
    return Purchases(
        **common().of(Purchases),
        fulfilment=fulfilment(),
        cursors=cursors(),
        is_on=bool(used.stripe_api_key),
        return_origins=used.allowed_origins,
        success_url=used.checkout_success_url,
        cancel_url=used.checkout_cancel_url,
    )


@lru_cache
def fulfilment() -> "Fulfilment":
    from ..payments.fulfilment import Fulfilment

    used = settings()
    return Fulfilment(tables(), providers.payments(), used.stage, used.stripe_mode == "live", now)


@lru_cache
def reconciler() -> "Reconciler":
    from ..payments.reconciliation import Reconciler

    return Reconciler(fulfilment(), tables(), bool(settings().stripe_api_key), now)


# Audit


@lru_cache
def audits() -> "Audits":
    from ..admin.usage_figures import ActiveAndTopUsers
    from ..audit.reader import Auditor, AuditRules
    from ..audit.service import Audits
    from ..payments.refunds_and_disputes import purchase_value

    rules = AuditRules()
    auditor = Auditor(
        **common().of(Auditor),
        aggregates=aggregates(),
        price_tables=price_files.load_all(),
        purchase_value=purchase_value,
        usage_collector=ActiveAndTopUsers(),
        rules=rules,
        pause=time.sleep,
    )
    return Audits(**common().of(Audits), auditor=auditor, queue=aws.queue(), rules=rules)
