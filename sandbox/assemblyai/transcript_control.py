"""The sandbox's own routes for transcripts: what was created, which webhooks were sent, and when jobs may end."""

import json
from dataclasses import asdict
from json import JSONDecodeError
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.assemblyai import transcript_json as shapes
from sandbox.assemblyai.transcript_jobs import Job, Jobs
from sandbox.assemblyai.webhooks import WebhookSender

MAX_COPIES = 100
MAX_SECONDS = 3600


class TranscriptControl:
    """Routes by which tests control transcripts; like all of `/sandbox` they need no key."""

    def __init__(self, jobs: Jobs, sender: WebhookSender):
        self._jobs = jobs
        self._sender = sender

    async def list_transcripts(self, _request: Request) -> Response:
        """`created`: how many were created since the last reset; every transcript with its webhooks, oldest first.

        `running_deliveries` of a transcript is 0 once no further attempt will follow.
        """
        attempts = self._sender.attempts()
        return JSONResponse(
            {
                "created": self._jobs.created,
                "transcripts": [
                    _job_json(job)
                    | {"webhooks": [attempt for attempt in attempts if attempt["transcript_id"] == job.id]}
                    for job in self._jobs.by_id.values()
                ],
            }
        )

    async def reset_transcripts(self, _request: Request) -> Response:
        """Delete transcripts, uploads, webhook attempts and settings, and cancel running jobs."""
        self._jobs.reset()
        return Response(status_code=204)

    async def show_settings(self, _request: Request) -> Response:
        return JSONResponse(self._settings_json())

    async def update_settings(self, request: Request) -> Response:
        """Change some settings. 400 for an invalid one. `hold_jobs` false releases all held jobs."""
        try:
            changes = parse_settings(json.loads(await request.body()))
        except (JSONDecodeError, UnicodeDecodeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        if "hold_jobs" in changes:
            self._jobs.hold = changes.pop("hold_jobs")
            if not self._jobs.hold:
                self._jobs.release_all()
        for name, value in changes.items():
            setattr(self._sender.settings, SETTINGS[name], value)
        return JSONResponse(self._settings_json())

    async def release(self, request: Request) -> Response:
        """Release one held job. 404 if there is none with this id."""
        job = self._jobs.by_id.get(request.path_params["id"])
        if job is None:
            return JSONResponse({"error": "no such transcript"}, status_code=404)
        self._jobs.release(job)
        return Response(status_code=204)

    async def send_webhook(self, request: Request) -> Response:
        """Send a transcript's webhook now, `?copies=` times (1). 404 if there is no such transcript or webhook."""
        job = self._jobs.by_id.get(request.path_params["id"])
        if job is None or job.options.webhook is None:
            return JSONResponse({"error": "no such transcript, or none with a webhook"}, status_code=404)
        copies = request.query_params.get("copies", "1")
        if not (copies.isascii() and copies.isdigit() and 1 <= int(copies) <= MAX_COPIES):
            return JSONResponse({"error": f"copies must be from 1 to {MAX_COPIES}"}, status_code=400)
        self._jobs.send_webhooks(job, int(copies))
        return Response(status_code=202)

    def _settings_json(self) -> dict[str, Any]:
        settings = asdict(self._sender.settings)
        return {"hold_jobs": self._jobs.hold, **{name: settings[field] for name, field in SETTINGS.items()}}


SETTINGS = {
    "webhook_copies": "copies",
    "webhook_before_answer": "before_answer",
    "webhook_retry_seconds": "retry_seconds",
    "webhook_deadline_seconds": "deadline_seconds",
}
"""The field of `webhooks.WebhookSettings` for each setting."""


def parse_settings(changes: Any) -> dict[str, Any]:
    """The settings of a JSON body, checked. Raises ValueError."""
    if not isinstance(changes, dict):
        raise ValueError("settings must be a JSON object")
    unknown = set(changes) - set(SETTINGS) - {"hold_jobs"}
    if unknown:
        raise ValueError(f"unknown settings: {sorted(unknown)}")
    for name, value in changes.items():
        match name:
            case "hold_jobs" | "webhook_before_answer":
                if not isinstance(value, bool):
                    raise ValueError(f"{name} must be true or false")
            case "webhook_copies":
                if type(value) is not int or not 0 <= value <= MAX_COPIES:
                    raise ValueError(f"{name} must be an integer from 0 to {MAX_COPIES}")
            case _:
                if type(value) not in (int, float) or not 0 <= value <= MAX_SECONDS:
                    raise ValueError(f"{name} must be a number from 0 to {MAX_SECONDS}")
    return changes


def _job_json(job: Job) -> dict[str, Any]:
    """A transcript as it was requested, also if it is deleted; without its text."""
    webhook = job.options.webhook
    return {
        "id": job.id,
        "status": job.status,
        "error": job.error,
        "deleted": job.deleted,
        "throttled": job.throttled,
        "audio_url": job.options.audio_url,
        "audio_start_from": job.options.start_ms,
        "audio_end_at": job.options.end_ms,
        "audio_duration": shapes.duration_seconds(job),
        "speech_model_used": job.options.model,
        "language_code": job.options.language_code,
        "running_deliveries": job.running_deliveries,
        "webhook_url": webhook and webhook.url,
        "webhook_auth_header_name": webhook and webhook.header_name,
    }
