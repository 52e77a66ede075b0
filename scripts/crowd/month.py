"""Thirty days of a crowd: who joins when, who is about at which hour, what they do. One seed, one month."""

import queue
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from chalicelib import contract
from chalicelib.models.accounts import Caller
from scripts.crowd import acts
from scripts.crowd.services import NewServices, Services, new_id

DAYS, DAY_SECONDS = 30, 86_400
THREADS = 4
LATEST_SECONDS = 7_200  # nothing begins later than this before now: the longest act is over by then
WEEKEND = 0.6
MIX = ((acts.listen, 55), (acts.catch_up, 18), (acts.ask, 20), (acts.relay, 7))
BUYS_BELOW, BUYS = 80, 0.3
REFUNDED, DISPUTED, DECIDED = 0.01, 0.004, 0.2  # a day, of those who bought
LISTENING_NOW = 5


@dataclass
class Member:
    """Somebody, how eager they are, and the day they come."""

    number: int
    joins_on: int
    eagerness: float
    who: acts.Somebody | None = None


@dataclass
class Month:
    """A crowd of `users` in the days up to `now`. `account_of`: makes an account, and says its user id."""

    new_services: NewServices
    account_of: Callable[[int], tuple[str, str]]  # number → user id, email
    now: int
    users: int
    seed: str
    done: Counter[str] = field(default_factory=Counter)

    def live(self, told: Callable[[int, Counter[str]], None]) -> list[str]:
        """Live through it; `told` hears of each day that is over. The user ids of all."""
        rng = random.Random(self.seed)
        # More come every day.
        members = [Member(n, int(DAYS * rng.random() ** 0.5), rng.lognormvariate(-1.6, 0.9)) for n in range(self.users)]
        begin = self.now // DAY_SECONDS * DAY_SECONDS - (DAYS - 1) * DAY_SECONDS
        self._services: queue.SimpleQueue[Services] = queue.SimpleQueue()
        for _ in range(THREADS):
            self._services.put(self.new_services())
        with ThreadPoolExecutor(THREADS) as threads:
            for day in range(DAYS):
                midnight = begin + day * DAY_SECONDS
                about = [one for one in members if one.joins_on <= day]
                for counted in threads.map(lambda one, at=midnight, n=day: self._day(one, n, at), about):
                    self.done.update(counted)
                with self._one() as services:
                    services.swept(min(midnight + DAY_SECONDS, self.now))
                told(day + 1, self.done)
        with self._one() as services:
            self._begin_to_listen(services, [one.who for one in members if one.who][-LISTENING_NOW:])
        return [one.who.caller.user_id for one in members if one.who]

    def _day(self, one: Member, day: int, midnight: int) -> Counter[str]:
        rng, counted = random.Random(f"{self.seed}/{one.number}/{day}"), Counter[str]()
        latest = min(midnight + DAY_SECONDS, self.now) - LATEST_SECONDS
        at = midnight + int(min(max(rng.gauss(15, 4), 0), 21) * 3600)
        if one.who is None and at < latest:
            counted["joined"] += 1
            with self._one() as services:
                services.clock.at = at
                one.who = self._joined(services, one.number)
            at += 60
        is_weekend = (midnight // DAY_SECONDS + 3) % 7 >= 5  # day 0 was a Thursday
        likely = min(0.7, one.eagerness * (WEEKEND if is_weekend else 1))
        if one.who is None or at >= latest or not (one.joins_on == day or rng.random() < likely):
            return counted
        with self._one() as services:
            for act in self._wishes(one.who, rng, services):
                services.clock.at = at
                counted[act.__name__ if acts.done(act, services, one.who, rng) else "in vain"] += 1
                at = services.clock.at + rng.randrange(60, 900)
                if at >= latest:
                    break
        return counted

    def _wishes(self, who: acts.Somebody, rng: random.Random, services: Services) -> Iterator[acts.Act]:
        kinds, weights = [act for act, _ in MIX], [weight for _, weight in MIX]
        yield from rng.choices(kinds, weights, k=1 + (rng.random() < 0.3))
        if who.purchases and rng.random() < REFUNDED:
            yield acts.be_refunded
        if who.purchases and rng.random() < DISPUTED:
            yield acts.dispute
        if who.disputed and rng.random() < DECIDED:
            yield acts.have_the_dispute_decided
        if services.ledger.balance(who.caller.user_id).available < BUYS_BELOW and rng.random() < BUYS:
            yield acts.buy

    def _joined(self, services: Services, number: int) -> acts.Somebody:
        user_id, email = self.account_of(number)
        services.free_credits.open_account(user_id, email, "", f"made-up network {number}")
        return acts.Somebody(Caller(user_id, services.clock.at, email))

    def _begin_to_listen(self, services: Services, people: list[acts.Somebody]) -> None:
        """A few are listening at this moment."""
        for number, who in enumerate(people):
            services.clock.at = self.now - 10 * number
            if services.ledger.balance(who.caller.user_id).available >= BUYS_BELOW:
                services.streaming.start(who.caller, contract.Start(), new_id(), "hash")

    @contextmanager
    def _one(self) -> Iterator[Services]:
        """Services with a clock of their own, for as long as one person needs them."""
        services = self._services.get()
        try:
            yield services
        finally:
            self._services.put(services)
