"""Where the AWS of this machine unpacks the code of each function that runs: in memory, where there is plenty of it.

Each process of a function is 64 MB in 4,000 files, unpacked anew: on a slow disk that takes most of a deployed stack's
time.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - in it stands a directory of this user's alone
NEEDED_BYTES = 4 * 1024**3
PREFIX = "live-transcription-"


@contextlib.contextmanager
def scratch(on_disk: Path, memory: Path = MEMORY) -> Iterator[Path]:
    """A directory that is gone in the end, also one of a process that could not tidy up: the next one does."""
    in_memory = _is_fit(memory)
    if in_memory:
        _forget_abandoned(memory)
    made = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=memory if in_memory else on_disk))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _is_fit(memory: Path) -> bool:
    """Room, and libraries may be loaded from there: containers often forbid that."""
    if not memory.is_dir() or not os.access(memory, os.W_OK):
        return False
    found = os.statvfs(memory)
    return not found.f_flag & os.ST_NOEXEC and found.f_bavail * found.f_frsize >= NEEDED_BYTES


def _forget_abandoned(memory: Path) -> None:
    for found in memory.glob(f"{PREFIX}*-*"):
        owner = found.name.removeprefix(PREFIX).partition("-")[0]
        with contextlib.suppress(FileNotFoundError):  # Somebody else tidies up as well.
            is_ours = found.stat().st_uid == os.getuid()
            if is_ours and owner.isdigit() and not _is_running(int(owner)):
                shutil.rmtree(found, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
