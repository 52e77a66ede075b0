"""What holds the credits of an account: where a request was refused for want of them, and for support."""

from ..errors import InsufficientCreditsError
from ..models.ledger import Hold, HoldKind, HoldState
from ..models.sessions import Session, SessionState
from .daily_caps import claim_daily_amount
from .ledger_items import balance_key, balance_of, hold_from, hold_key
from .sessions import list_open_sessions
from .table import Tables

EXPLAINED_PER_DAY = 100  # refusals of an account: each reads its open sessions
LEASED = (SessionState.OPENING, SessionState.ACTIVE)


def explain_refusal(
    tables: Tables, user_id: str, refusal: InsufficientCreditsError, at: int
) -> InsufficientCreditsError:
    """The refusal with what holds the credits, and so with what frees them. Raises UnavailableError.

    A renewal's own lease is not in `refusal.held`, because it would be settled first.
    """
    if refusal.held <= 0 or not claim_daily_amount(tables, f"refusals#{user_id}", 1, EXPLAINED_PER_DAY, at):
        return refusal
    balance = balance_of(tables.get(balance_key(user_id)))
    by_sessions = sum(session.held for session in leased_sessions(tables, user_id))
    by_disputes = sum(hold.credits for hold in open_dispute_holds(tables, user_id)) if balance.open_disputes else 0
    is_held_by = {
        "sessions": by_sessions > max(0, balance.held - refusal.held),
        "work": balance.held > by_sessions + by_disputes,
        "disputes": by_disputes > 0,
    }
    held_by = [name for name, holds in is_held_by.items() if holds]
    if not held_by:  # What held them has just ended.
        return refusal
    return InsufficientCreditsError(refusal.required, refusal.available, refusal.held, held_by)


def leased_sessions(tables: Tables, user_id: str) -> list[Session]:
    """The open sessions whose lease holds credits, newest first, at most 100."""
    return [session for session in list_open_sessions(tables, user_id) if session.state in LEASED]


def open_dispute_holds(tables: Tables, user_id: str) -> list[Hold]:
    """The holds of the disputes that no bank has decided."""
    first = hold_key(user_id, f"{HoldKind.DISPUTE}:")
    holds = map(hold_from, tables.query_all("ledger", first.pk, first.sk))
    return [hold for hold in holds if hold.state is HoldState.OPEN]
