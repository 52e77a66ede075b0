"""A child process is waited for, its failures are explained, and it never outlives its parent."""

import os
import signal
import subprocess
import sys

import pytest

from scripts.local.processes import Child, ChildError, closed_port, ended_by_signals, is_port_in_use

LISTEN = (
    "import http.server;"
    "server = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler);"
    "print(f'listening on http://127.0.0.1:{server.server_port}', flush=True); server.serve_forever()"
)


def python(code, *args, **settings):
    return Child("the helper", [sys.executable, "-c", code, *args], **settings)


def is_alive(pid):
    """Whether a process runs; False for a zombie, which has ended but is not collected yet."""
    try:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    except FileNotFoundError:
        pytest.skip("ps is not installed")
    return bool(state.strip()) and not state.startswith("Z")


def test_a_child_is_ready_when_its_url_responds_and_gone_after_stop(tmp_path):
    with python(LISTEN, log=tmp_path / "log", cwd=tmp_path) as child:
        url, port = child.wait_for_address()
        child.wait_for_url(url)
        child.wait_for_port(port)
        assert child.exit_code is None

    assert child.exit_code == -signal.SIGTERM
    assert not is_port_in_use(port)
    child.stop()  # It can be called again.


def test_an_early_end_is_reported_with_the_end_of_the_log_and_advice(tmp_path):
    code = "print('first\\n' * 100 + 'the reason'); raise SystemExit(3)"

    with (
        closed_port() as port,
        python(code, log=tmp_path / "log") as child,
        pytest.raises(ChildError, match=r"(?s)the helper ended with exit code 3.*the reason.*Buy a coffee") as caught,
    ):
        child.wait_for_port(port, advice="Buy a coffee.")

    assert str(caught.value).count("first") < 30


def test_a_child_that_is_never_ready_is_an_error_after_the_timeout(tmp_path):
    with (
        closed_port() as port,
        python("import threading; threading.Event().wait()", log=tmp_path / "log") as child,
        pytest.raises(ChildError, match=r"was not ready after 0\.2 s"),
    ):
        child.wait_for_port(port, timeout_seconds=0.2)


def test_a_child_that_ended_by_itself_is_an_error(tmp_path, eventually):
    with python("print('bye')", log=tmp_path / "log") as child:
        eventually(lambda: child.exit_code is not None)

        with pytest.raises(ChildError, match="bye"):
            child.check_running()


def test_a_missing_program_is_a_clear_error(tmp_path):
    with pytest.raises(ChildError, match="the helper cannot be started"):
        Child("the helper", ["/nowhere/at/all"], log=tmp_path / "log").start()


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace_period(tmp_path):
    with python("import signal; signal.signal(15, signal.SIG_IGN);" + LISTEN, log=tmp_path / "log") as child:
        child.wait_for_address()
        child.stop(grace_seconds=0.2)

    assert child.exit_code == -signal.SIGKILL


def test_a_child_has_its_own_process_group_for_ctrl_c(tmp_path):
    with python("import threading; threading.Event().wait()", log=tmp_path / "log") as child:
        assert os.getpgid(child.pid) != os.getpgid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux ends a child with its parent.")
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


def test_a_signal_ends_every_with_block_in_order():
    handler = signal.getsignal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt), ended_by_signals(signal.SIGTERM):
        signal.raise_signal(signal.SIGTERM)

    assert signal.getsignal(signal.SIGTERM) is handler
