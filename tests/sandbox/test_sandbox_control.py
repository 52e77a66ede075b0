"""The sandbox as a process: start and stop, faults, recorded calls, and what it never logs."""

import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from sandbox.__main__ import loopback_address
from sandbox.speech import samples

ROOT = Path(__file__).parents[2]
WARM = "/v1/warm"
FORM = {"audio": ("a.wav", b"x", "audio/wav")}


def start(*arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "sandbox", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_serves_health_without_a_key(http):
    assert http.get("/sandbox/health").json() == {"status": "ok"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", ""])
def test_an_address_that_others_can_reach_is_refused(host):
    with pytest.raises(ArgumentTypeError, match="not a loopback address"):
        loopback_address(host)


@pytest.mark.parametrize(("host", "address"), [("localhost", "127.0.0.1"), ("127.0.0.2", "127.0.0.2"), ("::1", "::1")])
def test_a_loopback_address_is_accepted(host, address):
    assert loopback_address(host) == address


def test_it_does_not_start_on_an_address_others_can_reach():
    with start("--host", "0.0.0.0") as process:
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "not a loopback address" in errors


@pytest.mark.parametrize("scale", ["0", "-1", "nan", "fast"])
def test_it_does_not_start_with_an_invalid_time_scale(monkeypatch, scale):
    monkeypatch.setenv("SANDBOX_TIME_SCALE", scale)
    with start() as process:
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "SANDBOX_TIME_SCALE" in errors.splitlines()[-1]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_even_while_the_model_loads(ending):
    with start() as process:
        assert process.stdout.readline().startswith("sandbox: listening on http://127.0.0.1:")
        process.send_signal(ending)
        _, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (0, "")


def test_faults_apply_in_order_and_as_often_as_requested(http, add_fault):
    add_fault("assemblyai.sync", "500", times=2)
    add_fault("assemblyai.sync", "503")
    add_fault("openai.transcriptions", "401")

    statuses = [http.post("/v1/transcribe", files=FORM).status_code for _ in range(4)]

    # The last call is the service itself, without a key.
    assert statuses == [500, 500, 503, 401]
    assert [fault["service"] for fault in http.get("/sandbox/faults").json()["pending"]] == ["openai.transcriptions"]


def test_a_fault_without_end_lasts_until_cleared(http, add_fault):
    add_fault("assemblyai.sync", "500", times=-1)

    before = [http.post("/v1/transcribe", files=FORM).status_code for _ in range(3)]
    http.delete("/sandbox/faults")

    assert before == [500, 500, 500]
    assert http.post("/v1/transcribe", files=FORM).status_code == 401


@pytest.mark.parametrize(
    "fault",
    [
        {"service": "stripe"},
        {"kind": "explosion"},
        {"kind": []},
        {"service": {}},
        {"times": 0},
        {"times": True},
        {"retry_after_seconds": -1},
        {"delay_seconds": "1"},
        {"delay_seconds": 3601},
        {"delay": 1},
    ],
    ids=str,
)
def test_an_invalid_fault_is_refused(http, fault):
    answer = http.post("/sandbox/faults", json={"service": "assemblyai.sync", "kind": "500", **fault})

    assert answer.status_code == 400
    assert http.get("/sandbox/faults").json() == {"pending": []}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_fault_must_be_a_json_object(http, body):
    assert http.post("/sandbox/faults", content=body).status_code == 400


def test_a_slow_body_arrives_complete_but_late(http, add_fault):
    add_fault("assemblyai.sync", "slow", delay_seconds=0.5)

    started = time.perf_counter()
    with http.stream("POST", "/v1/transcribe", files=FORM) as answer:
        pieces = list(answer.iter_raw())

    assert time.perf_counter() - started >= 0.5
    assert len(pieces) > 10
    assert int(answer.headers["content-length"]) == len(b"".join(pieces))


def test_a_cut_response_closes_the_connection_halfway(sandbox_url, http, add_fault):
    add_fault("assemblyai.sync", "cut")
    host, port = sandbox_url.removeprefix("http://").split(":")

    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"POST /v1/transcribe HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 0\r\n\r\n")
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk

    head, _, body = received.partition(b"\r\n\r\n")
    promised = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
    assert len(body) == promised // 2


def test_a_client_that_disconnects_while_sending_causes_no_traceback(sandbox_url, sandbox_log, http):
    host, port = sandbox_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"POST /v1/transcribe HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 100\r\n\r\nhalf")

    # Refused after the whole body was read, so the request above has been handled by then.
    assert http.post("/v1/transcribe", files=FORM).status_code == 401
    assert "Traceback" not in sandbox_log.read_text()


def test_only_the_last_200_calls_are_kept_but_all_are_counted(http):
    for _ in range(205):
        http.get(WARM)

    calls = http.get("/sandbox/calls").json()
    assert calls["services"]["assemblyai.warm"]["received"] == 205
    assert len(calls["last"]) == 200


def test_calls_contain_header_names_and_fields_as_sent(http, keys):
    config = ("config", (None, '{"prompt": "\\ud800", "odd": NaN}', "application/json"))
    headers = {"Authorization": keys.assemblyai, "X-AAI-Model": "universal-3-5-pro"}
    http.post("/v1/transcribe", headers=headers, files=[config, *FORM.items()])

    answer = http.get("/sandbox/calls")

    call = answer.json()["last"][0]
    assert call["fields"]["parts"] == ["config", "audio"]
    assert call["fields"]["config"]["prompt"] == "\ud800"
    assert call["status"] == 400
    assert {"authorization", "x-aai-model"} <= set(call["header_names"])
    assert keys.assemblyai not in answer.text


def test_calls_can_be_reset(http):
    http.get(WARM)
    http.delete("/sandbox/calls")

    assert http.get("/sandbox/calls").json() == {"services": {}, "last": []}


def test_no_key_and_no_transcript_is_logged(keys, sandbox_log, openai_client):
    path, _ = samples()[2]
    openai_client.audio.transcriptions.create(file=path, model="gpt-transcribe")

    log = sandbox_log.read_text()
    assert not [secret for secret in (keys.assemblyai, keys.openai, "amiable") if secret in log]
    assert "HTTP/1.1" not in log
