"""Many writers at once, on one account and on many: the books are exact and no write is lost."""

import random
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from chalicelib.errors import InsufficientCreditsError, UnavailableError
from chalicelib.models.accounts import Caller
from chalicelib.models.ledger import Charge, Hold
from chalicelib.repositories.ledger import Guard, HoldEndedError, Ledger
from chalicelib.repositories.table import Tables
from tests.credits.account_invariants import Books
from tests.default_prices import PRICE_VERSION
from tests.engines import SERVERS, Engine, requested_engine

NOW, WRITERS, EACH_GRANTED = 1_795_400_000, 16, 60
Names = tuple[str, str]


@pytest.fixture(scope="session", params=SERVERS)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Both servers, because conflicts between writers depend on the engine."""
    return requested_engine(request)


@dataclass
class Writer:
    """Holds, settles, renews and releases at random, retries each command until it succeeds, and counts its writes."""

    ledger: Ledger
    people: list[Caller]
    rng: random.Random
    writes: Counter[str] = field(default_factory=Counter)  # user id → writes of the balance
    charged: Counter[str] = field(default_factory=Counter)
    refused: int = 0

    def work(self, operations: int) -> "Writer":
        while self.writes.total() + self.refused < operations:
            self.hold_and_end(self.rng.choice(self.people))
        return self

    def hold_and_end(self, caller: Caller) -> None:
        hold = self.new_hold(caller)
        try:
            self.retry_until_done(caller, lambda: self.ledger.hold(caller, hold, at=NOW))
        except InsufficientCreditsError:
            self.refused += 1
        else:
            self.end(caller, hold)

    def end(self, caller: Caller, hold: Hold) -> None:
        charge = Charge(self.rng.randint(0, min(hold.credits, 2)), "live", "s", 1_000, PRICE_VERSION)
        match self.rng.randrange(3):
            case 0:
                self.retry_until_done(caller, lambda: self.ledger.settle(hold, charge, at=NOW))
                self.charged[caller.user_id] += charge.credits
            case 1:
                self.retry_until_done(caller, lambda: self.ledger.release(hold, at=NOW))
            case _:
                following = self.new_hold(caller)
                try:
                    self.retry_until_done(
                        caller, lambda: self.ledger.settle_and_hold(caller, hold, charge, following, at=NOW)
                    )
                except InsufficientCreditsError:
                    self.refused += 1
                    following = hold
                else:
                    self.charged[caller.user_id] += charge.credits
                self.retry_until_done(caller, lambda: self.ledger.release(following, at=NOW))

    def new_hold(self, caller: Caller) -> Hold:
        name = str(uuid.UUID(int=self.rng.getrandbits(128)))
        return Hold(caller.user_id, name, self.rng.randint(1, 40), "stream", "s", NOW + 60)

    def retry_until_done(self, caller: Caller, command: object) -> None:
        for _ in range(500):
            try:
                assert command() in (True, None)
            except UnavailableError:
                continue  # Too many conflicts at once: nothing was written, so a client retries.
            self.writes[caller.user_id] += 1
            return
        raise AssertionError("a writer never succeeded")


def run_writers(engine: Engine, names: Names, accounts: int, operations: int) -> int:
    """The number of operations, all of which are in the books."""
    ledger = Ledger(Tables(engine.client, *names, pause=lambda _: None))
    people = [Caller(str(uuid.uuid4()), NOW, "ada@example.com") for _ in range(accounts)]
    for person in people:
        guard = Guard.reference(person.user_id, "test", "grant")
        ledger.grant(person.user_id, EACH_GRANTED, "purchase", guard, at=NOW, reason="r")

    writers = [Writer(ledger, people, random.Random(seed)) for seed in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as threads:
        finished = list(threads.map(lambda writer: writer.work(operations), writers))

    for person in people:
        books = Books.of(engine, names, person.user_id)
        books.check()
        charged = sum(writer.charged[person.user_id] for writer in finished)
        assert (books.balance.available, books.balance.held) == (EACH_GRANTED - charged, 0)
        assert books.balance.used == charged
        assert books.balance.version == 1 + sum(writer.writes[person.user_id] for writer in finished), (
            "a write was lost"
        )
    return sum(writer.writes.total() + writer.refused for writer in finished)


@pytest.mark.parametrize("accounts", [1, 50])
def test_sixteen_writers_lose_nothing(engine: Engine, names: Names, accounts: int) -> None:
    assert run_writers(engine, names, accounts, 8) >= 16 * 8


@pytest.mark.soak
@pytest.mark.parametrize("accounts", [1, 50])
def test_sixteen_writers_lose_nothing_in_long_runs(
    engine: Engine, names: Names, accounts: int, soak_counts: Counter[str]
) -> None:
    soak_counts["operations"] += run_writers(engine, names, accounts, 100)


def test_sixteen_grants_of_one_fact_count_once(engine: Engine, names: Names) -> None:
    ledger, user_id = Ledger(Tables(engine.client, *names, pause=lambda _: None)), str(uuid.uuid4())
    guard = Guard.free_credits(user_id)

    def grant(_: int) -> bool | None:
        try:
            return ledger.grant(user_id, 200, "free_credits", guard, at=NOW, reason="welcome")
        except UnavailableError:
            return None

    with ThreadPoolExecutor(WRITERS) as threads:
        granted = list(threads.map(grant, range(WRITERS)))

    assert granted.count(True) == 1
    assert Books.of(engine, names, user_id).balance.available == 200


def test_of_sixteen_attempts_to_end_a_hold_one_succeeds(engine: Engine, names: Names) -> None:
    ledger, ada = Ledger(Tables(engine.client, *names, pause=lambda _: None)), Caller(str(uuid.uuid4()), NOW, "")
    guard = Guard.reference(ada.user_id, "test", "grant")
    ledger.grant(ada.user_id, EACH_GRANTED, "purchase", guard, at=NOW, reason="r")
    hold = Hold(ada.user_id, "h", 40, "stream", "s", NOW + 60)
    ledger.hold(ada, hold, at=NOW)

    def end(n: int) -> bool:
        try:
            ledger.settle(hold, Charge(n, "live", "s", 1_000, PRICE_VERSION), at=NOW)
        except (HoldEndedError, UnavailableError):
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as threads:
        assert list(threads.map(end, range(WRITERS))).count(True) == 1

    Books.of(engine, names, ada.user_id).check()
