"""JSON Schemas as OpenAI takes them: what strict mode demands of one, and values that follow it."""

import re
from typing import Any

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

Schema = dict[str, Any]


class SchemaError(Exception):
    """The schema is none that is taken."""


def faults_of(schema: Schema) -> list[str]:
    """What strict mode refuses in a schema: an object must name all its properties as required and take no others."""
    wrong = [] if schema.get("type") == "object" else ["schema must be a JSON Schema of 'type: \"object\"'"]
    todo: list[tuple[str, Any]] = [("()", schema)]
    while todo:
        place, part = todo.pop()
        if not isinstance(part, dict):
            wrong.append(f"In context={place}, a schema is an object")
            continue
        properties = part.get("properties", {})
        if not isinstance(properties, dict):
            wrong.append(f"In context={place}, 'properties' is an object")
            continue
        if "object" in _types(part):
            if part.get("additionalProperties") is not False:
                wrong.append(f"In context={place}, 'additionalProperties' is required to be supplied and to be false")
            missing = sorted(set(properties) ^ set(part.get("required", [])))
            if missing:
                wrong.append(f"In context={place}, 'required' must name every property and no other: {missing}")
        if "array" in _types(part):
            todo.append((f"{place}.items", part.get("items")))
        todo += [(f"{place}.{name}", inner) for name, inner in properties.items()]
        todo += [(f"{place}.{name}", inner) for name, inner in part.get("$defs", {}).items()]
        todo += [(f"{place}.anyOf", inner) for inner in part.get("anyOf", [])]
    return wrong


def fitted(schema: Schema, wish: Any, text: str = "") -> Any:
    """`wish` made to follow `schema`: what it has no place for goes, what is missing becomes the least there can be.

    `text` stands where a string is missing.
    """
    return _Fitter(schema, text).fit(schema, wish)


def check(schema: Schema, strict: bool) -> None:
    """Raises SchemaError for a schema that strict mode refuses, or that no value follows."""
    try:
        wrong = faults_of(schema) if strict else []
        fitted(schema, None)
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise SchemaError("it is malformed, or contains itself without an end") from error
    if wrong:
        raise SchemaError("; ".join(wrong))


class _Fitter:
    def __init__(self, root: Schema, text: str):
        self._root, self._text = root, text

    def fit(self, schema: Schema, wish: Any) -> Any:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return wish if wish in schema["enum"] else schema["enum"][0]
        if "anyOf" in schema:
            options = [self._resolved(option) for option in schema["anyOf"]]
            able = next((option for option in options if wish is not None and _is(wish, _types(option))), None)
            empty = next((option for option in options if "null" in _types(option)), options[0])
            return self.fit(able or empty, wish)
        types = _types(schema)
        match types[0] if types else "":
            case "object":
                known = wish if isinstance(wish, dict) else {}
                properties = schema.get("properties", {})
                return {name: self.fit(part, known.get(name)) for name, part in properties.items()}
            case "array":
                given = wish if isinstance(wish, list) else []
                given = given[: schema.get("maxItems", len(given))]
                given = given + [None] * (schema.get("minItems", 0) - len(given))
                return [self.fit(schema.get("items", {}), item) for item in given]
            case "string":
                return wish if isinstance(wish, str) else self._text
            case "integer" | "number":
                return wish if _is(wish, types) else schema.get("minimum", 0)
            case "boolean":
                return wish if isinstance(wish, bool) else False
        return wish

    def _resolved(self, schema: Schema) -> Schema:
        """What a reference within the schema stands for."""
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


def _is(value: Any, types: list[str]) -> bool:
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
