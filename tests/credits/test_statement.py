"""The statement shows every entry once, newest first, with an explanation."""

import pytest

from chalicelib.credits.statement import Statements, explanation
from chalicelib.models.accounts import Caller
from chalicelib.models.ledger import Entry
from chalicelib.repositories import ledger_items
from chalicelib.repositories.ledger import Guard
from tests.default_prices import PRICE_VERSION, live_credits
from tests.fakes import CURSORS, Backend


def spend(backend: Backend, caller: Caller, seconds: float) -> str:
    """The id of a session with this much audio."""
    lease = backend.start(caller, lease_seconds=60)
    backend.send(caller, lease.session_id, 0, seconds=seconds)
    backend.clock.forward(1)
    backend.streaming.stop(caller, lease.session_id)
    return lease.session_id


def test_an_entry_says_what_it_was_for(backend: Backend) -> None:
    ada = backend.person(200)
    session_id = spend(backend, ada, 12.5)

    used, granted = Statements(backend.ledger, CURSORS).transactions(ada, 50, None).transactions

    assert (used.kind, used.credits, used.session_id, used.service) == (
        "usage",
        -live_credits(12.5),
        session_id,
        "live",
    )
    assert (used.seconds, used.credits_held, used.price_version) == (13, live_credits(60), PRICE_VERSION)
    held, charged = live_credits(60), live_credits(12.5)
    assert used.explanation == f"12.5 s of live transcription; {held} credits were held, {charged} used"
    assert [(use.provider, use.audio_ms) for use in used.models] == [("assemblyai", 12_500)]
    assert (granted.kind, granted.credits, granted.explanation) == ("free_credits", 200, "for a test")


@pytest.mark.parametrize(
    ("chunk_seconds", "explained"),
    [
        ([30, 0.08, 1.5], "32.5 s of live transcription (31.6 s of audio, each chunk counted as 1 s at least)"),
        ([0.08] * 3, "3.0 s of live transcription (0.2 s of audio, each chunk counted as 1 s at least)"),
        ([1, 1.5], "2.5 s of live transcription"),
    ],
    ids=str,
)
def test_the_statement_explains_short_chunks(backend: Backend, chunk_seconds: list[float], explained: str) -> None:
    ada = backend.person(200)
    lease = backend.start(ada, transport="relay")
    for seq, seconds in enumerate(chunk_seconds):
        backend.send(ada, lease.session_id, seq, seconds)
    backend.streaming.stop(ada, lease.session_id)

    shown = Statements(backend.ledger, CURSORS).transactions(ada, 50, None).transactions
    used = next(movement for movement in shown if movement.kind == "usage")

    assert used.explanation.partition(";")[0] == explained
    assert sum(use.audio_ms for use in used.models) == round(sum(chunk_seconds) * 1_000)


def test_all_pages_of_the_statement_add_up_to_the_balance(backend: Backend) -> None:
    ada, statements = backend.person(200), Statements(backend.ledger, CURSORS)
    sessions = [spend(backend, ada, seconds) for seconds in (1, 7, 13, 20)]

    movements, cursor = [], None
    while True:
        page = statements.transactions(ada, 2, cursor)
        movements += page.transactions
        cursor = page.next_cursor
        if cursor is None:
            break

    assert [movement.session_id for movement in movements] == [*sessions[::-1], ""]
    balance = statements.balance(ada)
    assert sum(movement.credits for movement in movements) == balance.available + balance.held
    assert (balance.lifetime_granted, balance.lifetime_used) == (200, 200 - balance.available)


def test_entries_of_one_second_are_shown_newest_first(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_session_without_audio_leaves_no_entry(backend: Backend) -> None:
    ada = backend.person(200)
    backend.streaming.stop(ada, backend.start(ada).session_id)

    assert len(Statements(backend.ledger, CURSORS).transactions(ada, 50, None).transactions) == 1


@pytest.mark.parametrize(
    ("held", "used", "text"),
    [(1, 1, "1 credit was held, 1 used"), (0, 0, "0 credits were held, 0 used"), (2_500, 1_200, "2,500 credits were")],
)
def test_counted_credits_agree_in_the_explanation(held: int, used: int, text: str) -> None:
    assert text in explanation(Entry("e", "usage", -used, 0, service="live", held=held, audio_ms=500))
