"""Failing providers: no order is repeated by mistake, a job ends once and is paid exactly, a failed one is free."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes import Backend
from tests.http.catchup_steps import (
    ASK,
    catch_up,
    check_done_once,
    create_session,
    start_catchup,
    upload,
    wait_until_ended,
    wait_until_swept,
)
from tests.http.http_client import Person, Sandbox, check_error

RECORDINGS = Path(__file__).parent.parent / "recordings"


def check_failed_free(
    failed: dict[str, Any], person: Person, books: Backend, reason: str, *, was_transcribed: bool = False
) -> None:
    """The job gives the reason; nothing is held, charged or stored, and our own cost is booked."""
    assert (failed["status"], failed["progress"], failed["credits_held"], failed["credits_used"]) == (
        "failed", 100, 0, 0,
    )  # fmt: skip
    assert reason in failed["error"]["message"]
    assert failed["error"]["code"] == "provider_error"
    assert person.balance() == (200, 0)
    lost = [entry for entry in books.entries(person.user_id) if entry.kind == "usage"]
    assert [(entry.credits, entry.audio_ms, entry.cost_micro_usd > 0) for entry in lost] == [
        (0, 0, True)
    ] * was_transcribed
    assert person.get("/transcription/history").json()["items"] == []
    books.check_invariants(person.user_id)


@pytest.mark.parametrize("kind", ["cut", "lost"])
@pytest.mark.parametrize("copies", [0, 1])
def test_an_order_whose_answer_is_lost_is_not_repeated(
    person: Person, sandbox: Sandbox, books: Backend, kind: str, copies: int
) -> None:
    sandbox.order(webhook_copies=copies)
    sandbox.fail(Sandbox.CREATE, kind, delay_seconds=0)

    wait_until_swept(books, person, job_id := start_catchup(person))

    check_done_once(person, job_id, sandbox, books)


@pytest.mark.parametrize("kind", ["429", "quota", "500", "wrong_shape"])
def test_a_failed_order_is_repeated(person: Person, sandbox: Sandbox, books: Backend, kind: str) -> None:
    sandbox.fail(Sandbox.CREATE, kind, delay_seconds=0)

    wait_until_swept(books, person, job_id := start_catchup(person))

    check_done_once(person, job_id, sandbox, books)


def test_a_refused_order_ends_the_job_for_free(person: Person, sandbox: Sandbox, books: Backend) -> None:
    sandbox.fail(Sandbox.CREATE, "401")

    check_failed_free(wait_until_ended(person, start_catchup(person)), person, books, "rejected the recording")


def test_an_order_that_always_fails_ends_the_job_for_free(person: Person, sandbox: Sandbox, books: Backend) -> None:
    sandbox.fail(Sandbox.CREATE, "500", times=3)

    job_id = start_catchup(person)

    check_failed_free(wait_until_swept(books, person, job_id), person, books, "did not answer")
    assert sandbox.transcripts(job_id) == []


@pytest.mark.parametrize("service", ["LIST", "GET"])
def test_a_lost_order_is_searched_for_until_it_is_found(
    person: Person, sandbox: Sandbox, books: Backend, service: str
) -> None:
    sandbox.order(webhook_copies=0)
    sandbox.fail(Sandbox.CREATE, "lost", delay_seconds=0)
    sandbox.fail(getattr(Sandbox, service), "500")

    wait_until_swept(books, person, job_id := start_catchup(person))

    check_done_once(person, job_id, sandbox, books)


@pytest.mark.parametrize("kind", ["401", "500", "missing_text"])
def test_a_failed_fetch_is_retried_later(person: Person, sandbox: Sandbox, books: Backend, kind: str) -> None:
    sandbox.fail(Sandbox.GET, kind)

    wait_until_swept(books, person, job_id := start_catchup(person))

    check_done_once(person, job_id, sandbox, books)


def test_a_failed_transcription_ends_the_job_for_free(person: Person, sandbox: Sandbox, books: Backend) -> None:
    sandbox.fail(Sandbox.TRANSCRIPTION, "error")

    check_failed_free(wait_until_ended(person, start_catchup(person)), person, books, "could not be transcribed")


@pytest.mark.usefixtures("fast_queue")
@pytest.mark.parametrize("kind", ["401", "500"])
def test_a_failed_deletion_of_the_copy_is_retried_later(
    person: Person, sandbox: Sandbox, books: Backend, kind: str
) -> None:
    sandbox.fail(Sandbox.DELETE, kind, times=2)

    wait_until_ended(person, job_id := start_catchup(person))

    check_done_once(person, job_id, sandbox, books)


@pytest.mark.parametrize("kind", ["429", "500", "refusal", "wrong_schema"])
def test_a_failed_summary_is_retried(person: Person, sandbox: Sandbox, books: Backend, kind: str) -> None:
    sandbox.fail(Sandbox.TEXT, kind)

    wait_until_swept(books, person, job_id := start_catchup(person))

    check_done_once(person, job_id, sandbox, books)


def test_a_summary_that_always_fails_ends_the_job_for_free(person: Person, sandbox: Sandbox, books: Backend) -> None:
    sandbox.fail(Sandbox.TEXT, "not_json", times=-1)

    check_failed_free(
        wait_until_ended(person, start_catchup(person)),
        person,
        books,
        "summary could not be generated",
        was_transcribed=True,
    )


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("401", 502, "provider_error"),
        ("429", 503, "unavailable"),
        ("quota", 503, "unavailable"),
        ("timeout", 504, "provider_timeout"),
        ("cut", 502, "provider_error"),
        ("refusal", 502, "provider_error"),
        ("context_length", 502, "provider_error"),
    ],
)
def test_a_failed_answer_is_an_error_and_free(
    person: Person, sandbox: Sandbox, books: Backend, kind: str, status: int, code: str
) -> None:
    session_id, key = create_session(person, "The ferry leaves at ten sharp."), {"Idempotency-Key": "once"}
    body, before = {"question": "When does the ferry leave?", "session_id": session_id}, person.balance()
    sandbox.fail(Sandbox.TEXT, kind, delay_seconds=0)

    check_error(person.post(ASK, json=body, headers=key), status, code)

    assert person.balance() == before
    assert person.post(ASK, json=body, headers=key).json()["answered"] is True
    assert person.balance() == (before[0] - 5, 0)
    books.check_invariants(person.user_id)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>no sound</html>", "This is a web page, not a recording."),
        (b"#EXTM3U\nhttp://127.0.0.1:1/a.ts", "This is a playlist, not a recording."),
        (b"RIFF", "The file does not hold audio."),
        ((RECORDINGS / "novoice.mp4").read_bytes(), "The file does not hold audio."),
    ],
)
def test_a_file_without_audio_is_free(person: Person, books: Backend, content: bytes, reason: str) -> None:
    job = catch_up(person, upload_id=upload(person, content))

    check_failed_free(wait_until_ended(person, job["job_id"]), person, books, reason)


def test_a_range_beyond_the_end_is_free(person: Person, books: Backend) -> None:
    job = catch_up(person, upload_id=upload(person), from_ms=10_000)

    check_failed_free(wait_until_ended(person, job["job_id"]), person, books, "too short")
