"""What did I miss: a summary of a range of a recording or of a live session, made while nobody waits.

A catch-up is a job. Its hold covers the whole range before any provider is asked; catchup_worker.py does the work. The
same range of the same unchanged source is the same job: still running it is joined, done it is free.
"""

import hashlib
import hmac
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from .. import contract
from ..dates import rfc3339
from ..errors import (
    ConflictError,
    IdempotencyMismatchError,
    InsufficientCreditsError,
    InvalidRequestError,
    InvalidSignatureError,
    NotFoundError,
    UnavailableError,
)
from ..models.accounts import Caller
from ..models.catchup import Job, JobState, UploadForm
from ..models.transcripts import Summary
from ..pricing.price_files import MILLISECONDS_PER_MINUTE, Prices
from ..providers.protocols import JobQueue
from ..repositories.jobs import (
    job_from,
    job_key,
    put_job,
    put_range,
    range_key,
    record_notification,
    summary_from,
    summary_key,
)
from ..repositories.ledger import ExtraWriteRefusedError, Ledger
from ..repositories.ledger_items import hold_recorded
from ..repositories.sessions import session, session_key
from ..repositories.table import Tables, WriteRefusedError
from ..repositories.transcripts import Transcripts, transcript_key
from .job_rules import (
    HOLD_KIND,
    LONGEST_RANGE_MS,
    JobRules,
    check_range,
    hash_range,
    job_hold,
    segments_in_range,
    webhook_secret,
)
from .media_url import check_public_https

TRIES = 8
OFF_RETRY_SECONDS = 3_600
PROGRESS = {
    JobState.QUEUED: 0,
    JobState.SUBMITTING: 5,
    JobState.TRANSCRIBING: 20,
    JobState.SUMMARISING: 75,
    JobState.DONE: 100,
    JobState.FAILED: 100,
}
SHOWN = {JobState.SUBMITTING: "queued"}  # that we are asking is nothing a listener has to know


class UploadStore(Protocol):
    """Where uploaded recordings lie."""

    def ticket(self, user_id: str, upload_id: str, content_type: str, now: int) -> UploadForm: ...

    def fingerprint(self, user_id: str, upload_id: str) -> str | None: ...


@dataclass(frozen=True)
class RequestedRange:
    """A checked wish: which range of what, as `claim` names it."""

    claim: str
    from_ms: int
    to_ms: int
    upload_id: str = ""
    audio_url: str = ""
    session_id: str = ""
    transcript_id: str = ""

    @property
    def service(self) -> str:
        return "catchup_session" if self.session_id else "catchup"


@dataclass(frozen=True)
class Catchups:
    """Uploads, and catch-ups as their listener sees them."""

    ledger: Ledger
    tables: Tables
    transcripts: Transcripts
    uploads: UploadStore
    queue: JobQueue
    prices: Prices
    rules: JobRules
    webhook_key: str
    is_on: bool
    now: Callable[[], int]  # epoch seconds, UTC
    new_ulid: Callable[[], str]

    def create_upload(self, caller: Caller, body: contract.NewUpload) -> contract.Upload:
        """A form that sends one recording to our bucket within 15 minutes."""
        self.ledger.admit(caller)
        upload_id = self.new_ulid()
        ticket = self.uploads.ticket(caller.user_id, upload_id, body.content_type, self.now())
        return contract.Upload(upload_id, ticket.url, ticket.fields, rfc3339(ticket.expires_at), ticket.max_bytes)

    def start(
        self, caller: Caller, body: contract.Catchup, job_id: str, body_hash: str, webhook_base: str
    ) -> contract.CatchupJob | contract.Quote:
        """Hold what the range costs at most and queue the job, or tell the price only.

        The same range of the same unchanged source again: that job, done or running, for nothing. The same `job_id`
        again: the same job, if the body is the same. Raises InvalidRequestError, NotFoundError, ConflictError (nothing
        was said yet), InsufficientCreditsError, IdempotencyMismatchError; nothing is held then.
        """
        if not self.is_on:
            raise UnavailableError("No text model is set up here.", retry_after_seconds=OFF_RETRY_SECONDS)
        asked = self._asked(caller, body)
        credits = self.prices.credits_for(asked.service, asked.to_ms - asked.from_ms)
        if body.quote:
            balance, _ = self.ledger.admit(caller)
            return contract.Quote(credits, balance.available, asked.from_ms, asked.to_ms, self.prices.version)
        for _ in range(TRIES):
            keys = [job_key(job_id), range_key(caller.user_id, asked.claim)]
            _, (same, claimed) = self.ledger.admit(caller, extra_keys=keys)
            if same:
                return self._kept_answer(caller, job_from(same), body_hash)
            if claimed and (earlier := self._earlier(caller, claimed["job_id"], asked)):
                return earlier
            new = self._new(caller, body, asked, job_id, credits, body_hash, webhook_base)
            extra_writes = [
                put_job(new),
                put_range(caller.user_id, asked.claim, job_id, claimed["job_id"] if claimed else None),
            ]
            try:
                sweep_at = self.now() + self.rules.first_check_seconds
                if not self.ledger.hold(caller, job_hold(new, sweep_at), at=self.now(), extra_writes=extra_writes):
                    self._check_there(job_id)
                    continue
            except ExtraWriteRefusedError:  # The same wish was made at this moment.
                continue
            except InsufficientCreditsError:  # It may be that very wish that took the credits.
                if self.tables.get(range_key(caller.user_id, asked.claim)) == claimed:
                    raise
                continue
            with suppress(UnavailableError):  # The sweep finds the job without it.
                self.queue.send(job_id)
            return _answer(new)
        raise UnavailableError("The account is busy with other requests.")

    def get_status(self, caller: Caller, job_id: str) -> contract.CatchupJob:
        """How far the job is; when done, what it found. Raises NotFoundError, also once its transcript is deleted."""
        _, (item,) = self.ledger.admit(caller, extra_keys=[job_key(job_id)])
        if item is None or item["user_id"] != caller.user_id:
            raise NotFoundError("There is no such job.")
        return self._shown(caller, job_from(item))

    def record_notification(self, job_id: str, secret: str, provider_id: str) -> contract.Notified:
        """A provider says that it ended a transcript for this job. Raises InvalidSignatureError, UnavailableError.

        Safe to hear any number of times, at any time, also before the order for the transcript was answered.
        """
        if not hmac.compare_digest(webhook_secret(self.webhook_key, job_id).encode(), secret.encode()):
            raise InvalidSignatureError("This is not the job's secret.")
        with suppress(WriteRefusedError):  # There is no such job any more.
            self.tables.write(record_notification(job_id, provider_id))
        self.queue.send(job_id)
        return contract.Notified(received=True)

    def sweep(self) -> int:
        """Have somebody look at every job that has been silent; how many. Safe at any time, also beside itself."""
        found, failures = 0, []
        for hold in self.ledger.iter_due_holds(self.now()):
            if hold.kind != HOLD_KIND:
                continue
            try:
                self.queue.send(hold.reference)
                later = replace(hold, sweep_at=self.now() + self.rules.recheck_seconds)
                with suppress(WriteRefusedError):  # It has just ended.
                    self.tables.write(hold_recorded(later))
                found += 1
            except Exception as failure:  # noqa: BLE001 - one job that cannot be told must not keep the others
                failures.append(failure)
        if failures:
            raise ExceptionGroup(f"{len(failures)} jobs could not be looked at, {found} were", failures)
        return found

    # What is asked for

    def _asked(self, caller: Caller, body: contract.Catchup) -> RequestedRange:
        given = [name for name in ("upload_id", "audio_url", "session_id") if getattr(body, name) is not None]
        if len(given) != 1:
            raise InvalidRequestError("Name one of upload_id, audio_url and session_id.", given[1] if given else "body")
        if body.session_id is not None:
            return self._asked_of_session(caller, body, body.session_id)
        if body.minutes is not None:
            raise InvalidRequestError("`minutes` counts back in a session: give from_ms and to_ms.", "minutes")
        from_ms, to_ms = check_range(body.from_ms or 0, body.to_ms)
        if to_ms > LONGEST_RANGE_MS:
            raise InvalidRequestError("A recording may be 10 hours long at most.", "to_ms")
        if body.audio_url is not None:
            url = check_public_https(body.audio_url, "audio_url")
            return RequestedRange(hash_range("url", url, body.language, from_ms, to_ms), from_ms, to_ms, audio_url=url)
        upload_id = body.upload_id or ""
        fingerprint = self.uploads.fingerprint(caller.user_id, upload_id)
        if fingerprint is None:
            raise NotFoundError("There is no such upload.")
        claim = hash_range("upload", f"{upload_id} {fingerprint}", body.language, from_ms, to_ms)
        return RequestedRange(claim, from_ms, to_ms, upload_id=upload_id)

    def _asked_of_session(self, caller: Caller, body: contract.Catchup, session_id: str) -> RequestedRange:
        if (body.minutes is None) == (body.to_ms is None):
            raise InvalidRequestError("Give `minutes` back, or from_ms and to_ms.", "minutes")
        _, (item,) = self.ledger.admit(caller, extra_keys=[session_key(caller.user_id, session_id)])
        if item is None:
            raise NotFoundError("There is no such session.")
        transcript_id = session(item).transcript_id
        segments = self.transcripts.segments(caller.user_id, transcript_id)
        if not segments:
            raise ConflictError("This session has no saved segments yet. Save segments first.", "nothing_saved")
        end_ms = max(segment.end_ms for segment in segments)
        if body.minutes is not None:
            if body.from_ms is not None:
                raise InvalidRequestError("Give `minutes` back, or from_ms and to_ms.", "from_ms")
            from_ms, to_ms = max(0, end_ms - body.minutes * MILLISECONDS_PER_MINUTE), end_ms
        else:
            from_ms, to_ms = check_range(body.from_ms or 0, body.to_ms)
        if from_ms >= end_ms:
            raise InvalidRequestError("The session has no words after this moment.", "from_ms")
        to_ms = min(to_ms, end_ms)
        said = segments_in_range(segments, from_ms, to_ms)
        if not said:
            raise InvalidRequestError("Nothing was said in this range.", "from_ms")
        words = hashlib.sha256(repr(said).encode()).hexdigest()
        # The words are there already: the language of the wish makes nothing of it different.
        claim = hash_range("session", f"{session_id} {words}", "", from_ms, to_ms)
        return RequestedRange(claim, from_ms, to_ms, session_id=session_id, transcript_id=transcript_id)

    def _new(
        self,
        caller: Caller,
        body: contract.Catchup,
        asked: RequestedRange,
        job_id: str,
        credits: int,
        body_hash: str,
        webhook_base: str,
    ) -> Job:
        now = self.now()
        return Job(
            job_id=job_id,
            user_id=caller.user_id,
            state=JobState.QUEUED,
            created_at=now,
            give_up_at=now + self.rules.abandon_after_seconds,
            from_ms=asked.from_ms,
            to_ms=asked.to_ms,
            held=credits,
            price_version=self.prices.version,
            claim=asked.claim,
            transcript_id=asked.transcript_id or self.new_ulid(),
            body_hash=body_hash,
            upload_id=asked.upload_id,
            audio_url=asked.audio_url,
            session_id=asked.session_id,
            webhook_url=f"{webhook_base.rstrip('/')}/webhooks/assemblyai?job={job_id}",
            language=body.language,
            title=body.title,
        )

    # What is there already

    def _kept_answer(self, caller: Caller, same: Job, body_hash: str) -> contract.CatchupJob:
        if same.user_id != caller.user_id:  # An id is made of its user: this cannot be met by honest means.
            raise NotFoundError("There is no such job.")
        if same.body_hash != body_hash:
            raise IdempotencyMismatchError("This Idempotency-Key came before with another body.")
        return self._shown(caller, same)

    def _check_there(self, job_id: str) -> None:
        """A job was held for under this id before. Raises NotFoundError where it was erased since."""
        if self.tables.get(job_key(job_id)) is None:
            raise NotFoundError("The transcript of this job was deleted.")

    def _earlier(self, caller: Caller, job_id: str, asked: RequestedRange) -> contract.CatchupJob | None:
        """The job of the same range, if it still stands for it."""
        item = self.tables.get(job_key(job_id))
        if item is None:
            return None
        earlier = job_from(item)
        if earlier.state is JobState.FAILED:
            return None
        if asked.audio_url and earlier.created_at + self.rules.url_unchanged_seconds <= self.now():
            return None
        try:
            return self._shown(caller, earlier)
        except NotFoundError:
            return None  # Its transcript was deleted.

    def _shown(self, caller: Caller, one: Job) -> contract.CatchupJob:
        if one.state is not JobState.DONE:
            return _answer(one)
        keys = [
            summary_key(caller.user_id, one.transcript_id, one.job_id),
            transcript_key(caller.user_id, one.transcript_id),
        ]
        made, line = self.tables.get_many(keys)
        if made is None or line is None or "started_at" not in line:
            raise NotFoundError("The transcript of this job was deleted.")
        return _answer(one, summary_from(made))


def _answer(one: Job, made: Summary | None = None) -> contract.CatchupJob:
    answer = contract.CatchupJob(
        job_id=one.job_id,
        status=SHOWN.get(one.state, one.state.value),
        progress=PROGRESS[one.state],
        from_ms=one.from_ms,
        to_ms=one.to_ms,
        credits_held=0 if one.has_ended else one.held,
        credits_used=one.charged,
        created_at=rfc3339(one.created_at),
        session_id=one.session_id,
    )
    if one.state is JobState.FAILED:
        answer.error = contract.JobError("provider_error", one.error)
    if made:
        answer.transcript_id = one.transcript_id
        answer.summary = made.text
        answer.key_moments = [contract.KeyMoment(moment.start_ms, moment.title) for moment in made.moments]
        answer.summary_is_whole = made.is_whole
    return answer
