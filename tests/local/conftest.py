"""A small chalice app behind the dev server, and an emulated AWS for the event tests."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from chalice import Chalice, CognitoUserPoolAuthorizer, CORSConfig, Response
from chalice.config import Config

from scripts.local.aws import LocalAws
from scripts.local.gateway import Gateway
from scripts.local.server import make_server
from scripts.local.stack import PROVIDER_SETTINGS

ORIGIN = "chrome-extension://testtesttesttesttesttesttesttest"

OTHER_ORIGIN = "https://owner.example"


def small_app() -> Chalice:
    """Returns what it received; /slow/{name} responds only when two requests run in parallel."""
    app = Chalice(app_name="small")
    app.api.binary_types.append("audio/pcm")
    cognito = CognitoUserPoolAuthorizer("pool", provider_arns=["arn:aws:cognito-idp:us-east-1:1:userpool/x"])
    both_inside = threading.Barrier(2)

    def echo_request() -> dict[str, Any]:
        event = app.current_request.to_original_event()
        body = app.current_request.raw_body
        return {"event": event, "bytes": list(body) if len(body) < 1000 else len(body)}

    content_types = ["text/plain", "application/json", "audio/wav", "audio/pcm"]
    app.route("/echo", methods=["POST"], content_types=content_types)(echo_request)
    app.route("/things/{thing}", methods=["GET"], cors=CORSConfig(allow_origin=ORIGIN))(lambda thing: {"thing": thing})
    app.route("/things/{thing_id}/parts", methods=["GET"])(lambda thing_id: app.current_request.uri_params)
    app.route("/things/new", methods=["GET"])(lambda: {"literal": True})

    @app.route("/private", authorizer=cognito)
    def reject_token() -> dict[str, Any]:
        """Verifies the token itself, as the real app does, and rejects every token."""
        return Response({"authorization": app.current_request.headers.get("authorization")}, status_code=401)

    @app.route("/slow/{name}")
    def respond_slowly(name: str) -> dict[str, Any]:
        both_inside.wait(60)
        time.sleep(0.005)  # Other threads run meanwhile and would overwrite shared state.
        number = app.current_request.query_params["n"]
        return {"name": name, "n": number, "id": app.lambda_context.aws_request_id, "path": app.current_request.path}

    return app


@dataclass(frozen=True)
class DevServer:
    port: int
    gateway: Gateway
    origin: str = ORIGIN


@pytest.fixture(scope="module")
def dev_server() -> Iterator[DevServer]:
    app = small_app()
    local_server = make_server(app, Config(user_provided_params={"chalice_app": app}), 0, [ORIGIN, OTHER_ORIGIN])
    thread = threading.Thread(target=local_server.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield DevServer(local_server.server.server_port, local_server.server.gateway)
    finally:
        local_server.shutdown()
        local_server.server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(tmp_path_factory.mktemp("aws")) as running:
        yield running


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the settings that a developer's shell may contain."""
    for name in [*PROVIDER_SETTINGS, "EXTENSION_ORIGIN", *(name for name in os.environ if name.startswith("AWS_"))]:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Waits until a condition is true, and returns its value."""

    def wait(condition: Callable[[], Any], seconds: float = 120) -> Any:
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, "did not happen in time"
            time.sleep(0.02)
        return value

    return wait


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The directory of a tiny chalice project."""
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice" / "config.json").write_text('{"version": "2.0", "app_name": "tiny"}')
    (tmp_path / "chalicelib").mkdir()
    (tmp_path / "chalicelib" / "__init__.py").write_text("WORD = 'one'\n")
    (tmp_path / "app.py").write_text(
        "import os\n"
        "from chalice import Chalice\n"
        "from chalicelib import WORD\n"
        "app = Chalice(app_name='tiny')\n"
        "@app.route('/health')\n"
        "def health():\n"
        "    return {'word': WORD, 'table': os.environ.get('LEDGER_TABLE')}\n"
    )
    return tmp_path
