"""Credits as their owner sees them: the balance, and a statement that explains every entry of the ledger."""

from dataclasses import dataclass

from .. import contract
from ..csv import CSV_CONTENT_TYPE, csv_text
from ..cursors import Cursors
from ..dates import rfc3339
from ..errors import quantity
from ..models.accounts import Caller
from ..models.downloads import Download
from ..models.ledger import Entry, ModelUse
from ..repositories.ledger import Ledger

CURSOR_PREFIX = "ENTRY#"
CSV_PAGE_SIZE, MAX_CSV_PAGES = 100, 10
CSV_COLUMNS = (
    "at", "kind", "credits", "explanation", "service", "session_id", "job_id", "purchase_id", "seconds", "credits_held",
    "cents", "price_version", "id",
)  # fmt: skip
PURCHASE_KINDS = ("purchase", "clawback", "clawback_reversed")
USAGE_TEXTS = {
    "live": "{seconds:.1f} s of live transcription",
    "catchup": "Catch-up of {seconds:.1f} s of a recording",
    "catchup_session": "Catch-up of {seconds:.1f} s of a live session",
    "ask": "A question about a transcript",
}


@dataclass(frozen=True)
class Statements:
    """The balance and the statement of an account."""

    ledger: Ledger
    cursors: Cursors

    def balance(self, caller: Caller) -> contract.CreditBalance:
        """The credits available and held, and the totals since the account was opened."""
        balance, _ = self.ledger.admit(caller)
        return contract.CreditBalance(
            available=balance.available,
            held=balance.held,
            lifetime_granted=balance.granted,
            lifetime_purchased=balance.purchased,
            lifetime_used=balance.used,
        )

    def transactions(self, caller: Caller, limit: int, cursor: str | None) -> contract.Transactions:
        """One page of entries, newest first. Raises InvalidRequestError for an invalid cursor."""
        return self._page(caller, caller.user_id, limit, cursor, (caller.user_id,))

    def transactions_of(self, admin: Caller, user_id: str, limit: int, cursor: str | None) -> contract.Transactions:
        """The same page of any user, as that user sees it. An unknown user has no entries."""
        return self._page(admin, user_id, limit, cursor, (admin.user_id, user_id))

    def _page(
        self, caller: Caller, user_id: str, limit: int, cursor: str | None, scope: tuple[str, ...]
    ) -> contract.Transactions:
        after = self.cursors.decode(CURSOR_PREFIX, cursor, *scope)
        self.ledger.admit(caller)
        entries, last = self.ledger.entries(user_id, limit, after)
        next_cursor = self.cursors.encode(CURSOR_PREFIX, last, *scope)
        return contract.Transactions(transactions=[_transaction(entry) for entry in entries], next_cursor=next_cursor)

    def csv(self, caller: Caller, cursor: str | None) -> Download:
        """Up to a thousand entries as a CSV file, newest first, and the cursor of the next file."""
        after = self.cursors.decode(CURSOR_PREFIX, cursor, caller.user_id)
        self.ledger.admit(caller)
        transactions: list[contract.Transaction] = []
        for _ in range(MAX_CSV_PAGES):
            entries, after = self.ledger.entries(caller.user_id, CSV_PAGE_SIZE, after)
            transactions += map(_transaction, entries)
            if after is None:
                break
        rows = [[getattr(transaction, column) for column in CSV_COLUMNS] for transaction in transactions]
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
    """The entry in a sentence for the owner of the account."""
    if entry.kind != "usage":
        return entry.reason
    if not entry.hold_id and entry.audio_ms == entry.credits == entry.cost_micro_usd == 0:
        return "What your client reported of a session that had ended; no credits used"
    text = USAGE_TEXTS.get(entry.service, "{seconds:.1f} s of " + entry.service).format(seconds=entry.audio_ms / 1000)
    transcribed_ms = sum(use.audio_ms for use in entry.uses)
    if entry.service == "live" and 0 < transcribed_ms < entry.audio_ms:
        text += f" ({transcribed_ms / 1000:.1f} s of audio, each chunk counted as 1 s at least)"
    was_held = f"{quantity(entry.held, 'credit')} {'was' if entry.held == 1 else 'were'} held"
    return f"{text}; {was_held}, {-entry.credits:,} used"
