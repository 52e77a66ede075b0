"""Administration over HTTP."""

import pytest

from scripts.local.aws import client as aws_client
from scripts.local.stack import LocalStack
from tests.fakes import Backend
from tests.http.http_client import Api, Person, check_error, new_email

GIFT = {"credits": 50, "reason": "A gift."}


def test_credits_are_granted_once_per_key_and_explained_to_the_user(
    owner: Person, person: Person, books: Backend
) -> None:
    request = {"json": {"user_id": person.user_id, **GIFT}, "headers": {"Idempotency-Key": f"gift {person.user_id}"}}

    first, again = (owner.post("/admin/credits", **request) for _ in range(2))

    assert (first.status_code, first.json()["available"]) == (200, 250)
    assert first.json() == again.json()
    check_error(owner.post("/admin/credits", **request | {"json": {**request["json"], "credits": 51}}), 409,
                "idempotency_mismatch")  # fmt: skip
    assert person.balance() == (250, 0)
    books.check_books(person.user_id)
    statement = person.get("/credits/transactions")
    (gift,) = [entry for entry in statement.json()["transactions"] if entry["kind"] == "admin_grant"]
    assert (gift["credits"], gift["explanation"]) == (50, "A gift.")
    assert owner.user_id not in statement.text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"credits": 0}, "credits"),
        ({"credits": 1_000_001}, "credits"),
        ({"credits": 1.5}, "credits"),
        ({"reason": ""}, "reason"),
        ({"reason": "two\nlines"}, "reason"),
        ({"user_id": "../x"}, "user_id"),
        ({"more": 1}, "more"),
    ],
)
def test_an_invalid_change_of_credits_is_refused(
    owner: Person, signed_in_user: Person, change: dict[str, object], field: str
) -> None:
    response = owner.post("/admin/credits", json={"user_id": signed_in_user.user_id, **GIFT} | change)

    assert check_error(response, 400, "invalid_request")["field"] == field
    assert signed_in_user.balance() == (200, 0)


def test_a_blocked_user_is_refused_at_once_until_unblocked(owner: Person, person: Person) -> None:
    session_id = person.start()
    path = f"/admin/users/{person.user_id}"

    for _ in range(2):
        response = owner.post(f"{path}/block", json={"reason": "Abuse."})
        assert response.json() == {"user_id": person.user_id, "is_blocked": True}

    check_error(person.stream(action="save", session_id=session_id, segments=[]), 403, "account_blocked")
    check_error(person.api.post("/auth/refresh", json={"refresh_token": person.refresh_token}), 403, "account_blocked")
    assert owner.get("/admin/users", params={"user_id": person.user_id}).json()["users"][0]["is_blocked"] is True
    assert owner.post(f"{path}/unblock", json={"reason": "A mistake."}).json()["is_blocked"] is False
    assert person.stream(action="save", session_id=session_id, segments=[]).status_code == 200
    person.stop(session_id)


def test_a_removed_administrator_is_refused_though_the_token_names_the_group(
    api: Api, stack: LocalStack, person: Person
) -> None:
    cognito = aws_client("cognito-idp", stack.dev["aws_endpoint_url"])
    member = {"UserPoolId": stack.settings["COGNITO_USER_POOL_ID"], "Username": person.email, "GroupName": "admins"}
    cognito.admin_add_user_to_group(**member)
    token = api.login(person.email).json()["token"]
    assert api.get("/auth/user", token).json()["groups"] == ["admins"]

    cognito.admin_remove_user_from_group(**member)

    for path in ("/admin/users", "/admin/audit", "/analytics/costs"):
        check_error(api.get(path, token), 403, "forbidden")
    check_error(api.post("/admin/credits", token, json={"user_id": person.user_id, **GIFT}), 403, "forbidden")
    cognito.close()


def test_an_unknown_user_is_404(owner: Person) -> None:
    check_error(owner.post("/admin/users/5a1de7d4/block", json={"reason": "why"}), 404, "not_found")
    check_error(owner.post("/admin/users/5a1de7d4/unblock", json={"reason": "why"}), 404, "not_found")
    check_error(owner.post("/admin/credits", json={"user_id": "5a1de7d4", **GIFT}), 404, "not_found")
    assert owner.get("/admin/users", params={"user_id": "5a1de7d4"}).json() == {"users": [], "next_cursor": None}


def test_users_are_found_by_the_start_of_their_email_address(owner: Person) -> None:
    prefix = new_email().split("@")[0] + "x"
    persons = [Person.register(owner.api, f"{prefix}{letter}@canary.example", name="Ada") for letter in "abc"]

    first = owner.get("/admin/users", params={"email": prefix.upper(), "limit": 2}).json()
    second = owner.get("/admin/users", params={"email": prefix, "limit": 2, "cursor": first["next_cursor"]}).json()

    found = first["users"] + second["users"]
    assert {user["user_id"] for user in found} == {person.user_id for person in persons}
    assert second["next_cursor"] is None
    assert {(user["name"], user["available"], user["is_confirmed"], user["is_blocked"]) for user in found} == {
        ("Ada", 200, True, False)
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"email": 'a"b'}, "email"),
        ({"email": "a\\"}, "email"),
        ({"limit": 61}, "limit"),
        ({"cursor": "AAAA"}, "cursor"),
    ],
)
def test_an_invalid_search_is_refused(owner: Person, query: dict[str, object], field: str) -> None:
    assert check_error(owner.get("/admin/users", params=query), 400, "invalid_request")["field"] == field
