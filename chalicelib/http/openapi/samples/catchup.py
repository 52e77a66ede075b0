"""Examples of the shapes of the section Catch-up."""

from .... import contract
from .ids import ENDED, JOB, SESSION, STARTED, TRANSCRIPT, UPLOAD

key_moment = contract.KeyMoment(start_ms=61_000, title="The price is agreed")

EXAMPLES = [
    contract.NewUpload(content_type="audio/mpeg"),
    contract.Upload(
        upload_id=UPLOAD,
        url="https://s3.amazonaws.com/uploads",
        fields={"key": f"uploads/{UPLOAD}"},
        expires_at=ENDED,
        max_bytes=524_288_000,
    ),
    contract.Catchup(session_id=SESSION, minutes=5),
    contract.CatchupJob(
        job_id=JOB,
        status="done",
        progress=100,
        from_ms=0,
        to_ms=300_000,
        credits_held=0,
        credits_used=5,
        created_at=STARTED,
        transcript_id=TRANSCRIPT,
        session_id=SESSION,
        summary="They agreed on the price.",
        key_moments=[key_moment],
        summary_is_whole=True,
    ),
    contract.Quote(
        credits=5, credits_available=195, from_ms=0, to_ms=300_000, price_version="2026-11", is_stored=False
    ),
    contract.WebhookQuery(job=JOB),
    contract.TranscriptEnded(transcript_id="2f8a-11", status="completed"),
    contract.WebhookReceipt(received=True),
]
