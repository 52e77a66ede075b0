"""The log's last line of defence: each kind of secret is taken out, the rest stays, and a line stays JSON."""

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
from chalicelib.logs.redaction import MARK, redacted, redacted_fields, register_secret_for_redaction

TOKEN = jwt.encode({"sub": "ada"}, "k" * 32, algorithm="HS256")
KEY_ID = "AKIA" + "QWERTYUIOPASDFGH"  # put together here, so that no scanner takes it for one
HEX = "0123456789abcdef" * 4
KEPT = "what is kept"
# What is in a text, and what of it must be gone.
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
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", set())


@pytest.fixture
def library() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A library's logger whose lines go somewhere, at any level."""
    before, heard = logging.getLogRecordFactory(), io.StringIO()
    redaction.redact_logging()
    logger, handler = logging.getLogger("tests.redaction"), logging.StreamHandler(heard)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger, heard
    logger.removeHandler(handler)
    logging.setLogRecordFactory(before)


def line(capsys: pytest.CaptureFixture[str], **fields: Any) -> tuple[str, dict[str, Any]]:
    log.line("a test", **fields)
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    return text, json.loads(text)


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_taken_out_wherever_it_stands(text: str, secret: str) -> None:
    for whole in (text, f"{KEPT} {text}", f"a line\n{text}\nmore", f"<{text}>"):
        said = redacted(whole)
        assert secret not in said
        assert MARK in said
        assert (KEPT in said) == (KEPT in whole)


@pytest.mark.parametrize(
    "text",
    [
        "POST /transcription/stream/{session_id}/audio",
        "/auth/reset-password",
        "7e0c8f3a-7f5c-4f0b-9f40-4a2f1c2a9d11",
        "tokens.py:143 caller",
        "The sign-in service's keys cannot be had.",
        "ClientError on GetItem: ProvisionedThroughputExceededException",
        "arn:aws:kms:eu-central-1:123456789012:key/7e0c8f3a",
        "AssemblyAI: 429",
    ],
)
def test_what_is_harmless_stays(text: str) -> None:
    assert redacted(text) == text


def test_a_known_secret_is_taken_out_whatever_it_looks_like(capsys: pytest.CaptureFixture[str]) -> None:
    register_secret_for_redaction('plain"words\\here')
    register_secret_for_redaction("short")

    text, said = line(capsys, note='so plain"words\\here it is', other=["a short one", {"k": 'plain"words\\here'}])

    assert "plain" not in text
    assert said["note"] == f"so {MARK} it is"
    assert said["other"] == ["a short one", {"k": MARK}]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_line_stays_json(capsys: pytest.CaptureFixture[str], text: str, secret: str) -> None:
    awkward = f'\\\n"{text}"\\\n\t\x00\N{SNOWMAN} {KEPT}'

    written, said = line(
        capsys, metrics={"Latency": (1.5, "Milliseconds")}, note=awkward, deep=[{"a": (text, 1, None)}]
    )

    assert secret not in written
    assert MARK in said["note"]
    assert MARK in said["deep"][0]["a"][0]
    assert said["deep"][0]["a"][1:] == [1, None]
    assert (said["message"], said["Latency"]) == ("a test", 1.5)
    assert said["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "Latency", "Unit": "Milliseconds"}]


def test_what_a_name_says_is_private_is_taken_out() -> None:
    said = redacted_fields({"password": "hunter2", "refreshToken": "x", "tokens": 3, "user": "ada", "a@b.example": 1})

    assert said == {"password": MARK, "refreshToken": MARK, "tokens": 3, "user": "ada", MARK: 1}


def test_it_is_private_however_deep_it_lies_under_that_name() -> None:
    said = redacted_fields({"tokens": ["one", {"kept": ["two", 3]}], "secret": {"plain": "word"}, "others": ["four"]})

    assert said == {
        "tokens": [MARK, {"kept": [MARK, 3]}],
        "secret": {"plain": MARK},
        "others": ["four"],
    }


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_what_a_library_logs_is_redacted(library: tuple[logging.Logger, io.StringIO], text: str, secret: str) -> None:
    logger, heard = library

    logger.debug(f"{KEPT} {text}".replace("%", "%%"))
    logger.info("%s: %s", KEPT, text)
    logger.warning("%(kept)s %(text)s", {"kept": KEPT, "text": {"deep": text}})
    logger.error(text, "arguments", "that do not fit")
    try:
        try:
            raise ValueError(text)
        except ValueError as error:
            raise RuntimeError(f"{KEPT} {text}") from error
    except RuntimeError:
        logger.exception("%s", text, stack_info=True)

    said = heard.getvalue()
    assert secret not in said.replace(f'"{secret}"', "")
    assert said.count(KEPT) >= 4
    assert "Traceback (most recent call last)" in said
    assert "ValueError" in said
    assert "RuntimeError" in said


def test_aws_own_client_can_be_told_to_log_everything(library: tuple[logging.Logger, io.StringIO]) -> None:
    """At this level botocore writes bodies and headers."""
    import boto3
    from botocore.stub import Stubber

    _, heard = library
    handler, botocore = logging.StreamHandler(heard), logging.getLogger("botocore")
    botocore.addHandler(handler)
    level = botocore.level
    botocore.setLevel(logging.DEBUG)
    try:
        client = boto3.client("cognito-idp", "us-east-1", aws_access_key_id=KEY_ID, aws_secret_access_key=HEX)
        with Stubber(client) as stub:
            stub.add_client_error("admin_initiate_auth", "NotAuthorizedException", "ada@example.com is not let in")
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

    said = heard.getvalue()
    assert "AdminInitiateAuth" in said
    assert [word for word in ("horse", "ada@", "AKIAQ", HEX) if word in said] == []


def test_guarding_twice_is_guarding_once() -> None:
    before = logging.getLogRecordFactory()
    try:
        redaction.redact_logging()
        once = logging.getLogRecordFactory()
        redaction.redact_logging()
        assert logging.getLogRecordFactory() is once
    finally:
        logging.setLogRecordFactory(before)


def test_what_an_event_function_raises_tells_aws_nothing_but_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    """Lambda writes its text into the log."""

    def fails() -> int:
        raise ValueError(f"{TOKEN} of ada@example.com")

    def fails_in_part() -> int:
        raise ExceptionGroup("two failed", [KeyError("ada@example.com"), OSError("words of a transcript")])

    with pytest.raises(events.EventFailedError) as raised:
        events.run_event("sweep", {"one": fails, "two": lambda: 3, "three": fails_in_part})

    assert str(raised.value) == "sweep failed: ValueError, ExceptionGroup"
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    said = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert (said[0]["figures"], said[0]["two"]) == ({"two": 3}, 3)
    assert [one["error_type"] for one in said[1:]] == ["ValueError", "KeyError", "OSError"]
    assert [frame for frame in said[1]["frames"] if frame.startswith("test_redaction.py")]
    assert "ada" not in str(said)
    assert "words" not in str(said)


def test_so_it_is_where_the_function_cannot_even_be_built(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> tuple[dict[str, int], list[Exception]]:
        raise ValueError(f"{TOKEN} of ada@example.com")

    with pytest.raises(events.EventFailedError) as raised:
        events.run_reporting_event("reconcile", fails)

    assert str(raised.value) == "reconcile failed: ValueError"
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    told = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [one.get("error_type") for one in told] == [None, "ValueError"]
    assert "ada" not in str(told)


@pytest.mark.parametrize(
    "part", ["a", "password", "x@", "eyJ", "a-", "https://", "token='\\", "password \\", "secret=", "bearer ", "a%40b."]
)
def test_no_text_makes_it_slow(part: str) -> None:
    """A pattern that goes back and forth would take hours for this, not a second."""
    text = part * (200_000 // len(part))
    started = time.process_time()

    redacted(text)

    assert time.process_time() - started < 30
