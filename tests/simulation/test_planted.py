"""The simulation finds faults that are planted in a copy of the backend, and the table in the docs says how."""

import pytest

from tests.simulation.planted.faults import FAMILIES, FAULTS
from tests.simulation.planted.planting import MAX_OPERATIONS, Finding, find_fault, shorten
from tests.simulation.planted.table import read_findings, read_table, render

FEWEST_FOUND, FEWEST_OF_FAMILY = 20, 2
# Of three families, found soon by every seed: so they are found whatever else changes in the backend.
RERUN = (
    "a hold without a look at the balance",
    "a chunk that is billed twice",
    "a claim that anybody may take",
)
STALE = "Run .venv/bin/python -m tests.simulation.planted and commit the table."


@pytest.mark.parametrize("name", FAULTS)
def test_the_correct_text_of_a_fault_stands_once_in_its_file(name: str) -> None:
    assert FAULTS[name].can_be_planted()
    assert FAULTS[name].faulty != FAULTS[name].correct


def test_no_two_families_have_a_fault_of_the_same_name() -> None:
    assert len(FAULTS) == sum(map(len, FAMILIES.values()))


def test_the_table_lists_exactly_the_faults_of_the_code() -> None:
    findings = read_findings()

    assert list(findings) == list(FAULTS), STALE
    assert read_table() == render(findings), STALE


@pytest.mark.parametrize("family", FAMILIES)
def test_faults_of_every_family_are_found(family: str) -> None:
    findings = read_findings()

    assert sum(findings[name] is not None for name in FAMILIES[family]) >= FEWEST_OF_FAMILY


def test_at_least_twenty_faults_are_found_within_their_operations() -> None:
    found = [finding for finding in read_findings().values() if finding]

    assert len(found) >= FEWEST_FOUND
    assert all(finding.operations <= MAX_OPERATIONS and finding.violation for finding in found)


@pytest.mark.parametrize("name", RERUN)
def test_a_planted_fault_is_found_again_with_the_seed_of_the_table(name: str) -> None:
    row = read_findings()[name]
    assert row is not None

    again = find_fault(FAULTS[name], range(row.seed, row.seed + 1))

    assert again is not None, STALE


@pytest.mark.soak
@pytest.mark.parametrize("name", FAULTS)
def test_every_planted_fault_is_found_as_the_table_says(name: str) -> None:
    assert find_fault(FAULTS[name]) == read_findings()[name], STALE


def test_a_violation_is_shown_without_ids_and_without_the_values_that_follow() -> None:
    user_id, hold = "0b8c5a3e-1111-4222-a333-444455556666", "HoldState(credits=3, kind='stream')"

    assert shorten(f"the hold {user_id} ended twice: {hold}, then {hold}") == "the hold … ended twice"
    assert shorten(f"the catch-up {user_id} was called, its hold is {hold}") == "the catch-up … was called"
    assert shorten("held 3 is not the sum of the open holds, 4") == "held 3 is not the sum of the open holds, 4"


def test_a_finding_is_read_from_the_page_as_it_was_written() -> None:
    name = next(iter(FAULTS))
    finding = Finding(12, 3_456, "one | two")

    assert "| 12 | 3,456 | one \\| two |\n" in render({name: finding})
