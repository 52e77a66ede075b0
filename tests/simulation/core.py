"""The world of one seed: virtual time, the tables, the containers that run the use cases, and what is outside.

Actors call use cases through `Simulation.call`: each call runs in its own process, in a container whose use cases were
built as wiring does it, and yields at each call to DynamoDB and to a provider. There the process may freeze or die.
"""

import random
import zlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from chalicelib.errors import AppError
from chalicelib.repositories.aggregates import AggregatesBusyError
from chalicelib.repositories.table import Tables
from tests.fault_injection import Crash
from tests.simulation.application import Application, build_application
from tests.simulation.boundary import Boundary
from tests.simulation.engine import SimulatedDynamoDB
from tests.simulation.faults import DAY_MS, SECOND_MS, Faults, Profile
from tests.simulation.memory import Memory
from tests.simulation.observer import Observer
from tests.simulation.outcomes import NoAnswerError, RunOverError
from tests.simulation.price_lists import version_at
from tests.simulation.providers import Providers
from tests.simulation.scheduler import Process, Scheduler, ViolationError

FIRST_DAY_MS = 1_795_392_000_000  # 2026-11-23T00:00:00Z
API_MS, SCHEDULE_MS, STREAM_MS, WORKER_MS = 29_000, 300_000, 60_000, 900_000  # as .chalice/config.json has them
CLOCK_STEPS = 0.02  # of the calls, where clocks are off at all
STEPS_SHOWN = 60
T = TypeVar("T")


@dataclass
class Container:
    """A process of the backend that serves one call at a time. Its memory and its clock live as long as it does.

    `price_version`: of its deployment; a container of an earlier one gets no more calls.
    """

    clock_error_ms: int
    price_version: str
    application: Application


@dataclass
class Trace:
    """What happened, line by line: a checksum of all of it, and the last steps of each account."""

    keeps_all: bool = False
    lines: list[str] = field(default_factory=list)
    checksum: int = 0
    of_account: dict[str, deque[str]] = field(default_factory=dict)

    def add(self, account: str, line: str) -> None:
        self.checksum = zlib.crc32(line.encode(), self.checksum)
        if self.keeps_all:
            self.lines.append(line)
        if account not in self.of_account:
            self.of_account[account] = deque(maxlen=STEPS_SHOWN)
        self.of_account[account].append(line)


class Simulation:
    """Everything of one run. `max_operations`: how many calls of use cases are made before the world comes to rest."""

    def __init__(
        self, seed: int, profile: Profile, max_operations: int, names: tuple[str, str], *, keeps_trace: bool = False
    ):
        self.seed, self.max_operations = seed, max_operations
        self.rng = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.operations: Counter[str] = Counter()
        self.operations_of_schedules = 0
        self.number_of_operations = 0
        self.trace = Trace(keeps_trace)
        self.start_ms = FIRST_DAY_MS + self.rng.randrange(DAY_MS)
        self.scheduler = Scheduler(self.start_ms)
        self.faults = Faults(self.rng, profile, self.counts)
        self.observer = Observer()
        self.memory = Memory()
        self.is_at_rest = False
        self.networks: dict[str, str] = {}  # email address → the network of its owner
        self.listened: list[tuple[Any, Any]] = []  # persons and the sessions they had
        boundary = Boundary(self.scheduler, self.faults, self.observer, self.rng, self.counts, self.note)
        self.call_provider = boundary.call_provider
        self._tables = Tables(SimulatedDynamoDB(boundary.call_dynamodb), *names, pause=self._pause_seconds)
        self.providers = Providers(self)
        self._idle: list[Container] = []
        self._actors = 0

    # Time, ids and chance

    @property
    def now(self) -> int:
        """The true time in epoch seconds."""
        return self.scheduler.now_ms // 1000

    def process_now_ms(self) -> int:
        """The time in milliseconds on the clock of the process that runs now."""
        process = self.scheduler.current
        return self.scheduler.now_ms + (process.clock_error_ms if process else 0)

    def new_id(self) -> str:
        """A UUID of version 4."""
        digits = f"{self.rng.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    @property
    def is_over(self) -> bool:
        """Whether all operations of the run were started."""
        return self.number_of_operations >= self.max_operations

    def think(self, milliseconds: float) -> None:
        """An actor lets time pass. It ends here once the operations are done. Raises RunOverError."""
        self.scheduler.pause(int(milliseconds))
        self._check_run()

    def _check_run(self) -> None:
        if self.is_over and (actor := self.scheduler.current) and actor.ends_with_run:
            raise RunOverError

    # Actors

    def start_actor(self, name: str, run: Callable[[], object], delay_ms: float = 0) -> Process:
        """Start an actor; it ends by itself once the operations of the run are done."""
        self._actors += 1

        def act() -> None:
            try:
                run()
            except RunOverError:
                pass
            except Exception as error:
                raise ViolationError(f"an actor failed: {name}: {error!r}") from error

        actor = Process(f"{self._actors:06d} {name}", act, ends_with_run=not self.is_at_rest)
        return self.scheduler.start(actor, int(delay_ms))

    # Calls of use cases

    def call(
        self,
        operation: str,
        account: str,
        run: Callable[[Application], T],
        *,
        subject: str = "",
        limit_ms: int = API_MS,
        wait_ms: int | None = None,
    ) -> T:
        """Call a use case in a process that is killed after `limit_ms`.

        Raises the AppError that it raised, or NoAnswerError after `wait_ms` and where the process died.
        """
        self._check_run()
        self.operations[operation] += 1
        self.number_of_operations += 1
        name = f"{operation} {self.number_of_operations}"
        container = self._take_container()
        process = Process(
            name,
            lambda: self._serve(container, process, run),
            deadline_ms=self.scheduler.now_ms + limit_ms,
            account=account,
            subject=subject,
            clock_error_ms=container.clock_error_ms,
        )
        if wait_ms is None:
            is_short_timeout = self.faults.happens(self.faults.profile.short_timeout)
            wait_ms = int(self.rng.random() * 5 * SECOND_MS) if is_short_timeout else limit_ms + SECOND_MS
        self.scheduler.start(process)
        if not self.scheduler.wait_for(process, wait_ms):
            self.note(account, f"{name}: its client stopped waiting")
            raise NoAnswerError
        if isinstance(process.failure, Crash):
            raise NoAnswerError
        if self.faults.happens(self.faults.profile.call):
            self.counts["faults: answer to a client lost"] += 1
            self.note(account, f"{name}: the answer was lost on its way to the client")
            raise NoAnswerError
        if process.failure is not None:
            raise process.failure
        outcome: T = process.outcome
        return outcome

    def _serve(self, container: Container, process: Process, run: Callable[[Application], Any]) -> Any:
        """Run the use case; a container whose process dies is lost."""
        self.note(process.account, f"{process.name}: starts")
        try:
            outcome = run(container.application)
        except Crash:
            self.counts["crashes"] += 1
            self.note(process.account, f"{process.name}: dies")
            raise
        except Exception as error:
            self._idle.append(container)
            self.note(process.account, f"{process.name}: {type(error).__name__} {getattr(error, 'details', '')}")
            if not _is_expected(error):
                raise ViolationError(f"{process.name} failed with {_describe(error)}", process.account) from error
            self.observer.sessions.check_released(process, error)
            self.counts[f"errors: {getattr(error, 'code', type(error).__name__)}"] += 1
            raise
        self._idle.append(container)
        self.note(process.account, f"{process.name}: done")
        return outcome

    def _take_container(self) -> Container:
        price_version = version_at(self.scheduler.now_ms)
        self._idle = [container for container in self._idle if container.price_version == price_version]
        if not self._idle:
            application = build_application(
                self._tables,
                self.providers,
                price_version,
                self.process_now_ms,
                self.new_id,
                self.rng.randbytes,
                self._pause_seconds,
            )
            return Container(self.faults.clock_error_ms(), price_version, application)
        container = self._idle.pop(int(self.rng.random() * len(self._idle)))
        if self.faults.happens(CLOCK_STEPS):
            container.clock_error_ms = self.faults.clock_error_ms()
        return container

    def _pause_seconds(self, seconds: float) -> None:
        self.scheduler.pause(int(seconds * 1000))

    def note(self, account: str, line: str) -> None:
        """Add a line to the trace, with the virtual time."""
        self.trace.add(account, f"{self.scheduler.now_ms - self.start_ms} {account} {line}")


def _describe(error: Exception) -> str:
    """The error, or the first one of a group that nothing expects."""
    if isinstance(error, ExceptionGroup):
        return _describe(next(part for part in error.exceptions if not _is_expected(part)))
    return f"{type(error).__name__}: {error}"


def _is_expected(error: BaseException) -> bool:
    """Whether the use case may raise this: what a client or a retrying service is made for."""
    if isinstance(error, ExceptionGroup):
        return all(map(_is_expected, error.exceptions))
    return isinstance(error, AppError | AggregatesBusyError) and getattr(error, "code", "") != "internal_error"
