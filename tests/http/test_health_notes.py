"""What requests and jobs leave for the owner, without anything that a caller sent, and in few writes."""

import pytest

from chalicelib.errors import UnavailableError
from chalicelib.http import health_notes
from chalicelib.http.events import recording_health
from chalicelib.http.health_notes import HealthRecorder, notes_of_request
from chalicelib.logs.request_facts import RequestFacts, request_facts
from chalicelib.models.health import HealthKind, HealthNote
from chalicelib.repositories.health_records import MAX_COUNT, newest_records
from chalicelib.repositories.table import Tables
from tests.fakes import Backend, Clock

STRIPE = "/webhooks/stripe"
REFUSED = HealthNote(HealthKind.WEBHOOK_REFUSED, "stripe", "invalid_signature")
APPLIED = HealthNote(HealthKind.WEBHOOK_APPLIED, "stripe")
FAILED = HealthNote(HealthKind.JOB_FAILED, "catch-up", "timeout", "job", "ada")


@pytest.mark.parametrize(
    ("path", "status", "facts", "expected"),
    [
        (STRIPE, 200, RequestFacts(), [APPLIED]),
        (STRIPE, 200, RequestFacts(notes={"payment_event": "charge.x: not of this service"}), []),
        (
            STRIPE,
            200,
            RequestFacts(notes={"payment_event": "refund.created: another amount", "payment_alarm": "another amount"}),
            [HealthNote(HealthKind.WEBHOOK_REFUSED, "stripe", "another amount")],
        ),
        (STRIPE, 400, RequestFacts(notes={"code": "invalid_signature"}), [REFUSED]),
        (
            "/webhooks/assemblyai",
            503,
            RequestFacts(notes={"code": "unavailable"}),
            [HealthNote(HealthKind.WEBHOOK_REFUSED, "assemblyai", "unavailable")],
        ),
        ("/auth/login", 429, RequestFacts(notes={"limit": "login"}), [HealthNote(HealthKind.LIMIT_MET, "login")]),
        (
            "/transcription/ask",
            502,
            RequestFacts(provider_failures=["OpenAI: timeout", "OpenAI: timeout"]),
            [HealthNote(HealthKind.PROVIDER_FAILURE, "OpenAI", "timeout")],
        ),
        *(
            (
                "/transcription/ask",
                502,
                RequestFacts(
                    provider_failures=[f"{provider}: {status}{request_id}", f"{provider}: {status}req_abcdef"]
                ),
                [HealthNote(HealthKind.PROVIDER_FAILURE, provider, status.strip())],
            )
            for provider, status, request_id in [
                ("OpenAI", "status 500 ", "req_8e1f0a"),
                ("Stripe", "status 404 resource_missing ", "req_Ab12"),
                ("AssemblyAI", "status 503 ", "5a1de7d4-1c5e-4c8e-9f0a-6f1b2c3d4e5f"),
            ]
        ),
        (
            "/auth/register",
            503,
            RequestFacts(notes={"mail_quota": "used up"}),
            [HealthNote(HealthKind.LIMIT_MET, "emails of the day", "used up")],
        ),
        ("/webhooks/invented", 404, RequestFacts(notes={"code": "not_found"}), []),
        ("/credits/balance", 200, RequestFacts(), []),
        ("/credits/balance", 500, RequestFacts(notes={"code": "internal_error"}), []),
    ],
)
def test_what_a_request_leaves(path: str, status: int, facts: RequestFacts, expected: list[HealthNote]) -> None:
    assert notes_of_request(path, status, facts) == expected


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[HealthNote]:
    """The notes that were written; the 100th of a kind in an hour fills its record."""
    written: list[HealthNote] = []

    def record_note(_: Tables, note: HealthNote, at: int) -> bool:
        written.append(note)
        return len(written) < MAX_COUNT

    monkeypatch.setattr(health_notes, "record_note", record_note)
    return written


def test_refused_requests_cause_few_writes_in_an_hour(backend: Backend, writes: list[HealthNote]) -> None:
    clock = Clock()
    recorder = HealthRecorder(lambda: backend.tables, clock)
    for _ in range(1_000):
        recorder.record([REFUSED])
    assert len(writes) == MAX_COUNT

    clock.forward(3_600)
    recorder.record([REFUSED])

    assert len(writes) == MAX_COUNT + 1


@pytest.mark.parametrize("note", [APPLIED, HealthNote(HealthKind.LIMIT_MET, "login")])
def test_what_is_frequent_is_written_once_a_minute(
    backend: Backend, writes: list[HealthNote], note: HealthNote
) -> None:
    clock = Clock()
    recorder = HealthRecorder(lambda: backend.tables, clock)
    for _ in range(5):
        recorder.record([note])
    clock.forward(60)
    recorder.record([note])

    assert writes == [note, note]


def test_a_request_does_not_fail_for_what_cannot_be_recorded() -> None:
    def no_tables() -> Tables:
        raise UnavailableError("Later.")

    HealthRecorder(no_tables).record([REFUSED])


def test_a_failed_job_is_recorded_also_if_the_work_fails(backend: Backend) -> None:
    recorder = HealthRecorder(lambda: backend.tables, backend.clock)

    def fail() -> None:
        with recording_health(lambda: recorder):
            request_facts().failed_jobs.append(FAILED)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert "job" in {record.reference for record in newest_records(backend.tables, HealthKind.JOB_FAILED, 50)}


def test_what_cannot_reach_aws_is_not_tried_again(writes: list[HealthNote]) -> None:
    with recording_health(lambda: pytest.fail("nothing is to be recorded")):
        request_facts().notes["aws_error"] = "query: timeout"
        request_facts().failed_jobs.append(FAILED)

    assert writes == []
