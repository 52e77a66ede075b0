"""Conditions on the attributes of an item, and the DynamoDB expressions that say them.

`Attr("state").eq("open") & Attr("sweep_at").lte(now)` reads as boto3's conditions do. Each shape of a condition, which
is all but its values, becomes an expression once per process.
Source: Amazon DynamoDB developer guide, "Condition and filter expressions, operators, and functions".
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

Path = str | tuple[str, ...]

# Stand for the next name and the next value of a condition, in the order in which they are written.
NAME, VALUE = "\0", "\1"
SHAPES_KEPT: Final = 1024


class Condition:
    """A condition: `shape` with the paths `names` and the plain `values` in the places of its marks."""

    __slots__ = ("names", "shape", "values")

    def __init__(self, shape: str, names: tuple[str, ...], values: tuple[Any, ...]):
        self.shape, self.names, self.values = shape, names, values

    def __and__(self, other: "Condition") -> "Condition":
        return self._join("AND", other)

    def __or__(self, other: "Condition") -> "Condition":
        return self._join("OR", other)

    def __invert__(self) -> "Condition":
        return Condition(f"(NOT {self.shape})", self.names, self.values)

    def _join(self, operator: str, other: "Condition") -> "Condition":
        shape = f"({self.shape} {operator} {other.shape})"
        return Condition(shape, self.names + other.names, self.values + other.values)


class Attr:
    """An attribute, or a part of a map by its path with dots, to make conditions of."""

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name

    def eq(self, value: Any) -> Condition:
        return self._compare("=", value)

    def ne(self, value: Any) -> Condition:
        return self._compare("<>", value)

    def lt(self, value: Any) -> Condition:
        return self._compare("<", value)

    def lte(self, value: Any) -> Condition:
        return self._compare("<=", value)

    def gt(self, value: Any) -> Condition:
        return self._compare(">", value)

    def gte(self, value: Any) -> Condition:
        return self._compare(">=", value)

    def is_between(self, low: Any, high: Any) -> Condition:
        return Condition(f"{NAME} BETWEEN {VALUE} AND {VALUE}", (self.name,), (low, high))

    def begins_with(self, start: str) -> Condition:
        return Condition(f"begins_with({NAME}, {VALUE})", (self.name,), (start,))

    def is_in(self, values: Sequence[Any]) -> Condition:
        return Condition(f"{NAME} IN ({', '.join(VALUE for _ in values)})", (self.name,), tuple(values))

    def exists(self) -> Condition:
        return Condition(f"attribute_exists({NAME})", (self.name,), ())

    def not_exists(self) -> Condition:
        return Condition(f"attribute_not_exists({NAME})", (self.name,), ())

    def _compare(self, operator: str, value: Any) -> Condition:
        return Condition(f"{NAME} {operator} {VALUE}", (self.name,), (value,))


def condition_expression(condition: Condition) -> tuple[str, dict[str, str], dict[str, Any]]:
    """The expression of a condition, and the names and the plain values of its placeholders, in new maps."""
    expression, names, placeholders = _compile(condition.shape, condition.names)
    return expression, dict(names), dict(zip(placeholders, condition.values, strict=True))


@lru_cache(SHAPES_KEPT)
def _compile(shape: str, names: tuple[str, ...]) -> tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]]:
    steps: dict[str, str] = {}  # A name that is used twice has one placeholder.
    paths, written, values = iter(names), [], 0
    for character in shape:
        if character == NAME:
            parts = next(paths).split(".")
            written.append(".".join(steps.setdefault(part, f"#n{len(steps)}") for part in parts))
        elif character == VALUE:
            written.append(f":v{values}")
            values += 1
        else:
            written.append(character)
    placeholders = tuple((placeholder, name) for name, placeholder in steps.items())
    return "".join(written), placeholders, tuple(f":v{number}" for number in range(values))


def update_expression(
    put_in: Mapping[Path, Any], add: Mapping[str, int], drop: Sequence[Path]
) -> tuple[str, dict[str, str], dict[str, Any]]:
    """The expression of an update, and the names and the plain values of its placeholders, in new maps.

    Raises ValueError where a path is changed twice, or beside a part of it: DynamoDB refuses that, and the emulator
    does not.
    """
    expression, names, placeholders = _compile_update(tuple(put_in), tuple(add), tuple(drop))
    return expression, dict(names), dict(zip(placeholders, [*put_in.values(), *add.values()], strict=True))


@lru_cache(SHAPES_KEPT)
def _compile_update(
    put_in: tuple[Path, ...], add: tuple[str, ...], drop: tuple[Path, ...]
) -> tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]]:
    _check_no_overlap([*put_in, *add, *drop])
    steps: dict[str, str] = {}

    def placeholder(path: Path) -> str:
        parts = (path,) if isinstance(path, str) else path
        return ".".join(steps.setdefault(part, f"#u{len(steps)}") for part in parts)

    values = tuple(f":u{number}" for number in range(len(put_in) + len(add)))
    clauses = {
        "SET": [f"{placeholder(path)} = {value}" for path, value in zip(put_in, values, strict=False)],
        "ADD": [f"{placeholder(path)} {value}" for path, value in zip(add, values[len(put_in) :], strict=True)],
        "REMOVE": [placeholder(path) for path in drop],
    }
    expression = " ".join(f"{keyword} {', '.join(parts)}" for keyword, parts in clauses.items() if parts)
    return expression, tuple((placeholder, name) for name, placeholder in steps.items()), values


def _check_no_overlap(paths: Sequence[Path]) -> None:
    steps = sorted((path,) if isinstance(path, str) else path for path in paths)
    for shorter, longer in pairwise(steps):
        if longer[: len(shorter)] == shorter:
            raise ValueError(f"an update changes both {'.'.join(shorter)} and {'.'.join(longer)}")
