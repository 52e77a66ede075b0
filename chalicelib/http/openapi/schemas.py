"""The shapes on the wire as JSON Schemas, the way OpenAPI 3.1 wants them."""

from collections.abc import Iterable
from typing import Any

import msgspec

from ... import contract

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/{name}"
# What a reader of the document would take for a value that is sent, and means no more than "left out".
SAYS_NOTHING: tuple[Any, ...] = (None, "", [])
BASES = (contract.Request, contract.Answer)


class Schemas:
    """JSON Schemas of a set of shapes; those with a name are `components`, which the others refer to."""

    def __init__(self, shapes: Iterable[Any]):
        known = list(dict.fromkeys(shapes))
        schemas, components = msgspec.json.schema_components(known, ref_template=REFERENCE)
        self._of: dict[Any, Schema] = {shape: _plain(schema) for shape, schema in zip(known, schemas, strict=True)}
        self.components: dict[str, Schema] = {name: _plain(schema) for name, schema in sorted(components.items())}

    def of(self, shape: Any) -> Schema:
        """The schema of one of the shapes, by reference where it has a name."""
        return self._of[shape]


def fields(shape: type[msgspec.Struct]) -> dict[str, tuple[Schema, bool]]:
    """A shape's fields on their own, as parameters need them: the schema, and whether it has to be given."""
    components = msgspec.json.schema_components([shape], ref_template=REFERENCE)[1]
    whole = _plain(components[shape.__name__])
    return {
        name: (_without_null(schema), name in whole.get("required", ()))
        for name, schema in whole.get("properties", {}).items()
    }


def _plain(schema: Any) -> Any:
    """Without what msgspec says for itself: titles that repeat a name, defaults that stand for "left out", Python's
    way to write the end of a text (in ECMA's patterns, which JSON Schema takes, `$` is just that).
    """
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found: Schema = {}
    for name, value in schema.items():
        match name:
            case "properties" | "mapping":
                found[name] = {field: _plain(one) for field, one in value.items()}
            case "pattern":
                found[name] = value.replace(r"$(?!\n)", "$")
            case "enum" if len(value) == 1:
                found["const"] = value[0]
            case "title":
                pass
            case "default" if value in SAYS_NOTHING:
                pass
            case "description" if value in (base.__doc__ for base in BASES):
                pass
            case "required" if not value:
                pass
            case _:
                found[name] = _plain(value)
    words = found.get("enum", [found["const"]] if "const" in found else [])
    if words and "type" not in found:
        found["type"] = "string" if isinstance(words[0], str) else "integer"
    return found


def _without_null(schema: Schema) -> Schema:
    """A parameter is given or left out; it cannot be null."""
    real = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    return real[0] if len(real) == 1 else schema
