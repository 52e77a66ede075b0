"""DynamoDB in this process: the engine of the emulator, called without a server, a connection or a signature.

`InProcessDynamoDB` stands for the client that `Tables` gets; `use_in_process_engine` puts the same engine under a real
client of botocore, for tests of its retries. All of them share one engine, as clients of one server do.
"""

import base64
import io
import json
import marshal
import threading
import time
from collections.abc import Callable
from functools import cache, lru_cache, partial
from types import SimpleNamespace
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import ClientError, ParamValidationError
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser
from botocore.validate import ParamValidator
from ministack.services import dynamodb, dynamodb_streams

Answer = tuple[int, bytes]  # HTTP status and body
Intercept = Callable[[str, dict[str, Any], Callable[[], Answer]], Answer | None]

Handler = Callable[[Any], tuple[int, dict[str, str], str | bytes]]
HANDLERS: dict[str, Handler] = {
    "BatchGetItem": dynamodb._batch_get_item,
    "BatchWriteItem": dynamodb._batch_write_item,
    "CreateTable": dynamodb._create_table,
    "DeleteItem": dynamodb._delete_item,
    "DeleteTable": dynamodb._delete_table,
    "DescribeTable": dynamodb._describe_table,
    "GetItem": dynamodb._get_item,
    "PutItem": dynamodb._put_item,
    "Query": dynamodb._query,
    "Scan": dynamodb._scan,
    "TransactWriteItems": dynamodb._transact_write_items,
    "UpdateItem": dynamodb._update_item,
}
STREAM_HANDLERS: dict[str, Handler] = {
    "DescribeStream": dynamodb_streams._describe_stream,
    "GetRecords": dynamodb_streams._get_records,
    "GetShardIterator": dynamodb_streams._get_shard_iterator,
}
ALL_HANDLERS = HANDLERS | STREAM_HANDLERS
PARSED_EXPRESSIONS = 4_096
CACHED_NUMBERS = 65_536
# The engine copies each item and parses each expression several times. Items are plain JSON, which marshal copies
# faster than deepcopy, and there are few expressions.
_tokenize = lru_cache(PARSED_EXPRESSIONS)(dynamodb._tokenize)
dynamodb.copy = SimpleNamespace(deepcopy=lambda value: marshal.loads(marshal.dumps(value)))
dynamodb._tokenize = lambda expression: list(_tokenize(expression))
dynamodb._condition_syntax_error = lru_cache(PARSED_EXPRESSIONS)(dynamodb._condition_syntax_error)


def _cached_for_texts(rule: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A rule of numbers, which are texts; a malformed request has other values in their place."""
    cached = lru_cache(CACHED_NUMBERS)(rule)
    return lambda value: cached(value) if isinstance(value, str) else rule(value)


for _rule in ("_ddb_canonicalize_number", "_number_error", "_number_size_bytes"):
    setattr(dynamodb, _rule, _cached_for_texts(getattr(dynamodb, _rule)))


def _refuse_missing_paths(apply_clause: Callable[..., None]) -> Callable[..., None]:
    """A clause as DynamoDB applies it: it refuses a path below something that the item does not have."""

    def apply_to_existing_paths(item: dict[str, Any], tokens: Any, *more: Any) -> None:
        *_, names, _updated = more
        for path in (dynamodb._parse_path_from_tokens(each, names) for each in dynamodb._split_by_comma(tokens)):
            inner: Any = {"M": item}
            try:
                for step in path[:-1]:
                    inner = inner["M" if isinstance(step, str) else "L"][step]
                inner["M" if isinstance(path[-1], str) else "L"]
            except LookupError:
                raise ValueError("The document path provided in the update expression is invalid for update") from None
        apply_clause(item, tokens, *more)

    return apply_to_existing_paths


# The emulator ignores such paths.
for _clause in ("_apply_add", "_apply_delete", "_apply_remove"):
    setattr(dynamodb, _clause, _refuse_missing_paths(getattr(dynamodb, _clause)))
# The server of the emulator runs one handler at a time too.
_one_at_a_time = threading.RLock()
_validator, _parser = ParamValidator(), create_parser("json")


def answer(operation: str, body: bytes) -> Answer:
    """What the server of the emulator would answer to this body."""
    with _one_at_a_time:
        status, _, answered = ALL_HANDLERS[operation](json.loads(body))
    return status, answered if isinstance(answered, bytes) else answered.encode()


class InProcessDynamoDB:
    """The operations of `HANDLERS` under the names of boto3's client, with its answers and its errors.

    Parameters are validated; nothing is retried, as by a client with one attempt. Answers have no `ResponseMetadata`.
    `intercept` gets the operation, the request and what sends it: it answers in the engine's place, or returns None.
    """

    def __init__(self, intercept: Intercept = lambda *_: None):
        self._intercept = intercept

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        operation = self._operations().get(method)
        if operation is None:
            raise AttributeError(method)
        call = partial(self._call, operation)
        setattr(self, method, call)
        return call

    def close(self) -> None:
        pass

    def _operations(self) -> dict[str, OperationModel]:
        return operations("dynamodb", HANDLERS)

    def _call(self, operation: OperationModel, **request: Any) -> dict[str, Any]:
        report = _validator.validate(request, operation.input_shape)
        if report.has_errors():
            raise ParamValidationError(report=report.generate_report())
        send = partial(answer, operation.name, json.dumps(request, default=_as_base64).encode())
        status, body = self._intercept(operation.name, request, send) or send()
        if threading.active_count() > 1:
            time.sleep(0)  # Other threads have their turn between two calls, as they have while a server answers.
        if status >= 400:
            raise error_of(operation, status, body)
        answered: dict[str, Any] = json.loads(body, object_hook=with_bytes)
        return answered


class InProcessStreams(InProcessDynamoDB):
    """The operations of `STREAM_HANDLERS`, as boto3's client of streams has them; a record's time is a number."""

    def _operations(self) -> dict[str, OperationModel]:
        return operations("dynamodbstreams", STREAM_HANDLERS)


def error_of(operation: OperationModel, status: int, body: bytes) -> ClientError:
    """The error that botocore makes of this answer."""
    response = {"status_code": status, "headers": {}, "body": body}
    parsed = _parser.parse(response, operation.output_shape)
    shape = operation.service_model.shape_for_error_code(parsed["Error"]["Code"])
    if shape is not None:
        parsed |= _parser.parse(response, shape)
    return ClientError(parsed, operation.name)


class InProcessSession:
    """Takes the place of the HTTP session of a client of botocore."""

    def send(self, request: Any) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        name = target.decode() if isinstance(target, bytes) else target
        return as_response(request.url, *answer(name.rpartition(".")[2], request.body))

    def close(self) -> None:
        pass


def as_response(url: str, status: int, body: bytes) -> AWSResponse:
    """The answer as botocore gets it from its HTTP session."""
    response = AWSResponse(url, status, HeadersDict({"Content-Type": "application/x-amz-json-1.0"}), io.BytesIO())
    response._content = body
    return response


def use_in_process_engine(client: Any) -> None:
    """From now on this client of botocore asks the engine of this process, whatever its endpoint is."""
    client._endpoint.http_session = InProcessSession()


def operations(service: str, handlers: dict[str, Handler]) -> dict[str, OperationModel]:
    """The operations of a service that have a handler, by the name of the client's method."""
    model = _service_model(service)
    return {xform_name(name): model.operation_model(name) for name in handlers}


@cache
def _service_model(service: str) -> ServiceModel:
    loader = botocore.session.get_session().get_component("data_loader")
    return ServiceModel(loader.load_service_model(service, "service-2"))


def _as_base64(value: Any) -> str:
    return base64.b64encode(value).decode()


def with_bytes(value: dict[str, Any]) -> dict[str, Any]:
    if len(value) == 1:
        if isinstance(encoded := value.get("B"), str):
            return {"B": base64.b64decode(encoded)}
        if isinstance(encoded := value.get("BS"), list):
            return {"BS": [base64.b64decode(element) for element in encoded]}
    return value
