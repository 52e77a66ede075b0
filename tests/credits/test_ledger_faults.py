"""Conflicts, throttles, outages and lost answers, below the SDK: a command is done once, or 503 and not half done."""

import random
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from chalicelib.errors import ConflictError, InsufficientCreditsError, UnavailableError
from tests.credits.commands import CHUNK, COMMANDS, RENEW, SAVE, STOP, Command
from tests.credits.money_env import World, done_chunks
from tests.engines import Engine
from tests.fault_injection import TRANSIENT, Fault, Plan, RetriesExhaustedError, no_faults, retry_until_answered

Names = tuple[str, str]
HISTORIES, STEPS = 12, 14


@pytest.fixture(autouse=True)
def sdk_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))


def world_of(command: Command, engine: Engine, names: Names) -> World:
    """With the SDK's own tries, as in production."""
    world = World.on(engine, names, attempts=3)
    command.prepare(world)
    return world


@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda fault: fault.name)
@pytest.mark.parametrize("command", [RENEW, CHUNK, STOP], ids=str)
def test_one_passing_fault_in_a_write_is_not_even_noticed(
    command: Command, fault: Fault, engine: Engine, names: Names
) -> None:
    world = world_of(command, engine, names)
    world.fault_injector.use_plan(once_at("TransactWriteItems", fault))

    command.act(world)

    assert set(command.chunks) <= done_chunks(world.books()).keys()
    world.check_the_end()


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.name != "sweep"], ids=str)
def test_a_lasting_conflict_is_503_and_nothing_is_half_done(command: Command, engine: Engine, names: Names) -> None:
    world = world_of(command, engine, names)
    before = world.books()
    fault = Fault.THROTTLED if command is SAVE else Fault.CONFLICT
    world.fault_injector.use_plan(
        lambda _, operation: fault if operation.startswith(("Transact", "Update", "Put")) else None
    )

    with pytest.raises(UnavailableError) as unavailable:
        command.act(world)

    assert unavailable.value.details["retry_after_seconds"] > 0
    assert world.books() == before
    world.fault_injector.use_plan(no_faults)
    retry_until_answered(lambda: command.act(world), world.wait)
    world.check_the_end()


def test_a_database_that_is_down_is_never_a_refusal_of_the_person(engine: Engine, names: Names) -> None:
    for command in COMMANDS:
        world = world_of(command, engine, names)
        world.fault_injector.use_plan(lambda *_: Fault.UNSENT)

        with pytest.raises(UnavailableError):
            command.act(world)

        world.check_the_end()


def random_history(seed: int, engine: Engine, names: Names) -> World:
    """A listener's random commands while a fifth of all calls goes wrong in some way."""
    rng = random.Random(seed)
    world = World.on(engine, names, attempts=rng.choice([1, 3]))
    world.grant()
    world.recognisers[0].broken = rng.random() < 0.2
    world.fault_injector.use_plan(lambda *_: rng.choice(TRANSIENT) if rng.random() < 0.2 else None)
    commands: list[Callable[[], object]] = [
        world.grant,
        world.start,
        world.renew,
        world.save,
        world.sweep,
        lambda: world.send(rng.randrange(6), 5.3),
        lambda: world.send(rng.randrange(6), 5.3),
        lambda: world.send(rng.randrange(6), 5.3),
        lambda: world.wait(rng.choice([1, 40, 560, 700])),
    ]
    retry_until_answered(world.start, world.wait)
    for step in range(STEPS):
        give_up_after = rng.choice([1, 60])
        command = world.stop if step == STEPS - 2 else rng.choice(commands)
        try:
            retry_until_answered(command, world.wait, tries=give_up_after)
        except (ConflictError, InsufficientCreditsError):
            pass  # Too early, over, stopped: what a client that does not look may hear.
        except RetriesExhaustedError:
            if give_up_after > 1:
                raise
    world.check_the_end()
    return world


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_a_history_with_a_fault_in_every_fifth_call_keeps_its_books(seed: int, engine: Engine, names: Names) -> None:
    random_history(seed, engine, names)


@pytest.mark.soak
def test_many_histories_with_a_fault_in_every_fifth_call_keep_their_books(
    engine: Engine, names: Names, tally: Counter[str]
) -> None:
    for seed in range(1_000, 1_080):
        try:
            world = random_history(seed, engine, names)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        tally.update({"histories with faults": 1, "operations": world.operations})


def once_at(operation: str, fault: Fault) -> Plan:
    """The plan where the first call of this kind goes wrong."""
    left = [fault]
    return lambda _, each: left.pop() if each == operation and left else None
