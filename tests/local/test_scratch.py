"""Where functions are unpacked: in memory if there is room, and gone in the end, whoever's end that is."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.local import scratch as places
from scripts.local.scratch import scratch


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    (tmp_path / "memory").mkdir()
    return tmp_path / "memory"


def test_it_is_in_memory_where_there_is_room_and_gone_in_the_end(
    disk: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "NEEDED_BYTES", 1)

    with scratch(disk, memory) as made:
        (made / "code.py").touch()
        assert made.parent == memory
        assert made.stat().st_mode & 0o077 == 0  # nobody else's to read

    assert list(memory.iterdir()) == list(disk.iterdir()) == []


@pytest.mark.parametrize("needed", [0, 2**80])
def test_it_is_on_disk_where_there_is_no_memory_or_too_little(
    disk: Path, memory: Path, monkeypatch: pytest.MonkeyPatch, needed: int
) -> None:
    monkeypatch.setattr(places, "NEEDED_BYTES", needed)

    with scratch(disk, memory if needed else memory / "nowhere") as made:
        assert made.parent == disk

    assert list(disk.iterdir()) == []


def test_it_is_on_disk_where_memory_runs_no_code(disk: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roomy = SimpleNamespace(f_flag=os.ST_NOEXEC, f_bavail=2**40, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda _: roomy)

    with scratch(disk, memory) as made:
        assert made.parent == disk

    roomy.f_flag = 0
    with scratch(disk, memory) as made:
        assert made.parent == memory


def test_two_may_tidy_up_at_once(disk: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "NEEDED_BYTES", 1)
    gone = memory / "live-transcription-1-gone"
    monkeypatch.setattr(Path, "glob", lambda *_: iter([gone]))  # It was there when it was listed.

    with scratch(disk, memory) as made:
        assert made.parent == memory


def test_what_a_killed_process_left_is_tidied_up_and_that_of_a_running_one_is_not(
    disk: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "NEEDED_BYTES", 1)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    left, used, foreign = (
        memory / name for name in (f"live-transcription-{ended.pid}-x", f"live-transcription-{os.getpid()}-x", "other")
    )
    for directory in (left, used, foreign):
        directory.mkdir()

    with scratch(disk, memory):
        assert [directory.exists() for directory in (left, used, foreign)] == [False, True, True]
