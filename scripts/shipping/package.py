"""The code as Lambda gets it: a zip file that is the same byte for byte as long as what goes into it is."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from scripts.local.aws import without_aws
from scripts.shipping.project import APP_NAME, REPOSITORY, ShippingError, environment

BUILD = REPOSITORY / ".local" / "build"
# Wheels that run on Lambda's Python 3.11 (Amazon Linux 2, glibc 2.26, x86_64), whatever this machine is.
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_24_x86_64")
NEWEST_GLIBC = (2, 26)
MOST_BYTES = 30_000_000
# Of the 400 services that botocore describes, those that a function calls.
SERVICES = {"cognito-idp", "dynamodb", "kms", "s3", "sqs", "sts"}
OLDEST_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Package:
    """`template`: what chalice made of the app, still without what `.chalice/api.yaml` adds."""

    path: Path
    template: dict[str, Any]

    @property
    def size_bytes(self) -> int:
        return self.path.stat().st_size

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def build(config: dict[str, Any], stage: str, keys: dict[str, Any], directory: Path) -> Package:
    """Package the app for `stage`, in `directory`. `keys`: file name → the public keys of a pool, for a quick start.

    Raises ShippingError where chalice or pip fail, or the package would be larger than it may.
    """
    out, template = _packaged(config, stage, keys, directory)
    content = directory / "content"
    shutil.rmtree(content, ignore_errors=True)
    with zipfile.ZipFile(out / "deployment.zip") as zipped:
        zipped.extractall(content)
    _compile(content)
    package = Package(out / "package.zip", template)
    shutil.copy(_zipped(dependencies()), package.path)
    _zip(content, package.path)
    if package.size_bytes > MOST_BYTES:
        raise ShippingError(f"The package has {package.size_bytes:,} bytes, more than {MOST_BYTES:,}.")
    return package


def template_of(config: dict[str, Any], stage: str, directory: Path) -> dict[str, Any]:
    """What chalice makes of the app for `stage`, without what the app needs to run; built in `directory`."""
    return _packaged(config, stage, {}, directory)[1]


def _packaged(config: dict[str, Any], stage: str, keys: dict[str, Any], directory: Path) -> tuple[Path, dict[str, Any]]:
    """Where chalice put its package, and its template."""
    project, out = _project(config, stage, keys, directory), directory / "out"
    shutil.rmtree(out, ignore_errors=True)
    # The caller's own account plays no part, nor does what `make run` wrote: the copy has no .local.
    surroundings = without_aws(dict(os.environ)) | {"STAGE": stage, "AWS_DEFAULT_REGION": "us-east-1"}
    for name in ("COGNITO_USER_POOL_ARN", "LEDGER_STREAM_ARN", "EXTENSION_ORIGIN"):
        surroundings.pop(name, None)
    command = [sys.executable, "-c", "from chalice.cli import main; main()", "package", "--stage", stage, str(out)]
    _run([*command, "--template-format", "json"], project, surroundings)
    return out, json.loads((out / "sam.json").read_text(encoding="utf-8"))


def dependencies(root: Path = BUILD) -> Path:
    """What requirements.txt names, as wheels for Lambda, in the versions tested here; kept until either changes.

    Without chalice: its packager adds the little of it that runs.
    """
    wanted = [line for line in _requirements() if not line.startswith("chalice")]
    tested = sorted(f"{found.metadata['Name']}=={found.version}" for found in metadata.distributions())
    name = hashlib.sha256("\n".join([*wanted, *tested, *sorted(SERVICES)]).encode()).hexdigest()[:16]
    directory = root / "dependencies" / name
    if directory.is_dir():
        return directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix="new-", dir=directory.parent))
    constraints = new / "constraints.txt"
    constraints.write_text("\n".join(tested), encoding="utf-8")
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    lambdas = ["--implementation", "cp", "--python-version", "3.11", "--only-binary", ":all:", "--no-compile"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(new)]
    _run([*pip, *platforms, *lambdas, "--constraint", str(constraints), *wanted], REPOSITORY, dict(os.environ))
    constraints.unlink()
    for service in (new / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)
    shutil.rmtree(new / "bin", ignore_errors=True)
    _compile(new)
    try:
        new.rename(directory)
    except OSError:  # Another process was quicker.
        shutil.rmtree(new)
    return directory


def _project(config: dict[str, Any], stage: str, keys: dict[str, Any], directory: Path) -> Path:
    """A chalice project like this one, of what is shipped alone."""
    project = directory / "project"
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(REPOSITORY / "chalicelib", project / "chalicelib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "app.py", project)
    (project / "requirements.txt").write_text("", encoding="utf-8")  # What it needs is put beside it afterwards.
    (project / "chalicelib" / "jwks").mkdir(exist_ok=True)
    for name, content in keys.items():
        (project / "chalicelib" / "jwks" / name).write_text(json.dumps(content, sort_keys=True), encoding="utf-8")
    # The template names each function's own role; chalice must make none.
    without_roles = config | {"manage_iam_role": False, "iam_role_arn": "given-by-the-template"}
    shipped = without_roles | {"stages": {stage: config["stages"][stage]}}
    environment(shipped, stage).setdefault("STAGE", stage)
    (project / ".chalice").mkdir()
    (project / ".chalice" / "config.json").write_text(json.dumps(shipped), encoding="utf-8")
    return project


def _compile(content: Path) -> None:
    """Bytecode that is never checked against a date: Lambda cannot write its own, so each cold start would compile."""
    for cache in list(content.rglob("__pycache__")):
        shutil.rmtree(cache)
    # By a process of its own: what it writes depends on which strings a process already shares.
    command = [sys.executable, "-m", "compileall", "-qq", "-j", "1", "--invalidation-mode", "unchecked-hash"]
    _run([*command, "-s", str(content), str(content)], content, dict(os.environ) | {"PYTHONHASHSEED": "0"})


def _zipped(directory: Path) -> Path:
    """The dependencies as a zip file, made once: they are nine tenths of the package, and rarely change."""
    made = directory.with_suffix(".zip")
    if not made.is_file():
        new = Path(tempfile.mkdtemp(prefix="new-", dir=directory.parent)) / "zip"
        _zip(directory, new)
        new.replace(made)  # Whoever else made it made the same.
        new.parent.rmdir()
    return made


def _zip(directory: Path, into: Path) -> None:
    """Add all files of a directory that are not there yet, always in the same bytes."""
    with zipfile.ZipFile(into, "a", zipfile.ZIP_DEFLATED, compresslevel=6) as zipped:
        there = set(zipped.namelist())
        files = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}
        for name, path in sorted(files.items()):
            if name not in there:
                entry = zipfile.ZipInfo(name, OLDEST_DATE)
                entry.external_attr = 0o100644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                zipped.writestr(entry, path.read_bytes())


def wheel_tags(package: Path) -> dict[str, list[str]]:
    """Distribution → the platforms its wheel says it is for."""
    found = {}
    with zipfile.ZipFile(package) as zipped:
        for name in zipped.namelist():
            if name.endswith(".dist-info/WHEEL"):
                lines = zipped.read(name).decode().splitlines()
                tags = [line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")]
                found[name.split("-")[0]] = [tag.split("-", 2)[2] for tag in tags]
    return found


def _requirements() -> list[str]:
    lines = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def _run(command: list[str], directory: Path, surroundings: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=directory, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        shown = " ".join(word for word in command[1:4] if not word.startswith("-"))
        raise ShippingError(f"{APP_NAME}: {shown} failed.\n{done.stdout[-3000:]}")
