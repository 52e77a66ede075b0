"""Child processes that are waited for until they are ready and never outlive this one, and the ports they listen on."""

import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TypeVar

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.05
LOG_TAIL_LINES = 20
LONGEST_LOG_TAIL_BYTES = 65_536
PORT_ATTEMPTS = 5
PORT_IN_USE = re.compile(r"already in use", re.IGNORECASE)  # as Python, Java and ministack log it
LISTENING = re.compile(r"listening on (http\S+:(\d+))")  # as our own servers log it
PR_SET_PDEATHSIG = 1  # linux/prctl.h
Started = TypeVar("Started")

# Loaded before any fork: importing between fork and exec may deadlock.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
# Requests to loopback must not go through a proxy of the caller's environment.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ChildError(RuntimeError):
    """A child process did not start, or ended by itself; the message shows the end of its log and what to do."""


class PortInUseError(ChildError):
    """The child process could not listen, because another process uses its port."""


def listen(preferred: int | None = None) -> socket.socket:
    """A socket that listens on a loopback port: `preferred` if it is free. Hand it to a server by its descriptor.

    Connections wait until the server accepts them, and no other process can take the port meanwhile.
    """
    for port in [preferred, 0] if preferred else [0]:
        listener = socket.socket()
        # As servers do: a port that only has connections in TIME_WAIT counts as free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
            listener.listen(128)
        except OSError:
            listener.close()
        else:
            return listener
    raise OSError("No port is free on loopback.")


def start_on_free_port(start: Callable[[int], Started], preferred: int | None = None) -> Started:
    """What `start(port)` returns, for a server that cannot be given a socket: `preferred` if that port is free.

    Another process may take the port before the server listens on it. `start` raises PortInUseError then, and is
    called again with another port; the last of five errors is raised.
    """
    for _ in range(PORT_ATTEMPTS - 1):
        with contextlib.suppress(PortInUseError):
            return start(unused_port(preferred))
        preferred = None
    return start(unused_port())


def unused_port(preferred: int | None = None) -> int:
    """A loopback port that no process uses at this moment. It may be in use a moment later: see start_on_free_port."""
    with listen(preferred) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A loopback port that refuses connections and that no process can use until the block ends."""
    with socket.socket() as reserved:
        reserved.bind((LOOPBACK, 0))
        yield int(reserved.getsockname()[1])


def is_port_in_use(port: int) -> bool:
    """Whether a process listens on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def url_answers(url: str) -> bool:
    """Whether a request to `url` returns 200."""
    try:
        with _direct.open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


class Child:
    """A child process in its own process group: Ctrl-C reaches this process only, which stops its children in order.

    `log`: the file for its output; None: it writes to the output of this process. `pass_fds`: descriptors that it
    inherits. On Linux the child gets the signal `on_parent_death` when the thread that started it ends for whatever
    reason: start children from a thread that lives as long as they should.
    """

    def __init__(
        self,
        name: str,
        args: Sequence[str],
        *,
        log: Path | None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        on_parent_death: signal.Signals = signal.SIGTERM,
        pass_fds: Sequence[int] = (),
    ):
        self.name, self.args, self.log = name, list(args), log
        self._env, self._cwd, self._on_parent_death, self._pass_fds = env, cwd, on_parent_death, pass_fds
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process, f"{self.name} was not started"
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll() if self._process else None

    def start(self) -> "Child":
        with contextlib.ExitStack() as files:
            output: IO[bytes] | None = None
            if self.log:
                self.log.parent.mkdir(parents=True, exist_ok=True)
                output = files.enter_context(self.log.open("wb"))
            try:
                self._process = subprocess.Popen(
                    self.args,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT if output else None,
                    env=self._env,
                    cwd=self._cwd,
                    start_new_session=True,
                    pass_fds=self._pass_fds,
                    preexec_fn=self._end_with_parent(os.getpid()) if _libc else None,
                )
            except OSError as error:
                raise ChildError(f"{self.name} cannot be started: {error}") from error
        return self

    def wait_until(self, ready: Callable[[], bool], timeout_seconds: float, advice: str = "") -> None:
        """Return once `ready()` is true.

        Raises PortInUseError when the log says that its port is in use, ChildError when the process ends first or after
        `timeout_seconds`.
        """
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            if self.exit_code is not None:
                raise self._error(f"ended with exit code {self.exit_code} before it was ready", advice)
            if self._has_lost_port():  # DynamoDB Local goes on without its port.
                raise self._error("could not listen on its port", advice)
            if time.monotonic() > deadline:
                raise self._error(f"was not ready after {timeout_seconds:g} s", advice)
            time.sleep(POLL_SECONDS)
        if self.exit_code is not None:  # Another process answered in its place.
            raise self._error(f"ended with exit code {self.exit_code}", advice)

    def wait_for_url(self, url: str, timeout_seconds: float = 30, advice: str = "") -> None:
        self.wait_until(lambda: url_answers(url), timeout_seconds, advice)

    def wait_for_port(self, port: int, timeout_seconds: float = 30, advice: str = "") -> None:
        """Wait until the child itself listens on this port."""
        self.wait_until(lambda: self.has_port(port), timeout_seconds, advice)

    def wait_for_address(self, timeout_seconds: float = 30, advice: str = "") -> tuple[str, int]:
        """URL and port of one of our own servers, which log them once they listen."""
        found: list[re.Match[str]] = []

        def is_logged() -> bool:
            found[:] = [*LISTENING.finditer(self._log_text())]
            return bool(found)

        self.wait_until(is_logged, timeout_seconds, advice)
        return found[-1][1], int(found[-1][2])

    def has_port(self, port: int) -> bool:
        """Whether the child itself listens on this port; on other systems than Linux, whether any process does."""
        if sys.platform != "linux":
            return is_port_in_use(port)
        inodes = set()
        for table in ("tcp", "tcp6"):
            with contextlib.suppress(OSError):
                rows = [line.split() for line in Path(f"/proc/{self.pid}/net/{table}").read_text().splitlines()[1:]]
                # Local address, state (0A: LISTEN) and inode. Source: proc_net_tcp.rst of the Linux kernel.
                inodes |= {row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}
        targets = set()
        with contextlib.suppress(OSError):
            for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    targets.add(str(descriptor.readlink()))
        return any(f"socket:[{inode}]" in targets for inode in inodes)

    def check_running(self) -> None:
        """Raises ChildError if the process has ended by itself."""
        if self.exit_code is not None:
            raise self._error(f"ended with exit code {self.exit_code}", "")

    def stop(self, grace_seconds: float = 5) -> None:
        """Send SIGTERM, then SIGKILL if it still runs after `grace_seconds`. Can be called again."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()

    def __enter__(self) -> "Child":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _end_with_parent(self, parent_pid: int) -> Callable[[], None]:
        death_signal = int(self._on_parent_death)

        def in_child() -> None:
            _libc.prctl(PR_SET_PDEATHSIG, death_signal)  # type: ignore[union-attr]
            if os.getppid() != parent_pid:  # The parent died before the line above.
                os._exit(1)

        return in_child

    def _log_text(self) -> str:
        return self.log.read_text("utf-8", "replace") if self.log else ""

    def _has_lost_port(self) -> bool:
        return bool(PORT_IN_USE.search(self._log_text()))

    def _error(self, event: str, advice: str) -> ChildError:
        """The error for the event that ended the wait."""
        lines = [f"{self.name} {event}."]
        if self.log:
            lines += [f"The last lines of its log ({self.log}):", *(f"  | {line}" for line in log_tail(self.log))]
        kind = PortInUseError if self._has_lost_port() else ChildError
        return kind("\n".join([*lines, advice] if advice else lines))


def log_tail(log: Path, lines: int = LOG_TAIL_LINES) -> list[str]:
    """The last lines of a log file, from its last 64 KB at most."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LONGEST_LOG_TAIL_BYTES))
        return file.read().decode("utf-8", "replace").splitlines()[-lines:] or ["(empty)"]


@contextlib.contextmanager
def ended_by_signals(*signals: signal.Signals) -> Iterator[None]:
    """Let these signals raise KeyboardInterrupt, as Ctrl-C does, so that every `with` block is left in order."""

    def interrupt(number: int, _: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
