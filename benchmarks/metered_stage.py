"""The app as it is deployed, in this process: its routes and event functions, on a DynamoDB that counts what is billed.

Time stands still between the calls and is moved by hand, so that every run counts the same.
"""

import io
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal
from unittest.mock import patch

from chalice.package import YAMLTemplateSerializer
from msgspec import Struct

from benchmarks.capacity import read_units, write_units
from chalicelib.models.accounts import Caller
from scripts.shipping.project import REPOSITORY
from tests.engines import IN_PROCESS, Engine
from tests.in_process_dynamodb import Answer, InProcessDynamoDB, with_bytes

WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
TOKEN_CHARACTERS = 200  # of a provider's token; what AssemblyAI's have is not documented
LISTENER = Caller("00000000-0000-4000-8000-000000000001", 0, "listener@example.com")
SETTINGS = {
    "STAGE": "local",
    "EXTENSION_ORIGIN": "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "AWS_DEFAULT_REGION": "us-east-1",
    "UPLOAD_BUCKET": "uploads",
    "JOBS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/1/jobs",
    "COGNITO_USER_POOL_ID": "us-east-1_pool",
    "COGNITO_CLIENT_ID": "client",
    "COGNITO_CLIENT_SECRET": "secret",
    "IDENTITY_HMAC_KEY": "k" * 64,
    "ASSEMBLYAI_API_KEY": "k" * 32,
    "OPENAI_API_KEY": "k" * 32,
}
# What Lambda adds to each invocation, at the length that it has. Source: Lambda developer guide, "Viewing CloudWatch
# logs for Lambda".
LAMBDA_LINES = (
    "START RequestId: 00000000-0000-4000-8000-000000000001 Version: 12\n"
    "END RequestId: 00000000-0000-4000-8000-000000000001\n"
    "REPORT RequestId: 00000000-0000-4000-8000-000000000001\tDuration: 24.58 ms\tBilled Duration: 25 ms\t"
    "Memory Size: 512 MB\tMax Memory Used: 142 MB\t\n"
)
LINE_OVERHEAD_BYTES = 26  # CloudWatch bills 26 bytes with each log event: its user guide, "Logs quotas" (PutLogEvents)


class Counts(Struct):
    """What AWS bills of calls: each field is added up."""

    invocations: int = 0
    gateway_requests: int = 0
    write_units: float = 0
    read_units: float = 0
    reads: int = 0
    writes: int = 0
    transactions: int = 0
    provider_calls: int = 0
    queue_requests: int = 0
    log_bytes: int = 0
    response_bytes: int = 0
    metrics: dict[str, float] = {}

    def add(self, other: "Counts", times: float = 1) -> "Counts":
        """Both together; `times`: how often `other` happens."""
        summed = {
            name: getattr(self, name) + getattr(other, name) * times
            for name in self.__struct_fields__
            if name != "metrics"
        }
        names = {*self.metrics, *other.metrics}
        metrics = {name: self.metrics.get(name, 0) + other.metrics.get(name, 0) * times for name in sorted(names)}
        return Counts(**summed, metrics=metrics)


class Step(Struct):
    """One call to DynamoDB: how many items it reads or writes; a query counts as one."""

    kind: Literal["read", "write", "transaction"]
    items: int


@dataclass
class MeteredStage:
    """Calls the app, and returns what each call is billed for."""

    app: Any
    names: tuple[str, str]
    clock: SimpleNamespace
    reader: InProcessDynamoDB = field(default_factory=InProcessDynamoDB)
    counts: Counts = field(default_factory=Counts)
    steps: list[Step] = field(default_factory=list)  # of the last call
    messages: list[str] = field(default_factory=list)

    # Calls of the app

    def request(self, method: str, path: str, body: Any = None, **path_parameters: str) -> tuple[Any, Counts]:
        """The response to a request through the gateway, as JSON."""
        event = {
            "requestContext": {
                "httpMethod": method,
                "resourcePath": path,
                "requestId": "00000000-0000-4000-8000-000000000001",
                "identity": {"sourceIp": "203.0.113.1"},
            },
            "headers": {"content-type": "application/json", "authorization": "Bearer token"},
            "multiValueQueryStringParameters": None,
            "pathParameters": path_parameters,
            "stageVariables": None,
            "body": None if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }
        response, counted = self._invoke(lambda context: self.app.app(event, context))
        if response["statusCode"] >= 400:
            raise RuntimeError(f"{method} {path}: {response['body']}")
        counted.gateway_requests = 1
        counted.log_bytes += access_line_bytes(method, path)
        counted.response_bytes = len(response["body"].encode()) + len(json.dumps(response.get("headers", {})))
        return json.loads(response["body"]), counted

    def schedule(self, name: str) -> Counts:
        """One run of a scheduled function, and of the worker for the messages that it sent."""
        event = dict.fromkeys(("version", "account", "region", "source", "id", "detail-type", "time"), "")
        function = getattr(self.app, name)
        _, counted = self._invoke(lambda context: function(event | {"detail": {}, "resources": []}, context))
        return counted

    def work(self) -> Counts:
        """The worker, for each message that was sent, until there is none."""
        counted = Counts()
        while self.messages:
            record = {"body": self.messages.pop(0), "receiptHandle": "x"}
            _, handled = self._invoke(lambda context, record=record: self.app.work({"Records": [record]}, context))
            handled.queue_requests += 2  # received and deleted
            counted = counted.add(handled)
        return counted

    def count(self, images: list[dict[str, Any]]) -> Counts:
        """The consumer of the ledger's stream, for entries that came in one batch."""
        records = [
            {
                "eventName": "INSERT",
                "awsRegion": "us-east-1",
                "eventSourceARN": "arn:aws:dynamodb:us-east-1:1:table/ledger/stream/2026",
                "eventID": "x",
                "dynamodb": {
                    "ApproximateCreationDateTime": int(self.clock.at),
                    "NewImage": image,
                    "Keys": {name: image[name] for name in ("pk", "sk")},
                    "SequenceNumber": "1",
                    "SizeBytes": 1,
                    "StreamViewType": "NEW_IMAGE",
                },
            }
            for image in images
        ]
        _, counted = self._invoke(lambda context: self.app.count({"Records": records}, context))
        return counted

    def forward(self, seconds: float) -> None:
        self.clock.at += seconds

    def ledger_items(self, user_id: str, prefix: str) -> list[dict[str, Any]]:
        """Stored items of a user, uncounted."""
        found: list[dict[str, Any]] = self.reader.query(
            TableName=self.names[0],
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues={":pk": {"S": f"USER#{user_id}"}, ":sk": {"S": prefix}},
        )["Items"]
        return found

    # Counting

    def _invoke(self, call: Callable[[Any], Any]) -> tuple[Any, Counts]:
        self.counts, self.steps, written = Counts(invocations=1), [], io.StringIO()
        with redirect_stdout(written):
            answered = call(SimpleNamespace(aws_request_id="00000000-0000-4000-8000-000000000001"))
        lines = [*written.getvalue().splitlines(keepends=True), *LAMBDA_LINES.splitlines(keepends=True)]
        self.counts.log_bytes = sum(len(line.encode()) + LINE_OVERHEAD_BYTES for line in lines)
        self.counts.metrics = {name: 1 for line in lines if line.startswith("{") for name in _metrics_of(line)}
        return answered, self.counts

    def meter(self, operation: str, request: dict[str, Any], send: Callable[[], Answer]) -> Answer | None:
        """Count one call to DynamoDB."""
        if operation in WRITES or operation == "TransactWriteItems":
            return self._meter_write(operation, request, send)
        status, body = send()
        answered, self.counts.reads = json.loads(body, object_hook=with_bytes), self.counts.reads + 1
        if operation == "BatchGetItem":
            found = [item for items in answered["Responses"].values() for item in items]
            missing = sum(len(table["Keys"]) for table in request["RequestItems"].values()) - len(found)
            reads = [[item] for item in found] + [[]] * missing
        else:
            reads = [answered["Items"] if "Items" in answered else [answered.get("Item", {})]]
        self.steps.append(Step("read", len(reads)))
        is_consistent = operation == "BatchGetItem" or request.get("ConsistentRead", False)
        self.counts.read_units += sum(read_units(items, is_consistent=is_consistent) for items in reads)
        return status, body

    def _meter_write(self, operation: str, request: dict[str, Any], send: Callable[[], Answer]) -> Answer:
        is_transaction = operation == "TransactWriteItems"
        actions = request["TransactItems"] if is_transaction else [{operation: request}]
        keys = [_key_of(write) for action in actions for write in action.values()]
        before = [self._load_stored(*key) for key in keys]
        answered = send()
        if answered[0] >= 400:
            raise RuntimeError(f"refused: {operation}: {answered[1].decode()}")
        for key, old in zip(keys, before, strict=True):
            self.counts.write_units += write_units(old, self._load_stored(*key), in_transaction=is_transaction)
        self.steps.append(Step("transaction" if is_transaction else "write", len(keys)))
        self.counts.transactions += is_transaction
        self.counts.writes += not is_transaction
        return answered

    def _load_stored(self, table: str, key: dict[str, Any]) -> dict[str, Any]:
        return dict(self.reader.get_item(TableName=table, Key=key).get("Item", {}))


def _key_of(write: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    fields = write.get("Key") or write["Item"]
    return write["TableName"], {name: fields[name] for name in ("pk", "sk")}


def _metrics_of(line: str) -> list[str]:
    directives = json.loads(line).get("_aws", {}).get("CloudWatchMetrics", [])
    return [metric["Name"] for directive in directives for metric in directive["Metrics"]]


def access_line_bytes(method: str, path: str) -> int:
    """The bytes of the gateway's own log line, in the format of the template, at the length that values have."""
    values = {
        "requestId": "00000000-0000-4000-8000-000000000001",
        "requestTime": "29/Nov/2026:12:00:00 +0000",
        "httpMethod": method,
        "resourcePath": path,
        "status": "200",
        "responseLatency": "25",
        "error.responseType": "-",
    }
    text = (REPOSITORY / ".chalice" / "api.yaml").read_text(encoding="utf-8")
    resources = YAMLTemplateSerializer().load_template(text, "api.yaml")["Resources"]
    template = resources["RestAPI"]["Properties"]["AccessLogSetting"]["Format"]
    line = re.sub(r"\$context\.([\w.]+\w)", lambda found: values[found[1]], template)
    return len(line.encode()) + LINE_OVERHEAD_BYTES


@contextmanager
def metered_stage(started_at: int) -> Iterator[MeteredStage]:
    """A stage with empty tables. Once in a process: the app keeps what it has built."""
    clock = SimpleNamespace(at=float(started_at))
    with ExitStack() as stack:
        names = stack.enter_context(Engine(IN_PROCESS).tables())
        settings = SETTINGS | {"LEDGER_TABLE": names[0], "APP_TABLE": names[1]}
        stack.enter_context(patch.dict(os.environ, settings))
        stack.enter_context(patch.object(time, "time", lambda: clock.at))
        stack.enter_context(patch.object(time, "time_ns", lambda: int(clock.at * 1_000_000_000)))
        stack.enter_context(patch.object(time, "perf_counter", lambda: clock.at))
        sys.path.insert(0, str(REPOSITORY))
        import app
        from chalicelib.http import request as web
        from chalicelib.providers.transport import Transport
        from chalicelib.wiring import aws

        stage = MeteredStage(app, names, clock)
        token = {"token": "t" * TOKEN_CHARACTERS, "expires_in_seconds": 60}
        database = InProcessDynamoDB(stage.meter)

        def client(service: str, *_: Any) -> Any:
            if service == "dynamodb":
                return database
            return SimpleNamespace(send_message=lambda **message: _send(stage, message["MessageBody"]))

        def get(*_: Any, **__: Any) -> Any:
            stage.counts.provider_calls += 1
            return token

        stack.enter_context(patch.object(aws, "client", client))
        stack.enter_context(patch.object(Transport, "get", get))
        stack.enter_context(patch.object(web, "caller", lambda *_: LISTENER))
        yield stage


def _send(stage: MeteredStage, message: str) -> None:
    stage.counts.queue_requests += 1
    stage.messages.append(message)
