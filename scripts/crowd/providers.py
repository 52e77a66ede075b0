"""Providers for the use cases of simulated users: fast, in this process, and without errors."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from chalicelib.errors import InvalidSignatureError
from chalicelib.models.audio import Audio
from chalicelib.models.catchup import Recording, TextAnswer, TranscriptionOrder, UploadedFile, UploadForm
from chalicelib.models.purchase_facts import PaymentState
from chalicelib.models.purchases import CheckoutSession, PaymentUpdate, Purchase
from chalicelib.models.sessions import LiveOptions, SocketCredential
from chalicelib.models.text_tasks import TextTask
from chalicelib.models.transcripts import Recognition, Word

WORDS = ("so", "the", "next", "thing", "to", "look", "at", "is", "what", "all", "of", "this", "means")
WORD_MS = 400
BYTES_A_TOKEN = 4


@dataclass(frozen=True)
class LiveSockets:
    """Credentials of live sockets that are never opened."""

    name: str = "assemblyai"
    model: str = "assemblyai/universal-streaming-english"
    longest_seconds: int = 10_800

    def supports_language(self, language: str) -> bool:
        return True

    def create_socket_credential(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        return SocketCredential(self.name, self.model, "wss://live.example/v3/ws", "a-token", 0, self.longest_seconds)


@dataclass(frozen=True)
class SpeechRecognition:
    """Recognises the same words in all audio."""

    model: str = "assemblyai/sync-universal-3-5-pro"
    shortest_ms = 80

    def recognise(self, audio: Audio, language: str) -> Recognition:
        return Recognition("some words", self.model, (Word("some", 0, 40, 0.9), Word("words", 40, 80, 0.8)))


@dataclass
class BatchTranscription:
    """Recordings of any length, transcribed immediately."""

    orders: dict[str, TranscriptionOrder] = field(default_factory=dict)

    def submit(self, order: TranscriptionOrder) -> str:
        name = f"transcript-{len(self.orders) + 1}"
        self.orders[name] = order
        return name

    def find(self, order: TranscriptionOrder) -> str | None:
        return next((name for name, other in self.orders.items() if other.webhook_url == order.webhook_url), None)

    def recording(self, transcript_id: str) -> Recording | None:
        order = self.orders[transcript_id]
        starts = range(order.from_ms, order.to_ms, WORD_MS * 10)
        words = tuple(Word(WORDS[n % len(WORDS)], at, at + WORD_MS, 0.9) for n, at in enumerate(starts))
        return Recording(words, order.to_ms, "assemblyai/universal-3-5-pro")

    def delete(self, transcript_id: str) -> None:
        pass


@dataclass(frozen=True)
class TextModel:
    """Summaries and answers with fixed texts."""

    model: str = "openai/gpt-6-luna"

    def answer(self, task: TextTask) -> TextAnswer:
        fields: dict[str, object] = {"summary": "A summary of generated words.", "key_moments": []}
        if task.name == "transcript_answer":
            fields = {"answered": True, "answer": "Generated words.", "quotes": [{"line": 0}]}
        return TextAnswer(fields, self.model, len(task.data) // BYTES_A_TOKEN, len(json.dumps(fields)) // BYTES_A_TOKEN)


@dataclass(frozen=True)
class UploadFiles:
    """Every upload exists."""

    def create_form(self, user_id: str, upload_id: str, content_type: str, now: int) -> UploadForm:
        return UploadForm("https://bucket.example", {}, now + 900, 500)

    def find_upload(self, user_id: str, upload_id: str) -> UploadedFile | None:
        return UploadedFile("simulated", 500_000_000)

    def readable_url(self, user_id: str, upload_id: str) -> str:
        return f"https://bucket.example/{user_id}/{upload_id}"


@dataclass
class JobMessages:
    """A queue; the sender processes its messages."""

    sent: list[str] = field(default_factory=list)

    def send(self, job_id: str) -> None:
        self.sent.append(job_id)


@dataclass
class Payments:
    """A payment system whose state is set by its caller."""

    stage: str
    sessions: dict[str, CheckoutSession] = field(default_factory=dict)

    def open_checkout(self, purchase: Purchase) -> CheckoutSession:
        session = CheckoutSession(
            session_id=f"cs_{purchase.purchase_id}",
            url=f"https://pay.example/{purchase.purchase_id}",
            payment=PaymentState.OPEN,
            payment_id="",
            cents=purchase.cents,
            currency=purchase.currency,
            is_live=purchase.is_live,
            purchase_id=purchase.purchase_id,
            user_id=purchase.user_id,
            stage=self.stage,
        )
        return self.sessions.setdefault(session.session_id, session)

    def pay(self, purchase_id: str) -> CheckoutSession:
        """Pay a checkout session; returns it as paid."""
        session = self.sessions[f"cs_{purchase_id}"]
        self.sessions[session.session_id] = replace(session, payment=PaymentState.PAID, payment_id=f"pi_{purchase_id}")
        return self.sessions[session.session_id]

    def expire(self, purchase_id: str) -> CheckoutSession:
        """The checkout session after it has expired."""
        return replace(self.sessions[f"cs_{purchase_id}"], payment=PaymentState.EXPIRED)

    def get_checkout(self, session_id: str) -> CheckoutSession:
        return self.sessions[session_id]

    def find_checkout(self, payment_id: str) -> CheckoutSession | None:
        return next((session for session in self.sessions.values() if session.payment_id == payment_id), None)

    def verify_event(self, raw: bytes, signature: str) -> Any:
        raise InvalidSignatureError("Simulated payments have no signature.")

    def payment_update(self, event: Any) -> CheckoutSession | PaymentUpdate | None:
        """The update that a simulated event contains."""
        update: CheckoutSession | PaymentUpdate | None = event.payment_update
        return update

    def list_undelivered_events(self, since: int, after: str = "") -> Iterator[Any]:
        yield from ()


@dataclass(frozen=True)
class Event:
    """An event of the payment system."""

    payment_update: CheckoutSession | PaymentUpdate
    type: str = "simulated"
    id: str = "evt_simulated"
    livemode: bool = False
