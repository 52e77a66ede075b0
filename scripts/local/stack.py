"""The whole backend, started and stopped together: the emulated AWS, the providers' stand-ins, the API."""

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

from chalicelib.models.rate_limits import GROUPS
from chalicelib.settings.declaration import Address, Secret
from chalicelib.settings.provider_registry import split_list
from chalicelib.settings.schema import FIELDS, RATE_LIMIT
from scripts.local.aws import REPOSITORY, DeployError, LocalAws, without_aws
from scripts.local.extension import EXTENSION_ORIGIN
from scripts.local.processes import LISTENING, LOOPBACK, Child, PortInUseError, listen
from scripts.local.reloads import WAITING

ADMIN_EMAIL = "admin@example.com"
# The secrets that are shared with providers, by variable, with the beginning that each must have.
PROVIDER_SECRETS = {
    field.variable: "".join(field.setting.begins_with[:1])
    for field in FIELDS
    if isinstance(field.setting, Secret) and field.setting.of_provider
}
# The addresses of providers, by variable, with the path of each stand-in.
STAND_IN_PATHS = {
    field.variable: field.setting.stand_in
    for field in FIELDS
    if isinstance(field.setting, Address) and field.setting.stand_in is not None
}
# Settings with which a person reaches real providers instead of the stand-ins: the environment wins.
PROVIDER_SETTINGS = (*PROVIDER_SECRETS, *STAND_IN_PATHS, "PUBLIC_URL")
# All requests on this machine come from one network, and tests are fast. To see a 429, set a lower limit.
LIMIT_SETTINGS = {f"{RATE_LIMIT}{group}".upper(): "1000000/minute" for group in GROUPS}


def extension_origins() -> str:
    """The setting EXTENSION_ORIGIN of this machine's stack: one or several, comma-separated.

    By default it is the reference extension of `clients/extension`.
    """
    return ",".join(split_list(os.environ.get("EXTENSION_ORIGIN", ""))) or EXTENSION_ORIGIN


class StackError(RuntimeError):
    """The stack cannot start; the message says why and what to do."""


class LocalStack:
    """A context manager around the running backend.

    `keep_state`: keep accounts and credits in `.local/` from one start to the next, as `make run` does; otherwise the
    stack has a directory of its own, which is deleted at the end. `api_port`: None: any free port. `reload`: restart
    the API when its code changes.

    Inside, `dev` is the content of `dev.json` (the addresses of everything) and `settings` the environment of the app.
    """

    def __init__(
        self,
        keep_state: bool = False,
        api_port: int | None = None,
        root: Path = REPOSITORY,
        *,
        reload: bool = False,
        quiet: bool = False,
    ):
        self._keep_state, self._api_port, self._root = keep_state, api_port, root
        self._reload, self._quiet = reload, quiet
        self._stack = contextlib.ExitStack()
        self._children: list[Child | LocalAws] = []
        self.directory = root / ".local"
        self.dev: dict[str, str] = {}
        self.settings: dict[str, str] = {}

    @property
    def api_url(self) -> str:
        return self.dev["api_url"]

    def __enter__(self) -> Self:
        with self._stack:  # If a line below raises, everything that was started is stopped.
            self._start()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def check_running(self) -> None:
        """Raises ChildError, with the end of its log, if a child process has ended by itself."""
        for child in self._children:
            child.check_running()

    def gather_logs(self) -> Path:
        """The file with the log of the API."""
        return self.directory / "api.log"

    def _start(self) -> None:
        self._lock_or_create_directory()
        stored_secrets = self._load_or_create_secrets()
        ports = read_json(self.directory / "ports.json")
        # The stand-ins must know the address of the API, which starts last: its port is reserved from here on.
        listener = None if self._api_port else self._stack.enter_context(listen(ports.get("api")))
        api_port = self._api_port or int(listener.getsockname()[1])  # type: ignore[union-attr]
        api_url = f"http://{LOOPBACK}:{api_port}"
        own_origins = f"{api_url},http://localhost:{api_port}"

        with self._step("starting the emulated AWS"):
            aws = LocalAws(self.directory, keep_state=self._keep_state, port=ports.get("aws"))
            self._children.append(self._stack.enter_context(aws))
        with self._step("creating tables and the user pool"):
            try:
                resources = aws.settings(f"{extension_origins()},{own_origins}")
            except DeployError as error:
                advice = "If the stored data is from an older version, delete it with `make clean`."
                raise StackError(f"{error}\n{advice}") from error
            aws.ensure_admin(resources["COGNITO_USER_POOL_ID"], ADMIN_EMAIL, stored_secrets["admin_password"])
        with self._step("starting the providers' stand-ins"):
            sandbox_url = self._start_sandbox(api_url, stored_secrets, ports.get("sandbox"))

        self.settings = resources | self.app_settings(api_url, sandbox_url, stored_secrets)
        self.settings["OWN_ORIGINS"] = own_origins
        for name in (*PROVIDER_SETTINGS, *LIMIT_SETTINGS):
            if value := os.environ.get(name):
                self.settings[name] = value
                self._print(f"{name} is taken from your environment")
        self.dev = {
            "api_url": api_url,
            "aws_endpoint_url": aws.endpoint_url,
            "sandbox_url": sandbox_url,
            "stripe_api_base": self.settings["STRIPE_API_BASE"],
            "assemblyai_base_url": self.settings["ASSEMBLYAI_BASE_URL"],
            "openai_base_url": self.settings["OPENAI_BASE_URL"],
            "admin_email": ADMIN_EMAIL,
            "admin_password": stored_secrets["admin_password"],
            "extension_origin": split_list(self.settings["EXTENSION_ORIGIN"])[0],
            "extension_origins": self.settings["EXTENSION_ORIGIN"],
            "stripe_webhook_secret": self.settings["STRIPE_WEBHOOK_SECRET"],
        }
        with self._step("starting the API"):
            self._start_api(api_port, listener)
        ports = {"api": api_port, "aws": aws.port, "sandbox": int(sandbox_url.rpartition(":")[2])}
        write_private(self.directory / "ports.json", ports)
        write_private(self.directory / "settings.json", self.settings)
        write_private(self.directory / "dev.json", self.dev)

    def app_settings(self, api_url: str, sandbox_url: str, stored_secrets: dict[str, str]) -> dict[str, str]:
        """The environment of the app on this machine, without the names of its AWS resources."""
        return LIMIT_SETTINGS | {
            "STAGE": "local",
            "EMAIL_VERIFICATION": "off",
            # All users of this machine share one network.
            "FREE_CREDITS_ACCOUNTS_PER_NETWORK_DAY": "1000000",
            "EMAILS_PER_NETWORK_DAY": "1000000",
            "FREE_CREDITS_PER_DAY": "1000000000",
            "EXTENSION_ORIGIN": extension_origins(),
            **{name: stored_secrets[name.lower()] for name in PROVIDER_SECRETS},
            **{name: f"{sandbox_url}{path}" for name, path in STAND_IN_PATHS.items()},
            "PUBLIC_URL": api_url,
            "IDENTITY_HMAC_KEY": stored_secrets["identity_hmac_key"],
        }

    def _load_or_create_secrets(self) -> dict[str, str]:
        """Passwords and keys of this stack, generated the first time."""
        stored_secrets = read_json(self.directory / "secrets.json")
        for name in ("admin_password", "identity_hmac_key"):
            stored_secrets.setdefault(name, secrets.token_urlsafe(24))
        for name, beginning in PROVIDER_SECRETS.items():
            stored_secrets.setdefault(name.lower(), f"{beginning}{secrets.token_hex(24)}")
        if self._keep_state:
            write_private(self.directory / "secrets.json", stored_secrets)
        return stored_secrets

    def _lock_or_create_directory(self) -> None:
        """Use `.local/` alone while state is kept, otherwise a new directory in it."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        if self._keep_state:
            lock = self._stack.enter_context((self.directory / "lock").open("w"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(f"The stack of {self._root} is already running. Stop it first.") from None
        else:
            self.directory = Path(tempfile.mkdtemp(prefix="run-", dir=self.directory))
            self._stack.callback(shutil.rmtree, self.directory, ignore_errors=True)

    def _start_sandbox(self, api_url: str, stored_secrets: dict[str, str], preferred_port: int | None = None) -> str:
        """Start the stand-ins; returns their URL."""
        keys = {
            f"SANDBOX_{name.replace('_API_KEY', '_KEY')}": stored_secrets[name.lower()] for name in PROVIDER_SECRETS
        }
        keys["SANDBOX_STRIPE_WEBHOOK_URL"] = f"{api_url}/webhooks/stripe"

        def start(port: int) -> str:
            child = self._child("The providers' stand-ins", ["-m", "sandbox", "--port", str(port)], "sandbox.log", keys)
            url, _ = child.wait_for_address(timeout_seconds=120)
            child.wait_for_url(f"{url}/sandbox/health", timeout_seconds=120)
            return url

        try:
            return start(preferred_port or 0)
        except PortInUseError:
            self._children.pop()
            return start(0)

    def _start_api(self, port: int, listener: socket.socket | None) -> None:
        """Start the API on `listener`, or on `port`, and wait until it listens. Raises StackError, ChildError."""
        positions = self.directory / "positions"
        shutil.rmtree(positions, ignore_errors=True)  # They belong to an AWS that has stopped.
        address = ["--fd", str(listener.fileno())] if listener else ["--port", str(port)]
        args = ["-m", "scripts.local.server", *address, "--positions", str(positions)]
        args += ["--reload"] if self._reload else []
        child = self._child("The API", args, "api.log", self.settings, [listener.fileno()] if listener else [])
        if listener:
            listener.close()
        # Code that cannot be loaded does not stop the stack if the next change is waited for.
        log = self.directory / "api.log"

        def is_listening() -> bool:
            return bool(LISTENING.search(log.read_text("utf-8")))

        child.wait_until(lambda: is_listening() or (self._reload and WAITING in log.read_text("utf-8")), 60)
        if is_listening():
            _check_settings(port, log)

    def _child(
        self, name: str, args: list[str], log: str, settings: dict[str, str], pass_fds: Sequence[int] = ()
    ) -> Child:
        environment = without_aws(dict(os.environ)) | {"PYTHONUNBUFFERED": "1"} | settings
        # The packages of the project come first, by the working directory: these scripts can run any project.
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
        child = Child(
            name, [sys.executable, *args], log=self.directory / log, env=environment, cwd=self._root, pass_fds=pass_fds
        )
        self._children.append(self._stack.enter_context(child))
        return child

    @contextlib.contextmanager
    def _step(self, description: str) -> Iterator[None]:
        """Print a step, and how long it took."""
        started = time.monotonic()
        self._print(f"{description} … ", end="")
        try:
            yield
        except BaseException:
            self._print("failed")
            raise
        self._print(f"ready in {time.monotonic() - started:.1f} s")

    def _print(self, text: str, end: str = "\n") -> None:
        if not self._quiet:
            print(text, end=end, flush=True)


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write JSON that only this user can read, in one step: the file is never incomplete."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    new.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The content of a file of `write_private`; empty if there is no file."""
    if not path.exists():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _check_settings(port: int, log: Path) -> None:
    """Raises StackError for invalid settings: the API returns 500 for each request, and its log has the reason."""
    with contextlib.closing(HTTPConnection(LOOPBACK, port, timeout=10)) as connection:
        connection.request("GET", "/health")
        if connection.getresponse().status != 500:
            return
    problems = re.findall(r'"problems":"([^"]*)"', log.read_text("utf-8"))
    raise StackError(
        f"The API rejects its settings. Correct them: {problems[-1].removeprefix('settings: ')}"
        if problems
        else f"GET /health returned 500. The reason is in {log}."
    )
