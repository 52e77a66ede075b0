"""Calls to AWS without the SDK, beside the same calls by boto3, against an endpoint that answers as a test says."""

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import boto3
import pytest
from botocore import session as botocore_session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ChecksumError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.retries import standard

from chalicelib.providers import aws_json
from chalicelib.providers.aws_connection import Connections
from chalicelib.providers.aws_json import SERVICES, AwsJsonClient, RetryQuota
from chalicelib.providers.aws_signature import Credentials
from scripts.local.processes import closed_port
from tests.providers.scripted_aws import CUT, ScriptedAws, answer, scripted_aws

REGION, KEY = "eu-central-1", Credentials("AKIDEXAMPLE", "secret", "token")
ITEM = {"pk": {"S": "USER#ada"}, "n": {"N": str(10**37 + 1)}, "b": {"B": b"\x00\xff"}}
REQUESTS: dict[str, dict[str, Any]] = {
    "get_item": {"TableName": "t", "Key": {"pk": {"S": "ü\u2028"}}, "ConsistentRead": True},
    "batch_get_item": {"RequestItems": {"t": {"Keys": [{"pk": {"S": "1"}}], "ConsistentRead": True}}},
    "query": {"TableName": "t", "KeyConditionExpression": "#n0 = :v0", "Limit": 1},
    "scan": {"TableName": "t", "Limit": 5, "ExclusiveStartKey": {"pk": {"S": "1"}}},
    "put_item": {"TableName": "t", "Item": ITEM | {"list": {"L": [{"BS": [b"1", b"22"]}, {"NULL": True}]}}},
    "update_item": {"TableName": "t", "Key": {"pk": {"S": "1"}}, "UpdateExpression": "ADD #u0 :u0"},
    "delete_item": {"TableName": "t", "Key": {"pk": {"S": "1"}}},
    "batch_write_item": {"RequestItems": {"t": [{"DeleteRequest": {"Key": {"pk": {"S": "1"}}}}]}},
    "transact_write_items": {"TransactItems": [{"Put": {"TableName": "t", "Item": ITEM}}], "ClientRequestToken": "x"},
    "decrypt": {"CiphertextBlob": b"\x01\x02", "EncryptionContext": {"app": "a"}},
    "send_message": {"QueueUrl": "https://sqs.example/1/jobs", "MessageBody": "job ü"},
    "admin_initiate_auth": {
        "UserPoolId": "eu-central-1_a",
        "ClientId": "c",
        "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": "ada"},
    },
    "get_tokens_from_refresh_token": {"RefreshToken": "r" * 20, "ClientId": "c", "ClientSecret": "s" * 24},
}
WIRE_ITEM = ITEM | {"b": {"B": base64.b64encode(b"\x00\xff").decode()}}
ANSWERS: dict[str, dict[str, Any]] = {
    "get_item": {
        "Item": WIRE_ITEM | {"m": {"M": {"B": {"S": "x"}, "list": {"L": [{"BS": ["AQ=="]}, {"BOOL": False}]}}}}
    },
    "batch_get_item": {"Responses": {"t": [WIRE_ITEM]}, "UnprocessedKeys": {}},
    "query": {"Items": [WIRE_ITEM], "Count": 1, "ScannedCount": 1, "LastEvaluatedKey": {"pk": {"S": "1"}}},
    "scan": {"Items": [], "Count": 0, "ScannedCount": 5},
    "put_item": {},
    "update_item": {"Attributes": {"n": {"N": "-7"}}},
    "delete_item": {},
    "batch_write_item": {"UnprocessedItems": {"t": [{"DeleteRequest": {"Key": {"pk": {"B": "AQ=="}}}}]}},
    "transact_write_items": {},
    "decrypt": {"KeyId": "k", "Plaintext": base64.b64encode(b"secret").decode()},
    "send_message": {
        "MessageId": "m",
        "MD5OfMessageBody": hashlib.md5("job ü".encode(), usedforsecurity=False).hexdigest(),
    },
    "admin_initiate_auth": {"ChallengeParameters": {}, "AuthenticationResult": {"IdToken": "t", "ExpiresIn": 3600}},
    "get_tokens_from_refresh_token": {"AuthenticationResult": {"IdToken": "t", "ExpiresIn": 3600}},
}
CANCELLED = {
    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    "Message": "Transaction cancelled",
    "CancellationReasons": [
        {"Code": "ConditionalCheckFailed", "Item": WIRE_ITEM, "Message": "failed"},
        {"Code": "None"},
    ],
}
REFUSED = {"__type": "a#ConditionalCheckFailedException", "message": "no", "Item": WIRE_ITEM}
ERRORS: list[tuple[str, int, bytes, dict[str, str]]] = [
    ("transact_write_items", 400, json.dumps(CANCELLED).encode(), {}),
    ("put_item", 400, json.dumps(REFUSED).encode(), {}),
    ("get_item", 400, b'{"__type": "com.amazon.coral.validate#ValidationException", "message": "bad"}', {}),
    ("decrypt", 400, b'{"__type": "InvalidCiphertextException"}', {}),
    ("admin_initiate_auth", 400, b'{"__type": "NotAuthorizedException:http://x", "message": "Incorrect."}', {}),
    ("send_message", 400, b'{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "gone"}',
     {"x_amzn_query_error": "AWS.SimpleQueueService.NonExistentQueue;Sender"}),
    ("query", 403, b"<html>Forbidden</html>", {}),
    ("query", 400, b"", {}),
]  # fmt: skip


opened: list[Callable[[], None]] = []


class Pair(NamedTuple):
    """Our client and boto3's of one service, at one endpoint."""

    own: AwsJsonClient
    boto3s: Any


@pytest.fixture
def aws() -> Iterator[ScriptedAws]:
    with scripted_aws() as aws:
        yield aws
        while opened:
            opened.pop()()


def service_of(operation: str) -> str:
    return next(name for name, service in SERVICES.items() if operation in service.operations)


def our_client(url: str, service: str = "dynamodb", attempts: int = 3, **options: Any) -> AwsJsonClient:
    def no_sdk() -> Any:
        raise AssertionError("the SDK is not needed")

    fields: dict[str, Any] = {"pause": lambda _: None, "on_call": lambda: None, "sdk": no_sdk} | options
    connections = fields.pop("connections", None) or Connections(url, 5, 10)
    client = AwsJsonClient(service, REGION, connections, lambda: KEY, attempts, **fields)
    opened.append(connections.drop)
    return client


def client_pair(url: str, service: str, attempts: int = 3) -> Pair:
    config = Config(retries={"mode": "standard", "total_max_attempts": attempts}, connect_timeout=5, read_timeout=10)
    keys = dict(zip(("aws_access_key_id", "aws_secret_access_key", "aws_session_token"), KEY, strict=True))
    make: Any = boto3.client
    boto3s = make(service, region_name=REGION, endpoint_url=url, config=config, **keys)
    opened.append(boto3s.close)
    return Pair(our_client(url, service, attempts), boto3s)


def outcome(client: Any, operation: str, parameters: dict[str, Any]) -> object:
    """What a call came to, without what is only a header."""
    try:
        response = dict(getattr(client, operation)(**parameters))
    except ClientError as error:
        members: dict[str, Any] = {
            name: value for name, value in error.response.items() if name.lower() not in ("message", "responsemetadata")
        }
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status >= 500:  # The SDK replaces a page that is no JSON by the name of the status.
            del members["Error"]["Message"]
        return ClientError, error.operation_name, status, members
    except BotoCoreError as error:
        return type(error)
    assert response.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    return response


@pytest.mark.parametrize("operation", REQUESTS)
def test_requests_and_answers_are_those_of_boto3(aws: ScriptedAws, operation: str) -> None:
    pair = client_pair(aws.url, service_of(operation))
    aws.answers = [answer(200, json.dumps(ANSWERS[operation]).encode())]

    outcomes = [outcome(client, operation, REQUESTS[operation]) for client in pair]

    assert outcomes[0] == outcomes[1]
    own, boto3s = map(json.loads, aws.bodies())
    assert own == boto3s
    heads = [request.partition(b"\r\n\r\n")[0].lower().splitlines() for request in aws.requests]
    for name in (b"x-amz-target", b"content-type", b"x-amz-security-token"):
        assert [line for line in heads[0] if line.startswith(name)] == [
            line for line in heads[1] if line.startswith(name)
        ]


@pytest.mark.parametrize(("operation", "status", "body", "headers"), ERRORS)
def test_errors_are_those_of_boto3(
    aws: ScriptedAws, operation: str, status: int, body: bytes, headers: dict[str, str]
) -> None:
    aws.answers = [answer(status, body, **headers)]

    outcomes = [
        outcome(client, operation, REQUESTS[operation]) for client in client_pair(aws.url, service_of(operation), 1)
    ]

    assert outcomes[0] == outcomes[1]
    assert isinstance(outcomes[0], tuple)


def retried_codes() -> list[str]:
    codes = {*standard.TransientRetryableChecker._TRANSIENT_ERROR_CODES}
    return sorted(codes | {*standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES})


def test_what_is_retried_is_what_the_sdk_retries() -> None:
    modelled = {"ReplicatedWriteConflictException"}  # See the next test.
    assert frozenset(retried_codes()) | modelled == aws_json.RETRIED_CODES
    assert frozenset(standard.TransientRetryableChecker._TRANSIENT_STATUS_CODES) == aws_json.TRANSIENT_STATUSES
    costs = standard.RetryQuotaChecker
    assert (costs._RETRY_COST, costs._TIMEOUT_RETRY_REQUEST) == (aws_json.RETRY_COST, aws_json.TIMEOUT_COST)


def test_no_error_of_these_operations_is_modelled_as_retryable_beyond_that() -> None:
    loader = botocore_session.get_session()
    for name, service in SERVICES.items():
        model = loader.get_service_model(name)
        for operation in service.operations.values():
            for shape in model.operation_model(operation).error_shapes:
                assert "retryable" not in shape.metadata or shape.name in aws_json.RETRIED_CODES


@pytest.mark.parametrize(
    "failure",
    [
        CUT,
        answer(500, b'{"__type": "InternalServerError"}'),
        answer(503, b"<html>"),
        answer(400, b'{"__type": "a#ThrottlingException"}'),
        answer(400, b'{"__type": "a#ValidationException"}'),
    ],
    ids=["cut", "500", "503", "throttled", "invalid"],
)
def test_a_failure_is_retried_as_often_as_by_boto3(aws: ScriptedAws, failure: bytes) -> None:
    counts, outcomes = [], []
    for client in client_pair(aws.url, "dynamodb"):
        aws.requests.clear()
        aws.answers = [failure]
        outcomes.append(outcome(client, "get_item", REQUESTS["get_item"]))
        counts.append(len(aws.requests))

    assert outcomes[0] == outcomes[1]
    assert counts[0] == counts[1]


def test_an_answer_whose_checksum_is_wrong_is_never_returned(aws: ScriptedAws) -> None:
    """The SDK retries it too, but returns the last one."""
    aws.answers = [answer(200, b"{}", x_amz_crc32="1")]

    with pytest.raises(ChecksumError):
        our_client(aws.url).get_item(**REQUESTS["get_item"])
    assert len(aws.requests) == 3


def test_a_call_succeeds_after_a_failure_and_is_counted_once(aws: ScriptedAws) -> None:
    calls: list[int] = []
    body = json.dumps(ANSWERS["get_item"]).encode()
    aws.answers = [answer(500, b"{}"), CUT, answer(200, body, x_amz_crc32=str(zlib.crc32(body)))]

    response = our_client(aws.url, on_call=lambda: calls.append(1)).get_item(**REQUESTS["get_item"])

    assert response["Item"]["b"] == {"B": b"\x00\xff"}
    assert (calls, len(aws.requests)) == ([1], 3)


def test_a_kept_connection_is_used_again_and_a_closed_one_replaced(aws: ScriptedAws) -> None:
    aws.answers = [answer(200, b"{}")]
    client = our_client(aws.url, attempts=1)

    for _ in range(3):
        client.get_item(**REQUESTS["get_item"])
    assert aws.connections == 1

    client.connections.drop()
    aws.closed.acquire()
    aws.closes_after_answer = True
    client.get_item(**REQUESTS["get_item"])
    aws.closed.acquire()  # The service has closed the connection, which still looks open from here.
    client.get_item(**REQUESTS["get_item"])
    assert aws.connections == 3


def test_an_idle_connection_is_not_trusted(aws: ScriptedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.answers = [answer(200, b"{}")]
    client, now = our_client(aws.url, attempts=1), [1_000.0]
    monkeypatch.setattr("chalicelib.providers.aws_connection.time.time", lambda: now[0])

    for moment in (1_000.0, 1_030.0, 1_061.0, 900.0):  # used, used again, idle for too long, a clock set back
        now[0] = moment
        client.get_item(**REQUESTS["get_item"])

    assert aws.connections == 3


def test_a_connection_that_closes_while_it_is_used_again_is_replaced_at_once(aws: ScriptedAws) -> None:
    aws.answers = [answer(200, b"{}"), CUT, answer(200, b"{}")]
    client = our_client(aws.url, attempts=1)

    client.get_item(**REQUESTS["get_item"])
    client.get_item(**REQUESTS["get_item"])

    assert (aws.connections, len(aws.requests)) == (2, 3)


@pytest.mark.parametrize(
    "body",
    [b'{"Item": ', b"[]", b"\xff", answer(200, b"{}")[:-1] + b"  "],
    ids=["cut short", "no object", "no text", "spaces"],
)
def test_what_is_left_of_a_damaged_answer_is_not_read_as_the_next(aws: ScriptedAws, body: bytes) -> None:
    aws.answers = [answer(200, body), answer(200, b'{"Item": {"pk": {"S": "second"}}}')]

    response = our_client(aws.url).get_item(**REQUESTS["get_item"])

    assert response["Item"]["pk"] == {"S": "second"}


def test_an_endpoint_that_does_not_answer_in_time_is_a_read_timeout(aws: ScriptedAws) -> None:
    aws.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"]

    with pytest.raises(ReadTimeoutError):
        our_client(aws.url, attempts=1, connections=Connections(aws.url, 5, 0.2)).get_item(**REQUESTS["get_item"])


def test_an_endpoint_that_is_not_there_is_a_connection_error() -> None:
    with closed_port() as port, pytest.raises(EndpointConnectionError):
        our_client(f"http://127.0.0.1:{port}", attempts=2).get_item(**REQUESTS["get_item"])


def test_a_connection_that_takes_too_long_is_a_connect_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    def time_out(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("chalicelib.providers.aws_connection.socket.create_connection", time_out)
    with pytest.raises(ConnectTimeoutError):
        our_client("http://127.0.0.1:1", attempts=1).get_item(**REQUESTS["get_item"])


def test_an_outage_ends_retries_and_success_allows_them_again(aws: ScriptedAws) -> None:
    quota = RetryQuota(available=12)
    client = our_client(aws.url, quota=quota)
    aws.answers = [answer(500, b"{}")]
    for expected in (3, 4):  # two retries of 5, then none is left
        with pytest.raises(ClientError):
            client.get_item(**REQUESTS["get_item"])
        assert len(aws.requests) == expected

    aws.answers = [answer(200, b"{}")]
    for _ in range(3):
        client.get_item(**REQUESTS["get_item"])
    assert quota.available == 5


def test_a_cut_connection_is_one_error_of_the_sdk(aws: ScriptedAws) -> None:
    aws.answers = [CUT]

    with pytest.raises(ConnectionClosedError):
        our_client(aws.url, attempts=2).get_item(**REQUESTS["get_item"])


def test_other_operations_are_left_to_the_sdk(aws: ScriptedAws) -> None:
    client = our_client(aws.url, "cognito-idp", sdk=lambda: {"none": 1})

    assert list(client.keys()) == ["none"]
