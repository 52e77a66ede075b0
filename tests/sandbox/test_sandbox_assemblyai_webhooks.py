"""AssemblyAI's webhooks out of the sandbox: what is sent, when it is tried again, and how tests order it about."""

import json
import queue
import time

import assemblyai
import pytest

from sandbox.speech import samples

SHORT = samples()[2][0]


@pytest.fixture
def orders(catchup_env):
    """Orders webhooks and jobs about: `orders(webhook_copies=0)`."""

    def orders(**changes):
        answer = catchup_env.post("/sandbox/transcripts/orders", json=changes)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return orders


@pytest.fixture
def submitted(transcriber, receiver):
    """Asks for a transcript whose webhook goes to the receiver; gives its id."""
    receiver.files["/short.wav"] = SHORT.read_bytes()

    def submitted(path: str = "/hook?job=7", audio: str = "/short.wav") -> str:
        config = assemblyai.TranscriptionConfig(speech_models=["universal-2"])
        config.set_webhook(f"{receiver.url}{path}", "X-Hook-Secret", "the secret of job 7")
        return transcriber.submit(f"{receiver.url}{audio}", config=config).id

    return submitted


@pytest.fixture
def hook(receiver):
    """Waits for the next POST to the receiver; fetched audio is passed over."""

    def hook():
        while True:
            received = receiver.next()
            if received.body:
                return received

    return hook


@pytest.fixture
def attempts(catchup_env):
    """Waits until a transcript's webhook was attempted so often; gives number, status and outcome of each attempt."""

    def attempts(transcript_id: str, count: int) -> list[tuple]:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            jobs = {job["id"]: job for job in catchup_env.get("/sandbox/transcripts").json()["transcripts"]}
            made = jobs[transcript_id]["webhooks"]
            if len(made) >= count:
                return [(one["number"], one["status"], one["outcome"]) for one in made]
            time.sleep(0.01)
        raise AssertionError(f"{len(made)} attempts")

    return attempts


def test_a_webhook_says_which_transcript_ended_how_and_proves_itself_by_the_header(submitted, hook, attempts, ended):
    transcript_id = submitted()

    received = hook()

    assert received.path == "/hook?job=7"
    assert json.loads(received.body) == {"transcript_id": transcript_id, "status": "completed"}
    assert received.headers["content-type"] == "application/json"
    assert received.headers["x-hook-secret"] == "the secret of job 7"
    assert attempts(transcript_id, 1) == [(1, 204, "delivered")]
    shown = ended(transcript_id)
    assert (shown["webhook_status_code"], shown["webhook_auth"]) == (204, True)
    assert shown["webhook_auth_header_name"] == "X-Hook-Secret"
    assert "the secret of job 7" not in json.dumps(shown)


def test_an_error_is_told_too(submitted, hook):
    transcript_id = submitted(audio="/missing.wav")

    assert json.loads(hook().body) == {"transcript_id": transcript_id, "status": "error"}


def test_no_secret_is_in_any_report_of_the_sandbox(submitted, hook, catchup_env):
    submitted()
    hook()

    reports = [catchup_env.get(f"/sandbox/{path}").text for path in ("calls", "transcripts")]

    assert not [report for report in reports if "the secret of job 7" in report]


def test_what_is_not_2xx_is_tried_again_ten_times_in_all(submitted, attempts, receiver, orders):
    orders(webhook_retry_seconds=0)
    receiver.statuses = [500, 503, 302, 500, 500, 500, 500, 500, 500, 500]

    transcript_id = submitted()

    made = attempts(transcript_id, 10)
    assert [status for _, status, _ in made] == [500, 503, 302, *[500] * 7]
    assert {outcome for _, _, outcome in made} == {"failed"}
    # All ten of one delivery have been answered: an eleventh would have come at once.
    time.sleep(0.2)
    assert len(attempts(transcript_id, 10)) == 10


def test_a_receiver_that_recovers_is_told_once(submitted, attempts, receiver, orders):
    orders(webhook_retry_seconds=0.01)
    receiver.statuses = [500, 500]

    assert attempts(submitted(), 3) == [(1, 500, "failed"), (2, 500, "failed"), (3, 204, "delivered")]


def test_the_pause_before_the_next_attempt_is_as_ordered(submitted, attempts, receiver, orders):
    orders(webhook_retry_seconds=0.5)
    receiver.statuses = [500]
    transcript_id = submitted()
    attempts(transcript_id, 1)

    started = time.monotonic()
    attempts(transcript_id, 2)

    assert time.monotonic() - started > 0.3


@pytest.mark.parametrize("status", [400, 401, 404, 429])
def test_a_4xx_ends_the_delivery(submitted, attempts, receiver, orders, status):
    orders(webhook_retry_seconds=0)
    receiver.statuses = [status]

    transcript_id = submitted()
    assert attempts(transcript_id, 1) == [(1, status, "refused")]
    time.sleep(0.1)
    assert len(attempts(transcript_id, 1)) == 1


def test_a_receiver_that_does_not_answer_in_time_is_asked_again(submitted, attempts, receiver, orders):
    orders(webhook_retry_seconds=0, webhook_deadline_seconds=0.2)
    receiver.silence.clear()
    transcript_id = submitted()
    assert attempts(transcript_id, 1)[0] == (1, None, "timeout")

    receiver.silence.set()

    last = next(made[-1] for count in range(2, 11) if (made := attempts(transcript_id, count))[-1][1] is not None)
    assert last[1:] == (204, "delivered")


def test_nobody_beyond_this_machine_is_called(transcriber, attempts, orders):
    orders(webhook_retry_seconds=0)
    config = assemblyai.TranscriptionConfig(webhook_url="http://10.0.0.1/hook")

    transcript_id = transcriber.submit("http://127.0.0.1:1/a.wav", config=config).id

    assert {outcome for _, _, outcome in attempts(transcript_id, 10)} == {"unreachable"}


def test_webhooks_held_back_can_be_sent_late(submitted, catchup_env, orders, hook, ended, receiver):
    orders(webhook_copies=0)
    transcript_id = submitted()
    assert ended(transcript_id)["webhook_status_code"] is None
    receiver.next()  # The audio.
    with pytest.raises(queue.Empty):
        receiver.received.get(timeout=0.2)

    answer = catchup_env.post(f"/sandbox/transcripts/{transcript_id}/webhook", params={"copies": 2})

    assert answer.status_code == 202
    assert hook().body == hook().body


def test_duplicates_come_as_often_as_ordered(submitted, orders, hook, receiver):
    orders(webhook_copies=10)
    submitted()

    assert len({hook().body for _ in range(10)}) == 1
    with pytest.raises(queue.Empty):
        receiver.received.get(timeout=0.2)


def test_a_webhook_can_come_before_the_create_call_has_returned(submitted, orders, receiver, catchup_env):
    orders(webhook_before_answer=True, webhook_deadline_seconds=20)

    transcript_id = submitted()

    # The call is back: whatever came before it has been received by now.
    bodies = [one.body for one in list(receiver.received.queue) if one.body]
    assert [json.loads(body)["transcript_id"] for body in bodies] == [transcript_id]


def test_a_webhook_that_is_refused_before_the_answer_does_not_hold_the_answer_back(submitted, orders, receiver):
    orders(webhook_before_answer=True)
    receiver.statuses = [500]

    assert submitted()


def test_orders_are_shown_and_forgotten_with_the_transcripts(orders, catchup_env):
    normal = catchup_env.get("/sandbox/transcripts/orders").json()

    changed = orders(hold_jobs=True, webhook_copies=3, webhook_retry_seconds=0.5)

    assert normal == {
        "hold_jobs": False,
        "webhook_copies": 1,
        "webhook_before_answer": False,
        "webhook_retry_seconds": 10,
        "webhook_deadline_seconds": 10,
    }
    assert changed == {**normal, "hold_jobs": True, "webhook_copies": 3, "webhook_retry_seconds": 0.5}
    catchup_env.delete("/sandbox/transcripts").raise_for_status()
    assert catchup_env.get("/sandbox/transcripts/orders").json() == normal


@pytest.mark.parametrize(
    "wrong",
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
def test_an_order_that_makes_no_sense_is_refused(catchup_env, wrong):
    assert catchup_env.post("/sandbox/transcripts/orders", content=wrong).status_code == 400


def test_orders_about_unknown_transcripts_are_404(catchup_env):
    for path in ("unknown/release", "unknown/webhook"):
        assert catchup_env.post(f"/sandbox/transcripts/{path}").status_code == 404
