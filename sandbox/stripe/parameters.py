"""Stripe's parameters: form fields with nested names, checked against the schema of an endpoint.

A schema maps names to rules. A rule is a dict (a nested object), a list of one rule (an array of such) or a function of
the full name of the parameter and the value sent, which returns the parsed value.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox.stripe.errors import ParamError

Rule = Any
Schema = dict[str, Rule]

NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")
MAX_FIELDS, MAX_DEPTH = 1000, 8
MAX_TEXT_CHARS, MAX_URL_CHARS = 5000, 5000
MAX_METADATA_KEYS, MAX_METADATA_KEY_CHARS, MAX_METADATA_VALUE_CHARS = 50, 40, 500


@dataclass(frozen=True)
class Required:
    """A required parameter."""

    rule: Rule


def decode(text: str) -> dict[str, Any]:
    """`a[b][0]=c` as `{"a": {"b": {"0": "c"}}}`; arrays are still dicts, by index. Raises ParamError."""
    try:
        fields = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise ParamError("Invalid request: the parameters must be UTF-8 form fields.") from None
    decoded: dict[str, Any] = {}
    for name, value in fields:
        match = NAME.match(name)
        if match is None or name.count("[") > MAX_DEPTH:
            raise ParamError(f"Invalid parameter name: {name}", param=name)
        *path, last = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        target = decoded
        for step in path:
            target = target.setdefault(step or str(len(target)), {})
            if not isinstance(target, dict):
                raise ParamError(f"Invalid object: {name}", param=name)
        last = last or str(len(target))
        if last in target:
            raise ParamError(f"You passed {name} more than once.", param=name)
        target[last] = value
    return decoded


def validate(schema: Schema, sent_parameters: dict[str, Any], within: str = "") -> dict[str, Any]:
    """The parsed values. Raises ParamError for an unknown, missing or invalid parameter."""
    for name in sent_parameters:
        if name not in schema:
            path = _path(within, name)
            raise ParamError(f"Received unknown parameter: {path}", code="parameter_unknown", param=path)
    values = {}
    for name, rule in schema.items():
        path = _path(within, name)
        if name in sent_parameters:
            values[name] = _value(rule, path, sent_parameters[name])
        elif isinstance(rule, Required):
            raise ParamError(f"Missing required param: {path}.", code="parameter_missing", param=path)
    return values


def _value(rule: Rule, path: str, sent: Any) -> Any:
    if isinstance(rule, Required):
        return _value(rule.rule, path, sent)
    if isinstance(rule, dict):
        if not isinstance(sent, dict):
            raise ParamError("Invalid object", param=path)
        return validate(rule, sent, path)
    if isinstance(rule, list):
        if not isinstance(sent, dict) or not all(index.isascii() and index.isdigit() for index in sent):
            raise ParamError("Invalid array", param=path)
        return [_value(rule[0], _path(path, index), sent[index]) for index in sorted(sent, key=int)]
    return rule(path, sent)


def _path(within: str, name: str) -> str:
    return f"{within}[{name}]" if within else name


def text(path: str, sent: Any, max_chars: int = MAX_TEXT_CHARS) -> str:
    if not isinstance(sent, str):
        raise ParamError(f"Invalid string: {path}", param=path)
    if not sent:
        raise ParamError(f"You passed an empty string for '{path}'.", code="parameter_invalid_empty", param=path)
    if len(sent) > max_chars:
        message = f"Invalid string: {path} must be at most {max_chars} characters"
        raise ParamError(message, code="parameter_invalid_string", param=path)
    return sent


def text_up_to(max_chars: int) -> Rule:
    return lambda path, sent: text(path, sent, max_chars)


def integer(minimum: int, maximum: int = 99_999_999_999) -> Rule:
    """A rule for integers in a range."""

    def rule(path: str, sent: Any) -> int:
        digits = text(path, sent)
        if re.fullmatch(r"-?[0-9]{1,18}", digits) is None:
            raise ParamError(f"Invalid integer: {digits}", code="parameter_invalid_integer", param=path)
        number = int(digits)
        if not minimum <= number <= maximum:
            message = f"This value must be from {minimum} to {maximum}."
            raise ParamError(message, code="parameter_invalid_integer", param=path)
        return number

    return rule


def boolean(path: str, sent: Any) -> bool:
    if sent not in ("true", "false"):
        raise ParamError(f"Invalid boolean: {sent}", param=path)
    return bool(sent == "true")


def choice(*values: str) -> Rule:
    def rule(path: str, sent: Any) -> str:
        if sent not in values:
            raise ParamError(f"Invalid {path}: must be one of {', '.join(values)}", param=path)
        return str(sent)

    return rule


def url(path: str, sent: Any) -> str:
    """An http or https address; the address of an extension page is refused."""
    address = text(path, sent, MAX_URL_CHARS)
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s\\]", address)
    except ValueError:
        good = False
    if not good:
        raise ParamError("Not a valid URL", "url_invalid", path)
    return address


def email(path: str, sent: Any) -> str:
    address = text(path, sent)
    if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address) is None:
        raise ParamError(f"Invalid email address: {address}", code="email_invalid", param=path)
    return address


def metadata(path: str, sent: Any) -> dict[str, str]:
    if sent == "":
        return {}
    if not isinstance(sent, dict):
        raise ParamError("Invalid object", param=path)
    if len(sent) > MAX_METADATA_KEYS:
        raise ParamError(f"Metadata can have up to {MAX_METADATA_KEYS} keys, you passed {len(sent)}.", param=path)
    for key, value in sent.items():
        where = _path(path, key)
        if len(key) > MAX_METADATA_KEY_CHARS:
            message = f"Metadata keys can have up to {MAX_METADATA_KEY_CHARS} characters; invalid key: {key}"
            raise ParamError(message, param=where)
        if not isinstance(value, str):
            raise ParamError(f"Invalid string: {where}", param=where)
        if len(value) > MAX_METADATA_VALUE_CHARS:
            message = (
                f"Metadata values can have up to {MAX_METADATA_VALUE_CHARS} characters, but yours has {len(value)}."
            )
            raise ParamError(message, param=where)
    return {key: value for key, value in sent.items() if value}
