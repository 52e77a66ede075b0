"""What holds the credits that a refused request needs, and so what to do about it."""

from collections.abc import Callable

import pytest

from chalicelib.errors import InsufficientCreditsError
from chalicelib.models.accounts import Caller
from chalicelib.models.ledger import Hold, HoldKind
from chalicelib.repositories.held_credits import EXPLAINED_PER_DAY, explain_refusal
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import Write
from tests.catchup.catchup_env import CatchupEnv
from tests.default_prices import LIVE_PER_MINUTE

URL = "https://media.example.com/talk.mp3"
GENERIC = "open sessions and by unfinished catch-ups or questions and by disputes"


@pytest.fixture
def ada(catchup_env: CatchupEnv) -> Caller:
    return catchup_env.backend.person(200)


def run_catchup(env: CatchupEnv, caller: Caller) -> None:
    env.start(caller, audio_url=URL, to_ms=60_000)


def run_session(env: CatchupEnv, caller: Caller) -> None:
    env.backend.start(caller, lease_seconds=60)


def dispute(env: CatchupEnv, caller: Caller, credits: int = 10) -> None:
    hold = Hold(caller.user_id, "dispute:p1:d1", credits, HoldKind.DISPUTE, "p1", 9_999_999_999)
    counted = Write(balance_key(caller.user_id), add={"open_disputes": 1})
    env.backend.ledger.hold(caller, hold, at=env.backend.clock.at)
    env.backend.tables.write(counted)


def refuse(env: CatchupEnv, caller: Caller) -> InsufficientCreditsError:
    """The explained refusal of a start that needs more than there is."""
    balance = env.backend.ledger.balance(caller.user_id)
    refusal = InsufficientCreditsError(balance.available + 1, balance.available, balance.held)
    return explain_refusal(env.backend.tables, caller.user_id, refusal, env.backend.clock.at)


@pytest.mark.parametrize(
    ("holders", "held_by", "advice"),
    [
        (
            [run_catchup],
            "are held by unfinished catch-ups or questions.",
            "Wait until the catch-ups and questions are done, buy credits or request less.",
        ),
        (
            [run_session],
            "are held by open sessions.",
            "Stop sessions that are still open, buy credits or request less.",
        ),
        (
            [dispute],
            "are held by disputes.",
            "Wait until the bank decides the dispute, buy credits or request less.",
        ),
        (
            [run_session, run_catchup, dispute],
            f"are held by {GENERIC}.",
            "Stop sessions that are still open, wait until the catch-ups and questions are done, "
            "wait until the bank decides the dispute, buy credits or request less.",
        ),
    ],
)
def test_a_refusal_names_what_holds_the_credits(
    catchup_env: CatchupEnv, ada: Caller, holders: list[Callable[..., None]], held_by: str, advice: str
) -> None:
    for hold in holders:
        hold(catchup_env, ada)
    held_credits = catchup_env.backend.ledger.balance(ada.user_id).held

    refusal = refuse(catchup_env, ada)

    assert held_credits >= LIVE_PER_MINUTE * (run_session in holders)
    assert refusal.message.endswith(f", and {held_credits} {held_by} {advice}")
    assert set(refusal.details) == {"required", "available"}


def test_the_session_that_renews_is_not_what_holds_the_credits(catchup_env: CatchupEnv, ada: Caller) -> None:
    run_session(catchup_env, ada)
    run_catchup(catchup_env, ada)

    refusal = InsufficientCreditsError(300, 190, 10)  # as `renew` counts: its own lease would be settled first

    message = explain_refusal(catchup_env.backend.tables, ada.user_id, refusal, catchup_env.backend.clock.at).message
    assert "10 are held by unfinished catch-ups or questions. Wait" in message


def test_a_session_that_lapsed_holds_nothing(catchup_env: CatchupEnv, ada: Caller) -> None:
    run_session(catchup_env, ada)
    catchup_env.backend.clock.forward(3_600)
    catchup_env.backend.streaming.sweep()
    run_catchup(catchup_env, ada)

    assert "held by unfinished catch-ups or questions. Wait" in refuse(catchup_env, ada).message


def test_explaining_is_bounded_for_an_account_and_a_day(catchup_env: CatchupEnv, ada: Caller) -> None:
    run_catchup(catchup_env, ada)

    messages = [refuse(catchup_env, ada).message for _ in range(EXPLAINED_PER_DAY + 1)]

    assert [GENERIC in message for message in messages] == [False] * EXPLAINED_PER_DAY + [True]


def test_a_refusal_without_held_credits_reads_nothing(catchup_env: CatchupEnv, ada: Caller) -> None:
    refusal = InsufficientCreditsError(300, 200, 0)

    assert explain_refusal(None, ada.user_id, refusal, 0) is refusal  # type: ignore[arg-type]


def test_credits_that_came_free_since_leave_the_refusal_as_it_was(catchup_env: CatchupEnv, ada: Caller) -> None:
    refusal = InsufficientCreditsError(300, 190, 10)

    assert explain_refusal(catchup_env.backend.tables, ada.user_id, refusal, catchup_env.backend.clock.at) is refusal


@pytest.mark.parametrize("available", [-5, 0, 3])
def test_each_holder_has_its_words(available: int) -> None:
    for held_by in (["sessions", "work"], ["sessions", "disputes"], ["disputes"]):
        message = InsufficientCreditsError(10, available, 7, held_by).message
        assert "7 are held by " in message
        assert "  " not in message
        assert message.endswith(("buy credits or request less.", "Buy credits to continue."))
