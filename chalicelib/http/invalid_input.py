"""Says in plain words, and with the path of the input, what msgspec refused in a body or in query parameters.

Tried with msgspec 0.19: `Expected `int`, got `str` - at `$.segments[3].end_ms``; a missing or unknown field is named in
the text, and the path is that of the object around it.
"""

import re

import msgspec

from ..contract.base import FieldError
from ..errors import InvalidRequestError

BODY = "body"
MAX_NAME_CHARACTERS = 100
FIELD_IN_OBJECT = re.compile(r"Object (missing required|contains unknown) field `(.*)`", re.DOTALL)
LENGTH = re.compile(r"Expected `(str|array)` of length (>=|<=) (\d+)")
BOUND = re.compile(r"Expected `(?:int|float)` (>=|<=) (-?\d+)")
TYPE = re.compile(r"Expected `([a-z0-9 |]+)`")
TYPE_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
FIXED_MESSAGES = {
    "Invalid enum value": "This is not one of the accepted values.",
    "Invalid value": "This is not one of the accepted values.",
    "Invalid RFC3339 encoded datetime": "Send a time with a time zone, such as 2026-11-30T10:00:00Z.",
    "Expected `datetime` with a timezone": "Send a time with a time zone, such as 2026-11-30T10:00:00Z.",
    "Invalid RFC3339 encoded date": "Send a date, such as 2026-11-30.",
    "Number out of range": "This number is too large.",
    "Integer value out of range": "This number is too large.",
}


def invalid_request(error: Exception, noun: str = "field") -> InvalidRequestError:
    """The error for the client, with the path of the first field that is missing, unknown or invalid.

    `noun`: what the input consists of, fields or parameters.
    """
    if not isinstance(error, msgspec.ValidationError):
        return InvalidRequestError("The body is not valid JSON in UTF-8.", BODY)
    text, _, path = str(error).rpartition(" - at `$") if " - at `$" in str(error) else (str(error), "", "")
    path = path.removesuffix("`").lstrip(".")
    if isinstance(error.__cause__, FieldError):
        path = ".".join(filter(None, (path, error.__cause__.field)))
    if named := FIELD_IN_OBJECT.fullmatch(text):
        problem, name = named.groups()
        message = (
            f"This {noun} is required." if problem.startswith("missing") else f"This {noun} is unknown. Remove it."
        )
        return InvalidRequestError(message, ".".join(filter(None, (path, name[:MAX_NAME_CHARACTERS]))))
    return InvalidRequestError(_message(text, error), path or BODY)


def _message(text: str, error: Exception) -> str:
    if isinstance(error.__cause__, ValueError):  # A shape's own check, which says what is wrong.
        return str(error.__cause__)
    for start, message in FIXED_MESSAGES.items():
        if text.startswith(start):
            return message
    if length := LENGTH.match(text):
        kind, operator, number = length[1], length[2], int(length[3])
        noun = ("character" if kind == "str" else "item") + ("" if number == 1 else "s")
        return f"This must have {_bound(operator)} {number:,} {noun}."
    if bound := BOUND.match(text):
        return f"This must be {_bound(bound[1])} {int(bound[2]):,}."
    if " matching regex " in text:
        return "This has characters or a format that are not accepted here."
    if found := TYPE.match(text):
        names = [name for name in found[1].split(" | ") if name != "null"] or ["null"]
        return f"This must be {' or '.join(TYPE_NAMES.get(name, 'another value') for name in names)}."
    return "This value is invalid."


def _bound(operator: str) -> str:
    return "at least" if operator == ">=" else "at most"
