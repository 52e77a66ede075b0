"""Plain data of a session as it starts, is renewed and stops. Pure functions."""

from msgspec.structs import replace

from .. import contract
from ..dates import rfc3339
from ..models.ledger import Charge
from ..models.sessions import Session
from ..models.transcripts import Transcript
from .lease_rules import SERVICE

MAX_REMEMBERED_RENEWALS = 100  # with leases of ten minutes, those of 16 hours


def with_renewal(session: Session, renewal: str, body_hash: str) -> Session:
    """The session with the key and body hash of its new renewal; the earlier keys are kept."""
    followed = session.followed_renewals
    if session.renewal and session.renewal != renewal:
        followed = (*followed, session.renewal)[-MAX_REMEMBERED_RENEWALS:]
    return replace(session, renewal=renewal, renewal_hash=body_hash, followed_renewals=followed)


def with_client_report(charge: Charge, stopped: Session) -> Charge:
    """The charge with the duration that the client reports for the session, where it reports one."""
    if stopped.client_reported_seconds is None:
        return charge
    return replace(charge, reported_ms=stopped.client_reported_seconds * 1000, reported_of_ms=stopped.done_ms)


def stopped_response(stopped: Session, available: int, rejected: list[contract.RejectedSegment]) -> contract.Stopped:
    return contract.Stopped(
        session_id=stopped.session_id,
        transcript_id=stopped.transcript_id,
        billed_seconds=-(-stopped.done_ms // 1000),
        credits_used=stopped.charged,
        credits_available=available,
        rejected=rejected,
    )


def open_sessions_response(sessions: list[Session]) -> contract.OpenSessions:
    return contract.OpenSessions(
        sessions=[
            contract.OpenSession(
                session_id=session.session_id,
                transcript_id=session.transcript_id,
                state=session.state.value,
                next_seq=session.next_seq,
                credits_held=session.held,
                lease_expires_at=rfc3339(session.lease_expires_at),
            )
            for session in sessions
        ]
    )


def new_transcript(opened: Session, body: contract.Start) -> Transcript:
    """The session's entry in the history."""
    return Transcript(
        transcript_id=opened.transcript_id,
        kind=SERVICE,
        started_at=opened.started_at,
        title=body.title,
        source_url=body.source_url,
        language=body.language,
        session_id=opened.session_id,
        state=opened.state.value,
    )
