"""Says in plain words, and with the path of the input, what msgspec refused in a body or in query parameters.

Tried with msgspec 0.19: `Expected `int`, got `str` - at `$.segments[3].end_ms``; a missing or unknown field is named in
the text, and the path is that of the object around it.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from ..contract.base import PATTERN_SENTENCES, FieldError
from ..errors import InvalidRequestError, quantity

BODY = "body"
MAX_NAME_CHARACTERS = 100
FIELD_IN_OBJECT = re.compile(r"Object (missing required|contains unknown) field `(.*)`", re.DOTALL)
NOT_ACCEPTED = ("Invalid enum value", "Invalid value")  # of a Literal; of the field that tells shapes apart
PATTERN = "Expected `str` matching regex "
SUBJECTS = {"email": "email address", "audio_url": "address", "source_url": "address"}
LENGTH = re.compile(r"Expected `(str|array)` of length (>=|<=) (\d+)")
BOUND = re.compile(r"Expected `(?:int|float)` (>=|<=) (-?\d+)")
TYPE = re.compile(r"Expected `([a-z0-9 |]+)`")
TYPE_NAMES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
FIXED_MESSAGES = {
    "Invalid RFC3339 encoded datetime": "Send a time with a time zone, such as 2026-11-30T10:00:00Z.",
    "Expected `datetime` with a timezone": "Send a time with a time zone, such as 2026-11-30T10:00:00Z.",
    "Invalid RFC3339 encoded date": "Send a date, such as 2026-11-30.",
    "Number out of range": "This number is too large.",
    "Integer value out of range": "This number is too large.",
}


def invalid_request(error: Exception, shape: Any, noun: str = "field") -> InvalidRequestError:
    """The error for the client, with the path of the first field that is missing, unknown or invalid.

    `shape`: what the input was read as. `noun`: what it consists of, fields or parameters.
    """
    if not isinstance(error, msgspec.ValidationError):
        return InvalidRequestError("The body is not valid JSON in UTF-8. Send JSON.", BODY)
    text, path = _split_path(str(error), shape)
    if isinstance(error.__cause__, FieldError):
        path = ".".join(filter(None, (path, error.__cause__.field)))
    if named := FIELD_IN_OBJECT.fullmatch(text):
        problem, name = named.groups()
        message = (
            f"This {noun} is required." if problem.startswith("missing") else f"This {noun} is unknown. Remove it."
        )
        return InvalidRequestError(message, ".".join(filter(None, (path, name[:MAX_NAME_CHARACTERS]))))
    if text.startswith(NOT_ACCEPTED):
        values = ", ".join(dict.fromkeys(map(str, accepted_values(shape, path))))
        return InvalidRequestError(f"This must be one of: {values}.", path or BODY)
    return InvalidRequestError(_message(text, error, path), path or BODY)


def _split_path(problem: str, shape: Any) -> tuple[str, str]:
    """The text and the path after it. The name of an unknown field may look like a path, which leads nowhere."""
    text, mark, rest = problem.rpartition(" - at `$")
    path = rest.removesuffix("`").lstrip(".")
    is_in_name = FIELD_IN_OBJECT.fullmatch(problem) and not (FIELD_IN_OBJECT.fullmatch(text) and _types_at(shape, path))
    return (problem, "") if not mark or is_in_name else (text, path)


def accepted_values(shape: Any, path: str) -> Iterator[Any]:
    """The values that the field at `path` takes, where a list of values is declared for it."""
    for kind in _types_at(shape, path):
        yield from (value for member in _members(kind) for value in getattr(member, "values", ()))


def _types_at(shape: Any, path: str) -> list[Any]:
    """What the field at `path` may be; nothing where the shape has no such field."""
    kinds: list[Any] = [msgspec.inspect.type_info(shape)]
    for name in filter(None, re.split(r"\.|(?=\[)", path)):
        kinds = [inner for kind in kinds for inner in _inner_types(kind, name)]
    return kinds


def _members(kind: Any) -> Iterator[Any]:
    """The types of a union, or the type itself, without the bounds around them."""
    if isinstance(kind, msgspec.inspect.Metadata):
        yield from _members(kind.type)
    elif isinstance(kind, msgspec.inspect.UnionType):
        for member in kind.types:
            yield from _members(member)
    else:
        yield kind


def _inner_types(kind: Any, name: str) -> Iterator[Any]:
    """The types of a field, or of the items for a name such as `[3]`."""
    for member in _members(kind):
        if name.startswith("["):
            yield from [member.item_type] if isinstance(member, msgspec.inspect.ListType) else ()
        elif isinstance(member, msgspec.inspect.StructType):
            yield from (field.type for field in member.fields if field.encode_name == name)
            if member.tag_field == name:
                yield msgspec.inspect.LiteralType((member.tag,))


def _message(text: str, error: Exception, path: str) -> str:
    if isinstance(error.__cause__, ValueError):  # A shape's own check, which says what is wrong.
        return str(error.__cause__)
    for start, message in FIXED_MESSAGES.items():
        if text.startswith(start):
            return message
    if length := LENGTH.match(text):
        kind, operator, number = length[1], length[2], int(length[3])
        subject, noun = (_subject(path), "character") if kind == "str" else ("This list", "item")
        return f"{subject} has {_bound(operator)} {quantity(number, noun)}."
    if bound := BOUND.match(text):
        return f"This must be {_bound(bound[1])} {int(bound[2]):,}."
    if text.startswith(PATTERN):
        shown = text.removeprefix(PATTERN)
        return next(sentence for pattern, sentence in PATTERN_SENTENCES.items() if repr(pattern) == shown)
    if found := TYPE.match(text):
        names = [name for name in found[1].split(" | ") if name != "null"] or ["null"]
        return f"This must be {_alternatives(names)}."
    return "This value is invalid."


def _alternatives(types: list[str]) -> str:
    """The types in words, in the order of `TYPE_NAMES`: "text, a number, or true or false"."""
    described = [words for name, words in TYPE_NAMES.items() if name in types]
    words = described + ["another value"] * (len(described) < len(types))
    return " or ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])}, or {words[-1]}"


def _subject(path: str) -> str:
    """What a text is called in a sentence: `package_id` → "A package id", `key_terms[3]` → "A key term"."""
    name = path.rpartition(".")[2]
    words = SUBJECTS.get(name, name.partition("s[")[0].replace("_", " "))
    return f"{'An' if words.startswith(('a', 'e', 'i', 'o', 'up')) else 'A'} {words}"


def _bound(operator: str) -> str:
    return "at least" if operator == ">=" else "at most"
