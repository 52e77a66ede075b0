"""The contract as a judge: whether an answer is one that the document tells of."""

import copy
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

from jsonschema_rs import Draft202012Validator

from tests.http.http_client import Heard

JSON = "application/json"


def closed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with shapes that take no field beside their own: what a client may overlook, a test must not."""
    strict = copy.deepcopy(document)
    for schema in strict["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return strict


@dataclass(frozen=True)
class Contract:
    document: dict[str, Any]

    def broken(self, answers: Iterable[Heard]) -> list[str]:
        """What the document does not tell of, one line each, each once."""
        return sorted({fault for heard in answers for fault in self.faults(heard)})

    def faults(self, heard: Heard) -> Iterator[str]:
        """What is wrong with one answer. Preflights, and what no route is there for, are the gateway's."""
        path = self._path(heard.method, heard.path)
        if path is None or heard.method == "OPTIONS":
            return
        at = f"{heard.method} {path}: {heard.status}"
        answer = self._answer(path, heard)
        media_type = heard.content_type.split(";")[0]
        if answer is None:
            yield f"{at}: not documented: {heard.text[:200]}"
        elif "content" not in answer:
            if heard.text:
                yield f"{at}: has a body"
        elif media_type not in answer["content"]:
            yield f"{at}: {media_type} is not documented"
        elif media_type == JSON:
            for error in self._validator(path, heard).iter_errors(json.loads(heard.text)):
                yield f"{at}: {'.'.join(map(str, error.instance_path))}: {error.message[:300]}"

    def _path(self, method: str, asked: str) -> str | None:
        given = urlsplit(asked).path.rstrip("/").split("/")
        for path, methods in sorted(self.document["paths"].items()):
            wanted = path.split("/")
            if len(wanted) == len(given) and method.lower() in methods and all(map(_fits, wanted, given)):
                return str(path)
        return None

    def _answer(self, path: str, heard: Heard) -> dict[str, Any] | None:
        found = self.document["paths"][path][heard.method.lower()]["responses"].get(str(heard.status))
        if found and "$ref" in found:
            found = self.document["components"]["responses"][found["$ref"].rsplit("/", 1)[1]]
        return dict(found) if found else None

    def _validator(self, path: str, heard: Heard) -> Draft202012Validator:
        key = (path, heard.method, heard.status)
        if key not in self._validators:
            answer = self._answer(path, heard)
            assert answer
            schema = answer["content"][JSON]["schema"] | {"components": self._components}
            self._validators[key] = Draft202012Validator(schema, validate_formats=True)
        return self._validators[key]

    @cached_property
    def _components(self) -> dict[str, Any]:
        return dict(closed(self.document)["components"])

    @cached_property
    def _validators(self) -> dict[tuple[str, str, int], Draft202012Validator]:
        return {}


def _fits(wanted: str, given: str) -> bool:
    return wanted == unquote(given) or (wanted.startswith("{") and given != "")
