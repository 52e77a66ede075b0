"""docs/data-model.md has the calls and items of the requests of a live session as they are counted."""

import re
from pathlib import Path

import pytest

from benchmarks.billed_use import BilledUse
from benchmarks.metered_stage import Step

pytestmark = pytest.mark.long
PAGE = (Path(__file__).parents[2] / "docs" / "data-model.md").read_text(encoding="utf-8")
REQUESTS = ("start, relay", "start, direct", "renew, relay", "renew, direct", "save", "stop")


def row_of(request: str) -> list[str]:
    """The cells of the page, without what is in brackets or follows a semicolon."""
    (row,) = re.findall(rf"^\| {request} \| (\d.+) \|$", PAGE, re.MULTILINE)
    return [re.sub(r" \([^)]*\)|;.*", "", cell) for cell in row.split(" | ")]


def cells_of(steps: list[Step]) -> list[str]:
    read = sum(step.items for step in steps if step.kind == "read")
    written = [f"{step.items}{' T' * (step.kind == 'transaction')}" for step in steps if step.kind != "read"]
    return [str(read), ", then ".join(written), str(len(steps))]


@pytest.mark.parametrize("request_name", REQUESTS)
def test_the_page_has_what_a_request_reads_and_writes(use: BilledUse, request_name: str) -> None:
    assert row_of(request_name) == cells_of(use.steps[request_name])


def test_every_counted_request_is_compared(use: BilledUse) -> None:
    assert set(use.steps) == set(REQUESTS)
