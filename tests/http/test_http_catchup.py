"""Catch-ups over HTTP with real speech: upload, quote, wait, read, export, ask, delete; and refusals."""

import uuid
from pathlib import Path

import pytest
import requests
import srt

from sandbox.speech import word_error_rate
from scripts.local.stack import LocalStack
from tests.default_prices import QUESTION_CREDITS
from tests.fakes import Backend
from tests.http.catchup_steps import (
    ASK,
    CATCHUP,
    HELD,
    RANGE_MS,
    RECORDING_MS,
    SENTENCES,
    SPOKEN_TEXT,
    UPLOADS,
    USED,
    catch_up,
    create_session,
    upload,
    wait_for,
    wait_until_ended,
)
from tests.http.http_client import Person, Sandbox, check_error

RECORDINGS = Path(__file__).parent.parent / "recordings"
HISTORY = "/transcription/history"
QUESTION = "Whom or what does Mr. John Dashwood speak of?"


def test_the_whole_journey(person: Person, sandbox: Sandbox, books: Backend) -> None:
    upload_id = upload(person)
    quote = person.post(CATCHUP, json={"upload_id": upload_id, "to_ms": RANGE_MS, "quote": True})
    assert (quote.status_code, quote.json()["credits"]) == (200, HELD)
    assert person.balance() == (200, 0)

    job = catch_up(person, upload_id=upload_id, title="Chapter 1", language="en-GB")
    assert (job["credits_held"], job["credits_used"], job["status"]) == (HELD, 0, "queued")
    done = wait_until_ended(person, job["job_id"])

    assert (done["status"], done["progress"], done["credits_held"], done["credits_used"]) == ("done", 100, 0, USED)
    assert done["key_moments"]
    assert person.balance() == (200 - USED, 0)
    (order,) = sandbox.transcripts(job["job_id"])
    assert [webhook["status"] for webhook in order["webhooks"]] == [200]
    wait_for(lambda: sandbox.transcripts(job["job_id"])[0]["deleted"])

    path = f"{HISTORY}/{done['transcript_id']}"
    whole = person.get(path).json()
    text = " ".join(segment["text"] for segment in whole["segments"])
    assert word_error_rate(SPOKEN_TEXT, text) < 0.2
    assert (whole["transcript"]["title"], whole["transcript"]["credits"]) == ("Chapter 1", USED)
    assert whole["covered"] == [{"start_ms": 0, "end_ms": RECORDING_MS}]
    assert [summary["job_id"] for summary in whole["summaries"]] == [job["job_id"]]
    cues = list(srt.parse(person.get(f"{path}/export?format=srt").text))
    assert " ".join(cue.content.replace("\n", " ") for cue in cues) == text
    assert person.get(f"{path}/export?format=json").json() == whole

    word = max(text.split(), key=len).strip(".,?!")
    answer = person.post(ASK, json={"question": f"Who spoke of {word}?", "transcript_id": done["transcript_id"]}).json()
    assert (answer["answered"], answer["credits_used"], answer["credits_available"]) == (
        True,
        QUESTION_CREDITS,
        200 - QUESTION_CREDITS - USED,
    )
    assert {quote["text"] for quote in answer["quotes"]} <= {segment["text"] for segment in whole["segments"]}
    assert [(used["service"], used["credits"]) for used in person.usage()] == [
        ("ask", -QUESTION_CREDITS),
        ("catchup", -USED),
    ]

    assert person.delete(path).status_code == 200
    for deleted_path in (path, f"{path}/export?format=txt", f"{CATCHUP}/{job['job_id']}"):
        check_error(person.get(deleted_path), 404, "not_found")
    calls = person.post(ASK, json={"question": QUESTION, "transcript_id": done["transcript_id"]})
    check_error(calls, 404, "not_found")
    assert person.get(HISTORY).json()["items"] == []
    books.check_invariants(person.user_id)


def test_a_recorders_file_without_a_duration_needs_no_end(person: Person, sandbox: Sandbox, books: Backend) -> None:
    content = (RECORDINGS / "mediarecorder.webm").read_bytes()
    body = {"upload_id": upload(person, content, "audio/webm")}
    quote = person.post(CATCHUP, json=body | {"quote": True})
    assert (quote.status_code, quote.json()["credits"], quote.json()["to_ms"]) == (200, 10, 60_000)

    started = person.post(CATCHUP, json=body)
    assert (started.status_code, started.json()["credits_held"]) == (202, 10)
    done = wait_until_ended(person, started.json()["job_id"])

    assert (done["status"], done["credits_held"], done["credits_used"]) == ("done", 0, 1)
    assert done["to_ms"] == done["recording_ms"] < 6_001
    assert person.balance() == (199, 0)
    (order,) = sandbox.transcripts(done["job_id"])
    assert (order["audio_start_from"], order["audio_end_at"]) == (0, 60_000)
    assert person.post(CATCHUP, json=body).json()["job_id"] == done["job_id"]
    assert person.get(f"{HISTORY}/{done['transcript_id']}").json()["uncovered"] == []
    books.check_invariants(person.user_id)


@pytest.mark.parametrize("is_ours", [True, False])
def test_only_the_extensions_page_may_upload_recordings(
    signed_in_user: Person, stack: LocalStack, is_ours: bool
) -> None:
    url = signed_in_user.post(UPLOADS, json={"content_type": "audio/wav"}).json()["url"]
    origin = stack.dev["extension_origin"] if is_ours else "https://elsewhere.example"

    with requests.Session() as session:
        session.trust_env = False
        preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = session.options(url, headers=preflight, timeout=60)

    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if is_ours else None)
    assert answer.ok is is_ours


@pytest.fixture(scope="module")
def talk(signed_in_user: Person) -> dict[str, str]:
    """A recording with a finished catch-up: `upload_id`, `job_id`, `transcript_id`."""
    upload_id = upload(signed_in_user)
    done = wait_until_ended(signed_in_user, catch_up(signed_in_user, upload_id=upload_id)["job_id"])
    return {"upload_id": upload_id, "job_id": done["job_id"], "transcript_id": done["transcript_id"]}


def test_the_same_range_of_the_same_file_is_free(signed_in_user: Person, talk: dict[str, str]) -> None:
    before = signed_in_user.balance()

    again = catch_up(signed_in_user, upload_id=talk["upload_id"], title="Another title")

    assert (again["job_id"], again["status"]) == (talk["job_id"], "done")
    assert again["summary"]
    assert signed_in_user.balance() == before


def test_a_request_for_a_running_catchup_joins_it(person: Person, sandbox: Sandbox) -> None:
    sandbox.order(hold_jobs=True)
    upload_id = upload(person)
    first, second = (catch_up(person, upload_id=upload_id) for _ in range(2))

    assert first["job_id"] == second["job_id"]
    assert person.balance() == (200 - HELD, HELD)
    sandbox.order(hold_jobs=False)
    assert wait_until_ended(person, first["job_id"])["credits_used"] == USED
    assert len(sandbox.transcripts(first["job_id"])) == 1


def test_a_key_names_its_job(person: Person, books: Backend) -> None:
    key, upload_id = {"Idempotency-Key": str(uuid.uuid4())}, upload(person)
    first = catch_up(person, key, upload_id=upload_id)

    second = catch_up(person, key, upload_id=upload_id)
    other = person.post(CATCHUP, json={"upload_id": upload_id, "to_ms": RANGE_MS - 1}, headers=key)

    assert second["job_id"] == first["job_id"]
    check_error(other, 409, "idempotency_mismatch")
    wait_until_ended(person, first["job_id"])
    assert catch_up(person, key, upload_id=upload_id)["status"] == "done"
    assert person.balance() == (200 - USED, 0)
    books.check_invariants(person.user_id)


def test_a_key_names_its_answer(person: Person, sandbox: Sandbox) -> None:
    session_id, key = create_session(person, *SENTENCES), {"Idempotency-Key": "once"}
    body = {"question": "When does the ferry leave?", "session_id": session_id}
    before, calls = person.balance(), sandbox.count(Sandbox.TEXT)

    answers = [person.post(ASK, json=body, headers=key) for _ in range(3)]
    other = person.post(ASK, json=body | {"question": "When does the harbour open?"}, headers=key)

    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["answered"] is True
    check_error(other, 409, "idempotency_mismatch")
    assert person.balance() == (before[0] - QUESTION_CREDITS, 0)
    assert sandbox.count(Sandbox.TEXT) == calls + 1


def test_a_session_is_summarised_at_its_own_price(person: Person, sandbox: Sandbox, books: Backend) -> None:
    session_id, ordered = create_session(person, *SENTENCES), sandbox.count(Sandbox.CREATE)
    before, _ = person.balance()

    answer = person.post(CATCHUP, json={"session_id": session_id, "minutes": 5})
    done = wait_until_ended(person, answer.json()["job_id"])

    assert (done["status"], done["credits_used"], done["session_id"]) == ("done", 1, session_id)
    assert SENTENCES[0] in done["summary"]
    assert person.balance() == (before - 1, 0)
    assert sandbox.count(Sandbox.CREATE) == ordered
    whole = person.get(f"{HISTORY}/{done['transcript_id']}").json()
    assert whole["transcript"]["kind"] == "live"
    assert [summary["summary"] for summary in whole["summaries"]] == [done["summary"]]
    again = person.post(CATCHUP, json={"session_id": session_id, "minutes": 5}).json()
    assert (again["job_id"], again["status"]) == (done["job_id"], "done")
    books.check_invariants(person.user_id)


def test_an_unanswerable_question_gets_a_fixed_text(person: Person) -> None:
    session_id = create_session(person, *SENTENCES)

    answer = person.post(ASK, json={"question": "Capital of Mongolia?", "session_id": session_id}).json()

    assert (answer["answered"], answer["quotes"], answer["credits_used"]) == (False, [], QUESTION_CREDITS)
    assert answer["answer"] == "The transcript does not answer this question."


def test_a_question_without_credits_is_402_before_the_model_is_called(person: Person, sandbox: Sandbox) -> None:
    session_id, calls = create_session(person, *SENTENCES), sandbox.count(Sandbox.TEXT)
    person.start(lease_seconds=10_800)  # as long as the credits reach
    assert person.balance()[0] < QUESTION_CREDITS

    details = check_error(
        person.post(ASK, json={"question": QUESTION, "session_id": session_id}), 402, "insufficient_credits"
    )

    assert details["required"] == QUESTION_CREDITS
    assert sandbox.count(Sandbox.TEXT) == calls
