"""The sandbox's own routes for transcripts: what was made, what was told to whom, and when jobs may end."""

import json
from dataclasses import asdict
from json import JSONDecodeError
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.assemblyai import transcript_json as shapes
from sandbox.assemblyai.transcript_jobs import Job, Jobs
from sandbox.assemblyai.webhooks import Sender

MAX_COPIES = 100
MAX_SECONDS = 3600


class Orders:
    """Orders of tests about transcripts; like all of `/sandbox` it needs no key."""

    def __init__(self, jobs: Jobs, sender: Sender):
        self._jobs = jobs
        self._sender = sender

    async def list_transcripts(self, _request: Request) -> Response:
        """`created`: how many were made since they were last forgotten; each with its webhooks, oldest first."""
        attempts = self._sender.attempts()
        return JSONResponse(
            {
                "created": self._jobs.created,
                "transcripts": [
                    _job_json(job) | {"webhooks": [one for one in attempts if one["transcript_id"] == job.id]}
                    for job in self._jobs.all.values()
                ],
            }
        )

    async def forget_transcripts(self, _request: Request) -> Response:
        """Forget transcripts, uploads, attempts and orders; running jobs are given up."""
        self._jobs.forget()
        return Response(status_code=204)

    async def show(self, _request: Request) -> Response:
        return JSONResponse(self._orders())

    async def change(self, request: Request) -> Response:
        """Change some orders; the rest stays. 400 if one makes no sense. Without `hold_jobs` held ones are let go."""
        try:
            given = read_orders(json.loads(await request.body()))
        except (JSONDecodeError, UnicodeDecodeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        if "hold_jobs" in given:
            self._jobs.hold = given.pop("hold_jobs")
            if not self._jobs.hold:
                self._jobs.release_all()
        for name, value in given.items():
            setattr(self._sender.settings, SETTINGS[name], value)
        return JSONResponse(self._orders())

    async def release(self, request: Request) -> Response:
        """Let one held job end. 404 if there is none of that id."""
        job = self._jobs.all.get(request.path_params["id"])
        if job is None:
            return JSONResponse({"error": "no such transcript"}, status_code=404)
        self._jobs.release(job)
        return Response(status_code=204)

    async def send_webhook(self, request: Request) -> Response:
        """Send a transcript's webhook now, `?copies=` times (1). 404 if there is no such transcript or webhook."""
        job = self._jobs.all.get(request.path_params["id"])
        if job is None or job.options.webhook is None:
            return JSONResponse({"error": "no such transcript, or none with a webhook"}, status_code=404)
        copies = request.query_params.get("copies", "1")
        if not (copies.isascii() and copies.isdigit() and 1 <= int(copies) <= MAX_COPIES):
            return JSONResponse({"error": f"copies must be from 1 to {MAX_COPIES}"}, status_code=400)
        self._jobs.tell(job, int(copies))
        return Response(status_code=202)

    def _orders(self) -> dict[str, Any]:
        settings = asdict(self._sender.settings)
        return {"hold_jobs": self._jobs.hold, **{name: settings[field] for name, field in SETTINGS.items()}}


SETTINGS = {
    "webhook_copies": "copies",
    "webhook_before_answer": "before_answer",
    "webhook_retry_seconds": "retry_seconds",
    "webhook_deadline_seconds": "deadline_seconds",
}
"""Field of `webhooks.Settings` by order."""


def read_orders(given: Any) -> dict[str, Any]:
    """The orders, checked. Raises ValueError."""
    if not isinstance(given, dict):
        raise ValueError("orders are a JSON object")
    unknown = set(given) - set(SETTINGS) - {"hold_jobs"}
    if unknown:
        raise ValueError(f"unknown orders: {sorted(unknown)}")
    for name, value in given.items():
        match name:
            case "hold_jobs" | "webhook_before_answer":
                if not isinstance(value, bool):
                    raise ValueError(f"{name} must be true or false")
            case "webhook_copies":
                if type(value) is not int or not 0 <= value <= MAX_COPIES:
                    raise ValueError(f"{name} must be a whole number from 0 to {MAX_COPIES}")
            case _:
                if type(value) not in (int, float) or not 0 <= value <= MAX_SECONDS:
                    raise ValueError(f"{name} must be a number from 0 to {MAX_SECONDS}")
    return given


def _job_json(job: Job) -> dict[str, Any]:
    """A transcript as it was asked for, deleted or not; the text is left out."""
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
        "webhook_url": webhook and webhook.url,
        "webhook_auth_header_name": webhook and webhook.header_name,
    }
