"""Every kind of problem is planted into correct books, and the audit finds exactly that problem."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.models.audits import FindingKind
from chalicelib.repositories.ledger import Guard
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import Write
from tests.audit import hold_problems, ledger_problems, purchase_problems
from tests.audit.audit_env import AuditEnv, create_all_items
from tests.audit.planter import PLANTS, Planter, References

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
PROBLEM_MODULES = (ledger_problems, hold_problems, purchase_problems)  # importing them fills PLANTS


@pytest.fixture
def planter(audit_env: AuditEnv) -> Planter:
    return Planter(audit_env, create_all_items(audit_env.backend))


@pytest.mark.long
@pytest.mark.parametrize(("kind", "plant"), PLANTS, ids=[plant.__name__ for _, plant in PLANTS])
def test_exactly_the_planted_problem_is_found(
    planter: Planter, kind: FindingKind, plant: Callable[[Planter], References]
) -> None:
    assert planter.env.find_problems() == []

    references = plant(planter)

    assert sorted(planter.env.find_problems()) == sorted((kind, planter.ada, reference) for reference in references)


def test_a_user_without_a_balance_is_found_by_the_guard_of_the_free_credits(planter: Planter) -> None:
    bob = planter.users.bob.user_id
    guard = Guard.free_credits("the hmac of bob's address")
    assert planter.env.backend.ledger.grant(bob, 5, "free_credits", guard, at=planter.env.backend.clock(), reason="")
    before = planter.env.run()

    planter.tables.write(Write(balance_key(bob), delete=True))

    report = planter.env.run()
    assert {(finding.kind, finding.reference) for finding in report.findings if finding.user_id == bob} >= {
        ("balance_differs", ""),
        ("lifetime_differs", "granted"),
    }
    assert {finding.user_id for finding in report.findings} == {bob}
    assert report.users_checked == before.users_checked
    assert report.entries == before.entries


def test_every_kind_of_finding_is_planted_and_explained() -> None:
    """Wrong totals across all users are planted in test_audit_totals.py."""
    table = OPERATIONS.read_text(encoding="utf-8").split("### What can be found")[1]
    explained = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))

    assert {kind for kind, _ in PLANTS} == set(FindingKind) - {FindingKind.TOTALS_DIFFER}
    assert explained == set(FindingKind)
