"""The source code of the program as modules, with names resolved to their definitions."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

Node = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A module of the program: its name, what it imports and what it defines."""

    name: str
    tree: ast.Module
    is_package: bool = False

    @cached_property
    def imports(self) -> dict[str, str]:
        """Each imported name and the dotted name that it stands for."""
        found = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{self._source(node)}.{alias.name}"
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    found[alias.asname or alias.name] = alias.name
        return found

    @cached_property
    def definitions(self) -> dict[str, ast.stmt]:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        return {node.name: node for node in self.tree.body if isinstance(node, kinds)}

    def _source(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        package = parts[: len(parts) - node.level + self.is_package]
        return ".".join([*package, *filter(None, [node.module])])


@dataclass(frozen=True)
class Program:
    """All modules by their dotted names, packages under the name of the package."""

    modules: dict[str, Module]

    @classmethod
    def read(cls, root: Path) -> "Program":
        """`app.py` and the package `chalicelib` below a folder."""
        paths = [root / "app.py", *sorted((root / "chalicelib").rglob("*.py"))]
        return cls.of({str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in paths})

    @classmethod
    def of(cls, sources: dict[str, str]) -> "Program":
        """Modules by their paths."""
        modules = [
            Module(_module_name(Path(path)), ast.parse(source), path.endswith("__init__.py"))
            for path, source in sources.items()
        ]
        return cls({module.name: module for module in modules})

    @cached_property
    def error_classes(self) -> dict[str, list[str]]:
        """Each class of `errors.py` with itself and its bases, nearest first."""
        found: dict[str, list[str]] = {}
        for name, node in self.modules["chalicelib.errors"].definitions.items():
            if isinstance(node, ast.ClassDef):
                bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
                found[name] = [name, *(ancestor for base in bases for ancestor in found.get(base, [base]))]
        return {name: bases for name, bases in found.items() if "AppError" in bases}

    @cached_property
    def all_reasons(self) -> frozenset[str]:
        assignments = [node for node in self.modules["chalicelib.errors"].tree.body if isinstance(node, ast.Assign)]
        literals = [node for node in assignments if str(getattr(node.targets[0], "id", "")).endswith("Reason")]
        return frozenset(node.value for literal in literals for node in ast.walk(literal) if is_text(node))

    def resolve(self, module: Module, name: str) -> tuple[Module, ast.stmt] | None:
        """The definition that a name of a module stands for, through re-exporting packages."""
        for _ in range(5):
            if name in module.definitions:
                return module, module.definitions[name]
            target = module.imports.get(name)
            if target is None:
                return None
            package, _, name = target.rpartition(".")
            if package not in self.modules:
                return None
            module = self.modules[package]
        return None

    def classes_like(self, protocol: ast.ClassDef) -> Iterator[tuple[Module, ast.ClassDef]]:
        """Every class with all methods of a Protocol."""
        methods = set(methods_of(protocol))
        for module in self.modules.values():
            for node in module.definitions.values():
                if isinstance(node, ast.ClassDef) and not is_protocol(node) and methods <= set(methods_of(node)):
                    yield module, node

    def function(self, module: str, function: str) -> tuple[Node | None, ast.ClassDef | None]:
        """A function, or a method given as `Class.method`, and its class. The function is None if there is none."""
        owner_name, _, name = function.rpartition(".")
        definitions = self.modules[module].definitions
        if not owner_name:
            node = definitions.get(name)
            return (node if isinstance(node, Node) else None), None
        owner = definitions[owner_name]
        assert isinstance(owner, ast.ClassDef)
        return methods_of(owner).get(name), owner


def methods_of(owner: ast.ClassDef) -> dict[str, Node]:
    return {node.name: node for node in owner.body if isinstance(node, Node)}


def is_protocol(owner: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in owner.bases)


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
