"""Every command that moves credits, and the state before it: the crash and race tests run all of them."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.credits.money_env import MoneyEnv
from tests.fault_injection import Crash, Fault, no_faults


@dataclass(frozen=True)
class Command:
    """`prepare` runs without faults; `act` is one client command, safe to repeat, after which `chunks` are billed."""

    name: str
    prepare: Callable[[MoneyEnv], object]
    act: Callable[[MoneyEnv], object]
    chunks: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.name


def do_nothing(money_env: MoneyEnv) -> None:
    """There is no account yet."""


def open_account(money_env: MoneyEnv) -> None:
    """As registration does."""
    money_env.backend.ledger.open_account(money_env.caller.user_id)
    money_env.grant()


def start_listening(money_env: MoneyEnv) -> None:
    """One chunk is sent in a lease of ten minutes."""
    money_env.grant()
    money_env.start()
    money_env.send(0, 12.5)


def start_lease_that_ends_soon(money_env: MoneyEnv) -> None:
    start_listening(money_env)
    money_env.wait(545)


def start_expired_lease(money_env: MoneyEnv) -> None:
    """The lease and the grace period have ended; the sweep has not run yet."""
    start_listening(money_env)
    money_env.wait(660)


def start_swept_lease(money_env: MoneyEnv) -> None:
    start_expired_lease(money_env)
    money_env.sweep()


def start_with_broken_provider(money_env: MoneyEnv) -> None:
    start_listening(money_env)
    money_env.recognisers[0].broken = True


def start_without_provider(money_env: MoneyEnv) -> None:
    start_listening(money_env)
    money_env.recognisers[0].broken = money_env.recognisers[1].broken = True


def send_then_repair_provider(money_env: MoneyEnv) -> None:
    """A provider recovers while the client retries."""
    try:
        money_env.send(1, 7.1)
    finally:
        money_env.recognisers[0].broken = False


def start_with_stale_chunk(money_env: MoneyEnv) -> None:
    """A process died while chunk 1 was at the provider; the chunk may be sent again."""
    start_listening(money_env)
    money_env.fault_injector.use_plan(lambda _, operation: Fault.CRASH_AFTER if operation == "Recognise" else None)
    try:
        money_env.send(1, 7.1)
    except Crash:
        money_env.fault_injector.use_plan(no_faults)
    money_env.wait(36)


OPEN_ACCOUNT = Command("opening an account", do_nothing, open_account)
START = Command("start", MoneyEnv.grant, MoneyEnv.start)
RENEW = Command("renew", start_lease_that_ends_soon, MoneyEnv.renew, chunks=(0,))
RENEW_LAPSED = Command("renew after a lapse", start_swept_lease, MoneyEnv.renew, chunks=(0,))
SAVE = Command("save", start_listening, MoneyEnv.save, chunks=(0,))
CHUNK = Command("chunk", start_listening, lambda money_env: money_env.send(1, 7.1), chunks=(0, 1))
CHUNK_AGAIN = Command(
    "chunk sent again", start_with_stale_chunk, lambda money_env: money_env.send(1, 7.1), chunks=(0, 1)
)
FALLBACK = Command(
    "chunk by the fallback", start_with_broken_provider, lambda money_env: money_env.send(1, 7.1), chunks=(0, 1)
)
FAILING = Command("chunk that no provider recognises", start_without_provider, send_then_repair_provider, chunks=(0, 1))
STOP = Command("stop", start_listening, MoneyEnv.stop, chunks=(0,))
STOP_LAPSED = Command("stop after a lapse", start_swept_lease, MoneyEnv.stop, chunks=(0,))
SWEEP = Command("sweep", start_expired_lease, MoneyEnv.sweep, chunks=(0,))

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
