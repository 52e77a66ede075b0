"""The history over HTTP: filters, files and deletion."""

import pytest
import srt

from tests.http.http_client import Person, check_error

SEGMENTS = [{"seq": 0, "start_ms": 500, "end_ms": 1_500, "text": "Good morning."}]


@pytest.fixture
def transcript_id(person: Person) -> str:
    lease = person.stream(action="start", transport="relay", lease_seconds=60).json()
    person.stream(action="save", session_id=lease["session_id"], segments=SEGMENTS)
    person.stream(action="stop", session_id=lease["session_id"])
    return lease["transcript_id"]


def test_the_history_is_filtered_by_kind_and_time(person: Person, transcript_id: str) -> None:
    began = person.get("/transcription/history").json()["items"][0]["started_at"]

    for query, ids in (
        ({"kind": "live"}, [transcript_id]),
        ({"from": began}, [transcript_id]),
        ({"to": began}, []),
        ({"from": "2001-01-01T00:00:00+02:00", "to": "2999-01-01T00:00:00Z"}, [transcript_id]),
    ):
        assert [line["id"] for line in person.get("/transcription/history", params=query).json()["items"]] == ids


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("kind=dead", "kind"),
        ("from=yesterday", "from"),
        ("from=2026-11-22T10:00:00", "from"),
        ("to=2026-13-22T10:00:00Z", "to"),
        ("to=", "to"),
        ("from=2026-11-22T10:00:00Z&to=2026-11-22T10:00:00Z", "to"),
    ],
)
def test_an_invalid_filter_is_400_and_names_the_field(signed_in_user: Person, query: str, field: str) -> None:
    answer = signed_in_user.get(f"/transcription/history?{query}")

    check_error(answer, 400, "invalid_request")
    assert answer.json()["details"]["field"] == field


def test_a_title_is_changed_and_a_wrong_one_is_named(person: Person, transcript_id: str) -> None:
    path = f"/transcription/history/{transcript_id}"

    assert person.api.call("PATCH", path, person.token, json={"title": "Stand-up"}).json()["title"] == "Stand-up"
    assert person.get(path).json()["transcript"]["title"] == "Stand-up"
    removed = person.api.call("PATCH", path, person.token, json={"title": None})
    assert (removed.status_code, "title" in removed.json()) == (200, False)
    for body in ({}, {"title": 1}):
        assert (
            check_error(person.api.call("PATCH", path, person.token, json=body), 400, "invalid_request")["field"]
            == "title"
        )
    check_error(
        person.api.call("PATCH", "/transcription/history/unknown", person.token, json={"title": "x"}), 404, "not_found"
    )


def test_a_file_has_its_media_type_and_name(person: Person, transcript_id: str) -> None:
    answer = person.get(f"/transcription/history/{transcript_id}/export?format=srt")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/x-subrip"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="transcript-{transcript_id}.srt"'
    assert [cue.content for cue in srt.parse(answer.text)] == ["Good morning."]
    whole = person.get(f"/transcription/history/{transcript_id}").json()
    assert person.get(f"/transcription/history/{transcript_id}/export?format=json").json() == whole


@pytest.mark.parametrize("query", ["", "?format=doc", "?format=srt&format=vtt", "?format=srt&x=1"])
def test_an_unknown_file_format_is_400(person: Person, transcript_id: str, query: str) -> None:
    check_error(person.get(f"/transcription/history/{transcript_id}/export{query}"), 400, "invalid_request")


def test_a_deleted_transcript_is_not_found(person: Person, signed_in_user: Person, transcript_id: str) -> None:
    path = f"/transcription/history/{transcript_id}"
    check_error(signed_in_user.delete(path), 404, "not_found")
    check_error(signed_in_user.get(f"{path}/export?format=txt"), 404, "not_found")

    assert person.delete(path).json() == {"deleted": True}

    for answer in (person.delete(path), person.get(path), person.get(f"{path}/export?format=txt")):
        check_error(answer, 404, "not_found")
    assert person.get("/transcription/history").json()["items"] == []


def test_the_transcript_of_a_running_session_cannot_be_deleted(person: Person) -> None:
    running = person.stream(action="start", transport="relay", lease_seconds=60).json()["transcript_id"]

    check_error(person.delete(f"/transcription/history/{running}"), 409, "conflict")
