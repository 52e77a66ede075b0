"""The search over HTTP: pages, and queries that are refused."""

import pytest

from tests.http.http_client import Person, check_error

SEARCH = "/transcription/search"
SEGMENTS = [
    {"seq": 0, "start_ms": 500, "end_ms": 1_500, "text": "Die Straße ist gut."},
    {"seq": 1, "start_ms": 61_500, "end_ms": 62_500, "text": "Morgen früh", "speaker": "Ada"},
]


def new_transcript(person: Person, title: str) -> str:
    lease = person.stream(action="start", transport="relay", lease_seconds=60, title=title).json()
    person.stream(action="save", session_id=lease["session_id"], segments=SEGMENTS)
    person.stream(action="stop", session_id=lease["session_id"])
    return str(lease["transcript_id"])


def test_words_are_found_page_by_page_and_no_longer_once_they_are_deleted(person: Person) -> None:
    first, second = new_transcript(person, "Montag"), new_transcript(person, "Dienstag")
    query = {"q": 'STRASSE "gut morgen"', "limit": 1}

    page = person.get(SEARCH, params=query).json()
    following = person.get(SEARCH, params=query | {"cursor": page["next_cursor"]}).json()

    (newest,), (oldest,) = page["items"], following["items"]
    assert (newest["transcript_id"], oldest["transcript_id"]) == (second, first)
    assert (newest["title"], newest["seq"], newest["start_ms"]) == ("Dienstag", 0, 500)
    assert newest["snippet"] == {"before": "Die Straße ist ", "match": "gut. Morgen", "after": " früh"}
    assert person.delete(f"/transcription/history/{second}").status_code == 200
    assert [result["transcript_id"] for result in person.get(SEARCH, params=query).json()["items"]] == [first]
    (titled,) = person.get(SEARCH, params={"q": "montag"}).json()["items"]
    assert titled["snippet"]["match"] == "Montag"
    assert "seq" not in titled


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=%20", "q"),
        ("q=%3F%21", "q"),
        (f"q={'x' * 201}", "q"),
        ("q=words&q=more", "q"),
        ("q=words&cursor=none", "cursor"),
        ("q=words&limit=0", "limit"),
        ("q=words&kind=live", "kind"),
    ],
)
def test_an_invalid_search_is_400_and_names_the_field(signed_in_user: Person, query: str, field: str) -> None:
    answer = signed_in_user.get(f"{SEARCH}?{query}")

    assert check_error(answer, 400, "invalid_request")["field"] == field


def test_a_phrase_without_its_last_quote_runs_to_the_end(signed_in_user: Person) -> None:
    assert signed_in_user.get(SEARCH, params={"q": '"good mor'}).json() == {"items": [], "next_cursor": None}
