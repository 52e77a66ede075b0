"""Transcripts as jobs: queued, processing, then completed or in error, each told by webhook."""

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from sandbox.assemblyai import stored_audio
from sandbox.assemblyai.stored_audio import FetchError, StoredAudio, Uploads
from sandbox.assemblyai.transcript_options import Options
from sandbox.assemblyai.webhooks import Sender
from sandbox.calls import Calls
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.recognition import ranges
from sandbox.recognition.audio import NotAudioError
from sandbox.recognition.recogniser import Recogniser, Transcript

TRANSCRIPTION = "assemblyai.transcription"
KINDS = {"error"}
PARALLEL_JOBS = 200
FETCH_THREADS, RECOGNITION_THREADS = 8, 2
KEPT_RECOGNITIONS = 200
MIN_AUDIO_MS = 160
LANGUAGE_CONFIDENCE = 0.99
"""The model knows one language and cannot tell others from it."""

Heard = tuple[Transcript, int]
"""What was said in a range, and how many ms the whole recording lasts."""


class JobError(Exception):
    """Why a transcript ends in status error."""


@dataclass
class Job:
    """A transcript. Times are epoch seconds of the sandbox's clock."""

    id: str
    options: Options
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
    told: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once its webhooks have been attempted, or will never be."""


class Jobs:
    """All transcripts, oldest first."""

    def __init__(
        self, recogniser: Recogniser, uploads: Uploads, sender: Sender, pending: Faults, calls: Calls, clock: Clock
    ):
        self.all: dict[str, Job] = {}
        self.hold = False
        """Jobs stay in processing, their work done, until released."""
        self.created = 0
        self._recogniser, self._uploads, self._sender = recogniser, uploads, sender
        self._faults, self._calls, self._clock = pending, calls, clock
        self._places = asyncio.Semaphore(PARALLEL_JOBS)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._telling: set[asyncio.Task[None]] = set()
        self._heard: dict[tuple[str, int, int | None], asyncio.Task[Heard]] = {}
        self._fetching = ThreadPoolExecutor(FETCH_THREADS, thread_name_prefix="fetch")
        self._recognising = ThreadPoolExecutor(RECOGNITION_THREADS, thread_name_prefix="recognise")

    def create(self, options: Options, upload: StoredAudio | None) -> Job:
        """Begin a job; `upload` is set where `audio_url` names one."""
        job = Job(str(uuid.uuid4()), options, self._clock.now(), upload, throttled=self._places.locked())
        self.all[job.id] = job
        self.created += 1
        self._tasks[job.id] = asyncio.create_task(self._run(job))
        return job

    def release(self, job: Job) -> None:
        """Let a held job finish."""
        job.released.set()

    def release_all(self) -> None:
        for job in self.all.values():
            self.release(job)

    def delete(self, job: Job) -> None:
        """Take its content away. A job that still runs is given up: nobody is told, nothing is billed."""
        if job.status in ("queued", "processing"):
            self._give_up(job)
            job.status, job.error = "error", "Deleted by user."
            job.told.set()
        job.deleted, job.transcript, job.upload = True, None, None

    def tell(self, job: Job, copies: int) -> None:
        """Send the webhook of a job, whatever was sent before; those to be told hear its status as it is now."""
        task = asyncio.create_task(self._tell(job, copies))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    def forget(self) -> None:
        """Forget all jobs, give up those that run, and heed no order any more."""
        for job in self.all.values():
            self._give_up(job)
            job.told.set()
        for task in self._telling:
            task.cancel()
        self.all.clear()
        self.created, self.hold = 0, False
        self._sender.forget()
        self._uploads.forget()

    def _give_up(self, job: Job) -> None:
        task = self._tasks.pop(job.id, None)
        if task is not None:
            task.cancel()

    async def _run(self, job: Job) -> None:
        async with self._places:
            job.status = "processing"
            try:
                job.transcript, job.duration_ms = await self._work(job)
                ended = "completed"
            except JobError as error:
                job.error, ended = str(error), "error"
            if self.hold:
                await job.released.wait()
        job.status, job.completed_at, job.upload = ended, self._clock.now(), None
        self._tasks.pop(job.id, None)
        if ended == "completed":
            self._calls.recognised(TRANSCRIPTION)
        self.tell(job, self._sender.settings.copies)

    async def _tell(self, job: Job, copies: int) -> None:
        webhook = job.options.webhook
        if webhook is None or copies == 0:
            job.told.set()
            return
        waiting = set(range(1, copies + 1))

        def attempted(copy: int, status: int | None) -> None:
            job.webhook_status_code = job.webhook_status_code if status is None else status
            waiting.discard(copy)
            if not waiting:
                job.told.set()

        await asyncio.gather(
            *(
                self._sender.deliver(webhook, job.id, job.status, copy, partial(attempted, copy))
                for copy in range(1, copies + 1)
            )
        )

    async def _work(self, job: Job) -> Heard:
        """Raises JobError."""
        fault = self._faults.take(TRANSCRIPTION)
        if fault is not None:
            raise JobError("Server error, developers have been alerted")
        options = job.options
        stored = job.upload or await self._fetched(options.audio_url)
        try:
            heard = await asyncio.shield(self._recognition(stored, options))
        except NotAudioError as error:
            raise JobError("File does not appear to contain audio. File type is unknown.") from error
        if min(heard[1], options.end_ms or heard[1]) - options.start_ms < MIN_AUDIO_MS:
            raise JobError("Audio duration is too short.")
        return heard

    async def _fetched(self, url: str) -> StoredAudio:
        """Raises JobError."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._fetching, stored_audio.fetch, url, self._clock.now())
        except FetchError as error:
            raise JobError(
                f"Download error, unable to download {url}. Please make sure the file exists and is accessible from the"
                " internet."
            ) from error

    def _recognition(self, stored: StoredAudio, options: Options) -> asyncio.Task[Heard]:
        """The same range of the same bytes is recognised once, however many jobs ask for it."""
        key = (stored.sha256, options.start_ms, options.end_ms)
        task = self._heard.get(key)
        if task is None:
            work = asyncio.get_running_loop().run_in_executor(self._recognising, self._hear, stored, options)
            task = self._heard[key] = asyncio.ensure_future(_awaited(work))
            while len(self._heard) > KEPT_RECOGNITIONS:
                del self._heard[next(iter(self._heard))]
        return task

    def _hear(self, stored: StoredAudio, options: Options) -> Heard:
        with stored.lock:
            stored.file.seek(0)
            part = ranges.read_range(stored.file, options.start_ms, options.end_ms)
        return ranges.recognise(self._recogniser, part), part.duration_ms


async def _awaited(work: "asyncio.Future[Heard]") -> Heard:
    return await work
