"""Checks responses against the OpenAPI document: status, media type, shape, error code and reason are documented."""

import copy
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

from jsonschema_rs import Draft202012Validator

from tests.http.http_client import RecordedResponse

JSON = "application/json"


def close_shapes(document: dict[str, Any]) -> dict[str, Any]:
    """The document with shapes that allow no additional fields: clients ignore those, tests must not."""
    strict = copy.deepcopy(document)
    for schema in strict["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return strict


@dataclass(frozen=True)
class ContractCheck:
    """An OpenAPI document that responses are checked against.

    The schema of an error response lists the codes and the reasons that its route declares, so these are checked too.
    """

    document: dict[str, Any]

    def find_all_problems(self, responses: Iterable[RecordedResponse]) -> list[str]:
        """What is not documented, one line each, without duplicates."""
        return sorted({problem for response in responses for problem in self.find_problems(response)})

    def find_problems(self, response: RecordedResponse) -> Iterator[str]:
        """What is wrong with one response. Preflights and unknown paths are the gateway's and are not checked."""
        path = self._path(response.method, response.path)
        if path is None or response.method == "OPTIONS":
            return
        at = f"{response.method} {path}: {response.status}"
        documented = self._find_documentation(path, response)
        media_type = response.content_type.split(";")[0]
        if documented is None:
            yield f"{at}: not documented: {response.text[:200]}"
        elif "content" not in documented:
            if response.text:
                yield f"{at}: has a body"
        elif media_type not in documented["content"]:
            yield f"{at}: {media_type} is not documented"
        elif media_type == JSON:
            for error in self._validator(path, response).iter_errors(json.loads(response.text)):
                yield f"{at}: {'.'.join(map(str, error.instance_path))}: {error.message[:300]}"

    def _path(self, method: str, url: str) -> str | None:
        """The documented path of a URL."""
        segments = urlsplit(url).path.rstrip("/").split("/")
        for path, methods in sorted(self.document["paths"].items()):
            templates = path.split("/")
            is_same_length = len(templates) == len(segments)
            if is_same_length and method.lower() in methods and all(map(_matches, templates, segments)):
                return str(path)
        return None

    def _find_documentation(self, path: str, response: RecordedResponse) -> dict[str, Any] | None:
        """The documentation of a response with this status."""
        documented = self.document["paths"][path][response.method.lower()]["responses"].get(str(response.status))
        if documented and "$ref" in documented:
            documented = self.document["components"]["responses"][documented["$ref"].rsplit("/", 1)[1]]
        return dict(documented) if documented else None

    def _validator(self, path: str, response: RecordedResponse) -> Draft202012Validator:
        key = (path, response.method, response.status)
        if key not in self._validators:
            documented = self._find_documentation(path, response)
            assert documented
            schema = documented["content"][JSON]["schema"] | {"components": self._components}
            self._validators[key] = Draft202012Validator(schema, validate_formats=True)
        return self._validators[key]

    @cached_property
    def _components(self) -> dict[str, Any]:
        return dict(close_shapes(self.document)["components"])

    @cached_property
    def _validators(self) -> dict[tuple[str, str, int], Draft202012Validator]:
        return {}


def _matches(template: str, segment: str) -> bool:
    return template == unquote(segment) or (template.startswith("{") and segment != "")
