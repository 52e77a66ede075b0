"""Credits as their owner sees them: the balance, and a statement that explains every movement."""

from dataclasses import dataclass

from . import contract, cursors
from .models import Caller, Entry, ModelUse
from .repositories.ledger import Ledger
from .times import rfc3339

CURSOR_PREFIX = "ENTRY#"


@dataclass(frozen=True)
class Billing:
    """Balance and statement."""

    ledger: Ledger

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
        after = cursors.decode(CURSOR_PREFIX, cursor)
        self.ledger.admit(caller)
        entries, last = self.ledger.entries(caller.user_id, limit, after)
        return contract.Transactions([_transaction(entry) for entry in entries], cursors.encode(CURSOR_PREFIX, last))


def _transaction(entry: Entry) -> contract.Transaction:
    return contract.Transaction(
        id=entry.entry_id,
        kind=entry.kind,
        credits=entry.credits,
        at=rfc3339(entry.at),
        explanation=explanation(entry),
        service=entry.service,
        session_id=entry.reference if entry.service == "live" else "",
        hold_id=entry.hold_id,
        credits_held=entry.held,
        seconds=-(-entry.audio_ms // 1000),
        price_version=entry.price_version,
        models=[_model_use(use) for use in entry.uses],
    )


def _model_use(use: ModelUse) -> contract.ModelUse:
    provider, _, model = use.model.partition("/")
    return contract.ModelUse(provider, model, use.audio_ms)


def explanation(entry: Entry) -> str:
    """The movement in a sentence that a listener understands."""
    if entry.kind == "usage":
        seconds = entry.audio_ms / 1000
        return (
            f"{seconds:.1f} s of {entry.service} transcription; {entry.held} credits were held, {-entry.credits} used"
        )
    return entry.reason
