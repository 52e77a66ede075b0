"""JSON Schemas as OpenAI accepts them: the rules of strict mode, and values that follow a schema."""

import re
from typing import Any

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

Schema = dict[str, Any]


class SchemaError(Exception):
    """The schema is not accepted."""


def strict_mode_errors(schema: Schema) -> list[str]:
    """Violations of strict mode: an object must require all its properties and allow no others."""
    errors = [] if schema.get("type") == "object" else ["schema must be a JSON Schema of 'type: \"object\"'"]
    todo: list[tuple[str, Any]] = [("()", schema)]
    while todo:
        path, part = todo.pop()
        if not isinstance(part, dict):
            errors.append(f"In context={path}, a schema must be an object")
            continue
        properties = part.get("properties", {})
        if not isinstance(properties, dict):
            errors.append(f"In context={path}, 'properties' must be an object")
            continue
        if "object" in _types(part):
            if part.get("additionalProperties") is not False:
                errors.append(f"In context={path}, 'additionalProperties' is required to be supplied and to be false")
            missing = sorted(set(properties) ^ set(part.get("required", [])))
            if missing:
                errors.append(f"In context={path}, 'required' must name every property and no other: {missing}")
        if "array" in _types(part):
            todo.append((f"{path}.items", part.get("items")))
        todo += [(f"{path}.{name}", inner) for name, inner in properties.items()]
        todo += [(f"{path}.{name}", inner) for name, inner in part.get("$defs", {}).items()]
        todo += [(f"{path}.anyOf", inner) for inner in part.get("anyOf", [])]
    return errors


def fit_value(schema: Schema, value: Any, text: str = "") -> Any:
    """`value` changed to follow `schema`: unknown fields are dropped, missing ones get the smallest valid value.

    `text` stands in for a missing string.
    """
    return _Fitter(schema, text).coerce(schema, value)


def check_schema(schema: Schema, strict: bool) -> None:
    """Raises SchemaError for a schema that strict mode refuses, or that no finite value follows."""
    try:
        errors = strict_mode_errors(schema) if strict else []
        fit_value(schema, None)
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise SchemaError("it is malformed, or contains itself without an end") from error
    if errors:
        raise SchemaError("; ".join(errors))


class _Fitter:
    def __init__(self, root: Schema, text: str):
        self._root, self._text = root, text

    def coerce(self, schema: Schema, value: Any) -> Any:
        schema = self._resolve(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return value if value in schema["enum"] else schema["enum"][0]
        if "anyOf" in schema:
            options = [self._resolve(option) for option in schema["anyOf"]]
            matching = next(
                (option for option in options if value is not None and _has_type(value, _types(option))), None
            )
            empty = next((option for option in options if "null" in _types(option)), options[0])
            return self.coerce(matching or empty, value)
        types = _types(schema)
        match types[0] if types else "":
            case "object":
                fields = value if isinstance(value, dict) else {}
                properties = schema.get("properties", {})
                return {name: self.coerce(part, fields.get(name)) for name, part in properties.items()}
            case "array":
                items = value if isinstance(value, list) else []
                items = items[: schema.get("maxItems", len(items))]
                items = items + [None] * (schema.get("minItems", 0) - len(items))
                return [self.coerce(schema.get("items", {}), item) for item in items]
            case "string":
                return value if isinstance(value, str) else self._text
            case "integer" | "number":
                return value if _has_type(value, types) else schema.get("minimum", 0)
            case "boolean":
                return value if isinstance(value, bool) else False
        return value

    def _resolve(self, schema: Schema) -> Schema:
        """The schema that a local reference points to."""
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        found: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            found = found[step] if step else found
        return dict(found)


def _types(schema: Schema) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def _has_type(value: Any, types: list[str]) -> bool:
    kinds: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
    }
    if isinstance(value, bool):
        return "boolean" in types
    return any(isinstance(value, kinds[kind]) for kind in types if kind in kinds)
