"""Processes of a test run share a server: the first one starts it, and stops it when nobody uses it any more."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from tests.shared_server import shared_server

SPAWN = multiprocessing.get_context("spawn")
SECONDS = 60  # until a test that hangs fails


def use_server(directory: Path, number: int, parent: Connection) -> None:
    """Use the server until the parent says so; what happens is sent to the parent."""

    @contextmanager
    def start() -> Iterator[str]:
        parent.send("started")
        yield f"server {number}"
        parent.send("stopped")

    with shared_server(directory, "example", start) as address:
        parent.send(address)
        parent.recv()
    parent.send("done")


class User:
    """Another process that uses the server."""

    def __init__(self, directory: Path, number: int):
        self.connection, other_end = SPAWN.Pipe()
        self.process = SPAWN.Process(target=use_server, args=(directory, number, other_end), daemon=True)
        self.process.start()

    def next_message(self) -> str:
        assert self.connection.poll(SECONDS), "there was no message"
        return str(self.connection.recv())

    def finish(self) -> None:
        self.connection.send("finish")


def test_a_second_process_uses_the_server_of_the_first_which_waits_for_it(tmp_path: Path) -> None:
    first = User(tmp_path, 1)
    assert [first.next_message(), first.next_message()] == ["started", "server 1"]
    second = User(tmp_path, 2)
    assert second.next_message() == "server 1"

    first.finish()
    assert not first.connection.poll(0.2), "it stopped a server that is used"
    second.finish()

    assert second.next_message() == "done"
    assert [first.next_message(), first.next_message()] == ["stopped", "done"]


def test_a_process_that_comes_after_the_end_starts_another_server(tmp_path: Path) -> None:
    for number in (1, 2):
        user = User(tmp_path, number)
        assert [user.next_message(), user.next_message()] == ["started", f"server {number}"]
        user.finish()
        assert [user.next_message(), user.next_message()] == ["stopped", "done"]


def test_a_user_that_dies_keeps_nobody_waiting(tmp_path: Path) -> None:
    first = User(tmp_path, 1)
    assert [first.next_message(), first.next_message()] == ["started", "server 1"]
    second = User(tmp_path, 2)
    assert second.next_message() == "server 1"

    second.process.kill()
    second.process.join(SECONDS)
    first.finish()

    assert [first.next_message(), first.next_message()] == ["stopped", "done"]
