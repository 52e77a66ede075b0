"""Transcripts as jobs: queued, processing, then completed or error, each followed by its webhooks."""

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from sandbox.assemblyai import stored_audio
from sandbox.assemblyai.file_types import describe_type, is_text
from sandbox.assemblyai.stored_audio import FetchError, StoredAudio, Uploads
from sandbox.assemblyai.transcript_options import TranscriptOptions
from sandbox.assemblyai.webhooks import WebhookSender
from sandbox.breakdown import log_breakdown
from sandbox.calls import Calls
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.recognition import ranges
from sandbox.recognition.audio import NotAudioError
from sandbox.recognition.recogniser import Recogniser
from sandbox.recognition.transcript import Transcript

TRANSCRIPTION = "assemblyai.transcription"
KINDS = {"error"}
PARALLEL_JOBS = 200
FETCH_THREADS, RECOGNITION_THREADS = 8, 2
MAX_CACHED_RECOGNITIONS = 200
MIN_AUDIO_MS = 160
SERVER_ERROR = "Server error, developers have been alerted"
LANGUAGE_CONFIDENCE = 0.99
"""Made up: the model knows only English."""

RecognisedRange = tuple[Transcript, int]
"""The transcript of a range, and the duration of the whole recording in ms."""


class JobError(Exception):
    """Why a transcript ends with status error."""


@dataclass
class Job:
    """A transcript. Times are epoch seconds of the sandbox's clock."""

    id: str
    options: TranscriptOptions
    created_at: float
    upload: StoredAudio | None
    status: str = "queued"
    throttled: bool = False
    completed_at: float | None = None
    transcript: Transcript | None = None
    duration_ms: int | None = None
    error: str | None = None
    webhook_status_code: int | None = None
    deleted: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)
    webhooks_attempted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once every webhook was attempted, or will never be sent."""
    running_deliveries: int = 0
    """Deliveries of its webhook that may still make an attempt."""


class Jobs:
    """All transcripts, oldest first."""

    def __init__(
        self,
        recogniser: Recogniser,
        uploads: Uploads,
        sender: WebhookSender,
        fault_queue: Faults,
        calls: Calls,
        clock: Clock,
    ):
        self.by_id: dict[str, Job] = {}
        self.hold = False
        """Jobs stay in processing, with their work done, until released."""
        self.created = 0
        self._recogniser, self._uploads, self._sender = recogniser, uploads, sender
        self._faults, self._calls, self._clock = fault_queue, calls, clock
        self._slots = asyncio.Semaphore(PARALLEL_JOBS)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._webhook_tasks: set[asyncio.Task[None]] = set()
        self._recognitions: dict[tuple[str, int, int | None], asyncio.Task[RecognisedRange]] = {}
        self._fetch_threads = ThreadPoolExecutor(FETCH_THREADS, thread_name_prefix="fetch")
        self._recognition_threads = ThreadPoolExecutor(RECOGNITION_THREADS, thread_name_prefix="recognise")

    def create(self, options: TranscriptOptions, upload: StoredAudio | None) -> Job:
        """Start a job; `upload` is set if `audio_url` names one."""
        job = Job(str(uuid.uuid4()), options, self._clock.now(), upload, throttled=self._slots.locked())
        self.by_id[job.id] = job
        self.created += 1
        self._tasks[job.id] = asyncio.create_task(self._run(job))
        return job

    def release(self, job: Job) -> None:
        """Let a held job finish."""
        job.released.set()

    def release_all(self) -> None:
        for job in self.by_id.values():
            self.release(job)

    def delete(self, job: Job) -> None:
        """Delete the content of a job. A running job is cancelled: no webhook is sent and nothing is billed."""
        if job.status in ("queued", "processing"):
            self._cancel(job)
            job.status, job.error = "error", "Deleted by user."
            job.webhooks_attempted.set()
        job.deleted, job.transcript, job.upload = True, None, None

    def send_webhooks(self, job: Job, copies: int) -> None:
        """Send the webhook of a job, regardless of what was sent before; it carries the current status."""
        task = asyncio.create_task(self._deliver_webhooks(job, copies))
        self._webhook_tasks.add(task)
        job.running_deliveries += 1

        def finish(done: asyncio.Task[None]) -> None:
            self._webhook_tasks.discard(done)
            job.running_deliveries -= 1
            if not done.cancelled() and (error := done.exception()):
                log_breakdown(f"the webhook of transcript {job.id}", error)
                job.webhooks_attempted.set()

        task.add_done_callback(finish)

    def reset(self) -> None:
        """Delete all jobs, cancel those that run, and restore the default settings."""
        for job in self.by_id.values():
            self._cancel(job)
            job.webhooks_attempted.set()
        for task in self._webhook_tasks:
            task.cancel()
        self.by_id.clear()
        self.created, self.hold = 0, False
        self._sender.reset()
        self._uploads.reset()

    def _cancel(self, job: Job) -> None:
        task = self._tasks.pop(job.id, None)
        if task is not None:
            task.cancel()

    async def _run(self, job: Job) -> None:
        async with self._slots:
            job.status = "processing"
            try:
                job.transcript, job.duration_ms = await self._transcribe(job)
                status = "completed"
            except JobError as error:
                job.error, status = str(error), "error"
            except Exception as error:  # noqa: BLE001 - whatever it is, the job has to end
                log_breakdown(f"transcript {job.id}", error)
                job.error, status = SERVER_ERROR, "error"
            if self.hold:
                await job.released.wait()
        job.status, job.completed_at, job.upload = status, self._clock.now(), None
        self._tasks.pop(job.id, None)
        if status == "completed":
            self._calls.record_work(TRANSCRIPTION)
        self.send_webhooks(job, self._sender.settings.copies)

    async def _deliver_webhooks(self, job: Job, copies: int) -> None:
        webhook = job.options.webhook
        if webhook is None or copies == 0:
            job.webhooks_attempted.set()
            return
        pending_copies = set(range(1, copies + 1))

        def record_attempt(copy: int, status: int | None) -> None:
            job.webhook_status_code = job.webhook_status_code if status is None else status
            pending_copies.discard(copy)
            if not pending_copies:
                job.webhooks_attempted.set()

        await asyncio.gather(
            *(
                self._sender.deliver(webhook, job.id, job.status, copy, partial(record_attempt, copy))
                for copy in range(1, copies + 1)
            )
        )

    async def _transcribe(self, job: Job) -> RecognisedRange:
        """The transcript of the requested range. Raises JobError."""
        fault = self._faults.take_fault(TRANSCRIPTION)
        if fault is not None:
            raise JobError(SERVER_ERROR)
        options = job.options
        stored = job.upload or await self._fetch(options.audio_url)
        try:
            recognised = await asyncio.shield(self._recognise_once(stored, options))
        except NotAudioError as error:
            raise JobError(
                f"Transcoding failed. File does not appear to contain audio. File type is {describe_type(stored)}."
            ) from error
        if min(recognised[1], options.end_ms or recognised[1]) - options.start_ms < MIN_AUDIO_MS:
            raise JobError("Audio duration is too short.")
        if options.echoed.get("language_detection") and not recognised[0].words:
            raise JobError("language_detection cannot be performed on files with no spoken audio.")
        return recognised

    async def _fetch(self, url: str) -> StoredAudio:
        """The file at `url`. Raises JobError."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._fetch_threads, stored_audio.fetch, url, self._clock.now())
        except FetchError as error:
            raise JobError(
                f"Download error, unable to download {url}. Please make sure the file exists and is accessible from the"
                " internet."
            ) from error

    def _recognise_once(self, stored: StoredAudio, options: TranscriptOptions) -> asyncio.Task[RecognisedRange]:
        """The recognition of a range; the same range of the same bytes is recognised once for all jobs."""
        key = (stored.sha256, options.start_ms, options.end_ms)
        task = self._recognitions.get(key)
        if task is None:
            work = asyncio.get_running_loop().run_in_executor(
                self._recognition_threads, self._recognise_range, stored, options
            )
            task = self._recognitions[key] = asyncio.ensure_future(_await_future(work))
            while len(self._recognitions) > MAX_CACHED_RECOGNITIONS:
                del self._recognitions[next(iter(self._recognitions))]
        return task

    def _recognise_range(self, stored: StoredAudio, options: TranscriptOptions) -> RecognisedRange:
        if is_text(stored):
            raise NotAudioError("the file is a page or a playlist")
        with stored.lock:
            stored.file.seek(0)
            part = ranges.read_range(stored.file, options.start_ms, options.end_ms)
        return ranges.recognise_range(self._recogniser, part), part.duration_ms


async def _await_future(work: "asyncio.Future[RecognisedRange]") -> RecognisedRange:
    return await work
