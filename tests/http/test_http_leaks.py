"""No secret, token, address or text leaks when an account uses every feature with every kind of failure."""

from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.catchup.job_rules import webhook_secret
from chalicelib.repositories.sessions import session_key
from chalicelib.repositories.table import Write
from sandbox.speech import samples
from scripts.local.stack import LocalStack
from tests.fakes import Backend
from tests.http.catchup_steps import ASK, CATCHUP, SPOKEN_TEXT, catch_up, upload, wait_until_ended, wait_until_swept
from tests.http.checkout_steps import CREATE, PURCHASE, PaymentsClient, buy_and_pay, event, send_signed, webhook
from tests.http.http_client import (
    PASSWORD,
    Api,
    Person,
    RecordedResponse,
    ResponseRecorder,
    Sandbox,
    check_error,
    silence,
)
from tests.http.leak_search import (
    CHECKOUT,
    PRIVATE_TEXT,
    SIGNED,
    STREAM,
    STRIPE_SIGNED,
    UPLOADS,
    Secrets,
    job_ids,
    recognised_texts,
    shared_tokens,
    signatures,
    stream_tokens,
)

JWT = "eyJhbGciOiJSUzI1NiJ9.e30.AA"


def use_every_feature(
    api: Api, person: Person, sandbox: Sandbox, books: Backend, payments_client: PaymentsClient
) -> None:
    """Sign in and out, stream, save, buy and read, with wrong input and with failures of every provider."""
    api.register(person.email)
    api.login(person.email, PASSWORD + "?")
    api.post("/auth/login", data=f'{{"email": "{person.email}", "password": "{PASSWORD}", "x": '.encode())
    api.post("/auth/refresh", json={"refresh_token": person.token})
    session_id = person.start(title=PRIVATE_TEXT, source_url=f"https://example.com/?{PRIVATE_TEXT.replace(' ', '+')}")
    recording = min((path for path, _ in samples()), key=lambda path: path.stat().st_size)
    assert person.send(session_id, 0, recording.read_bytes(), "audio/wav").status_code == 200
    for fault in ("401", "500", "bad_json"):
        sandbox.fail(Sandbox.SYNC, fault)
        sandbox.fail(Sandbox.TRANSCRIPTIONS, fault)
        person.send(session_id, 1, silence(200))
    saved = [{"seq": 9, "start_ms": 0, "end_ms": 5, "text": PRIVATE_TEXT}]
    assert person.stream(action="save", session_id=session_id, segments=saved).status_code == 200
    person.stream(action="save", session_id=session_id, segments=[saved[0] | {"more": PRIVATE_TEXT}])
    person.stream(action="save", session_id=PRIVATE_TEXT, segments=saved)
    direct = person.stream(
        action="start", lease_seconds=60, language="en", title=PRIVATE_TEXT, key_terms=[PRIVATE_TEXT]
    )
    assert direct.status_code == 201
    sandbox.fail(Sandbox.TOKEN, "401")
    person.stream(action="renew", session_id=direct.json()["session_id"], interrupted=True)
    transcript_id = person.stop(session_id)["transcript_id"]
    assert PRIVATE_TEXT in person.get(f"/transcription/history/{transcript_id}").text
    person.get("/transcription/search", params={"q": PRIVATE_TEXT})
    share(person, transcript_id)
    catch_up_and_ask(person, sandbox, books)
    buy_and_return(person, payments_client)
    for path in ("/transcription/history", "/credits/transactions", "/auth/user"):
        assert person.get(path).status_code == 200
        person.get(f"{path}?token={person.token}&email={person.email}")
    person.post("/auth/logout")
    person.get("/auth/user")


def share(person: Person, transcript_id: str) -> None:
    """Share a transcript, read its page, end the share, and read the page again."""
    path = f"/transcription/history/{transcript_id}/share"
    address = person.post(path).json()["url"]
    for status in (200, 404):
        page = person.api.get(f"/shared/{address.rpartition('/')[2]}?part=0&utm_source=mail")
        assert (page.status_code, PRIVATE_TEXT in page.text) == (status, status == 200)
        assert person.delete(path).json() == {"ended": True}


def catch_up_and_ask(person: Person, sandbox: Sandbox, books: Backend) -> None:
    """Summarise a recording and ask about it, after failures of the providers that contain text."""
    upload_id = upload(person)
    for service, fault in ((Sandbox.CREATE, "bad_json"), (Sandbox.GET, "401"), (Sandbox.DELETE, "500")):
        sandbox.fail(service, fault)
    sandbox.fail(Sandbox.TEXT, "refusal")
    done = wait_until_swept(books, person, catch_up(person, upload_id=upload_id, title=PRIVATE_TEXT)["job_id"])
    catch_up(person, upload_id=upload_id, title=PRIVATE_TEXT)
    body = {"question": f"Who spoke of {PRIVATE_TEXT}?", "transcript_id": done["transcript_id"]}
    for fault in ("500", "bad_json", "not_json", "wrong_schema", "context_length"):
        sandbox.fail(Sandbox.TEXT, fault)
        assert person.post(ASK, json=body).status_code == 502
    assert person.post(ASK, json=body | {"question": SPOKEN_TEXT}).json()["quotes"]
    failed = wait_until_ended(person, catch_up(person, audio_url=f"https://media.example.com/{SIGNED}")["job_id"])
    assert failed["error"]["message"].startswith("The recording could not be downloaded.")


def buy_and_return(person: Person, payments_client: PaymentsClient) -> None:
    """Buy, have money back, be disputed, while Stripe fails and others pretend to be it."""
    for fault in ("401", "500", "bad_json", "429"):
        payments_client.fail(CREATE, fault)
        person.post(PURCHASE, json={"package_id": "popular"})
    checkout = buy_and_pay(person, payments_client)
    payments_client.refund(checkout, 333)
    payments_client.fail("stripe.sessions_list", "401")
    refund = {"id": "re_1", "status": "succeeded", "amount": 1, "currency": "usd", "payment_intent": "pi_1"}
    assert send_signed(person.api, payments_client, event("refund.created", refund)).status_code == 503
    raw = event(
        "checkout.session.completed", payments_client.session(checkout) | {"customer_email": person.email, "amount": 1}
    )
    assert webhook(person.api, raw, f"t=1{STRIPE_SIGNED}abc").status_code == 400
    assert send_signed(person.api, payments_client, raw).status_code == 200
    person.post(PURCHASE, json={"package_id": "popular", "success_url": f"https://evil.example/?{person.email}"})


def test_no_secret_and_no_private_text_leaks(
    api: Api,
    person: Person,
    sandbox: Sandbox,
    books: Backend,
    payments_client: PaymentsClient,
    stack: LocalStack,
    response_recorder: ResponseRecorder,
) -> None:
    use_every_feature(api, person, sandbox, books, payments_client)

    assert recognised_texts(response_recorder.answers)
    assert stream_tokens(response_recorder.answers)
    assert signatures(response_recorder.answers)
    assert job_ids(response_recorder.answers)
    assert shared_tokens(response_recorder.answers)
    assert Secrets.of(stack).find_leaks(stack.directory, response_recorder.answers) == []


def test_a_bug_is_a_500_without_details(person: Person, books: Backend) -> None:
    session_id = person.start()
    books.tables.write(Write(session_key(person.user_id, session_id), put_in={"state": "a state nobody knows"}))

    answer = person.stream(action="stop", session_id=session_id)

    assert check_error(answer, 500, "internal_error") == {}
    assert "state" not in answer.json()["message"]


@pytest.mark.parametrize(
    "plant",
    [
        *("ASSEMBLYAI_API_KEY", "COGNITO_CLIENT_SECRET", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET"),
        *(PASSWORD, JWT, PRIVATE_TEXT, "p@canary.example", SIGNED, CHECKOUT, STRIPE_SIGNED),
    ],
)
def test_the_leak_search_finds_what_is_planted(stack: LocalStack, tmp_path: Path, plant: str) -> None:
    secrets, secret = Secrets.of(stack), stack.settings.get(plant, plant)
    (tmp_path / "positions").mkdir()
    (tmp_path / "positions" / "stream.log").write_text(f'{{"message": "request", "note": "{secret}"}}')
    (tmp_path / "settings.json").write_text(secret)

    (in_file,) = secrets.find_leaks(tmp_path, [])
    in_answers = secrets.find_leaks(
        tmp_path / "nothing", [RecordedResponse("GET", "/health", 200, f"so {secret}", "{}")]
    )
    in_headers = secrets.find_leaks(tmp_path / "nothing", [RecordedResponse("GET", "/health", 200, "", f"X: {secret}")])

    assert in_file.endswith("in positions/stream.log")
    assert len(in_answers) == len(in_headers) == 1


def test_the_leak_search_allows_values_where_they_belong(stack: LocalStack, tmp_path: Path) -> None:
    secrets = Secrets.of(stack)
    fine = [
        RecordedResponse("POST", "/auth/login", 200, JWT, "{}"),
        RecordedResponse("GET", "/transcription/history/x", 200, PRIVATE_TEXT, "{}"),
    ]

    assert secrets.find_leaks(tmp_path, fine) == []
    assert len(secrets.find_leaks(tmp_path, [replace(response, status=400) for response in fine])) == 2
    text = "a sentence of more than twenty letters"
    (tmp_path / "api.log").write_text(text)
    response = RecordedResponse("POST", "/transcription/stream/x/audio", 200, f'{{"text": "{text}"}}', "{}")
    assert secrets.find_leaks(tmp_path, [response]) == [f"said: {text} in api.log"]


def test_the_leak_search_finds_socket_tokens(stack: LocalStack, tmp_path: Path) -> None:
    secrets, lease = Secrets.of(stack), RecordedResponse("POST", STREAM, 201, '{"token": "opaque-token"}', "{}")

    assert secrets.find_leaks(tmp_path, [lease]) == []
    (tmp_path / "api.log").write_text("GET /v3/ws?token=opaque-token")
    elsewhere = RecordedResponse("GET", "/transcription/history", 200, "opaque-token", "{}")
    assert secrets.find_leaks(tmp_path, [lease, elsewhere]) == [
        "single-use secret 0 in api.log",
        "a single-use secret in the 200 of GET /transcription/history",
    ]


def test_the_leak_search_finds_upload_forms_and_webhook_secrets(stack: LocalStack, tmp_path: Path) -> None:
    secrets = Secrets.of(stack)
    form = RecordedResponse(
        "POST", UPLOADS, 201, '{"fields": {"x-amz-signature": "5ec7e7", "policy": "eyJpolicy"}}', "{}"
    )
    job = RecordedResponse(
        "POST", CATCHUP, 202, '{"job_id": "one", "summary": "a summary of more than twenty letters"}', "{}"
    )
    secret = webhook_secret(stack.settings["IDENTITY_HMAC_KEY"], "one")

    assert secrets.find_leaks(tmp_path, [form, job]) == []
    elsewhere = [
        RecordedResponse("GET", "/health", 200, secret, "{}"),
        RecordedResponse("GET", "/health", 200, "5ec7e7", "{}"),
    ]
    assert [found.rpartition(" in ")[2] for found in secrets.find_leaks(tmp_path, [form, job, *elsewhere])] == (
        ["the 200 of GET /health"] * 2
    )
    for plant in (secret, "5ec7e7", "eyJpolicy", "a summary of more than twenty letters"):
        (tmp_path / "api.log").write_text(f"x {plant} y")
        assert secrets.find_leaks(tmp_path, [form, job])


def test_the_leak_search_finds_addresses_of_shared_transcripts(stack: LocalStack, tmp_path: Path) -> None:
    secrets = Secrets.of(stack)
    body = '{"url": "https://api.example/shared/the-secret-part"}'
    shared = RecordedResponse("POST", "/transcription/history/x/share", 201, body, "{}")
    elsewhere = RecordedResponse("GET", "/transcription/history", 200, "the-secret-part", "{}")

    assert secrets.find_leaks(tmp_path, [shared]) == []
    (tmp_path / "api.log").write_text("GET /shared/the-secret-part 200")
    assert [found.rpartition(" in ")[2] for found in secrets.find_leaks(tmp_path, [shared, elsewhere])] == [
        "api.log",
        "the 200 of GET /transcription/history",
    ]
