"""Servers get a port that no other process has, even when another process takes it at the last moment."""

import json
import socket
import sys
import urllib.request

import boto3
import pytest

from scripts.local import processes
from scripts.local.aws import CREDENTIALS, REGION, REPOSITORY, LocalAws
from scripts.local.dynamodb_local import DynamoDBLocal
from scripts.local.processes import (
    PORT_ATTEMPTS,
    Child,
    PortInUseError,
    closed_port,
    is_port_in_use,
    listen,
    start_on_free_port,
)

LISTEN = (
    "import http.server, sys;"
    "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()"
)


@pytest.fixture
def used_port():
    """A port on which another process accepts connections."""
    with listen() as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def lost_race(monkeypatch, used_port):
    """The first port looks free when it is chosen, and another process takes it before the server listens."""
    ports = [used_port]
    choose = processes.unused_port
    monkeypatch.setattr(processes, "unused_port", lambda preferred=None: ports.pop() if ports else choose(preferred))
    return used_port


def test_a_preferred_port_is_used_only_while_it_is_free(used_port):
    with listen(used_port) as other:
        assert other.getsockname()[1] != used_port
        port = other.getsockname()[1]

    with listen(port) as again:
        assert again.getsockname()[1] == port


def test_a_closed_port_refuses_connections_and_cannot_be_used():
    with closed_port() as port:
        assert not is_port_in_use(port)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with listen(port) as other:
            assert other.getsockname()[1] != port


def test_a_server_that_loses_its_port_is_started_on_another_one(lost_race, tmp_path):
    attempts = []

    def start(port):
        attempts.append(port)
        child = Child("the server", [sys.executable, "-c", LISTEN, str(port)], log=tmp_path / "log").start()
        try:
            child.wait_for_port(port)
        except BaseException:
            child.stop()
            raise
        return child

    child = start_on_free_port(start)
    try:
        assert attempts[0] == lost_race
        assert len(attempts) == 2
        assert child.has_port(attempts[1])
        assert not child.has_port(lost_race)
    finally:
        child.stop()


def test_a_server_that_finds_no_port_is_an_error_after_five_attempts(used_port):
    attempts = []

    def start(port):
        attempts.append(port)
        raise PortInUseError("The server could not listen on its port.")

    with pytest.raises(PortInUseError, match="could not listen"):
        start_on_free_port(start, used_port)

    assert len(attempts) == PORT_ATTEMPTS


def test_other_errors_are_not_retried():
    attempts = []

    def start(port):
        attempts.append(port)
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        start_on_free_port(start)

    assert len(attempts) == 1


def test_ministack_moves_to_another_port(lost_race, tmp_path):
    with LocalAws(tmp_path) as aws:
        assert aws.port != lost_race
        assert aws.client("dynamodb").list_tables()["TableNames"] == []


def test_dynamodb_local_moves_to_another_port_and_its_neighbour_is_not_mistaken_for_it(lost_race, tmp_path):
    """It goes on without its port, so only its log and its own sockets show that it does not listen."""
    with DynamoDBLocal(tmp_path / "log") as running:
        assert running.endpoint_url != f"http://127.0.0.1:{lost_race}"
        keys = {"aws_access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": "test"}
        client = boto3.client("dynamodb", endpoint_url=running.endpoint_url, region_name=REGION, **keys)
        assert client.list_tables()["TableNames"] == []
        client.close()


@pytest.mark.parametrize("options", [[], ["--reload"]], ids=["plain", "reload"])
def test_the_api_serves_on_a_socket_that_was_reserved_for_it(project, tmp_path, options):
    with listen() as listener:
        port = listener.getsockname()[1]
        args = [sys.executable, "-m", "scripts.local.server", "--fd", str(listener.fileno()), *options]
        environment = {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
        child = Child(
            "The API", args, log=tmp_path / "log", env=environment, cwd=project, pass_fds=[listener.fileno()]
        ).start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=30) as response:
            assert json.load(response)["word"] == "one"
        assert child.wait_for_address() == (f"http://127.0.0.1:{port}", port)
    finally:
        child.stop()
    assert not is_port_in_use(port)
