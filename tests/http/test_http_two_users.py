"""Two users in any interleaving of all routes: neither receives any data of the other.

All text of a user contains the user's mark, and every id that a user receives is recorded. The routes are read from
app.py: a new route fails here until a good request to it is added. Whatever else is drawn, each user first names all
kinds of the other's ids on every route that has one.
"""

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from tests.http.catchup_steps import upload
from tests.http.http_client import GOOD_REQUESTS, PASSWORD, Api, Person, authenticated_routes

STREAM = ("POST", "/transcription/stream")
CATCHUP, ASK = ("POST", "/transcription/catchup"), ("POST", "/transcription/ask")
# The kinds of ids in a response, and where they are.
ID = re.compile(
    r'"(session_id|transcript_id|job_id|upload_id|purchase_id|export_id|checkout_session_id|id)": ?"([^"]+)"'
)
PATH_PARTS = re.compile(r"\{(\w+)\}")
PUBLIC = {"starter", "popular", "power"}  # the ids of packages


@dataclass
class Side:
    """One of the two users: the account, the mark in its text, and the ids that it received."""

    person: Person
    mark: str
    ids: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def new(cls, api: Api) -> "Side":
        mark = f"mark{uuid.uuid4().hex}"
        return cls(Person.register(api, f"{mark}@canary.example", name=mark), mark)

    def note(self, answer: requests.Response) -> None:
        for name, value in ID.findall(answer.text):
            if value not in PUBLIC:
                kind = "transcript_id" if name == "id" and "/history" in answer.url else name
                self.ids.setdefault(kind, []).append(value)

    def private_values(self) -> set[str]:
        """Values that no other user may receive."""
        return {self.mark, self.person.user_id, *(value for values in self.ids.values() for value in values)}


# A route, a variant of its body, which user sends it, whether the ids are the other's, and the index of the id.
Step = tuple[tuple[str, str], int, bool, bool, int]
VARIANTS = {STREAM: 4, CATCHUP: 5, ASK: 2}  # bodies of a route, where there are several
INDEX = st.integers(0, 4)
ROUTES = sorted(GOOD_REQUESTS)
NAMING = [route for route in ROUTES if "{" in route[1] and not route[1].startswith("/admin")]  # where a leak would be
BODIES = [(route, variant) for route in (*NAMING, *VARIANTS) for variant in range(VARIANTS.get(route, 1))]
# Each with a key of its own, which both use: a key that was met before would be refused for that.
FIRST_OF_THE_OTHERS: list[Step] = [
    (route, variant, turn, True, 10 + number)
    for number, (route, variant) in enumerate(BODIES)
    for turn in (False, True)
]
STEPS = st.lists(
    st.tuples(st.sampled_from(ROUTES + 3 * NAMING), INDEX, st.booleans(), st.booleans(), INDEX),
    min_size=15,
    max_size=15,
)


def request(side: Side, ids: dict[str, list[str]], step: Step) -> tuple[str, str, dict[str, Any]]:
    """Method, path and other arguments of a request of `side` with one of `ids`, with the side's mark in all text."""
    (method, path), variant, _, _, which = step

    def pick_id(kind: str) -> str:
        known_ids = ids.get(kind, [])
        return known_ids[which % len(known_ids)] if known_ids else "5a1de7d4"

    parameters = dict(GOOD_REQUESTS[method, path])
    segment = {"seq": which, "start_ms": 0, "end_ms": 900, "text": f"said {side.mark}", "speaker": side.mark[:50]}
    bodies: dict[tuple[str, str], list[dict[str, Any]]] = {
        STREAM: [
            {
                "action": "start",
                "transport": "relay",
                "title": side.mark,
                "lease_seconds": 60,
                "key_terms": [side.mark],
            },
            {"action": "save", "session_id": pick_id("session_id"), "segments": [segment]},
            {"action": "renew", "session_id": pick_id("session_id"), "interrupted": True},
            {"action": "stop", "session_id": pick_id("session_id")},
        ],
        CATCHUP: [
            {"session_id": pick_id("session_id"), "minutes": 5, "title": side.mark},
            {"upload_id": pick_id("upload_id"), "to_ms": 1_000, "title": side.mark, "quote": True},
            {"audio_url": f"https://media.{side.mark}.com/a.mp3", "to_ms": 1_000, "title": side.mark},
            {"session_id": pick_id("session_id"), "minutes": 5, "quote": True},
            {"audio_url": "https://media.example.com/heard-by-all.mp3", "to_ms": 1_000, "title": side.mark},
        ],
        ASK: [
            {"question": f"Who said {side.mark}?", "transcript_id": pick_id("transcript_id")},
            {"question": f"Who said {side.mark}?", "session_id": pick_id("session_id")},
        ],
        ("PATCH", "/auth/user"): [{"name": side.mark}],
    }
    if (method, path) in bodies:
        some = bodies[method, path]
        assert len(some) == VARIANTS.get((method, path), 1)
        parameters["json"] = some[variant % len(some)]
    filled = PATH_PARTS.sub(lambda part: pick_id(part[1]), path)
    # Both users send the same key: keys are separate for each user.
    return method, filled, parameters | {"headers": {"Idempotency-Key": f"key{which}"} | parameters.get("headers", {})}


def play_steps(api: Api, steps: list[Step]) -> Iterator[tuple[Step, requests.Response]]:
    """Send the requests, and check that no response has data of the other and that the other's ids are refused."""
    sides = (Side.new(api), Side.new(api))
    for side in sides:  # Each has data from the beginning.
        started = side.person.stream(action="start", transport="relay", lease_seconds=60, title=side.mark)
        side.note(started)
        segments = [{"seq": 9, "start_ms": 0, "end_ms": 900, "text": f"first {side.mark}"}]
        side.person.stream(action="save", session_id=started.json()["session_id"], segments=segments)
        side.ids["upload_id"] = [upload(side.person)]
        catchup = {"session_id": started.json()["session_id"], "minutes": 5, "title": side.mark}
        side.note(side.person.post("/transcription/catchup", json=catchup))
        side.note(side.person.post("/auth/user/export"))
        assert set(side.ids) >= {"session_id", "transcript_id", "upload_id", "job_id", "export_id"}
    for step in steps:
        side, other = sides[::-1] if step[2] else sides
        method, path, words = request(side, (other if step[3] else side).ids, step)
        private_values = other.private_values()
        answer = api.call(method, path, side.person.token, **words)
        received = f"{answer.text} {answer.headers}"
        assert not [value for value in private_values if value in received], (step, answer.text)
        sent = f"{path} {words}"
        assert not (answer.ok and any(value in sent for value in private_values)), (step, answer.text)
        assert answer.status_code < 500, (step, answer.text)
        side.note(answer)
        yield step, answer
        if (method, path) in (("POST", "/auth/logout"), ("DELETE", "/auth/user")) and answer.ok:
            side.person.token = api.login(side.person.email, PASSWORD).json().get("token", side.person.token)
    for side, other in (sides, sides[::-1]):  # An effect of one on the other would show here.
        for path in ("/transcription/history", "/credits/transactions", "/auth/user"):
            text = api.get(path, side.person.token).text
            assert not [value for value in other.private_values() if value in text]


def test_every_authenticated_route_is_played() -> None:
    assert sorted(authenticated_routes()) == ROUTES


@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=st.permutations(FIRST_OF_THE_OTHERS), steps=STEPS)
def test_two_users_never_receive_each_others_data(api: Api, first: list[Step], steps: list[Step]) -> None:
    played = list(play_steps(api, [*first, *steps]))

    assert len(played) == len(FIRST_OF_THE_OTHERS) + 15


@pytest.mark.soak
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(first=st.permutations(FIRST_OF_THE_OTHERS), steps=STEPS)
def test_two_users_never_receive_each_others_data_in_long_runs(
    api: Api, first: list[Step], steps: list[Step], soak_counts: Counter[str]
) -> None:
    for (route, *_), answer in play_steps(api, [*first, *steps]):
        soak_counts.update({"requests of two users": 1, f"requests of two users that were {answer.status_code}": 1})
        assert route in GOOD_REQUESTS
