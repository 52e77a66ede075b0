"""The list of accounts and their credits: filtered, page by page, and as a file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .. import contract
from ..csv import CSV_CONTENT_TYPE, csv_text
from ..cursors import Cursors
from ..dates import rfc3339
from ..models.accounts import Account, Caller
from ..models.downloads import Download
from ..models.ledger import Balance
from ..repositories.ledger import Ledger
from ..repositories.ledger_items import balance_key, balance_of
from ..repositories.table import Tables

USERS_CURSOR = "USERS#"
MAX_PAGES = 5  # of the user pool, for one call with a filter, or for one part of a file
CSV_PAGE_SIZE = 60
CSV_COLUMNS = (
    "user_id", "email", "name", "created_at", "is_confirmed", "is_blocked", "available", "held", "lifetime_granted",
    "lifetime_purchased", "lifetime_used",
)  # fmt: skip
FILTERS: dict[str | None, Callable[[contract.AdminUser], bool]] = {
    None: lambda _: True,
    "blocked": lambda user: user.is_blocked,
    "below_zero": lambda user: user.available < 0,
    "never_paid": lambda user: user.lifetime_purchased == 0,
}


class Directory(Protocol):
    """The accounts of the user pool. Raises UnavailableError, InvalidRequestError."""

    def accounts(self, email: str, user_id: str, limit: int, after: str) -> tuple[list[Account], str]: ...


@dataclass(frozen=True)
class UserList:
    """Accounts in the order of the user pool, which has no other."""

    ledger: Ledger
    tables: Tables
    directory: Directory
    cursors: Cursors

    def users(self, admin: Caller, query: contract.UsersQuery) -> contract.AdminUsers:
        """A page of accounts and their credits: all, those whose email address starts with `email`, or one by id.

        With a filter, at most five pages of the user pool are read until one has a match: a page may be short or empty.
        """
        after = self._begin(admin, query)
        for _ in range(MAX_PAGES):
            users, after = self._page(query, query.limit, after)
            if users or not after:
                break
        return contract.AdminUsers(users=users, next_cursor=self._cursor(admin, query, after))

    def csv(self, admin: Caller, query: contract.UsersQuery) -> Download:
        """The same as a file, in parts of at most 300 accounts."""
        after, rows = self._begin(admin, query), list[contract.AdminUser]()
        for _ in range(MAX_PAGES):
            users, after = self._page(query, CSV_PAGE_SIZE, after)
            rows += users
            if not after:
                break
        content = csv_text(CSV_COLUMNS, [[getattr(user, column) for column in CSV_COLUMNS] for user in rows])
        return Download(content, CSV_CONTENT_TYPE, "users.csv", self._cursor(admin, query, after))

    def _begin(self, admin: Caller, query: contract.UsersQuery) -> str:
        """Where the page starts. Raises InvalidRequestError for a cursor of another list."""
        after = self.cursors.decode(USERS_CURSOR, query.cursor, *_scope(admin, query))
        self.ledger.admit(admin)
        return (after or "").removeprefix(USERS_CURSOR)

    def _cursor(self, admin: Caller, query: contract.UsersQuery, after: str) -> str | None:
        return self.cursors.encode(USERS_CURSOR, after, *_scope(admin, query)) if after else None

    def _page(self, query: contract.UsersQuery, limit: int, after: str) -> tuple[list[contract.AdminUser], str]:
        """Those of the next `limit` accounts that pass the filter, and where the next page starts; empty at the end."""
        accounts, following = self.directory.accounts(_email(query), query.user_id or "", limit, after)
        users = self._with_credits(accounts)
        return [user for user in users if FILTERS[query.only](user)], following

    def _with_credits(self, accounts: Sequence[Account]) -> list[contract.AdminUser]:
        balances = self.tables.get_many([balance_key(account.user_id) for account in accounts]) if accounts else []
        return [user_item(account, balance_of(item)) for account, item in zip(accounts, balances, strict=True)]


def _email(query: contract.UsersQuery) -> str:
    return (query.email or "").strip().lower()


def _scope(admin: Caller, query: contract.UsersQuery) -> tuple[str, ...]:
    """What a cursor belongs to. Without a filter it is as in earlier releases."""
    return (admin.user_id, _email(query), query.user_id or "", *([query.only] if query.only else []))


def user_item(account: Account, balance: Balance) -> contract.AdminUser:
    return contract.AdminUser(
        user_id=account.user_id,
        email=account.email,
        created_at=rfc3339(account.created_at),
        is_confirmed=account.is_confirmed,
        is_blocked=balance.blocked,
        available=balance.available,
        held=balance.held,
        lifetime_granted=balance.granted,
        lifetime_purchased=balance.purchased,
        lifetime_used=balance.used,
        name=account.name,
    )
