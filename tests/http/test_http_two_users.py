"""Two users in any interleaving of all routes: neither ever hears a byte of what is the other's.

Everything that one of them says holds a mark of theirs, and every id that the service gives them is noted. The requests
are read out of app.py: a route that is new fails here until it is said what a good request to it looks like. Whatever
else is drawn, each of the two first names all kinds of the other's ids on every route that takes one.
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

from tests.http.http_client import GOOD_REQUESTS, PASSWORD, Api, Person, authenticated_routes
from tests.http.recorded_requests import upload

STREAM = ("POST", "/transcription/stream")
CATCHUP, ASK = ("POST", "/transcription/catchup"), ("POST", "/transcription/ask")
# The kinds of ids that an answer may give, and where in it they stand.
ID = re.compile(
    r'"(session_id|transcript_id|job_id|upload_id|purchase_id|export_id|checkout_session_id|id)": ?"([^"]+)"'
)
PATH_PARTS = re.compile(r"\{(\w+)\}")
PUBLIC = {"starter", "popular", "power"}  # the ids of packages


@dataclass
class Side:
    """One of the two: who it is, what marks its words, which ids it was given."""

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

    def export_content(self) -> set[str]:
        """What nobody else may ever be told."""
        return {self.mark, self.person.user_id, *(one for some in self.ids.values() for one in some)}


# A route, a variant of its body, whose turn it is, whether the ids are the other's, and which of them.
Step = tuple[tuple[str, str], int, bool, bool, int]
VARIANTS = {STREAM: 4, CATCHUP: 5, ASK: 2}  # bodies of a route, where there are several
WHICH = st.integers(0, 4)
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
    st.tuples(st.sampled_from(ROUTES + 3 * NAMING), WHICH, st.booleans(), st.booleans(), WHICH),
    min_size=15,
    max_size=15,
)


def request(side: Side, ids: dict[str, list[str]], step: Step) -> tuple[str, str, dict[str, Any]]:
    """Method, path and the rest of a request of `side` about one of `ids`, full of the side's mark."""
    (method, path), variant, _, _, which = step

    def one(kind: str) -> str:
        known = ids.get(kind, [])
        return known[which % len(known)] if known else "5a1de7d4"

    words = dict(GOOD_REQUESTS[method, path])
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
            {"action": "save", "session_id": one("session_id"), "segments": [segment]},
            {"action": "renew", "session_id": one("session_id"), "interrupted": True},
            {"action": "stop", "session_id": one("session_id")},
        ],
        CATCHUP: [
            {"session_id": one("session_id"), "minutes": 5, "title": side.mark},
            {"upload_id": one("upload_id"), "to_ms": 1_000, "title": side.mark, "quote": True},
            {"audio_url": f"https://media.{side.mark}.com/a.mp3", "to_ms": 1_000, "title": side.mark},
            {"session_id": one("session_id"), "minutes": 5, "quote": True},
            {"audio_url": "https://media.example.com/heard-by-all.mp3", "to_ms": 1_000, "title": side.mark},
        ],
        ASK: [
            {"question": f"Who said {side.mark}?", "transcript_id": one("transcript_id")},
            {"question": f"Who said {side.mark}?", "session_id": one("session_id")},
        ],
        ("PATCH", "/auth/user"): [{"name": side.mark}],
    }
    if (method, path) in bodies:
        some = bodies[method, path]
        assert len(some) == VARIANTS.get((method, path), 1)
        words["json"] = some[variant % len(some)]
    filled = PATH_PARTS.sub(lambda part: one(part[1]), path)
    # The same key from both: it is each user's own.
    return method, filled, words | {"headers": {"Idempotency-Key": f"key{which}"} | words.get("headers", {})}


def played(api: Api, steps: list[Step]) -> Iterator[tuple[Step, requests.Response]]:
    """What is answered, step by step. Nothing of the other's is heard, and who names the other's ids is refused."""
    sides = (Side.new(api), Side.new(api))
    for side in sides:  # Something to be got at, from the beginning.
        begun = side.person.stream(action="start", transport="relay", lease_seconds=60, title=side.mark)
        side.note(begun)
        said = [{"seq": 9, "start_ms": 0, "end_ms": 900, "text": f"first {side.mark}"}]
        side.person.stream(action="save", session_id=begun.json()["session_id"], segments=said)
        side.ids["upload_id"] = [upload(side.person)]
        missed = {"session_id": begun.json()["session_id"], "minutes": 5, "title": side.mark}
        side.note(side.person.post("/transcription/catchup", json=missed))
        side.note(side.person.post("/auth/user/export"))
        assert set(side.ids) >= {"session_id", "transcript_id", "upload_id", "job_id", "export_id"}
    for step in steps:
        side, other = sides[::-1] if step[2] else sides
        method, path, words = request(side, (other if step[3] else side).ids, step)
        known = other.export_content()
        answer = api.call(method, path, side.person.token, **words)
        heard = f"{answer.text} {answer.headers}"
        assert not [one for one in known if one in heard], (step, answer.text)
        named = f"{path} {words}"
        assert not (answer.ok and any(one in named for one in known)), (step, answer.text)
        assert answer.status_code < 500, (step, answer.text)
        side.note(answer)
        yield step, answer
        if (method, path) in (("POST", "/auth/logout"), ("DELETE", "/auth/user")) and answer.ok:
            side.person.token = api.login(side.person.email, PASSWORD).json().get("token", side.person.token)
    for side, other in (sides, sides[::-1]):  # What one did to the other, if anything, would show here.
        for path in ("/transcription/history", "/credits/transactions", "/auth/user"):
            told = api.get(path, side.person.token).text
            assert not [one for one in other.export_content() if one in told]


def test_every_route_that_knows_its_caller_is_played() -> None:
    assert sorted(authenticated_routes()) == ROUTES


@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=st.permutations(FIRST_OF_THE_OTHERS), steps=STEPS)
def test_two_users_never_hear_of_each_other(api: Api, first: list[Step], steps: list[Step]) -> None:
    heard = list(played(api, [*first, *steps]))

    assert len(heard) == len(FIRST_OF_THE_OTHERS) + 15


@pytest.mark.soak
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(first=st.permutations(FIRST_OF_THE_OTHERS), steps=STEPS)
def test_two_users_never_hear_of_each_other_for_long(
    api: Api, first: list[Step], steps: list[Step], soak_counts: Counter[str]
) -> None:
    for (route, *_), answer in played(api, [*first, *steps]):
        soak_counts.update({"requests of two users": 1, f"requests of two users that were {answer.status_code}": 1})
        assert route in GOOD_REQUESTS
