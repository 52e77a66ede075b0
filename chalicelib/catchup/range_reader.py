"""Which range of which source a request means, from what is stored of the source, and how far the balance reaches."""

from dataclasses import dataclass
from typing import Protocol

from .. import contract
from ..errors import ConflictError, NotFoundError
from ..models.accounts import Caller
from ..models.catchup import UploadedFile
from ..models.ledger import Balance
from ..models.sessions import SessionState
from ..pricing.price_files import Prices
from ..repositories.ledger import Ledger
from ..repositories.sessions import list_open_sessions, session_from, session_key
from ..repositories.table import Tables
from ..repositories.transcripts import Transcripts
from .requested_range import (
    RequestedRange,
    check_one_source,
    check_recording_range,
    check_session_fields,
    range_of_session,
    range_of_upload,
    range_of_url,
)

LEASED = (SessionState.OPENING, SessionState.ACTIVE)


class Uploads(Protocol):
    """Where uploaded recordings are stored."""

    def find_upload(self, user_id: str, upload_id: str) -> UploadedFile | None: ...


@dataclass(frozen=True)
class RangeReader:
    """Reads the source of a request."""

    ledger: Ledger
    tables: Tables
    transcripts: Transcripts
    uploads: Uploads
    prices: Prices

    def read(self, caller: Caller, body: contract.Catchup) -> RequestedRange:
        """The range of the request. Raises InvalidRequestError, NotFoundError, ConflictError."""
        check_one_source(body)
        if body.session_id is not None:
            return self._read_session(caller, body, body.session_id)
        if body.audio_url is not None:
            return range_of_url(body, body.audio_url)
        check_recording_range(body)
        upload_id = body.upload_id or ""
        file = self.uploads.find_upload(caller.user_id, upload_id)
        if file is None:
            raise NotFoundError("There is no upload with this id. Upload the recording first.")
        return range_of_upload(body, upload_id, file)

    def cut(self, caller: Caller, requested: RequestedRange, balance: Balance) -> RequestedRange:
        """A range without an end as far as the balance reaches; one more lease of each running session is kept back."""
        if not requested.is_to_end:
            return requested
        # Without a hold, no session runs.
        sessions = list_open_sessions(self.tables, caller.user_id) if balance.held else []
        leases = [session.requested_lease_seconds for session in sessions if session.state in LEASED]
        for_leases = sum(self.prices.live_credits(seconds * 1_000) for seconds in leases)
        return requested.cut(self.prices.affordable_ms(requested.service, balance.available - for_leases))

    def _read_session(self, caller: Caller, body: contract.Catchup, session_id: str) -> RequestedRange:
        check_session_fields(body)
        _, (item,) = self.ledger.admit(caller, extra_keys=[session_key(caller.user_id, session_id)])
        if item is None:
            raise NotFoundError("There is no session with this id.")
        transcript_id = session_from(item).transcript_id
        segments = self.transcripts.segments(caller.user_id, transcript_id)
        if not segments:
            raise ConflictError("This session has no saved segments yet. Save segments first.", "nothing_saved")
        return range_of_session(body, session_id, transcript_id, segments)
