"""One server for all processes of a test run that need it."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path


@contextmanager
def shared_server(directory: Path, name: str, start: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """The address of the server `name`; `start` runs it and yields that address.

    The process that needs it first starts it. Each user holds a shared lock; when the first one has done its tests it
    waits until no other user is left, and stops the server. A process that dies gives up its locks.

    `directory`: one that the processes of this run share with nobody else.
    """
    address = directory / f"{name}.address"
    with (directory / f"{name}.users").open("a") as users, (directory / f"{name}.start").open("a") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)
        if address.exists():
            fcntl.flock(starting, fcntl.LOCK_UN)
            yield address.read_text()
            return
        with start() as started:
            address.write_text(started)
            fcntl.flock(starting, fcntl.LOCK_UN)
            try:
                yield started
            finally:
                fcntl.flock(users, fcntl.LOCK_EX)  # A user who comes from now on waits, and then starts another one.
                address.unlink()
