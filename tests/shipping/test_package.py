"""The package: small, for the platform of Lambda, complete, without other files, and reproducible."""

import email.parser
import re
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import deploy
from scripts.shipping import package, project
from scripts.shipping.package import MOST_BYTES, SERVICES, Package
from scripts.shipping.target import Target, lambda_target, this_machine

ROOT = Path(__file__).parents[2]
# Of the runtime python3.13, which is Amazon Linux 2023 with glibc 2.34.
NEWEST_GLIBC = (2, 34)
GLIBC_OF = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
ELF_MACHINE = {"arm64": 183, "x86_64": 62}  # e_machine. Source: System V ABI, EM_AARCH64 and EM_X86_64


def test_the_package_is_within_its_size_limit(built_package: Package) -> None:
    print(f"package: {built_package.size_bytes / 1e6:.1f} MB zipped")  # `make test ARGS="tests/shipping -rP"` shows it

    assert built_package.size_bytes <= MOST_BYTES


def runs_on_lambda(tag: str) -> bool:
    if tag == "any":
        return True
    match = re.fullmatch(r"manylinux_(\d+)_(\d+)_aarch64", tag)
    glibc = (int(match[1]), int(match[2])) if match else GLIBC_OF.get(tag.removesuffix("_aarch64"), (99, 0))
    return tag.endswith("_aarch64") and glibc <= NEWEST_GLIBC


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
    assert not runs_on_lambda("manylinux_2_35_aarch64")
    assert not runs_on_lambda("manylinux_2_28_x86_64")
    assert not runs_on_lambda("macosx_11_0_arm64")


def machine_types(path: Path) -> dict[str, int]:
    """Native library → its machine type, from its ELF header; -1 for another format."""
    types = {}
    with zipfile.ZipFile(path) as zipped:
        for name in zipped.namelist():
            if re.search(r"\.(so|dylib|pyd)(\.|$)", name):
                with zipped.open(name) as file:
                    header = file.read(20)
                types[name] = int.from_bytes(header[18:20], "little") if header[:4] == b"\x7fELF" else -1
    return types


def test_native_libraries_are_for_the_processor_and_python_of_lambda(built_package: Package) -> None:
    types = machine_types(built_package.path)

    assert any(name.startswith("msgspec/") for name in types)
    assert set(types.values()) == {ELF_MACHINE["arm64"]}
    # CPython loads no other names: those of its own version, and of the stable ABI.
    modules = [re.search(r"\.(cpython-\w+|abi3)\b", name) for name in types]
    assert {match[1] for match in modules if match} <= {"cpython-313", "abi3"}


@pytest.mark.skipif(sys.platform != "linux", reason="the libraries of other systems are not ELF")
def test_native_libraries_for_the_emulated_aws_are_for_this_machine(package_for_this_machine: Package) -> None:
    types = machine_types(package_for_this_machine.path)

    assert set(types.values()) == {ELF_MACHINE[this_machine().architecture]}
    version = f"cpython-{sys.version_info[0]}{sys.version_info[1]}-"
    assert any(version in name for name in types)


@pytest.mark.soak
def test_a_stage_on_the_other_processor_gets_its_libraries(tmp_path: Path) -> None:
    config = project.read()
    config["stages"]["prod"]["lambda_architecture"] = "x86_64"
    built = package.build(config, "prod", {}, tmp_path, lambda_target(config, "prod"))

    assert set(machine_types(built.path).values()) == {ELF_MACHINE["x86_64"]}
    functions = [item for item in built.template["Resources"].values() if item["Type"] == "AWS::Serverless::Function"]
    assert {(item["Properties"]["Runtime"], *item["Properties"]["Architectures"]) for item in functions} == {
        ("python3.13", "x86_64")
    }


def test_the_target_of_a_stage_is_python_3_13_on_arm64_unless_it_says_otherwise() -> None:
    config = project.read()
    assert lambda_target(config, "prod") == lambda_target(config, "dev") == Target((3, 13), "arm64")

    config["stages"]["dev"]["lambda_architecture"] = "x86_64"
    assert lambda_target(config, "dev") == Target((3, 13), "x86_64")
    assert lambda_target(config, "prod") == Target((3, 13), "arm64")

    config["stages"]["dev"]["lambda_architecture"] = "aarch64"
    with pytest.raises(project.ShippingError, match="lambda_architecture of dev must be arm64 or x86_64"):
        lambda_target(config, "dev")


def test_the_package_has_all_that_its_distributions_require_on_lambda(built_package: Package) -> None:
    """pip judges conditions such as `python_version < "3.13"` by the Python that it runs on, not by the target's."""
    lambda_environment = {
        "python_version": "3.13",
        "python_full_version": "3.13.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "aarch64",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "os_name": "posix",
    }
    required, contained = {}, set()
    with zipfile.ZipFile(built_package.path) as zipped:
        for name in [name for name in zipped.namelist() if name.endswith(".dist-info/METADATA")]:
            metadata = email.parser.Parser().parsestr(zipped.read(name).decode())
            contained.add(canonicalize_name(metadata["Name"]))
            for line in metadata.get_all("Requires-Dist", []):
                requirement = Requirement(line)
                if not requirement.marker or requirement.marker.evaluate({"extra": "", **lambda_environment}):
                    required[canonicalize_name(requirement.name)] = metadata["Name"]

    assert {name: by for name, by in required.items() if name not in contained} == {}
    assert "cryptography" in contained  # required by an extra of PyJWT


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


def test_a_deployment_names_what_it_packaged_for(built_package: Package) -> None:
    described = deploy.describe_package(built_package, lambda_target(project.read(), "prod"))

    assert described.splitlines()[0].endswith("MB, for python3.13 on arm64")
    assert ("No Python 3.13 was found" in described) != built_package.is_compiled


def check_is_compiled(path: Path, version: str) -> None:
    with zipfile.ZipFile(path) as zipped:
        names = set(zipped.namelist())
        flags = zipped.read(f"chalicelib/http/__pycache__/request.cpython-{version}.pyc")[4]

    sources = {name for name in names if name.endswith(".py") and name.startswith(("chalicelib/", "boto3/", "jwt/"))}
    compiled = {re.sub(r"(.*/)?(\w+)\.py$", rf"\1__pycache__/\2.cpython-{version}.pyc", name) for name in sources}
    assert compiled <= names
    assert flags == 0b01  # by hash, unchecked


def test_no_module_is_compiled_at_a_cold_start(built_package: Package, package_for_this_machine: Package) -> None:
    check_is_compiled(package_for_this_machine.path, f"{sys.version_info[0]}{sys.version_info[1]}")
    if built_package.is_compiled:
        check_is_compiled(built_package.path, "313")


def test_without_a_compiler_the_package_says_so_and_has_no_bytecode_of_another_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dependencies").mkdir()
    monkeypatch.setattr(package, "dependencies", lambda target, compiler: tmp_path / "dependencies")
    monkeypatch.setattr(Target, "find_compiler", lambda self: None)
    built = package.build(project.read(), "prod", {}, tmp_path / "build", this_machine())

    assert not built.is_compiled
    assert "uv python install 3.13" in deploy.describe_package(built, Target((3, 13), "arm64"))
    with zipfile.ZipFile(built.path) as zipped:
        assert not [name for name in zipped.namelist() if name.endswith(".pyc")]


def test_the_same_content_gives_the_same_package_byte_for_byte(built_package: Package, tmp_path: Path) -> None:
    config = project.read()
    target = lambda_target(config, "prod")
    again = package.build(config, "prod", {"us-east-1_pool.json": {"keys": []}}, tmp_path, target)

    assert again.content == built_package.content
    assert package.build(config, "prod", {}, tmp_path, target).content != built_package.content


def test_every_service_of_which_the_app_makes_a_client_is_packaged() -> None:
    source = (ROOT / "chalicelib" / "wiring" / "aws.py").read_text(encoding="utf-8")

    called = set(re.findall(r'client\("([a-z0-9-]+)"', source))

    assert "cloudwatch" in called
    assert called <= SERVICES
