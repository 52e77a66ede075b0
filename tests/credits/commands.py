"""Every command that moves credits, each with the world it is given in: what the crash and race tests go through."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.credits.money_env import World
from tests.fault_injection import Crash, Fault, no_faults


@dataclass(frozen=True)
class Command:
    """`prepare` is undisturbed; `act` is one client command, safe to repeat, after which `chunks` are billed."""

    name: str
    prepare: Callable[[World], object]
    act: Callable[[World], object]
    chunks: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.name


def nobody(world: World) -> None:
    """No account yet."""


def open_account(world: World) -> None:
    """What registration does."""
    world.backend.ledger.open_account(world.caller.user_id)
    world.grant()


def listening(world: World) -> None:
    """One chunk into a lease of ten minutes."""
    world.grant()
    world.start()
    world.send(0, 12.5)


def near_the_end(world: World) -> None:
    listening(world)
    world.wait(545)


def over(world: World) -> None:
    """The lease's end and the grace have passed; the scheduler has not come round."""
    listening(world)
    world.wait(660)


def lapsed(world: World) -> None:
    over(world)
    world.sweep()


def with_a_broken_provider(world: World) -> None:
    listening(world)
    world.recognisers[0].broken = True


def with_no_provider(world: World) -> None:
    listening(world)
    world.recognisers[0].broken = world.recognisers[1].broken = True


def send_then_mend(world: World) -> None:
    """Providers come back while the client tries again."""
    try:
        world.send(1, 7.1)
    finally:
        world.recognisers[0].broken = False


def with_a_stale_chunk(world: World) -> None:
    """A process died with chunk 1 at the provider; it may be sent again."""
    listening(world)
    world.fault_injector.use_plan(lambda _, operation: Fault.CRASH_AFTER if operation == "Recognise" else None)
    try:
        world.send(1, 7.1)
    except Crash:
        world.fault_injector.use_plan(no_faults)
    world.wait(36)


OPEN_ACCOUNT = Command("opening an account", nobody, open_account)
START = Command("start", World.grant, World.start)
RENEW = Command("renew", near_the_end, World.renew, chunks=(0,))
RENEW_LAPSED = Command("renew after a lapse", lapsed, World.renew, chunks=(0,))
SAVE = Command("save", listening, World.save, chunks=(0,))
CHUNK = Command("chunk", listening, lambda world: world.send(1, 7.1), chunks=(0, 1))
CHUNK_AGAIN = Command("chunk sent again", with_a_stale_chunk, lambda world: world.send(1, 7.1), chunks=(0, 1))
FALLBACK = Command("chunk by the fallback", with_a_broken_provider, lambda world: world.send(1, 7.1), chunks=(0, 1))
FAILING = Command("chunk nobody recognises", with_no_provider, send_then_mend, chunks=(0, 1))
STOP = Command("stop", listening, World.stop, chunks=(0,))
STOP_LAPSED = Command("stop after a lapse", lapsed, World.stop, chunks=(0,))
SWEEP = Command("sweep", over, World.sweep, chunks=(0,))

COMMANDS = (
    OPEN_ACCOUNT,
    START,
    RENEW,
    RENEW_LAPSED,
    SAVE,
    CHUNK,
    CHUNK_AGAIN,
    FALLBACK,
    FAILING,
    STOP,
    STOP_LAPSED,
    SWEEP,
)
