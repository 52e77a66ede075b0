"""User administration on the tables of a backend, with a user pool in memory."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from chalicelib import contract
from chalicelib.admin.user_list import UserList
from chalicelib.admin.users import UserAdministration
from chalicelib.ids import ulid
from chalicelib.models.accounts import Account, Caller
from chalicelib.repositories.admin_actions import recent_actions
from tests.fakes import CURSORS, Backend

Values = dict[str, Any]


@dataclass
class FakeDirectory:
    """Accounts in a list, in pages of `limit`."""

    all_accounts: list[Account] = field(default_factory=list)

    def accounts(self, email: str, user_id: str, limit: int, after: str) -> tuple[list[Account], str]:
        found = [
            account
            for account in self.all_accounts
            if account.email.startswith(email) and user_id in ("", account.user_id)
        ]
        first = int(after or 0)
        return found[first : first + limit], str(first + limit) if len(found) > first + limit else ""


@dataclass(frozen=True)
class AdminEnv:
    """An administrator, `owner`, and a user, `ada`."""

    backend: Backend
    directory: FakeDirectory
    owner: Caller
    ada: Caller

    @classmethod
    def on(cls, backend: Backend) -> "AdminEnv":
        owner = replace(backend.person(0), groups=("admins",), email="owner@example.com")
        return cls(backend, FakeDirectory(), owner, backend.person(200))

    @property
    def admin(self) -> UserAdministration:
        clock = self.backend.clock
        return UserAdministration(self.backend.ledger, self.backend.tables, clock, lambda: ulid(clock() * 1000))

    @property
    def user_list(self) -> UserList:
        return UserList(self.backend.ledger, self.backend.tables, self.directory, CURSORS)

    def adjust_credits(
        self,
        credits: int,
        action_id: str | None = None,
        reason: str = "A gift.",
        body_hash: str = "h",
        user_id: str = "",
    ) -> contract.CreditsGiven:
        """To ada, unless another `user_id` is given."""
        body = contract.GiveCredits(user_id=user_id or self.ada.user_id, credits=credits, reason=reason)
        return self.admin.adjust_credits(self.owner, body, action_id or str(uuid.uuid4()), body_hash)

    def actions(self) -> list[tuple[str, Values, Values]]:
        """Name, values before and values after of the actions on ada, newest first."""
        actions = recent_actions(self.backend.tables, 10_000)
        on_ada = [action for action in actions if action.user_id == self.ada.user_id]
        return [(action.action, dict(action.before), dict(action.after)) for action in on_ada]

    def available(self) -> int:
        self.backend.check_books(self.ada.user_id)
        return self.backend.ledger.balance(self.ada.user_id).available
