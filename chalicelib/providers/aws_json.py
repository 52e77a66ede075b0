"""The AWS calls that a listener's request makes, without the AWS SDK: DynamoDB, KMS, SQS and Cognito speak JSON alike.

`AwsJsonClient` has the methods, answers and errors of boto3's client for the operations of `SERVICES`, and leaves every
other one to boto3, which is imported then. docs/decisions.md says why it exists, and when to drop it.
Sources: the service models of botocore, its `retries/standard.py` and `parsers.py`, to which tests hold this.
"""

import base64
import random
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec
from botocore.exceptions import (
    BotoCoreError,
    ChecksumError,
    ClientError,
    ConnectionError as BotocoreConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)

from .aws_connection import Answer, Connections
from .aws_signature import Credentials, sign

TRANSIENT_STATUSES: Final = frozenset({500, 502, 503, 504})
RETRIED_CODES: Final = frozenset(
    {
        "RequestTimeout",
        "RequestTimeoutException",
        "PriorRequestNotComplete",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "RequestThrottled",
        "SlowDown",
        "EC2ThrottledException",
        "ReplicatedWriteConflictException",
    }
)
RETRY_CAPACITY, RETRY_COST, TIMEOUT_COST = 500, 5, 10
LONGEST_PAUSE_SECONDS = 20


class Service(NamedTuple):
    """How one service is addressed, and its operations by the name of boto3's method."""

    target: str
    content_type: str
    operations: Mapping[str, str]
    answers_with_crc32: bool = False


SERVICES: Final = {
    "dynamodb": Service(
        "DynamoDB_20120810",
        "application/x-amz-json-1.0",
        {
            "get_item": "GetItem",
            "batch_get_item": "BatchGetItem",
            "query": "Query",
            "scan": "Scan",
            "put_item": "PutItem",
            "update_item": "UpdateItem",
            "delete_item": "DeleteItem",
            "batch_write_item": "BatchWriteItem",
            "transact_write_items": "TransactWriteItems",
        },
        answers_with_crc32=True,
    ),
    "kms": Service("TrentService", "application/x-amz-json-1.1", {"decrypt": "Decrypt"}),
    "sqs": Service("AmazonSQS", "application/x-amz-json-1.0", {"send_message": "SendMessage"}),
    "cognito-idp": Service(
        "AWSCognitoIdentityProviderService",
        "application/x-amz-json-1.1",
        {
            "admin_initiate_auth": "AdminInitiateAuth",
            "get_tokens_from_refresh_token": "GetTokensFromRefreshToken",
        },
    ),
}
# Operations for which AWS takes no signature, because what they send is the credential.
UNSIGNED: Final = frozenset({"GetTokensFromRefreshToken"})
# Members that are bytes, in answers of other services than DynamoDB; bytes of a request are encoded by msgspec.
BINARY_MEMBERS: Final = {"Decrypt": "Plaintext"}


@dataclass
class RetryQuota:
    """How many retries a client may make in an outage, over all its calls, as the SDK's standard mode has it."""

    available: int = RETRY_CAPACITY
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, cost: int) -> bool:
        with self.lock:
            if cost > self.available:
                return False
            self.available -= cost
            return True

    def give_back(self, amount: int) -> None:
        if self.available < RETRY_CAPACITY:
            with self.lock:
                self.available = min(RETRY_CAPACITY, self.available + amount)


@dataclass(frozen=True)
class AwsJsonClient:
    """A client of one service. Safe to share between threads.

    `on_call` is called once a call, however often it is retried. `sdk` makes the boto3 client of the same service for
    the operations that are not here. `trace_id`: the value of `X-Amzn-Trace-Id`, or an empty string.
    """

    service_name: str
    region: str
    connections: Connections
    credentials: Callable[[], Credentials]
    attempts: int
    on_call: Callable[[], None]
    sdk: Callable[[], Any]
    trace_id: Callable[[], str] = lambda: ""
    pause: Callable[[float], None] = time.sleep
    quota: RetryQuota = field(default_factory=RetryQuota)

    def __getattr__(self, name: str) -> Any:
        operation = SERVICES[self.service_name].operations.get(name)
        if operation is None:
            return getattr(self.sdk(), name)
        return partial(self._call, operation)

    def _call(self, operation: str, /, **parameters: Any) -> Any:
        """One operation. Raises ClientError, or another BotoCoreError where no answer came."""
        self.on_call()
        body = msgspec.json.encode(parameters)
        paid = 0
        for attempt in range(1, self.attempts + 1):
            try:
                answer = self._send(operation, body)
                if answer.status < 300:
                    self.quota.give_back(paid or 1)
                    return _parse(operation, answer)
                error: ClientError | BotoCoreError = _client_error(operation, answer)
            except (BotocoreConnectionError, HTTPClientError, ChecksumError) as lost:
                error = lost
            cost = TIMEOUT_COST if isinstance(error, ReadTimeoutError) else RETRY_COST
            if attempt == self.attempts or not _is_retried(error) or not self.quota.take(cost):
                raise error
            paid = cost
            self.pause(random.random() * min(2 ** (attempt - 1), LONGEST_PAUSE_SECONDS))
        raise AssertionError("a client makes at least one attempt")

    def _send(self, operation: str, body: bytes) -> Answer:
        service = SERVICES[self.service_name]
        headers = {
            "Host": self.connections.host,
            "Content-Type": service.content_type,
            "X-Amz-Target": f"{service.target}.{operation}",
        }
        if operation not in UNSIGNED:
            headers |= self._signature(headers, body)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if trace_id := self.trace_id():
            lines += f"X-Amzn-Trace-Id: {trace_id}\r\n"
        head = f"POST / HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        answer = self.connections.post(head.encode(), body)
        if service.answers_with_crc32 and (expected := answer.headers.get("x-amz-crc32")) is not None:
            actual = str(zlib.crc32(answer.body))
            if actual != expected:
                raise ChecksumError(checksum_type="crc32", expected_checksum=expected, actual_checksum=actual)
        return answer

    def _signature(self, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The further headers of a signed request."""
        credentials, at = self.credentials(), time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        more = {"X-Amz-Date": at}
        if credentials.token:
            more["X-Amz-Security-Token"] = credentials.token
        authorization = sign(
            {**headers, **more}, body, region=self.region, service=self.service_name, at=at, credentials=credentials
        )
        return {**more, "Authorization": authorization}


def _parse(operation: str, answer: Answer) -> dict[str, Any]:
    """The members of an answer. Raises HTTPClientError where it is not whole."""
    response = _decode(answer.body)
    if response is None:
        raise HTTPClientError(error=f"the answer to {operation} is no JSON object")
    if b'"B":' in answer.body or b'"BS":' in answer.body:
        _decode_binary_values(response)
    member = BINARY_MEMBERS.get(operation)
    if member in response:
        response[member] = base64.b64decode(response[member])
    response["ResponseMetadata"] = _metadata(answer)
    return response


def _decode(body: bytes) -> dict[str, Any] | None:
    """The JSON object of a body, which may be empty; None if it is something else."""
    try:
        return msgspec.json.decode(body or b"{}", type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _decode_binary_values(value: Any) -> None:
    """Replace DynamoDB's base64 values by their bytes, in place."""
    if isinstance(value, list):
        for element in value:
            _decode_binary_values(element)
    elif isinstance(value, dict):
        if len(value) == 1 and isinstance(encoded := value.get("B"), str):
            value["B"] = base64.b64decode(encoded)
        elif len(value) == 1 and isinstance(encoded := value.get("BS"), list):
            value["BS"] = [base64.b64decode(element) for element in encoded]
        else:
            for element in value.values():
                _decode_binary_values(element)


def _client_error(operation: str, answer: Answer) -> ClientError:
    """The error that botocore makes of this answer: the code without its namespace, the other members beside it."""
    members = _decode(answer.body)
    if members is None:
        members = {"message": answer.body.decode(errors="replace")}
    _decode_binary_values(members)
    code = str(members.pop("__type", None) or answer.status)
    code = code.partition(":")[0].rpartition("#")[2]
    message = members.get("message", members.get("Message", ""))
    error = {"Message": message, "Code": code}
    if query_error := answer.headers.get("x-amzn-query-error"):  # SQS keeps the codes of its older protocol.
        query_code, _, sender = query_error.partition(";")
        error |= {"QueryErrorCode": code, "Code": query_code, "Type": sender}
    response: Any = members | {"Error": error, "ResponseMetadata": _metadata(answer)}
    return ClientError(response, operation)


def _metadata(answer: Answer) -> dict[str, Any]:
    return {
        "RequestId": answer.headers.get("x-amzn-requestid", ""),
        "HTTPStatusCode": answer.status,
        "HTTPHeaders": answer.headers,
    }


def _is_retried(error: ClientError | BotoCoreError) -> bool:
    if not isinstance(error, ClientError):
        return True
    response = error.response
    return (
        response["ResponseMetadata"]["HTTPStatusCode"] in TRANSIENT_STATUSES
        or response["Error"]["Code"] in RETRIED_CODES
    )
