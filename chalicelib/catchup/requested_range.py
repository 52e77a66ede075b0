"""What a request for a catch-up asks for: which range of which source. Pure rules.

Each function raises InvalidRequestError that names the field and what to send instead.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .. import contract
from ..errors import InvalidRequestError
from ..models.catchup import UploadedFile
from ..models.transcripts import Segment
from ..pricing.price_files import LONGEST_CATCHUP_MS as LONGEST_RANGE_MS, MILLISECONDS_PER_MINUTE
from .job_rules import segments_in_range
from .media_url import check_is_file, check_public_https

SHORTEST_OPEN_RANGE_MS = MILLISECONDS_PER_MINUTE
# No recorder writes fewer bits for a second of speech, so that the size of a file bounds its length.
LOWEST_BITS_PER_SECOND = 4_000
SESSION_FIELDS = "Send either `minutes`, or from_ms and to_ms."


@dataclass(frozen=True)
class RequestedRange:
    """A checked request. `range_hash` is the same for the same range of the same unchanged source.

    `is_to_end`: it was requested without an end, and `to_ms` is the latest possible end.
    """

    range_hash: str
    from_ms: int
    to_ms: int
    upload_id: str = ""
    audio_url: str = ""
    session_id: str = ""
    transcript_id: str = ""
    is_to_end: bool = False

    @property
    def can_be_cut(self) -> bool:
        """Whether less than the whole range may be held."""
        return self.is_to_end and self.to_ms - self.from_ms > SHORTEST_OPEN_RANGE_MS

    def cut(self, affordable_ms: int) -> "RequestedRange":
        """A range without an end as far as the credits reach, but never less than a minute; others as they are."""
        if not self.is_to_end:
            return self
        end_ms = self.from_ms + max(affordable_ms, SHORTEST_OPEN_RANGE_MS)
        return replace(self, to_ms=min(self.to_ms, end_ms))

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


def check_recording_range(body: contract.Catchup, max_bytes: int | None = None) -> tuple[int, int]:
    """The range of an upload or of a public address; without `to_ms`, to the latest possible end.

    `max_bytes`: the size of the file, where it is known.
    """
    if body.minutes is not None:
        message = "`minutes` counts back in a session. For a recording, send from_ms and to_ms."
        raise InvalidRequestError(message, "minutes")
    from_ms = body.from_ms or 0
    if body.to_ms is None:
        if from_ms >= LONGEST_RANGE_MS:
            raise InvalidRequestError("A recording can be at most 10 hours long. Send a smaller from_ms.", "from_ms")
        longest_ms = LONGEST_RANGE_MS if max_bytes is None else max_bytes * 8 * 1_000 // LOWEST_BITS_PER_SECOND
        return from_ms, min(LONGEST_RANGE_MS, max(longest_ms, from_ms + SHORTEST_OPEN_RANGE_MS))
    from_ms, to_ms = _check_range(from_ms, body.to_ms)
    if to_ms > LONGEST_RANGE_MS:
        raise InvalidRequestError("A recording can be at most 10 hours long. Send a smaller to_ms.", "to_ms")
    return from_ms, to_ms


def range_of_url(body: contract.Catchup, audio_url: str) -> RequestedRange:
    from_ms, to_ms = check_recording_range(body)
    url = check_public_https(audio_url, "audio_url")
    check_is_file(url, "audio_url")
    range_hash = _hash_range("url", url, body.language, from_ms, body.to_ms)
    return RequestedRange(range_hash, from_ms, to_ms, audio_url=url, is_to_end=body.to_ms is None)


def range_of_upload(body: contract.Catchup, upload_id: str, file: UploadedFile) -> RequestedRange:
    from_ms, to_ms = check_recording_range(body, file.bytes)
    source = f"{upload_id} {file.fingerprint}"
    range_hash = _hash_range("upload", source, body.language, from_ms, body.to_ms)
    return RequestedRange(range_hash, from_ms, to_ms, upload_id=upload_id, is_to_end=body.to_ms is None)


def check_session_range(body: contract.Catchup) -> None:
    """A session's range is either `minutes` back, or from_ms and to_ms."""
    if (body.minutes is None) == (body.to_ms is None):
        raise InvalidRequestError(SESSION_FIELDS, "minutes")
    if body.to_ms is not None:
        _check_range(body.from_ms or 0, body.to_ms)
    elif body.from_ms is not None:
        raise InvalidRequestError(SESSION_FIELDS, "from_ms")


def check_starts_before(end_ms: int, from_ms: int) -> None:
    """The saved text of a session reaches beyond the start of the range."""
    if from_ms >= end_ms:
        raise InvalidRequestError("The session has no saved text after from_ms. Send a smaller from_ms.", "from_ms")


def range_of_session(
    body: contract.Catchup, session_id: str, transcript_id: str, segments: Sequence[Segment]
) -> RequestedRange:
    """The range of a live session that has these saved `segments`, one at least. The request is checked."""
    end_ms = max(segment.end_ms for segment in segments)
    from_ms, to_ms = body.from_ms or 0, min(body.to_ms or 0, end_ms)
    if body.minutes is not None:
        from_ms, to_ms = max(0, end_ms - body.minutes * MILLISECONDS_PER_MINUTE), end_ms
    check_starts_before(end_ms, from_ms)
    range_segments = segments_in_range(segments, from_ms, to_ms)
    if not range_segments:
        raise InvalidRequestError("The session has no saved text in this range. Choose another range.", "from_ms")
    text_hash = hashlib.sha256(repr(range_segments).encode()).hexdigest()
    # The text exists already, so the requested language changes nothing about it.
    range_hash = _hash_range("session", f"{session_id} {text_hash}", "", from_ms, to_ms)
    return RequestedRange(range_hash, from_ms, to_ms, session_id=session_id, transcript_id=transcript_id)


def _check_range(from_ms: int, to_ms: int) -> tuple[int, int]:
    if to_ms <= from_ms:
        raise InvalidRequestError("to_ms must be greater than from_ms.", "to_ms")
    if to_ms - from_ms > LONGEST_RANGE_MS:
        raise InvalidRequestError("A range can be at most 10 hours long. Send a smaller to_ms.", "to_ms")
    return from_ms, to_ms


def _hash_range(kind: str, source: str, language: str, from_ms: int, to_ms: int | None) -> str:
    """A range without `to_ms` is "to the end", however far the balance reaches."""
    end = "end" if to_ms is None else str(to_ms)
    source_text = "\n".join((kind, source, language, str(from_ms), end))
    return hashlib.sha256(source_text.encode()).hexdigest()
