"""Child processes that say when they are ready, and never outlive us."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.05
LOG_TAIL_LINES = 20
PR_SET_PDEATHSIG = 1  # linux/prctl.h

# Loaded before any fork: importing between fork and exec may deadlock.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
# A proxy from the caller's environment must not stand between us and loopback.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ChildError(RuntimeError):
    """A child process did not start, or ended by itself; the text shows its log's end and what to do."""


def free_port(preferred: int | None = None) -> int:
    """A TCP port of loopback that nobody listens on: `preferred` if it is free."""
    for port in [preferred, 0] if preferred else [0]:
        with contextlib.suppress(OSError), socket.socket() as probe:
            # As servers do: a port whose last connections only linger counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, port))
            return int(probe.getsockname()[1])
    raise OSError("no free port on loopback")


def port_is_taken(port: int) -> bool:
    """Whether somebody listens on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def url_answers(url: str) -> bool:
    """Whether `url` answers 200 now."""
    try:
        with _direct.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


class Child:
    """One process of ours, in its own process group so that Ctrl-C reaches it through us, in order.

    `log` takes its output; None lets it write to ours. On Linux the child gets `on_parent_death` when the thread that
    started it ends, however it ends: start children from a thread that lives as long as they should.
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
    ):
        self.name, self.args, self.log = name, list(args), log
        self._env, self._cwd, self._on_parent_death = env, cwd, on_parent_death
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
                    preexec_fn=self._die_with_parent(os.getpid()) if _libc else None,
                )
            except OSError as error:
                raise ChildError(f"{self.name} cannot be started: {error}") from error
        return self

    def wait_until(self, ready: Callable[[], bool], timeout_seconds: float, advice: str = "") -> None:
        """Returns once `ready()` holds; ChildError when the process ends first or the time is up."""
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            if self.exit_code is not None:
                raise ChildError(self._failure(f"ended with exit code {self.exit_code} before it was ready", advice))
            if time.monotonic() > deadline:
                raise ChildError(self._failure(f"was not ready after {timeout_seconds:g} s", advice))
            time.sleep(POLL_SECONDS)
        if self.exit_code is not None:  # Somebody else answered in its place.
            raise ChildError(self._failure(f"ended with exit code {self.exit_code}", advice))

    def wait_for_url(self, url: str, timeout_seconds: float = 30, advice: str = "") -> None:
        self.wait_until(lambda: url_answers(url), timeout_seconds, advice)

    def wait_for_port(self, port: int, timeout_seconds: float = 30, advice: str = "") -> None:
        self.wait_until(lambda: port_is_taken(port), timeout_seconds, advice)

    def check_running(self) -> None:
        """ChildError if it has ended by itself."""
        if self.exit_code is not None:
            raise ChildError(self._failure(f"ended with exit code {self.exit_code}", ""))

    def stop(self, grace_seconds: float = 5) -> None:
        """SIGTERM, and SIGKILL for what is left after the grace. Again is harmless."""
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

    def _die_with_parent(self, parent_pid: int) -> Callable[[], None]:
        death_signal = int(self._on_parent_death)

        def in_child() -> None:
            _libc.prctl(PR_SET_PDEATHSIG, death_signal)  # type: ignore[union-attr]
            if os.getppid() != parent_pid:  # The parent died before the line above.
                os._exit(1)

        return in_child

    def _failure(self, what: str, advice: str) -> str:
        lines = [f"{self.name} {what}."]
        if self.log:
            lines += [f"Its log ({self.log}) ends:", *(f"  | {line}" for line in log_tail(self.log))]
        return "\n".join([*lines, advice] if advice else lines)


def log_tail(log: Path, lines: int = LOG_TAIL_LINES) -> list[str]:
    """The last lines of a log file, of at most its last 64 KB."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 65536))
        return file.read().decode("utf-8", "replace").splitlines()[-lines:] or ["(nothing)"]


@contextlib.contextmanager
def ended_by_signals(*signals: signal.Signals) -> Iterator[None]:
    """Inside, these signals raise KeyboardInterrupt as Ctrl-C does, so that every `with` block is left in order."""

    def interrupt(number: int, _: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
