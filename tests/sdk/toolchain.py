"""The browser SDK as its tests compile and run it, with what its lock file installs."""

import fcntl
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

from scripts.local.aws import REPOSITORY

SDK = REPOSITORY / "clients" / "browser"
LOCK = SDK / "package-lock.json"
INSTALLED = SDK / "node_modules" / ".package-lock.json"
TSC = "node_modules/.bin/tsc"
COMPILED, COMPILED_FROM = SDK / "build" / "tests", SDK / "build" / "tests.sources"
OLDEST_NODE, NODE_FROM_NPM = 20, "20.19.5"  # Debian 12 has Node 18, without `crypto` and sockets as browsers have them
NODE_FOLDER = REPOSITORY / ".tools" / "node"


def run(*command: str, timeout_seconds: int = 240, **environment: str) -> str:
    """What a command in the SDK's folder prints; fails with all of it if it fails."""
    done = subprocess.run(
        command,
        cwd=SDK,
        env=dict(os.environ) | environment,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def in_turn(name: str) -> Iterator[None]:
    """For one process of a test run at a time."""
    (SDK / "build").mkdir(exist_ok=True)
    with (SDK / "build" / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def installing() -> Iterator[str]:
    """The command npm, for one process of a test run at a time."""
    npm = shutil.which("npm")
    assert npm, "npm is needed (Debian: apt-get install npm)"
    with in_turn("install"):
        yield npm


def install() -> None:
    """Install the compilers as the lock file names them, once for all processes of a test run."""
    with installing() as npm:
        if not INSTALLED.exists() or INSTALLED.stat().st_mtime < LOCK.stat().st_mtime:
            run(npm, "ci")
            INSTALLED.touch()


@cache
def node() -> str:
    """A Node that the SDK runs on: this machine's, or one from npm where that is too old."""
    if (found := shutil.which("node")) and int(run(found, "--version")[1:].partition(".")[0]) >= OLDEST_NODE:
        return found
    own = NODE_FOLDER / "node_modules" / "node" / "bin" / "node"
    with installing() as npm:
        if not own.exists():
            run(npm, "install", "--prefix", str(NODE_FOLDER), f"node@{NODE_FROM_NPM}")
    return str(own)


def compile_tests() -> Path:
    """The folder of the compiled tests: compiled once for all processes of a run, and again when anything changed."""
    install()
    with in_turn("compile"):
        if not COMPILED_FROM.exists() or COMPILED_FROM.read_text() != digest_of_sources():
            COMPILED_FROM.unlink(missing_ok=True)
            shutil.rmtree(COMPILED, ignore_errors=True)
            run(TSC, "--project", ".", "--outDir", str(COMPILED))
            COMPILED_FROM.write_text(digest_of_sources())
    return COMPILED / "test"


def digest_of_sources() -> str:
    """Of all that the compiler reads, and of its version."""
    digest = sha256()
    for pattern in ("package-lock.json", "package.json", "tsconfig.json", "src/**/*.ts", "test/**/*.[jt]s"):
        for path in sorted(SDK.glob(pattern)):
            digest.update(f"{path.relative_to(SDK)}\n".encode() + sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def examples_of(page: Path) -> list[str]:
    """The TypeScript examples of a page, in order."""
    return re.findall(r"```ts\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def compile_examples(examples: dict[str, str]) -> None:
    """Compile examples, each as a module of its own, against the types in `dist/` under the name of the package."""
    install()
    folder = SDK / "build" / "examples"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in examples.items():
        (folder / f"{name}.ts").write_text(f"{text}\nexport {{}};\n", encoding="utf-8")
    package = json.loads((SDK / "package.json").read_text(encoding="utf-8"))["name"]
    options = {
        "noEmit": True,
        "noUnusedLocals": False,
        "noImplicitReturns": False,
        "rootDir": ".",
        "types": [],
        "paths": {package: ["../../dist/live-transcription.d.ts"]},
    }
    config = {"extends": "../../tsconfig.json", "compilerOptions": options, "include": ["*.ts"], "exclude": []}
    (folder / "tsconfig.json").write_text(json.dumps(config))
    run(TSC, "--project", "build/examples")
