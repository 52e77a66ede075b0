"""Cognito in memory: sign-ins, passwords, and tokens that name their user."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.errors import (
    EmailTakenError,
    InvalidCredentialsError,
    UnauthenticatedError,
    UnavailableError,
)
from chalicelib.models.accounts import Account, Caller
from chalicelib.providers.cognito import Person, SignIn

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

CALL_MS = 20  # one way; so fast that people who sign up at the same moment meet in the ledger


@dataclass
class User:
    """A sign-in of the user pool."""

    user_id: str
    email: str
    name: str
    created_at: int
    temporary_password: str
    password: str = ""  # until the sign-up is finished
    tokens: int = 0


@dataclass
class UserPool:
    """Cognito, and the verifier of its tokens: a token names its user and the second of the sign-in."""

    simulation: "Simulation"
    users: dict[str, User] = field(default_factory=dict)  # by email address
    by_id: dict[str, User] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)  # by user id, of deleted users too
    refresh_tokens: dict[str, tuple[str, int]] = field(default_factory=dict)

    def _call(self, name: str, effect: Callable[[], Any]) -> Any:
        return self.simulation.call_provider(
            name, effect, outage=lambda: UnavailableError("The sign-in service failed."), usual_ms=CALL_MS
        )

    def create_user(self, email: str, name: str, temporary_password: str) -> str:
        def effect() -> str:
            if email in self.users:
                raise EmailTakenError("An account with this email address exists. Sign in.")
            user = User(self.simulation.new_id(), email, name, self.simulation.now, temporary_password)
            self.users[email] = self.by_id[user.user_id] = user
            self.emails[user.user_id] = email
            if process := self.simulation.scheduler.current:
                process.account = user.user_id
            return user.user_id

        return str(self._call("create_user", effect))

    def set_password(self, user_id: str, password: str) -> None:
        def effect() -> None:
            if user_id not in self.by_id:
                raise InvalidCredentialsError("The email address or the password is wrong.")
            self.by_id[user_id].password = password

        self._call("set_password", effect)

    def sign_in(self, email: str, password: str) -> SignIn:
        def effect() -> SignIn:
            user = self._user(email)
            if not user.password or user.password != password:
                raise InvalidCredentialsError("The email address or the password is wrong.")
            return self._tokens(user, self.simulation.now)

        signed_in: SignIn = self._call("sign_in", effect)
        return signed_in

    def is_temporary_password(self, email: str, password: str) -> bool:
        def effect() -> bool:
            user = self.users.get(email)
            return user is not None and not user.password and user.temporary_password == password

        return bool(self._call("sign_in", effect))

    def groups(self, user_id: str) -> list[str]:
        groups: list[str] = self._call("groups", list)
        return groups

    def refresh(self, refresh_token: str) -> SignIn:
        def effect() -> SignIn:
            if refresh_token not in self.refresh_tokens:
                raise InvalidCredentialsError("This refresh token was revoked or has expired. Sign in again.")
            user_id, auth_time_at = self.refresh_tokens[refresh_token]
            return self._tokens(self.by_id[user_id], auth_time_at)

        refreshed: SignIn = self._call("refresh", effect)
        return refreshed

    def person(self, email: str) -> Person:
        def effect() -> Person:
            user = self._user(email)
            return Person(user.user_id, user.email, user.name, has_password=bool(user.password))

        person: Person = self._call("person", effect)
        return person

    def rename(self, user_id: str, name: str) -> None:
        def effect() -> None:
            if user_id not in self.by_id:
                raise UnauthenticatedError("This account was deleted.", "signed_out")
            self.by_id[user_id].name = name

        self._call("rename", effect)

    def delete(self, user_id: str) -> None:
        def effect() -> None:
            if user := self.by_id.pop(user_id, None):
                del self.users[user.email]
            self._revoke(user_id)

        self._call("delete", effect)

    def sign_out_everywhere(self, user_id: str) -> None:
        self._call("sign_out", lambda: self._revoke(user_id))

    def accounts(self, email: str, user_id: str, limit: int, after: str) -> tuple[list[Account], str]:
        def effect() -> tuple[list[Account], str]:
            found = [
                Account(user.user_id, user.email, user.name, user.created_at, bool(user.password))
                for user in self.users.values()
                if user.email.startswith(email) and user_id in ("", user.user_id)
            ]
            first = int(after or 0)
            return found[first : first + limit], str(first + limit) if len(found) > first + limit else ""

        page: tuple[list[Account], str] = self._call("accounts", effect)
        return page

    def caller(self, token: str) -> Caller:
        """The caller whom a token identifies, as the verifier of ID tokens has it."""
        if token not in self.callers:
            raise UnauthenticatedError("The token is not valid.", "malformed")
        return self.callers[token]

    def _user(self, email: str) -> User:
        if email not in self.users:
            raise InvalidCredentialsError("The email address or the password is wrong.")
        return self.users[email]

    def _revoke(self, user_id: str) -> None:
        for token in [token for token, (owner, _) in self.refresh_tokens.items() if owner == user_id]:
            del self.refresh_tokens[token]

    def _tokens(self, user: User, auth_time_at: int) -> SignIn:
        user.tokens += 1
        token = f"id-token-{user.user_id}-{user.tokens}"
        groups = ("admins",) if user.email.startswith("owner@") else ()
        self.callers[token] = Caller(user.user_id, auth_time_at, user.email, groups, user.name, is_email_verified=True)
        self.refresh_tokens[f"refresh-{token}"] = (user.user_id, auth_time_at)
        return SignIn(token, f"access-{token}", f"refresh-{token}", 3_600)
