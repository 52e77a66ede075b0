"""Lambda's execution environment on this machine: its runtime API, and a function as a process of its own.

The process is AWS's own runtime interface client (awslambdaric), with read-only code and without a home directory or
any package of this project's environment.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

from scripts.shipping.target import Target

API = "/2018-06-01/runtime"  # Source: Lambda developer guide, "Using the Lambda runtime API"
LONGEST_SECONDS = 60.0  # ends a test that hangs
CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")
ENDED = "ended"


class FunctionError(AssertionError):
    """The function reported an error instead of a response."""


@dataclass
class RuntimeApi:
    """Hands events to one function, one at a time, and collects its responses."""

    address: str = ""
    events: "queue.Queue[tuple[str, bytes] | str]" = field(default_factory=queue.Queue)
    results: "queue.Queue[tuple[str, bytes]]" = field(default_factory=queue.Queue)

    def invoke(self, event: dict[str, Any]) -> Any:
        """The response of the function. Raises FunctionError."""
        request_id = str(uuid.uuid4())
        self.events.put((request_id, json.dumps(event, ensure_ascii=False).encode()))
        kind, body = self.results.get(timeout=LONGEST_SECONDS)
        if kind != f"{API}/invocation/{request_id}/response":
            raise FunctionError(f"{kind}: {body.decode()}")
        return json.loads(body)


@contextmanager
def serve_runtime_api(function_arn: str) -> Iterator[RuntimeApi]:
    runtime = RuntimeApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            assert self.path == f"{API}/invocation/next"
            item = runtime.events.get()
            if isinstance(item, str):
                self.close_connection = True
                return
            deadline_ms = int((time.time() + LONGEST_SECONDS) * 1_000)
            self.respond(
                200,
                item[1],
                {
                    "Lambda-Runtime-Aws-Request-Id": item[0],
                    "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
                    "Lambda-Runtime-Invoked-Function-Arn": function_arn,
                    "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
                },
            )

        def do_POST(self) -> None:
            runtime.results.put((self.path, self.read_body()))
            self.respond(202, b"{}", {})

        def read_body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def respond(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Report nothing: the process was ended, or the test has failed already."""

    with Server(("127.0.0.1", 0), Handler) as listening:
        runtime.address = f"127.0.0.1:{listening.server_port}"
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield runtime
        finally:
            runtime.events.put(ENDED)
            listening.shutdown()


@dataclass(frozen=True)
class Sandbox:
    """A package as Lambda unpacks it. `python`: the interpreter, of `version`. `log`: what its functions print."""

    python: str
    version: str
    package: Path
    code: Path
    client: Path
    temporary: Path
    log: Path

    @contextmanager
    def start(self, handler: str, settings: dict[str, str], region: str) -> Iterator[RuntimeApi]:
        """A process of the function with these settings, and the API that invokes it."""
        arn = f"arn:aws:lambda:{region}:000000000000:function:{handler.replace('.', '-')}"
        with serve_runtime_api(arn) as runtime, self.log.open("ab") as log:
            variables = self.variables(handler, region) | {"AWS_LAMBDA_RUNTIME_API": runtime.address} | settings
            command = [*without_privileges(), self.python, "-S", "-m", "awslambdaric", handler]
            process = subprocess.Popen(command, cwd=self.code, env=variables, stdout=log, stderr=log)
            # Otherwise an invocation would wait for a process that has ended.
            threading.Thread(target=lambda: runtime.results.put((f"exit {process.wait()}", b"")), daemon=True).start()
            try:
                yield runtime
            finally:
                process.kill()
                process.wait()

    def variables(self, handler: str, region: str) -> dict[str, str]:
        """The variables that Lambda sets, with the home directory of a user who has none."""
        return {
            "_HANDLER": handler,
            "AWS_DEFAULT_REGION": region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{self.version}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_NAME": handler.replace(".", "-"),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/live-transcription/local/function",
            "AWS_LAMBDA_LOG_STREAM_NAME": "a-stream",
            "AWS_REGION": region,
            "HOME": "/home/sbx_user1051",
            "LAMBDA_RUNTIME_DIR": str(self.client),
            "LAMBDA_TASK_ROOT": str(self.code),
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(self.client),
            "TMPDIR": str(self.temporary),
            "TZ": ":UTC",
        }

    def find_written_files(self) -> set[str]:
        """The files in the directory of the code that the package does not have."""
        files = {path.relative_to(self.code).as_posix() for path in self.code.rglob("*") if path.is_file()}
        with zipfile.ZipFile(self.package) as zipped:
            return files - set(zipped.namelist())


def create_sandbox(package: Path, target: Target, directory: Path, log: Path) -> Sandbox:
    """Unpack a package into `directory`, read-only, with the runtime client for its target beside it."""
    python = target.find_compiler()
    assert python
    code, client, temporary = (directory / name for name in ("task", "runtime", "tmp"))
    temporary.mkdir()
    with zipfile.ZipFile(package) as zipped:
        zipped.extractall(code)
    pinned = [f"{name}=={metadata.version(name)}" for name in CLIENT]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*pip, "--target", str(client), *target.pip_options, *pinned], check=True)
    for path in (code, *code.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return Sandbox(python, target.version, package, code, client, temporary, log)


def without_privileges() -> list[str]:
    """What makes root respect permissions, as it does not otherwise."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
