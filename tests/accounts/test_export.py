"""The export of an account: one complete JSON file with the data of this user only, kept for a day."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.accounts.export import MESSAGE, ExportRules
from chalicelib.errors import AppError, NotFoundError, UnauthenticatedError
from chalicelib.repositories.exports import export_key
from chalicelib.repositories.table import ItemKey, Write
from chalicelib.repositories.transcripts import transcript_key
from tests.accounts.accounts_env import at_once
from tests.accounts.deletion_env import EMAIL, MARKER, DeletionEnv, Names, scan_table
from tests.audit.audit_env import create_all_items
from tests.engines import Engine
from tests.fault_injection import Crash, Fault

# How items are kept apart and safe, and what opens a socket.
NEVER_EXPORTED = {
    *("pk", "sk", "user_id", "version", "open_shard", "sweep_at", "expires_at"),
    *("body_hash", "renewal", "renewal_hash", "response", "inflight", "claim", "attempt"),
    *("worker", "claimed_until", "abandon_at", "submissions", "summary_tries"),
    *("submitted_url", "webhook_url", "provider_id", "notified_id", "is_provider_copy_deleted"),
}
# Kinds of items of a user that only point to others or keep something from happening twice.
NOT_EXPORTED = {"CATCHUP", "OPEN_SESSION", "RENEWAL", "REF"}
SECTIONS = {
    "BALANCE": "credits",
    "PROFILE": "user",
    "ENTRY": "transactions",
    "HOLD": "holds",
    "DAY": "days",
    "PURCHASE": "purchases",
    "TRANSCRIPT": "transcripts",
    "SEGMENT": "transcripts",
    "SUMMARY": "transcripts",
    "SESSION": "sessions",
    "START": "sessions",
    "QUESTION": "questions",
    "ALLOWANCE": "early_stops",
}


@pytest.fixture
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


@pytest.fixture
def accounts_env(engine: Engine, names: Names) -> DeletionEnv:
    return DeletionEnv.on(engine, names)


def make_export(accounts_env: DeletionEnv) -> dict[str, Any]:
    """Make an export and return its document."""
    export_id = accounts_env.exports.start(accounts_env.caller).export_id
    accounts_env.deliver()
    status = accounts_env.exports.get_status(accounts_env.caller, export_id)
    assert status.status == "done"
    content = accounts_env.files.files[accounts_env.caller.user_id, export_id]
    assert status.bytes == len(content)
    return dict(json.loads(content))


def test_an_export_contains_everything_stored_of_the_user(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()

    exported = make_export(accounts_env)

    assert (exported["user"]["email"], exported["user"]["name"]) == (EMAIL, MARKER)
    assert exported["credits"]["available"] == accounts_env.quiet.ledger.balance(accounts_env.caller.user_id).available
    assert (
        sum(entry["credits"] for entry in exported["transactions"])
        == exported["credits"]["available"] + exported["credits"]["held"]
    )
    by_id = {line["transcript_id"]: line for line in exported["transcripts"]}
    transcript = by_id[accounts_env.left["transcript"]]
    assert [segment["text"] for segment in transcript["segments"]] == [
        f"said {MARKER}"
    ]  # The saved text replaced the recognised text.
    assert transcript["shared_at"].endswith("Z")
    assert "share_hash" not in transcript
    (catchup,) = [line for line in exported["transcripts"] if line["kind"] == "catchup"]
    assert catchup["summaries"][0]["moments"][0]["title"] == MARKER
    assert MARKER in catchup["segments"][0]["text"]
    assert {job["job_id"] for job in exported["catchups"]} == {accounts_env.left["done"], accounts_env.left["running"]}
    assert {purchase["purchase_id"]: purchase["payment"] for purchase in exported["purchases"]} == {
        accounts_env.left["paid"]: "paid",
        accounts_env.left["begun"]: "open",
    }
    assert exported["questions"][0]["answer"]["answered"] is True
    assert {session["session_id"] for session in exported["sessions"]} >= {
        accounts_env.left["relay"],
        accounts_env.left["direct"],
    }
    assert [upload["bytes"] for upload in exported["uploads"]] == [9]
    assert exported["user"]["created_at"].endswith("Z")


def test_an_export_has_no_internal_attribute_and_no_token(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()

    text = json.dumps(make_export(accounts_env))

    assert "token-1" not in text  # what opened the direct session's socket
    assert not [name for name in NEVER_EXPORTED if f'"{name}":' in text.replace('"user_id": ', "", 1)]


def test_every_kind_of_item_of_a_user_is_exported_or_listed_as_not(accounts_env: DeletionEnv) -> None:
    """A new kind of item must be added to the export or to this list."""
    records = create_all_items(accounts_env.catchup_env.backend)
    kinds = {
        item["sk"].split("#")[0]
        for name in accounts_env.names
        for item in scan_table(accounts_env.engine, name)
        if item["pk"] == f"USER#{records.ada.user_id}"
    }

    exported = json.loads(
        b"".join(accounts_env.exports.export_content.pieces(records.ada.user_id, accounts_env.clock()))
    )

    assert kinds - NOT_EXPORTED <= set(SECTIONS)
    assert [kind for kind in kinds - NOT_EXPORTED if not exported[SECTIONS[kind]]] == []


def test_an_export_contains_no_data_of_other_users(engine: Engine, names: Names, accounts_env: DeletionEnv) -> None:
    other = DeletionEnv.on(engine, names)
    other.fill()

    text = json.dumps(make_export(accounts_env))

    assert other.caller.user_id not in text
    assert not [value for value in other.left.values() if value in text]


def test_segments_of_a_deleted_transcript_are_not_exported(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.quiet.history.delete(accounts_env.caller, accounts_env.left["transcript"])

    exported = make_export(accounts_env)

    assert accounts_env.left["transcript"] not in {line["transcript_id"] for line in exported["transcripts"]}
    assert [len(line["segments"]) > 0 for line in exported["transcripts"] if line["kind"] == "catchup"] == [True]


def test_a_late_settlement_of_a_deleted_transcript_is_not_exported(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    left_over = Write(transcript_key(accounts_env.caller.user_id, "0" * 26), put_in={"state": "stopped", "credits": 1})
    accounts_env.quiet.tables.write(left_over)

    exported = make_export(accounts_env)

    assert accounts_env.left["transcript"] in {line["transcript_id"] for line in exported["transcripts"]}
    assert "0" * 26 not in json.dumps(exported)


def test_the_export_of_an_empty_account_is_a_complete_document(accounts_env: DeletionEnv) -> None:
    exported = make_export(accounts_env)

    assert (exported["transcripts"], exported["purchases"], exported["uploads"]) == ([], [], [])
    assert len(exported["transactions"]) == 1


# The job


def test_requesting_again_while_an_export_runs_returns_the_same_export(accounts_env: DeletionEnv) -> None:
    first = accounts_env.exports.start(accounts_env.caller)

    assert accounts_env.exports.start(accounts_env.caller) == first
    assert first.status == "running"
    assert (
        len({export.export_id for export in at_once(4, lambda: accounts_env.exports.start(accounts_env.caller))}) == 1
    )


def test_a_new_export_replaces_the_last_one(accounts_env: DeletionEnv) -> None:
    make_export(accounts_env)
    (first,) = accounts_env.files.files
    make_export(accounts_env)

    (second,) = accounts_env.files.files
    assert first != second
    with pytest.raises(NotFoundError):
        accounts_env.exports.get_status(accounts_env.caller, first[1])


def test_another_users_export_is_not_found(engine: Engine, names: Names, accounts_env: DeletionEnv) -> None:
    make_export(accounts_env)
    ((_, export_id),) = accounts_env.files.files
    other = DeletionEnv.on(engine, names)

    with pytest.raises(NotFoundError):
        other.exports.get_status(other.caller, export_id)
    other.exports.start(other.caller)
    with pytest.raises(NotFoundError):
        other.exports.get_status(other.caller, export_id)


def test_the_link_is_valid_for_minutes_and_the_file_for_a_day(accounts_env: DeletionEnv) -> None:
    export_id = accounts_env.exports.start(accounts_env.caller).export_id
    accounts_env.deliver()
    status = accounts_env.exports.get_status(accounts_env.caller, export_id)
    assert status.url.endswith(f"{export_id}?for=300")  # type: ignore[union-attr]

    accounts_env.clock.forward(ExportRules().kept_seconds)
    with pytest.raises(NotFoundError):
        accounts_env.exports.get_status(accounts_env.caller, export_id)
    accounts_env.exports.sweep()

    assert (accounts_env.caller.user_id, export_id) not in accounts_env.files.files
    assert accounts_env.quiet.tables.get(export_key(accounts_env.caller.user_id)) is None
    assert ExportRules().kept_seconds + 3_600 <= 86_400


def test_an_export_survives_a_lost_message_and_a_crashed_worker(accounts_env: DeletionEnv) -> None:
    export_id = accounts_env.exports.start(accounts_env.caller).export_id
    accounts_env.catchup_env.queue.sent.clear()
    accounts_env.fault_injector.use_plan(
        lambda _, operation: Fault.CRASH_BEFORE if operation == "WriteExport" else None
    )
    with pytest.raises(Crash):
        accounts_env.exports.advance(accounts_env.caller.user_id)
    accounts_env.fault_injector.use_plan(lambda *_: None)

    assert accounts_env.exports.advance(accounts_env.caller.user_id) is False  # The crashed worker still has the claim.
    accounts_env.minutes_pass(3)

    assert accounts_env.exports.get_status(accounts_env.caller, export_id).status == "done"


def test_an_export_that_cannot_be_made_fails(accounts_env: DeletionEnv) -> None:
    export_id = accounts_env.exports.start(accounts_env.caller).export_id
    accounts_env.catchup_env.queue.sent.clear()
    accounts_env.clock.forward(ExportRules().abandon_after_seconds)
    accounts_env.exports.advance(accounts_env.caller.user_id)

    assert accounts_env.exports.get_status(accounts_env.caller, export_id).status == "failed"
    assert accounts_env.exports.start(accounts_env.caller).export_id != export_id
    accounts_env.deliver()


# A crash before a call equals one after the previous call; the write of the file can crash either way.
@pytest.mark.parametrize("fault", [Fault.CRASH_AFTER, pytest.param(Fault.LOST, marks=pytest.mark.soak)])
def test_a_fault_at_any_call_of_the_worker_only_delays_the_export(engine: Engine, names: Names, fault: Fault) -> None:
    def run_with_fault(number: int | None) -> int:
        accounts_env = DeletionEnv.on(engine, names)
        export_id = accounts_env.exports.start(accounts_env.caller).export_id
        accounts_env.catchup_env.queue.sent.clear()
        accounts_env.fault_injector.use_plan(lambda each, _: fault if each == number else None)
        with suppress(Crash, AppError):
            accounts_env.exports.advance(accounts_env.caller.user_id)
        calls = len(accounts_env.fault_injector.calls)
        accounts_env.fault_injector.use_plan(lambda *_: None)
        accounts_env.clock.forward(ExportRules().claim_seconds)
        accounts_env.sweep()
        accounts_env.deliver()
        assert accounts_env.exports.get_status(accounts_env.caller, export_id).status == "done"
        assert [key for key in accounts_env.files.files if key[0] == accounts_env.caller.user_id] == [
            (accounts_env.caller.user_id, export_id)
        ]
        return calls

    for number in range(run_with_fault(None)):
        run_with_fault(number)


def test_a_long_export_renews_its_claim_and_stops_when_it_is_lost(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.exports.start(accounts_env.caller)
    accounts_env.catchup_env.queue.sent.clear()
    slow = replace(accounts_env.exports, now=lambda: accounts_env.clock.forward(40) or accounts_env.clock())  # type: ignore[func-returns-value]
    renewals: list[Callable[[], None]] = [lambda: accounts_env.quiet.tables.write(delete_export_record(accounts_env))]

    def plan(number: int, operation: str) -> None:
        if operation == "UpdateItem" and number > 6 and renewals:
            renewals.pop()()

    accounts_env.fault_injector.use_plan(plan)
    assert slow.advance(accounts_env.caller.user_id) is False

    assert [key for key in accounts_env.files.files if key[0] == accounts_env.caller.user_id] == []


def delete_export_record(accounts_env: DeletionEnv) -> Write:
    return Write(ItemKey("app", "EXPORTS", accounts_env.caller.user_id), delete=True)


def test_a_deleted_account_cannot_be_exported(accounts_env: DeletionEnv) -> None:
    accounts_env.deletion.start(accounts_env.caller)

    with pytest.raises(UnauthenticatedError):
        accounts_env.exports.start(accounts_env.caller)
    assert MESSAGE + accounts_env.caller.user_id not in accounts_env.catchup_env.queue.sent
