"""Plain data of a session as it starts, is renewed and stops. Pure functions."""

from dataclasses import dataclass

from msgspec.structs import replace

from .. import contract
from ..dates import rfc3339
from ..errors import NotFoundError
from ..models.ledger import Balance, Charge
from ..models.sessions import HASH_DIGITS, Session, TurnSettings
from ..models.transcripts import Transcript
from ..repositories.allowances import spend_allowance
from ..repositories.table import Item, Write
from .lease_rules import SERVICE, LeaseEnd

MAX_REMEMBERED_RENEWALS = 100  # with leases of five minutes, those of 8 hours
REMEMBERED_DIGITS = 8  # of a renewal's key, a random id: of two keys of one session, none will share these


@dataclass(frozen=True)
class SessionSnapshot:
    """A caller's balance and session, and the day's allowance, from one read."""

    balance: Balance
    session: Session
    item: Item
    allowance_used_seconds: int


def check_exists(item: Item | None) -> Item:
    """The session's item. Raises NotFoundError."""
    if item is None:
        raise NotFoundError("There is no such session.")
    return item


def allowance_writes(snapshot: SessionSnapshot, ending: LeaseEnd, at: int) -> list[Write]:
    """The write that spends the day's allowance, if this ending returned credits from it."""
    if ending.returned_seconds == 0:
        return []
    return [spend_allowance(snapshot.session.user_id, at, ending.returned_seconds, snapshot.allowance_used_seconds)]


def with_renewal(session: Session, renewal: str, body_hash: str) -> Session:
    """The session with the key and body hash of its new renewal; the beginnings of earlier keys are kept."""
    followed = tuple(key[:REMEMBERED_DIGITS] for key in session.followed_renewals)
    if session.renewal and session.renewal != renewal:
        followed = (*followed, session.renewal[:REMEMBERED_DIGITS])[-MAX_REMEMBERED_RENEWALS:]
    return replace(session, renewal=renewal, renewal_hash=body_hash[:HASH_DIGITS], followed_renewals=followed)


def has_followed(session: Session, renewal: str) -> bool:
    """Whether the session was renewed again since this renewal. Sessions stored before have whole keys."""
    return any(key[:REMEMBERED_DIGITS] == renewal[:REMEMBERED_DIGITS] for key in session.followed_renewals)


def with_client_report(charge: Charge, stopped: Session, longest_seconds: int) -> Charge:
    """The charge with the duration that the client reports for the session, where it reports one.

    `longest_seconds`: the longest duration that is plausible; a longer one is not compared with ours.
    """
    reported_seconds = stopped.client_reported_seconds
    if reported_seconds is None:
        return charge
    if reported_seconds > longest_seconds:
        return replace(charge, implausible_ms=reported_seconds * 1000)
    return replace(charge, reported_ms=reported_seconds * 1000, reported_of_ms=stopped.done_ms)


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


def turn_settings(requested: contract.Turn | None) -> TurnSettings:
    """What the client asked for as it is stored, where every number is whole."""
    if requested is None:
        return TurnSettings()
    confidence = requested.confidence
    return TurnSettings(
        silence_ms=requested.silence_ms,
        max_silence_ms=requested.max_silence_ms,
        confidence_thousandths=None if confidence is None else round(confidence * 1000),
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
        state=opened.history_state.value,
    )
