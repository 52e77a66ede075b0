"""Structured log lines: one JSON object each, with CloudWatch metrics embedded where there are any.

Nothing personal or secret belongs into a line: no token, address, password, key, signature or word of a transcript. So
an exception is logged by its type and where it came from; its text may quote what was in hand. redaction.py looks over
each line all the same.
"""

import sys
import time
import traceback
from typing import Any, Literal

import msgspec

from ..dates import rfc3339
from ..settings import load
from .redaction import is_suspicious, redacted_fields

NAMESPACE, SERVICE = "LiveTranscription", "live-transcription"
Unit = Literal["Milliseconds", "Count"]


def line(
    message: str, *, level: str = "INFO", metrics: dict[str, tuple[float, Unit]] | None = None, **fields: object
) -> None:
    """Write one line. `metrics`: name → value and unit; CloudWatch reads them out of the log.

    Source: Amazon CloudWatch user guide, "Embedded metric format specification".
    """
    now = time.time()
    record: dict[str, Any] = {
        "level": level,
        "service": SERVICE,
        "message": message,
        "timestamp": rfc3339(int(now)),
        **fields,
    }
    if metrics:
        named = [{"Name": name, "Unit": unit} for name, (_, unit) in metrics.items()]
        directive = {"Namespace": NAMESPACE, "Dimensions": [["Stage"]], "Metrics": named}
        record |= {name: value for name, (value, _) in metrics.items()} | {"Stage": load.stage()}
        record["_aws"] = {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]}
    written = msgspec.json.encode(record).decode()
    if is_suspicious(written):  # Taken out of the fields, so that the line stays JSON.
        written = msgspec.json.encode(redacted_fields(msgspec.to_builtins(record))).decode()
    sys.stdout.write(written + "\n")


def failure(message: str, error: BaseException, **fields: Any) -> None:
    """Write a line for an exception that nobody expected; for a group, one for each in it."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            failure(message, one, **fields)
        return
    frames = [f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
    line(message, level="ERROR", error_type=type(error).__name__, frames=frames, **fields)
