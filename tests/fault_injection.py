"""Injects faults: counts every call to the tables and to providers, and lets any of them fail in every possible way.

Where a test is about the SDK's retries, it hooks into botocore below them, so what is proven holds for the SDK itself.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from chalicelib.errors import AppError, ProviderError, ProviderTimeoutError
from chalicelib.models.audio import Audio
from chalicelib.models.transcripts import Recognition
from chalicelib.repositories.table import Tables
from tests.engines import Engine
from tests.fakes import ScriptedRecogniser
from tests.in_process_dynamodb import Answer, InProcessDynamoDB, as_response


class Crash(BaseException):
    """The process has died: none of its code runs any more, not even `except Exception`."""


class RetriesExhaustedError(Exception):
    """A client stopped retrying."""


class Fault(StrEnum):
    """What can go wrong with one call."""

    CRASH_BEFORE = "a crash before the call"
    CRASH_AFTER = "a crash after the call"
    UNSENT = "a connection reset before the call"
    LOST = "a response lost after the call"
    CONFLICT = "a conflict with another transaction"
    HALF_CONFLICT = "a conflict on one item while another's condition fails"
    THROTTLED_INSIDE = "a table's throughput exceeded inside a transaction"
    THROTTLED = "a throttled request"
    IN_PROGRESS = "the same transaction still in progress"
    SERVER_ERROR = "a server error"


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
Response = TypeVar("Response")


def no_faults(number: int, operation: str) -> None:
    """The plan without any fault."""


def fail_call(number: int, fault: Fault) -> Plan:
    """The plan where only this call fails; the first is number 0."""
    return lambda call_number, _: fault if call_number == number else None


@dataclass
class FaultInjector:
    """Every call to the tables and to a provider passes through this; `plan` says what happens to it."""

    plan: Plan = no_faults
    calls: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def use_plan(self, plan: Plan) -> None:
        """Count from 0 again and follow this plan from now on."""
        self.plan, self.calls = plan, []

    def next_fault(self, operation: str) -> Fault | None:
        with self.lock:
            number = len(self.calls)
            self.calls.append(operation)
        return self.plan(number, operation)

    def tables(self, engine: Engine, names: tuple[str, str], attempts: int = 1) -> Tables:
        """Tables whose calls pass through this; `attempts` are those of the SDK for one call."""
        if engine.is_in_process and attempts == 1:
            return Tables(InProcessDynamoDB(self.intercept), *names, pause=lambda _: None)
        dynamodb = engine.new_client(attempts)
        dynamodb.meta.events.register("before-send.dynamodb", partial(self._before_send, dynamodb))
        return Tables(dynamodb, *names, pause=lambda _: None)

    def intercept(self, operation: str, request: dict[str, Any], send: Callable[[], object]) -> Answer | None:
        """What this call gets instead of the engine's answer; None: it is sent as usual."""
        fault = self.next_fault(operation)
        if fault in CANCELLED and operation != "TransactWriteItems":
            fault = Fault.THROTTLED
        match fault:
            case None:
                return None
            case Fault.CRASH_BEFORE:
                raise Crash
            case Fault.UNSENT:
                raise ConnectionClosedError(endpoint_url="injected")
            case Fault.CRASH_AFTER:
                send()
                raise Crash
            case Fault.LOST:
                send()
                raise ReadTimeoutError(endpoint_url="injected")
        if fault in REFUSED:
            status, code = REFUSED[fault]
            return _error(status, code)
        codes = CANCELLED[fault]
        count = len(request["TransactItems"])
        reasons = [{"Code": code} for code in (codes + ["None"] * count)[:count]]
        return _error(400, "TransactionCanceledException", CancellationReasons=reasons)

    def _before_send(self, dynamodb: Any, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        """Hooks into botocore below its retries."""
        send = partial(dynamodb._endpoint.http_session.send, request)
        answer = self.intercept(event_name.rpartition(".")[2], json.loads(request.body), send)
        return None if answer is None else as_response(request.url, *answer)


def _error(status: int, code: str, **fields: Any) -> Answer:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "injected", **fields}
    return status, json.dumps(body).encode()


@dataclass
class FaultyRecogniser(ScriptedRecogniser):
    """A provider behind a fault injector. `check` runs before each call that would cost money."""

    fault_injector: FaultInjector = field(default_factory=FaultInjector)
    check: Callable[[Audio], None] = lambda audio: None
    broken: bool = False

    def recognise(self, audio: Audio, language: str) -> Recognition:
        self.check(audio)
        fault = self.fault_injector.next_fault("Recognise")
        if fault is Fault.CRASH_BEFORE:
            raise Crash
        if self.broken or fault is Fault.UNSENT:
            raise ProviderError("The provider could not be reached.")
        recognition = super().recognise(audio, language)
        if fault is Fault.CRASH_AFTER:
            raise Crash
        if fault is not None:
            raise ProviderTimeoutError("The provider did not respond in time.")
        return recognition


def retry_until_answered(command: Callable[[], Response], wait: Callable[[int], None], tries: int = 60) -> Response:
    """Retry a command as a client does after a lost connection, or after a 502, 503 or 409 that says when to retry."""
    for _ in range(tries):
        try:
            return command()
        except Crash:
            wait(1)
        except AppError as error:
            if not isinstance(error, ProviderError) and "retry_after_seconds" not in error.details:
                raise
            wait(36)
    raise RetriesExhaustedError(f"no response after {tries} tries")
