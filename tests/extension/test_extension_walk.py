"""A random walk over all that can fail while sessions run in a real browser; one seed decides everything.

SAMPLE_SEED=… draws the same steps again; how they fall together with what the browser does is its own affair.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local.stack import LocalStack
from tests.extension.conftest import Gather
from tests.extension.fault_proxy import FaultProxy
from tests.extension.walk import Walk
from tests.fakes import Backend
from tests.http.forged_tokens import Forger
from tests.http.http_client import Api, Person, Sandbox

STEPS = int(os.environ.get("WALK_STEPS", "220"))


@pytest.fixture
def walk(
    api: Api,
    owner: Person,
    proxy: FaultProxy,
    sandbox: Sandbox,
    page_url: str,
    tmp_path: Path,
    stack: LocalStack,
    gather: Gather,
    books: Backend,
    soak_counts: Counter[str],
) -> Iterator[Walk]:
    proxy.reset()
    chance = random.Random(os.environ["SAMPLE_SEED"])
    forger = Forger.of(stack)
    walk = Walk(chance, api, owner, proxy, sandbox, page_url, tmp_path, forger, gather, books, soak_counts)
    yield walk
    walk.close()


@pytest.mark.soak
def test_no_word_and_no_credit_is_lost_on_a_random_walk(walk: Walk) -> None:
    while len(walk.steps) < STEPS:
        began = len(walk.steps)
        try:
            walk.run_session()
        except Exception as error:
            error.add_note(f"SAMPLE_SEED={os.environ['SAMPLE_SEED']}: {walk.steps[began:]}")
            raise
