"""What a client of the old contract could no longer do, or understand, under the new one.

Everything rests on one question, whether each value of one schema fits another: what a client sends must fit what the
server takes now, and what the server sends must fit what the client knows. In doubt the answer is no. Clients are
told that answers may get new fields, new words in a list of words, and new errors.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
# Bounds of what is taken, and whether a smaller number is stricter.
BOUNDS = {
    "minimum": False, "minLength": False, "minItems": False,
    "maximum": True, "maxLength": True, "maxItems": True,
}  # fmt: skip
# What `Fit` knows how to judge, and what bounds nothing. Of any other word it asks that it is as it was.
JUDGED = {"$ref", "anyOf", "type", "enum", "const", "pattern", "format", "properties", "required", "items", *BOUNDS}
JUDGED |= {"additionalProperties", "default", "description", "title", "example", "examples", "deprecated"}
FOR_ADMINS = "Needs the group `admins`."


def breaking(old: Json, new: Json) -> list[str]:
    """What breaks clients of `old`, one line each; empty if nothing does."""
    return list(_breaking(old, new))


def is_announced(old: Json, new: Json) -> bool:
    """Whether the version says that things may break: another first number, below 1.0 another second one."""
    first, second = (one["info"]["version"].split(".") for one in (old, new))
    return first[0] != second[0] or (first[0] == "0" and first[1] != second[1])


def _breaking(old: Json, new: Json) -> Iterator[str]:
    for path, methods in old["paths"].items():
        for method, before in methods.items():
            at = f"{method.upper()} {path}"
            after = new["paths"].get(path, {}).get(method)
            if after is None:
                yield f"{at}: gone"
                continue
            if after["security"] and not before["security"]:
                yield f"{at}: wants a token"
            if FOR_ADMINS in after["description"] and FOR_ADMINS not in before["description"]:
                yield f"{at}: for administrators only"
            yield from _parameters(old, new, at, before, after)
            yield from _bodies(old, new, at, before, after)
            yield from _answers(old, new, at, before, after)


def _parameters(old: Json, new: Json, at: str, before: Json, after: Json) -> Iterator[str]:
    was, now = (
        {(one["in"], one["name"]): one for one in operation.get("parameters", ())} for operation in (before, after)
    )
    for (place, name), parameter in now.items():
        known = was.get((place, name))
        if parameter.get("required") and not (known and known.get("required")):
            yield f"{at}: {place} {name}: has to be given"
        if known:
            fit = Fit(sender=old, taker=new)
            yield from fit.faults(known["schema"], parameter["schema"], f"{at}: {place} {name}")
            was_said = known["schema"].get("default")
            if not known.get("required") and was_said != parameter["schema"].get("default"):
                yield f"{at}: {place} {name}: means something else where it is left out"
    for place, name in was.keys() - now.keys():
        yield f"{at}: {place} {name}: no longer taken"


def _bodies(old: Json, new: Json, at: str, before: Json, after: Json) -> Iterator[str]:
    was, now = before.get("requestBody", {}), after.get("requestBody", {})
    if now.get("required") and not was.get("required"):
        yield f"{at}: body: has to be sent"
    for media_type, content in was.get("content", {}).items():
        taken = now.get("content", {}).get(media_type)
        if taken is None:
            yield f"{at}: body: {media_type} no longer taken"
        else:
            yield from Fit(sender=old, taker=new).faults(content["schema"], taken["schema"], f"{at}: body")


def _answers(old: Json, new: Json, at: str, before: Json, after: Json) -> Iterator[str]:
    for status in after["responses"].keys() - before["responses"].keys():
        if status.startswith("2"):
            yield f"{at}: {status}: answered, too"
    for status, was in before["responses"].items():
        if not status.startswith("2"):
            continue
        now = after["responses"].get(status)
        if now is None:
            yield f"{at}: {status}: no longer answered"
            continue
        for name in was["headers"].keys() - now["headers"].keys():
            yield f"{at}: {status}: header {name}: gone"
        for media_type, content in was.get("content", {}).items():
            sent = now.get("content", {}).get(media_type)
            if sent is None:
                yield f"{at}: {status}: {media_type} no longer sent"
            else:
                fit = Fit(sender=new, taker=old, is_answer=True)
                yield from fit.faults(sent["schema"], content["schema"], f"{at}: {status}")


@dataclass(frozen=True)
class Fit:
    """Whether what `sender`'s schemas allow is allowed by `taker`'s; both are documents that references lead into."""

    sender: Json
    taker: Json
    is_answer: bool = False

    def faults(self, sent: Json, taken: Json, at: str) -> list[str]:
        """Where it is not, one line each."""
        sent, taken = _resolved(self.sender, sent), _resolved(self.taker, taken)
        if "anyOf" in sent:
            return [fault for one in sent["anyOf"] for fault in self.faults(one, taken, at)]
        if "anyOf" in taken:
            tried = [self.faults(sent, one, at) for one in taken["anyOf"]]
            return min(tried, key=len)
        return [*self._values(sent, taken, at), *self._objects(sent, taken, at), *self._arrays(sent, taken, at)]

    def _values(self, sent: Json, taken: Json, at: str) -> Iterator[str]:
        if foreign := _types(sent) - _types(taken):
            yield f"{at}: may be {', '.join(sorted(foreign))}"
            return
        if words := _words(taken):
            others = _words(sent) - words if _words(sent) else {"any other word"}
            if others and not self.is_answer:
                yield f"{at}: {', '.join(sorted(map(str, others)))}: not taken"
        for name, is_upper in BOUNDS.items():
            limit, reached = taken.get(name), sent.get(name)
            if limit is None or _words(sent):
                continue
            if reached is None or (reached > limit if is_upper else reached < limit):
                yield f"{at}: {name} is {limit}, was {reached}"
        for name in sorted(taken.keys() - JUDGED):
            if taken[name] != sent.get(name):
                yield f"{at}: {name} changed"
        for name in ("pattern", "format"):
            if name in taken and taken[name] != sent.get(name) and not _words(sent):
                yield f"{at}: {name} changed"

    def _objects(self, sent: Json, taken: Json, at: str) -> Iterator[str]:
        had, known = sent.get("properties", {}), taken.get("properties", {})
        for name in set(taken.get("required", ())) - set(sent.get("required", ())):
            yield f"{at}.{name}: {'may be missing' if self.is_answer else 'has to be given'}"
        if not self.is_answer:
            for name in had.keys() & known.keys() - set(sent.get("required", ())):
                if _default(self.sender, had[name]) != _default(self.taker, known[name]):
                    yield f"{at}.{name}: means something else where it is left out"
        for name, schema in had.items():
            if name in known:
                yield from self.faults(schema, known[name], f"{at}.{name}")
            elif taken.get("additionalProperties") is False:
                yield f"{at}.{name}: no longer taken"
        if self.is_answer:
            for name in known.keys() - had.keys() - set(taken.get("required", ())):
                yield f"{at}.{name}: gone"
        rest, fits = sent.get("additionalProperties"), taken.get("additionalProperties")
        if isinstance(rest, dict) and isinstance(fits, dict):
            yield from self.faults(rest, fits, f"{at}.*")

    def _arrays(self, sent: Json, taken: Json, at: str) -> Iterator[str]:
        if "items" in taken:
            yield from self.faults(sent.get("items", {}), taken["items"], f"{at}[]")


ALL_TYPES = frozenset({"string", "integer", "number", "boolean", "null", "object", "array"})


def _types(schema: Json) -> frozenset[str]:
    said = schema.get("type", ALL_TYPES)
    found = frozenset({said} if isinstance(said, str) else said)
    return found | {"integer"} if "number" in found else found


def _default(document: Json, schema: Json) -> Any:
    return schema.get("default", _resolved(document, schema).get("default"))


def _words(schema: Json) -> set[Any]:
    return {schema["const"]} if "const" in schema else set(schema.get("enum", ()))


def _resolved(document: Json, schema: Json) -> Json:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema
