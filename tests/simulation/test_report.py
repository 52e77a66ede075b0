"""A report says how a violation is repeated, and shows the steps of the account that it is about."""

import re
import subprocess
import sys

import pytest
from msgspec.structs import replace

from chalicelib.models.purchase_facts import LedgerChanges
from chalicelib.payments import fulfilment
from chalicelib.payments.refunds_and_disputes import ledger_changes
from tests.simulation.core import STEPS_SHOWN
from tests.simulation.planted.planting import ROOT
from tests.simulation.report import Report, describe_violation
from tests.simulation.run import Result, run_seed
from tests.simulation.stripe import Stripe
from tests.simulation.unbookable_events import UnbookableEvents

SEED, PROFILE, OPERATIONS = 8, "calm", 1_200
UUID = r"[0-9a-f]{8}-[0-9a-f-]{27}"


@pytest.fixture
def only_the_reconciler_books_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """No webhook arrives, so that a schedule books every payment; and a grant is a credit too high."""

    def grant_too_much(*arguments: object) -> LedgerChanges:
        changes = ledger_changes(*arguments)  # type: ignore[arg-type]
        return replace(changes, granted=changes.granted + 1) if changes.granted else changes

    monkeypatch.setattr(fulfilment, "ledger_changes", grant_too_much)
    monkeypatch.setattr(Stripe, "_deliver", lambda *_: None)
    monkeypatch.setattr(UnbookableEvents, "follow_checkout", lambda *_: None)
    monkeypatch.setattr(UnbookableEvents, "follow_fact", lambda *_: None)


def first_short_violation() -> tuple[int, Result]:
    """A seed, and its violation, of which the report shows all steps of the buyer."""
    for seed in range(SEED, SEED + 10):
        result = run_seed(seed, PROFILE, OPERATIONS)
        if len(describe_violation(result).splitlines()) < STEPS_SHOWN:
            return seed, result
    raise AssertionError("the buyer of every seed did too much")


@pytest.mark.usefixtures("only_the_reconciler_books_too_much")
def test_what_a_schedule_finds_is_reported_with_the_steps_of_the_buyer() -> None:
    seed, result = first_short_violation()
    purchase = re.match(r"purchase .*: granted (\d+) and clawed back 0, should be \((\d+), 0\)", result.violation)
    assert purchase, result.violation
    assert int(purchase[1]) == int(purchase[2]) + 1

    first, second, *steps, replay = describe_violation(result).splitlines()

    assert first == f"VIOLATION with seed {seed}, profile {PROFILE}: {result.violation}"
    assert second.startswith("The last steps")
    (buyer,) = {step.split()[1] for step in steps}
    assert re.fullmatch(UUID, buyer)
    assert any("Stripe: checkout.session.completed" in step and "PAID" in step for step in steps)
    assert re.fullmatch(r".* reconcile \d+: TransactWriteItems [0-9a-f]{8} did what must not be", steps[-1])
    assert replay == f"To repeat it: make simulate SEED={seed} OPS={OPERATIONS} PROFILE={PROFILE}"
    assert describe_violation(run_seed(seed, PROFILE, OPERATIONS)) == describe_violation(result)


def test_the_command_of_a_report_runs_its_seed() -> None:
    result = run_seed(SEED, PROFILE, 50)
    result.violation = "planted"
    (command,) = re.findall(r"To repeat it: (.*)", describe_violation(result))

    planned = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, text=True, capture_output=True, check=True)

    assert f"-m tests.simulation --seed {SEED} --ops 50 --profile {PROFILE}" in planned.stdout


def test_a_seed_has_no_more_operations_than_its_checks_can_follow() -> None:
    options = ("--seed", "1", "--ops", "20000")

    refused = subprocess.run(
        [sys.executable, "-m", "tests.simulation", *options], cwd=ROOT, text=True, capture_output=True, check=False
    )

    assert refused.returncode == 2
    assert refused.stderr.endswith("One seed has at most 5,000 operations. Lower OPS, or leave out SEED.\n")


def test_the_summary_counts_lost_races_and_the_operations_of_schedules() -> None:
    result: Result = run_seed(1, "hostile", 600)
    report = Report(600)
    report.add(result)

    summary = report.summary()

    assert re.search(r"^ +\d+ conditions refused: races lost to another process$", summary, re.MULTILINE)
    assert 0 < result.operations_of_schedules < report.total
    by_people = f"Of these, {report.total - result.operations_of_schedules:,} by people and providers"
    assert f"{by_people}, {result.operations_of_schedules:,} by schedules and the worker" in summary
