"""The list of users: pages, filters whose reads are bounded, and the file."""

import csv
import io

import pytest
from msgspec.structs import replace

from chalicelib import contract
from chalicelib.admin.user_list import MAX_PAGES
from chalicelib.errors import InvalidRequestError
from chalicelib.models.accounts import Account
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import Write
from tests.admin.admin_env import AdminEnv


def test_users_are_listed_with_their_credits_page_by_page(admin_env: AdminEnv) -> None:
    people = [admin_env.backend.person(number) for number in range(5)]
    admin_env.directory.all_accounts = [
        Account(caller.user_id, f"person{number}@example.com", "", 1_795_400_000, True)
        for number, caller in enumerate(people)
    ]
    admin_env.directory.all_accounts.append(Account("no-balance-yet", "new@example.com", "New", 1_795_400_000, False))

    def page(**query: object) -> contract.AdminUsers:
        return admin_env.user_list.users(admin_env.owner, contract.UsersQuery(**query))  # type: ignore[arg-type]

    first = page(email="Person", limit=3)
    second = page(email="Person", limit=3, cursor=first.next_cursor)

    assert [user.available for user in first.users + second.users] == [0, 1, 2, 3, 4]
    assert second.next_cursor is None
    assert [user.email for user in page(user_id=people[2].user_id).users] == ["person2@example.com"]
    (new,) = page(email="new").users
    assert (new.available, new.is_confirmed, new.created_at) == (0, False, "2026-11-23T02:13:20Z")
    assert page(email="nobody").users == []
    with pytest.raises(InvalidRequestError):
        page(email="other", cursor=first.next_cursor)


def with_accounts(admin_env: AdminEnv, count: int, name: str = "") -> list[str]:
    """Ids of as many people, named by their number, with one credit each."""
    people = [admin_env.backend.person(1).user_id for _ in range(count)]
    admin_env.directory.all_accounts = [
        Account(user_id, f"person{number:03d}@example.com", name, 1_795_400_000, True)
        for number, user_id in enumerate(people)
    ]
    return people


def test_a_filter_finds_those_it_names_and_no_others(admin_env: AdminEnv) -> None:
    blocked, in_debt, buyer, _ = people = with_accounts(admin_env, 4)
    admin_env.admin.set_blocked(admin_env.owner, blocked, True, "Abuse.")
    admin_env.adjust_credits(-5, user_id=in_debt)
    admin_env.backend.tables.write(Write(balance_key(buyer), add={"purchased": 500}))

    def find_ids(only: str) -> list[str]:
        query = contract.UsersQuery(only=only)  # type: ignore[arg-type]
        return [user.user_id for user in admin_env.user_list.users(admin_env.owner, query).users]

    assert find_ids("blocked") == [blocked]
    assert find_ids("below_zero") == [in_debt]
    assert find_ids("never_paid") == [user_id for user_id in people if user_id != buyer]


def test_a_filtered_page_reads_few_pages_and_its_cursor_goes_on(admin_env: AdminEnv) -> None:
    people = with_accounts(admin_env, 2 * MAX_PAGES + 1)
    admin_env.admin.set_blocked(admin_env.owner, people[-1], True, "Abuse.")
    query = contract.UsersQuery(only="blocked", limit=1)

    first = admin_env.user_list.users(admin_env.owner, query)
    second = admin_env.user_list.users(admin_env.owner, replace(query, cursor=first.next_cursor))
    third = admin_env.user_list.users(admin_env.owner, replace(query, cursor=second.next_cursor))

    assert (first.users, second.users) == ([], [])
    assert [user.user_id for user in third.users] == [people[-1]]
    assert third.next_cursor is None
    with pytest.raises(InvalidRequestError):
        admin_env.user_list.users(admin_env.owner, contract.UsersQuery(only="never_paid", cursor=first.next_cursor))


def test_the_file_has_every_account_once_and_no_formula(admin_env: AdminEnv) -> None:
    people = with_accounts(admin_env, 60 * MAX_PAGES + 1, "=1+1")
    first = admin_env.user_list.csv(admin_env.owner, contract.UsersQuery(format="csv"))
    assert first.next_cursor
    second = admin_env.user_list.csv(admin_env.owner, contract.UsersQuery(format="csv", cursor=first.next_cursor))

    rows = [
        row for part in (first, second) for row in csv.DictReader(io.StringIO(str(part.content).removeprefix("\ufeff")))
    ]

    assert second.next_cursor is None
    assert [row["user_id"] for row in rows] == people
    assert {row["name"] for row in rows} == {"'=1+1"}
    assert {row["available"] for row in rows} == {"1"}
