"""AssemblyAI's webhooks: content, retries and the settings that tests control."""

import json
import time
from collections.abc import Callable

import pytest

from sandbox.speech import samples
from tests.sandbox import official

SHORT = samples()[2][0]
ENDED = ("completed", "error")


@pytest.fixture
def update_settings(http):
    """Changes the settings of webhooks and jobs: `update_settings(webhook_copies=0)`."""

    def update_settings(**changes):
        answer = http.post("/sandbox/transcripts/orders", json=changes)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return update_settings


@pytest.fixture
def submit_transcript(transcriber, receiver):
    """Creates a transcript whose webhook goes to the receiver; returns its id."""
    receiver.files["/short.wav"] = SHORT.read_bytes()

    def submit_transcript(path: str = "/hook?job=7", audio: str = "/short.wav") -> str:
        config = official.assemblyai.TranscriptionConfig(speech_models=["universal-2"])
        config.set_webhook(f"{receiver.url}{path}", "X-Hook-Secret", "the secret of job 7")
        return transcriber.submit(f"{receiver.url}{audio}", config=config).id

    return submit_transcript


@pytest.fixture
def hook(receiver):
    """Waits for the next POST to the receiver; requests for audio are skipped."""

    def hook():
        while True:
            received = receiver.next()
            if received.body:
                return received

    return hook


@pytest.fixture
def wait_for_job(http):
    """Waits until a transcript, as the sandbox's own route lists it, meets a condition; returns it."""

    def wait_for_job(transcript_id: str, condition: Callable[[dict], bool]) -> dict:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            jobs = {job["id"]: job for job in http.get("/sandbox/transcripts").json()["transcripts"]}
            if condition(job := jobs[transcript_id]):
                return job
            time.sleep(0.01)
        raise AssertionError(f"still {job}")

    return wait_for_job


@pytest.fixture
def attempts(wait_for_job):
    """Waits for `count` attempts of a webhook; returns number, status and outcome of each."""

    def attempts(transcript_id: str, count: int) -> list[tuple]:
        made = wait_for_job(transcript_id, lambda job: len(job["webhooks"]) >= count)["webhooks"]
        return [(item["number"], item["status"], item["outcome"]) for item in made]

    return attempts


@pytest.fixture
def all_attempts(wait_for_job):
    """Waits until the job has ended and no attempt will follow; returns number, status and outcome of each."""

    def all_attempts(transcript_id: str) -> list[tuple]:
        job = wait_for_job(transcript_id, lambda job: job["status"] in ENDED and not job["running_deliveries"])
        return [(item["number"], item["status"], item["outcome"]) for item in job["webhooks"]]

    return all_attempts


def test_a_webhook_has_id_and_status_and_the_secret_header(submit_transcript, hook, attempts, wait_for_end):
    transcript_id = submit_transcript()

    received = hook()

    assert received.path == "/hook?job=7"
    assert json.loads(received.body) == {"transcript_id": transcript_id, "status": "completed"}
    assert received.headers["content-type"] == "application/json"
    assert received.headers["x-hook-secret"] == "the secret of job 7"
    assert attempts(transcript_id, 1) == [(1, 204, "delivered")]
    shown = wait_for_end(transcript_id)
    assert (shown["webhook_status_code"], shown["webhook_auth"]) == (204, True)
    assert shown["webhook_auth_header_name"] == "X-Hook-Secret"
    assert "the secret of job 7" not in json.dumps(shown)


def test_a_failed_transcript_sends_a_webhook_too(submit_transcript, hook):
    transcript_id = submit_transcript(audio="/missing.wav")

    assert json.loads(hook().body) == {"transcript_id": transcript_id, "status": "error"}


def test_no_report_of_the_sandbox_contains_a_secret(submit_transcript, hook, http):
    submit_transcript()
    hook()

    reports = [http.get(f"/sandbox/{path}").text for path in ("calls", "transcripts")]

    assert not [report for report in reports if "the secret of job 7" in report]


def test_a_response_other_than_2xx_is_retried_up_to_ten_attempts(
    submit_transcript, all_attempts, receiver, update_settings
):
    update_settings(webhook_retry_seconds=0)
    receiver.statuses = [500, 503, 302, 500, 500, 500, 500, 500, 500, 500]

    transcript_id = submit_transcript()

    made = all_attempts(transcript_id)
    assert [status for _, status, _ in made] == [500, 503, 302, *[500] * 7]
    assert {outcome for _, _, outcome in made} == {"failed"}


def test_a_receiver_that_recovers_gets_one_delivery(submit_transcript, attempts, receiver, update_settings):
    update_settings(webhook_retry_seconds=0.01)
    receiver.statuses = [500, 500]

    assert attempts(submit_transcript(), 3) == [(1, 500, "failed"), (2, 500, "failed"), (3, 204, "delivered")]


def test_the_pause_between_attempts_is_configurable(submit_transcript, wait_for_job, receiver, update_settings):
    update_settings(webhook_retry_seconds=0.5)
    receiver.statuses = [500]

    job = wait_for_job(submit_transcript(), lambda job: len(job["webhooks"]) == 2)

    first, second = job["webhooks"]
    assert second["began_at"] - first["ended_at"] > 0.49  # The timers of an event loop may be a little early.


@pytest.mark.parametrize("status", [400, 401, 404, 429])
def test_a_4xx_ends_the_delivery(submit_transcript, all_attempts, receiver, update_settings, status):
    update_settings(webhook_retry_seconds=0)
    receiver.statuses = [status]

    assert all_attempts(submit_transcript()) == [(1, status, "refused")]


def test_a_receiver_that_times_out_gets_another_attempt(submit_transcript, attempts, receiver, update_settings):
    update_settings(webhook_retry_seconds=0, webhook_deadline_seconds=0.2)
    receiver.silence.clear()
    transcript_id = submit_transcript()
    assert attempts(transcript_id, 1)[0] == (1, None, "timeout")

    receiver.silence.set()

    last = next(made[-1] for count in range(2, 11) if (made := attempts(transcript_id, count))[-1][1] is not None)
    assert last[1:] == (204, "delivered")


def test_no_webhook_goes_to_another_machine(transcriber, attempts, update_settings):
    update_settings(webhook_retry_seconds=0)
    config = official.assemblyai.TranscriptionConfig(webhook_url="http://10.0.0.1/hook")

    transcript_id = transcriber.submit("http://127.0.0.1:1/a.wav", config=config).id

    assert {outcome for _, _, outcome in attempts(transcript_id, 10)} == {"unreachable"}


def test_webhooks_held_back_can_be_sent_late(
    submit_transcript, http, update_settings, hook, wait_for_end, all_attempts
):
    update_settings(webhook_copies=0)
    transcript_id = submit_transcript()
    assert wait_for_end(transcript_id)["webhook_status_code"] is None
    assert all_attempts(transcript_id) == []

    answer = http.post(f"/sandbox/transcripts/{transcript_id}/webhook", params={"copies": 2})

    assert answer.status_code == 202
    assert hook().body == hook().body


def test_the_number_of_duplicates_is_configurable(submit_transcript, update_settings, hook, all_attempts):
    update_settings(webhook_copies=10)
    transcript_id = submit_transcript()

    assert len({hook().body for _ in range(10)}) == 1
    assert all_attempts(transcript_id) == [(1, 204, "delivered")] * 10


def test_a_webhook_can_come_before_the_create_call_has_returned(submit_transcript, update_settings, receiver, http):
    update_settings(webhook_before_answer=True, webhook_deadline_seconds=20)

    transcript_id = submit_transcript()

    # The call has returned: every earlier webhook has been received by now.
    bodies = [item.body for item in list(receiver.received.queue) if item.body]
    assert [json.loads(body)["transcript_id"] for body in bodies] == [transcript_id]


def test_a_webhook_refused_before_the_response_does_not_delay_it(submit_transcript, update_settings, receiver):
    update_settings(webhook_before_answer=True)
    receiver.statuses = [500]

    assert submit_transcript()


def test_settings_are_shown_and_reset_with_the_transcripts(update_settings, http):
    normal = http.get("/sandbox/transcripts/orders").json()

    changed = update_settings(hold_jobs=True, webhook_copies=3, webhook_retry_seconds=0.5)

    assert normal == {
        "hold_jobs": False,
        "webhook_copies": 1,
        "webhook_before_answer": False,
        "webhook_retry_seconds": 10,
        "webhook_deadline_seconds": 10,
    }
    assert changed == {**normal, "hold_jobs": True, "webhook_copies": 3, "webhook_retry_seconds": 0.5}
    http.delete("/sandbox/transcripts").raise_for_status()
    assert http.get("/sandbox/transcripts/orders").json() == normal


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"hold": true}',
        b'{"hold_jobs": 1}',
        b'{"webhook_copies": -1}',
        b'{"webhook_copies": 1.5}',
        b'{"webhook_retry_seconds": "1"}',
        b'{"webhook_deadline_seconds": NaN}',
    ],
)
def test_an_invalid_control_body_is_refused(http, body):
    assert http.post("/sandbox/transcripts/orders", content=body).status_code == 400


def test_control_routes_of_unknown_transcripts_are_404(http):
    for path in ("unknown/release", "unknown/webhook"):
        assert http.post(f"/sandbox/transcripts/{path}").status_code == 404
