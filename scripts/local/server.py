"""The API on this machine: chalice local's own server, mended, with the event functions fed beside it.

python -m scripts.local.server --port 8000 [--reload], in the project's directory, settings in the environment.
It listens on loopback only.
"""

import argparse
import functools
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chalice import local
from chalice.app import Chalice
from chalice.cli.factory import CLIFactory
from chalice.config import Config
from chalice.deploy.validate import validate_routes
from watchfiles import Change, watch

from scripts.local.events import EventFeeder
from scripts.local.gateway import STAGE, Gateway
from scripts.local.http_handler import Handler, Server
from scripts.local.processes import LOOPBACK, Child
from scripts.local.reloads import CHANGED, WAITING

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
WATCHED = ("chalicelib", ".chalice")
WATCHED_SUFFIXES = (".py", ".json", ".html", ".js", ".css", ".svg")


class LocalApp(local.LocalChalice):
    """Keeps the request and the Lambda context per thread; on AWS a process has one request at a time."""

    @property
    def current_request(self) -> Any:
        return getattr(self._THREAD_LOCAL, "current_request", None)  # None in an event function, as on AWS.

    @current_request.setter
    def current_request(self, request: Any) -> None:
        self._THREAD_LOCAL.current_request = request

    @property
    def lambda_context(self) -> Any:
        return getattr(self._THREAD_LOCAL, "lambda_context", None)

    @lambda_context.setter
    def lambda_context(self, context: Any) -> None:
        self._THREAD_LOCAL.lambda_context = context


def load(project: Path) -> tuple[Chalice, Config]:
    """The project's app and its configuration for the local stage; what the environment says already wins."""
    factory = CLIFactory(str(project), environ=os.environ)
    config = factory.create_config_obj(chalice_stage_name=STAGE)
    for name, value in config.environment_variables.items():
        os.environ.setdefault(name, value)
    app = factory.load_chalice_app()
    validate_routes(app.routes)  # Routes that could not be deployed are no use here either.
    return app, config


def make_server(app: Chalice, config: Config, port: int, extension_origin: str) -> local.LocalDevServer:
    """A server for `app` on this loopback port (0: any free one), bound but not serving yet."""
    if not isinstance(app, LocalApp):
        app.__class__ = type("LocalApp", (LocalApp, app.__class__), {})

    def bound(address: tuple[str, int], handler: Any) -> Server:
        server = Server(address, handler)
        server.gateway, server.extension_origin = Gateway(app, config), extension_origin
        return server

    return local.LocalDevServer(app, config, LOOPBACK, port, handler_cls=Handler, server_cls=bound)


def serve(project: Path, port: int, positions: Path | None, *, with_events: bool = True) -> None:
    """Serves and feeds events until SIGTERM or Ctrl-C, then lets the feeder finish what it holds.

    `with_events`: False where another process on the same tables feeds them.
    """
    # Waited for, not handled: a handler that sets an event deadlocks when it interrupts the wait for that event.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    app, config = load(project)
    dev_server = make_server(app, config, port, os.environ.get("EXTENSION_ORIGIN", ""))
    feeder = EventFeeder(app, positions=positions)
    threading.Thread(target=dev_server.server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    if with_events:
        feeder.start()
    print(f"listening on http://{LOOPBACK}:{dev_server.server.server_port}", flush=True)
    signal.sigwait(ENDING_SIGNALS)
    dev_server.shutdown()
    dev_server.server.server_close()
    feeder.stop()


def serve_reloading(project: Path, args: list[str]) -> None:
    """Serves in a child process, and starts a new one whenever the code changes. Code that does not load shows its
    error and waits for the next change."""
    stopping = threading.Event()
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda *_: stopping.set())
    while not stopping.is_set():
        told = False
        with Child("the API", [sys.executable, "-m", "scripts.local.server", *args], log=None, cwd=project) as child:
            for changed in changes(project, stopping):
                if changed:
                    print(f"{', '.join(sorted(changed))} changed: {CHANGED}", flush=True)
                    break
                if child.exit_code is not None and not told:
                    print(f"the API ended (exit code {child.exit_code}); {WAITING}", flush=True)
                    told = True


def changes(project: Path, stopping: threading.Event) -> Iterator[set[str]]:
    """Names of changed code files, as they change; an empty set now and then when nothing did."""
    # Directories, not files: editors replace a file, and a watch on the old one would go blind.
    folders = [project]
    for name in WATCHED:
        if (project / name).is_dir():
            folders += [project / name, *(path for path in (project / name).rglob("*") if path.is_dir())]
    wanted = functools.partial(_is_code, project)
    for changed in watch(
        *folders,
        watch_filter=wanted,
        recursive=False,
        stop_event=stopping,
        step=50,
        debounce=400,
        rust_timeout=500,
        yield_on_timeout=True,
        raise_interrupt=False,
    ):
        yield {os.path.relpath(path, project) for _, path in changed}


def _is_code(project: Path, _change: Change, path: str) -> bool:
    relative = Path(path).relative_to(project)
    return relative.suffix in WATCHED_SUFFIXES and (relative.name == "app.py" or relative.parts[0] in WATCHED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--positions", type=Path, help="directory that remembers how far the streams were read")
    parser.add_argument("--no-events", action="store_true", help="another process feeds queue, stream and schedules")
    parser.add_argument("--reload", action="store_true", help="start again whenever the code changes")
    args = parser.parse_args()
    project = Path.cwd()
    if args.reload:
        serve_reloading(project, [arg for arg in sys.argv[1:] if arg != "--reload"])
    else:
        serve(project, args.port, args.positions, with_events=not args.no_events)


if __name__ == "__main__":
    main()
