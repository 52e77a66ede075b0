"""Credits as their owner sees them: the balance, and a statement that explains every movement."""

from dataclasses import dataclass

from .. import contract
from ..csv import CSV_CONTENT_TYPE, csv_text
from ..cursors import Cursors
from ..dates import rfc3339
from ..models.accounts import Caller
from ..models.downloads import Download
from ..models.ledger import Entry, ModelUse
from ..repositories.ledger import Ledger

CURSOR_PREFIX = "ENTRY#"
CSV_PAGE, CSV_PAGES = 100, 10
CSV_COLUMNS = (
    "at", "kind", "credits", "explanation", "service", "session_id", "job_id", "purchase_id", "seconds", "credits_held",
    "cents", "price_version", "id",
)  # fmt: skip
PURCHASE_KINDS = ("purchase", "clawback", "clawback_reversed")
USED = {
    "live": "{seconds:.1f} s of live transcription",
    "catchup": "Catch-up of {seconds:.1f} s of a recording",
    "catchup_session": "Catch-up of {seconds:.1f} s of a live session",
    "ask": "A question about a transcript",
}


@dataclass(frozen=True)
class Statements:
    """Balance and statement."""

    ledger: Ledger
    cursors: Cursors

    def balance(self, caller: Caller) -> contract.CreditBalance:
        """What the caller has, what open sessions hold, and the totals since the account began."""
        balance, _ = self.ledger.admit(caller)
        return contract.CreditBalance(
            available=balance.available,
            held=balance.held,
            lifetime_granted=balance.granted,
            lifetime_purchased=balance.purchased,
            lifetime_used=balance.used,
        )

    def transactions(self, caller: Caller, limit: int, cursor: str | None) -> contract.Transactions:
        """One page of movements, newest first. Raises InvalidRequestError for a foreign cursor."""
        after = self.cursors.decode(CURSOR_PREFIX, cursor, caller.user_id)
        self.ledger.admit(caller)
        entries, last = self.ledger.entries(caller.user_id, limit, after)
        following = self.cursors.encode(CURSOR_PREFIX, last, caller.user_id)
        return contract.Transactions(transactions=[_transaction(entry) for entry in entries], next_cursor=following)

    def csv(self, caller: Caller, cursor: str | None) -> Download:
        """Up to a thousand movements as a file for a spreadsheet, newest first, and where the next file starts."""
        after = self.cursors.decode(CURSOR_PREFIX, cursor, caller.user_id)
        self.ledger.admit(caller)
        movements: list[contract.Transaction] = []
        for _ in range(CSV_PAGES):
            entries, after = self.ledger.entries(caller.user_id, CSV_PAGE, after)
            movements += map(_transaction, entries)
            if after is None:
                break
        rows = [[getattr(movement, column) for column in CSV_COLUMNS] for movement in movements]
        next_cursor = self.cursors.encode(CURSOR_PREFIX, after, caller.user_id)
        return Download(csv_text(CSV_COLUMNS, rows), CSV_CONTENT_TYPE, "credits.csv", next_cursor)


def _transaction(entry: Entry) -> contract.Transaction:
    return contract.Transaction(
        id=entry.entry_id,
        kind=entry.kind,
        credits=entry.credits,
        at=rfc3339(entry.at),
        explanation=explanation(entry),
        service=entry.service,
        session_id=entry.reference if entry.service == "live" else "",
        job_id=entry.reference if entry.service in ("catchup", "catchup_session") else "",
        purchase_id=entry.reference if entry.kind in PURCHASE_KINDS else "",
        cents=entry.cents,
        hold_id=entry.hold_id,
        credits_held=entry.held,
        seconds=-(-entry.audio_ms // 1000),
        price_version=entry.price_version,
        models=[_model_use(use) for use in entry.uses],
    )


def _model_use(use: ModelUse) -> contract.ModelUsage:
    provider, _, model = use.model.partition("/")
    return contract.ModelUsage(
        provider=provider,
        model=model,
        audio_ms=use.audio_ms,
        input_tokens=use.input_tokens,
        output_tokens=use.output_tokens,
    )


def explanation(entry: Entry) -> str:
    """The movement in a sentence that a listener understands."""
    if entry.kind != "usage":
        return entry.reason
    what = USED.get(entry.service, "{seconds:.1f} s of " + entry.service).format(seconds=entry.audio_ms / 1000)
    return f"{what}; {entry.held} credits were held, {-entry.credits} used"
