"""Direct sessions over HTTP: the socket they open is real, the bill is exact, and nobody else gets at them."""

import json
import time
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosedError

from sandbox.speech import word_error_rate
from tests.default_prices import live_credits
from tests.fakes import Backend
from tests.http.direct_sessions import (
    SPOKEN_TEXT,
    STREAM,
    backdate_session,
    lease_started_at,
    open_socket,
    receive_final_turn,
    renew_session,
    speech_frames,
    start_direct_session,
)
from tests.http.http_client import Person, Sandbox, check_error

HELD = live_credits(300)  # for a lease of the usual length


def test_a_direct_session_from_start_to_bill(person: Person, sandbox: Sandbox, books: Backend) -> None:
    before = int(time.time())
    labels = {"language": "en", "key_terms": ["Mister Dashwood"], "title": "A reading"}
    turn = {"silence_ms": 400, "max_silence_ms": 1_280, "confidence": 0.4}
    first = start_direct_session(person, **labels, providers=["deepgram", "assemblyai"], turn=turn)
    session_id = first["session_id"]
    assert (first["provider"], first["lease_seconds"], first["credits_held"]) == ("assemblyai", 300, HELD)
    assert (first["credits_available"], first["offset_ms"], first["next_seq"]) == (200 - HELD, 0, 0)
    assert person.balance() == (200 - HELD, HELD)

    with open_socket(first) as socket:
        assert json.loads(socket.recv(timeout=60))["configuration"]["model"] == "universal-streaming-english"
        for frame in speech_frames():
            socket.send(frame)
        turn = receive_final_turn(socket)
        socket.send('{"type": "Terminate"}')
    assert word_error_rate(SPOKEN_TEXT, turn["transcript"]) < 0.25
    recognised = {"seq": 0, "start_ms": 0, "end_ms": turn["words"][-1]["end"], "text": turn["transcript"]}
    saved = person.stream(action="save", session_id=session_id, segments=[recognised])
    assert (saved.status_code, saved.json()["warnings"]) == (200, [])
    assert (saved.json()["saved"], saved.json()["rejected"]) == ([0], [])
    assert 0 < saved.json()["seconds_left"] <= 300

    backdate_session(books, person, session_id, 95)
    second = renew_session(person, session_id)
    assert second["next_seq"] == 1
    assert second["offset_ms"] // 1000 == 95 + lease_started_at(second) - lease_started_at(first)
    assert sum(-used["credits"] for used in person.usage()) == live_credits(second["offset_ms"] // 1000)
    with open_socket(second) as socket:
        assert json.loads(socket.recv(timeout=60))["type"] == "Begin"
    backdate_session(books, person, session_id, 33)
    stopped = person.stop(session_id)

    after = int(time.time())
    assert 128 <= stopped["billed_seconds"] <= 128 + after - before
    used = live_credits(stopped["billed_seconds"])
    assert (stopped["credits_used"], stopped["credits_available"]) == (used, 200 - used)
    assert person.stop(session_id) == stopped
    assert person.balance() == (200 - used, 0)
    assert sum(-movement["credits"] for movement in person.usage()) == used
    whole = person.get(f"/transcription/history/{stopped['transcript_id']}").json()
    assert [segment["text"] for segment in whole["segments"]] == [turn["transcript"]]
    books.check_invariants(person.user_id)


def test_a_token_opens_one_socket_that_is_capped_by_its_lease(person: Person, sandbox: Sandbox) -> None:
    lease = start_direct_session(person, lease_seconds=90)

    with open_socket(lease) as socket:
        begin = json.loads(socket.recv(timeout=60))
        with open_socket(lease) as another:
            assert "already been used" in json.loads(another.recv(timeout=60))["error"]
            with pytest.raises(ConnectionClosedError) as closed:
                another.recv(timeout=60)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008

    assert abs(begin["expires_at"] - lease_started_at(lease) - 90) <= 2
    session = sandbox.session(begin["id"])
    assert (session["max_seconds"], session["inactivity_seconds"]) == (90, 60)


def test_a_repeated_start_or_renewal_gets_the_same_token(person: Person, sandbox: Sandbox, books: Backend) -> None:
    def say(key: str, **words: Any) -> requests.Response:
        return person.post(STREAM, json=words, headers={"Idempotency-Key": key})

    minted = sandbox.count(Sandbox.TOKEN)
    first = say("a direct start", action="start")
    again = say("a direct start", action="start")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.text == again.text
    assert sandbox.count(Sandbox.TOKEN) == minted + 1
    assert person.balance() == (200 - HELD, HELD)
    check_error(say("a direct start", action="start", language="en"), 409, "idempotency_mismatch")

    session_id = first.json()["session_id"]
    second = say("a renewal", action="renew", session_id=session_id, interrupted=True)
    again = say("a renewal", action="renew", session_id=session_id, interrupted=True)
    assert (second.status_code, second.text) == (200, again.text)
    assert second.json()["token"] != first.json()["token"]
    assert sandbox.count(Sandbox.TOKEN) == minted + 2
    assert person.balance()[1] == second.json()["credits_held"]
    check_error(say("a renewal", action="renew", session_id=session_id), 409, "idempotency_mismatch")

    person.stop(session_id)
    assert len(books.open_holds(person.user_id)) == 0
    books.check_invariants(person.user_id)


def test_an_early_renewal_is_refused_and_says_when_to_retry(person: Person) -> None:
    lease = start_direct_session(person)

    details = check_error(person.stream(action="renew", session_id=lease["session_id"]), 409, "conflict")

    lease_end = {"renew_after": lease["renew_after"], "lease_expires_at": lease["lease_expires_at"]}
    assert details == {"reason": "lease_open"} | lease_end
    assert person.balance() == (200 - HELD, HELD)


def test_a_client_that_wakes_finds_its_sessions_and_saves_its_last_words(person: Person) -> None:
    """Odd segments, as vendors send them, keep no others out."""
    first, second = start_direct_session(person, lease_seconds=60), start_direct_session(person, lease_seconds=60)
    odd = [
        {"seq": 4, "start_ms": -20, "end_ms": 480.6, "text": "a", "speaker": None},
        {"seq": 2, "start_ms": 500, "end_ms": 499, "text": "b" * 2_001},
        {"seq": 3, "start_ms": 0, "end_ms": 0, "text": ""},
        {"seq": 1, "start_ms": None, "end_ms": 10**400, "text": 7, "speaker": True},
    ]

    saved = person.stream(action="save", session_id=first["session_id"], segments=odd).json()
    sessions = person.get("/transcription/sessions").json()["sessions"]
    stopped = person.stream(action="stop", session_id=first["session_id"], segments=[odd[0] | {"seq": 5}]).json()
    late = person.stream(action="save", session_id=first["session_id"], segments=[odd[0] | {"seq": 6}])

    assert (saved["saved"], saved["rejected"]) == ([4, 2, 1], [])
    assert [(s["session_id"], s["state"], s["next_seq"], s["credits_held"]) for s in sessions] == [
        (second["session_id"], "active", 0, live_credits(60)),
        (first["session_id"], "active", 5, live_credits(60)),
    ]
    assert (stopped["rejected"], late.status_code, late.json()["saved"]) == ([], 200, [6])
    whole = person.get(f"/transcription/history/{first['transcript_id']}").json()
    times = {segment["seq"]: (segment["start_ms"], segment["end_ms"]) for segment in whole["segments"]}
    assert times == {1: (0, 2_592_000_000), 2: (500, 500), 4: (0, 481), 5: (0, 481), 6: (0, 481)}


def test_segments_that_cannot_be_read_keep_no_others_out_and_a_stop_settles(person: Person) -> None:
    session_id = start_direct_session(person, lease_seconds=60)["session_id"]
    odd = [{"seq": -1, "text": "a"}, {"seq": 10**400, "text": "a"}, {"text": "a"}, "a", {"seq": 7, "text": ["a"]}]
    good = [{"seq": "1", "text": "one", "confidence": 1}, {"seq": 2.0, "text": "two", "speaker": ["x"], "start_ms": {}}]
    unreadable = [*({"index": place, "reason": "unreadable"} for place in range(4)), {"seq": 7, "reason": "unreadable"}]

    saved = person.stream(action="save", session_id=session_id, segments=[*odd, *good]).json()
    more = [*odd, *({"seq": seq, "text": "a"} for seq in range(3, 123))]
    stopped = person.stream(action="stop", session_id=session_id, segments=more, provider_session_seconds=True)

    assert (saved["saved"], saved["rejected"]) == ([1, 2], unreadable)
    assert (stopped.status_code, stopped.json()["rejected"]) == (200, unreadable)
    assert person.get("/transcription/sessions").json()["sessions"] == []
    whole = person.get(f"/transcription/history/{stopped.json()['transcript_id']}").json()
    assert sorted(segment["seq"] for segment in whole["segments"]) == list(range(1, 123))


def test_of_segments_of_600_kb_what_fits_is_saved_and_a_stop_with_all_settles(person: Person) -> None:
    session_id = start_direct_session(person, lease_seconds=60)["session_id"]
    long = [{"seq": seq, "start_ms": 0, "end_ms": 1, "text": "x" * 20_000} for seq in range(30)]

    saved = person.stream(action="save", session_id=session_id, segments=long).json()
    stopped = person.stream(action="stop", session_id=session_id, segments=long)

    assert saved["saved"] == list(range(13))
    assert {(piece["seq"], piece["reason"]) for piece in saved["rejected"]} == {(n, "save_full") for n in range(13, 30)}
    assert (stopped.status_code, person.get("/transcription/sessions").json()["sessions"]) == (200, [])


def test_the_words_of_an_account_are_bounded_by_the_bytes_it_sends_in_a_day(person: Person) -> None:
    session_id = start_direct_session(person, lease_seconds=60)["session_id"]
    word = {"seq": 1, "start_ms": 0, "end_ms": 900, "text": "a word"}
    long_words = [word | {"seq": seq, "text": "x" * 20_000} for seq in range(25)]
    for _ in range(17):  # 8.5 MB
        assert person.stream(action="save", session_id=session_id, segments=long_words).status_code == 200
    another = start_direct_session(person, lease_seconds=60)["session_id"]

    saved = person.stream(action="save", session_id=another, segments=[word])
    stopped = person.stream(action="stop", session_id=another, segments=[word])

    assert (saved.status_code, saved.json()["saved"]) == (200, [])
    assert saved.json()["rejected"] == stopped.json()["rejected"] == [{"seq": 1, "reason": "words_limit"}]
    assert stopped.json()["billed_seconds"] < 60


def test_another_users_session_is_404(person: Person, signed_in_user: Person, sandbox: Sandbox) -> None:
    session_id = start_direct_session(person)["session_id"]
    minted, words = sandbox.count(Sandbox.TOKEN), [{"seq": 0, "start_ms": 0, "end_ms": 5, "text": "not mine"}]

    for calls in (
        {"action": "renew", "interrupted": True},
        {"action": "save", "segments": words},
        {"action": "stop", "provider_session_seconds": 1},
    ):
        check_error(signed_in_user.stream(session_id=session_id, **calls), 404, "not_found")

    assert sandbox.count(Sandbox.TOKEN) == minted
    assert person.balance() == (200 - HELD, HELD)
    transcript_id = person.stop(session_id)["transcript_id"]
    assert person.get(f"/transcription/history/{transcript_id}").json()["segments"] == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"language": "tlh"}, "language"),
        ({"language": "nb"}, "language"),
        ({"language": "ja"}, "language"),  # A language, but not one that AssemblyAI's live models know.
        ({"language": 7}, "language"),
        ({"lease_seconds": 59}, "lease_seconds"),
        ({"lease_seconds": 10_801}, "lease_seconds"),
        ({"lease_seconds": "600"}, "lease_seconds"),
        ({"lease_seconds": 600.5}, "lease_seconds"),
        ({"sample_rate": 12_345}, "sample_rate"),
        ({"key_terms": ["x" * 51]}, "key_terms[0]"),
        ({"key_terms": ["fine", ""]}, "key_terms[1]"),
        ({"key_terms": ["a\nb"]}, "key_terms[0]"),
        ({"key_terms": ["a\n"]}, "key_terms[0]"),
        ({"key_terms": ["語" * 50] * 100}, "key_terms"),
        ({"key_terms": ["term"] * 101}, "key_terms"),
        ({"key_terms": "term"}, "key_terms"),
        ({"transport": "carrier"}, "transport"),
        ({"speech_model": "universal-3-6-pro"}, "speech_model"),
        ({"token": "x"}, "token"),
    ],
    ids=str,
)
def test_an_invalid_start_is_400_with_its_field_and_calls_no_provider(
    signed_in_user: Person, sandbox: Sandbox, wrong: dict[str, Any], field: str
) -> None:
    minted = sandbox.count(Sandbox.TOKEN)

    answer = signed_in_user.stream(action="start", **wrong)

    assert check_error(answer, 400, "invalid_request") == {"field": field}
    assert signed_in_user.balance() == (200, 0)
    assert sandbox.count(Sandbox.TOKEN) == minted


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"action": "renew"}, "session_id"),
        ({"action": "renew", "session_id": "../x"}, "session_id"),
        ({"action": "renew", "session_id": "5a1de7d4", "interrupted": 1}, "interrupted"),
        ({"action": "renew", "session_id": "5a1de7d4", "lease_seconds": 600}, "lease_seconds"),
        ({"action": "resume", "session_id": "5a1de7d4"}, "action"),
        ({"session_id": "5a1de7d4"}, "action"),
    ],
    ids=str,
)
def test_any_other_invalid_body_is_400_with_its_field(
    signed_in_user: Person, wrong: dict[str, Any], field: str
) -> None:
    assert check_error(signed_in_user.stream(**wrong), 400, "invalid_request") == {"field": field}
