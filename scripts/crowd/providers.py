"""What the crowd's use cases are given instead of providers: quick, in this process, and never wrong."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from chalicelib.errors import InvalidSignatureError
from chalicelib.models.catchup import Recording, TextAnswer, TranscriptionOrder, UploadForm
from chalicelib.models.purchases import CheckoutSession, PaymentNews, Purchase
from chalicelib.models.sessions import LiveOptions, SocketCredential
from chalicelib.models.transcripts import Recognition, Word
from chalicelib.payments.purchase_state import Payment
from chalicelib.streaming.audio import Audio
from chalicelib.models.text_tasks import TextTask

WORDS = ("so", "the", "next", "thing", "to", "look", "at", "is", "what", "all", "of", "this", "means")
WORD_MS = 400
BYTES_A_TOKEN = 4


@dataclass(frozen=True)
class Tickets:
    """Live sockets that nobody opens."""

    name: str = "assemblyai"
    model: str = "assemblyai/universal-streaming-english"
    longest_seconds: int = 10_800

    def knows(self, language: str) -> bool:
        return True

    def ticket(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        return SocketCredential(self.name, self.model, "wss://live.example/v3/ws", "a-ticket", 0, self.longest_seconds)


@dataclass(frozen=True)
class Recogniser:
    """Hears the same words in everything."""

    model: str = "assemblyai/sync-universal-3-5-pro"

    def recognise(self, audio: Audio, language: str) -> Recognition:
        return Recognition("some words", self.model, (Word("some", 0, 40, 0.9), Word("words", 40, 80, 0.8)))


@dataclass
class Recordings:
    """Recordings of any length, transcribed at once."""

    orders: dict[str, TranscriptionOrder] = field(default_factory=dict)

    def submit(self, order: TranscriptionOrder) -> str:
        name = f"transcript-{len(self.orders) + 1}"
        self.orders[name] = order
        return name

    def find(self, order: TranscriptionOrder) -> str | None:
        return next((name for name, one in self.orders.items() if one.webhook_url == order.webhook_url), None)

    def recording(self, transcript_id: str) -> Recording | None:
        order = self.orders[transcript_id]
        starts = range(order.from_ms, order.to_ms, WORD_MS * 10)
        words = tuple(Word(WORDS[n % len(WORDS)], at, at + WORD_MS, 0.9) for n, at in enumerate(starts))
        return Recording(words, order.to_ms, "assemblyai/universal-3-5-pro")

    def delete(self, transcript_id: str) -> None:
        pass


@dataclass(frozen=True)
class Reader:
    """Summaries and answers that say what they are."""

    model: str = "openai/gpt-6-luna"

    def answer(self, task: TextTask) -> TextAnswer:
        fields: dict[str, object] = {"summary": "A summary of made-up words.", "key_moments": []}
        if task.name == "transcript_answer":
            fields = {"answered": True, "answer": "Made-up words.", "quotes": [{"line": 0}]}
        return TextAnswer(fields, self.model, len(task.data) // BYTES_A_TOKEN, len(json.dumps(fields)) // BYTES_A_TOKEN)


@dataclass(frozen=True)
class Files:
    """Every upload is there."""

    def ticket(self, user_id: str, upload_id: str, content_type: str, now: int) -> UploadForm:
        return UploadForm("https://bucket.example", {}, now + 900, 500)

    def fingerprint(self, user_id: str, upload_id: str) -> str | None:
        return "made-up"

    def readable_url(self, user_id: str, upload_id: str) -> str:
        return f"https://bucket.example/{user_id}/{upload_id}"


@dataclass
class Messages:
    """A queue; whoever sent them looks after them."""

    sent: list[str] = field(default_factory=list)

    def send(self, job_id: str) -> None:
        self.sent.append(job_id)


@dataclass
class Payments:
    """A payment system that believes what it is told."""

    stage: str
    sessions: dict[str, CheckoutSession] = field(default_factory=dict)

    def open(self, wanted: Purchase) -> CheckoutSession:
        made = CheckoutSession(
            session_id=f"cs_{wanted.purchase_id}",
            url=f"https://pay.example/{wanted.purchase_id}",
            payment=Payment.OPEN,
            payment_id="",
            cents=wanted.cents,
            currency=wanted.currency,
            is_live=wanted.is_live,
            purchase_id=wanted.purchase_id,
            user_id=wanted.user_id,
            stage=self.stage,
        )
        return self.sessions.setdefault(made.session_id, made)

    def paid(self, purchase_id: str) -> CheckoutSession:
        """The checkout once somebody has paid at it."""
        there = self.sessions[f"cs_{purchase_id}"]
        self.sessions[there.session_id] = replace(there, payment=Payment.PAID, payment_id=f"pi_{purchase_id}")
        return self.sessions[there.session_id]

    def expired(self, purchase_id: str) -> CheckoutSession:
        """The checkout once it is too late to pay."""
        return replace(self.sessions[f"cs_{purchase_id}"], payment=Payment.EXPIRED)

    def session(self, session_id: str) -> CheckoutSession:
        return self.sessions[session_id]

    def session_of(self, payment_id: str) -> CheckoutSession | None:
        return next((one for one in self.sessions.values() if one.payment_id == payment_id), None)

    def verified_event(self, raw: bytes, signature: str) -> Any:
        raise InvalidSignatureError("Nobody signs here.")

    def news(self, event: Any) -> CheckoutSession | PaymentNews | None:
        """An event is its news."""
        told: CheckoutSession | PaymentNews | None = event.news
        return told

    def undelivered(self, since: int, after: str = "") -> Iterator[Any]:
        yield from ()


@dataclass(frozen=True)
class Event:
    """Something the payment system tells."""

    news: CheckoutSession | PaymentNews
    type: str = "made-up"
    id: str = "evt_made_up"
    livemode: bool = False
