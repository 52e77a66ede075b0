"""A child says when it is ready, explains itself when it is not, and never outlives us."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from scripts.local.processes import Child, ChildError, ended_by_signals, free_port, port_is_taken

LISTEN = (
    "import http.server, sys; print('up', flush=True);"
    "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()"
)


def python(code, *args, **settings):
    return Child("the helper", [sys.executable, "-c", code, *args], **settings)


def is_alive(pid):
    """False for a zombie too: what has ended and was not yet collected."""
    try:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    except FileNotFoundError:
        pytest.skip("no ps here")
    return bool(state.strip()) and not state.startswith("Z")


def test_free_port_keeps_a_preferred_port_only_while_it_is_free():
    port = free_port()
    assert free_port(port) == port

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()

        assert port_is_taken(port)
        assert free_port(port) != port


def test_a_child_is_ready_when_its_url_answers_and_gone_after_stop(tmp_path):
    port = free_port()

    with python(LISTEN, str(port), log=tmp_path / "log", cwd=tmp_path) as child:
        child.wait_for_url(f"http://127.0.0.1:{port}/")
        assert child.exit_code is None

    assert child.exit_code == -signal.SIGTERM
    assert not port_is_taken(port)
    child.stop()  # Again is harmless.


def test_a_child_that_ends_early_shows_the_end_of_its_log_and_what_to_do(tmp_path):
    code = "print('first\\n' * 100 + 'the reason'); raise SystemExit(3)"

    with (
        python(code, log=tmp_path / "log") as child,
        pytest.raises(ChildError, match=r"(?s)the helper ended with exit code 3.*the reason.*Buy a coffee") as caught,
    ):
        child.wait_for_port(free_port(), advice="Buy a coffee.")

    assert str(caught.value).count("first") < 30


def test_a_child_that_is_never_ready_is_reported_in_time(tmp_path):
    with (
        python("import threading; threading.Event().wait()", log=tmp_path / "log") as child,
        pytest.raises(ChildError, match=r"was not ready after 0\.2 s"),
    ):
        child.wait_for_port(free_port(), timeout_seconds=0.2)


def test_a_child_that_ended_by_itself_is_noticed(tmp_path, eventually):
    with python("print('bye')", log=tmp_path / "log") as child:
        eventually(lambda: child.exit_code is not None)

        with pytest.raises(ChildError, match="bye"):
            child.check_running()


def test_a_program_that_is_not_there_is_a_clear_error(tmp_path):
    with pytest.raises(ChildError, match="the helper cannot be started"):
        Child("the helper", ["/nowhere/at/all"], log=tmp_path / "log").start()


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(tmp_path):
    port = free_port()
    with python("import signal; signal.signal(15, signal.SIG_IGN);" + LISTEN, str(port), log=tmp_path / "log") as child:
        child.wait_for_port(port)
        child.stop(grace_seconds=0.2)

    assert child.exit_code == -signal.SIGKILL


def test_ctrl_c_reaches_only_us(tmp_path):
    with python("import threading; threading.Event().wait()", log=tmp_path / "log") as child:
        assert os.getpgid(child.pid) != os.getpgid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_child_ends_when_its_parent_is_killed(tmp_path, eventually):
    parent = (
        "import sys, threading; from pathlib import Path; from scripts.local.processes import Child;"
        "child = Child('x', [sys.executable, '-c', 'import threading; threading.Event().wait()'], log=None).start();"
        f"Path({str(tmp_path / 'new')!r}).write_text(str(child.pid));"
        f"Path({str(tmp_path / 'new')!r}).rename({str(tmp_path / 'pid')!r});"
        "threading.Event().wait()"
    )
    with python(parent, log=tmp_path / "log") as killed:
        eventually((tmp_path / "pid").exists)
        grandchild = int((tmp_path / "pid").read_text())
        assert is_alive(grandchild)

        os.kill(killed.pid, signal.SIGKILL)

        eventually(lambda: not is_alive(grandchild))


def test_a_signal_leaves_every_with_block_in_order():
    before = signal.getsignal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt), ended_by_signals(signal.SIGTERM):
        signal.raise_signal(signal.SIGTERM)

    assert signal.getsignal(signal.SIGTERM) is before
