"""`GET /v2/transcript`: pages of transcripts, newest first."""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from sandbox.assemblyai import transcript_json as shapes
from sandbox.assemblyai.transcript_jobs import Job

DEFAULT_LIMIT, MAX_LIMIT = 10, 200
STATUSES = ("queued", "processing", "completed", "error")
UNKNOWN_ID = "Transcript lookup error, transcript id not found"


class PageError(Exception):
    """The query makes no sense."""


def page(jobs: list[Job], request: Request) -> dict[str, Any]:
    """A page of `jobs`, which come oldest first. Raises PageError.

    `after_id` alone gives those made next after it; in all other cases a page holds the newest that fit.
    """
    query = request.query_params
    limit = number(request, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT)
    places = {job.id: place for place, job in enumerate(jobs)}
    if any(query[name] not in places for name in ("before_id", "after_id") if name in query):
        raise PageError(UNKNOWN_ID)
    if query.get("status") not in (None, *STATUSES):
        raise PageError(f"status must be one of {', '.join(STATUSES)}")
    kept = [job for job in jobs if _matches(job, request)]
    before = places[query["before_id"]] if "before_id" in query else len(jobs)
    after = places[query["after_id"]] if "after_id" in query else -1
    found = [job for job in kept if after < places[job.id] < before]
    shown = found[:limit] if "after_id" in query and "before_id" not in query else found[-limit:]
    url = f"{shapes.base_url(request)}{request.url.path}"
    filters = {name: value for name, value in query.items() if name not in ("before_id", "after_id", "limit")}

    def neighbour(name: str, job: Job, more: bool) -> str | None:
        return f"{url}?{urlencode({**filters, 'limit': limit, name: job.id})}" if more else None

    return {
        "page_details": {
            "limit": limit,
            "result_count": len(shown),
            "current_url": f"{url}?{urlencode(dict(query))}" if query else url,
            "prev_url": neighbour("before_id", shown[0], shown[0] is not kept[0]) if shown else None,
            "next_url": neighbour("after_id", shown[-1], shown[-1] is not kept[-1]) if shown else None,
        },
        "transcripts": [shapes.item_json(job, shapes.base_url(request)) for job in reversed(shown)],
    }


def number(request: Request, name: str, lowest: int, highest: int, default: int) -> int:
    """A whole number out of the query. Raises PageError."""
    given = request.query_params.get(name, str(default))
    if not (given.isascii() and given.isdigit() and len(given) < 10 and lowest <= int(given) <= highest):
        raise PageError(f"{name} must be a whole number from {lowest} to {highest}")
    return int(given)


def _matches(job: Job, request: Request) -> bool:
    """Whether the filters let it through; `throttled_only` overrides `status`."""
    query = request.query_params
    status, day = query.get("status"), query.get("created_on")
    if day not in (None, shapes.shown_time(job.created_at)[:10]):
        return False
    if query.get("throttled_only", "false").lower() == "true":
        return job.throttled
    return status in (None, job.status)
