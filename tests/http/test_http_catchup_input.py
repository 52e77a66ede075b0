"""Refused requests: each is a 400 that names the field, before credits are held or a provider is called."""

from typing import Any

import pytest

from chalicelib.models.transcripts import Transcript
from chalicelib.repositories.transcripts import put_transcript
from tests.fakes import Backend
from tests.http.catchup_steps import ASK, CATCHUP, RANGE_MS, SENTENCES, UPLOADS, create_session
from tests.http.http_client import Person, check_error

HISTORY = "/transcription/history"
PUBLIC = "https://media.example.com/talk.mp3"
BAD_URLS = [
    "http://media.example.com/talk.mp3",
    "ftp://media.example.com/talk.mp3",
    "file:///etc/passwd",
    "https://localhost/talk.mp3",
    "https://localhost./talk.mp3",
    "https://127.0.0.1/talk.mp3",
    "https://127.1/talk.mp3",
    "https://2130706433/talk.mp3",
    "https://0x7f000001/talk.mp3",
    "https://0x7f.1/talk.mp3",
    "https://017700000001/talk.mp3",
    "https://8.8.8.8/talk.mp3",
    "https://[::1]/talk.mp3",
    "https://[::ffff:10.0.0.1]/talk.mp3",
    "https://10.0.0.1/talk.mp3",
    "https://192.168.1.1/talk.mp3",
    "https://169.254.169.254/latest/meta-data",
    "https://metadata.google.internal/",
    "https://printer.local/talk.mp3",
    "https://intranet/talk.mp3",
    "https://user@media.example.com/talk.mp3",
    "https://user:password@media.example.com/talk.mp3",
    "https://@media.example.com/talk.mp3",
    "https://media.example.com:8443/talk.mp3",
    "https://media.example.com:/talk.mp3",
    "https://media.example.com:0/talk.mp3",
    "https://media.example.com\\@127.0.0.1/talk.mp3",
    "https://mediä.example.com/talk.mp3",
    "https://media.example.com/a b.mp3",
    "https://media.example.com/\r\nX: y",
    "https://media..example.com/talk.mp3",
    "https:///talk.mp3",
    "media.example.com/talk.mp3",
    "",
    PUBLIC + "?" + "x" * 10_000,
]


@pytest.mark.parametrize("url", BAD_URLS, ids=lambda url: ascii(url)[:50])
def test_an_address_that_is_not_public_https_is_400(signed_in_user: Person, url: str) -> None:
    check_bad(signed_in_user, CATCHUP, {"audio_url": url, "to_ms": RANGE_MS}, "audio_url")
    check_bad(signed_in_user, CATCHUP, {"audio_url": url, "to_ms": RANGE_MS, "quote": True}, "audio_url")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"from_ms": 36_000_000}, "from_ms"),
        ({"audio_url": "https://media.example.com/master.m3u8"}, "audio_url"),
        ({"audio_url": "https://www.youtube.com/watch?v=abcdefghijk"}, "audio_url"),
        ({"to_ms": 0}, "to_ms"),
        ({"to_ms": -1}, "to_ms"),
        ({"from_ms": -2, "to_ms": -1}, "to_ms"),
        ({"from_ms": 5, "to_ms": 5}, "to_ms"),
        ({"from_ms": 60_000, "to_ms": 30_000}, "to_ms"),
        ({"to_ms": 36_000_001}, "to_ms"),
        ({"from_ms": 1_000, "to_ms": 36_000_001}, "to_ms"),
        ({"to_ms": 10**30}, "to_ms"),
        ({"to_ms": "30000"}, "to_ms"),
        ({"to_ms": 5, "minutes": 5}, "minutes"),
        ({"minutes": 5}, "minutes"),
        ({"to_ms": 5, "language": "tlh"}, "language"),
        ({"to_ms": 5, "language": "english"}, "language"),
        ({"to_ms": 5, "title": 7}, "title"),
        ({"to_ms": 5, "quote": "yes"}, "quote"),
        ({"to_ms": 5, "upload_id": "x"}, "audio_url"),
        ({"to_ms": 5, "session_id": "x"}, "session_id"),
        ({"to_ms": 5, "colour": "red"}, "colour"),
    ],
    ids=str,
)
def test_an_invalid_request_is_400_and_names_the_field(
    signed_in_user: Person, body: dict[str, Any], field: str
) -> None:
    check_bad(signed_in_user, CATCHUP, {"audio_url": PUBLIC} | body, field)


@pytest.mark.parametrize("minutes", [0, -1, 601, 1.5, "5", None])
def test_invalid_minutes_are_400(signed_in_user: Person, minutes: Any) -> None:
    check_bad(signed_in_user, CATCHUP, {"session_id": "x", "minutes": minutes}, "minutes")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"from_ms": 20_000, "to_ms": 90_000}, "from_ms"),
        ({"from_ms": 9_500, "to_ms": 9_800}, "from_ms"),
        ({"minutes": 5, "from_ms": 0}, "from_ms"),
        ({"minutes": 5, "to_ms": 5}, "minutes"),
    ],
    ids=str,
)
def test_a_range_that_a_session_does_not_have_is_400(person: Person, body: dict[str, Any], field: str) -> None:
    session_id = create_session(person, *SENTENCES)

    check_bad(person, CATCHUP, {"session_id": session_id} | body, field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"question": ""}, "question"),
        ({"question": " \n\t"}, "question"),
        ({"question": "x" * 1_001}, "question"),
        ({"question": "x" * 100_000}, "question"),
        ({"question": None}, "question"),
        ({"question": ["why?"]}, "question"),
        ({}, "question"),
        ({"question": "why?", "transcript_id": "a#b"}, "transcript_id"),
        ({"question": "why?", "transcript_id": None}, "transcript_id"),
        ({"question": "why?", "session_id": "x"}, "transcript_id"),
        ({"question": "why?", "model": "best"}, "model"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_an_invalid_question_is_400_and_names_the_field(
    signed_in_user: Person, body: dict[str, Any], field: str
) -> None:
    check_bad(signed_in_user, ASK, {"transcript_id": "5a1de7d4"} | body, field)


@pytest.mark.parametrize("media_type", ["text/html", "image/png", "audio/pcm", "audio/L16;rate=16000", None])
def test_an_upload_form_is_only_for_recordings(signed_in_user: Person, media_type: str | None) -> None:
    check_bad(signed_in_user, UPLOADS, {"content_type": media_type}, "content_type")


@pytest.mark.parametrize(
    ("media_type", "expected"), [("audio/webm;codecs=opus", "audio/webm"), ("", "application/octet-stream")]
)
def test_an_upload_form_takes_the_media_types_of_browsers(
    signed_in_user: Person, media_type: str, expected: str
) -> None:
    form = signed_in_user.post(UPLOADS, json={"content_type": media_type})

    assert (form.status_code, form.json()["fields"]["Content-Type"]) == (201, expected)


@pytest.mark.parametrize("path", [CATCHUP, ASK])
@pytest.mark.parametrize("key", ["", "x" * 256, "é".encode("latin-1"), "a\tb"], ids=ascii)
def test_a_key_out_of_bounds_is_400(signed_in_user: Person, path: str, key: str | bytes) -> None:
    body = {"audio_url": PUBLIC, "to_ms": 5} if path == CATCHUP else {"question": "?", "session_id": "x"}
    answer = signed_in_user.post(path, json=body, headers={"Idempotency-Key": key})

    assert check_error(answer, 400, "invalid_request")["field"] == "Idempotency-Key"


def test_a_cursor_continues_only_with_the_same_user_and_filters(
    person: Person, signed_in_user: Person, books: Backend
) -> None:
    for n in range(3):
        line = Transcript(f"01ARZ3NDEKTSV4RRFFQ69G5FA{n}", "catchup", 1_795_400_000 + n, state="done")
        books.tables.write(put_transcript(person.user_id, line))
    first = person.get(HISTORY, params={"kind": "catchup", "limit": 2}).json()
    query = {"kind": "catchup", "limit": 2, "cursor": first["next_cursor"]}

    for _ in range(2):  # A cursor is a position, so it can be used again.
        assert [transcript["id"][-1] for transcript in person.get(HISTORY, params=query).json()["items"]] == ["0"]
    for caller, changes in (
        (signed_in_user, {}),
        (person, {"kind": "live"}),
        (person, {"cursor": query["cursor"][:-2]}),
    ):
        answer = caller.get(HISTORY, params=query | changes)
        assert check_error(answer, 400, "invalid_request")["field"] == "cursor"


def check_bad(caller: Person, path: str, body: dict[str, Any], field: str) -> None:
    """The request is 400, names the field, and holds nothing."""
    before = caller.balance()

    details = check_error(caller.post(path, json=body), 400, "invalid_request")

    assert details["field"] == field
    assert caller.balance() == before
