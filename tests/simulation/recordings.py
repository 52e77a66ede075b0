"""AssemblyAI's transcripts of recordings, in memory: ordered, found, fetched, deleted, and reported by webhooks."""

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chalicelib.errors import (
    InvalidSignatureError,
    ProviderDeniedError,
    ProviderFailedError,
    ProviderRefusedError,
    UnavailableError,
)
from chalicelib.models.catchup import Recording, TranscriptionOrder
from chalicelib.models.transcripts import Word
from tests.simulation.faults import HOUR_MS, MINUTE_MS, SECOND_MS
from tests.simulation.jobs_watch import covering_hold, is_late
from tests.simulation.outcomes import NoAnswerError
from tests.simulation.scheduler import ViolationError

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

MODELS = ("assemblyai/universal-3-5-pro", "assemblyai/universal-2")
SHORTEST_MS, LONGEST_MS = 5 * SECOND_MS, 20 * MINUTE_MS
WORD_MS = 20 * SECOND_MS  # few words: what they say matters to nobody
FAILED, REJECTED, VERY_SLOW, WRONG_SECRET = 0.05, 0.02, 0.02, 0.05
WEBHOOK_TRIES = 3


def length_ms(url: str) -> int:
    """How long the recording at this address is."""
    return SHORTEST_MS + zlib.crc32(url.partition("?")[0].encode()) % (LONGEST_MS - SHORTEST_MS)


@dataclass
class OrderedTranscript:
    """A transcript at the provider. `was_late`: ordered by a worker whose job another worker had claimed by then."""

    provider_id: str
    job_id: str
    user_id: str
    order: TranscriptionOrder
    model: str
    ready_ms: int
    has_failed: bool
    was_late: bool
    deleted_ms: int = 0

    @property
    def billed_ms(self) -> int:
        """How much of the range the recording covers."""
        start, end = self.order.from_ms, self.order.to_ms
        return min(max(length_ms(self.order.audio_url) - start, 0), end - start)

    def is_paid(self, now_ms: int) -> bool:
        """Whether the provider has done the work, and charges for it."""
        return not self.has_failed and self.ready_ms <= (self.deleted_ms or now_ms)


@dataclass
class Recordings:
    """The provider."""

    simulation: "Simulation"
    ordered: dict[str, OrderedTranscript] = field(default_factory=dict)

    # What the backend calls

    def submit(self, order: TranscriptionOrder) -> str:
        return self.simulation.call_provider("order", lambda: self._submit(order))

    def find(self, order: TranscriptionOrder) -> str | None:
        return self.simulation.call_provider("find order", lambda: self._find(order))

    def recording(self, provider_id: str) -> Recording | None:
        return self.simulation.call_provider("fetch transcript", lambda: self._fetch(provider_id))

    def delete(self, provider_id: str) -> None:
        self.simulation.call_provider("delete transcript", lambda: self._delete(provider_id))

    def _submit(self, order: TranscriptionOrder) -> str:
        simulation, rng = self.simulation, self.simulation.rng
        if simulation.faults.happens_in_profile(REJECTED):
            raise rng.choice([ProviderRefusedError, ProviderDeniedError])("AssemblyAI rejected the request.")
        job_id = order.webhook_url.rpartition("=")[2]
        was_late = is_late(simulation, job_id)
        user_id = covering_hold(simulation, job_id)
        earlier = [found for found in self.ordered.values() if found.job_id == job_id]
        if not was_late and any(not found.was_late for found in earlier):
            raise ViolationError(f"the catch-up {job_id} was ordered twice: {earlier}")
        number = len(self.ordered) + 1
        provider_id = f"transcript-{number:06d}"
        slow = simulation.faults.happens_in_profile(VERY_SLOW)
        ordered = OrderedTranscript(
            provider_id,
            job_id,
            user_id,
            order,
            rng.choice(MODELS),
            simulation.scheduler.now_ms + int(rng.random() * (6 * HOUR_MS if slow else 4 * MINUTE_MS)),
            simulation.faults.happens_in_profile(FAILED),
            was_late,
        )
        self.ordered[provider_id] = ordered
        simulation.memory.personal[user_id].append(_word_of(provider_id))
        for delay_ms in simulation.faults.deliveries_ms():
            after_ms = ordered.ready_ms - simulation.scheduler.now_ms + delay_ms
            simulation.start_actor(f"webhook of {provider_id}", lambda: self._report(ordered), after_ms)
        return provider_id

    def _find(self, order: TranscriptionOrder) -> str | None:
        for found in reversed(self.ordered.values()):
            if found.order.webhook_url == order.webhook_url and not found.deleted_ms:
                return found.provider_id
        return None

    def _fetch(self, provider_id: str) -> Recording | None:
        found = self.ordered.get(provider_id)
        if found is None or found.deleted_ms:
            raise ProviderRefusedError("There is no such transcript.")
        if self.simulation.scheduler.now_ms < found.ready_ms:
            return None
        if found.has_failed:
            raise ProviderFailedError("The file does not hold audio.")
        order = found.order
        end_ms = min(order.to_ms, length_ms(order.audio_url))
        text = _word_of(provider_id)
        words = tuple(Word(text, at, at + SECOND_MS, 0.9) for at in range(order.from_ms, end_ms, WORD_MS))
        return Recording(words, length_ms(order.audio_url), found.model)

    def _delete(self, provider_id: str) -> None:
        found = self.ordered.get(provider_id)
        if found is None or found.deleted_ms:
            raise ProviderRefusedError("There is no such transcript.")
        found.deleted_ms = self.simulation.scheduler.now_ms

    # Webhooks

    def _report(self, ordered: OrderedTranscript) -> None:
        """Call the webhook, again after an outage; now and then somebody else calls it with a secret of their own."""
        simulation, job_id = self.simulation, ordered.job_id
        if simulation.faults.happens_in_profile(WRONG_SECRET):
            try:
                self._call_webhook(job_id, "no-secret", "transcript-of-a-stranger")
            except (InvalidSignatureError, NoAnswerError):
                pass
            else:
                raise ViolationError(f"a webhook with a wrong secret was accepted for {job_id}")
        for _ in range(WEBHOOK_TRIES):
            try:
                self._call_webhook(job_id, ordered.order.webhook_secret, ordered.provider_id)
                return
            except (NoAnswerError, UnavailableError):
                simulation.think(10 * SECOND_MS)

    def _call_webhook(self, job_id: str, secret: str, provider_id: str) -> None:
        user_id = next(found.user_id for found in self.ordered.values() if found.job_id == job_id)
        self.simulation.call(
            "webhook of assemblyai",
            user_id,
            lambda application: application.catchups.record_notification(job_id, secret, provider_id),
            subject=job_id,
        )


def _word_of(provider_id: str) -> str:
    return f"spoken-{provider_id.rpartition('-')[2]}."
