"""The wire between us and what we call: it counts every call and can let each of them fail in each way a call can.

It hooks into botocore below its retries, so what is proven holds for the SDK as it is, not for a stand-in of it.
"""

import io
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from chalicelib.errors import AppError, ProviderError, ProviderTimeoutError
from chalicelib.models.transcripts import Recognition
from chalicelib.repositories.table import Tables
from chalicelib.streaming.audio import Audio
from tests.engines import Engine, client
from tests.fakes import ScriptedRecogniser


class Crash(BaseException):
    """The process is gone: none of its code runs any more, not even `except Exception`."""


class TiredError(Exception):
    """A client gave up."""


class Fault(StrEnum):
    """What can happen to one call."""

    CRASH_BEFORE = "a crash before the call"
    CRASH_AFTER = "a crash after the call"
    UNSENT = "a connection reset before the call"
    LOST = "an answer lost after the call"
    CONFLICT = "a conflict with another transaction"
    HALF_CONFLICT = "a conflict on one item while another's condition fails"
    THROTTLED_INSIDE = "a table's throughput exceeded inside a transaction"
    THROTTLED = "a throttled request"
    IN_PROGRESS = "the same transaction still in progress"
    SERVER_ERROR = "an error of the server"


CRASHES = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
OUTAGES = (Fault.UNSENT, Fault.LOST)
TRANSIENT = tuple(fault for fault in Fault if fault not in CRASHES)
CANCELLED = {
    Fault.CONFLICT: ["TransactionConflict"],
    Fault.HALF_CONFLICT: ["TransactionConflict", "ConditionalCheckFailed"],
    Fault.THROTTLED_INSIDE: ["ProvisionedThroughputExceeded"],
}
REFUSED = {
    Fault.THROTTLED: (400, "ThrottlingException"),
    Fault.IN_PROGRESS: (400, "TransactionInProgressException"),
    Fault.SERVER_ERROR: (500, "InternalServerError"),
}

Plan = Callable[[int, str], Fault | None]
Answer = TypeVar("Answer")


def no_faults(number: int, operation: str) -> None:
    """The plan of a quiet day."""


def at(number: int, fault: Fault) -> Plan:
    """The plan where this call alone goes wrong; the first is number 0."""
    return lambda each, _: fault if each == number else None


@dataclass
class Wire:
    """Every call to the tables and to a provider passes here; `plan` says what happens to it."""

    plan: Plan = no_faults
    calls: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def under(self, plan: Plan) -> None:
        """From now on count from 0 and follow this plan."""
        self.plan, self.calls = plan, []

    def next_fault(self, operation: str) -> Fault | None:
        with self.lock:
            number = len(self.calls)
            self.calls.append(operation)
        return self.plan(number, operation)

    def tables(self, engine: Engine, names: tuple[str, str], attempts: int = 1) -> Tables:
        """The tables at the other end of this wire; `attempts` are the SDK's own."""
        wired = client(engine.client.meta.endpoint_url, attempts)
        wired.meta.events.register("before-send.dynamodb", lambda **event: self._send(wired, **event))
        return Tables(wired, *names, pause=lambda _: None)

    def _send(self, wired: Any, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        fault = self.next_fault(operation)
        if fault in CANCELLED and operation != "TransactWriteItems":
            fault = Fault.THROTTLED
        match fault:
            case None:
                return None
            case Fault.CRASH_BEFORE:
                raise Crash
            case Fault.UNSENT:
                raise ConnectionClosedError(endpoint_url=request.url)
            case Fault.CRASH_AFTER:
                _deliver(wired, request)
                raise Crash
            case Fault.LOST:
                _deliver(wired, request)
                raise ReadTimeoutError(endpoint_url=request.url)
        if fault in REFUSED:
            status, code = REFUSED[fault]
            return _refusal(request, status, code)
        codes = CANCELLED[fault]
        count = len(json.loads(request.body)["TransactItems"])
        reasons = [{"Code": code} for code in (codes + ["None"] * count)[:count]]
        return _refusal(request, 400, "TransactionCanceledException", CancellationReasons=reasons)


def _deliver(wired: Any, request: Any) -> None:
    wired._endpoint.http_session.send(request)


def _refusal(request: Any, status: int, code: str, **fields: Any) -> AWSResponse:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "injected", **fields}
    answer = AWSResponse(request.url, status, HeadersDict({"Content-Type": "application/x-amz-json-1.0"}), io.BytesIO())
    answer._content = json.dumps(body).encode()
    return answer


@dataclass
class WiredRecogniser(ScriptedRecogniser):
    """A provider at the other end of the wire. `check` runs before each call that would cost money."""

    wire: Wire = field(default_factory=Wire)
    check: Callable[[Audio], None] = lambda audio: None
    broken: bool = False

    def recognise(self, audio: Audio, language: str) -> Recognition:
        self.check(audio)
        fault = self.wire.next_fault("Recognise")
        if fault is Fault.CRASH_BEFORE:
            raise Crash
        if self.broken or fault is Fault.UNSENT:
            raise ProviderError("The provider could not be reached.")
        heard = super().recognise(audio, language)
        if fault is Fault.CRASH_AFTER:
            raise Crash
        if fault is not None:
            raise ProviderTimeoutError("The provider's answer did not come.")
        return heard


def insist(command: Callable[[], Answer], wait: Callable[[int], None], tries: int = 60) -> Answer:
    """Repeat a command as a client does after a lost connection or a 502, 503 or 409 that says when to try again."""
    for _ in range(tries):
        try:
            return command()
        except Crash:
            wait(1)
        except AppError as error:
            if not isinstance(error, ProviderError) and "retry_after_seconds" not in error.details:
                raise
            wait(36)
    raise TiredError(f"no answer after {tries} tries")
