"""The package: small, for Lambda's platform, with all that runs and nothing that should not, the same every time."""

import re
import zipfile
from pathlib import Path

from scripts.shipping import package, project
from scripts.shipping.package import MOST_BYTES, NEWEST_GLIBC, SERVICES, Package

ROOT = Path(__file__).parents[2]
GLIBC_OF = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


def test_it_is_no_larger_than_it_may_be(built: Package) -> None:
    print(f"package: {built.size_bytes / 1e6:.1f} MB zipped")  # `make test ARGS="tests/shipping -rP"` shows it

    assert built.size_bytes <= MOST_BYTES


def runs_on_lambda(tag: str) -> bool:
    if tag == "any":
        return True
    named = re.fullmatch(r"manylinux_(\d+)_(\d+)_x86_64", tag)
    glibc = (int(named[1]), int(named[2])) if named else GLIBC_OF.get(tag.removesuffix("_x86_64"), (99, 0))
    return tag.endswith("_x86_64") and glibc <= NEWEST_GLIBC


def test_every_wheel_runs_on_lambda(built: Package) -> None:
    tags = package.wheel_tags(built.path)

    assert {"boto3", "cryptography", "msgspec", "pyjwt", "requests", "stripe"} <= {name.lower() for name in tags}
    assert [name for name, said in tags.items() if not any(runs_on_lambda(tag) for tag in said)] == []
    assert not runs_on_lambda("manylinux_2_28_x86_64")
    assert not runs_on_lambda("macosx_11_0_arm64")


def test_it_holds_what_runs_and_nothing_that_does_not(built: Package) -> None:
    with zipfile.ZipFile(built.path) as zipped:
        names = set(zipped.namelist())
        config = [name for name in names if "config.json" in name or name.startswith((".chalice", "tests", "sandbox"))]

    assert {"app.py", "chalice/app.py", "chalicelib/http/request.py", "chalicelib/jwks/us-east-1_pool.json"} <= names
    assert {
        f"chalicelib/pricing/prices/{path.name}" for path in (ROOT / "chalicelib" / "pricing" / "prices").glob("*.json")
    } <= names
    assert {
        f"chalicelib/http/assets/admin/{path.name}" for path in (ROOT / "chalicelib/http/assets/admin").iterdir()
    } <= names
    assert config == []
    assert not [name for name in names if name.startswith(("pip/", "setuptools/", "ministack/", "pytest/"))]


def test_every_service_that_the_code_asks_is_described_in_it(built: Package) -> None:
    asked = set(re.findall(r'\bclient\("([\w-]+)"', (ROOT / "chalicelib" / "wiring" / "aws.py").read_text()))

    with zipfile.ZipFile(built.path) as zipped:
        described = {name.split("/")[2] for name in zipped.namelist() if name.startswith("botocore/data/")}

    assert asked <= SERVICES
    assert described >= SERVICES


def test_python_has_nothing_to_compile_at_a_cold_start(built: Package) -> None:
    with zipfile.ZipFile(built.path) as zipped:
        names = set(zipped.namelist())
        flags = zipped.read("chalicelib/http/__pycache__/request.cpython-311.pyc")[4]

    sources = {name for name in names if name.endswith(".py") and name.startswith(("chalicelib/", "boto3/", "jwt/"))}
    compiled = {re.sub(r"(.*/)?(\w+)\.py$", r"\1__pycache__/\2.cpython-311.pyc", name) for name in sources}
    assert compiled <= names
    assert flags == 0b01  # by hash, and not checked


def test_the_same_again_is_the_same_to_the_byte(built: Package, tmp_path: Path) -> None:
    again = package.build(project.read(), "prod", {"us-east-1_pool.json": {"keys": []}}, tmp_path)

    assert again.digest == built.digest
    assert package.build(project.read(), "prod", {}, tmp_path).digest != built.digest
