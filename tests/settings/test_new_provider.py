"""A further live provider needs the registry, its own file and a price, and no other file of the backend.

The test copies the backend, adds a provider to the copy, and runs a direct session with it in a process of its own.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.local.aws import LocalAws, without_aws
from tests.default_prices import PRICE_VERSION
from tests.engines import Engine
from tests.settings.test_settings import LOCAL

ROOT = Path(__file__).parents[2]
SETTINGS = """
    example_api_key: Annotated[str, Secret(meaning="the key", of_provider=True)] = ""
    example_base_url: Annotated[str, Address(meaning="for direct streams", stand_in="/example")] = "https://example.com"
    example_models: Annotated[str, Setting(meaning="for direct streams; each must have a price")] = "example-model"
"""
ROW = """
    Provider(
        name="example",
        module="example_live",
        secret="example_api_key",
        address="example_base_url",
        models=("example/{example_models}",),
    ),
"""
CLIENT = '''
"""A provider that needs no server: it signs its tokens itself."""

import time

from ..models.sessions import LiveOptions, SocketCredential
from ..settings.schema import Settings


class ExampleLive:
    def __init__(self, base_url: str, api_key: str, model: str):
        self.base_url, self.api_key, self.model = base_url, api_key, model

    def supports_language(self, language: str) -> bool:
        return language in ("", "en")

    def create_socket_credential(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        token = f"signed-with-{self.api_key}"
        url = self.base_url.replace("http", "ws", 1)
        return SocketCredential("example", f"example/{self.model}", url, token, int(time.time()) + 60, lease_seconds)


def build(settings: Settings, api_key: str) -> ExampleLive:
    return ExampleLive(settings.example_base_url, api_key, settings.example_models)
'''
SESSION = """
import json, os
from chalicelib import contract
from chalicelib.models.accounts import Caller
from chalicelib.repositories.ledger import Guard
from chalicelib.settings.load import SettingsError, load, read
from chalicelib.wiring import common, use_cases

def problems(**changes):
    try:
        read(os.environ | changes)
    except SettingsError as error:
        return str(error)

caller = Caller("ada", common.now(), "ada@example.com")
common.ledger().grant("ada", 400, "purchase", Guard.reference("ada", "x", "1"), at=common.now(), reason="")
streaming = use_cases.streaming()
leases = [
    streaming.start(caller, contract.Start(), "session-1", "hash"),
    streaming.renew(caller, "session-1", True, "key-1", "hash"),
]
stopped = streaming.stop(caller, "session-1")
print(json.dumps({
    "providers": [lease.provider for lease in leases],
    "tokens": [lease.token for lease in leases],
    "urls": [lease.websocket_url for lease in leases],
    "credits": [lease.credits_held for lease in leases],
    "settings": load().live_provider_names,
    "without_key": problems(EXAMPLE_API_KEY=""),
    "without_price": problems(EXAMPLE_MODELS="free-model"),
    "plain_key": problems(STAGE="prod"),
}))
"""


def insert(path: Path, anchor: str, text: str) -> None:
    """Add the text below the line that begins with the anchor."""
    before, found, after = path.read_text(encoding="utf-8").partition(anchor)
    assert found, anchor
    path.write_text(before + anchor + text + after, encoding="utf-8")


@pytest.fixture
def backend_copy(tmp_path: Path) -> Path:
    """The backend with one more provider in its registry."""
    shutil.copytree(
        ROOT / "chalicelib", tmp_path / "chalicelib", ignore=shutil.ignore_patterns("__pycache__", "assets")
    )
    registry = tmp_path / "chalicelib" / "settings" / "provider_registry.py"
    insert(registry, '"""The settings of providers, and which of them are used."""\n', SETTINGS)
    insert(registry, "\nLIVE = (", ROW)
    (tmp_path / "chalicelib" / "providers" / "example_live.py").write_text(CLIENT, encoding="utf-8")
    price_file = tmp_path / "chalicelib" / "pricing" / "prices" / f"{PRICE_VERSION}.json"
    prices = json.loads(price_file.read_text())
    prices["services"]["live"]["models"].append("example/example-model")
    price = {"micro_usd_per_hour": 200_000, "effective_from": "2026-11-01", "source": "this test"}
    prices["models"]["example/example-model"] = price
    price_file.write_text(json.dumps(prices))
    return tmp_path


@pytest.mark.long
def test_a_new_live_provider_needs_only_the_registry_its_file_and_a_price(
    backend_copy: Path, ministack: LocalAws
) -> None:
    engine = Engine("ministack", ministack.endpoint_url)
    with engine.tables() as (ledger_table, app_table):
        variables = LOCAL | {
            "LEDGER_TABLE": ledger_table,
            "APP_TABLE": app_table,
            "LIVE_PROVIDERS": "example",
            "EXAMPLE_API_KEY": "the-key-of-example",
            "AWS_ENDPOINT_URL": engine.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        run = subprocess.run(
            [sys.executable, "-c", SESSION],
            env=without_aws(dict(os.environ)) | variables,
            cwd=backend_copy,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["providers"] == ["example", "example"]
    assert result["tokens"] == ["signed-with-the-key-of-example"] * 2
    assert result["urls"] == ["wss://example.com"] * 2
    assert all(credits > 0 for credits in result["credits"])
    assert result["settings"] == ["example"]
    assert "LIVE_PROVIDERS names example, so EXAMPLE_API_KEY is needed" in result["without_key"]
    assert "EXAMPLE_MODELS: example/free-model has no price for live" in result["without_price"]
    assert "EXAMPLE_API_KEY is plain text" in result["plain_key"]
