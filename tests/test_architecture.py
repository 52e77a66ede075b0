"""The import rule: down the map in `chalicelib/__init__.py`, never up; and who may know Chalice, AWS or the clock."""

import ast
import re
from pathlib import Path

import pytest

import chalicelib

ROOT = Path(__file__).parent.parent
USE_CASES_NEVER_KNOW = {"chalice", "boto3", "botocore", "requests", "stripe", "os", "time", "app"}


def layers() -> list[list[str]]:
    """The map's lines, top first; an indented line goes on with the one before."""
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
(USE_CASES,) = [layer for layer in LAYERS if "streaming" in layer]
DEPTH = {name: depth for depth, layer in enumerate(LAYERS) for name in layer}
FILES = [ROOT / "app.py", *sorted((ROOT / "chalicelib").rglob("*.py"))]


def module_of(path: Path) -> str:
    """`chalicelib/providers/openai.py` is `providers` on the map."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[-1] if len(parts) == 1 else parts[1]


def imports(path: Path) -> tuple[set[str], set[str]]:
    """What a file imports anywhere in it: names on our map, and top names of other packages."""
    ours, others = set(), set()
    folder = ("chalicelib", *path.relative_to(ROOT / "chalicelib").parts[:-1]) if path.name != "app.py" else ()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1] if node.level else ()
            origin = (*base, *(node.module.split(".") if node.module else ()))
            named = [(*origin, alias.name) for alias in node.names]
        else:
            continue
        for parts in named:
            if parts[0] == "chalicelib":
                ours.add(parts[1])
            elif parts[0] == "app":
                ours.add("app")
            else:
                others.add(parts[0])
    return ours, others


MODULES = [path for path in FILES if path.name != "__init__.py"]


def test_every_module_is_on_the_map_once() -> None:
    on_the_map = [name for layer in LAYERS for name in layer]

    assert sorted(on_the_map) == sorted({module_of(path) for path in MODULES})


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    name, (ours, _) = module_of(path), imports(path)

    above = {other for other in ours if DEPTH[other] < DEPTH[name]}

    assert not above, f"{name} imports {above}, which stand above it in chalicelib/__init__.py"


@pytest.mark.parametrize("name", USE_CASES)
def test_a_use_case_knows_no_other_and_nothing_of_the_world(name: str) -> None:
    ours, others = imports(ROOT / "chalicelib" / f"{name}.py")

    assert not ours & (set(USE_CASES) - {name})
    assert not others & USE_CASES_NEVER_KNOW


def test_plain_rules_know_nothing_of_the_world() -> None:
    plain = {*LAYERS[-1], "contract", "cursors"}
    for path in MODULES:
        if module_of(path) in plain:
            assert not imports(path)[1] & USE_CASES_NEVER_KNOW, path


@pytest.mark.parametrize(
    ("package", "who_may"),
    [
        ("chalice", {"app", "middleware", "responses", "views", "web"}),
        ("boto3", {"wiring", "repositories"}),
        ("botocore", {"wiring", "repositories", "providers"}),
        ("requests", {"wiring", "providers"}),
        ("jwt", {"tokens"}),
        ("os", {"config"}),
        ("logging", {"redaction"}),
    ],
)
def test_a_package_is_known_where_it_is_wrapped_and_nowhere_else(package: str, who_may: set[str]) -> None:
    assert {module_of(path) for path in MODULES if package in imports(path)[1]} <= who_may


def test_who_has_a_persons_words_in_hand_has_nothing_to_write_them_into() -> None:
    """Words look like nothing that could be redacted."""
    writers = {module_of(path) for path in MODULES if "logs" in imports(path)[0]}
    assert writers == {"middleware", "views", "providers"}
    assert [path.name for path in MODULES if path.parent.name == "providers" and "logs" in imports(path)[0]] == [
        "kms.py"
    ]
    for path in MODULES:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        streams = {node.attr for node in nodes if isinstance(node, ast.Attribute)} & {"stdout", "stderr"}
        assert not names & {"print", "pprint"}, path
        assert not streams or path.name == "logs.py", path


def test_repositories_and_providers_do_not_know_each_other() -> None:
    for path in MODULES:
        ours, _ = imports(path)
        if module_of(path) == "repositories":
            assert "providers" not in ours
        if module_of(path) == "providers":
            assert "repositories" not in ours


def test_the_reader_of_imports_sees_every_form() -> None:
    """Or the tests above would pass on anything."""
    ours, others = imports(ROOT / "chalicelib" / "wiring.py")

    assert {
        "pricing",
        "repositories",
        "providers",
        "config",
    } <= ours  # from . import; from .x.y import; inside functions
    assert {"boto3", "requests", "botocore"} <= others


def test_what_a_cold_start_may_do_without_is_imported_where_it_is_used() -> None:
    for path in MODULES:
        top = ast.parse(path.read_text(encoding="utf-8")).body
        names = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
        late = {"jwt", "stripe"} | (set() if path.name == "transport.py" else {"requests"})
        assert not names & late, path.name
