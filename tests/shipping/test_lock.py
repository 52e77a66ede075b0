"""What is shipped is pinned with hashes, in the versions that the tests run; deploying needs little more."""

import ast
import json
import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.shipping import package
from scripts.shipping.package import Package
from scripts.shipping.project import ShippingError
from scripts.shipping.target import this_machine

ROOT = Path(__file__).parents[2]
SHIPPED, FOR_DEPLOYING = ROOT / "requirements.lock", ROOT / "requirements-deploy.lock"
COMMANDS = ("deploy", "destroy", "replay", "restore", "rollback", "secret", "smoke")


def read_requirements(path: Path) -> list[Requirement]:
    lines = [line.partition("#")[0].strip() for line in path.read_text().splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def read_lock(path: Path) -> dict[str, tuple[Requirement, int]]:
    """Distribution → what is pinned, and how many hashes it has."""
    entries = re.split(r"\n(?=\S)", re.sub(r"(?m)^ *#.*\n?", "", path.read_text()))
    found = {}
    for entry in filter(str.strip, entries):
        requirement = Requirement(entry.partition("\\")[0].strip())
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})\b", entry)
        found[canonicalize_name(requirement.name)] = (requirement, len(hashes))
    return found


def pinned_version(requirement: Requirement) -> str:
    (specifier,) = requirement.specifier
    assert specifier.operator == "==", requirement
    return specifier.version


def locked_versions(path: Path) -> dict[str, str]:
    return {name: pinned_version(requirement) for name, (requirement, _) in read_lock(path).items()}


def with_dependencies(requirements: list[Requirement]) -> set[str]:
    """The names of distributions and of all that they require, here."""
    found, pending = set[tuple[str, str]](), [(item, "") for item in requirements]
    while pending:
        requirement, of_extra = pending.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": of_extra}):
            continue
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) not in found:
                found.add((name, extra))
                pending += [(Requirement(line), extra) for line in metadata.requires(name) or []]
    return {name for name, _ in found}


@pytest.mark.parametrize(
    ("lock", "requirements"), [(SHIPPED, "requirements.txt"), (FOR_DEPLOYING, "requirements-deploy.txt")]
)
def test_the_lock_has_all_that_the_requirements_need_and_nothing_else(lock: Path, requirements: str) -> None:
    """`make lock` writes both again."""
    needed = read_requirements(ROOT / requirements)
    if lock == SHIPPED:
        needed = [requirement for requirement in needed if requirement.name != "chalice"]

    applicable = {
        name for name, (pinned, _) in read_lock(lock).items() if not pinned.marker or pinned.marker.evaluate()
    }
    assert applicable == with_dependencies(needed)
    assert [name for name, (_, hashes) in read_lock(lock).items() if not hashes] == []


def test_both_locks_have_the_versions_of_the_requirements() -> None:
    shipped, for_deploying = locked_versions(SHIPPED), locked_versions(FOR_DEPLOYING)
    required = {
        canonicalize_name(item.name): pinned_version(item) for item in read_requirements(ROOT / "requirements.txt")
    }

    assert {name: (for_deploying | shipped)[name] for name in required} == required
    common = shipped.keys() & for_deploying.keys()
    assert {name: shipped[name] for name in common} == {name: for_deploying[name] for name in common}
    assert "chalice" in for_deploying


def test_the_tests_run_the_versions_that_are_shipped() -> None:
    shipped = locked_versions(SHIPPED) | {"chalice": locked_versions(FOR_DEPLOYING)["chalice"]}

    assert {name: metadata.version(name) for name in shipped} == shipped


def test_the_package_has_what_the_lock_names(built_package: Package) -> None:
    contained = {}
    with zipfile.ZipFile(built_package.path) as zipped:
        for name in zipped.namelist():
            if match := re.fullmatch(r"([^/]+)-([^/-]+)\.dist-info/METADATA", name):
                contained[canonicalize_name(match[1])] = match[2]

    assert contained == locked_versions(SHIPPED)


def test_a_distribution_with_another_hash_is_not_packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "wrong.lock"
    lock.write_text(f"six=={locked_versions(SHIPPED)['six']} --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(package, "LOCK", lock)

    with pytest.raises(ShippingError, match="DO NOT MATCH THE HASHES"):
        package.dependencies(this_machine(), None, tmp_path)


# Runs with all distributions hidden that are not named in its arguments; prints the modules of scripts that it loaded.
IMPORTS = """
import importlib, json, sys
from importlib import metadata

allowed = set(json.loads(sys.argv[1]))
distributions = {top: {metadata_name.lower().replace("_", "-") for metadata_name in names}
                 for top, names in metadata.packages_distributions().items()}

class Hidden:
    @staticmethod
    def find_spec(name, path=None, target=None):
        owners = distributions.get(name.partition(".")[0])
        if owners and not owners & allowed:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden)
for command in json.loads(sys.argv[2]):
    importlib.import_module("scripts." + command)
import chalice.cli, chalice.package, app
print(json.dumps(sorted(name for name in sys.modules if name.startswith("scripts."))))
"""


def test_deploying_imports_nothing_beside_its_requirements() -> None:
    """Also at calls: every import of each loaded module of scripts is of the standard library, ours or locked."""
    allowed = sorted(locked_versions(FOR_DEPLOYING))
    variables = {"AWS_DEFAULT_REGION": "us-east-1", "STAGE": "dev", "PATH": ""}
    command = [sys.executable, "-c", IMPORTS, json.dumps(allowed), json.dumps(COMMANDS)]
    result = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)

    assert result.returncode == 0, result.stderr
    loaded = json.loads(result.stdout)
    assert {f"scripts.{command}" for command in COMMANDS} <= set(loaded)
    distributions = metadata.packages_distributions()
    foreign = set()
    for module in loaded:
        path = ROOT.joinpath(*module.split("."))
        source = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
        for top in imported_packages(source) - sys.stdlib_module_names - {"scripts", "chalicelib", "app"}:
            foreign |= {canonicalize_name(name) for name in distributions[top]} - set(allowed)
    assert foreign == set()


def imported_packages(source: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(source.read_text(encoding="utf-8"))))
    imported = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    imported += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.partition(".")[0] for name in imported}
