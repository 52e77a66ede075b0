"""`make seed`: a month of activity in a running stack, which the owner's figures then show."""

import time
from typing import Any

from scripts.local.stack import LocalStack
from scripts.seed import seed
from tests.http.http_client import Person


def test_a_seeded_month_is_counted_in_the_figures_of_the_owner(stack: LocalStack, owner: Person) -> None:
    def figures() -> dict[str, Any]:
        answer = owner.get("/analytics/costs")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    before = figures()

    done = seed(stack.directory, users=4, seed_text="a test", now=int(time.time()))

    assert (done["registered"], done["listen"] > 0) == (4, True)
    assert figures()["totals"]["credits_used"] > before["totals"]["credits_used"]
