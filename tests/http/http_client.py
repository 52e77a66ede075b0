"""How the HTTP tests talk to a running backend. Everything that was said is kept, so that leaks can be looked for."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from app import app
from chalicelib.http.responses import MAY_BE_RETRIED, STATUS

PASSWORD = "correct horse battery canary"
EMAIL_DOMAIN = "canary.example"
RATE = 16_000
CONCURRENT_CALLS = 40
PATIENCE_SECONDS = 90  # for an answer
# For us to answer a webhook; a crowd of webhooks may start a crowd of functions, which takes one machine its time.
WEBHOOK_SECONDS = 60


def authenticated_routes() -> list[tuple[str, str]]:
    """Method and path of every route that has the authorizer, from the app itself."""
    return [
        (method, path)
        for path, methods in app.routes.items()
        for method, route in methods.items()
        if route.authorizer is not None
    ]


# A good request for every route that needs a token; test_http_tokens.py fails when one is missing. A GET that is not
# listed needs no parameters.
GOOD_REQUESTS: dict[tuple[str, str], dict[str, Any]] = {
    route: {} for route in authenticated_routes() if route[0] == "GET"
}
GOOD_REQUESTS |= {
    ("POST", "/auth/logout"): {},
    ("PATCH", "/auth/user"): {"json": {"name": "Ada"}},
    ("DELETE", "/auth/user"): {},
    ("POST", "/auth/user/export"): {},
    ("POST", "/transcription/stream"): {"json": {"action": "start", "transport": "relay"}},
    ("POST", "/transcription/stream/{session_id}/audio"): {
        "params": {"seq": 0, "sample_rate": RATE, "channels": 1},
        "headers": {"Content-Type": "audio/pcm"},
        "data": bytes(RATE // 5),
    },
    ("PATCH", "/transcription/history/{transcript_id}"): {"json": {"title": "Stand-up"}},
    ("DELETE", "/transcription/history/{transcript_id}"): {},
    ("GET", "/transcription/history/{transcript_id}/export"): {"params": {"format": "srt"}},
    ("GET", "/transcription/search"): {"params": {"q": "words"}},
    ("POST", "/transcription/history/{transcript_id}/share"): {},
    ("DELETE", "/transcription/history/{transcript_id}/share"): {},
    ("POST", "/transcription/uploads"): {"json": {"content_type": "audio/wav"}},
    ("POST", "/transcription/catchup"): {"json": {"audio_url": "https://media.example.com/talk.mp3", "to_ms": 60_000}},
    ("POST", "/transcription/ask"): {"json": {"question": "What was said?", "transcript_id": "5a1de7d4"}},
    ("POST", "/credits/purchase"): {"json": {"package_id": "starter"}},
    ("POST", "/admin/credits"): {"json": {"user_id": "5a1de7d4", "credits": 100, "reason": "A gift."}},
    ("POST", "/admin/users/{user_id}/block"): {"json": {"reason": "A test."}},
    ("POST", "/admin/users/{user_id}/unblock"): {"json": {"reason": "A test."}},
    ("POST", "/admin/purchases/{purchase_id}/refund"): {"json": {"reason": "A test."}},
    ("POST", "/admin/shares/end"): {"json": {"address": "5a1de7d4", "reason": "A test."}},
    ("POST", "/admin/audit"): {"json": {}},
}
ADMIN_ROUTES = [route for route in GOOD_REQUESTS if route[1].startswith("/admin/") or route[1] == "/analytics/costs"]


# What a person says, or is known by; none of it belongs into a log.
PRIVATE_FIELDS = {"email", "password", "name", "refresh_token", "title", "source_url", "text", "speaker", "key_terms"}
PRIVATE_FIELDS |= {"question", "audio_url", "reason", "success_url", "cancel_url", "code", "q"}


def private_texts(fields: Any, name: str = "") -> Iterator[str]:
    """The texts under private names in a body or a query, however deep."""
    match fields:
        case str() if name in PRIVATE_FIELDS:
            yield fields
        case dict():
            for inner, value in fields.items():
                yield from private_texts(value, inner)
        case list():
            for value in fields:
                yield from private_texts(value, name)


@dataclass(frozen=True)
class RecordedResponse:
    """One answer, as it came over the wire."""

    method: str
    path: str
    status: int
    text: str
    headers: str
    content_type: str = ""


@dataclass
class ResponseRecorder:
    """The responses that all tests received from every API process, and the private texts that they sent."""

    answers: list[RecordedResponse] = field(default_factory=list)
    private_texts: set[str] = field(default_factory=set)


class Api:
    """One API process, called from an address of this machine. Safe to call from many threads.

    `log`: where it writes its lines, if that file is its own.
    """

    def __init__(
        self, url: str, response_recorder: ResponseRecorder, address: str = "127.0.0.1", log: Path | None = None
    ):
        self.url, self.response_recorder, self.log = url, response_recorder, log
        self._session = requests.Session()
        self._session.trust_env = False
        if address != "127.0.0.1":  # The emulated gateway looks here for a caller's address; our dev server never does.
            self._session.headers["X-Forwarded-For"] = address
        self._session.mount("http://", _From(address, pool_maxsize=CONCURRENT_CALLS))

    def call(
        self, method: str, path: str, token: str | None = None, headers: dict[str, Any] | None = None, **request: Any
    ) -> requests.Response:
        self.response_recorder.private_texts.update(
            private_texts(request.get("json")), private_texts(request.get("params"))
        )
        authorization = {"Authorization": f"Bearer {token}"} if token is not None else {}
        answer = self._session.request(
            method, self.url + path, headers=authorization | (headers or {}), timeout=PATIENCE_SECONDS, **request
        )
        media_type = answer.headers.get("Content-Type", "")
        recorded = RecordedResponse(method, path, answer.status_code, answer.text, str(answer.headers), media_type)
        self.response_recorder.answers.append(recorded)
        return answer

    def get(self, path: str, token: str | None = None, **request: Any) -> requests.Response:
        return self.call("GET", path, token, **request)

    def post(self, path: str, token: str | None = None, **request: Any) -> requests.Response:
        return self.call("POST", path, token, **request)

    def register(self, email: str, password: str = PASSWORD, **words: Any) -> requests.Response:
        return self.post("/auth/register", json={"email": email, "password": password, **words})

    def login(self, email: str, password: str = PASSWORD) -> requests.Response:
        return self.post("/auth/login", json={"email": email, "password": password})

    def close(self) -> None:
        self._session.close()


class _From(HTTPAdapter):
    """Connections from one address."""

    def __init__(self, address: str, **how: Any):
        self._address = address
        super().__init__(**how)

    def init_poolmanager(self, *sizes: Any, **how: Any) -> None:
        super().init_poolmanager(*sizes, **how | {"source_address": (self._address, 0)})


class Sandbox:
    """The control desk of the providers' stand-ins."""

    SYNC, TRANSCRIPTIONS = "assemblyai.sync", "openai.transcriptions"
    TOKEN, CLIENT_SECRET = "assemblyai.token", "openai.client_secret"
    CREATE, GET, LIST, DELETE = (f"assemblyai.transcript_{what}" for what in ("create", "get", "list", "delete"))
    STREAMING, TRANSCRIPTION, TEXT = "assemblyai.streaming", "assemblyai.transcription", "openai.responses"

    def __init__(self, url: str):
        self._url, self._session = f"{url}/sandbox", requests.Session()
        self._session.trust_env = False
        self._session.headers["Connection"] = "close"  # uvicorn closes an idle connection, also while it is used again

    def fail(self, service: str, kind: str, times: int = 1, **how: Any) -> None:
        order = {"service": service, "kind": kind, "times": times, **how}
        assert self._session.post(f"{self._url}/faults", json=order).status_code == 201

    def reset_faults(self) -> None:
        self._session.delete(f"{self._url}/faults")
        self.order(
            hold_jobs=False,
            webhook_copies=1,
            webhook_before_answer=False,
            webhook_deadline_seconds=WEBHOOK_SECONDS,
        )

    def order(self, **orders: bool | int) -> None:
        """How transcripts end and how their webhooks go out, from now on."""
        assert self._session.post(f"{self._url}/transcripts/orders", json=orders).status_code == 200

    def transcripts(self, job_id: str) -> list[dict[str, Any]]:
        """The transcripts that were ordered for a job, with the webhooks of each."""
        return [
            transcript
            for transcript in self.all_transcripts()
            if str(transcript["webhook_url"]).endswith(f"?job={job_id}")
        ]

    def all_transcripts(self) -> list[dict[str, Any]]:
        """All that were ordered since they were last deleted."""
        return list(self._session.get(f"{self._url}/transcripts").json()["transcripts"])

    def delete_transcripts(self) -> None:
        """Delete all transcripts of the stand-in."""
        assert self._session.delete(f"{self._url}/transcripts").status_code == 204

    def webhook(self, transcript_id: str, copies: int = 1) -> None:
        """Send its webhook now, however often it was sent before."""
        answer = self._session.post(f"{self._url}/transcripts/{transcript_id}/webhook", params={"copies": copies})
        assert answer.status_code == 202

    def count(self, service: str, figure: str = "received") -> int:
        """Calls `received` by the service, or audio `recognised` by it, since it started."""
        services = self._session.get(f"{self._url}/calls").json()["services"]
        return int(services.get(service, {}).get(figure, 0))

    def session(self, provider_session_id: str) -> dict[str, Any]:
        """What AssemblyAI's stand-in knows of a live session, by the id its socket named."""
        sessions = self._session.get(f"{self._url}/sessions").json()["sessions"]
        return dict(next(session for session in sessions if session["id"] == provider_session_id))

    def close(self) -> None:
        self._session.close()


_numbers = itertools.count(1)


def origin_of(url: str) -> str:
    """What a browser says of a page there: a deployed API's address has a path, an origin has none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def new_email() -> str:
    return f"person{next(_numbers)}@{EMAIL_DOMAIN}"


@dataclass
class Person:
    """Somebody with an account, signed in."""

    api: Api
    email: str
    user_id: str
    token: str
    access_token: str
    refresh_token: str

    @classmethod
    def register(cls, api: Api, email: str | None = None, **words: Any) -> "Person":
        email = email or new_email()
        answer = api.register(email, **words)
        assert answer.status_code == 201, answer.text
        return cls._of(api, email, answer)

    @classmethod
    def sign_in(cls, api: Api, email: str, password: str = PASSWORD) -> "Person":
        answer = api.login(email, password)
        assert answer.status_code == 200, answer.text
        return cls._of(api, email, answer)

    @classmethod
    def _of(cls, api: Api, email: str, answer: requests.Response) -> "Person":
        body = answer.json()
        return cls(api, email, body["user"]["user_id"], body["token"], body["access_token"], body["refresh_token"])

    def get(self, path: str, **request: Any) -> requests.Response:
        return self.api.get(path, self.token, **request)

    def post(self, path: str, **request: Any) -> requests.Response:
        return self.api.post(path, self.token, **request)

    def delete(self, path: str) -> requests.Response:
        return self.api.call("DELETE", path, self.token)

    def stream(self, **words: Any) -> requests.Response:
        return self.post("/transcription/stream", json=words)

    def start(self, **words: Any) -> str:
        """The id of a new relay session."""
        answer = self.stream(action="start", transport="relay", **words)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["session_id"])

    def stop(self, session_id: str) -> dict[str, Any]:
        answer = self.stream(action="stop", session_id=session_id)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def send(self, session_id: str, seq: int, body: bytes, media_type: str = "audio/pcm", **query: Any):
        """One chunk; raw 16 kHz mono unless said otherwise."""
        query = {"sample_rate": RATE, "channels": 1} | query if media_type == "audio/pcm" else query
        path = f"/transcription/stream/{session_id}/audio"
        return self.post(path, headers={"Content-Type": media_type}, data=body, params={"seq": seq, **query})

    def usage(self) -> list[dict[str, Any]]:
        """What was used, from the statement, newest first."""
        found = self.get("/credits/transactions").json()["transactions"]
        return [movement for movement in found if movement["kind"] == "usage"]

    def balance(self) -> tuple[int, int]:
        """Available and held."""
        body = self.get("/credits/balance").json()
        return body["available"], body["held"]


def silence(milliseconds: int) -> bytes:
    """Quiet 16 kHz mono, raw."""
    return bytes(2 * RATE * milliseconds // 1000)


def check_error(answer: requests.Response, status: int, code: str) -> dict[str, Any]:
    """Assert the one shape of all errors; returns the details."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    body = answer.json()
    assert set(body) <= {"code", "message", "request_id", "details"}
    assert STATUS[code] == status
    assert body["message"]
    assert "Traceback" not in answer.text
    assert body["request_id"] == answer.headers["X-Request-Id"]
    # The gateway's own errors echo the caller's origin, and have none for a caller without one.
    reader = answer.headers.get("Access-Control-Allow-Origin", "chrome-extension://")
    assert reader.startswith("chrome-extension://") or reader == answer.request.headers.get("Origin")
    assert answer.headers["Vary"] == "Origin"
    assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]
    assert answer.headers["Content-Type"] == "application/json"
    assert ("Retry-After" in answer.headers) or status not in MAY_BE_RETRIED
    return dict(body.get("details", {}))


def call_every_authenticated_route(
    api: Api,
    headers: dict[str, Any],
    check: Callable[[requests.Response], Any],
    but: Sequence[tuple[str, str]] = (),
) -> None:
    """Send a good request with these headers to each route, and check each answer."""
    for method, path in [route for route in authenticated_routes() if route not in but]:
        request = GOOD_REQUESTS[method, path]
        filled = re.sub(r"\{\w+\}", "5a1de7d4", path)
        check(api.call(method, filled, **request | {"headers": request.get("headers", {}) | headers}))
