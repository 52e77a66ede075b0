"""The use cases as wiring.py puts them together, on given tables, with a given clock and the crowd's providers."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.accounts.free_credits import FreeCreditRules, FreeCredits
from chalicelib.catchup.job_rules import JobRules
from chalicelib.catchup.service import Catchups
from chalicelib.catchup.worker import CatchupWorker
from chalicelib.ids import ulid
from chalicelib.payments.checkout import Purchases
from chalicelib.payments.fulfilment import Fulfilment
from chalicelib.pricing import price_files
from chalicelib.repositories.ledger import Ledger
from chalicelib.repositories.table import Tables
from chalicelib.repositories.transcripts import Transcripts
from chalicelib.streaming.lease_rules import LeaseRules
from chalicelib.streaming.leases import Leases
from chalicelib.streaming.relay import Relay
from chalicelib.streaming.service import Streaming
from chalicelib.transcripts.questions import Questions
from scripts.crowd.providers import Files, Messages, Payments, Reader, Recogniser, Recordings, Tickets

ORIGIN = "https://pay.example"


@dataclass
class Clock:
    """Stands where it is put. Epoch seconds, UTC."""

    at: int = 0

    def __call__(self) -> int:
        return self.at


@dataclass(frozen=True)
class Services:
    """One clock and everything that tells its time."""

    clock: Clock
    ledger: Ledger
    free_credits: FreeCredits
    streaming: Streaming
    relay: Relay
    catchups: Catchups
    worker: CatchupWorker
    assistant: Questions
    purchases: Purchases
    fulfilment: Fulfilment
    payments: Payments
    queue: Messages

    @classmethod
    def on(
        cls,
        tables: Tables,
        *,
        identity_key: str,
        price_version: str,
        stage: str = "local",
        recordings: Recordings | None = None,
    ) -> "Services":
        """`recordings`: a provider that others share, so that anybody's worker may go on with a job."""
        clock, ledger, prices, rules = Clock(), Ledger(tables), price_files.load(price_version), LeaseRules()
        transcripts, queue, payments = Transcripts(tables), Messages(), Payments(stage)
        fulfilment = Fulfilment(tables, payments, stage, is_live=False, now=clock)

        def new_ulid() -> str:
            return ulid(clock() * 1000)

        common = {"ledger": ledger, "transcripts": transcripts, "now": clock}
        return cls(
            clock=clock,
            ledger=ledger,
            free_credits=FreeCredits(ledger, tables, FreeCreditRules(credits_per_day=10**9), identity_key, clock),
            streaming=Streaming(
                ledger=ledger,
                tables=tables,
                prices=prices,
                rules=rules,
                leases=Leases(ledger, tables, rules, [Tickets()], clock),
                relay_provider="assemblyai",
                now=clock,
                new_ulid=new_ulid,
            ),
            relay=Relay(ledger, tables, (Recogniser(),), prices, rules.chunk_stale_after_seconds, clock, new_id),
            catchups=Catchups(
                **common,
                tables=tables,
                uploads=Files(),
                queue=queue,
                prices=prices,
                rules=JobRules(),
                webhook_key=identity_key,
                is_on=True,
                new_ulid=new_ulid,
            ),
            worker=CatchupWorker.assemble(
                **common,
                tables=tables,
                recordings=recordings or Recordings(),
                uploads=Files(),
                text=Reader(),
                rules=JobRules(),
                webhook_key=identity_key,
                new_id=new_id,
            ),
            assistant=Questions(**common, text=Reader(), prices=prices, is_on=True, new_id=new_id),
            purchases=Purchases(
                ledger=ledger,
                tables=tables,
                prices=prices,
                fulfilment=fulfilment,
                is_on=True,
                return_origins=frozenset({ORIGIN}),
                success_url=ORIGIN,
                cancel_url=ORIGIN,
                now=clock,
            ),
            fulfilment=fulfilment,
            payments=payments,
            queue=queue,
        )

    def swept(self, at: int) -> None:
        """What the scheduler ends by then."""
        self.clock.at = at
        self.streaming.sweep()
        self.catchups.sweep()
        self.assistant.sweep()
        while self.queue.sent:
            self.worker.advance(self.queue.sent.pop(0))


def new_id() -> str:
    return str(uuid.uuid4())


NewServices = Callable[[], Services]
