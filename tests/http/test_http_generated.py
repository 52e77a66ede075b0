"""Whatever is sent, what comes back is documented: no 5xx, no other status, every answer as its schema says.

A small sample here, the same each time; `make soak` sends more than 20,000 and prints how many.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from app import app
from tests.http.http_client import Api, Person

if TYPE_CHECKING:
    from tests.http.generated_requests import Generator

ROUTES = sorted((path, method) for path, methods in app.routes.items() for method in methods)
MANY = 20_000


@pytest.fixture(scope="module")
def generator(api: Api, owner: Person, soak_counts: Counter[str]) -> Generator:
    """Made-up requests by somebody who can pay for all of them, and of whom a few things are there."""
    # As late as this, because each process of a run would load schemathesis to collect the tests.
    from tests.http.generated_requests import Generator

    person = Person.register(api)
    gift = {"user_id": person.user_id, "credits": 1_000_000, "reason": "For all that is made up."}
    assert owner.post("/admin/credits", json=gift).status_code == 200
    lease = person.stream(action="start", transport="relay").json()
    words = [{"seq": 0, "start_ms": 0, "end_ms": 900, "text": "They agreed on the price."}]
    assert person.stream(action="save", session_id=lease["session_id"], segments=words).status_code == 200
    job = person.post("/transcription/catchup", json={"session_id": lease["session_id"], "minutes": 1}).json()
    ids = {
        "session_id": lease["session_id"],
        "transcript_id": lease["transcript_id"],
        "job_id": job["job_id"],
        "user_id": Person.register(api).user_id,
        "package_id": "starter",
    }
    return Generator(api, api.get("/openapi.json").json(), person, owner, ids, soak_counts)


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_every_response_to_generated_requests_is_documented(generator: Generator, path: str, method: str) -> None:
    generator.send(path, method, cases_per_mode=2)


@pytest.mark.soak
def test_every_response_to_thousands_of_requests_is_documented(generator: Generator) -> None:
    before = generator.sent
    for path, method in ROUTES:
        generator.send(path, method, cases_per_mode=165)

    assert generator.sent - before >= MANY
