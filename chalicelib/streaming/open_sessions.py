"""The sessions that an extension finds when it wakes: those that run, and those that can be resumed."""

from collections.abc import Callable
from dataclasses import dataclass

from .. import contract
from ..dates import rfc3339
from ..models.accounts import Caller
from ..models.sessions import SessionState
from ..repositories.ledger import Ledger
from ..repositories.sessions import list_open_sessions
from ..repositories.table import Tables
from .lease_rules import LeaseRules


@dataclass(frozen=True)
class OpenSessions:
    """Lists the caller's sessions that were not stopped."""

    ledger: Ledger
    tables: Tables
    rules: LeaseRules
    now: Callable[[], int]  # epoch seconds, UTC

    def list(self, caller: Caller) -> contract.OpenSessions:
        """Newest first, at most 100; without those that ended too long ago to be resumed."""
        self.ledger.admit(caller)
        sessions = [
            contract.OpenSession(
                session_id=session.session_id,
                transcript_id=session.transcript_id,
                state=session.state.value,
                next_seq=session.next_seq,
                credits_held=session.held,
                lease_expires_at=rfc3339(session.lease_expires_at),
            )
            for session in list_open_sessions(self.tables, caller.user_id)
            if session.state is not SessionState.STOPPED and not self.rules.is_too_late_to_resume(session, self.now())
        ]
        return contract.OpenSessions(sessions=sessions)
