"""Finds the changes of a contract that break existing clients.

Everything rests on one question, whether each value of one schema is valid under another: what a client sends must be
valid for the new server, and what the new server sends must be valid for the old client. In doubt, a change is
breaking. Documented for clients: responses may get new fields, new values in enumerations, and new errors.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
# Bounds, and whether a smaller number is stricter.
BOUNDS = {
    "minimum": False, "minLength": False, "minItems": False,
    "maximum": True, "maxLength": True, "maxItems": True,
}  # fmt: skip
# Keywords that `Compatibility` compares, and those that allow every value. Any other keyword must be unchanged.
COMPARED = {"$ref", "anyOf", "type", "enum", "const", "pattern", "format", "properties", "required", "items", *BOUNDS}
COMPARED |= {"additionalProperties", "default", "description", "title", "example", "examples", "deprecated"}
FOR_ADMINS = "Needs the group `admins`."


def breaking_changes(old: Json, new: Json) -> list[str]:
    """The changes that break clients of `old`, one line each."""
    return list(_changes(old, new))


def is_announced(old: Json, new: Json) -> bool:
    """Whether the version allows breaking changes: a new major version or, below 1.0, a new minor version."""
    old_version, new_version = (document["info"]["version"].split(".") for document in (old, new))
    is_new_minor_below_1 = old_version[0] == "0" and old_version[1] != new_version[1]
    return old_version[0] != new_version[0] or is_new_minor_below_1


def _changes(old: Json, new: Json) -> Iterator[str]:
    for path, methods in old["paths"].items():
        for method, before in methods.items():
            at = f"{method.upper()} {path}"
            after = new["paths"].get(path, {}).get(method)
            if after is None:
                yield f"{at}: removed"
                continue
            if after["security"] and not before["security"]:
                yield f"{at}: needs a token"
            if FOR_ADMINS in after["description"] and FOR_ADMINS not in before["description"]:
                yield f"{at}: for administrators only"
            yield from _parameters(old, new, at, before, after)
            yield from _bodies(old, new, at, before, after)
            yield from _responses(old, new, at, before, after)


def _parameters(old: Json, new: Json, at: str, before: Json, after: Json) -> Iterator[str]:
    old_parameters, new_parameters = (
        {(parameter["in"], parameter["name"]): parameter for parameter in operation.get("parameters", ())}
        for operation in (before, after)
    )
    for (place, name), parameter in new_parameters.items():
        old_parameter = old_parameters.get((place, name))
        if parameter.get("required") and not (old_parameter and old_parameter.get("required")):
            yield f"{at}: {place} {name}: is now required"
        if old_parameter:
            requests = Compatibility(sender=old, receiver=new)
            yield from requests.find_problems(old_parameter["schema"], parameter["schema"], f"{at}: {place} {name}")
            old_default = old_parameter["schema"].get("default")
            if not old_parameter.get("required") and old_default != parameter["schema"].get("default"):
                yield f"{at}: {place} {name}: has another default"
    for place, name in old_parameters.keys() - new_parameters.keys():
        yield f"{at}: {place} {name}: no longer accepted"


def _bodies(old: Json, new: Json, at: str, before: Json, after: Json) -> Iterator[str]:
    old_body, new_body = before.get("requestBody", {}), after.get("requestBody", {})
    if new_body.get("required") and not old_body.get("required"):
        yield f"{at}: body: is now required"
    requests = Compatibility(sender=old, receiver=new)
    for media_type, content in old_body.get("content", {}).items():
        accepted = new_body.get("content", {}).get(media_type)
        if accepted is None:
            yield f"{at}: body: {media_type} no longer accepted"
        else:
            yield from requests.find_problems(content["schema"], accepted["schema"], f"{at}: body")


def _responses(old: Json, new: Json, at: str, before: Json, after: Json) -> Iterator[str]:
    for status in after["responses"].keys() - before["responses"].keys():
        if status.startswith("2"):
            yield f"{at}: {status}: new successful status"
    responses = Compatibility(sender=new, receiver=old, is_response=True)
    for status, old_response in before["responses"].items():
        if not status.startswith("2"):
            continue
        response = after["responses"].get(status)
        if response is None:
            yield f"{at}: {status}: no longer returned"
            continue
        for name in old_response["headers"].keys() - response["headers"].keys():
            yield f"{at}: {status}: header {name}: removed"
        for media_type, content in old_response.get("content", {}).items():
            sent = response.get("content", {}).get(media_type)
            if sent is None:
                yield f"{at}: {status}: {media_type} no longer returned"
            else:
                yield from responses.find_problems(sent["schema"], content["schema"], f"{at}: {status}")


@dataclass(frozen=True)
class Compatibility:
    """Whether all that `sender`'s schemas allow is valid under `receiver`'s. Both are documents with references."""

    sender: Json
    receiver: Json
    is_response: bool = False

    def find_problems(self, sent: Json, accepted: Json, at: str) -> list[str]:
        """Where it is not, one line each."""
        sent, accepted = _resolve(self.sender, sent), _resolve(self.receiver, accepted)
        if "anyOf" in sent:
            return [problem for option in sent["anyOf"] for problem in self.find_problems(option, accepted, at)]
        if "anyOf" in accepted:
            attempts = [self.find_problems(sent, option, at) for option in accepted["anyOf"]]
            return min(attempts, key=len)
        return [
            *self._values(sent, accepted, at),
            *self._objects(sent, accepted, at),
            *self._arrays(sent, accepted, at),
        ]

    def _values(self, sent: Json, accepted: Json, at: str) -> Iterator[str]:
        if new_types := _types(sent) - _types(accepted):
            yield f"{at}: may be {', '.join(sorted(new_types))}"
            return
        if values := _enum_values(accepted):
            others = _enum_values(sent) - values if _enum_values(sent) else {"any other value"}
            if others and not self.is_response:
                yield f"{at}: {', '.join(sorted(map(str, others)))}: not accepted"
        for name, is_upper in BOUNDS.items():
            limit, reached = accepted.get(name), sent.get(name)
            if limit is None or _enum_values(sent):
                continue
            if reached is None or (reached > limit if is_upper else reached < limit):
                yield f"{at}: {name} is {limit}, was {reached}"
        for name in sorted(accepted.keys() - COMPARED):
            if accepted[name] != sent.get(name):
                yield f"{at}: {name} changed"
        for name in ("pattern", "format"):
            if name in accepted and accepted[name] != sent.get(name) and not _enum_values(sent):
                yield f"{at}: {name} changed"

    def _objects(self, sent: Json, accepted: Json, at: str) -> Iterator[str]:
        sent_fields, accepted_fields = sent.get("properties", {}), accepted.get("properties", {})
        sent_required = set(sent.get("required", ()))
        for name in set(accepted.get("required", ())) - sent_required:
            yield f"{at}.{name}: {'may be missing' if self.is_response else 'is now required'}"
        if not self.is_response:
            for name in sent_fields.keys() & accepted_fields.keys() - sent_required:
                if _default(self.sender, sent_fields[name]) != _default(self.receiver, accepted_fields[name]):
                    yield f"{at}.{name}: has another default"
        for name, schema in sent_fields.items():
            if name in accepted_fields:
                yield from self.find_problems(schema, accepted_fields[name], f"{at}.{name}")
            elif accepted.get("additionalProperties") is False:
                yield f"{at}.{name}: no longer accepted"
        if self.is_response:
            for name in accepted_fields.keys() - sent_fields.keys() - set(accepted.get("required", ())):
                yield f"{at}.{name}: removed"
        sent_rest, accepted_rest = sent.get("additionalProperties"), accepted.get("additionalProperties")
        if isinstance(sent_rest, dict) and isinstance(accepted_rest, dict):
            yield from self.find_problems(sent_rest, accepted_rest, f"{at}.*")

    def _arrays(self, sent: Json, accepted: Json, at: str) -> Iterator[str]:
        if "items" in accepted:
            yield from self.find_problems(sent.get("items", {}), accepted["items"], f"{at}[]")


ALL_TYPES = frozenset({"string", "integer", "number", "boolean", "null", "object", "array"})


def _types(schema: Json) -> frozenset[str]:
    declared = schema.get("type", ALL_TYPES)
    types = frozenset({declared} if isinstance(declared, str) else declared)
    return types | {"integer"} if "number" in types else types


def _default(document: Json, schema: Json) -> Any:
    return schema.get("default", _resolve(document, schema).get("default"))


def _enum_values(schema: Json) -> set[Any]:
    return {schema["const"]} if "const" in schema else set(schema.get("enum", ()))


def _resolve(document: Json, schema: Json) -> Json:
    while "$ref" in schema:
        target: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema
