"""Counts of what went wrong, by the hour."""

import pytest
from msgspec.structs import replace

from chalicelib.models.health import HealthKind, HealthNote
from chalicelib.repositories.health_records import (
    KEPT_SECONDS,
    MAX_COUNT,
    PARTITION,
    last_applied,
    newest_records,
    record_note,
)
from chalicelib.repositories.table import ItemKey, Tables
from tests.fakes import Backend

AT = 1_795_400_000  # 02:13:20, UTC
REFUSED = HealthNote(HealthKind.WEBHOOK_REFUSED, "stripe", "invalid_signature")
HOUR = 3_600


@pytest.fixture
def tables(backend: Backend) -> Tables:
    """The partition is the operator's own, so that tests share it: it is emptied."""
    items = list(backend.tables.query_all("app", PARTITION))
    backend.tables.delete_many([ItemKey("app", item["pk"], item["sk"]) for item in items])
    return backend.tables


def test_the_same_within_an_hour_is_one_record(tables: Tables) -> None:
    for at in (AT, AT + 1, AT + HOUR):
        assert record_note(tables, REFUSED, at)
    record_note(tables, replace(REFUSED, reason="too_large"), AT)

    found = [
        (record.hour, record.reason, record.count, record.last_at)
        for record in newest_records(tables, HealthKind.WEBHOOK_REFUSED, 10)
    ]

    assert found == [
        ("2026-11-23T03", "invalid_signature", 1, AT + HOUR),
        ("2026-11-23T02", "too_large", 1, AT),
        ("2026-11-23T02", "invalid_signature", 2, AT + 1),
    ]
    assert newest_records(tables, HealthKind.WEBHOOK_REFUSED, 1)[0].hour == "2026-11-23T03"


def test_a_record_stops_at_its_cap_and_the_next_hour_counts_again(tables: Tables) -> None:
    has_room = [record_note(tables, REFUSED, AT) for _ in range(MAX_COUNT + 5)]

    assert has_room == [True] * (MAX_COUNT - 1) + [False] * 6
    assert [record.count for record in newest_records(tables, HealthKind.WEBHOOK_REFUSED, 10)] == [MAX_COUNT]
    assert record_note(tables, REFUSED, AT + HOUR)


def test_every_record_expires(tables: Tables) -> None:
    record_note(tables, REFUSED, AT)

    assert [item["expires_at"] for item in tables.query_all("app", PARTITION)] == [AT + KEPT_SECONDS]


def test_what_others_name_neither_forges_a_key_nor_grows(tables: Tables) -> None:
    failure = HealthNote(HealthKind.PROVIDER_FAILURE, "OpenAI", "a#b\n" + "x" * 500)
    record_note(tables, failure, AT)

    (record,) = newest_records(tables, HealthKind.PROVIDER_FAILURE, 10)

    assert record.reason.startswith("a_b_xx")
    assert len(record.reason) == 80


def test_the_last_applied_webhook_is_found_for_each(tables: Tables) -> None:
    for webhook, at in (("stripe", AT), ("assemblyai", AT + 5 * HOUR), ("stripe", AT + 60)):
        record_note(tables, HealthNote(HealthKind.WEBHOOK_APPLIED, webhook), at)

    stripe, assemblyai = last_applied(tables, "stripe"), last_applied(tables, "assemblyai")

    assert [record and record.last_at for record in (stripe, assemblyai)] == [AT + 60, AT + 5 * HOUR]
    assert last_applied(tables, "another") is None


def test_a_record_names_the_last_job(tables: Tables) -> None:
    failed = HealthNote(HealthKind.JOB_FAILED, "catch-up", "timeout", "job-1", "ada")
    record_note(tables, failed, AT)
    record_note(tables, replace(failed, reference="job-2", user_id="bo"), AT)

    (record,) = newest_records(tables, HealthKind.JOB_FAILED, 10)

    assert (record.reference, record.user_id, record.count) == ("job-2", "bo", 2)
