"""The calls that leave a process of the backend: to DynamoDB and to everything else.

Others run before and after each call. In between it takes effect, and what it changed is checked; or it fails, or its
process dies.
"""

import random
import zlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import NoReturn, TypeVar

from botocore.exceptions import ReadTimeoutError

from chalicelib.errors import AppError, ProviderError, ProviderTimeoutError, ProviderUnavailableError
from tests.fault_injection import CANCELLED, Crash, Fault, FaultInjector
from tests.in_process_dynamodb import Answer
from tests.simulation.engine import Request
from tests.simulation.faults import LATE, LATE_MS, REPEATED, SECOND_MS, Faults
from tests.simulation.observer import Observer, touched_accounts
from tests.simulation.scheduler import Process, Scheduler, ViolationError
from tests.simulation.written_items import WRITES, Key, LastWrites, written_keys

DYNAMODB_MS, PROVIDER_MS = 4, 200  # one way of a usual call
T = TypeVar("T")


class Boundary:
    """Makes the calls of all processes. `note` gets the account and a line of the trace."""

    def __init__(
        self,
        scheduler: Scheduler,
        faults: Faults,
        observer: Observer,
        rng: random.Random,
        counts: Counter[str],
        note: Callable[[str, str], None],
    ):
        self._scheduler, self._faults, self._observer, self._rng, self._note = scheduler, faults, observer, rng, note
        self._counts, self._last_writes = counts, LastWrites()
        self._injector = FaultInjector()

    def call_provider(
        self,
        name: str,
        effect: Callable[[], T],
        *,
        outage: Callable[[], AppError] | None = None,
        usual_ms: int = PROVIDER_MS,
    ) -> T:
        """Call something outside; `outage` makes the error of a call that fails. Takes effect in the middle.

        `usual_ms`: how long one way of a usual call takes.
        """
        process = self._scheduler.running
        self._scheduler.pause(self._faults.latency_ms(usual_ms))
        fault = self._faults.of_provider_call()
        if fault is not None:
            self._note(process.account, f"{process.name}: {name}: {fault}")
        match fault:
            case Fault.CRASH_BEFORE:
                self._die(process)
            case Fault.UNSENT:
                raise outage() if outage else ProviderUnavailableError("The provider is overloaded.")
            case Fault.SERVER_ERROR:
                raise outage() if outage else ProviderError("The provider failed.")
        try:
            result = effect()
        except ViolationError as violation:
            violation.account = violation.account or process.account
            raise
        self._scheduler.pause(self._faults.latency_ms(usual_ms))
        if fault is Fault.CRASH_AFTER:
            self._die(process)
        if fault is Fault.LOST:
            raise outage() if outage else ProviderTimeoutError("The provider did not respond in time.")
        self._note(process.account, f"{process.name}: {name}")
        return result

    def _die(self, process: Process) -> NoReturn:
        process.deadline_ms = self._scheduler.now_ms  # None of its code runs any more.
        raise Crash

    def call_dynamodb(self, request: Request) -> Answer:
        process = self._scheduler.running
        self._scheduler.pause(self._faults.latency_ms(DYNAMODB_MS))
        fault = self._faults.of_call()
        label = f"{process.name}: {request.operation} {zlib.crc32(request.body):08x}"
        if fault is None:
            answer = self._take_effect(request)
        elif fault == REPEATED:
            self._take_effect(request)
            answer = self._take_effect(request)
        elif fault == LATE:
            self._note(process.account, f"{label} {fault}")
            late = Process(
                f"{label} late", lambda: self._take_effect(request), account=process.account, claim=process.claim
            )
            self._scheduler.start(late, self._rng.randrange(LATE_MS))
            self._die(process)
        else:
            process.table_failures += 1
            answer = self._fail(process, request, fault, label)
        self._note(process.account, f"{label} {answer[0]}{f' {fault}' if fault else ''}")
        self._scheduler.pause(self._faults.latency_ms(DYNAMODB_MS))
        return answer

    def _fail(self, process: Process, request: Request, fault: Fault | str, label: str) -> Answer:
        """The answer of a call that fails. Raises Crash, or the error of a lost connection."""
        if fault in CANCELLED and request.operation != "TransactWriteItems":
            fault = Fault.THROTTLED
        self._injector.use_plan(lambda *_: fault)  # type: ignore[arg-type,return-value]
        effect = partial(self._take_effect, request)
        try:
            answer = self._injector.intercept(request.operation, request.parameters, effect)
        except BaseException as failure:
            self._note(process.account, f"{label} {fault}")
            if isinstance(failure, Crash):
                process.deadline_ms = self._scheduler.now_ms  # None of its code runs any more.
            elif isinstance(failure, ReadTimeoutError):
                self._scheduler.pause(self._faults.latency_ms(SECOND_MS))
            raise
        assert answer is not None
        return answer

    def _take_effect(self, request: Request) -> Answer:
        answer = request.send()
        if request.operation in WRITES:
            process, keys = self._scheduler.running, written_keys(request)
            if answer[0] == 200:
                self._observe_write(process, request, keys)
            else:
                self._count_refusal(process, keys, answer)
        return answer

    def _observe_write(self, process: Process, request: Request, keys: list[Key]) -> None:
        """Check what was written, after a line about it for each account that is not the process's own."""
        now_ms = self._scheduler.now_ms
        for account in touched_accounts(keys):
            if account != process.account:
                self._note(account, f"{process.name}: {request.operation} {zlib.crc32(request.body):08x} of others")
        self._last_writes.note(keys, process, now_ms)
        try:
            self._observer.observe(keys, now_ms // 1000, process)
        except ViolationError as violation:
            violation.account = violation.account or process.account
            label = f"{request.operation} {zlib.crc32(request.body):08x}"
            self._note(violation.account, f"{process.name}: {label} did what must not be")
            raise

    def _count_refusal(self, process: Process, keys: list[Key], answer: Answer) -> None:
        match self._last_writes.has_lost_race(keys, answer, process):
            case True:
                self._counts["conditions refused: races lost to another process"] += 1
            case False:
                self._counts["conditions refused: others, as of repeated requests"] += 1
