"""The statement: every movement once, newest first, each explained."""

import pytest

from chalicelib.credits.statement import Statements
from chalicelib.models.accounts import Caller
from chalicelib.repositories import ledger_items
from chalicelib.repositories.ledger import Guard
from tests.default_prices import PRICE_VERSION
from tests.fakes import CURSORS, Backend


def spend(backend: Backend, caller: Caller, seconds: float) -> str:
    """One session with this much audio; its id."""
    lease = backend.start(caller, lease_seconds=60)
    backend.send(caller, lease.session_id, 0, seconds=seconds)
    backend.clock.forward(1)
    backend.streaming.stop(caller, lease.session_id)
    return lease.session_id


def test_a_movement_says_what_it_was_for(backend: Backend) -> None:
    ada = backend.person(200)
    session_id = spend(backend, ada, 12.5)

    used, granted = Statements(backend.ledger, CURSORS).transactions(ada, 50, None).transactions

    assert (used.kind, used.credits, used.session_id, used.service) == ("usage", -3, session_id, "live")
    assert (used.seconds, used.credits_held, used.price_version) == (13, 10, PRICE_VERSION)
    assert used.explanation == "12.5 s of live transcription; 10 credits were held, 3 used"
    assert [(use.provider, use.audio_ms) for use in used.models] == [("assemblyai", 12_500)]
    assert (granted.kind, granted.credits, granted.explanation) == ("free_credits", 200, "for a test")


def test_the_statement_adds_up_to_the_balance_over_all_its_pages(backend: Backend) -> None:
    ada, billing = backend.person(200), Statements(backend.ledger, CURSORS)
    sessions = [spend(backend, ada, seconds) for seconds in (1, 7, 13, 20)]

    movements, cursor = [], None
    while True:
        page = billing.transactions(ada, 2, cursor)
        movements += page.transactions
        cursor = page.next_cursor
        if cursor is None:
            break

    assert [movement.session_id for movement in movements] == [*sessions[::-1], ""]
    balance = billing.balance(ada)
    assert sum(movement.credits for movement in movements) == balance.available + balance.held
    assert (balance.lifetime_granted, balance.lifetime_used) == (200, 200 - balance.available)


def test_movements_of_one_second_are_shown_newest_first(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = backend.person(200)
    backend.clock.forward(1)
    at = backend.clock()
    for number, millisecond in enumerate((-3, 1, 2, 30, 400, 401, 998, 1_700)):  # Clocks differ, calls may take long.
        monkeypatch.setattr(ledger_items.time, "time_ns", lambda ms=millisecond: (at * 1_000 + ms) * 1_000_000)
        guard = Guard.reference(ada.user_id, "test", str(number))
        assert backend.ledger.grant(ada.user_id, 1, "free_credits", guard, at=at, reason=f"{number}")
    backend.clock.forward(1)
    spend(backend, ada, 1)

    shown = Statements(backend.ledger, CURSORS).transactions(ada, 50, None).transactions

    assert shown[0].kind == "usage"
    assert [movement.explanation for movement in shown[1:]] == [*"76543210", "for a test"]


def test_a_session_that_used_nothing_leaves_no_movement(backend: Backend) -> None:
    ada = backend.person(200)
    backend.streaming.stop(ada, backend.start(ada).session_id)

    assert len(Statements(backend.ledger, CURSORS).transactions(ada, 50, None).transactions) == 1
