"""The stack starts and stops as a whole, says where everything is, and does not disturb another stack."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import stat
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local.aws import REPOSITORY
from scripts.local.processes import Child, ChildError, is_port_in_use, listen, start_on_free_port
from scripts.local.stack import LocalStack, StackError, read_json

STAND_IN = """
import http.server, os, sys
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if os.environ["SANDBOX_ASSEMBLYAI_KEY"] and os.environ["SANDBOX_OPENAI_KEY"] else 500)
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Health)
print(f"sandbox: listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
"""

STORE, PAGE = "chrome-extension://thestoresid", "http://localhost:3000"
pytestmark = pytest.mark.usefixtures("clean_environment")


INVALID_SETTINGS = """
from chalice import Chalice, Response

app = Chalice(app_name="invalid")


@app.route("/health")
def health():
    print('{"problems":"settings: FREE_CREDITS: Expected `int`, got `str`"}', flush=True)
    return Response({}, status_code=500)
"""


@pytest.fixture
def whole_project(project):
    """A tiny project whose stand-ins only have a health check."""
    (project / "sandbox").mkdir()
    (project / "sandbox" / "__main__.py").write_text(STAND_IN)
    return project


def get_json(url):
    with urllib.request.urlopen(url, timeout=60) as response:
        return json.load(response)


def file_mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_temporary_stack_names_its_addresses_and_leaves_no_files(whole_project, monkeypatch, capsys):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-person")

    with LocalStack(root=whole_project) as stack:
        assert get_json(f"{stack.api_url}/health") == {"word": "one", "table": "live-transcription-local-ledger"}
        assert stack.directory.parent == whole_project / ".local"
        assert read_json(stack.directory / "dev.json") == stack.dev
        assert read_json(stack.directory / "settings.json") == stack.settings
        assert {file_mode(stack.directory / name) for name in ("dev.json", "settings.json")} == {0o600}
        assert {file_mode(stack.directory), file_mode(stack.directory.parent)} == {0o700}
        assert stack.settings["OPENAI_API_KEY"] == "sk-of-a-person"
        assert all(isinstance(value, str) and value for value in stack.settings.values())

    assert list((whole_project / ".local").iterdir()) == []
    ports = [int(stack.dev[name].rsplit(":", 1)[1]) for name in ("api_url", "aws_endpoint_url", "sandbox_url")]
    assert not any(is_port_in_use(port) for port in ports)
    output = capsys.readouterr().out
    assert "starting the emulated AWS … ready in " in output
    assert "OPENAI_API_KEY is taken from your environment" in output
    assert "sk-of-a-person" not in output


def test_a_kept_stack_restarts_unchanged_and_runs_only_once(whole_project):
    with LocalStack(keep_state=True, root=whole_project, quiet=True) as first:
        with pytest.raises(StackError, match="is already running"), LocalStack(keep_state=True, root=whole_project):
            pass
        assert read_json(whole_project / ".local" / "dev.json") == first.dev

    with LocalStack(keep_state=True, root=whole_project, quiet=True) as second:
        assert (second.dev, second.settings) == (first.dev, first.settings)


def test_a_failing_child_stops_the_stack_and_its_reason_is_shown(whole_project):
    (whole_project / "app.py").write_text("raise RuntimeError('no app today')\n")
    stack = LocalStack(root=whole_project, quiet=True)

    with pytest.raises(ChildError, match=r"(?s)The API ended with exit code 1.*no app today"), stack:
        pass

    assert not any(
        is_port_in_use(int(stack.dev[name].rsplit(":", 1)[1])) for name in ("aws_endpoint_url", "sandbox_url")
    )


def test_invalid_settings_stop_the_stack_and_are_named(whole_project):
    """As the app reports them: every response is 500, and the log has the reason."""
    (whole_project / "app.py").write_text(INVALID_SETTINGS)
    stack = LocalStack(root=whole_project, quiet=True)

    with pytest.raises(StackError, match="Correct them: FREE_CREDITS: Expected `int`"), stack:
        pass

    assert not is_port_in_use(int(stack.dev["api_url"].rsplit(":", 1)[1]))


def test_changed_code_is_served_and_broken_code_waits_for_the_next_change(project, tmp_path, eventually):
    listener = listen()
    port = listener.getsockname()[1]
    log = tmp_path / "api.log"
    args = [sys.executable, "-m", "scripts.local.server", "--fd", str(listener.fileno()), "--reload"]
    word_file = project / "chalicelib" / "__init__.py"

    def word():
        try:
            return get_json(f"http://127.0.0.1:{port}/health")["word"]
        except (urllib.error.URLError, http.client.HTTPException, OSError):
            return None

    environment = dict(os.environ) | {"PYTHONPATH": str(REPOSITORY)}
    with Child("the API", args, log=log, env=environment, cwd=project, pass_fds=[listener.fileno()]) as child:
        listener.close()
        eventually(lambda: word() == "one")
        word_file.write_text("WORD = \n")
        eventually(lambda: "waiting for a change" in log.read_text(), 120)
        assert "SyntaxError" in log.read_text()
        word_file.write_text("WORD = 'three'\n")
        eventually(lambda: word() == "three")
        child.stop(grace_seconds=60)

    assert child.exit_code == 0
    assert not is_port_in_use(port)


@pytest.fixture
def default_ctrl_c() -> Iterator[None]:
    """Child processes stop on Ctrl-C, even if this run ignores it, as one in the background of a shell does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("default_ctrl_c")
def test_make_run_shows_broken_code_and_ctrl_c_stops_everything(whole_project, tmp_path, eventually):
    """The real script, in a copy of the repository's scripts with a tiny app."""
    shutil.copytree(REPOSITORY / "scripts", whole_project / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for package in ("settings", "models"):  # The scripts read the declared settings.
        shutil.copytree(REPOSITORY / "chalicelib" / package, whole_project / "chalicelib" / package)
    shutil.copy(REPOSITORY / ".chalice" / "resources.yaml", whole_project / ".chalice")
    manifest = Path("clients", "extension", "manifest.json")  # The id of the extension follows from it.
    (whole_project / manifest.parent).mkdir(parents=True)
    shutil.copy(REPOSITORY / manifest, whole_project / manifest)
    log = tmp_path / "run.log"
    command = [sys.executable, "-m", "scripts.run"]

    def start(port):
        environment = dict(os.environ) | {"PORT": str(port), "EXTENSION_ORIGIN": f"{STORE}, {PAGE}"}
        run = Child("make run", command, log=log, env=environment, cwd=whole_project).start()
        try:
            run.wait_until(lambda: "Ctrl-C stops everything" in log.read_text(), 120)
        except BaseException:
            run.stop()
            raise
        return run, port

    run, port = start_on_free_port(start)
    with contextlib.ExitStack() as stack:
        stack.callback(run.stop)
        get_json(f"http://127.0.0.1:{port}/health")
        (whole_project / "app.py").write_text("def broken(:\n")
        run.wait_until(lambda: "waiting for a change" in log.read_text(), 120)
        assert "def broken(:" in log.read_text()
        os.kill(run.pid, signal.SIGINT)
        eventually(lambda: run.exit_code is not None)

    assert run.exit_code == 0, log.read_text()
    dev = read_json(whole_project / ".local" / "dev.json")
    assert dev["api_url"] == f"http://127.0.0.1:{port}"
    assert dev["admin_password"] not in log.read_text()
    settings = read_json(whole_project / ".local" / "settings.json")
    assert (dev["extension_origin"], settings["EXTENSION_ORIGIN"]) == (STORE, f"{STORE},{PAGE}")
    assert f"browser requests from its own pages and from {STORE},{PAGE} only" in log.read_text()
    assert "EXTENSION_ORIGIN=chrome-extension://<its id> make run" in log.read_text()
    ports = [int(dev[name].rsplit(":", 1)[1]) for name in ("api_url", "aws_endpoint_url", "sandbox_url")]
    assert not any(is_port_in_use(stopped) for stopped in ports)


def test_make_run_on_a_port_in_use_says_what_to_do(dev_server, tmp_path, eventually):
    log = tmp_path / "run.log"
    environment = dict(os.environ) | {"PORT": str(dev_server.port)}

    with Child("make run", [sys.executable, "-m", "scripts.run"], log=log, env=environment, cwd=REPOSITORY) as run:
        eventually(lambda: run.exit_code is not None)

    assert run.exit_code == 2
    assert f"Port {dev_server.port} is already in use" in log.read_text()
