"""Calls that must be refused: of accounts that are blocked or deleted, and with tokens from before a sign-out."""

from collections.abc import Callable

from chalicelib import contract
from chalicelib.errors import AppError, UnavailableError
from chalicelib.models.accounts import Caller
from tests.simulation.actors.catching_up import WEBHOOK_BASE
from tests.simulation.application import Application
from tests.simulation.core import Simulation
from tests.simulation.outcomes import NoAnswerError
from tests.simulation.scheduler import ViolationError

URL = "https://talks.example.com/refused.mp3"


def expect_refusal(simulation: Simulation, caller: Caller, *errors: type[AppError]) -> None:
    """Make some call of this caller. Raises ViolationError if it ends otherwise than by an outage or these errors."""
    name, run = simulation.rng.choice(_calls(caller, simulation.new_id()))
    try:
        simulation.call(f"refused {name}", caller.user_id, run)
    except (*errors, NoAnswerError, UnavailableError):
        return
    except AppError as error:
        raise ViolationError(f"{name} of {caller.user_id} should be refused, got {error!r}") from error
    raise ViolationError(f"{name} of {caller.user_id} should be refused, was answered")


def _calls(caller: Caller, new_id: str) -> list[tuple[str, Callable[[Application], object]]]:
    catchup = contract.Catchup(audio_url=URL, to_ms=60_000)
    return [
        ("profile", lambda application: application.accounts.user(caller)),
        ("rename", lambda application: application.accounts.rename(caller, contract.UpdateUser(name="nobody"))),
        ("history", lambda application: application.history.page(caller, contract.HistoryQuery())),
        ("start", lambda application: application.streaming.start(caller, contract.Start(), new_id, "hash")),
        (
            "catch-up",
            lambda application: application.catchups.start(caller, catchup, new_id, "hash", WEBHOOK_BASE),
        ),
        (
            "ask",
            lambda application: application.questions.ask(
                caller, contract.Ask(question="Who?", transcript_id="none"), new_id, "hash"
            ),
        ),
        (
            "purchase",
            lambda application: application.purchases.buy(caller, contract.Buy(package_id="starter"), new_id, "hash"),
        ),
        ("export", lambda application: application.exports.start(caller)),
        ("delete", lambda application: application.deletion.start(caller)),
        ("logout", lambda application: application.accounts.logout(caller)),
    ]
