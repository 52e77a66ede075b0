"""The import rule: down the map in `chalicelib/__init__.py`, never up; and who may know Chalice, AWS or the clock."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import chalicelib

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "chalicelib"
ROOMS_NEVER_KNOW = {"chalice", "boto3", "botocore", "requests", "stripe", "os", "time", "app"}


def layers() -> list[list[str]]:
    """The map's lines, top first; an indented line continues the one before."""
    found: list[list[str]] = []
    for line in str(chalicelib.__doc__).split("\n\n", 1)[1].splitlines():
        if line.strip():
            names = re.split(r"\s{2,}", line.strip())[0].split()
            if line.startswith(" "):
                found[-1] += names
            else:
                found.append(names)
    return found


LAYERS = layers()
(ROOMS,) = [layer for layer in LAYERS if "streaming" in layer]
DEPTH = {name: depth for depth, layer in enumerate(LAYERS) for name in layer}
MODULES = [path for path in [ROOT / "app.py", *sorted(PACKAGE.rglob("*.py"))] if path.name != "__init__.py"]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    """`chalicelib/providers/kms.py` is `providers.kms`."""
    return ".".join(path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else ROOT).with_suffix("").parts)


NAMES = {name_of(path): path for path in MODULES}


def package_of(path: Path) -> str:
    """`chalicelib/providers/kms.py` is `providers` on the map."""
    return name_of(path).split(".")[0]


@cache
def imports(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """What a file imports anywhere in it: our modules (or packages), by dotted name; top names of other packages."""
    own_modules, others = set(), set()
    folder = ("chalicelib", *path.relative_to(PACKAGE).parts[:-1]) if path.is_relative_to(PACKAGE) else ()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            imported = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1] if node.level else ()
            origin = (*base, *(node.module.split(".") if node.module else ()))
            imported = [(*origin, alias.name) for alias in node.names]
        else:
            continue
        for parts in imported:
            if parts[0] == "chalicelib":
                own_modules.add(_module(parts[1:]))
            elif parts[0] == "app":
                own_modules.add("app")
            else:
                others.add(parts[0])
    return frozenset(own_modules), frozenset(others)


def _module(parts: tuple[str, ...]) -> str:
    """The longest beginning that is a module of own_modules; else the package that is named."""
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in NAMES:
            return ".".join(parts[:length])
    return parts[0]


def packages(path: Path) -> set[str]:
    """The names on the map that a file imports."""
    return {name.split(".")[0] for name in imports(path)[0]}


def test_every_package_is_on_the_map_once() -> None:
    on_the_map = [name for layer in LAYERS for name in layer]

    assert sorted(on_the_map) == sorted({package_of(path) for path in MODULES})


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path: Path) -> None:
    above = {other for other in packages(path) if DEPTH[other] < DEPTH[package_of(path)]}

    assert not above, f"{name_of(path)} imports {above}, which stand above it in chalicelib/__init__.py"


def test_no_module_imports_itself_through_others() -> None:
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " → ".join((*above, name))
        if name in NAMES and name not in done:
            for other in sorted(imports(NAMES[name])[0]):
                visit(other, (*above, name))
            done.add(name)

    for name in NAMES:
        visit(name, ())


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_no_other_room_and_no_framework(room: str) -> None:
    for path in MODULES:
        if package_of(path) == room:
            assert not packages(path) & (set(ROOMS) - {room}), name_of(path)
            assert not imports(path)[1] & ROOMS_NEVER_KNOW, name_of(path)


def test_plain_modules_know_no_framework() -> None:
    plain = {"contract", "models", "pricing", *LAYERS[-1]}
    for path in MODULES:
        if package_of(path) in plain:
            assert not imports(path)[1] & ROOMS_NEVER_KNOW, name_of(path)


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("chalice", {"app", "http"}),
        ("boto3", {"wiring", "repositories"}),
        ("botocore", {"wiring", "repositories", "providers"}),
        ("requests", {"wiring", "providers"}),
        ("jwt", {"providers"}),
        ("stripe", {"providers"}),
        ("os", {"settings"}),
        ("logging", {"logs"}),
    ],
)
def test_a_package_is_imported_only_where_it_is_wrapped(package: str, allowed: set[str]) -> None:
    assert {package_of(path) for path in MODULES if package in imports(path)[1]} <= allowed


def test_modules_that_handle_personal_text_cannot_write_log_lines() -> None:
    """Text has no pattern by which it could be redacted."""
    writers = {name_of(path) for path in MODULES if "logs.log" in imports(path)[0]}
    assert writers == {"http.log_line", "http.middleware", "http.events", "http.endpoint", "providers.kms"}
    for path in MODULES:
        nodes = list(ast.walk(tree_of(path)))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        streams = {node.attr for node in nodes if isinstance(node, ast.Attribute)} & {"stdout", "stderr"}
        assert not names & {"print", "pprint"}, path
        assert not streams or name_of(path) == "logs.log", path


def test_repositories_and_providers_do_not_import_each_other() -> None:
    for path in MODULES:
        if package_of(path) == "repositories":
            assert "providers" not in packages(path), path
        if package_of(path) == "providers":
            assert "repositories" not in packages(path), path


def test_the_reader_of_imports_sees_every_form() -> None:
    """Or the tests above would pass on anything."""
    own_modules, others = imports(PACKAGE / "wiring" / "use_cases.py")

    assert {"pricing.price_files", "payments.checkout", "wiring.aws"} <= own_modules
    assert {"time", "functools", "typing"} <= others


MAX_WORDS_OF_EVERYBODY = 6
CLIENTS_OF_REQUESTS = ("transport.py", "connections.py")  # imported with the first provider


def test_slow_packages_are_imported_where_they_are_used() -> None:
    """A cold start pays for what it imports."""
    for path in MODULES:
        names = {alias.name for node in tree_of(path).body if isinstance(node, ast.Import) for alias in node.names}
        late = {"jwt", "stripe"} | (set() if path.name in CLIENTS_OF_REQUESTS else {"requests"})
        assert not names & late, path.name


def test_no_module_is_longer_than_300_lines() -> None:
    """A longer module has a second thing in it."""
    folders = [ROOT / name for name in ("chalicelib", "sandbox", "scripts", "benchmarks")]
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for folder in folders for path in folder.rglob("*.py")
    }

    assert {path: length for path, length in lengths.items() if length > 300} == {}


def test_only_words_that_everybody_uses_lie_directly_in_the_package() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"} == set(LAYERS[-1])
    assert len(LAYERS[-1]) <= MAX_WORDS_OF_EVERYBODY, "it belongs into a room, or into models"
