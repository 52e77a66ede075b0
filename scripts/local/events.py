"""Delivers queue, stream and schedule events to the functions that AWS would call, within two seconds.

The event sources are those that the app has registered. Each has one thread: no function runs twice at the same time.
"""

import os
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import boto3
from chalice.app import Chalice, DynamoDBEventConfig, ScheduledEventConfig, SQSEventConfig
from chalice.local import LambdaContext

from scripts.local.event_log import log, log_exception
from scripts.local.pause import are_paused
from scripts.local.queue_events import QueueFeed
from scripts.local.schedule_calls import last_call_ns
from scripts.local.stream_events import StreamFeed

IDLE_SECONDS = 0.3  # after the first read that finds no event
LONGEST_IDLE_SECONDS = 1.2  # after many: reading silent sources takes a third of a small machine
IDLE_GROWTH = 1.1
ERROR_PAUSE_SECONDS = 2.0  # after a source could not be read
SCHEDULE_SECONDS = 2.0


class Feed(Protocol):
    """One event source and its function."""

    name: str
    drains: bool  # whether it is read to its end before the delivery stops

    def step(self) -> bool:
        """Deliver the next events to the function; returns False when there were none."""

    def close(self) -> None: ...


class ScheduleFeed:
    """Calls a scheduled function every `every_seconds` instead of at its own, slower rate, and when it is asked to."""

    drains = False

    def __init__(
        self, name: str, call: Callable[[dict[str, Any]], Any], every_seconds: float, directory: Path | None = None
    ):
        self.name, self._call, self._every_seconds, self._directory = name, call, every_seconds, directory
        self._next_at, self._last_call_ns = time.monotonic() + every_seconds, last_call_ns(directory)

    def step(self) -> bool:
        call_ns = last_call_ns(self._directory)
        is_due = call_ns != self._last_call_ns or time.monotonic() >= self._next_at
        if not is_due or are_paused(self._directory):
            return False
        self._last_call_ns = call_ns
        self._next_at = time.monotonic() + self._every_seconds
        try:
            self._call(scheduled_event(self.name))
        except Exception as error:  # noqa: BLE001 - the schedule goes on after any error of the function
            log_exception(self.name, error)
        return True

    def close(self) -> None:
        pass


class EventFeeder:
    """Delivers the events of every source of `app`, from the AWS of the environment, until `stop`.

    `positions`: a directory that keeps the reading position of each stream, for a restart while the AWS keeps running.
    """

    def __init__(
        self,
        app: Chalice,
        *,
        positions: Path | None = None,
        schedule_seconds: float | None = None,
        new_client: Callable[[str], Any] = boto3.client,
    ):
        if schedule_seconds is None:
            schedule_seconds = float(os.environ.get("LOCAL_SCHEDULE_SECONDS", SCHEDULE_SECONDS))
        directory = positions.parent if positions else None  # of the stack
        self._stopping = threading.Event()
        self._feeds: list[Feed] = []
        self._threads: list[threading.Thread] = []
        for source in app.event_sources:
            call = lambda_function(app, source.name)
            if isinstance(source, SQSEventConfig):
                queue_name = source.queue or source.queue_arn.rsplit(":", 1)[1]
                self._feeds.append(QueueFeed(source.name, queue_name, source.batch_size, call, new_client))
            elif isinstance(source, DynamoDBEventConfig):
                self._feeds.append(
                    StreamFeed(source.name, source.stream_arn, source.batch_size, call, new_client, positions)
                )
            elif isinstance(source, ScheduledEventConfig):
                self._feeds.append(ScheduleFeed(source.name, call, schedule_seconds, directory))
            else:
                log(f"{source.name}: events of {type(source).__name__} are not delivered on this machine")

    def start(self) -> None:
        for feed in self._feeds:
            thread = threading.Thread(target=self._run, args=(feed,), name=f"events-{feed.name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout_seconds: float = 3) -> None:
        """Stop each source; a stream stops after its last event is delivered."""
        self._stopping.set()
        deadline = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, feed: Feed) -> None:
        idle_seconds = 0.0
        try:
            while True:
                try:
                    found = feed.step()
                    longer = min(max(IDLE_SECONDS, idle_seconds * IDLE_GROWTH), LONGEST_IDLE_SECONDS)
                    idle_seconds = 0.0 if found else longer
                except Exception as error:  # noqa: BLE001 - the delivery goes on after any error of a source
                    log(f"{feed.name} cannot be read: {type(error).__name__}: {error}")
                    found, idle_seconds = False, ERROR_PAUSE_SECONDS
                if self._stopping.is_set() and not (found and feed.drains):
                    return
                self._stopping.wait(idle_seconds)
        finally:
            feed.close()


def lambda_function(app: Chalice, name: str) -> Callable[[dict[str, Any]], Any]:
    """The function of this name, to be called as Lambda calls it."""
    handler = app.handler_map[name]

    def call(event: dict[str, Any]) -> Any:
        return handler(event, LambdaContext(function_name=name, memory_size=512, max_runtime_ms=900_000))

    return call


def scheduled_event(name: str) -> dict[str, Any]:
    """The event that a schedule sends."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "us-east-1",
        "resources": [f"arn:aws:events:us-east-1:000000000000:rule/{name}"],
        "detail": {},
    }
