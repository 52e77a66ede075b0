"""A browser with a window, controlled through a pipe: no port is open, and only this process gives it commands.

The pipe can also load an unpacked extension into Google Chrome, which ignores `--load-extension` since version 137.
Source: chromedevtools.github.io/devtools-protocol (Extensions.loadUnpacked); Chromium's devtools_pipe_handler.cc.
"""

import fcntl
import itertools
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from scripts.browser import BrowserError, evaluate

READS_FROM, WRITES_TO = 3, 4
FIRST_FREE = 10
END_SECONDS = 30
FLAGS = (
    "--remote-debugging-pipe",
    "--enable-unsafe-extension-debugging",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-sync",
    "--disable-component-update",
    # A page of this machine may call the API of this machine.
    "--disable-features=LocalNetworkAccessChecks",
)


class PipedBrowser:
    """A running browser. All methods raise BrowserError when it has ended."""

    def __init__(self, process: "subprocess.Popen[bytes]", commands: int, answers: int):
        self.process = process
        self._commands = os.fdopen(commands, "wb", buffering=0)
        self._answers = os.fdopen(answers, "rb")
        self._numbers = itertools.count(1)

    def command(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        try:
            self._commands.write(json.dumps(message).encode() + b"\0")
            while (answer := self._read()).get("id") != number:
                pass
        except (OSError, ValueError) as error:
            raise BrowserError("the browser has ended") from error
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error'].get('message', answer['error'])}")
        return dict(answer["result"])

    def run(self, target_id: str, expression: str) -> Any:
        """What an expression is in a target, once its promise is kept."""
        session = self.command("Target.attachToTarget", targetId=target_id, flatten=True)["sessionId"]
        try:
            return evaluate(partial(self.command, session=session), expression)
        finally:
            self.command("Target.detachFromTarget", sessionId=session)

    def targets(self, kind: str) -> list[dict[str, Any]]:
        """The open targets of a kind, such as `page` and `service_worker`."""
        found = self.command("Target.getTargets", filter=[{"type": kind}])["targetInfos"]
        return [dict(target) for target in found]

    def close(self) -> None:
        self._commands.close()
        self.process.terminate()
        try:
            self.process.wait(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._answers.close()

    def _read(self) -> dict[str, Any]:
        data = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            if not byte:
                raise OSError("the pipe is closed")
            data += byte
        return dict(json.loads(data))


@contextmanager
def piped_browser(program: str, profile: Path, flags: Sequence[str] = ()) -> Iterator[PipedBrowser]:
    """A browser with this profile, which is kept. Call it before threads are started."""
    theirs_in, ours_out = _pipe()
    ours_in, theirs_out = _pipe()
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [program, *FLAGS, *sandbox, *flags, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=_mover(theirs_in, theirs_out),
        pass_fds=(READS_FROM, WRITES_TO),
    )
    os.close(theirs_in)
    os.close(theirs_out)
    browser = PipedBrowser(process, ours_out, ours_in)
    try:
        yield browser
    finally:
        browser.close()


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are not where the browser's are to be."""
    ends = []
    for end in os.pipe():
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE))
        os.close(end)
    return ends[0], ends[1]


def _mover(reads_from: int, writes_to: int) -> Callable[[], None]:
    def move_ends() -> None:
        os.dup2(reads_from, READS_FROM)
        os.dup2(writes_to, WRITES_TO)

    return move_ends
