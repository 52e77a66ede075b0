"""The work of catch-up jobs: order a transcript, wait for it, store it, summarise, settle. Nobody waits for an answer.

A job moves by conditional writes, a worker holds it by a claim that runs out, and every call to a provider stands
between two writes. So any step may be cut off anywhere: the sweep sends somebody again, who finds how far it came. Only
an order for a transcript cannot be repeated blindly, because the provider knows no idempotency key: it is looked for by
its webhook's address first.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec.structs import replace

from ..errors import (
    ProviderDeniedError,
    ProviderError,
    ProviderFailedError,
    ProviderRefusedError,
    ProviderUnavailableError,
    UnavailableError,
)
from ..models.catchup import Job, JobState, Recording, TextAnswer, TranscriptionOrder
from ..models.ledger import Charge, ModelUse
from ..models.text_tasks import TextTask
from ..models.transcripts import Segment, Summary, Transcript
from ..pricing.price_files import TEXT_CALL_BYTES, load
from ..repositories.jobs import job, job_cleaned, job_freed, job_key, job_moved, job_taken, summary_put
from ..repositories.ledger import ExtraWriteRefusedError, HoldEndedError, Ledger
from ..repositories.table import Tables, Write, WriteRefusedError
from ..repositories.transcripts import Transcripts, blocks, caught_up, segments_put, transcript_put, words_owed
from ..transcripts.prompts import Read, as_segments, fitting, parts, read_summary, summary_task
from .job_rules import JobRules, hold_of, in_range, webhook_secret
from .segmenting import billed_ms, segments, within

NOTHING_SAID = "No words were recognised in this range."
TOO_LONG = "This took too long and was given up. Nothing was charged: try again."
NOT_ORDERED = "The speech service did not take the recording. Nothing was charged: try again."
LOST = "The speech service lost the recording. Nothing was charged: try again."
NOT_SUMMARISED = "The summary could not be made. Nothing was charged: try again."
BEYOND_THE_END = "The recording ends before this range begins. Nothing was charged."
DELETED = "The transcript was deleted."


class RecordingProvider(Protocol):
    """Who transcribes recordings. Each call raises ProviderError; providers/transcripts.py says more."""

    def submit(self, order: TranscriptionOrder) -> str: ...

    def find(self, order: TranscriptionOrder) -> str | None: ...

    def recording(self, transcript_id: str) -> Recording | None: ...

    def delete(self, transcript_id: str) -> None: ...


class TextModel(Protocol):
    """Who reads and writes text. Raises ProviderError."""

    def answer(self, task: TextTask) -> TextAnswer: ...


class ReadableUploads(Protocol):
    """Where uploaded recordings lie, as a provider may read them."""

    def readable_url(self, user_id: str, upload_id: str) -> str: ...


class LostClaimError(Exception):
    """Somebody else has the job now; what this worker did not write yet, it must not write."""


@dataclass(frozen=True)
class CatchupWorker:
    """Takes jobs as far as they go."""

    ledger: Ledger
    tables: Tables
    transcripts: Transcripts
    recordings: RecordingProvider
    uploads: ReadableUploads
    text: TextModel
    rules: JobRules
    webhook_key: str
    now: Callable[[], int]  # epoch seconds, UTC
    new_id: Callable[[], str]

    def advance(self, job_id: str) -> JobState | None:
        """Do what can be done for the job now; its state after it, None if there is no such job.

        Safe to call at any time, any number of times, also beside itself. Raises UnavailableError, and ProviderError
        where only the provider's copy is left to be deleted: call again.
        """
        seen = self._read(job_id)
        if seen is None or seen.has_ended:
            return self._cleaned(seen) if seen else None
        taken = self._taken(seen)
        if taken is None:
            return seen.state
        try:
            while taken.worker:
                taken = self._step(taken)
        except LostClaimError:
            return taken.state
        except Exception:
            with suppress(WriteRefusedError, UnavailableError):  # So that who comes next need not wait for the claim.
                self.tables.write(job_freed(taken))
            raise
        return self._cleaned(taken) if taken.has_ended else taken.state

    def _step(self, mine: Job) -> Job:
        """The job after what is next to do; in nobody's hands where it has ended, or has to wait."""
        if self.now() >= mine.give_up_at:
            return self._failed(mine, TOO_LONG)
        match mine.state:
            case JobState.QUEUED if mine.is_of_session:
                return self._moved(mine, state=JobState.SUMMARISING, billed_ms=mine.range_ms)
            case JobState.QUEUED:
                return self._ordered(mine)
            case JobState.SUBMITTING:
                return self._found_or_ordered(mine)
            case JobState.TRANSCRIBING:
                return self._fetched(mine)
            case _:
                return self._summarised(self._forgotten(mine))

    # Ordering a transcript

    def _ordered(self, mine: Job) -> Job:
        if mine.submissions >= self.rules.submissions:
            return self._failed(mine, NOT_ORDERED)
        url = mine.audio_url or self.uploads.readable_url(mine.user_id, mine.upload_id)
        asking = self._moved(mine, state=JobState.SUBMITTING, submissions=mine.submissions + 1, submitted_url=url)
        try:
            provider_id = self.recordings.submit(self._order(asking))
        except ProviderRefusedError:
            return self._failed(asking, NOT_ORDERED)
        except ProviderUnavailableError:  # No try of ours; but a gateway's 503 may hide an order that was taken.
            return self._waiting(self._moved(asking, submissions=mine.submissions))
        except ProviderError:  # It may have been taken, or may be in a moment: the sweep looks for it.
            return self._waiting(asking)
        return self._moved(asking, state=JobState.TRANSCRIBING, provider_id=provider_id)

    def _found_or_ordered(self, mine: Job) -> Job:
        try:
            provider_id = mine.notified_id or self.recordings.find(self._order(mine))
        except ProviderError:
            return self._waiting(mine)
        if provider_id:
            return self._moved(mine, state=JobState.TRANSCRIBING, provider_id=provider_id)
        return self._ordered(mine)

    def _order(self, mine: Job) -> TranscriptionOrder:
        return TranscriptionOrder(
            audio_url=mine.submitted_url,
            from_ms=mine.from_ms,
            to_ms=mine.to_ms,
            language=mine.language,
            webhook_url=mine.webhook_url,
            webhook_secret=webhook_secret(self.webhook_key, mine.job_id),
        )

    # Fetching it

    def _fetched(self, mine: Job) -> Job:
        try:
            recording = self.recordings.recording(mine.provider_id)
        except ProviderFailedError as failed:
            return self._failed(mine, failed.reason)
        except ProviderDeniedError:
            return self._waiting(mine)
        except ProviderRefusedError:
            return self._failed(mine, LOST)
        except ProviderError:
            return self._waiting(mine)
        if recording is None:
            return self._waiting(mine)
        heard_ms = billed_ms(recording.audio_ms, mine.from_ms, mine.to_ms)
        if heard_ms == 0:
            return self._failed(mine, BEYOND_THE_END)
        said = segments(within(recording, mine.from_ms, mine.to_ms))
        # The same blocks again where a worker was cut off here: what was stored is laid over, not doubled. Each is
        # written with the claim: words that came after the job was given up would stay for ever.
        for number, block in enumerate(blocks(said)):
            words = segments_put(mine.user_id, mine.transcript_id, f"{number:05d}", block)
            mine = self._moved(mine, extra_writes=[words])
        cost = load(mine.price_version).audio_cost_micro_usd(mine.service, recording.model, heard_ms)
        return self._moved(
            mine, state=JobState.SUMMARISING, billed_ms=heard_ms, model=recording.model, cost_micro_usd=cost
        )

    def _forgotten(self, mine: Job) -> Job:
        """The job once the provider has deleted its copy, if it did; else that is left for the end."""
        if not mine.provider_id or mine.is_provider_copy_deleted:
            return mine
        try:
            self._delete(mine.provider_id)
        except ProviderError:
            return mine
        return self._moved(mine, is_provider_copy_deleted=True)

    # Summarising

    def _summarised(self, mine: Job) -> Job:
        said = self.transcripts.segments(mine.user_id, mine.transcript_id)
        if mine.is_of_session:
            said = in_range(said, mine.from_ms, mine.to_ms)
        if not said:
            return self._done(mine, Read(NOTHING_SAID, ()), (), is_whole=True)
        budget = load(mine.price_version).text_budget(mine.service)
        if mine.summary_tries >= budget.tries:
            return self._failed(mine, NOT_SUMMARISED)
        trying = self._moved(mine, summary_tries=mine.summary_tries + 1)
        fit = fitting(said, budget.bytes_for(mine.billed_ms))
        answers: list[TextAnswer] = []
        try:
            read = self._read_all(trying, fit, budget.output_tokens, answers)
        except (ProviderUnavailableError, ProviderDeniedError):
            if answers:
                return self._waiting(trying)
            return self._waiting(self._moved(trying, summary_tries=mine.summary_tries))  # Nothing was used: no try.
        except ProviderRefusedError:
            return self._failed(trying, NOT_SUMMARISED)
        except ProviderError:
            return trying
        return self._done(trying, read, answers, is_whole=fit == said)

    def _read_all(self, mine: Job, said: Sequence[Segment], output_tokens: int, answers: list[TextAnswer]) -> Read:
        """What the text model makes of the segments: piece by piece where they are many, then of the pieces."""
        pieces = parts(said)
        reads = []
        for piece in pieces:
            answers.append(self.text.answer(summary_task(piece, mine.title, output_tokens)))
            reads.append(read_summary(answers[-1].fields, piece))
            self._moved(mine)  # The claim must outlast the next call.
        if len(pieces) == 1:
            return reads[0]
        both = zip(pieces, reads, strict=True)
        together = fitting([one for piece, read in both for one in as_segments(piece, read)], TEXT_CALL_BYTES)
        answers.append(self.text.answer(summary_task(together, mine.title, output_tokens)))
        return read_summary(answers[-1].fields, together)

    # Ending

    def _done(self, mine: Job, read: Read, answers: Sequence[TextAnswer], *, is_whole: bool) -> Job:
        prices = load(mine.price_version)
        charge = Charge(
            credits=prices.credits_for(mine.service, mine.billed_ms),
            service=mine.service,
            reference=mine.job_id,
            audio_ms=mine.billed_ms,
            price_version=mine.price_version,
            uses=_uses(mine, answers),
        )
        done = replace(
            mine, state=JobState.DONE, charged=charge.credits, ended_at=self.now(), worker="", submitted_url=""
        )
        made = Summary(mine.transcript_id, mine.job_id, mine.from_ms, mine.to_ms, read.text, read.moments, is_whole)
        line = (
            caught_up(mine.user_id, mine.transcript_id)
            if mine.is_of_session
            else transcript_put(mine.user_id, _history_line(done))
        )
        extra_writes = [job_moved(mine, done), line, summary_put(mine.user_id, made)]
        try:
            self.ledger.settle(hold_of(mine, 0), charge, at=self.now(), extra_writes=extra_writes)
        except HoldEndedError as ended:
            raise LostClaimError from ended
        except ExtraWriteRefusedError as refusal:
            if 0 in refusal.refused:  # Only a notification came between: what was read still stands.
                return self._done(self._still_mine(mine), read, answers, is_whole=is_whole)
            return self._failed(mine, DELETED)
        return done

    def _failed(self, mine: Job, reason: str) -> Job:
        """The job given up: all of its hold goes back, and what was stored of it is left to be erased.

        What the provider took for a transcription is booked as our cost, at no credits.
        """
        loss = Charge(0, mine.service, mine.job_id, 0, mine.price_version, _uses(mine, ()))
        failed = replace(mine, state=JobState.FAILED, error=reason, ended_at=self.now(), worker="", submitted_url="")
        extra_writes = [job_moved(mine, failed, expires_at=self.now() + self.rules.failed_kept_seconds)]
        if not mine.is_of_session:
            extra_writes.append(words_owed(mine.user_id, mine.transcript_id, self.now()))
        try:
            self.ledger.settle(hold_of(mine, 0), loss, at=self.now(), extra_writes=extra_writes)
        except HoldEndedError as ended:
            raise LostClaimError from ended
        except ExtraWriteRefusedError:
            return self._still_mine(mine)
        return failed

    def _cleaned(self, ended: Job) -> JobState:
        """Have the provider forget what it has of an ended job. Raises ProviderError."""
        copies = {ended.notified_id} - {"", ended.provider_id}
        if not ended.is_provider_copy_deleted:
            copies |= {ended.provider_id} - {""}
        for provider_id in sorted(copies):
            self._delete(provider_id)
        if copies and not ended.is_provider_copy_deleted:
            self.tables.write(job_cleaned(ended))
        return ended.state

    def _delete(self, provider_id: str) -> None:
        try:
            self.recordings.delete(provider_id)
        except ProviderDeniedError:
            raise
        except ProviderRefusedError:
            return  # It is gone already.

    # Whose the job is

    def _read(self, job_id: str) -> Job | None:
        item = self.tables.get(job_key(job_id))
        return job(item) if item else None

    def _taken(self, seen: Job) -> Job | None:
        """The job in our hands, as it is now; None while somebody else has it, or where it has just ended."""
        worker = self.new_id()
        try:
            self.tables.write(job_taken(seen.job_id, worker, self.now() + self.rules.claim_seconds, self.now()))
        except WriteRefusedError:
            return None
        mine = self._read(seen.job_id)
        return mine if mine and mine.worker == worker else None

    def _moved(self, mine: Job, extra_writes: Sequence[Write] = (), **changes: Any) -> Job:
        """The job after a step of ours, which renews the claim. Raises LostClaimError where it is not ours any more.

        `also`: what is written with the step or not at all.
        """
        while True:
            after = replace(mine, **changes, claimed_until=self.now() + self.rules.claim_seconds)
            try:
                if extra_writes:
                    self.tables.transact([job_moved(mine, after), *extra_writes])
                else:
                    self.tables.write(job_moved(mine, after))
                return after
            except WriteRefusedError:
                mine = self._still_mine(mine)  # Only a notification came between.

    def _waiting(self, mine: Job) -> Job:
        """The job in nobody's hands, or still in ours where a notification came meanwhile: that is worth a look."""
        free = replace(mine, worker="", claimed_until=0)
        try:
            self.tables.write(job_moved(mine, free))
        except WriteRefusedError:
            return self._still_mine(mine)
        return free

    def _still_mine(self, mine: Job) -> Job:
        now = self._read(mine.job_id)
        if now is None or now.worker != mine.worker:
            raise LostClaimError
        return now


def _uses(mine: Job, answers: Sequence[TextAnswer]) -> tuple[ModelUse, ...]:
    uses = [ModelUse(mine.model, mine.billed_ms, mine.cost_micro_usd)] if mine.model else []
    prices = load(mine.price_version)
    for model in sorted({answer.model for answer in answers}):
        tokens_in = sum(answer.input_tokens for answer in answers if answer.model == model)
        tokens_out = sum(answer.output_tokens for answer in answers if answer.model == model)
        cost = prices.text_cost_micro_usd(model, tokens_in, tokens_out)
        uses.append(ModelUse(model, 0, cost, tokens_in, tokens_out))
    return tuple(uses)


def _history_line(done: Job) -> Transcript:
    return Transcript(
        transcript_id=done.transcript_id,
        kind="catchup",
        started_at=done.created_at,
        title=done.title,
        source_url=done.audio_url,
        language=done.language,
        state=done.state.value,
        ended_at=done.ended_at,
        audio_ms=done.billed_ms,
        credits=done.charged,
        covered_ms=((done.from_ms, done.from_ms + done.billed_ms),),
    )
