"""The API on this machine: the server of chalice local with its defects fixed, and the delivery of events.

python -m scripts.local.server --port 8000 [--reload], in the directory of the project, with the settings in the
environment. It listens on loopback only, and logs its URL once it listens.
"""

import argparse
import functools
import os
import signal
import socket
import sys
import threading
from collections.abc import Collection, Iterator, Sequence
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
from scripts.local.reloads import RESTARTING, WAITING

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
WATCHED = ("chalicelib", ".chalice")
WATCHED_SUFFIXES = (".py", ".json", ".html", ".js", ".css", ".svg")


class LocalApp(local.LocalChalice):
    """Keeps the request and the Lambda context of each thread: unlike on AWS, a process serves requests in parallel."""

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
    """The app of the project and its configuration for the local stage. Environment variables take precedence."""
    factory = CLIFactory(str(project), environ=os.environ)
    config = factory.create_config_obj(chalice_stage_name=STAGE)
    for name, value in config.environment_variables.items():
        os.environ.setdefault(name, value)
    app = factory.load_chalice_app()
    validate_routes(app.routes)  # Routes that cannot be deployed are rejected here too.
    return app, config


def make_server(
    app: Chalice, config: Config, port: int, origins: Collection[str], listener: socket.socket | None = None
) -> local.LocalDevServer:
    """A server for `app` on this loopback port (0: any free one) or on `listener`; it does not serve yet."""
    if not isinstance(app, LocalApp):
        app.__class__ = type("LocalApp", (LocalApp, app.__class__), {})

    def create(address: tuple[str, int], handler: Any) -> Server:
        server = Server(address, handler, listener)
        server.gateway = Gateway(app, config, origins)
        return server

    return local.LocalDevServer(app, config, LOOPBACK, port, handler_cls=Handler, server_cls=create)


def serve(
    project: Path,
    port: int,
    positions: Path | None,
    *,
    listener: socket.socket | None = None,
    with_events: bool = True,
) -> None:
    """Serve requests and deliver events until SIGTERM or Ctrl-C; the delivery of events that were read is finished.

    `listener`: a listening socket to use instead of `port`. `with_events`: False when another process with the same
    tables delivers the events.
    """
    # sigwait instead of a handler: a handler that sets an event deadlocks when it interrupts the wait for that event.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    app, config = load(project)
    values = [os.environ.get(name, "").split(",") for name in ("EXTENSION_ORIGIN", "OWN_ORIGINS")]
    origins = {value.strip() for several in values for value in several} - {""}
    dev_server = make_server(app, config, port, origins, listener)
    feeder = EventFeeder(app, positions=positions)
    threading.Thread(target=dev_server.server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    if with_events:
        feeder.start()
    print(f"listening on http://{LOOPBACK}:{dev_server.server.server_port}", flush=True)
    signal.sigwait(ENDING_SIGNALS)
    dev_server.shutdown()
    dev_server.server.server_close()
    feeder.stop()


def serve_with_reload(project: Path, args: list[str], pass_fds: Sequence[int] = ()) -> None:
    """Serve in a child process, and start a new one whenever the code changes.

    When the code cannot be loaded, the error is logged and the next change is waited for.
    """
    stopping = threading.Event()
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda *_: stopping.set())
    while not stopping.is_set():
        is_end_reported = False
        command = [sys.executable, "-m", "scripts.local.server", *args]
        with Child("The API", command, log=None, cwd=project, pass_fds=pass_fds) as child:
            for files in changes(project, stopping):
                if files:
                    print(f"{', '.join(sorted(files))} changed: {RESTARTING}", flush=True)
                    break
                if child.exit_code is not None and not is_end_reported:
                    print(f"The API ended with exit code {child.exit_code}: {WAITING}", flush=True)
                    is_end_reported = True


def changes(project: Path, stopping: threading.Event) -> Iterator[set[str]]:
    """Names of changed code files after each change; an empty set about twice a second without one."""
    # Directories, not files: editors replace a file, and the watch of the old file sees no further changes.
    folders = [project]
    for name in WATCHED:
        if (project / name).is_dir():
            folders += [project / name, *(path for path in (project / name).rglob("*") if path.is_dir())]
    is_code = functools.partial(_is_code, project)
    for changed in watch(
        *folders,
        watch_filter=is_code,
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
    address = parser.add_mutually_exclusive_group(required=True)
    address.add_argument("--port", type=int, help="port to listen on; 0: any free port")
    address.add_argument("--fd", type=int, help="descriptor of an inherited socket that listens already")
    parser.add_argument("--positions", type=Path, help="directory for the reading positions of the streams")
    parser.add_argument("--no-events", action="store_true", help="another process delivers the events")
    parser.add_argument("--reload", action="store_true", help="restart whenever the code changes")
    args = parser.parse_args()
    project = Path.cwd()
    if args.reload:
        inherited = [] if args.fd is None else [args.fd]
        serve_with_reload(project, [arg for arg in sys.argv[1:] if arg != "--reload"], inherited)
    else:
        listener = None if args.fd is None else socket.socket(fileno=args.fd)
        serve(project, args.port or 0, args.positions, listener=listener, with_events=not args.no_events)


if __name__ == "__main__":
    main()
