"""Stand-ins for the providers of catch-ups and questions, and the use cases on the tables of a backend."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib import contract
from chalicelib.catchup.job_rules import JobRules, webhook_secret
from chalicelib.catchup.service import Catchups
from chalicelib.catchup.worker import CatchupWorker
from chalicelib.errors import ProviderRefusedError, UnavailableError
from chalicelib.ids import ulid
from chalicelib.models.accounts import Caller
from chalicelib.models.catchup import Recording, TextAnswer, TranscriptionOrder, UploadedFile, UploadForm
from chalicelib.models.text_tasks import TextTask
from chalicelib.models.transcripts import Word
from chalicelib.transcripts.questions import Questions
from tests.default_prices import PRICES
from tests.fakes import Backend

WEBHOOK_KEY = "another key for tests"


@dataclass
class FakeRecordings:
    """Transcribes at once, unless `is_slow`; records each order and each deletion.

    `script`: what the next calls do instead, each an error to raise or a function to run first.
    """

    recording_ms: int = 120_000
    model: str = "assemblyai/universal-3-5-pro"
    is_slow: bool = False
    words: tuple[Word, ...] = tuple(
        Word(f"word{n}{'.' if n % 9 == 8 else ''}", n * 500, n * 500 + 400, 0.9) for n in range(240)
    )
    script: list[Exception | Callable[[], None]] = field(default_factory=list)
    orders: list[TranscriptionOrder] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def submit(self, order: TranscriptionOrder) -> str:
        self._next()
        self.orders.append(order)
        return f"transcript-{len(self.orders)}"

    def find(self, order: TranscriptionOrder) -> str | None:
        self._next()
        found = [n for n, earlier in enumerate(self.orders, start=1) if earlier.webhook_url == order.webhook_url]
        return f"transcript-{found[-1]}" if found else None

    def recording(self, transcript_id: str) -> Recording | None:
        self._next()
        if self.is_slow:
            return None
        order = self.orders[int(transcript_id.removeprefix("transcript-")) - 1]
        recognised_words = tuple(word for word in self.words if order.from_ms <= word.start_ms < order.to_ms)
        return Recording(recognised_words, self.recording_ms, self.model)

    def delete(self, transcript_id: str) -> None:
        self._next()
        if transcript_id in self.deleted:
            raise ProviderRefusedError("There is no such transcript.")
        self.deleted.append(transcript_id)

    def _next(self) -> None:
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, Exception):
                raise step
            step()


@dataclass
class FakeText:
    """Answers by rule: a summary that counts the lines, an answer that quotes the first line.

    `script`: what the next answers are instead: fields, an error to raise, or a function to run first.
    """

    script: list[dict[str, object] | Exception | Callable[[], None]] = field(default_factory=list)
    tasks: list[TextTask] = field(default_factory=list)
    answers_given: int = 0

    def answer(self, task: TextTask) -> TextAnswer:
        self.tasks.append(task)
        lines = json.loads(task.data)["lines"]
        fields: dict[str, object] = {
            "summary": f"{len(lines)} lines.",
            "key_moments": [{"line": 0, "title": "The start"}],
        }
        if task.name == "transcript_answer":
            fields = {"answered": True, "answer": "It was said.", "quotes": [{"line": 0}]}
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, Exception):
                raise step
            if isinstance(step, dict):
                fields = step
            else:
                step()
        self.answers_given += 1
        return TextAnswer(fields, "openai/gpt-6-luna", 1_000, 100)


@dataclass
class FakeUploads:
    """The uploaded files: (user, upload) → fingerprint. Each has `bytes`, enough for a recording of ten hours."""

    files: dict[tuple[str, str], str] = field(default_factory=dict)
    bytes: int = 18_000_000

    def create_form(self, user_id: str, upload_id: str, content_type: str, now: int) -> UploadForm:
        return UploadForm("https://bucket.example", {"key": f"{user_id}/{upload_id}"}, now + 900, 500)

    def find_upload(self, user_id: str, upload_id: str) -> UploadedFile | None:
        fingerprint = self.files.get((user_id, upload_id))
        return UploadedFile(fingerprint, self.bytes) if fingerprint else None

    def readable_url(self, user_id: str, upload_id: str) -> str:
        return f"https://bucket.example/{user_id}/{upload_id}?signature=s"


@dataclass
class FakeQueue:
    """Records the messages; raises UnavailableError while `is_down`."""

    sent: list[str] = field(default_factory=list)
    is_down: bool = False

    def send(self, job_id: str) -> None:
        if self.is_down:
            raise UnavailableError("The queue rejected the message.")
        self.sent.append(job_id)


@dataclass(frozen=True)
class CatchupEnv:
    """Catch-ups and questions on the tables of a backend, with providers that tests script."""

    backend: Backend
    recordings: FakeRecordings = field(default_factory=FakeRecordings)
    text: FakeText = field(default_factory=FakeText)
    uploads: FakeUploads = field(default_factory=FakeUploads)
    queue: FakeQueue = field(default_factory=FakeQueue)
    rules: JobRules = field(default_factory=JobRules)

    @property
    def catchups(self) -> Catchups:
        backend = self.backend
        return Catchups(
            ledger=backend.ledger,
            tables=backend.tables,
            transcripts=backend.transcripts,
            uploads=self.uploads,
            queue=self.queue,
            prices=PRICES,
            rules=self.rules,
            webhook_key=WEBHOOK_KEY,
            is_on=True,
            now=backend.clock,
            new_ulid=lambda: ulid(backend.clock() * 1000),
        )

    @property
    def worker(self) -> CatchupWorker:
        backend = self.backend
        return CatchupWorker.assemble(
            ledger=backend.ledger,
            tables=backend.tables,
            transcripts=backend.transcripts,
            recordings=self.recordings,
            uploads=self.uploads,
            text=self.text,
            rules=self.rules,
            webhook_key=WEBHOOK_KEY,
            now=backend.clock,
            new_id=lambda: str(uuid.uuid4()),
        )

    @property
    def questions(self) -> Questions:
        backend = self.backend
        return Questions(
            ledger=backend.ledger,
            transcripts=backend.transcripts,
            text=self.text,
            prices=PRICES,
            is_on=True,
            now=backend.clock,
            new_id=lambda: str(uuid.uuid4()),
        )

    def upload(self, caller: Caller, fingerprint: str = "etag") -> str:
        upload_id = ulid(self.backend.clock() * 1000)
        self.uploads.files[caller.user_id, upload_id] = fingerprint
        return upload_id

    def start(
        self, caller: Caller, job_id: str | None = None, body_hash: str = "hash", **body: object
    ) -> contract.CatchupJob:
        answer = self.catchups.start(
            caller, contract.Catchup(**body), job_id or str(uuid.uuid4()), body_hash, "https://api.example/api"
        )
        assert isinstance(answer, contract.CatchupJob)
        return answer

    def work(self) -> None:
        """Deliver all messages, also those that are sent meanwhile."""
        while self.queue.sent:
            self.worker.advance(self.queue.sent.pop(0))

    def webhook(self, job_id: str, provider_id: str) -> None:
        self.catchups.record_notification(job_id, webhook_secret(WEBHOOK_KEY, job_id), provider_id)

    def ask(
        self, caller: Caller, question: str = "What?", question_id: str | None = None, **where: str
    ) -> contract.AskAnswer:
        body = contract.Ask(question=question, **where)
        return self.questions.ask(caller, body, question_id or str(uuid.uuid4()), "hash")
