"""The standing of accounts: signed out, blocked, closed or erased. It is kept in the item of the balance.

So one condition on that item decides both whether an account may hold credits and whether it has them.
"""

from collections.abc import Sequence

from ..errors import AccountBlockedError, NotFoundError, SignedOutError, UnauthenticatedError
from ..models.accounts import Caller
from ..models.ledger import Balance
from .conditions import Attr, Condition
from .ledger_items import balance_key, balance_of
from .table import Tables, Write
from .table_errors import WriteRefusedError, raise_invariant_violation

DELETED = "This account was deleted. Register again to use the service."


class AccountStanding:
    """Changes the standing of accounts; `Ledger` adds their credits."""

    def __init__(self, tables: Tables):
        self._tables = tables

    def sign_out(self, user_id: str, before_at: int) -> None:
        """From now on refuse tokens of sign-ins before `before_at`, which never moves back."""
        is_later = Attr("signed_out_at").not_exists() | Attr("signed_out_at").lt(before_at)
        write = Write(balance_key(user_id), put_in={"signed_out_at": before_at}, add={"version": 1}, when=is_later)
        try:
            self._tables.write(write)
        except WriteRefusedError:
            return  # A later sign-out is in effect.

    def set_blocked(self, user_id: str, blocked: bool, extra_writes: Sequence[Write] = ()) -> bool:
        """Block or unblock the account; False, changing nothing, where it already is so.

        Raises NotFoundError or ExtraWriteRefusedError.
        """
        is_blocked = Attr("blocked").eq(True)
        when = Attr("pk").exists() & (~is_blocked if blocked else is_blocked) & is_not_deleted()
        write = Write(balance_key(user_id), put_in={"blocked": blocked}, add={"version": 1}, when=when)
        try:
            self._tables.transact_with_extra([write], extra_writes)
        except WriteRefusedError as error:
            if not error.refused[0] or balance_of(error.refused[0]).deleted:
                raise NotFoundError("There is no such user.") from error
            return False
        return True

    def close(self, caller: Caller, *, at: int, extra_writes: Sequence[Write] = ()) -> None:
        """Refuse the account permanently; its items are kept for now.

        Raises AccountBlockedError, UnauthenticatedError (also where it was closed before) or ExtraWriteRefusedError.
        """
        write = Write(
            balance_key(caller.user_id),
            put_in={"deleted": True, "deleted_at": at},
            add={"available": 0, "held": 0, "version": 1},
            when=is_in_good_standing(caller),
        )
        try:
            self._tables.transact_with_extra([write], extra_writes)
        except WriteRefusedError as error:
            check_standing(caller, balance_of(error.refused[0]))
            raise_invariant_violation(error)

    def mark_erased(self, user_id: str, *, at: int, extra_writes: Sequence[Write] = ()) -> None:
        """Record that only the ledger is left of a closed account. Raises ExtraWriteRefusedError."""
        write = Write(balance_key(user_id), put_in={"erased_at": at}, add={"version": 1}, when=Attr("deleted").eq(True))
        self._tables.transact_with_extra([write], extra_writes)


def is_in_good_standing(caller: Caller) -> Condition:
    """The condition of every hold: the account is neither blocked nor deleted, and the token is not signed out."""
    is_signed_in = Attr("signed_out_at").not_exists() | Attr("signed_out_at").lte(caller.auth_time_at)
    return (Attr("blocked").not_exists() | Attr("blocked").eq(False)) & is_not_deleted() & is_signed_in


def is_not_deleted() -> Condition:
    return Attr("deleted").not_exists() | Attr("deleted").eq(False)


def check_standing(caller: Caller, balance: Balance) -> None:
    """Raises UnauthenticatedError, SignedOutError or AccountBlockedError; see `is_in_good_standing`."""
    if balance.deleted:
        raise UnauthenticatedError(DELETED, "signed_out")
    if caller.auth_time_at < balance.signed_out_at:
        raise SignedOutError("This sign-in has ended. Sign in again.")
    if balance.blocked:
        raise AccountBlockedError("This account is blocked. Contact support.")
