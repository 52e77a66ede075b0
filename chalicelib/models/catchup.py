"""Catch-up jobs, and what providers are asked for them."""

from enum import StrEnum

from msgspec import Struct

from .transcripts import Word

WEBHOOK_SECRET_HEADER = "X-Webhook-Secret"  # carries the secret of a job in its provider's webhook


class JobState(StrEnum):
    """`submitting`: the provider is being asked, and may have taken the job even if no answer came."""

    QUEUED = "queued"
    SUBMITTING = "submitting"
    TRANSCRIBING = "transcribing"
    SUMMARISING = "summarising"
    DONE = "done"
    FAILED = "failed"


class Job(Struct, frozen=True):
    """One catch-up of a range of a recording (`upload_id` or `audio_url`) or of a live session's saved words.

    `worker` and `claimed_until` say who works on it. `notified_id` is the provider's transcript that a webhook named,
    `provider_id` the one that we know to be ours. `billed_ms`, `model` and `cost_micro_usd` are what was transcribed.
    """

    job_id: str
    user_id: str
    state: JobState
    created_at: int
    give_up_at: int
    from_ms: int
    to_ms: int
    held: int
    price_version: str
    claim: str
    transcript_id: str
    body_hash: str = ""
    upload_id: str = ""
    audio_url: str = ""
    session_id: str = ""
    webhook_url: str = ""
    language: str = ""
    title: str = ""
    worker: str = ""
    claimed_until: int = 0
    submissions: int = 0
    submitted_url: str = ""
    provider_id: str = ""
    notified_id: str = ""
    is_provider_copy_deleted: bool = False
    billed_ms: int = 0
    model: str = ""
    cost_micro_usd: int = 0
    summary_tries: int = 0
    charged: int = 0
    error: str = ""
    ended_at: int = 0

    @property
    def has_ended(self) -> bool:
        return self.state in (JobState.DONE, JobState.FAILED)

    @property
    def is_known_to_provider(self) -> bool:
        """Whether the provider has yet to forget a transcript of it."""
        return bool(self.provider_id or self.notified_id) and not self.is_provider_copy_deleted

    @property
    def is_of_session(self) -> bool:
        """Whether the words are there already, so that nothing has to be transcribed."""
        return bool(self.session_id)

    @property
    def service(self) -> str:
        """The service of the price list that this is."""
        return "catchup_session" if self.is_of_session else "catchup"

    @property
    def range_ms(self) -> int:
        return self.to_ms - self.from_ms


class TranscriptionOrder(Struct, frozen=True):
    """What is to be transcribed. `webhook_url` names the job, so that an order whose answer was lost is found again."""

    audio_url: str
    from_ms: int
    to_ms: int
    language: str
    webhook_url: str
    webhook_secret: str


class Recording(Struct, frozen=True):
    """What a provider made of a whole recording. `audio_ms` is the length of all of it. `model`: "provider/model"."""

    words: tuple[Word, ...]
    audio_ms: int
    model: str


class TextAnswer(Struct, frozen=True):
    """What a text model answered: the fields of the JSON object it was asked for, and what it read and wrote."""

    fields: dict[str, object]
    model: str
    input_tokens: int
    output_tokens: int


class UploadForm(Struct, frozen=True):
    """What lets a browser send one file to our bucket: a form's address and fields."""

    url: str
    fields: dict[str, str]
    expires_at: int
    max_bytes: int


class StoredFile(Struct, frozen=True):
    """A file in our bucket, by its name in its owner's folder."""

    name: str
    bytes: int
    stored_at: int
