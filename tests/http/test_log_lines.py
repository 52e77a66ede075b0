"""Reading a log while it is written: each line once, and from its beginning where it was truncated."""

import json
from pathlib import Path
from typing import Any

from tests.http.log_lines import LogReader


def request_line(request_id: str) -> str:
    return json.dumps({"message": "request", "request_id": request_id}) + "\n"


def ids(lines: list[dict[str, Any]]) -> list[str]:
    return [line["request_id"] for line in lines]


def test_a_line_is_read_once_and_not_before_it_is_complete(tmp_path: Path) -> None:
    log, reader = tmp_path / "api.log", LogReader()
    log.write_text("starting\n" + request_line("a") + '{"message": "other"}\n' + request_line("b")[:9])
    assert ids(reader.read(log)) == ["a"]

    with log.open("a") as file:
        file.write(request_line("b")[9:])

    assert ids(reader.read(log)) == ["a", "b"]
    assert ids(reader.read(log)) == ["a", "b"]


def test_a_truncated_log_is_read_from_its_beginning_whether_it_is_shorter_or_longer(tmp_path: Path) -> None:
    log, reader = tmp_path / "api.log", LogReader()
    log.write_text(request_line("a") + request_line("b"))
    reader.read(log)

    log.write_text(request_line("c"))
    assert ids(reader.read(log)) == ["c"]

    log.write_text("")
    assert reader.read(log) == []

    log.write_text(request_line("d") + request_line("e"))
    assert ids(reader.read(log)) == ["d", "e"]


def test_clearing_the_returned_list_loses_no_line(tmp_path: Path) -> None:
    log, reader = tmp_path / "api.log", LogReader()
    log.write_text(request_line("a"))
    reader.read(log).clear()

    assert ids(reader.read(log)) == ["a"]
