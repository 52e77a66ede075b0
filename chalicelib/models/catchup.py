"""Catch-up jobs, and the orders and results of providers."""

from enum import StrEnum

from msgspec import Struct

from .field_kinds import Internal, Personal, Record
from .transcripts import Word

WEBHOOK_SECRET_HEADER = "X-Webhook-Secret"  # carries the secret of a job in its provider's webhook


class TextUse(Struct, frozen=True):
    """The tokens that a text model ("provider/model") read and wrote."""

    model: str
    input_tokens: int
    output_tokens: int


class JobState(StrEnum):
    """`submitting`: the order is being sent, and the provider may have accepted it even if no response came."""

    QUEUED = "queued"
    SUBMITTING = "submitting"
    TRANSCRIBING = "transcribing"
    SUMMARISING = "summarising"
    DONE = "done"
    FAILED = "failed"


class Job(Struct, frozen=True):
    """A catch-up of a range of a recording (`upload_id` or `audio_url`) or of a live session's saved text.

    `worker` and `claimed_until` are the claim of a worker. `notified_id` is the provider's transcript that a webhook
    named, `provider_id` the transcript that is known to belong to the job. `billed_ms`, `model` and `cost_micro_usd`
    describe what was transcribed, `text_uses` what text models did, for failed tries too.

    `is_to_end`: the range was requested without an end; `to_ms` is then how far the hold reaches and, once that is
    known, where the recording ends before it; `recording_ms` is its length.

    `claim`, `body_hash` and `submitted_url` derive from what the user sent; they are unmarked, because an export has
    the original.
    """

    job_id: Record[str]
    user_id: Internal[str]
    state: Record[JobState]
    created_at: Record[int]
    abandon_at: Internal[int]
    from_ms: Record[int]
    to_ms: Record[int]
    held: Record[int]
    price_version: Record[str]
    transcript_id: Record[str]
    claim: str = ""
    body_hash: str = ""
    upload_id: Personal[str] = ""
    audio_url: Personal[str] = ""
    session_id: Record[str] = ""
    webhook_url: Internal[str] = ""
    language: Personal[str] = ""
    title: Personal[str] = ""
    worker: Internal[str] = ""
    claimed_until: Internal[int] = 0
    submissions: Internal[int] = 0
    submitted_url: str = ""
    provider_id: Internal[str] = ""
    notified_id: Internal[str] = ""
    is_provider_copy_deleted: Internal[bool] = False
    is_to_end: Record[bool] = False
    recording_ms: Record[int] = 0
    billed_ms: Record[int] = 0
    model: Record[str] = ""
    cost_micro_usd: Record[int] = 0
    summary_tries: Internal[int] = 0
    text_uses: Record[tuple[TextUse, ...]] = ()
    use_ids: Internal[tuple[str, ...]] = ()  # of the uses that were saved, by worker: two may be equal
    charged: Record[int] = 0
    error: Record[str] = ""
    ended_at: Record[int] = 0

    @property
    def has_ended(self) -> bool:
        return self.state in (JobState.DONE, JobState.FAILED)

    @property
    def is_cancelled(self) -> bool:
        """Whether it was ended from outside, because its account is deleted: no more work may be done for it."""
        return self.abandon_at == 0

    @property
    def remaining_copies(self) -> list[str]:
        """The ids of the transcripts that the provider has to delete, or may have deleted already."""
        copies = {self.notified_id} - {self.provider_id}
        if not self.is_provider_copy_deleted:
            copies.add(self.provider_id)
        return sorted(copies - {""})

    @property
    def is_known_to_provider(self) -> bool:
        """Whether the provider may still have a transcript of it, known or named by a notification."""
        return bool(self.provider_id or self.notified_id) and not self.is_provider_copy_deleted

    @property
    def is_of_session(self) -> bool:
        """Whether the text was saved by a live session, so that nothing has to be transcribed."""
        return bool(self.session_id)

    @property
    def service(self) -> str:
        """Its service in the price list."""
        return "catchup_session" if self.is_of_session else "catchup"

    @property
    def range_ms(self) -> int:
        return self.to_ms - self.from_ms


class JobAttributes:
    """What a stored job has besides the fields of `Job`. `expires_at` is there once it is to be deleted."""

    expires_at: Internal[int]


class ClaimAttributes:
    """The stored pointer from a range of a source to its job."""

    job_id: Internal[str]


class TranscriptionOrder(Struct, frozen=True):
    """What is to be transcribed. `webhook_url` names the job, so that an order whose response was lost is found."""

    audio_url: str
    from_ms: int
    to_ms: int
    language: str
    webhook_url: str
    webhook_secret: str


class Recording(Struct, frozen=True):
    """The transcript of a whole recording. `audio_ms` is its whole length, `model` is "provider/model".

    Both are empty where the provider found no speech before it transcribed anything: that costs nothing.
    """

    words: tuple[Word, ...]
    audio_ms: int
    model: str


class TextAnswer(Struct, frozen=True):
    """The response of a text model: the fields of the requested JSON object, and the tokens used."""

    fields: dict[str, object]
    model: str
    input_tokens: int
    output_tokens: int

    @property
    def use(self) -> TextUse:
        return TextUse(self.model, self.input_tokens, self.output_tokens)


class UploadForm(Struct, frozen=True):
    """The address and fields of a form with which a browser sends one file to the bucket."""

    url: str
    fields: dict[str, str]
    expires_at: int
    max_bytes: int


class UploadedFile(Struct, frozen=True):
    """An uploaded recording. `fingerprint` changes when the file changes."""

    fingerprint: str
    bytes: int


class StoredFile(Struct, frozen=True):
    """A file in the bucket, by its name in its owner's folder."""

    name: str
    bytes: int
    stored_at: int
