"""Redaction: every kind of secret is removed, the rest stays, and a line stays JSON."""

import io
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from chalicelib.http import events
from chalicelib.logs import log, redaction
from chalicelib.logs.redaction import MARK, redact, redact_fields, register_secret_for_redaction

TOKEN = jwt.encode({"sub": "ada"}, "k" * 32, algorithm="HS256")
KEY_ID = "AKIA" + "QWERTYUIOPASDFGH"  # in two parts, so that no scanner reports it
HEX = "0123456789abcdef" * 4
HARMLESS = "harmless text"
# A text, and the part of it that must be removed.
SECRETS = [
    (TOKEN, TOKEN),
    (f"Authorization: Bearer {TOKEN}", TOKEN),
    (f"{{'Authorization': b'Bearer {HEX}'}}", HEX),
    (f"authorization={HEX}", HEX),
    (f"sent bearer {HEX}", HEX),
    ('{"ClientId": "c", "AuthParameters": {"USERNAME": "u", "PASSWORD": "correct horse battery"}}', "horse"),
    ('b\'{"PASSWORD": "say \\\\"friend\\\\" and enter"}\'', "enter"),
    ('{\\"password\\": \\"correct horse\\"}', "horse"),
    ("{'SecretHash': 'abcd+efgh/1='}", "efgh"),
    (f"https://b.s3.amazonaws.com/uploads/a?X-Amz-Credential={KEY_ID}%2F2026&X-Amz-Signature={HEX}", HEX),
    (f"https://b.s3.amazonaws.com/a?x-amz-security-token={HEX}&b=1", HEX),
    (f"Credential={KEY_ID}/20260101/us-east-1/s3/aws4_request", KEY_ID),
    (f"key {KEY_ID} is unknown", KEY_ID),
    ("https://checkout.stripe.com/c/pay/cs_test_a1b2#fid", "cs_test_a1b2"),
    ("http://127.0.0.1:9000/stripe/pay/cs_test_a1b2 answered", "cs_test_a1b2"),
    ("GET /api/shared/Zq3-_vR8kPw0aLx7 200", "Zq3-_vR8kPw0aLx7"),
    (f"t=1700000000,v1={HEX}", HEX),
    ("No such customer: ada.lovelace+x@mail.example.com", "lovelace"),
    ("/admin/users?email=ada%40example.com", "ada"),
    *(
        (f"Invalid API Key provided: {prefix}{HEX}", HEX)
        for prefix in ("sk_test_", "rk_live_", "whsec_", "sk-proj-", "ek_")
    ),
    ("Cookie: id=abcxyz", "abcxyz"),
    ("api_key=abcdefgh", "abcdefgh"),
]


@pytest.fixture(autouse=True)
def no_registered_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_registered", set())


@pytest.fixture
def library() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A library's logger at the lowest level, and what it writes."""
    before, written = logging.getLogRecordFactory(), io.StringIO()
    redaction.redact_logging()
    logger, handler = logging.getLogger("tests.redaction"), logging.StreamHandler(written)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger, written
    logger.removeHandler(handler)
    logging.setLogRecordFactory(before)


def write_line(capsys: pytest.CaptureFixture[str], **fields: Any) -> tuple[str, dict[str, Any]]:
    log.line("a test", **fields)
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    return text, json.loads(text)


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_removed_wherever_it_stands(text: str, secret: str) -> None:
    for whole in (text, f"{HARMLESS} {text}", f"a line\n{text}\nmore", f"<{text}>"):
        cleaned = redact(whole)
        assert secret not in cleaned
        assert MARK in cleaned
        assert (HARMLESS in cleaned) == (HARMLESS in whole)


@pytest.mark.parametrize(
    "text",
    [
        "POST /transcription/stream/{session_id}/audio",
        "/auth/reset-password",
        "7e0c8f3a-7f5c-4f0b-9f40-4a2f1c2a9d11",
        "tokens.py:143 caller",
        "The sign-in service's keys could not be fetched. Retry the request.",
        "ClientError on GetItem: ProvisionedThroughputExceededException",
        "arn:aws:kms:eu-central-1:123456789012:key/7e0c8f3a",
        "AssemblyAI: 429",
    ],
)
def test_harmless_text_stays(text: str) -> None:
    assert redact(text) == text


def test_a_registered_secret_is_removed_whatever_it_looks_like(capsys: pytest.CaptureFixture[str]) -> None:
    register_secret_for_redaction('plain"words\\here')
    register_secret_for_redaction("short")

    text, fields = write_line(
        capsys, note='so plain"words\\here it is', other=["a short one", {"k": 'plain"words\\here'}]
    )

    assert "plain" not in text
    assert fields["note"] == f"so {MARK} it is"
    assert fields["other"] == ["a short one", {"k": MARK}]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_line_stays_json(capsys: pytest.CaptureFixture[str], text: str, secret: str) -> None:
    awkward = f'\\\n"{text}"\\\n\t\x00\N{SNOWMAN} {HARMLESS}'

    written, fields = write_line(
        capsys, metrics={"Latency": (1.5, "Milliseconds")}, note=awkward, deep=[{"a": (text, 1, None)}]
    )

    assert secret not in written
    assert MARK in fields["note"]
    assert MARK in fields["deep"][0]["a"][0]
    assert fields["deep"][0]["a"][1:] == [1, None]
    assert (fields["message"], fields["Latency"]) == ("a test", 1.5)
    assert fields["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "Latency", "Unit": "Milliseconds"}]


def test_a_text_under_a_private_name_is_removed() -> None:
    cleaned = redact_fields({"password": "hunter2", "refreshToken": "x", "tokens": 3, "user": "ada", "a@b.example": 1})

    assert cleaned == {"password": MARK, "refreshToken": MARK, "tokens": 3, "user": "ada", MARK: 1}


def test_a_text_at_any_depth_under_a_private_name_is_removed() -> None:
    cleaned = redact_fields({"tokens": ["one", {"kept": ["two", 3]}], "secret": {"plain": "word"}, "others": ["four"]})

    assert cleaned == {
        "tokens": [MARK, {"kept": [MARK, 3]}],
        "secret": {"plain": MARK},
        "others": ["four"],
    }


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_what_a_library_logs_is_redact(library: tuple[logging.Logger, io.StringIO], text: str, secret: str) -> None:
    logger, written = library

    logger.debug(f"{HARMLESS} {text}".replace("%", "%%"))
    logger.info("%s: %s", HARMLESS, text)
    logger.warning("%(kept)s %(text)s", {"kept": HARMLESS, "text": {"deep": text}})
    logger.error(text, "arguments", "that do not match")
    try:
        try:
            raise ValueError(text)
        except ValueError as error:
            raise RuntimeError(f"{HARMLESS} {text}") from error
    except RuntimeError:
        logger.exception("%s", text, stack_info=True)

    output = written.getvalue()
    assert secret not in output.replace(f'"{secret}"', "")
    assert output.count(HARMLESS) >= 4
    assert "Traceback (most recent call last)" in output
    assert "ValueError" in output
    assert "RuntimeError" in output


def test_the_debug_log_of_the_aws_client_is_redacted(library: tuple[logging.Logger, io.StringIO]) -> None:
    """At this level botocore logs bodies and headers."""
    import boto3
    from botocore.stub import Stubber

    _, written = library
    handler, botocore = logging.StreamHandler(written), logging.getLogger("botocore")
    botocore.addHandler(handler)
    level = botocore.level
    botocore.setLevel(logging.DEBUG)
    try:
        client = boto3.client("cognito-idp", "us-east-1", aws_access_key_id=KEY_ID, aws_secret_access_key=HEX)
        with Stubber(client) as stub:
            stub.add_client_error("admin_initiate_auth", "NotAuthorizedException", "ada@example.com is rejected")
            with pytest.raises(client.exceptions.NotAuthorizedException):
                client.admin_initiate_auth(
                    UserPoolId="us-east-1_a",
                    ClientId="c",
                    AuthFlow="ADMIN_USER_PASSWORD_AUTH",
                    AuthParameters={"USERNAME": "ada@example.com", "PASSWORD": "correct horse battery"},
                )
        client.close()
    finally:
        botocore.setLevel(level)
        botocore.removeHandler(handler)

    output = written.getvalue()
    assert "AdminInitiateAuth" in output
    assert [secret for secret in ("horse", "ada@", "AKIAQ", HEX) if secret in output] == []


def test_redacting_twice_changes_nothing() -> None:
    before = logging.getLogRecordFactory()
    try:
        redaction.redact_logging()
        factory = logging.getLogRecordFactory()
        redaction.redact_logging()
        assert logging.getLogRecordFactory() is factory
    finally:
        logging.setLogRecordFactory(before)


def test_an_event_function_raises_only_the_types_of_errors(capsys: pytest.CaptureFixture[str]) -> None:
    """Lambda logs the text of the exception."""

    def fails() -> int:
        raise ValueError(f"{TOKEN} of ada@example.com")

    def fails_in_part() -> int:
        raise ExceptionGroup("two failed", [KeyError("ada@example.com"), OSError("words of a transcript")])

    with pytest.raises(events.EventFailedError) as raised:
        events.run_event("sweep", {"one": fails, "two": lambda: 3, "three": fails_in_part})

    assert str(raised.value) == "sweep failed: ValueError, ExceptionGroup"
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert (lines[0]["figures"], lines[0]["two"]) == ({"two": 3}, 3)
    assert [line["error_type"] for line in lines[1:]] == ["ValueError", "KeyError", "OSError"]
    assert [frame for frame in lines[1]["frames"] if frame.startswith("test_redaction.py")]
    assert "ada" not in str(lines)
    assert "words" not in str(lines)


def test_a_failed_build_of_an_event_function_raises_only_the_type_of_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails() -> tuple[dict[str, int], list[Exception]]:
        raise ValueError(f"{TOKEN} of ada@example.com")

    with pytest.raises(events.EventFailedError) as raised:
        events.run_reporting_event("reconcile", fails)

    assert str(raised.value) == "reconcile failed: ValueError"
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [line.get("error_type") for line in lines] == [None, "ValueError"]
    assert "ada" not in str(lines)


@pytest.mark.long
@pytest.mark.parametrize(
    "part", ["a", "password", "x@", "eyJ", "a-", "https://", "token='\\", "password \\", "secret=", "bearer ", "a%40b."]
)
def test_no_text_makes_redaction_slow(part: str) -> None:
    """A pattern with catastrophic backtracking would take hours, not a second."""
    text = part * (200_000 // len(part))
    started = time.process_time()

    redact(text)

    assert time.process_time() - started < 30
