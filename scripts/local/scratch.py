"""A directory where the emulated AWS unpacks the code of functions: in memory, if there is enough of it.

Each process of a function unpacks 64 MB in 4,000 files, which on a slow disk takes most of the time of `make stack`.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - only a directory of this user is created in it
NEEDED_BYTES = 4 * 1024**3
PREFIX = "live-transcription-"


@contextlib.contextmanager
def scratch_directory(on_disk: Path, memory: Path = MEMORY) -> Iterator[Path]:
    """A directory that is deleted afterwards. Those of processes that were killed are deleted first."""
    in_memory = _has_room(memory)
    if in_memory:
        _delete_abandoned(memory)
    created = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=memory if in_memory else on_disk))
    try:
        yield created
    finally:
        shutil.rmtree(created, ignore_errors=True)


def _has_room(memory: Path) -> bool:
    """Whether there is enough space and libraries can be loaded from it, which containers often forbid."""
    if not memory.is_dir() or not os.access(memory, os.W_OK):
        return False
    status = os.statvfs(memory)
    return not status.f_flag & os.ST_NOEXEC and status.f_bavail * status.f_frsize >= NEEDED_BYTES


def _delete_abandoned(memory: Path) -> None:
    """Delete directories of this user whose process no longer runs."""
    for found in memory.glob(f"{PREFIX}*-*"):
        owner = found.name.removeprefix(PREFIX).partition("-")[0]
        with contextlib.suppress(FileNotFoundError):  # Another process deletes it at the same time.
            is_of_this_user = found.stat().st_uid == os.getuid()
            if is_of_this_user and owner.isdigit() and not _is_running(int(owner)):
                shutil.rmtree(found, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
