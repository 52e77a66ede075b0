"""Requests that break the contract: each gets an error of one shape, and none breaks the API."""

import base64
from typing import Any

import pytest

from tests.http.http_client import Api, Person, check_error

STREAM = "/transcription/stream"
JSON = {"Content-Type": "application/json"}
UNKNOWN_SESSION = "5a1de7d4"


def segment(**words: Any) -> dict[str, Any]:
    return {"seq": 0, "start_ms": 0, "end_ms": 1, "text": "a word"} | words


def saving(**words: Any) -> dict[str, Any]:
    return {"action": "save", "session_id": UNKNOWN_SESSION, "segments": [segment(**words)]}


def starting(**words: Any) -> dict[str, Any]:
    return {"action": "start", "transport": "relay"} | words


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, "body"),
        ([], "body"),
        ("start", "body"),
        ({}, "action"),
        ({"action": "dance"}, "action"),
        ({"action": None}, "action"),
        ({"action": ["start"]}, "action"),
        (starting(colour="red"), "colour"),
        (starting(transport="pigeon"), "transport"),
        (starting(transport=1), "transport"),
        (starting(lease_seconds=59), "lease_seconds"),
        (starting(lease_seconds=10_801), "lease_seconds"),
        (starting(lease_seconds="600"), "lease_seconds"),
        (starting(lease_seconds=600.5), "lease_seconds"),
        (starting(lease_seconds=True), "lease_seconds"),
        (starting(lease_seconds=10**400), "lease_seconds"),
        (starting(lease_seconds=-(10**18)), "lease_seconds"),
        (starting(sample_rate=11_025), "sample_rate"),
        (starting(language="english"), "language"),
        (starting(title=7), "title"),
        (starting(source_url=["https://example.com"]), "source_url"),
        ({"action": "stop"}, "session_id"),
        ({"action": "stop", "session_id": ""}, "session_id"),
        ({"action": "stop", "session_id": "a#b"}, "session_id"),
        ({"action": "stop", "session_id": "x" * 65}, "session_id"),
        ({"action": "renew", "session_id": UNKNOWN_SESSION, "interrupted": "yes"}, "interrupted"),
        ({"action": "save", "session_id": UNKNOWN_SESSION, "segments": [segment()] * 101}, "segments"),
        ({"action": "save", "session_id": UNKNOWN_SESSION, "segments": segment()}, "segments"),
        ({"action": "save", "session_id": UNKNOWN_SESSION, "segments": "a word"}, "segments"),
    ],
    ids=str,
)
def test_an_invalid_field_is_400_and_named(signed_in_user: Person, body: object, field: str) -> None:
    details = check_error(
        signed_in_user.post(STREAM, json=body) if body is not None else signed_in_user.post(STREAM),
        400,
        "invalid_request",
    )

    assert details["field"] == field


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"action":' * 20_000,
        b'{"action":"start","title":' + b"[" * 100_000,
        b'{"action":"start","title":"\xff\xfe"}',
        b'\xff\xfe{\x00"\x00',
        b'{"action":"start","action":"stop"}',
        b'{"action":"start","lease_seconds":' + b"9" * 100_000 + b"}",
        b'{"action":"start","lease_seconds":1e999}',
        b'{"action":"start","lease_seconds":NaN}',
        b'{"action":"start"} {"action":"start"}',
        b"\x00" * 1_000,
        b"action=start&transport=relay",
    ],
    ids=lambda body: f"{body[:40]!r}, {len(body)} bytes",
)
def test_a_body_that_is_invalid_json_is_400(signed_in_user: Person, body: bytes) -> None:
    check_error(signed_in_user.post(STREAM, data=body, headers=JSON), 400, "invalid_request")
    assert signed_in_user.balance() == (200, 0)


@pytest.mark.parametrize(
    "path", ["/auth/register", "/auth/login", "/auth/refresh", "/auth/confirm", "/auth/resend-code"]
)
def test_public_routes_refuse_invalid_bodies_too(api: Api, path: str) -> None:
    for body in (b"", b"null", b"[]", b"{}", b'{"email": {}}', b"[" * 100_000, b"\xff", b'{"email":"\\ud800@b.cd"}'):
        check_error(api.post(path, data=body, headers=JSON), 400, "invalid_request")


def test_a_label_is_cleaned_and_the_session_starts(signed_in_user: Person) -> None:
    labels = rb'"title":"one\r\ntwo \ud83d%s","source_url":"file:///c:/talk.mp4","language":"zh-Hans"' % (b"x" * 300)
    body = b'{"action":"start","transport":"relay",' + labels + b"}"

    started = signed_in_user.post(STREAM, data=body, headers=JSON)

    assert started.status_code == 201
    path = f"/transcription/history/{started.json()['transcript_id']}"
    transcript = signed_in_user.get(path).json()["transcript"]
    assert transcript["title"] == "one two \ufffd" + "x" * 191
    assert (transcript["language"], "source_url" in transcript) == ("zh", False)
    file = signed_in_user.get(f"{path}/export?format=txt")
    assert "filename*=UTF-8''one%20two%20%EF%BF%BDxxx" in file.headers["Content-Disposition"]
    assert "Content-Disposition" in file.headers["Access-Control-Expose-Headers"]
    session = {"action": "stop", "session_id": started.json()["session_id"], "provider_session_seconds": 12.4}
    assert signed_in_user.post(STREAM, json=session).status_code == 200


@pytest.mark.parametrize(
    ("path", "size", "max_bytes"),
    [("/transcription/catchup", 600_000, 512 * 1024), (STREAM, 4 * 1024 * 1024 + 1, 4 * 1024 * 1024)],
)
def test_a_larger_body_of_json_is_413(signed_in_user: Person, path: str, size: int, max_bytes: int) -> None:
    body = b'{"action":"start","title":"' + b"x" * size + b'"}'

    answer = signed_in_user.post(path, data=body, headers=JSON)

    assert check_error(answer, 413, "too_large") == {"max_bytes": max_bytes}


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "a/b;c", ";"]
)
def test_another_content_type_is_415(signed_in_user: Person, media_type: str) -> None:
    answer = signed_in_user.post(STREAM, data=b'{"action":"start"}', headers={"Content-Type": media_type})

    check_error(answer, 415, "unsupported_media_type")


def test_a_content_type_may_have_a_charset(signed_in_user: Person) -> None:
    body = b'{"action":"stop","session_id":"5a1de7d4"}'
    answer = signed_in_user.post(STREAM, data=body, headers={"Content-Type": "application/json; charset=utf-8"})

    check_error(answer, 404, "not_found")
    assert "session" in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nope"),
        ("POST", "/"),
        ("GET", "//credits"),
        ("GET", "/credits"),
        ("GET", "/credits/balance/more"),
        ("GET", "/%00"),
        ("GET", "/..%2f..%2fetc%2fpasswd"),
        ("POST", "/credits/balance"),
        ("GET", "/auth/login"),
        ("PUT", "/transcription/stream"),
        ("DELETE", "/health"),
        ("PATCH", "/credits/transactions"),
        ("BREW", "/health"),
    ],
)
def test_an_unknown_path_or_method_is_404(api: Api, signed_in_user: Person, method: str, path: str) -> None:
    check_error(api.call(method, path), 404, "not_found")
    check_error(api.call(method, path, signed_in_user.token), 404, "not_found")


PAGED = ["/credits/transactions", "/transcription/history"]
BAD_LIMITS = ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "limit=1.5", "limit=" + "9" * 400]
BAD_CURSORS = ["cursor=", "cursor=" + "A" * 10_000, "cursor=%00", "cursor=%F0%9F%92%A9", "cursor=.."]
BAD_NAMES = ["limit=1&limit=1", "cursor=QQ&cursor=QQ", "colour=red", "%00=1"]


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize("query", [*BAD_LIMITS, *BAD_CURSORS, *BAD_NAMES], ids=lambda query: query[:30])
def test_bad_query_parameters_are_400(signed_in_user: Person, path: str, query: str) -> None:
    check_error(signed_in_user.get(f"{path}?{query}"), 400, "invalid_request")


def opaque(sort_key: str) -> str:
    return base64.urlsafe_b64encode(sort_key.encode()).decode().rstrip("=")


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize("sort_key", ["HOLD#x", "ENTRY#x", "USER#x", "../x", "x\ny", "\x00", "x" * 500, "é"], ids=ascii)
def test_a_forged_cursor_is_400(signed_in_user: Person, path: str, sort_key: str) -> None:
    check_error(signed_in_user.get(path, params={"cursor": opaque(sort_key)}), 400, "invalid_request")


def test_a_cursor_leads_through_all_of_the_callers_own_pages(person: Person, signed_in_user: Person) -> None:
    sessions = [person.start(lease_seconds=60) for _ in range(3)]
    seen_ids, cursors, query = [], [], {"limit": 1}
    while True:
        page = person.get("/transcription/history", params=query).json()
        seen_ids += [line["session_id"] for line in page["items"]]
        if page["next_cursor"] is None:
            break
        cursors.append(page["next_cursor"])
        query = {"limit": 1, "cursor": cursors[-1]}

    assert sorted(seen_ids) == sorted(sessions)
    for cursor in cursors:
        check_error(signed_in_user.get("/transcription/history", params={"cursor": cursor}), 400, "invalid_request")
        check_error(person.get("/credits/transactions", params={"cursor": cursor}), 400, "invalid_request")
        filtered = person.get("/transcription/history", params={"cursor": cursor, "kind": "live"})
        check_error(filtered, 400, "invalid_request")
        for tampered in (cursor + "A", cursor[:-1], cursor[1:], cursor.swapcase() + "-_"):
            check_error(person.get("/transcription/history", params={"cursor": tampered}), 400, "invalid_request")


@pytest.mark.parametrize("transcript_id", ["5a1de7d4", "01ARZ3NDEKTSV4RRFFQ69G5FAV"])
def test_another_users_transcript_is_404(person: Person, signed_in_user: Person, transcript_id: str) -> None:
    other_cursor = person.stream(action="start", transport="relay", lease_seconds=60).json()["transcript_id"]

    check_error(signed_in_user.get(f"/transcription/history/{transcript_id}"), 404, "not_found")
    check_error(signed_in_user.get(f"/transcription/history/{other_cursor}"), 404, "not_found")
    check_error(signed_in_user.get("/transcription/history/a%23b"), 400, "invalid_request")


def test_saved_text_is_returned_as_it_was_sent(person: Person) -> None:
    lease = person.stream(action="start", transport="relay", lease_seconds=60).json()
    text = "nul \x00, quotes \"'<script>, \N{GRINNING FACE}, \N{RIGHT-TO-LEFT OVERRIDE}, line\nbreak"
    saved = person.stream(action="save", session_id=lease["session_id"], segments=[segment(text=text, seq=3)])

    assert saved.status_code == 200
    whole = person.get(f"/transcription/history/{lease['transcript_id']}").json()
    assert [(piece["seq"], piece["text"]) for piece in whole["segments"]] == [(3, text)]
