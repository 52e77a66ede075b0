"""A shared transcript over HTTP: its address, the headers of its page, and what ends it."""

import base64
import hashlib
import re
from urllib.parse import urlsplit

import pytest
import requests

from chalicelib.http.shared_page import UNTITLED
from tests.http.conftest import StartApi
from tests.http.http_client import Api, Person, check_error

SEGMENTS = [
    {"seq": 0, "start_ms": 500, "end_ms": 1_500, "text": "See <https://example.com/a?b=1&c=2>.", "speaker": "Ada"}
]
TOKEN = re.compile(r"[\w-]{43}")  # 256 bits


@pytest.fixture
def transcript_id(person: Person) -> str:
    lease = person.stream(action="start", transport="relay", lease_seconds=60).json()
    person.stream(action="save", session_id=lease["session_id"], segments=SEGMENTS)
    person.stream(action="stop", session_id=lease["session_id"])
    return str(lease["transcript_id"])


def share(person: Person, transcript_id: str) -> str:
    """Share it; the path of its page below the address of the API."""
    answer = person.post(f"/transcription/history/{transcript_id}/share")
    assert answer.status_code == 201
    url = answer.json()["url"]
    base = urlsplit(person.api.url).path
    path = urlsplit(url).path
    assert url.startswith(f"{urlsplit(url).scheme}://{urlsplit(person.api.url).netloc}{base}/shared/")
    assert TOKEN.fullmatch(path.rpartition("/")[2])
    return path.removeprefix(base)


def check_gone(api: Api, path: str) -> None:
    page = api.get(path)
    assert (page.status_code, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "There is no transcript at this address." in page.text
    check_headers(page)


def check_headers(page: requests.Response) -> None:
    (style,) = re.findall("<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    expected = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
        "X-Content-Type-Options": "nosniff",
    }
    assert {name: page.headers.get(name) for name in expected} == expected
    assert "ETag" not in page.headers
    assert not re.search(r"<script|<link|<img|<iframe|<form|\son\w+=|https?://[^<]*\"", page.text)


def test_the_address_shows_the_words_and_nothing_of_the_owner(person: Person, transcript_id: str) -> None:
    path = share(person, transcript_id)

    page = person.api.get(path)

    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    check_headers(page)
    assert f"<title>{UNTITLED}</title>" in page.text
    assert "<b>Ada</b> See &lt;https://example.com/a?b=1&amp;c=2&gt;." in page.text
    assert person.user_id not in page.text
    assert person.email not in page.text
    assert person.api.get(f"{path}?part=x&utm_source=mail").text == page.text
    assert person.get(f"/transcription/history/{transcript_id}").json()["transcript"]["shared_at"]


def test_a_link_on_another_page_may_be_followed_but_nothing_embedded(person: Person, transcript_id: str) -> None:
    path = share(person, transcript_id)

    followed = person.api.get(path, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
    embedded = person.api.get(path, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"})

    assert followed.status_code == 200
    check_error(embedded, 403, "origin_not_allowed")


def test_a_new_address_ends_the_first_and_a_delete_ends_both(person: Person, transcript_id: str) -> None:
    first, second = share(person, transcript_id), share(person, transcript_id)

    check_gone(person.api, first)
    assert person.api.get(second).status_code == 200
    for _ in range(2):
        ended = person.delete(f"/transcription/history/{transcript_id}/share")
        assert (ended.status_code, ended.json()) == (200, {"ended": True})
        check_gone(person.api, second)


def test_the_deletion_of_the_transcript_ends_its_share(person: Person, transcript_id: str) -> None:
    path = share(person, transcript_id)

    assert person.delete(f"/transcription/history/{transcript_id}").status_code == 200

    check_gone(person.api, path)


def test_an_administrator_ends_a_share_and_a_block_hides_it(person: Person, owner: Person, transcript_id: str) -> None:
    path = share(person, transcript_id)
    block = f"/admin/users/{person.user_id}"
    for act, status in (("block", 404), ("unblock", 200)):
        assert owner.post(f"{block}/{act}", json={"reason": "A report."}).status_code == 200
        assert person.api.get(path).status_code == status
    report = {"address": f"https://elsewhere.example{path}", "reason": "A report."}

    assert owner.post("/admin/shares/end", json=report).json() == {"user_id": person.user_id, "is_shared": False}

    check_gone(person.api, path)
    check_error(owner.post("/admin/shares/end", json=report), 404, "not_found")
    check_error(person.post("/admin/shares/end", json=report), 403, "forbidden")


def test_the_deletion_of_the_account_ends_its_shares_at_once(person: Person, transcript_id: str) -> None:
    path = share(person, transcript_id)

    assert person.delete("/auth/user").status_code == 202

    check_gone(person.api, path)


def test_above_the_caps_of_a_day_and_of_a_network_the_page_says_so(
    start_api: StartApi, person: Person, transcript_id: str
) -> None:
    path = share(person, transcript_id)
    small = start_api(SHARED_BYTES_PER_TRANSCRIPT_DAY="10", RATE_LIMIT_SHARED="2/day")

    for message in ("opened too often today", "opened too often today", "Too many requests."):
        page = small.get(path)
        assert (page.status_code, page.headers["Content-Type"]) == (429, "text/html; charset=utf-8")
        assert message in page.text
        assert 0 < int(page.headers["Retry-After"]) <= 86_400
        check_headers(page)
