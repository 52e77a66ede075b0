"""Thirty days of simulated users: when they register, when they are active, what they do, all from one seed."""

import queue
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from chalicelib import contract
from chalicelib.dates import DAY_SECONDS
from chalicelib.models.accounts import Caller
from scripts.crowd import actions
from scripts.crowd.services import NewServices, Services, new_id

DAYS = 30
THREADS = 4
LONGEST_ACTION_SECONDS = 7_200  # No action starts later than this before now, so every action has ended by then.
WEEKEND = 0.6
MIX = ((actions.listen, 55), (actions.catch_up, 18), (actions.ask, 20), (actions.relay, 7))
BUYS_BELOW, BUYS = 80, 0.3
REFUNDED, DISPUTED, DECIDED = 0.01, 0.004, 0.2  # per day, of the users with a purchase
LISTENING_NOW = 5


@dataclass
class Member:
    """A user to be: the day of registration and how active they are."""

    number: int
    registers_on: int
    activity: float
    user: actions.CrowdUser | None = None


@dataclass
class Month:
    """The activity of `users` in the days up to `now`. `create_account` returns the user id and the email address."""

    new_services: NewServices
    create_account: Callable[[int], tuple[str, str]]  # number → user id, email
    now: int
    users: int
    seed: str
    done: Counter[str] = field(default_factory=Counter)

    def simulate(self, report_day: Callable[[int, Counter[str]], None]) -> list[str]:
        """Simulate the month; returns all user ids. `report_day` is called after each day."""
        rng = random.Random(self.seed)
        # More users register every day.
        members = [Member(n, int(DAYS * rng.random() ** 0.5), rng.lognormvariate(-1.6, 0.9)) for n in range(self.users)]
        begin = self.now // DAY_SECONDS * DAY_SECONDS - (DAYS - 1) * DAY_SECONDS
        self._services: queue.SimpleQueue[Services] = queue.SimpleQueue()
        for _ in range(THREADS):
            self._services.put(self.new_services())
        with ThreadPoolExecutor(THREADS) as threads:
            for day in range(DAYS):
                midnight = begin + day * DAY_SECONDS
                registered = [member for member in members if member.registers_on <= day]
                for counted in threads.map(
                    lambda member, at=midnight, n=day: self._simulate_day(member, n, at), registered
                ):
                    self.done.update(counted)
                with self._borrow_services() as services:
                    services.sweep(min(midnight + DAY_SECONDS, self.now))
                report_day(day + 1, self.done)
        users = [member.user for member in members if member.user]
        with self._borrow_services() as services:
            self._start_sessions(services, users[-LISTENING_NOW:])
        return [user.caller.user_id for user in users]

    def _simulate_day(self, member: Member, day: int, midnight: int) -> Counter[str]:
        rng, counted = random.Random(f"{self.seed}/{member.number}/{day}"), Counter[str]()
        latest = min(midnight + DAY_SECONDS, self.now) - LONGEST_ACTION_SECONDS
        at = midnight + int(min(max(rng.gauss(15, 4), 0), 21) * 3600)
        if member.user is None and at < latest:
            counted["registered"] += 1
            with self._borrow_services() as services:
                services.clock.at = at
                member.user = self._register(services, member.number)
            at += 60
        is_weekend = (midnight // DAY_SECONDS + 3) % 7 >= 5  # day 0 was a Thursday
        probability = min(0.7, member.activity * (WEEKEND if is_weekend else 1))
        if member.user is None or at >= latest or not (member.registers_on == day or rng.random() < probability):
            return counted
        with self._borrow_services() as services:
            for action in self._choose_actions(member.user, rng, services):
                services.clock.at = at
                is_done = actions.try_action(action, services, member.user, rng)
                counted[action.__name__ if is_done else "not_possible"] += 1
                at = services.clock.at + rng.randrange(60, 900)
                if at >= latest:
                    break
        return counted

    def _choose_actions(
        self, user: actions.CrowdUser, rng: random.Random, services: Services
    ) -> Iterator[actions.Action]:
        kinds, weights = [action for action, _ in MIX], [weight for _, weight in MIX]
        yield from rng.choices(kinds, weights, k=1 + (rng.random() < 0.3))
        if user.purchases and rng.random() < REFUNDED:
            yield actions.receive_refund
        if user.purchases and rng.random() < DISPUTED:
            yield actions.open_dispute
        if user.disputed and rng.random() < DECIDED:
            yield actions.decide_dispute
        if services.ledger.balance(user.caller.user_id).available < BUYS_BELOW and rng.random() < BUYS:
            yield actions.buy

    def _register(self, services: Services, number: int) -> actions.CrowdUser:
        user_id, email = self.create_account(number)
        services.free_credits.open_account(user_id, email, "", f"simulated network {number}")
        return actions.CrowdUser(Caller(user_id, services.clock.at, email))

    def _start_sessions(self, services: Services, users: list[actions.CrowdUser]) -> None:
        """Leave a few sessions open."""
        for number, user in enumerate(users):
            services.clock.at = self.now - 10 * number
            if services.ledger.balance(user.caller.user_id).available >= BUYS_BELOW:
                services.streaming.start(user.caller, contract.Start(), new_id(), "hash")

    @contextmanager
    def _borrow_services(self) -> Iterator[Services]:
        """Use cases with a clock of their own, for the actions of one user."""
        services = self._services.get()
        try:
            yield services
        finally:
            self._services.put(services)
