"""Holds the language of names, messages and docs: `.venv/bin/python -m scripts.check_words`, part of `make check`.

`scripts/words.toml` lists what is refused and what to write instead, and explains its tables. Besides the list:
modules of one folder differ by more than a suffix, classes of chalicelib have names of their own, test names have at
most 90 characters, and lines of docs have at most 120 columns. Each finding is one line, `path:line: "old" → "new"`.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RULES = ROOT / "scripts" / "words.toml"
MAX_TEST_NAME = 90
MAX_COLUMNS = 120
MIN_STEM = 3
SUFFIX = re.compile(r"(?:ings?|[eo]rs?|ed|es|e|s)$")
# The formatter puts two spaces before a comment that follows code.
COMMENT = re.compile(r"^(?:\s*|.*?\s\s)#(?!!) ?(.*)$")
LINK_ONLY = re.compile(r"^\s*(?:[-*] |\d+\. )?(?:<\S+>|\S+://\S+|\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\]|: \S+.*))[.,:;]?$")
FENCE = re.compile(r"^\s*(?:```|~~~)")
STORED = re.compile(r"[a-z]+(?:_[a-z]+)+")
WORD = re.compile(r"[\w'’]+")
# Between two words of a phrase: also a line break, its comment sign, and a line break in JSON.
GAP = r"(?:\s|\\n|[*#/])+"


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    old: str
    new: str

    def __str__(self) -> str:
        return f'{self.path}:{self.line}: "{self.old}" → "{self.new}"'


# The tables of words.toml that refuse a name, by its kind; names of other kinds: `USUAL`.
USUAL = ("names", "declared")
TABLES = {"function": (*USUAL, "functions"), "module": (*USUAL, "modules"), "local": ("names",)}
# What a name assigned directly below such a node is; below any other node it is what it is there.
SCOPES = {ast.ClassDef: "field"} | dict.fromkeys(
    (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
    "local",
)


class Phrases:
    """Finds the phrases of one table in a text, whatever their case and line breaks. `is|are sent` lists choices."""

    def __init__(self, table: dict[str, str]):
        self._by_first_word: dict[str, list[tuple[re.Pattern[str], str]]] = defaultdict(list)
        for phrase, new in table.items():
            words = phrase.lower().split()
            pattern = GAP.join(f"(?:{'|'.join(map(re.escape, word.split('|')))})" for word in words)
            before, after = r"(?<![\d.,])" * phrase[0].isdigit(), r"(?!\w)" * phrase[-1].isalnum()
            compiled = re.compile(before + pattern + after, re.IGNORECASE)
            for first in words[0].split("|"):
                self._by_first_word[first].append((compiled, new))

    def find(self, text: str) -> Iterator[tuple[int, str, str]]:
        """Offset, the words found, and what to write instead."""
        for word in WORD.finditer(text):
            for pattern, new in self._by_first_word.get(word[0].lower().replace("’", "'"), ()):
                if found := pattern.match(text, word.start()):
                    yield word.start(), " ".join(re.sub(GAP, " ", found[0]).split()), new


class Rules:
    def __init__(self, document: dict[str, Any]):
        tables = (*USUAL, "functions", "modules")
        self._names = {table: [(re.compile(old), new) for old, new in document[table].items()] for table in tables}
        self._everywhere, self._in_messages = Phrases(document["phrases"]), Phrases(document["messages"])
        self._groups = document["files"] | {"exempt": [entry["path"] for entry in document["exempt"]]}
        self._allowed = {"function": document["verbs"]}
        self._allowed |= dict.fromkeys(("field", "keyword", "stored"), document["contract"])
        self._cache: dict[tuple[str, str], str | None] = {}

    def better_name(self, kind: str, name: str) -> str | None:
        """None if the name may stay."""
        if (kind, name) not in self._cache:
            words = snake_case(name).removeprefix("test_" if kind == "module" else "")
            tables = () if words in self._allowed.get(kind, ()) else TABLES.get(kind, USUAL)
            rules = (rule for table in tables for rule in self._names[table])
            self._cache[kind, name] = next((new for pattern, new in rules if pattern.fullmatch(words)), None)
        return self._cache[kind, name]

    def find(self, text: str, is_message: bool = False) -> Iterator[tuple[int, str, str]]:
        yield from self._everywhere.find(text)
        if is_message:
            yield from self._in_messages.find(text)

    def applies(self, group: str, path: str) -> bool:
        """Whether `path` belongs to a group of files: `exempt`, `messages`, `prose`, `narrow` or `classes`."""
        return any(fnmatch(path, pattern) for pattern in self._groups[group])


def load_rules() -> Rules:
    return Rules(tomllib.loads(RULES.read_text()))


def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")


def walk(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Every node, and the kind of a name assigned there."""
    stack = [(tree, "constant")]
    while stack:
        node, scope = stack.pop()
        yield node, scope
        inner = SCOPES.get(type(node), scope)
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                stack.extend((child, inner) for child in value if isinstance(child, ast.AST))
            elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
                stack.append((value, inner))


def name_of(node: ast.AST, scope: str) -> tuple[str, str] | None:
    """The kind, a key of `TABLES`, and the identifier that the node declares; None if it declares none."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return "function", name
        case ast.ClassDef(name=name):
            return "class", name
        case ast.arg(arg=name):
            return "parameter", name
        case ast.keyword(arg=str(name)):
            return "keyword", name
        case ast.Name(id=name, ctx=ast.Store()):
            return scope, name
        case ast.Attribute(attr=name, ctx=ast.Store()):
            return "field", name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.alias(asname=str(name)):
            return "local", name
        case ast.Constant(value=str(name)) if STORED.fullmatch(name):
            return "stored", name
    return None


def check_python(path: str, source: str, rules: Rules, classes: dict[str, str]) -> Iterator[Finding]:
    """`classes`: where each class of the earlier files stands; those of this file are added."""
    is_message, docstrings = rules.applies("messages", path), set()
    comments = [found[1] if (found := COMMENT.match(line)) else "|" for line in source.splitlines()]
    yield from check_text(path, "\n".join(comments), 1, rules)
    for node, scope in walk(ast.parse(source)):
        line = getattr(node, "lineno", 1)
        if isinstance(node, ast.Expr):
            docstrings.add(node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and (is_message or node in docstrings):
            yield from check_text(path, node.value, line, rules, is_message)
        if named := name_of(node, scope):
            yield from check_name(path, line, *named, rules, classes)


def check_name(path: str, line: int, kind: str, name: str, rules: Rules, classes: dict[str, str]) -> Iterator[Finding]:
    if new := rules.better_name(kind, name):
        yield Finding(path, line, name, new)
    elif kind == "function":
        for _, old, new in rules.find(name.replace("_", " ")):
            yield Finding(path, line, f"{old}: {name}", new)
    if kind == "function" and name.startswith("test_") and len(name) > MAX_TEST_NAME:
        yield Finding(path, line, name, f"a name of at most {MAX_TEST_NAME} characters")
    if kind == "class" and rules.applies("classes", path):
        first = classes.setdefault(name, f"{path}:{line}")
        if first != f"{path}:{line}":
            yield Finding(path, line, name, f"another name: the class at {first} has this one")


def check_text(path: str, text: str, line: int, rules: Rules, is_message: bool = False) -> Iterator[Finding]:
    """`line`: where the text starts. `is_message`: a person may read it while using the service."""
    for offset, old, new in rules.find(text, is_message):
        yield Finding(path, line + text.count("\n", 0, offset), old, new)


def check_columns(path: str, source: str) -> Iterator[Finding]:
    is_code = False
    for number, line in enumerate(source.splitlines(), 1):
        if FENCE.match(line):
            is_code = not is_code
        elif not is_code and len(line) > MAX_COLUMNS and line.lstrip()[:1] != "|" and not LINK_ONLY.match(line):
            yield Finding(path, number, f"{len(line)} columns", f"at most {MAX_COLUMNS} columns")


def check_modules(paths: Iterable[str], rules: Rules) -> Iterator[Finding]:
    """Modules, and folders that hold modules, by the names in their paths."""
    modules = {Path(path) for path in paths if path.endswith(".py") and not path.endswith("__.py")}
    modules |= {folder for module in modules for folder in module.parents if folder.name}
    by_stem: dict[tuple[Path, str], Path] = {}
    for module in sorted(modules):
        if new := rules.better_name("module", module.stem):
            yield Finding(str(module), 1, module.stem, new)
        shortened = SUFFIX.sub("", module.stem)
        stem = shortened if len(shortened.removeprefix("test_")) >= MIN_STEM else module.stem
        first = by_stem.setdefault((module.parent, stem), module)
        if first.stem != module.stem:
            yield Finding(str(module), 1, module.stem, f"a name that differs from {first.name} by more than a suffix")


def check(root: Path, paths: Iterable[str], rules: Rules) -> list[Finding]:
    checked = [path for path in sorted(paths) if not rules.applies("exempt", path)]
    findings = set(check_modules(checked, rules))
    classes: dict[str, str] = {}
    for path in checked:
        is_message, is_python = rules.applies("messages", path), path.endswith(".py")
        if not (is_python or is_message or rules.applies("prose", path)):
            continue
        source = (root / path).read_text()
        if is_python:
            findings.update(check_python(path, source, rules, classes))
        else:
            findings.update(check_text(path, source, 1, rules, is_message))
        if rules.applies("narrow", path):
            findings.update(check_columns(path, source))
    return sorted(findings)


def list_files(root: Path) -> list[str]:
    """The files that git has or would take."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return [path for path in output.split("\0") if (root / path).is_file()]


def main() -> int:
    files = list_files(ROOT)
    findings = check(ROOT, files, load_rules())
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} findings. scripts/words.toml says what to write instead.")
        return 1
    print(f"names, messages and docs of {len(files)} files follow scripts/words.toml")
    return 0


if __name__ == "__main__":
    sys.exit(main())
