"""What goes wrong, and how often, by profile. Every decision is drawn from the one random generator of the run."""

import random
from collections import Counter
from dataclasses import dataclass

from tests.fault_injection import CRASHES, Fault

AT_ONCE, AT_ONCE_MS = 0.7, 8  # most copies of a message are handled beside the first one
FAST = 0.3  # of the calls take no time, so that processes meet that began at the same moment
SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1_000, 60_000, 3_600_000, 86_400_000
REPEATED = "a call that the SDK sent twice"  # because the answer of the first was lost
LATE, LATE_MS = "a request that arrived after its process died", 3_000
# Of the calls that fail, how many fail this way.
KINDS: dict[Fault | str, int] = {
    Fault.CRASH_BEFORE: 4,
    Fault.CRASH_AFTER: 6,
    Fault.UNSENT: 4,
    Fault.LOST: 6,
    Fault.CONFLICT: 4,
    Fault.HALF_CONFLICT: 2,
    Fault.THROTTLED_INSIDE: 1,
    Fault.THROTTLED: 2,
    Fault.IN_PROGRESS: 1,
    Fault.SERVER_ERROR: 2,
    REPEATED: 2,
    LATE: 2,
}
PROVIDER_KINDS: dict[Fault | str, int] = {
    kind: weight for kind, weight in KINDS.items() if kind in (*CRASHES, Fault.UNSENT, Fault.LOST, Fault.SERVER_ERROR)
}


@dataclass(frozen=True)
class Profile:
    """Rates between 0 and 1. `call`: of the calls to DynamoDB; `provider`: of those to anything else.

    `freeze`: calls that take up to `freeze_ms`. `clock_ms`: how far the clock of a process may be off, either way.
    `doubled`, `lost`, `late_ms`: of messages, webhooks and records of the stream.
    `short_timeout`: clients that do not wait for an answer.
    """

    name: str
    call: float = 0.0
    provider: float = 0.0
    freeze: float = 0.0
    freeze_ms: int = 0
    clock_ms: int = 0
    doubled: float = 0.0
    lost: float = 0.0
    late_ms: int = SECOND_MS
    short_timeout: float = 0.0


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("calm"),
        Profile(
            "flaky",
            call=0.003,
            provider=0.03,
            freeze=0.001,
            freeze_ms=10 * SECOND_MS,
            clock_ms=500,
            doubled=0.05,
            lost=0.02,
            late_ms=MINUTE_MS,
            short_timeout=0.02,
        ),
        Profile(
            "hostile",
            call=0.02,
            provider=0.10,
            freeze=0.005,
            freeze_ms=40 * SECOND_MS,
            clock_ms=1_500,
            doubled=0.2,
            lost=0.1,
            late_ms=20 * MINUTE_MS,
            short_timeout=0.05,
        ),
        Profile(
            "apocalypse",
            call=0.08,
            provider=0.30,
            freeze=0.02,
            freeze_ms=120 * SECOND_MS,
            clock_ms=2_500,
            doubled=0.5,
            lost=0.3,
            late_ms=6 * HOUR_MS,
            short_timeout=0.15,
        ),
    )
}


class Faults:
    """Draws what happens to each call and to each message; after `stop`, nothing goes wrong any more."""

    def __init__(self, rng: random.Random, profile: Profile, counts: Counter[str]):
        self.profile = profile
        self._rng, self._counts = rng, counts
        self._kinds, self._weights = list(KINDS), list(KINDS.values())
        self._provider_kinds, self._provider_weights = list(PROVIDER_KINDS), list(PROVIDER_KINDS.values())

    def stop(self) -> None:
        self.profile = Profile("rest")

    def of_call(self) -> Fault | str | None:
        """The fault of the next call to DynamoDB."""
        if not self.happens(self.profile.call):
            return None
        return self._count(self._rng.choices(self._kinds, self._weights)[0])

    def of_provider_call(self) -> Fault | str | None:
        """The fault of the next call to anything else."""
        if not self.happens(self.profile.provider):
            return None
        return self._count(self._rng.choices(self._provider_kinds, self._provider_weights)[0])

    def latency_ms(self, usual_ms: int) -> int:
        """How long one way of a call takes."""
        if self.happens(self.profile.freeze):
            self._counts["faults: frozen"] += 1
            return int(self._rng.random() * self.profile.freeze_ms)
        if self._rng.random() < FAST:
            return 1
        return 1 + int(self._rng.expovariate(1 / usual_ms))

    def clock_error_ms(self) -> int:
        """How far the clock of a new process is off."""
        return self._rng.randint(-self.profile.clock_ms, self.profile.clock_ms)

    def deliveries_ms(self, kind: str = "webhook") -> list[int]:
        """When the copies of a message arrive, in milliseconds from now; none if it is lost.

        `kind`: what it is counted as.
        """
        if self.happens(self.profile.lost):
            self._counts[f"faults: {kind} lost"] += 1
            return []
        copies = 1
        while copies < 4 and self.happens(self.profile.doubled):
            self._counts[f"faults: {kind} doubled"] += 1
            copies += 1
        first_ms = self._delay_ms()
        at_once = (first_ms + self._rng.randrange(AT_ONCE_MS) for _ in range(copies - 1))
        return [first_ms, *(delay_ms if self.happens(AT_ONCE) else self._delay_ms() for delay_ms in at_once)]

    def happens(self, rate: float) -> bool:
        return rate > 0 and self._rng.random() < rate

    def happens_in_profile(self, rate: float) -> bool:
        """Whether a provider does what it rarely does; never where providers have no faults."""
        return self.happens(rate if self.profile.provider else 0.0)

    def _delay_ms(self) -> int:
        is_late = self.happens(self.profile.doubled)
        return 20 + int(self._rng.random() * (self.profile.late_ms if is_late else SECOND_MS))

    def _count(self, kind: Fault | str) -> Fault | str:
        self._counts[f"faults: {kind}"] += 1
        return kind
