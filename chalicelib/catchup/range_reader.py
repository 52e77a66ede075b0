"""Which range of which source a request means, from what is stored of the source, and how far the balance reaches.

The range of a session depends on all of its text. Reading that costs us, also where the request is then refused, is a
quote or is answered from store. So all that can be refused without the text is, and what remains has a limit per day.
The list of open sessions, which a range to the end needs, counts against the same limit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .. import contract
from ..dates import DAY_SECONDS
from ..errors import ConflictError, NotFoundError, RateLimitedError, quantity
from ..models.accounts import Caller
from ..models.catchup import UploadedFile
from ..models.ledger import Balance
from ..models.sessions import SessionState
from ..pricing.price_files import Prices
from ..repositories.daily_caps import claim_daily_amount
from ..repositories.ledger import Ledger
from ..repositories.sessions import list_open_sessions, session_from, session_key
from ..repositories.table import Tables
from ..repositories.transcripts import Transcripts
from .requested_range import (
    RequestedRange,
    check_one_source,
    check_recording_range,
    check_session_range,
    check_starts_before,
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
    reads_per_day: int
    now: Callable[[], int]  # epoch seconds, UTC

    def read(self, caller: Caller, body: contract.Catchup) -> RequestedRange:
        """The range of the request. Raises InvalidRequestError, NotFoundError, ConflictError, RateLimitedError."""
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
        """A range without an end as far as the balance reaches; one more lease of each running session is kept back.

        Raises RateLimitedError.
        """
        if not requested.is_to_end:
            return requested
        sessions = []
        if balance.held:  # Without a hold, no session runs.
            self._claim_session_read(caller.user_id)
            sessions = list_open_sessions(self.tables, caller.user_id)
        leases = [session.requested_lease_seconds for session in sessions if session.state in LEASED]
        for_leases = sum(self.prices.live_credits(seconds * 1_000) for seconds in leases)
        return requested.cut(self.prices.affordable_ms(requested.service, balance.available - for_leases))

    def _read_session(self, caller: Caller, body: contract.Catchup, session_id: str) -> RequestedRange:
        check_session_range(body)
        _, (item,) = self.ledger.admit(caller, extra_keys=[session_key(caller.user_id, session_id)])
        if item is None:
            raise NotFoundError("There is no session with this id.")
        session = session_from(item)
        # The text of a direct session is saved, never recognised here.
        if session.is_direct and session.words_until_ms and body.minutes is None:
            check_starts_before(session.words_until_ms, body.from_ms or 0)
        self._claim_session_read(caller.user_id)
        segments = self.transcripts.segments(caller.user_id, session.transcript_id)
        if not segments:
            raise ConflictError("This session has no saved segments yet. Save segments first.", "nothing_saved")
        return range_of_session(body, session_id, session.transcript_id, segments)

    def _claim_session_read(self, user_id: str) -> None:
        now = self.now()
        if not claim_daily_amount(self.tables, f"session-reads#{user_id}", 1, self.reads_per_day, now):
            times = quantity(self.reads_per_day, "time")
            message = f"This account's catch-ups read sessions {times} today. Retry tomorrow (UTC)."
            raise RateLimitedError(message, retry_after_seconds=DAY_SECONDS - now % DAY_SECONDS)
