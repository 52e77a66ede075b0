"""Shares a transcript with anyone who has its secret address, until its owner, an administrator or a deletion ends it.

The address holds a random token, which is returned once and stored only as a hash. The page behind it is read-only, and
shows nothing of its owner but the transcript.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from .. import contract
from ..dates import DAY_SECONDS, rfc3339
from ..errors import EmailUnverifiedError, NotFoundError, RateLimitedError, UnavailableError
from ..models.accounts import Caller
from ..models.transcripts import Segment, Share, SharedTranscript, Transcript
from ..repositories.daily_caps import claim_daily_amount, daily_cap_key, use_up_daily_cap
from ..repositories.ledger import Ledger
from ..repositories.ledger_items import balance_key, balance_of
from ..repositories.shares import begin_share, end_share, hash_of, load_share
from ..repositories.table import Item, Tables, WriteRefusedError
from ..repositories.transcripts import Transcripts, existing_transcript_from, transcript_key
from .paging import take_segments

# Of the texts of one page, escaped; with what is around them, and as Lambda encodes it, far below its 6 MB.
MAX_PAGE_BYTES = 500_000
SEGMENT_BYTES = 150  # around the text of a segment
MAX_SUMMARIES = 20
TOKEN_BYTES = 32
TRIES = 5
NO_TRANSCRIPT = "There is no transcript with this id."
NO_SHARE = "There is no transcript at this address. It may have been deleted, or is not shared any more."
UNKNOWN_SHARE = Share("nobody", "none")  # for an unknown token, so that it costs the same reads


@dataclass(frozen=True)
class SharingRules:
    """How many bytes of pages are served in a day: of one transcript, and of all of an account."""

    bytes_per_share_day: int
    bytes_per_account_day: int


@dataclass(frozen=True)
class Sharing:
    """Begins and ends shares, and makes their pages. `render`: the HTML of a page. `new_token`: 256 random bits."""

    ledger: Ledger
    tables: Tables
    transcripts: Transcripts
    render: Callable[[SharedTranscript], str]
    rules: SharingRules
    now: Callable[[], int]  # epoch seconds, UTC
    new_token: Callable[[], str]

    def share(self, caller: Caller, transcript_id: str, base_url: str) -> contract.SharedAddress:
        """Share the transcript at a new address; an earlier one of it ends. `base_url`: the public one of this API.

        Raises EmailUnverifiedError, NotFoundError.
        """
        if not caller.is_email_verified:
            raise EmailUnverifiedError("Confirm your email address before you share a transcript. Then sign in again.")
        key = transcript_key(caller.user_id, transcript_id)
        for _ in range(TRIES):
            transcript = self._load(caller, transcript_id)
            token, at = self.new_token(), self.now()
            share = Share(caller.user_id, transcript_id)
            try:
                self.tables.transact(begin_share(key, share, transcript.share_hash, hash_of(token), at))
            except WriteRefusedError:  # It was shared, ended or deleted at this moment.
                continue
            return contract.SharedAddress(url=f"{base_url}/shared/{token}", shared_at=rfc3339(at))
        raise UnavailableError("The transcript is busy with other requests. Retry the request.")

    def end(self, caller: Caller, transcript_id: str) -> contract.ShareEnded:
        """End the share of the transcript, if there is one. Raises NotFoundError."""
        for _ in range(TRIES):
            transcript = self._load(caller, transcript_id)
            if not transcript.share_hash:
                return contract.ShareEnded(ended=True)
            try:
                self.tables.transact(end_share(transcript_key(caller.user_id, transcript_id), transcript.share_hash))
            except WriteRefusedError:
                continue
            return contract.ShareEnded(ended=True)
        raise UnavailableError("The transcript is busy with other requests. Retry the request.")

    def page(self, token: str, first: int) -> str:
        """The page of a shared transcript, from segment number `first` on.

        Raises NotFoundError, the same for every token that leads nowhere, and RateLimitedError.
        """
        share_hash, at = hash_of(token), self.now()
        share = load_share(self.tables, share_hash) or UNKNOWN_SHARE
        caps = self._caps(share)
        balance, line, *used = self.tables.get_many(
            [
                balance_key(share.user_id),
                transcript_key(share.user_id, share.transcript_id),
                *(daily_cap_key(name, at) for name in caps),
            ]
        )
        transcript = existing_transcript_from(line)
        if transcript is None or not _is_open(balance, transcript, share_hash):
            raise NotFoundError(NO_SHARE)
        if any(item and item["count"] >= ceiling for item, ceiling in zip(used, caps.values(), strict=True)):
            raise _served_enough(at)
        segments = self.transcripts.segments(share.user_id, share.transcript_id)
        page = self.render(self._part(share, transcript, segments, first))
        # All of the text was read for it, however small the part is.
        self._claim(caps, max(len(page.encode()), sum(map(_html_bytes, segments))), at)
        return page

    def _load(self, caller: Caller, transcript_id: str) -> Transcript:
        _, (item,) = self.ledger.admit(caller, extra_keys=[transcript_key(caller.user_id, transcript_id)])
        transcript = existing_transcript_from(item)
        if transcript is None:
            raise NotFoundError(NO_TRANSCRIPT)
        return transcript

    def _part(self, share: Share, transcript: Transcript, segments: Sequence[Segment], first: int) -> SharedTranscript:
        shown, following = take_segments(segments, first, MAX_PAGE_BYTES, _html_bytes)
        summaries = self.transcripts.summaries(share.user_id, share.transcript_id, MAX_SUMMARIES) if first == 0 else []
        return SharedTranscript(
            title=transcript.title,
            language=transcript.language,
            started_at=transcript.started_at,
            segments=shown,
            summaries=summaries,
            first=first,
            following=following or 0,
        )

    def _caps(self, share: Share) -> dict[str, int]:
        """The names of the day's counters, and their ceilings."""
        return {
            f"share#{share.user_id}#{share.transcript_id}": self.rules.bytes_per_share_day,
            f"shares#{share.user_id}": self.rules.bytes_per_account_day,
        }

    def _claim(self, caps: dict[str, int], size: int, at: int) -> None:
        """Count a page that is served. Raises RateLimitedError where it does not fit into what is left of the day."""
        for name, ceiling in caps.items():
            if not claim_daily_amount(self.tables, name, size, ceiling, at):
                use_up_daily_cap(self.tables, name, ceiling, at)  # Later requests are refused before the text is read.
                raise _served_enough(at)


def _is_open(balance: Item | None, transcript: Transcript, share_hash: str) -> bool:
    """Whether the transcript is shared at this address, by an account that is neither blocked nor deleted."""
    standing = balance_of(balance)
    is_named = hmac.compare_digest(transcript.share_hash, share_hash)
    return balance is not None and is_named and not standing.blocked and not standing.deleted


def _html_bytes(segment: Segment) -> int:
    return len(escape(segment.text + segment.speaker).encode()) + SEGMENT_BYTES


def _served_enough(at: int) -> RateLimitedError:
    return RateLimitedError(
        "This page was opened too often today. Open it again tomorrow.",
        retry_after_seconds=DAY_SECONDS - at % DAY_SECONDS,
    )
