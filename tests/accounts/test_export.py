"""Everything that is kept of a person in one JSON: whole, theirs alone, made once, there for a day."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.accounts.export import MESSAGE, ExportRules
from chalicelib.accounts.export_content import OURS
from chalicelib.errors import AppError, NotFoundError, UnauthenticatedError
from chalicelib.repositories.exports import export_key
from chalicelib.repositories.table import ItemKey, Write
from chalicelib.repositories.transcripts import transcript_key
from tests.accounts.accounts_env import at_once
from tests.accounts.deletion_env import EMAIL, MARKER, DeletionEnv, Names, scanned
from tests.audit.audit_env import create_all_items
from tests.engines import Engine
from tests.fault_injection import Crash, Fault

# What lies under a user and is told as part of something else, or only keeps a thing from happening twice.
NOT_TOLD = {"CATCHUP", "REF"}
TOLD_AS = {
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


def made(accounts_env: DeletionEnv) -> dict[str, Any]:
    """The file of a new export."""
    export_id = accounts_env.exports.start(accounts_env.who).export_id
    accounts_env.deliver()
    told = accounts_env.exports.look(accounts_env.who, export_id)
    assert told.status == "done"
    content = accounts_env.files.files[accounts_env.who.user_id, export_id]
    assert told.bytes == len(content)
    return dict(json.loads(content))


def test_it_holds_everything_that_the_person_said_and_did(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()

    told = made(accounts_env)

    assert (told["user"]["email"], told["user"]["name"]) == (EMAIL, MARKER)
    assert told["credits"]["available"] == accounts_env.quiet.ledger.balance(accounts_env.who.user_id).available
    assert sum(one["credits"] for one in told["transactions"]) == told["credits"]["available"] + told["credits"]["held"]
    by_id = {one["transcript_id"]: one for one in told["transcripts"]}
    words = by_id[accounts_env.left["transcript"]]
    assert [one["text"] for one in words["segments"]] == [f"said {MARKER}"]  # It was laid over what was heard.
    (caught_up,) = [one for one in told["transcripts"] if one["kind"] == "catchup"]
    assert caught_up["summaries"][0]["moments"][0]["title"] == MARKER
    assert MARKER in caught_up["segments"][0]["text"]
    assert {one["job_id"] for one in told["catchups"]} == {accounts_env.left["done"], accounts_env.left["running"]}
    assert {one["purchase_id"]: one["payment"] for one in told["purchases"]} == {
        accounts_env.left["paid"]: "paid",
        accounts_env.left["begun"]: "open",
    }
    assert told["questions"][0]["answer"]["answered"] is True
    assert {one["session_id"] for one in told["sessions"]} >= {accounts_env.left["relay"], accounts_env.left["direct"]}
    assert [one["bytes"] for one in told["uploads"]] == [9]
    assert told["user"]["created_at"].endswith("Z")


def test_it_holds_no_key_of_ours_and_no_token(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()

    text = json.dumps(made(accounts_env))

    assert "token-1" not in text  # what opened the direct session's socket
    assert not [name for name in OURS if f'"{name}":' in text.replace('"user_id": ', "", 1)]


def test_every_kind_of_item_under_a_user_is_told_or_known_not_to_be(accounts_env: DeletionEnv) -> None:
    """Whoever keeps something new of a person has to say where it is told."""
    world = create_all_items(accounts_env.catchup_env.backend)
    kinds = {
        item["sk"].split("#")[0]
        for name in accounts_env.names
        for item in scanned(accounts_env.engine, name)
        if item["pk"] == f"USER#{world.ada.user_id}"
    }

    told = json.loads(b"".join(accounts_env.exports.export_content.pieces(world.ada.user_id, accounts_env.clock())))

    assert kinds - NOT_TOLD <= set(TOLD_AS)
    assert [kind for kind in kinds - NOT_TOLD if not told[TOLD_AS[kind]]] == []


def test_nobody_elses_words_are_in_it(engine: Engine, names: Names, accounts_env: DeletionEnv) -> None:
    other = DeletionEnv.on(engine, names)
    other.fill()

    text = json.dumps(made(accounts_env))

    assert other.who.user_id not in text
    assert not [one for one in other.left.values() if one in text]


def test_words_whose_line_is_gone_are_not_told(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.quiet.history.delete(accounts_env.who, accounts_env.left["transcript"])

    told = made(accounts_env)

    assert accounts_env.left["transcript"] not in {one["transcript_id"] for one in told["transcripts"]}
    assert [len(one["segments"]) > 0 for one in told["transcripts"] if one["kind"] == "catchup"] == [True]


def test_a_line_that_a_settlement_touched_as_it_was_deleted_is_no_transcript(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    left_over = Write(transcript_key(accounts_env.who.user_id, "0" * 26), put_in={"state": "stopped", "credits": 1})
    accounts_env.quiet.tables.write(left_over)

    told = made(accounts_env)

    assert accounts_env.left["transcript"] in {one["transcript_id"] for one in told["transcripts"]}
    assert "0" * 26 not in json.dumps(told)


def test_an_empty_account_is_a_whole_document(accounts_env: DeletionEnv) -> None:
    told = made(accounts_env)

    assert (told["transcripts"], told["purchases"], told["uploads"]) == ([], [], [])
    assert len(told["transactions"]) == 1


# The job


def test_who_asks_again_while_it_is_made_gets_the_same_one(accounts_env: DeletionEnv) -> None:
    first = accounts_env.exports.start(accounts_env.who)

    assert accounts_env.exports.start(accounts_env.who) == first
    assert first.status == "running"
    assert len({one.export_id for one in at_once(4, lambda: accounts_env.exports.start(accounts_env.who))}) == 1


def test_a_new_one_takes_the_place_of_the_last(accounts_env: DeletionEnv) -> None:
    made(accounts_env)
    (first,) = accounts_env.files.files
    made(accounts_env)

    (second,) = accounts_env.files.files
    assert first != second
    with pytest.raises(NotFoundError):
        accounts_env.exports.look(accounts_env.who, first[1])


def test_another_users_export_is_not_there(engine: Engine, names: Names, accounts_env: DeletionEnv) -> None:
    made(accounts_env)
    ((_, export_id),) = accounts_env.files.files
    other = DeletionEnv.on(engine, names)

    with pytest.raises(NotFoundError):
        other.exports.look(other.who, export_id)
    other.exports.start(other.who)
    with pytest.raises(NotFoundError):
        other.exports.look(other.who, export_id)


def test_the_address_lives_minutes_and_the_file_a_day(accounts_env: DeletionEnv) -> None:
    export_id = accounts_env.exports.start(accounts_env.who).export_id
    accounts_env.deliver()
    told = accounts_env.exports.look(accounts_env.who, export_id)
    assert told.url.endswith(f"{export_id}?for=300")  # type: ignore[union-attr]

    accounts_env.clock.forward(ExportRules().kept_seconds)
    with pytest.raises(NotFoundError):
        accounts_env.exports.look(accounts_env.who, export_id)
    accounts_env.exports.sweep()

    assert (accounts_env.who.user_id, export_id) not in accounts_env.files.files
    assert accounts_env.quiet.tables.get(export_key(accounts_env.who.user_id)) is None
    assert ExportRules().kept_seconds + 3_600 <= 86_400


def test_a_lost_message_is_sent_again_and_a_dead_worker_followed(accounts_env: DeletionEnv) -> None:
    export_id = accounts_env.exports.start(accounts_env.who).export_id
    accounts_env.catchup_env.queue.sent.clear()
    accounts_env.wire.under(lambda _, operation: Fault.CRASH_BEFORE if operation == "WriteExport" else None)
    with pytest.raises(Crash):
        accounts_env.exports.advance(accounts_env.who.user_id)
    accounts_env.wire.under(lambda *_: None)

    assert accounts_env.exports.advance(accounts_env.who.user_id) is False  # It is in the dead one's hands still.
    accounts_env.minutes_pass(3)

    assert accounts_env.exports.look(accounts_env.who, export_id).status == "done"


def test_one_that_cannot_be_made_is_given_up(accounts_env: DeletionEnv) -> None:
    export_id = accounts_env.exports.start(accounts_env.who).export_id
    accounts_env.catchup_env.queue.sent.clear()
    accounts_env.clock.forward(ExportRules().give_up_seconds)
    accounts_env.exports.advance(accounts_env.who.user_id)

    assert accounts_env.exports.look(accounts_env.who, export_id).status == "failed"
    assert accounts_env.exports.start(accounts_env.who).export_id != export_id
    accounts_env.deliver()


# A crash before a call is one after the call before it; the write of the file may die either way.
@pytest.mark.parametrize("fault", [Fault.CRASH_AFTER, pytest.param(Fault.LOST, marks=pytest.mark.soak)])
def test_a_fault_at_any_call_of_its_worker_only_delays_it(engine: Engine, names: Names, fault: Fault) -> None:
    def lived(number: int | None) -> int:
        accounts_env = DeletionEnv.on(engine, names)
        export_id = accounts_env.exports.start(accounts_env.who).export_id
        accounts_env.catchup_env.queue.sent.clear()
        accounts_env.wire.under(lambda each, _: fault if each == number else None)
        with suppress(Crash, AppError):
            accounts_env.exports.advance(accounts_env.who.user_id)
        calls = len(accounts_env.wire.calls)
        accounts_env.wire.under(lambda *_: None)
        accounts_env.clock.forward(ExportRules().claim_seconds)
        accounts_env.sweep()
        accounts_env.deliver()
        assert accounts_env.exports.look(accounts_env.who, export_id).status == "done"
        assert [key for key in accounts_env.files.files if key[0] == accounts_env.who.user_id] == [
            (accounts_env.who.user_id, export_id)
        ]
        return calls

    for number in range(lived(None)):
        lived(number)


def test_a_long_one_keeps_its_claim_and_stops_when_it_is_lost(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.exports.start(accounts_env.who)
    accounts_env.catchup_env.queue.sent.clear()
    slow = replace(accounts_env.exports, now=lambda: accounts_env.clock.forward(40) or accounts_env.clock())  # type: ignore[func-returns-value]
    renewals: list[Callable[[], None]] = [lambda: accounts_env.quiet.tables.write(gone(accounts_env))]

    def plan(number: int, operation: str) -> None:
        if operation == "UpdateItem" and number > 6 and renewals:
            renewals.pop()()

    accounts_env.wire.under(plan)
    assert slow.advance(accounts_env.who.user_id) is False

    assert [key for key in accounts_env.files.files if key[0] == accounts_env.who.user_id] == []


def gone(accounts_env: DeletionEnv) -> Write:
    return Write(ItemKey("app", "EXPORTS", accounts_env.who.user_id), delete=True)


def test_nobody_deleted_gets_one(accounts_env: DeletionEnv) -> None:
    accounts_env.erasures.begin(accounts_env.who)

    with pytest.raises(UnauthenticatedError):
        accounts_env.exports.start(accounts_env.who)
    assert MESSAGE + accounts_env.who.user_id not in accounts_env.catchup_env.queue.sent
