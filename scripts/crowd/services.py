"""The use cases as wiring builds them, with given tables, a given clock and simulated providers."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.accounts.free_credits import FreeCreditRules, FreeCredits
from chalicelib.catchup.job_rules import JobRules
from chalicelib.catchup.service import Catchups
from chalicelib.catchup.worker import CatchupWorker
from chalicelib.cursors import Cursors
from chalicelib.ids import ulid
from chalicelib.payments.checkout import Purchases
from chalicelib.payments.fulfilment import Fulfilment
from chalicelib.pricing import price_files
from chalicelib.pricing.price_files import Prices
from chalicelib.repositories.ledger import Ledger
from chalicelib.repositories.table import Tables
from chalicelib.repositories.transcripts import Transcripts
from chalicelib.streaming.lease_rules import LeaseRules
from chalicelib.streaming.leases import Leases
from chalicelib.streaming.live_providers import LiveProviders
from chalicelib.streaming.relay import Relay
from chalicelib.streaming.service import Streaming
from chalicelib.transcripts.questions import Questions
from scripts.crowd.providers import (
    BatchTranscription,
    JobMessages,
    LiveSockets,
    Payments,
    SpeechRecognition,
    TextModel,
    UploadFiles,
)

ORIGIN = "https://pay.example"


@dataclass
class Clock:
    """A clock that is set. Epoch seconds, UTC."""

    at: int = 0

    def __call__(self) -> int:
        return self.at


@dataclass(frozen=True)
class Services:
    """A clock and the use cases that read it."""

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
    queue: JobMessages

    @classmethod
    def build(
        cls,
        tables: Tables,
        *,
        identity_key: str,
        price_version: str,
        stage: str = "local",
        recordings: BatchTranscription | None = None,
    ) -> "Services":
        """`recordings`: a shared provider, so that every worker can continue a job."""
        clock, ledger, prices, rules = Clock(), Ledger(tables), price_files.load(price_version), LeaseRules()
        transcripts, queue, payments = Transcripts(tables), JobMessages(), Payments(stage)
        fulfilment = Fulfilment(tables, payments, stage, is_live=False, now=clock)

        def new_ulid() -> str:
            return ulid(clock() * 1000)

        common: dict[str, Any] = {"ledger": ledger, "transcripts": transcripts, "now": clock}
        return cls(
            clock=clock,
            ledger=ledger,
            free_credits=FreeCredits(ledger, tables, FreeCreditRules(credits_per_day=10**9), identity_key, clock),
            streaming=_build_streaming(ledger, tables, prices, rules, clock, new_ulid),
            relay=Relay(ledger, tables, (SpeechRecognition(),), prices, rules.chunk_stale_after_seconds, clock, new_id),
            catchups=Catchups(
                **common,
                tables=tables,
                uploads=UploadFiles(),
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
                recordings=recordings or BatchTranscription(),
                uploads=UploadFiles(),
                text=TextModel(),
                rules=JobRules(),
                webhook_key=identity_key,
                new_id=new_id,
            ),
            assistant=Questions(**common, text=TextModel(), prices=prices, is_on=True, new_id=new_id),
            purchases=_build_purchases(ledger, tables, prices, fulfilment, clock, Cursors(identity_key)),
            fulfilment=fulfilment,
            payments=payments,
            queue=queue,
        )

    def sweep(self, at: int) -> None:
        """Run the sweeps of the scheduler, as of `at`."""
        self.clock.at = at
        self.streaming.sweep()
        self.catchups.sweep()
        self.assistant.sweep()
        while self.queue.sent:
            self.worker.advance(self.queue.sent.pop(0))


def new_id() -> str:
    return str(uuid.uuid4())


NewServices = Callable[[], Services]


def _build_streaming(
    ledger: Ledger, tables: Tables, prices: Prices, rules: LeaseRules, clock: Clock, new_ulid: Callable[[], str]
) -> Streaming:
    return Streaming(
        ledger=ledger,
        tables=tables,
        prices=prices,
        rules=rules,
        leases=Leases(ledger, tables, rules, LiveProviders({"assemblyai": LiveSockets()}), clock),
        relay_provider="assemblyai",
        now=clock,
        new_ulid=new_ulid,
    )


def _build_purchases(
    ledger: Ledger, tables: Tables, prices: Prices, fulfilment: Fulfilment, clock: Clock, cursors: Cursors
) -> Purchases:
    return Purchases(
        ledger=ledger,
        tables=tables,
        prices=prices,
        fulfilment=fulfilment,
        is_on=True,
        return_origins=(ORIGIN,),
        success_url=ORIGIN,
        cancel_url=ORIGIN,
        now=clock,
        cursors=cursors,
    )
