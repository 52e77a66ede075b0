"""After a whole life of an account, with every kind of failure in it: no secret, token, address or word got about."""

from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.repositories.sessions import session_key
from chalicelib.repositories.table import Write
from sandbox.speech import samples
from scripts.local.stack import LocalStack
from tests.fakes import Backend
from tests.http.calling import PASSWORD, Api, Heard, Person, Sandbox, Witness, check_error, silence
from tests.http.leaks import SPOKEN, Secrets, heard_words

JWT = "eyJhbGciOiJSUzI1NiJ9.e30.AA"


def live(api: Api, person: Person, sandbox: Sandbox) -> None:
    """Sign in and out rightly and wrongly, stream, save, fail at both providers, read it all back."""
    api.register(person.email)
    api.login(person.email, PASSWORD + "?")
    api.post("/auth/login", data=f'{{"email": "{person.email}", "password": "{PASSWORD}", "x": '.encode())
    api.post("/auth/refresh", json={"refresh_token": person.token})
    session_id = person.start(title=SPOKEN, source_url=f"https://example.com/?{SPOKEN.replace(' ', '+')}")
    recording = min((path for path, _ in samples()), key=lambda path: path.stat().st_size)
    assert person.send(session_id, 0, recording.read_bytes(), "audio/wav").status_code == 200
    for fault in ("401", "500", "bad_json"):
        sandbox.fail(Sandbox.SYNC, fault)
        sandbox.fail(Sandbox.TRANSCRIPTIONS, fault)
        person.send(session_id, 1, silence(200))
    saved = [{"seq": 9, "start_ms": 0, "end_ms": 5, "text": SPOKEN}]
    assert person.stream(action="save", session_id=session_id, segments=saved).status_code == 200
    person.stream(action="save", session_id=session_id, segments=[saved[0] | {"more": SPOKEN}])
    person.stream(action="save", session_id=SPOKEN, segments=saved)
    transcript_id = person.stop(session_id)["transcript_id"]
    assert SPOKEN in person.get(f"/transcription/history/{transcript_id}").text
    for path in ("/transcription/history", "/credits/transactions", "/auth/user"):
        assert person.get(path).status_code == 200
        person.get(f"{path}?token={person.token}&email={person.email}")
    person.post("/auth/logout")
    person.get("/auth/user")


def test_nothing_that_is_secret_or_private_got_about(
    api: Api, person: Person, sandbox: Sandbox, stack: LocalStack, witness: Witness
) -> None:
    live(api, person, sandbox)

    assert heard_words(witness.answers)
    assert Secrets.of(stack).leaked(stack.directory, witness.answers) == []


def test_a_bug_is_a_500_that_tells_nothing(person: Person, books: Backend) -> None:
    session_id = person.start()
    books.tables.write(Write(session_key(person.user_id, session_id), put_in={"state": "a state nobody knows"}))

    answer = person.stream(action="stop", session_id=session_id)

    assert check_error(answer, 500, "internal_error") == {}
    assert "state" not in answer.json()["message"]


@pytest.mark.parametrize(
    "plant", ["ASSEMBLYAI_API_KEY", "COGNITO_CLIENT_SECRET", PASSWORD, JWT, SPOKEN, "p@canary.example"]
)
def test_the_search_finds_what_is_planted(stack: LocalStack, tmp_path: Path, plant: str) -> None:
    secrets, secret = Secrets.of(stack), stack.settings.get(plant, plant)
    (tmp_path / "positions").mkdir()
    (tmp_path / "positions" / "stream.log").write_text(f'{{"message": "request", "note": "{secret}"}}')
    (tmp_path / "settings.json").write_text(secret)

    (in_file,) = secrets.leaked(tmp_path, [])
    in_answers = secrets.leaked(tmp_path / "nothing", [Heard("GET", "/health", 200, f"so {secret}", "{}")])
    in_headers = secrets.leaked(tmp_path / "nothing", [Heard("GET", "/health", 200, "", f"X: {secret}")])

    assert in_file.endswith("in positions/stream.log")
    assert len(in_answers) == len(in_headers) == 1


def test_the_search_knows_where_things_belong(stack: LocalStack, tmp_path: Path) -> None:
    secrets = Secrets.of(stack)
    fine = [Heard("POST", "/auth/login", 200, JWT, "{}"), Heard("GET", "/transcription/history/x", 200, SPOKEN, "{}")]

    assert secrets.leaked(tmp_path, fine) == []
    assert len(secrets.leaked(tmp_path, [replace(heard, status=400) for heard in fine])) == 2
    text = "a sentence of more than twenty letters"
    (tmp_path / "api.log").write_text(text)
    heard = Heard("POST", "/transcription/stream/x/audio", 200, f'{{"text": "{text}"}}', "{}")
    assert secrets.leaked(tmp_path, [heard]) == [f"heard: {text} in api.log"]
