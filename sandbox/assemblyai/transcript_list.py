"""`GET /v2/transcript`: pages of transcripts, newest first."""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from sandbox import loopback
from sandbox.assemblyai import transcript_json as shapes
from sandbox.assemblyai.transcript_jobs import Job

DEFAULT_LIMIT, MAX_LIMIT = 10, 200
STATUSES = ("queued", "processing", "completed", "error")
UNKNOWN_ID = "Transcript lookup error, transcript id not found"


class PageError(Exception):
    """The query is invalid; the text says why."""


def build_page(jobs: list[Job], request: Request) -> dict[str, Any]:
    """One page of `jobs`, which are ordered oldest first. Raises PageError.

    With `after_id` alone, a page contains those created right after it; otherwise the newest that fit.
    """
    query = request.query_params
    limit = parse_query_integer(request, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT)
    positions = {job.id: position for position, job in enumerate(jobs)}
    if any(query[name] not in positions for name in ("before_id", "after_id") if name in query):
        raise PageError(UNKNOWN_ID)
    if query.get("status") not in (None, *STATUSES):
        raise PageError(f"status must be one of {', '.join(STATUSES)}")
    matching = [job for job in jobs if _matches_filters(job, request)]
    before = positions[query["before_id"]] if "before_id" in query else len(jobs)
    after = positions[query["after_id"]] if "after_id" in query else -1
    in_range = [job for job in matching if after < positions[job.id] < before]
    items = in_range[:limit] if "after_id" in query and "before_id" not in query else in_range[-limit:]
    url = f"{loopback.base_url(request)}{request.url.path}"
    filters = {name: value for name, value in query.items() if name not in ("before_id", "after_id", "limit")}

    def page_url(name: str, job: Job, more: bool) -> str | None:
        return f"{url}?{urlencode({**filters, 'limit': limit, name: job.id})}" if more else None

    return {
        "page_details": {
            "limit": limit,
            "result_count": len(items),
            "current_url": f"{url}?{urlencode(dict(query))}" if query else url,
            "prev_url": page_url("before_id", items[0], items[0] is not matching[0]) if items else None,
            "next_url": page_url("after_id", items[-1], items[-1] is not matching[-1]) if items else None,
        },
        "transcripts": [shapes.item_json(job, loopback.base_url(request)) for job in reversed(items)],
    }


def parse_query_integer(request: Request, name: str, lowest: int, highest: int, default: int) -> int:
    """An integer of the query. Raises PageError."""
    value = request.query_params.get(name, str(default))
    if not (value.isascii() and value.isdigit() and len(value) < 10 and lowest <= int(value) <= highest):
        raise PageError(f"{name} must be an integer from {lowest} to {highest}")
    return int(value)


def _matches_filters(job: Job, request: Request) -> bool:
    """Whether a job matches the filters; `throttled_only` overrides `status`."""
    query = request.query_params
    status, day = query.get("status"), query.get("created_on")
    if day not in (None, shapes.format_time(job.created_at)[:10]):
        return False
    if query.get("throttled_only", "false").lower() == "true":
        return job.throttled
    return status in (None, job.status)
