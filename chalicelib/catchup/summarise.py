"""The summary of a catch-up: its prompt, how the model's answer is read, and the calls of the text model."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ..errors import (
    ProviderDeniedError,
    ProviderError,
    ProviderRefusedError,
    ProviderUnavailableError,
    UnusableAnswerError,
)
from ..models.catchup import Job, TextUse
from ..models.text_tasks import (
    DATA_ONLY,
    LEAK_WORDS,
    LINE_NUMBER,
    TextTask,
    clean_text,
    convert_answer,
    encode_data,
    leaks,
    object_schema,
    split_words,
)
from ..models.transcripts import Moment, Segment
from ..pricing.price_files import TEXT_CALL_BYTES, load
from ..pricing.text_budget import sample_segments, split_into_calls
from ..providers.protocols import TextModel
from ..repositories.bookings import retry_booking
from ..repositories.claims import LostClaimError
from ..repositories.transcripts import Transcripts
from .claimed_jobs import ClaimedJobs
from .job_rules import segments_in_range
from .settlement import JobSettlement

NO_SPEECH = "No words were recognised."
NO_SUMMARY = "The summary could not be generated. Nothing was charged. Start the catch-up again."
MAX_SUMMARY_CHARACTERS = 6_000
MAX_TITLE_CHARACTERS = 120
MAX_MOMENTS = 12
SUMMARY_INSTRUCTIONS = (
    "You summarise a part of a talk for a person who missed it. `lines` are numbered segments of the transcript with"
    " the time when each starts. Write `summary`: the main points, in a few short paragraphs of plain text, in the"
    " language of the lines, without inventing anything. List `key_moments`, at most 12, in order: the number of the"
    " line where each starts and a title of at most ten words. " + DATA_ONLY
)
SUMMARY_SCHEMA = object_schema(
    summary={"type": "string"},
    key_moments={"type": "array", "items": object_schema(line=LINE_NUMBER, title={"type": "string"})},
)


@dataclass(frozen=True)
class ParsedSummary:
    """A usable summary by the text model."""

    text: str
    moments: tuple[Moment, ...]


class _MomentFields(msgspec.Struct):
    line: int
    title: str


class _SummaryFields(msgspec.Struct):
    summary: str
    key_moments: list[_MomentFields] = []


def build_summary_task(segments: Sequence[Segment], title: str, output_tokens: int) -> TextTask:
    data = encode_data(segments, title=title)
    return TextTask("catchup_summary", SUMMARY_INSTRUCTIONS, data, SUMMARY_SCHEMA, output_tokens)


def parse_summary(fields: dict[str, object], segments: Sequence[Segment]) -> ParsedSummary:
    """The model's summary of `segments`. Raises ProviderError if it is invalid or repeats our instructions."""
    answer = convert_answer(fields, _SummaryFields)
    text = clean_text(answer.summary, MAX_SUMMARY_CHARACTERS)
    if not text or leaks(text, SUMMARY_INSTRUCTIONS):
        raise ProviderError("The text model returned no summary. Retry the request.")
    titles: dict[int, str] = {}
    for moment in answer.key_moments:
        if 0 <= moment.line < len(segments):
            titles.setdefault(moment.line, clean_text(moment.title, MAX_TITLE_CHARACTERS).replace("\n", " "))
    moments: list[Moment] = []
    preceding_text = " ".join(split_words(text)[-LEAK_WORDS:])
    for number, title in sorted(titles.items()):
        # Instructions may also be repeated a few words at a time, across several titles.
        text_so_far = f"{preceding_text} {title}"
        if title and len(moments) < MAX_MOMENTS and not leaks(text_so_far, SUMMARY_INSTRUCTIONS):
            moments.append(Moment(segments[number].start_ms, title))
            preceding_text = text_so_far
    return ParsedSummary(text, tuple(moments))


def summary_as_segments(part: Sequence[Segment], summary: ParsedSummary) -> list[Segment]:
    """The summary of one part as segments, to be summarised together with those of the other parts."""
    text = Segment(0, part[0].start_ms, part[-1].end_ms, summary.text)
    return [text, *(Segment(0, moment.start_ms, moment.start_ms, moment.title) for moment in summary.moments)]


@dataclass(frozen=True)
class Summarisation:
    """The last step of a claimed job."""

    jobs: ClaimedJobs
    settlement: JobSettlement
    transcripts: Transcripts
    text: TextModel

    def summarise(self, job: Job) -> Job:
        """The job done or failed; waiting, or still claimed, where the text model should be tried again.

        Raises LostClaimError.
        """
        segments = self.transcripts.segments(job.user_id, job.transcript_id)
        if job.is_of_session:
            segments = segments_in_range(segments, job.from_ms, job.to_ms)
        if not segments:
            return self.settlement.complete(job, NO_SPEECH, is_whole=True)
        budget = load(job.price_version).text_budget(job.service)
        if job.summary_tries >= budget.tries:
            return self.settlement.fail(job, NO_SUMMARY)
        attempt = SummaryAttempt(
            self.jobs, self.settlement, self.text, self.jobs.save(job, summary_tries=job.summary_tries + 1)
        )
        paid_segments = sample_segments(segments, budget.bytes_for(job.billed_ms))
        try:
            summary = attempt.summarise(paid_segments, budget.output_tokens)
        except JobCancelledError:
            return attempt.job
        except (ProviderUnavailableError, ProviderDeniedError):
            if attempt.job.text_uses == job.text_uses:  # Nothing was used, so it does not count as an attempt.
                attempt.job = self.jobs.save(attempt.job, summary_tries=job.summary_tries)
            return self.jobs.release_unless_notified(attempt.job)
        except ProviderRefusedError:
            return self.settlement.fail(attempt.job, NO_SUMMARY)
        except ProviderError:
            return attempt.job
        is_whole = paid_segments == segments
        return self.settlement.complete(attempt.job, summary.text, summary.moments, is_whole=is_whole)


class JobCancelledError(Exception):
    """The job was cancelled while it was summarised."""


@dataclass
class SummaryAttempt:
    """One try at a summary. `job` is as it was last saved: with what each answer used, as soon as it is there."""

    jobs: ClaimedJobs
    settlement: JobSettlement
    text: TextModel
    job: Job

    def summarise(self, segments: Sequence[Segment], output_tokens: int) -> ParsedSummary:
        """A summary of the segments, by several calls and a last one over their summaries where they are many.

        Raises ProviderError, LostClaimError, JobCancelledError; what was used until then is saved or booked.
        """
        parts = split_into_calls(segments)
        summaries = [self._summarise_part(part, output_tokens) for part in parts]
        if len(parts) == 1:
            return summaries[0]
        summary_segments = [
            segment
            for part, summary in zip(parts, summaries, strict=True)
            for segment in summary_as_segments(part, summary)
        ]
        return self._summarise_part(sample_segments(summary_segments, TEXT_CALL_BYTES), output_tokens)

    def _summarise_part(self, part: Sequence[Segment], output_tokens: int) -> ParsedSummary:
        self._check_not_cancelled()
        try:
            answer = self.text.answer(build_summary_task(part, self.job.title, output_tokens))
        except UnusableAnswerError as error:
            self._save_use(TextUse(error.model, error.input_tokens, error.output_tokens))
            raise
        self._save_use(answer.use)
        self._check_not_cancelled()
        return parse_summary(answer.fields, part)

    def _check_not_cancelled(self) -> None:
        if self.job.is_cancelled:
            raise JobCancelledError

    def _save_use(self, use: TextUse) -> None:
        """Save the use with the job, which also renews the claim for the next call."""
        prices, text_uses = load(self.job.price_version), (*self.job.text_uses, use)
        cost = prices.text_cost_micro_usd(use.model, use.input_tokens, use.output_tokens)
        use_id = f"{self.job.worker}/{len(self.job.text_uses)}"
        use_ids = (*self.job.use_ids, use_id)
        try:
            # Saved again, it is the same.
            self.job = retry_booking(lambda: self.jobs.save(self.job, text_uses=text_uses, use_ids=use_ids), cost)
        except LostClaimError:
            # A try whose answer was lost may have saved it before another worker claimed the job.
            job = retry_booking(lambda: self.jobs.read(self.job.job_id), cost)
            if job is None or use_id not in job.use_ids:
                self.settlement.book_lost_use(self.job, use, use_id)
            raise
