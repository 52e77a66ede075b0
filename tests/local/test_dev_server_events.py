"""The app receives a request as the event that API Gateway would send."""

import base64
import json
from http.client import HTTPConnection

import pytest


def send_request(server, body, headers, query=""):
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.putrequest("POST", f"/echo{query}")
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            connection.putheader(name, value)
        connection.endheaders(body)
        echo = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return echo["event"], bytes(echo["bytes"])


@pytest.mark.parametrize(
    "content_type", ["audio/wav", "audio/pcm", "audio/wav; charset=binary", "AUDIO/PCM;rate=16000"]
)
@pytest.mark.parametrize("body", [b"RIFF plain", bytes(range(256))])
def test_audio_is_received_unchanged_and_marked_as_base64(dev_server, content_type, body):
    event, received = send_request(dev_server, body, [("Content-Type", content_type)])

    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == received == body


def test_text_is_received_as_text(dev_server):
    event, received = send_request(dev_server, "hé {}".encode(), [("Content-Type", "application/json")])

    assert (event["isBase64Encoded"], event["body"], received) == (False, "hé {}", "hé {}".encode())


def test_invalid_utf8_is_received_unchanged_and_marked_as_base64(dev_server):
    event, received = send_request(dev_server, b"\xff\xfe{}", [("Content-Type", "application/json")])

    assert event["isBase64Encoded"] is True
    assert received == b"\xff\xfe{}"


def test_an_empty_body_is_none(dev_server):
    event, received = send_request(dev_server, b"", [("Content-Type", "text/plain")])

    assert (event["body"], event["isBase64Encoded"], received) == (None, False, b"")


def test_the_event_has_the_address_headers_and_query_of_the_request(dev_server):
    headers = [("Content-Type", "text/plain"), ("X-Twice", "1"), ("X-Twice", "2"), ("User-Agent", "test")]

    event, _ = send_request(dev_server, b"x", headers, query="?a=1&a=2&b=%26&c=")

    context = event["requestContext"]
    assert (context["identity"]["sourceIp"], context["identity"]["userAgent"]) == ("127.0.0.1", "test")
    assert context["requestId"]
    assert (event["httpMethod"], event["resource"], event["path"]) == ("POST", "/echo", "/echo")
    assert (event["headers"]["x-twice"], event["multiValueHeaders"]["x-twice"]) == ("2", ["1", "2"])
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": ["&"], "c": [""]}
    assert event["queryStringParameters"] == {"a": "2", "b": "&", "c": ""}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/things/a%2Fb%20%C3%A9", {"thing": "a/b é"}),
        ("/things/new", {"literal": True}),
        ("/things/new/", {"literal": True}),
        ("/things/7/parts", {"thing_id": "7"}),
    ],
)
def test_path_parameters_are_decoded_and_belong_to_the_matched_route(dev_server, path, expected):
    connection = HTTPConnection("127.0.0.1", dev_server.port, timeout=60)
    try:
        connection.request("GET", path)
        assert json.loads(connection.getresponse().read()) == expected
    finally:
        connection.close()
