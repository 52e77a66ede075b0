"""What a request for a catch-up asks for: which range of which source. Pure rules.

Each function raises InvalidRequestError that names the field and what to send instead.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from .. import contract
from ..errors import InvalidRequestError
from ..models.transcripts import Segment
from ..pricing.price_files import LONGEST_CATCHUP_MS as LONGEST_RANGE_MS, MILLISECONDS_PER_MINUTE
from .job_rules import segments_in_range
from .media_url import check_is_file, check_public_https

SESSION_FIELDS = "Send either `minutes`, or from_ms and to_ms."


@dataclass(frozen=True)
class RequestedRange:
    """A checked request. `range_hash` is the same for the same range of the same unchanged source."""

    range_hash: str
    from_ms: int
    to_ms: int
    upload_id: str = ""
    audio_url: str = ""
    session_id: str = ""
    transcript_id: str = ""

    @property
    def service(self) -> str:
        """The service in the price list."""
        return "catchup_session" if self.session_id else "catchup"


def check_one_source(body: contract.Catchup) -> None:
    """A request names one source: upload_id, audio_url or session_id."""
    fields = [name for name in ("upload_id", "audio_url", "session_id") if getattr(body, name) is not None]
    if len(fields) != 1:
        message = "Send exactly one of upload_id, audio_url and session_id."
        raise InvalidRequestError(message, fields[1] if fields else "body")


def check_recording_range(body: contract.Catchup) -> tuple[int, int]:
    """The range of an upload or of a public address."""
    if body.minutes is not None:
        message = "`minutes` counts back in a session. For a recording, send from_ms and to_ms."
        raise InvalidRequestError(message, "minutes")
    from_ms, to_ms = _check_range(body.from_ms or 0, body.to_ms)
    if to_ms > LONGEST_RANGE_MS:
        raise InvalidRequestError("A recording can be at most 10 hours long. Send a smaller to_ms.", "to_ms")
    return from_ms, to_ms


def range_of_url(body: contract.Catchup, audio_url: str) -> RequestedRange:
    from_ms, to_ms = check_recording_range(body)
    url = check_public_https(audio_url, "audio_url")
    check_is_file(url, "audio_url")
    return RequestedRange(_hash_range("url", url, body.language, from_ms, to_ms), from_ms, to_ms, audio_url=url)


def range_of_upload(body: contract.Catchup, upload_id: str, fingerprint: str) -> RequestedRange:
    """`fingerprint` changes when the uploaded file changes."""
    from_ms, to_ms = check_recording_range(body)
    range_hash = _hash_range("upload", f"{upload_id} {fingerprint}", body.language, from_ms, to_ms)
    return RequestedRange(range_hash, from_ms, to_ms, upload_id=upload_id)


def check_session_fields(body: contract.Catchup) -> None:
    """A session's range is either `minutes` back, or from_ms and to_ms."""
    if (body.minutes is None) == (body.to_ms is None):
        raise InvalidRequestError(SESSION_FIELDS, "minutes")


def range_of_session(
    body: contract.Catchup, session_id: str, transcript_id: str, segments: Sequence[Segment]
) -> RequestedRange:
    """The range of a live session that has these saved `segments`, one at least."""
    end_ms = max(segment.end_ms for segment in segments)
    if body.minutes is not None:
        if body.from_ms is not None:
            raise InvalidRequestError(SESSION_FIELDS, "from_ms")
        from_ms, to_ms = max(0, end_ms - body.minutes * MILLISECONDS_PER_MINUTE), end_ms
    else:
        from_ms, to_ms = _check_range(body.from_ms or 0, body.to_ms)
    if from_ms >= end_ms:
        raise InvalidRequestError("The session has no saved text after from_ms. Send a smaller from_ms.", "from_ms")
    to_ms = min(to_ms, end_ms)
    range_segments = segments_in_range(segments, from_ms, to_ms)
    if not range_segments:
        raise InvalidRequestError("The session has no saved text in this range. Choose another range.", "from_ms")
    text_hash = hashlib.sha256(repr(range_segments).encode()).hexdigest()
    # The text exists already, so the requested language changes nothing about it.
    range_hash = _hash_range("session", f"{session_id} {text_hash}", "", from_ms, to_ms)
    return RequestedRange(range_hash, from_ms, to_ms, session_id=session_id, transcript_id=transcript_id)


def _check_range(from_ms: int, to_ms: int | None) -> tuple[int, int]:
    if to_ms is None:
        raise InvalidRequestError("Send to_ms, the end of the range.", "to_ms")
    if to_ms <= from_ms:
        raise InvalidRequestError("to_ms must be greater than from_ms.", "to_ms")
    if to_ms - from_ms > LONGEST_RANGE_MS:
        raise InvalidRequestError("A range can be at most 10 hours long. Send a smaller to_ms.", "to_ms")
    return from_ms, to_ms


def _hash_range(kind: str, source: str, language: str, from_ms: int, to_ms: int) -> str:
    source_text = "\n".join((kind, source, language, str(from_ms), str(to_ms)))
    return hashlib.sha256(source_text.encode()).hexdigest()
