"""The directory where functions are unpacked is in memory if there is room, and is deleted in the end."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.local import scratch
from scripts.local.scratch import scratch_directory


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    (tmp_path / "memory").mkdir()
    return tmp_path / "memory"


def test_it_is_in_memory_if_there_is_room_and_is_deleted_in_the_end(
    disk: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "NEEDED_BYTES", 1)

    with scratch_directory(disk, memory) as created:
        (created / "code.py").touch()
        assert created.parent == memory
        assert created.stat().st_mode & 0o077 == 0  # readable by this user only

    assert list(memory.iterdir()) == list(disk.iterdir()) == []


@pytest.mark.parametrize("needed", [0, 2**80])
def test_it_is_on_disk_if_there_is_no_memory_or_too_little(
    disk: Path, memory: Path, monkeypatch: pytest.MonkeyPatch, needed: int
) -> None:
    monkeypatch.setattr(scratch, "NEEDED_BYTES", needed)

    with scratch_directory(disk, memory if needed else memory / "nowhere") as created:
        assert created.parent == disk

    assert list(disk.iterdir()) == []


def test_it_is_on_disk_if_memory_does_not_allow_executable_code(
    disk: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roomy = SimpleNamespace(f_flag=os.ST_NOEXEC, f_bavail=2**40, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda _: roomy)

    with scratch_directory(disk, memory) as created:
        assert created.parent == disk

    roomy.f_flag = 0
    with scratch_directory(disk, memory) as created:
        assert created.parent == memory


def test_two_processes_may_delete_an_abandoned_directory_at_once(
    disk: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "NEEDED_BYTES", 1)
    missing = memory / "live-transcription-1-missing"
    monkeypatch.setattr(Path, "glob", lambda *_: iter([missing]))  # It existed when it was listed.

    with scratch_directory(disk, memory) as created:
        assert created.parent == memory


def test_only_directories_of_processes_that_no_longer_run_are_deleted(
    disk: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "NEEDED_BYTES", 1)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    left, used, foreign = (
        memory / name for name in (f"live-transcription-{ended.pid}-x", f"live-transcription-{os.getpid()}-x", "other")
    )
    for directory in (left, used, foreign):
        directory.mkdir()

    with scratch_directory(disk, memory):
        assert [directory.exists() for directory in (left, used, foreign)] == [False, True, True]
