"""What the owner does for users and against them: credits given and taken, accounts blocked, and all written down.

Each act and its record are one transaction: nothing is done that is not told, and nothing told that was not done.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .. import contract
from ..cursors import Cursors
from ..dates import rfc3339
from ..errors import ConflictError, IdempotencyMismatchError, InvalidRequestError, NotFoundError, UnavailableError
from ..models.accounts import Account, Caller
from ..models.admin_actions import AdminAction
from ..models.ledger import Balance
from ..repositories.admin_actions import action_put, done, done_key, done_put
from ..repositories.ledger import BalanceChangedError, ExtraWriteRefusedError, Guard, Ledger
from ..repositories.ledger_items import balance_key, balance_of
from ..repositories.table import Tables

GIVEN, TAKEN = "admin_grant", "admin_clawback"
TRIES = 24
USERS_CURSOR = "USERS#"


class Directory(Protocol):
    """Who has an account. Raises UnavailableError, InvalidRequestError."""

    def accounts(self, email: str, user_id: str, limit: int, after: str) -> tuple[list[Account], str]: ...


@dataclass(frozen=True)
class UserAdministration:
    """What administrators may do. Every method refuses one who is blocked or signed out."""

    ledger: Ledger
    tables: Tables
    directory: Directory
    cursors: Cursors
    now: Callable[[], int]  # epoch seconds, UTC
    new_ulid: Callable[[], str]

    def give(self, admin: Caller, body: contract.GiveCredits, action_id: str, body_hash: str) -> contract.CreditsGiven:
        """Give credits, or take them back, also below zero. The same `action_id` again: the same answer.

        Raises InvalidRequestError, NotFoundError, IdempotencyMismatchError, ConflictError.
        """
        if body.credits == 0:
            raise InvalidRequestError("Nothing is neither given nor taken.", "credits")
        keys = [done_key(action_id), balance_key(body.user_id)]
        _, (known, account) = self.ledger.admit(admin, extra_keys=keys)
        is_new = True
        for _ in range(TRIES):
            if known:
                told, told_hash = done(known)
                if told_hash != body_hash:
                    raise IdempotencyMismatchError("This Idempotency-Key came before with another body.")
                return _given(told)
            if not is_new:
                raise ConflictError("This request was already done. See the user's transactions.", "already_done")
            if account is None or balance_of(account).deleted:
                raise NotFoundError("There is no such user.")
            try:
                if act := self._given(admin, body, action_id, body_hash, balance_of(account)):
                    return _given(act)
                is_new = False  # The same request came at this moment, or days ago.
            except (BalanceChangedError, ExtraWriteRefusedError):  # The user spent something, or bought.
                pass
            known, account = self.tables.get_many(keys)
        raise UnavailableError("The account is busy with other requests.")

    def _given(
        self, admin: Caller, body: contract.GiveCredits, action_id: str, body_hash: str, balance: Balance
    ) -> AdminAction | None:
        """What was done, if nobody did it before."""
        act = self._action(
            admin,
            body.user_id,
            "credits_given" if body.credits > 0 else "credits_taken",
            body.reason,
            before={"available": balance.available},
            after={"available": balance.available + body.credits},
        )
        is_first = self.ledger.grant(
            body.user_id,
            body.credits,
            GIVEN if body.credits > 0 else TAKEN,
            Guard.reference(body.user_id, "admin", action_id),
            at=self.now(),
            reason=body.reason,
            reference=action_id,
            of=balance,
            extra_writes=[action_put(act), done_put(action_id, act, body_hash)],
        )
        return act if is_first else None

    def set_blocked(self, admin: Caller, user_id: str, blocked: bool, reason: str) -> contract.BlockState:
        """Let the account do nothing from now on, or everything again; twice is once.

        Raises NotFoundError, InvalidRequestError for oneself.
        """
        self.ledger.admit(admin)
        if blocked and user_id == admin.user_id:
            raise InvalidRequestError("Nobody blocks themselves.", "user_id")
        word = "blocked" if blocked else "unblocked"
        act = self._action(admin, user_id, word, reason, before={"blocked": not blocked}, after={"blocked": blocked})
        self.ledger.set_blocked(user_id, blocked, extra_writes=[action_put(act)])
        return contract.BlockState(user_id=user_id, is_blocked=blocked)

    def users(self, admin: Caller, query: contract.UsersQuery) -> contract.AdminUsers:
        """Accounts and their credits, a page at a time: all, those whose address begins so, or the one."""
        email = (query.email or "").strip().lower()
        scope = (admin.user_id, email, query.user_id or "")
        after = self.cursors.decode(USERS_CURSOR, query.cursor, *scope)
        self.ledger.admit(admin)
        found, following = self.directory.accounts(
            email, query.user_id or "", query.limit, (after or "").removeprefix(USERS_CURSOR)
        )
        balances = self.tables.get_many([balance_key(one.user_id) for one in found]) if found else []
        cursor = self.cursors.encode(USERS_CURSOR, following, *scope) if following else None
        users = [_user(one, balance_of(item)) for one, item in zip(found, balances, strict=True)]
        return contract.AdminUsers(users=users, next_cursor=cursor)

    def _action(
        self,
        admin: Caller,
        user_id: str,
        what: str,
        reason: str,
        before: dict[str, int | bool],
        after: dict[str, int | bool],
    ) -> AdminAction:
        return AdminAction(self.new_ulid(), self.now(), admin.user_id, what, user_id, reason, before, after)


def _given(act: AdminAction) -> contract.CreditsGiven:
    available = act.after["available"]
    return contract.CreditsGiven(
        user_id=act.user_id, credits=available - act.before["available"], available=available, action_id=act.action_id
    )


def _user(one: Account, balance: Balance) -> contract.AdminUser:
    return contract.AdminUser(
        user_id=one.user_id,
        email=one.email,
        created_at=rfc3339(one.created_at),
        is_confirmed=one.is_confirmed,
        is_blocked=balance.blocked,
        available=balance.available,
        held=balance.held,
        lifetime_granted=balance.granted,
        lifetime_purchased=balance.purchased,
        lifetime_used=balance.used,
        name=one.name,
    )
