"""How the HTTP tests live through a catch-up: a recording sent, a job waited for, a sweep that is due at once."""

from contextlib import suppress
from typing import Any

import requests
from msgspec.structs import replace

from chalicelib.models.catchup import Job
from chalicelib.models.ledger import HoldKind
from chalicelib.repositories.jobs import job_from, job_key
from chalicelib.repositories.ledger_items import reschedule_sweep
from chalicelib.repositories.table import WriteRefusedError
from sandbox.speech import samples
from tests.fakes import Backend
from tests.http.http_client import Person, Sandbox
from tests.http.waiting import wait_for

CATCHUP, ASK, UPLOADS = "/transcription/catchup", "/transcription/ask", "/transcription/uploads"
RECORDING, SPOKEN_TEXT = samples()[-1]
RECORDING_MS = 4_000
RANGE_MS = 30_000
HELD, USED = 5, 1  # of RANGE_MS, and of the recording in it
SENTENCES = ("The harbour opens at nine in the morning.", "The ferry to the island leaves at ten sharp.")


def upload(person: Person, content: bytes | None = None, media_type: str = "audio/wav") -> str:
    """The id of a recording that lies in the bucket."""
    form = person.post(UPLOADS, json={"content_type": media_type})
    assert form.status_code == 201, form.text
    form_fields = form.json()
    sound = RECORDING.read_bytes() if content is None else content
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            form_fields["url"], data=form_fields["fields"], files={"file": ("talk.wav", sound)}, timeout=60
        )
    assert answer.status_code == 204, answer.text
    return str(form_fields["upload_id"])


def catch_up(person: Person, headers: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
    """The job of a catch-up that is taken."""
    answer = person.post(CATCHUP, json={"to_ms": RANGE_MS} | body, headers=headers)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def get_job(person: Person, job_id: str) -> dict[str, Any]:
    answer = person.get(f"{CATCHUP}/{job_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def wait_until_ended(person: Person, job_id: str) -> dict[str, Any]:
    """The job once it is done or has failed."""
    return wait_for(lambda: job if (job := get_job(person, job_id))["status"] in ("done", "failed") else None)


def create_session(person: Person, *texts: str) -> str:
    """A live session that has ended, with these words saved, ten seconds each."""
    session_id = person.start(lease_seconds=60)
    segments = [
        {"seq": n, "start_ms": n * 10_000, "end_ms": n * 10_000 + 9_000, "text": text} for n, text in enumerate(texts)
    ]
    assert person.stream(action="save", session_id=session_id, segments=segments).status_code == 200
    person.stop(session_id)
    return session_id


def start_catchup(person: Person) -> str:
    """The id of a catch-up of a new recording."""
    return str(catch_up(person, upload_id=upload(person))["job_id"])


def check_done_once(person: Person, job_id: str, sandbox: Sandbox, books: Backend) -> None:
    """One transcript was ordered, it was paid for once and is deleted at the provider."""
    assert get_job(person, job_id)["status"] == "done"
    assert person.balance() == (200 - USED, 0)
    assert [(used["service"], used["credits"]) for used in person.usage()] == [("catchup", -USED)]
    wait_for(lambda: [transcript for transcript in sandbox.transcripts(job_id) if transcript["deleted"]])
    assert len(sandbox.transcripts(job_id)) == 1
    books.check_invariants(person.user_id)


def load_job(books: Backend, job_id: str) -> Job:
    """The job as it lies in the table."""
    item = books.tables.get(job_key(job_id))
    assert item is not None
    return job_from(item)


def make_hold_due(books: Backend, person: Person, job_id: str) -> None:
    """The hold's time is over now: the sweep, which comes often while a test waits, has somebody look at the job."""
    for hold in books.open_holds(person.user_id):
        if (hold.kind, hold.reference) == (HoldKind.CATCHUP, job_id):
            with suppress(WriteRefusedError):  # It has just ended.
                books.tables.write(reschedule_sweep(replace(hold, sweep_at=1)))


def wait_until_swept(books: Backend, person: Person, job_id: str) -> dict[str, Any]:
    """The job once it has ended, where a sweep looks whenever one comes."""

    def find() -> dict[str, Any] | None:
        make_hold_due(books, person, job_id)
        return job if (job := get_job(person, job_id))["status"] in ("done", "failed") else None

    return wait_for(find)
