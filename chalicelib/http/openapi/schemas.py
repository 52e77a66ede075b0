"""The shapes of the contract as JSON Schemas for OpenAPI 3.1."""

from collections.abc import Iterable
from typing import Any

import msgspec

from ... import contract

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/{name}"
# Defaults that only mean "left out"; in the document they would look like values that are sent.
EMPTY_DEFAULTS: tuple[Any, ...] = (None, "", [])
BASES = (contract.RequestShape, contract.ResponseShape)


class Schemas:
    """JSON Schemas of a set of shapes; the named ones are `components`, which the others refer to."""

    def __init__(self, shapes: Iterable[Any]):
        unique = list(dict.fromkeys(shapes))
        schemas, components = msgspec.json.schema_components(unique, ref_template=REFERENCE)
        self._of: dict[Any, Schema] = {shape: _plain(schema) for shape, schema in zip(unique, schemas, strict=True)}
        self.components: dict[str, Schema] = {
            name: _plain(schema) | _openness(name) for name, schema in sorted(components.items())
        }

    def of(self, shape: Any) -> Schema:
        """The schema of one of the shapes, by reference where it has a name."""
        return self._of[shape]


def fields(shape: type[msgspec.Struct]) -> dict[str, tuple[Schema, bool]]:
    """The fields of a shape by name, for parameters: the schema, and whether the field is required."""
    components = msgspec.json.schema_components([shape], ref_template=REFERENCE)[1]
    whole = _plain(components[shape.__name__])
    return {
        name: (_without_null(schema), name in whole.get("required", ()))
        for name, schema in whole.get("properties", {}).items()
    }


def _openness(name: str) -> Schema:
    """Says it where a shape of a request, unlike all others, takes unknown fields."""
    shape = getattr(contract, name, contract.ResponseShape)
    is_open = issubclass(shape, contract.RequestShape) and not shape.__struct_config__.forbid_unknown_fields
    return {"additionalProperties": True} if is_open else {}


def _plain(schema: Any) -> Any:
    """A schema without what msgspec adds: titles that repeat a name, empty defaults, and Python's way to write the end
    of a text (in ECMA's patterns, which JSON Schema uses, `$` alone means that).
    """
    if isinstance(schema, list):
        return [_plain(element) for element in schema]
    if not isinstance(schema, dict):
        return schema
    found: Schema = {}
    for name, value in schema.items():
        match name:
            case "properties" | "mapping":
                found[name] = {field: _plain(field_schema) for field, field_schema in value.items()}
            case "pattern":
                found[name] = value.replace(r"$(?!\n)", "$")
            case "enum" if len(value) == 1:
                found["const"] = value[0]
            case "title":
                pass
            case "default" if value in EMPTY_DEFAULTS:
                pass
            case "description" if value in (base.__doc__ for base in BASES):
                pass
            case "description":
                found[name] = _paragraphs(value)
            case "required" if not value:
                pass
            case _:
                found[name] = _plain(value)
    values = found.get("enum", [found["const"]] if "const" in found else [])
    if values and "type" not in found:
        found["type"] = "string" if isinstance(values[0], str) else "integer"
    return found


def _paragraphs(docstring: str) -> str:
    """Without line breaks inside paragraphs, and without indentation, which Python 3.13 removes and older ones keep."""
    return "\n\n".join(" ".join(lines.split()) for lines in docstring.split("\n\n"))


def _without_null(schema: Schema) -> Schema:
    """A parameter can be left out, but it cannot be null."""
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    return options[0] if len(options) == 1 else schema
