"""Two engines that get the same requests, the emulator's in this process and Amazon's, and how they differ."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from chalicelib.errors import UnavailableError
from chalicelib.repositories.table import Item, WriteRefusedError
from tests.engines import IN_PROCESS, Engine
from tests.in_process_dynamodb import Answer, InProcessDynamoDB, as_response
from tests.repositories.engine_differences import KnownDifference, code_of, comparable, find_difference, plain_value

Outcome = dict[str, Any]  # An answer; or the response of an error, with its class as "raised".
EXPECTED_ERRORS = (WriteRefusedError, UnavailableError, ClientError, ParamValidationError)
SHOWN_CHARACTERS = 3_000


class EnginesDifferError(AssertionError):
    """The engines answered one request differently, or hold different items after the same requests."""


class EnginePair:
    """A client that sends each request to both engines, compares the outcomes, and answers as the one in this process.

    What that engine answers also goes through a client of botocore, which must make the same of it. Where a declared
    difference leaves different items behind, Amazon's are copied.
    """

    tables = Engine.tables  # of the same names on both

    def __init__(self, amazon: Any):
        self.amazon, self.in_process = amazon, InProcessDynamoDB(self._record)
        self.client = self
        self.outcomes = Counter[str]()
        self.differences = Counter[KnownDifference]()
        self._replaying = Engine(IN_PROCESS).new_client(attempts=1)
        self._replaying._endpoint.http_session = self
        self._recorded: tuple[dict[str, Any], Answer]

    @property
    def requests(self) -> int:
        return self.outcomes.total()

    def __getattr__(self, method: str) -> Callable[..., Outcome]:
        return partial(self._call, method)

    def run(self, step: Callable[["EnginePair"], object]) -> None:
        """Run a step; only a difference is an error."""
        with suppress(*EXPECTED_ERRORS):
            step(self)

    def compare_items(self, names: tuple[str, str]) -> None:
        """Compare both tables and the index, whole."""
        for request in (
            {"TableName": names[0]},
            {"TableName": names[1]},
            {"TableName": names[0], "IndexName": "open_holds"},
        ):
            self.compare_pages("scan", request)

    def compare_pages(self, method: str, request: dict[str, Any], position: int = -1) -> None:
        """Compare what all pages of a scan or a query hold: where a page ends may be each engine's own.

        The next page starts after the item at `position` of a page, as an audit does, if the page has so many items.
        """
        self.outcomes[f"{method}: all pages"] += 1
        in_process, amazon = (
            outcome_of(partial(_read_pages, getattr(client, method), request, position))
            for client in (self.in_process, self.amazon)
        )
        if in_process != amazon and not self._is_declared(method, in_process, amazon):
            raise EnginesDifferError(_difference(method, request, in_process, amazon))

    def _call(self, method: str, **request: Any) -> Outcome:
        in_process = outcome_of(partial(getattr(self.in_process, method), **request))
        amazon = outcome_of(partial(getattr(self.amazon, method), **request))
        if method in ("create_table", "delete_table"):
            return in_process
        replayed = outcome_of(partial(getattr(self._replaying, method), **request))
        if in_process != replayed:
            raise EnginesDifferError(_difference(method, request, in_process, replayed, "a client of botocore"))
        self.outcomes[f"{method}: {code_of(amazon)}"] += 1
        if comparable(in_process, request) != comparable(amazon, request):
            if not self._is_declared(method, in_process, amazon):
                raise EnginesDifferError(_difference(method, request, in_process, amazon))
            self._copy_from_amazon(request)
        if in_process.get("raised") == "ParamValidationError":
            raise ParamValidationError(report=in_process["message"])
        if "raised" in in_process:
            raise ClientError(in_process, method)
        return in_process

    def _is_declared(self, method: str, in_process: Outcome, amazon: Outcome) -> bool:
        difference = find_difference(method, in_process, amazon)
        if difference is not None:
            self.differences[difference] += 1
        return difference is not None

    def _copy_from_amazon(self, request: dict[str, Any]) -> None:
        for name, key in _written_keys(request):
            named = {"TableName": name, "Key": key}
            item = outcome_of(partial(self.amazon.get_item, ConsistentRead=True, **named)).get("Item")
            outcome_of(partial(self.in_process.delete_item, **named))
            if item:
                self.in_process.put_item(TableName=name, Item=item)

    def _record(self, _operation: str, request: dict[str, Any], send: Callable[[], Answer]) -> Answer:
        self._recorded = request, send()
        return self._recorded[1]

    def send(self, request: Any) -> Any:
        """As the HTTP session of a client of botocore: what the engine in this process just answered."""
        recorded, answer = self._recorded
        if json.loads(request.body) != json.loads(json.dumps(recorded, default=_as_sent)):
            raise EnginesDifferError(f"botocore sends {request.body}")
        return as_response(request.url, *answer)

    def close(self) -> None:
        pass


def outcome_of(call: Callable[[], Outcome]) -> Outcome:
    """The answer, or the error."""
    try:
        answer = dict(call())
    except ClientError as error:
        response = {name: value for name, value in error.response.items() if name != "ResponseMetadata"}
        return {"raised": "ClientError", **response}
    except ParamValidationError as error:
        return {"raised": "ParamValidationError", "message": error.kwargs["report"]}
    answer.pop("ResponseMetadata", None)
    return answer


def _read_pages(read: Callable[..., Outcome], request: dict[str, Any], position: int) -> Outcome:
    """The items of all pages: of a query in order, of a scan by key, as each engine orders partitions."""
    found: dict[str, Item] = {}
    start: Item = {}
    while True:
        page = read(**request, **start)
        keys = [{name: item[name] for name in ("pk", "sk")} for item in page["Items"]]
        found |= {repr(key): plain_value(item) for key, item in zip(keys, page["Items"], strict=True)}
        if "LastEvaluatedKey" not in page:
            items = found.items() if "KeyConditionExpression" in request else sorted(found.items())
            return {"items": [item for _, item in items]}
        start = {"ExclusiveStartKey": keys[position] if 0 <= position < len(keys) else page["LastEvaluatedKey"]}


def _written_keys(request: dict[str, Any]) -> Iterator[tuple[str, Item]]:
    """The tables and keys of a write or a transaction; a batch writes nothing that could differ."""
    for action in request.get("TransactItems", [{"": request}] if "TableName" in request else []):
        for write in action.values():
            item = write.get("Key") or write.get("Item") or {}
            yield write["TableName"], {name: item[name] for name in ("pk", "sk") if name in item}


def _as_sent(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _difference(method: str, request: Any, in_process: Outcome, other: Outcome, named: str = "Amazon's engine") -> str:
    lines = {"request": request, "in process": in_process, named: other}
    return "\n".join([method, *(f"  {name}: {_shorten(value)}" for name, value in lines.items())])


def _shorten(value: Any) -> str:
    text = repr(value)
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return f"{text[: SHOWN_CHARACTERS // 2]} … {text[-SHOWN_CHARACTERS // 2 :]}"
