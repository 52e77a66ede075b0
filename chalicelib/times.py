"""Epoch seconds as the text that the contract speaks."""

from datetime import UTC, datetime


def rfc3339(at: int) -> str:
    """`1795385310` → `2026-11-22T22:08:30Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_date(at: int) -> str:
    """The UTC day, `2026-11-22`."""
    return rfc3339(at)[:10]
