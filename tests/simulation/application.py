"""The use cases of one container, put together as chalicelib/wiring does it, on the simulated outside."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.accounts.deletion import AccountDeletion, DeletionRules
from chalicelib.accounts.export import AccountExports, ExportRules
from chalicelib.accounts.export_content import ExportContent
from chalicelib.accounts.free_credits import FreeCreditRules, FreeCredits
from chalicelib.accounts.mail import Mail
from chalicelib.accounts.service import Accounts
from chalicelib.accounts.sign_ups import SignUps
from chalicelib.admin.usage_figures import ActiveAndTopUsers
from chalicelib.admin.users import UserAdministration
from chalicelib.audit.reader import Auditor, AuditRules
from chalicelib.audit.service import Audits
from chalicelib.catchup.job_rules import JobRules
from chalicelib.catchup.service import Catchups
from chalicelib.catchup.worker import CatchupWorker
from chalicelib.cursors import Cursors
from chalicelib.http.shared_page import render_transcript
from chalicelib.ids import ulid
from chalicelib.payments.administration import PurchaseAdministration
from chalicelib.payments.checkout import Purchases
from chalicelib.payments.fulfilment import Fulfilment
from chalicelib.payments.reconciliation import Reconciler
from chalicelib.payments.refunds_and_disputes import purchase_value
from chalicelib.pricing import price_files
from chalicelib.repositories.aggregates import Aggregates
from chalicelib.repositories.ledger import Ledger
from chalicelib.repositories.searched_items import SearchedItems
from chalicelib.repositories.table import Tables
from chalicelib.repositories.transcripts import Transcripts
from chalicelib.settings.provider_registry import RELAY
from chalicelib.streaming.lease_rules import LeaseRules
from chalicelib.streaming.leases import Leases
from chalicelib.streaming.live_providers import LiveProviders
from chalicelib.streaming.relay import Relay
from chalicelib.streaming.service import Streaming
from chalicelib.transcripts.history import History
from chalicelib.transcripts.questions import Questions
from chalicelib.transcripts.search import Search
from chalicelib.transcripts.sharing import TOKEN_BYTES, Sharing, SharingRules
from chalicelib.wiring.common import Common

if TYPE_CHECKING:
    from tests.simulation.providers import Providers

IDENTITY_KEY = "canary-key-of-the-simulation"
CURSORS = Cursors(IDENTITY_KEY)
STAGE, ORIGIN = "local", "https://extension.example"
# Small, so that caps and allowances are reached in every run.
FREE_CREDIT_RULES = FreeCreditRules(free_credits=200, accounts_per_network_day=3, credits_per_day=2_400)
LEASE_RULES = LeaseRules(free_allowance_seconds=600, paid_allowance_seconds=1_200, words_bytes_per_day=1_000_000)
SHARING_RULES = SharingRules(bytes_per_share_day=2_000_000, bytes_per_account_day=4_000_000)


@dataclass(frozen=True)
class Application:
    """The use cases of one container."""

    ledger: Ledger
    accounts: Accounts
    streaming: Streaming
    relay: Relay
    history: History
    search: Search
    sharing: Sharing
    purchases: Purchases
    reconciler: Reconciler
    administration: UserAdministration
    purchase_administration: PurchaseAdministration
    aggregates: Aggregates
    audits: Audits
    catchups: Catchups
    catchup_worker: CatchupWorker
    questions: Questions
    deletion: AccountDeletion
    exports: AccountExports


def build_application(
    tables: Tables,
    providers: "Providers",
    price_version: str,
    now_ms: Callable[[], int],
    new_id: Callable[[], str],
    random_bytes: Callable[[int], bytes],
    pause: Callable[[float], None],
) -> Application:
    """The use cases on these tables and providers, at these prices.

    `now_ms`: the clock of the process that runs; `pause`: seconds.
    """

    def now() -> int:
        return now_ms() // 1000

    prices = price_files.load(price_version)
    common = Common(Ledger(tables), tables, prices, now, new_id, lambda: ulid(now_ms(), random_bytes(10)))

    def collaborators(use_case: type) -> dict[str, Any]:
        return common.of(use_case)

    live_providers = LiveProviders({provider.name: provider for provider in providers.live}, frozenset({"openai"}))
    leases = Leases(**collaborators(Leases), rules=LEASE_RULES, live_providers=live_providers)
    fulfilment = Fulfilment(tables, providers.stripe, STAGE, is_live=False, now=now)
    audit_rules = AuditRules()
    auditor = Auditor(
        **collaborators(Auditor),
        aggregates=Aggregates(tables),
        price_tables=price_files.load_all(),
        purchase_value=purchase_value,
        usage_collector=ActiveAndTopUsers(),
        rules=audit_rules,
        pause=pause,
    )
    mail = Mail(**collaborators(Mail), identity_key=IDENTITY_KEY)
    sign_ups = SignUps(
        **collaborators(SignUps),
        cognito=providers.user_pool,  # type: ignore[arg-type]
        mail=mail,
        identity_key=IDENTITY_KEY,
        is_verification_on=False,
    )
    return Application(
        ledger=common.ledger,
        accounts=Accounts(
            **collaborators(Accounts),
            cognito=providers.user_pool,  # type: ignore[arg-type]
            verifier=providers.user_pool,  # type: ignore[arg-type]
            free_credits=FreeCredits(**collaborators(FreeCredits), rules=FREE_CREDIT_RULES, identity_key=IDENTITY_KEY),
            sign_ups=sign_ups,
            mail=mail,
            is_verification_on=False,
            pause=pause,
            elapsed=lambda: now_ms() / 1000,
        ),
        streaming=Streaming(**collaborators(Streaming), rules=LEASE_RULES, leases=leases, relay_provider=RELAY[0].name),
        relay=Relay(
            **collaborators(Relay),
            recognisers=providers.recognisers,
            stale_after_seconds=LEASE_RULES.chunk_stale_after_seconds,
        ),
        history=History(**collaborators(History), transcripts=Transcripts(tables), cursors=CURSORS),
        search=Search(common.ledger, SearchedItems(tables), CURSORS),
        sharing=Sharing(
            **collaborators(Sharing),
            transcripts=Transcripts(tables),
            render=render_transcript,
            rules=SHARING_RULES,
            new_token=lambda: random_bytes(TOKEN_BYTES).hex(),
        ),
        purchases=Purchases(
            **collaborators(Purchases),
            fulfilment=fulfilment,
            is_on=True,
            return_origins=(ORIGIN,),
            cursors=CURSORS,
            success_url=f"{ORIGIN}/paid",
            cancel_url=f"{ORIGIN}/cancelled",
        ),
        reconciler=Reconciler(fulfilment, tables, is_on=True, now=now),
        administration=UserAdministration(**collaborators(UserAdministration)),
        purchase_administration=PurchaseAdministration(
            **collaborators(PurchaseAdministration), gateway=providers.stripe, cursors=CURSORS
        ),
        aggregates=Aggregates(tables),
        audits=Audits(**collaborators(Audits), auditor=auditor, queue=providers.queue, rules=audit_rules),
        catchups=Catchups(
            **collaborators(Catchups),
            transcripts=Transcripts(tables),
            uploads=providers.uploads,
            queue=providers.queue,
            rules=JobRules(),
            webhook_key=IDENTITY_KEY,
            is_on=True,
        ),
        catchup_worker=CatchupWorker.assemble(
            ledger=common.ledger,
            tables=tables,
            now=now,
            new_id=lambda: providers.note_claim(new_id()),
            transcripts=Transcripts(tables),
            recordings=providers.recordings,
            uploads=providers.uploads,
            text=providers.text,
            rules=JobRules(),
            webhook_key=IDENTITY_KEY,
        ),
        questions=Questions(
            **collaborators(Questions), transcripts=Transcripts(tables), text=providers.text, is_on=True
        ),
        deletion=AccountDeletion(
            **collaborators(AccountDeletion),
            leases=leases,
            sign_ins=providers.user_pool,
            files=(providers.uploads, providers.exports),
            queue=providers.queue,
            rules=DeletionRules(),
            jobs_kept_seconds=JobRules().failed_retention_seconds,
        ),
        exports=AccountExports(
            **collaborators(AccountExports),
            export_content=ExportContent(tables, providers.uploads),
            files=providers.exports,
            queue=providers.queue,
            rules=ExportRules(),
        ),
    )
