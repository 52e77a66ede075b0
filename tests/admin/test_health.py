"""The health report: what needs the owner, and that a source that fails is never good."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from chalicelib import contract
from chalicelib.admin.attention import MANY_FAILURES, attention
from chalicelib.admin.health import HealthReport
from chalicelib.dates import rfc3339
from chalicelib.errors import AccountBlockedError, UnavailableError
from chalicelib.models.accounts import Caller
from chalicelib.models.alarms import AlarmState
from chalicelib.models.health import HealthKind, HealthNote
from chalicelib.repositories.health_records import record_note
from tests.admin.health_env import FakeAws, health_report_on
from tests.fakes import Backend

DAY = 86_400
NOW = 1_795_400_000
GOOD = contract.AdminHealth(
    checked_at=rfc3339(NOW),
    attention=[],
    unreadable=[],
    webhooks=contract.WebhookHealth(applied=[], refused=[]),
    failed_jobs=[],
    dead_letters=contract.DeadLetterHealth(count=0, waiting=3, command="list"),
    stuck=contract.StuckHealth(holds_overdue=0, purchases_stuck=0, is_complete=True),
    provider_failures=[],
    limits=[],
    alarms=[contract.AlarmHealth(name="Secrets", state="OK", since="", description="")],
    margin=contract.MarginHealth(
        from_day="2026-11-17",
        to_day="2026-11-23",
        revenue_micro_usd=100,
        margin_micro_usd=20,
        percent=20,
        lowest_percent=20,
        is_below=False,
    ),
)


def health_count(subject: str, reason: str = "", number: int = 1, at: int = NOW) -> contract.HealthCount:
    return contract.HealthCount(
        hour=rfc3339(at - at % 3_600), subject=subject, reason=reason, count=number, last_at=rfc3339(at)
    )


def webhook_health(*counts: contract.HealthCount, applied_at: int = 0) -> contract.WebhookHealth:
    at = rfc3339(applied_at) if applied_at else ""
    return contract.WebhookHealth(applied=[contract.AppliedWebhook(webhook="stripe", at=at)], refused=list(counts))


def attention_names(report: contract.AdminHealth) -> list[str]:
    return [item.about for item in attention(report, NOW)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"alarms": []}, []),
        ({"alarms": [contract.AlarmHealth(name="A", state="ALARM", since="", description="")]}, ["alarms"]),
        ({"alarms": [contract.AlarmHealth(name="A", state="INSUFFICIENT_DATA", since="", description="")]}, []),
        ({"dead_letters": contract.DeadLetterHealth(count=1, waiting=0, command="list")}, ["dead_letters"]),
        ({"webhooks": webhook_health(health_count("stripe", "another amount"))}, ["webhooks"]),
        ({"webhooks": webhook_health(health_count("stripe", "another amount"), applied_at=NOW)}, ["webhooks"]),
        ({"webhooks": webhook_health(health_count("stripe", "another amount", at=NOW - DAY - 1))}, []),
        ({"webhooks": webhook_health(health_count("stripe", "invalid_signature"), applied_at=NOW - 1)}, ["webhooks"]),
        ({"webhooks": webhook_health(health_count("stripe", "invalid_signature"), applied_at=NOW)}, []),
        ({"webhooks": webhook_health(health_count("stripe", "invalid_request"))}, []),
        ({"failed_jobs": [health_count("catch-up", "timeout")]}, ["failed_jobs"]),
        ({"failed_jobs": [health_count("catch-up", "timeout", at=NOW - DAY - 1)]}, []),
        ({"stuck": contract.StuckHealth(holds_overdue=1, purchases_stuck=0, is_complete=True)}, ["stuck"]),
        ({"stuck": contract.StuckHealth(holds_overdue=0, purchases_stuck=2, is_complete=True)}, ["stuck"]),
        ({"provider_failures": [health_count("OpenAI", "timeout", MANY_FAILURES - 1)]}, []),
        ({"provider_failures": [health_count("OpenAI", "timeout", MANY_FAILURES)]}, ["provider_failures"]),
        (
            {
                "provider_failures": [
                    health_count("OpenAI", "timeout", 9),
                    health_count("OpenAI", "429", 9, NOW - DAY // 2),
                ]
            },
            [],
        ),
        (
            {"provider_failures": [health_count("OpenAI", "timeout", 5), health_count("OpenAI", "429", 5)]},
            ["provider_failures"],
        ),
        ({"limits": [health_count("login", "", 100)]}, []),
        ({"alarms": None, "unreadable": ["alarms"]}, ["alarms"]),
    ],
)
def test_what_needs_the_owner(changes: dict[str, object], expected: list[str]) -> None:
    assert attention_names(replace(GOOD, **changes)) == expected


def test_a_margin_below_the_set_figure_is_named() -> None:
    below = replace(GOOD, margin=replace(GOOD.margin, margin_micro_usd=19, percent=19, is_below=True))
    without_revenue = replace(GOOD, margin=replace(GOOD.margin, percent=None, is_below=True))

    assert [item.message for item in attention(below, NOW)] == [
        "The margin of seven days is 19% of revenue, below 20%."
    ]
    assert [item.message for item in attention(without_revenue, NOW)] == [
        "The last seven days cost more than they earned."
    ]


# On tables


@pytest.fixture
def owner(backend: Backend) -> Caller:
    return replace(backend.person(0), groups=("admins",))


def test_what_was_recorded_is_reported(backend: Backend, owner: Caller) -> None:
    at = backend.clock()
    notes = [
        HealthNote(HealthKind.WEBHOOK_APPLIED, "stripe"),
        HealthNote(HealthKind.WEBHOOK_REFUSED, "stripe", "another amount"),
        HealthNote(HealthKind.JOB_FAILED, "catch-up", "timeout", "job-1", "ada"),
        HealthNote(HealthKind.PROVIDER_FAILURE, "OpenAI", "timeout"),
        HealthNote(HealthKind.LIMIT_MET, "login"),
    ]
    for note in notes:
        record_note(backend.tables, note, at)
    raised = AlarmState("Secrets", "ALARM", at, "A secret cannot be decrypted.")

    report = health_report_on(backend, FakeAws([raised], (2, 5))).health(owner)

    assert report.unreadable == []
    assert report.webhooks
    assert {applied.webhook: applied.at for applied in report.webhooks.applied}["stripe"] == rfc3339(at)
    assert ("stripe", "another amount") in {(each.subject, each.reason) for each in report.webhooks.refused}
    assert ("job-1", "ada") in {(job.reference, job.user_id) for job in report.failed_jobs or []}
    assert "OpenAI" in {failure.subject for failure in report.provider_failures or []}
    assert "login" in {limit.subject for limit in report.limits or []}
    assert report.dead_letters == contract.DeadLetterHealth(
        count=2, waiting=5, command=".venv/bin/python -m scripts.replay --stage prod"
    )
    assert [item.about for item in report.attention][:2] == ["alarms", "dead_letters"]


def test_a_source_that_fails_is_unread_and_needs_the_owner(backend: Backend, owner: Caller) -> None:
    report = health_report_on(backend, FakeAws(error=UnavailableError("Later."))).health(owner)

    assert (report.alarms, report.dead_letters) == (None, None)
    assert report.unreadable == ["dead_letters", "alarms"]
    assert {"The alarms could not be read.", "The dead letters could not be read."} <= {
        item.message for item in report.attention
    }


def test_no_table_that_fails_is_good(backend: Backend, owner: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    report = health_report_on(backend)

    def out(*_: object, **__: object) -> None:
        raise UnavailableError("Later.")

    for name in ("query", "query_index"):
        monkeypatch.setattr(backend.tables, name, out)
    found = report.health(owner)

    assert found.unreadable == ["webhooks", "failed_jobs", "stuck", "provider_failures", "limits", "margin"]
    assert len(found.attention) == len(found.unreadable)


def test_a_blocked_administrator_reads_nothing(backend: Backend, owner: Caller) -> None:
    backend.ledger.set_blocked(owner.user_id, True)

    with pytest.raises(AccountBlockedError):
        health_report_on(backend).health(owner)


def overdue(backend: Backend) -> Callable[[], int]:
    def read() -> int:
        stuck = report_of(backend).stuck
        assert stuck
        return stuck.holds_overdue

    return read


def report_of(backend: Backend) -> contract.AdminHealth:
    owner = replace(backend.person(0), groups=("admins",))
    report: HealthReport = health_report_on(backend)
    return report.health(owner)


def test_a_hold_that_no_sweep_ended_is_stuck(backend: Backend) -> None:
    read = overdue(backend)
    ada = backend.person(200)
    before = read()
    backend.start(ada)
    assert read() == before

    backend.clock.forward(DAY)

    assert read() == before + 1
