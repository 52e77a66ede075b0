"""What a request or a job leaves for the owner's Health view, and the recorder that writes it."""

import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from ..errors import AppError
from ..logs.request_facts import RequestFacts
from ..models.health import HealthKind, HealthNote
from ..repositories.health_records import record_note
from ..repositories.table import Tables

WEBHOOKS = {"/webhooks/stripe": "stripe", "/webhooks/assemblyai": "assemblyai"}  # by path; others are no webhooks
# A 429 is to cost next to nothing, and a webhook's own calls are few: a process notes each kind at most so often.
QUIET_SECONDS = {HealthKind.WEBHOOK_APPLIED: 60, HealthKind.LIMIT_MET: 60}
HOUR_SECONDS = 3_600
SHARED_WORD = re.compile(r"\d{3}|(?!req_)[^\d\s]+")  # a status, or what is in no id of a request
QUOTAS = {"mail_quota": "emails of the day", "provider_quota": "quota of the provider"}


def notes_of_request(path: str, status: int, facts: RequestFacts) -> list[HealthNote]:
    """What the owner has to know of a request. Nothing of what the caller sent is in it."""
    found = notes_of_work(facts)
    if path in WEBHOOKS and (note := _webhook_note(WEBHOOKS[path], status, facts)):
        found.append(note)
    if "limit" in facts.notes:
        found.append(HealthNote(HealthKind.LIMIT_MET, str(facts.notes["limit"])))
    return found


def notes_of_work(facts: RequestFacts) -> list[HealthNote]:
    """The same of a job or a scheduled run: failures of providers, quotas that are used up, jobs that failed."""
    failures = [failure.partition(": ") for failure in facts.provider_failures]
    reasons = dict.fromkeys((provider, _without_ids(reason)) for provider, _, reason in failures)
    found = [HealthNote(HealthKind.PROVIDER_FAILURE, provider, reason) for provider, reason in reasons]
    found += [
        HealthNote(HealthKind.LIMIT_MET, subject, str(facts.notes[name]))
        for name, subject in QUOTAS.items()
        if name in facts.notes
    ]
    return found + facts.failed_jobs


def _without_ids(reason: str) -> str:
    """The reason without the id of the provider's request: with it, each failure would be a record of its own."""
    return " ".join(word for word in reason.split() if SHARED_WORD.fullmatch(word))


def _webhook_note(webhook: str, status: int, facts: RequestFacts) -> HealthNote | None:
    """None for a report that is ignored as it should be, such as one of another service."""
    if status >= 400:
        return HealthNote(HealthKind.WEBHOOK_REFUSED, webhook, str(facts.notes.get("code", status)))
    if alarm := facts.notes.get("payment_alarm"):
        return HealthNote(HealthKind.WEBHOOK_REFUSED, webhook, str(alarm))
    return None if "payment_event" in facts.notes else HealthNote(HealthKind.WEBHOOK_APPLIED, webhook)


@dataclass(frozen=True)
class HealthRecorder:
    """Writes notes, few of a kind. A process remembers which records are full; applied webhooks wait a minute.

    What cannot be written is left out: no request fails for it.
    """

    tables: Callable[[], Tables]
    now: Callable[[], int] = lambda: int(time.time())  # epoch seconds, UTC
    quiet_until: dict[HealthNote, int] = field(default_factory=dict, repr=False)

    def record(self, notes: Iterable[HealthNote]) -> None:
        for note in notes:
            at, kind = self.now(), HealthNote(note.kind, note.subject, note.reason)
            if at < self.quiet_until.get(kind, 0):
                continue
            with suppress(AppError):
                has_room = record_note(self.tables(), note, at)
                if not has_room:
                    self.quiet_until[kind] = (at // HOUR_SECONDS + 1) * HOUR_SECONDS
                elif note.kind in QUIET_SECONDS:
                    self.quiet_until[kind] = at + QUIET_SECONDS[note.kind]
