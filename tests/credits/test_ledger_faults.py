"""Conflicts, throttles, outages and lost responses below the SDK: a command is done once, or it is 503 and not done."""

import random
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from chalicelib.errors import ConflictError, InsufficientCreditsError, UnavailableError
from tests.credits.commands import CHUNK, COMMANDS, RENEW, SAVE, STOP, Command
from tests.credits.money_env import MoneyEnv, done_chunks
from tests.engines import Engine
from tests.fault_injection import TRANSIENT, Fault, Plan, RetriesExhaustedError, no_faults, retry_until_answered

pytestmark = pytest.mark.long

Names = tuple[str, str]
HISTORIES, STEPS = 12, 14


@pytest.fixture(autouse=True)
def sdk_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))


def prepared_env(command: Command, engine: Engine, names: Names) -> MoneyEnv:
    """With the SDK's own retries, as in production."""
    money_env = MoneyEnv.on(engine, names, attempts=3)
    command.prepare(money_env)
    return money_env


@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda fault: fault.name)
@pytest.mark.parametrize("command", [RENEW, CHUNK, STOP], ids=str)
def test_one_transient_fault_in_a_write_goes_unnoticed(
    command: Command, fault: Fault, engine: Engine, names: Names
) -> None:
    money_env = prepared_env(command, engine, names)
    money_env.fault_injector.use_plan(fail_first("TransactWriteItems", fault))

    command.act(money_env)

    assert set(command.chunks) <= done_chunks(money_env.books()).keys()
    money_env.check_the_end()


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.name != "sweep"], ids=str)
def test_a_lasting_conflict_is_503_and_nothing_is_written(command: Command, engine: Engine, names: Names) -> None:
    money_env = prepared_env(command, engine, names)
    before = money_env.books()
    fault = Fault.THROTTLED if command is SAVE else Fault.CONFLICT
    money_env.fault_injector.use_plan(
        lambda _, operation: fault if operation.startswith(("Transact", "Update", "Put")) else None
    )

    with pytest.raises(UnavailableError) as unavailable:
        command.act(money_env)

    assert unavailable.value.details["retry_after_seconds"] > 0
    assert money_env.books() == before
    money_env.fault_injector.use_plan(no_faults)
    retry_until_answered(lambda: command.act(money_env), money_env.wait)
    money_env.check_the_end()


def test_a_database_outage_is_never_reported_as_the_users_fault(engine: Engine, names: Names) -> None:
    for command in COMMANDS:
        money_env = prepared_env(command, engine, names)
        money_env.fault_injector.use_plan(lambda *_: Fault.UNSENT)

        with pytest.raises(UnavailableError):
            command.act(money_env)

        money_env.check_the_end()


def random_history(seed: int, engine: Engine, names: Names) -> MoneyEnv:
    """Random commands of a listener while a fifth of all calls fails in some way."""
    rng = random.Random(seed)
    money_env = MoneyEnv.on(engine, names, attempts=rng.choice([1, 3]))
    money_env.grant()
    money_env.recognisers[0].broken = rng.random() < 0.2
    money_env.fault_injector.use_plan(lambda *_: rng.choice(TRANSIENT) if rng.random() < 0.2 else None)
    commands: list[Callable[[], object]] = [
        money_env.grant,
        money_env.start,
        money_env.renew,
        money_env.save,
        money_env.sweep,
        lambda: money_env.send(rng.randrange(6), 5.3),
        lambda: money_env.send(rng.randrange(6), 5.3),
        lambda: money_env.send(rng.randrange(6), 5.3),
        lambda: money_env.wait(rng.choice([1, 40, 560, 700])),
    ]
    retry_until_answered(money_env.start, money_env.wait)
    for step in range(STEPS):
        max_tries = rng.choice([1, 60])
        command = money_env.stop if step == STEPS - 2 else rng.choice(commands)
        try:
            retry_until_answered(command, money_env.wait, tries=max_tries)
        except (ConflictError, InsufficientCreditsError):
            pass  # Too early, expired or stopped: a client that does not check its state gets these.
        except RetriesExhaustedError:
            if max_tries > 1:
                raise
    money_env.check_the_end()
    return money_env


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_books_stay_correct_with_a_fault_in_every_fifth_call(seed: int, engine: Engine, names: Names) -> None:
    random_history(seed, engine, names)


@pytest.mark.soak
def test_books_of_many_histories_stay_correct_with_a_fault_in_every_fifth_call(
    engine: Engine, names: Names, soak_counts: Counter[str]
) -> None:
    for seed in range(1_000, 1_080):
        try:
            money_env = random_history(seed, engine, names)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        soak_counts.update({"histories with faults": 1, "operations": money_env.operations})


def fail_first(operation: str, fault: Fault) -> Plan:
    """The plan where the first call of this operation fails."""
    faults = [fault]
    return lambda _, called: faults.pop() if called == operation and faults else None
