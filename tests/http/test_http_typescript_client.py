"""The TypeScript client walks the whole journey against the running backend, and is what the contract makes it."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.local.aws import REPOSITORY
from scripts.local.stack import LocalStack

CLIENT = REPOSITORY / "clients" / "typescript"
INSTALLED = CLIENT / "node_modules" / ".package-lock.json"
LOCK = CLIENT / "package-lock.json"
DECLARATIONS = """
declare const email: string, password: string, wav: Blob;
declare function showShop(details: unknown): void;
"""  # what the example of the README takes from its reader
WITH_EXAMPLE = {
    "extends": "../tsconfig.json",
    "compilerOptions": {"rootDir": "..", "outDir": "."},
    "include": ["../src", "../test"],
    "files": ["example.ts"],
}


def run(*command: str, **environment: str) -> str:
    """What a command in the client's folder says; fails with all of it if it fails."""
    done = subprocess.run(
        command,
        cwd=CLIENT,
        env=dict(os.environ) | environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def npm() -> str:
    """npm, with what the client needs installed as its lock file says."""
    program = shutil.which("npm")
    assert program, "npm is needed (Debian: apt-get install npm)"
    if not INSTALLED.exists() or INSTALLED.stat().st_mtime < LOCK.stat().st_mtime:
        run(program, "ci")
    return program


@pytest.fixture(scope="module")
def build_folder(npm: str) -> Path:
    """The folder of the compiled client, its tests and the example of the README, compiled at once."""
    (example,) = re.findall(r"```ts\n(.*?)```", (CLIENT / "README.md").read_text(), re.DOTALL)
    folder = CLIENT / "build"
    folder.mkdir(exist_ok=True)
    (folder / "example.ts").write_text(DECLARATIONS + example)
    (folder / "tsconfig.json").write_text(json.dumps(WITH_EXAMPLE))
    run("node_modules/.bin/tsc", "--project", "build")
    return folder


def test_the_client_completes_the_journey(build_folder: Path, stack: LocalStack) -> None:
    output = run("node", "--test", str(build_folder / "test" / "journey.test.js"), API_URL=stack.api_url)

    assert "# fail 0" in output
    assert "a listener's journey" in output


def test_the_example_of_the_readme_compiles(build_folder: Path) -> None:
    assert (build_folder / "build" / "example.js").exists()


def test_the_clients_types_match_the_contract(npm: str) -> None:
    output = run(npm, "run", "--silent", "generate", "--", "--print")

    assert output == (CLIENT / "src" / "schema.ts").read_text(), "the client is old: run `make contract`"


def test_the_lock_file_names_no_registry_host(npm: str) -> None:
    """A registry's address is one machine's own; what is fetched is proven by its hash."""
    text = LOCK.read_text()

    assert "resolved" not in text
    assert [line for line in text.splitlines() if "://" in line and '"url"' not in line] == []  # who wants money
    assert text.count('"integrity"') > 30
