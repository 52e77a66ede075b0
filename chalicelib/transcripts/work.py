"""What a user recorded, for support: sessions and recordings with their times and costs, and none of their words."""

from dataclasses import dataclass

from .. import contract
from ..cursors import Cursors
from ..dates import rfc3339
from ..models.accounts import Caller
from ..models.transcripts import Transcript
from ..repositories.ledger import Ledger
from ..repositories.transcripts import TRANSCRIPT, Transcripts


@dataclass(frozen=True)
class RecordedWork:
    """The sessions and catch-ups of any user, as far as their transcripts were not deleted."""

    ledger: Ledger
    transcripts: Transcripts
    cursors: Cursors

    def page(self, admin: Caller, user_id: str, limit: int, cursor: str | None) -> contract.UserSessions:
        """One page, newest first. Raises InvalidRequestError for an invalid cursor."""
        scope = (admin.user_id, user_id)
        after = self.cursors.decode(TRANSCRIPT, cursor, *scope)
        self.ledger.admit(admin)
        lines, last = self.transcripts.page(user_id, limit, after)
        next_cursor = self.cursors.encode(TRANSCRIPT, last, *scope)
        return contract.UserSessions(sessions=list(map(_session, lines)), next_cursor=next_cursor)


def _session(line: Transcript) -> contract.UserSession:
    return contract.UserSession(
        transcript_id=line.transcript_id,
        kind=line.kind,
        state=line.state,
        started_at=rfc3339(line.started_at),
        ended_at=rfc3339(line.ended_at) if line.ended_at else "",
        seconds=line.audio_ms // 1000,
        credits_used=line.credits,
        session_id=line.session_id,
    )
