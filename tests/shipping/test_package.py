"""The package: small, for the platform of Lambda, complete, without other files, and reproducible."""

import re
import zipfile
from pathlib import Path

from scripts.shipping import package, project
from scripts.shipping.package import MOST_BYTES, SERVICES, Package

ROOT = Path(__file__).parents[2]
NEWEST_GLIBC = (2, 26)  # of Amazon Linux 2
GLIBC_OF = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


def test_the_package_is_within_its_size_limit(built_package: Package) -> None:
    print(f"package: {built_package.size_bytes / 1e6:.1f} MB zipped")  # `make test ARGS="tests/shipping -rP"` shows it

    assert built_package.size_bytes <= MOST_BYTES


def runs_on_lambda(tag: str) -> bool:
    if tag == "any":
        return True
    match = re.fullmatch(r"manylinux_(\d+)_(\d+)_x86_64", tag)
    glibc = (int(match[1]), int(match[2])) if match else GLIBC_OF.get(tag.removesuffix("_x86_64"), (99, 0))
    return tag.endswith("_x86_64") and glibc <= NEWEST_GLIBC


def wheel_tags(package: Path) -> dict[str, list[str]]:
    """Distribution → the platforms of its wheel."""
    platforms = {}
    with zipfile.ZipFile(package) as zipped:
        for name in zipped.namelist():
            if name.endswith(".dist-info/WHEEL"):
                lines = zipped.read(name).decode().splitlines()
                tags = [line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")]
                platforms[name.split("-")[0]] = [tag.split("-", 2)[2] for tag in tags]
    return platforms


def test_every_wheel_runs_on_lambda(built_package: Package) -> None:
    tags = wheel_tags(built_package.path)

    assert {"boto3", "cryptography", "msgspec", "pyjwt", "requests", "stripe"} <= {name.lower() for name in tags}
    assert [name for name, platforms in tags.items() if not any(runs_on_lambda(tag) for tag in platforms)] == []
    assert not runs_on_lambda("manylinux_2_28_x86_64")
    assert not runs_on_lambda("macosx_11_0_arm64")


def test_the_package_contains_the_app_and_no_other_files(built_package: Package) -> None:
    with zipfile.ZipFile(built_package.path) as zipped:
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


def test_the_package_describes_every_aws_service_that_the_code_calls(built_package: Package) -> None:
    called = set(re.findall(r'_client\("([\w-]+)"', (ROOT / "chalicelib" / "wiring" / "use_cases.py").read_text()))

    with zipfile.ZipFile(built_package.path) as zipped:
        described = {name.split("/")[2] for name in zipped.namelist() if name.startswith("botocore/data/")}

    assert called <= SERVICES
    assert described >= SERVICES


def test_no_module_is_compiled_at_a_cold_start(built_package: Package) -> None:
    with zipfile.ZipFile(built_package.path) as zipped:
        names = set(zipped.namelist())
        flags = zipped.read("chalicelib/http/__pycache__/request.cpython-311.pyc")[4]

    sources = {name for name in names if name.endswith(".py") and name.startswith(("chalicelib/", "boto3/", "jwt/"))}
    compiled = {re.sub(r"(.*/)?(\w+)\.py$", r"\1__pycache__/\2.cpython-311.pyc", name) for name in sources}
    assert compiled <= names
    assert flags == 0b01  # by hash, unchecked


def test_the_same_content_gives_the_same_package_byte_for_byte(built_package: Package, tmp_path: Path) -> None:
    again = package.build(project.read(), "prod", {"us-east-1_pool.json": {"keys": []}}, tmp_path)

    assert again.digest == built_package.digest
    assert package.build(project.read(), "prod", {}, tmp_path).digest != built_package.digest
