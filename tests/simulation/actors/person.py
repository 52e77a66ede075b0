"""What everybody who uses the service has: an account, tokens, and the patience to retry."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from chalicelib import contract
from chalicelib.errors import AppError, EmailTakenError, ProviderError
from chalicelib.ids import id_for_key
from chalicelib.models.accounts import Caller
from tests.simulation.application import Application
from tests.simulation.core import Simulation
from tests.simulation.faults import HOUR_MS
from tests.simulation.outcomes import NoAnswerError
from tests.simulation.scheduler import ViolationError

PASSWORD = "canary horse battery"
TRIES = 6
LONG_OFFLINE_MS = 26 * HOUR_MS  # longer than anything waits for a retry
T = TypeVar("T")


class GaveUpError(Exception):
    """The person got no answer after several tries and does something else."""


@dataclass
class Person:
    """Someone with an account. `network`: where registrations come from. `has_left`: the account is deleted.

    `is_leaving`: it may be, because that was requested.
    """

    simulation: Simulation
    email: str
    network: str
    caller: Caller | None = None
    counter: int = field(default=0)
    has_left: bool = False
    is_leaving: bool = False

    @property
    def me(self) -> Caller:
        assert self.caller is not None
        return self.caller

    @property
    def user_id(self) -> str:
        return self.caller.user_id if self.caller else ""

    # Requests

    def ask(self, operation: str, run: Callable[[Application], T], *, subject: str = "", account: str = "") -> T:
        """The answer of a use case; retried as a client does. Raises AppError and GaveUpError.

        `subject`: the session, job or purchase. `account`: whose books are touched, if not the person's own.
        """
        if actor := self.simulation.scheduler.current:
            actor.account = account or self.user_id
        for attempt in range(TRIES):
            try:
                return self.simulation.call(operation, account or self.user_id, run, subject=subject)
            except NoAnswerError:
                pass
            except AppError as error:
                if not isinstance(error, ProviderError) and "retry_after_seconds" not in error.details:
                    raise
            rng = self.simulation.rng
            is_offline = rng.random() < 0.03
            self.simulation.think(rng.random() * (LONG_OFFLINE_MS if is_offline else 4_000 * 2**attempt))
        raise GaveUpError

    def key(self) -> str:
        """A new idempotency key."""
        self.counter += 1
        return f"key-{self.counter}"

    def id_for(self, route: str, key: str) -> str:
        """The id that the route derives from the key."""
        return id_for_key(self.user_id, route, key)

    def look_at_balance(self) -> None:
        """The balance that the person sees is the one that is booked, if nothing changed it meanwhile."""
        books = self.simulation.observer.books.accounts[self.user_id]
        before = books.balance
        try:
            user = self.ask("look at balance", lambda application: application.accounts.user(self.me))
        except (AppError, GaveUpError):
            return
        if before == books.balance and user.credits.available != books.available:
            raise ViolationError(f"{self.email} sees {user.credits}, booked are {before}")

    # Signing in

    def register(self) -> bool:
        """Register, or sign in where the account exists by now; whether that worked."""
        body = contract.Register(email=self.email, password=PASSWORD)
        self.simulation.networks[self.email] = self.network
        try:
            self.simulation.call("register", "", lambda application: application.accounts.register(body, self.network))
        except (EmailTakenError, NoAnswerError):
            pass
        except AppError as error:
            if "retry_after_seconds" not in error.details:
                raise
        return self.sign_in()

    def sign_in(self) -> bool:
        """Sign in; whether that worked."""
        body = contract.Login(email=self.email, password=PASSWORD)
        pool = self.simulation.providers.user_pool
        user = pool.users.get(self.email)
        try:
            signed_in = self.ask(
                "login",
                lambda application: application.accounts.login(body, self.network),
                account=user.user_id if user else "",
            )
        except (AppError, GaveUpError):
            return False
        self.caller = pool.callers[signed_in.token]
        return True


def body_hash(body: object) -> str:
    """The hash of a request's body, as http/parameters.py makes it."""
    return hashlib.sha256(msgspec.json.encode(body)).hexdigest()
