"""Accounts over HTTP: registration, confirmation, sign-in, sign-out, and free credits once per person."""

import re
from dataclasses import replace

import pytest
import requests

from chalicelib.repositories.profiles import profile_key
from scripts.local.stack import LocalStack
from tests.fakes import Backend
from tests.http.http_client import PASSWORD, Api, Person, check_error, new_email


def mailed_code(stack: LocalStack, email: str) -> str:
    """The code in the last email to this address; the emulator stores what it would have sent."""
    kept = requests.get(f"{stack.dev['aws_endpoint_url']}/_ministack/ses/messages", timeout=60).json()["messages"]
    texts = [mail["BodyText"] or mail["BodyHtml"] for mails in kept.values() for mail in mails if email in mail["To"]]
    return re.findall(r"\b\d{6}\b", texts[-1])[0]


def without_request_id(answer: requests.Response) -> dict[str, object]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


def test_registering_signs_in_and_gives_the_free_credits(api: Api, books: Backend) -> None:
    email = new_email()

    answer = api.register(email, name="Ada Lovelace")

    assert answer.status_code == 201
    body = answer.json()
    assert (body["free_credits"], body["confirmation_required"], body["token_type"]) == (200, False, "Bearer")
    user = api.get("/auth/user", body["token"]).json()
    assert user == body["user"]
    assert (user["email"], user["name"], user["credits"]) == (email, "Ada Lovelace", {"available": 200, "held": 0})
    books.check_invariants(user["user_id"])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("case@canary.example", "case+tag@canary.example"),
        ("tag+one@canary.example", "TAG+two@Canary.Example"),
        ("d.o.t.s@gmail.com", "dots+x@googlemail.com"),
    ],
)
def test_free_credits_come_once_per_person(api: Api, books: Backend, first: str, second: str) -> None:
    first_account, second_account = api.register(first).json(), api.register(second).json()

    assert (first_account["free_credits"], second_account["free_credits"]) == (200, 0)
    assert "free_credits_reason" not in first_account
    assert second_account["free_credits_reason"]
    assert second_account["user"]["credits"] == {"available": 0, "held": 0}
    for account in (first_account, second_account):
        books.check_invariants(account["user"]["user_id"])


def test_all_spellings_of_an_address_share_one_account(api: Api, signed_in_user: Person) -> None:
    for spelling in (
        signed_in_user.email,
        signed_in_user.email.upper(),
        f" {signed_in_user.email}\n",
        signed_in_user.email.replace("p", "\N{FULLWIDTH LATIN SMALL LETTER P}"),
    ):
        check_error(api.register(spelling), 409, "email_taken")
        assert api.login(spelling).json()["user"]["user_id"] == signed_in_user.user_id


@pytest.mark.parametrize("password", ["", "short", "nine char", "x" * 257, 1234567890, None])
def test_a_weak_password_is_400(api: Api, password: object) -> None:
    details = check_error(api.register(new_email(), password=password), 400, "invalid_request")

    assert details == {"field": "password"}


@pytest.mark.parametrize(
    "email",
    [
        "",
        "@",
        "ada",
        "ada@",
        "@b.c",
        "a@b@c.d",
        "a b@c.d",
        " a @b.cd",
        "a@\nb.cd",
        "a\x00@b.cd",
        "x" * 65 + "@b.cd",
        "a@" + "b" * 300,
    ],
)
def test_an_invalid_address_is_400(api: Api, email: str) -> None:
    check_error(api.register(email), 400, "invalid_request")
    check_error(api.login(email), 400, "invalid_request")


def test_a_wrong_password_and_an_unknown_address_look_the_same(api: Api, signed_in_user: Person) -> None:
    wrong, unknown = api.login(signed_in_user.email, PASSWORD + "!"), api.login("nobody@canary.example")

    check_error(wrong, 401, "invalid_credentials")
    assert without_request_id(wrong) == without_request_id(unknown)


def test_a_refresh_gives_tokens_that_work(person: Person) -> None:
    answer = person.api.post("/auth/refresh", json={"refresh_token": person.refresh_token})

    assert answer.status_code == 200
    assert person.api.get("/auth/user", answer.json()["token"]).json()["user_id"] == person.user_id


@pytest.mark.parametrize("refresh_token", ["garbage", "a.b.c", "é" * 100, "\x00", "x" * 8_192])
def test_an_invalid_refresh_token_is_401(api: Api, refresh_token: str) -> None:
    check_error(api.post("/auth/refresh", json={"refresh_token": refresh_token}), 401, "invalid_credentials")


def test_signing_out_ends_every_sign_in_and_a_new_one_works_at_once(person: Person) -> None:
    elsewhere = person.api.login(person.email).json()
    refreshed = person.api.post("/auth/refresh", json={"refresh_token": person.refresh_token}).json()

    assert person.post("/auth/logout", json={}).json() == {"signed_out": True}

    for token in (person.token, elsewhere["token"], refreshed["token"]):
        check_error(person.api.get("/credits/balance", token), 401, "unauthenticated")
    for token in (person.refresh_token, elsewhere["refresh_token"]):
        answer = person.api.post("/auth/refresh", json={"refresh_token": token})
        check_error(answer, 401, answer.json()["code"])
    again = person.api.login(person.email).json()
    assert replace(person, token=again["token"]).balance() == (200, 0)


def test_a_sign_out_leaves_other_users_signed_in(person: Person, signed_in_user: Person) -> None:
    person.post("/auth/logout")

    assert signed_in_user.get("/auth/user").status_code == 200


def test_with_email_verification_the_credits_come_with_the_code(
    email_verification_api: Api, stack: LocalStack, books: Backend
) -> None:
    email = new_email()
    body = email_verification_api.register(email, name="Ada").json()
    assert (body["confirmation_required"], body["free_credits"]) == (True, 0)
    assert not {"token", "access_token", "refresh_token"} & set(body)
    assert books.tables.get(profile_key(body["user"]["user_id"])) is None

    check_error(email_verification_api.login(email), 403, "email_unverified")
    code = mailed_code(stack, email)
    wrong = email_verification_api.post("/auth/confirm", json={"email": email, "code": "000000"})
    assert check_error(wrong, 400, "invalid_request") == {"field": "code"}
    confirmed = email_verification_api.post("/auth/confirm", json={"email": email, "code": code}).json()

    assert confirmed == {"confirmed": True, "free_credits": 200}
    check_error(
        email_verification_api.post("/auth/confirm", json={"email": email, "code": code}), 400, "invalid_request"
    )
    user = email_verification_api.login(email).json()["user"]
    assert (user["name"], user["credits"]["available"]) == ("Ada", 200)
    books.check_invariants(user["user_id"])


def test_confirming_a_second_spelling_of_an_address_grants_no_credits(
    email_verification_api: Api, stack: LocalStack, person: Person
) -> None:
    email = person.email.replace("@", "+again@")
    email_verification_api.register(email)

    confirmed = email_verification_api.post(
        "/auth/confirm", json={"email": email, "code": mailed_code(stack, email)}
    ).json()

    assert confirmed["free_credits"] == 0
    assert confirmed["free_credits_reason"]


def test_requesting_a_code_again_does_not_reveal_who_has_an_account(
    email_verification_api: Api, signed_in_user: Person
) -> None:
    waiting = new_email()
    email_verification_api.register(waiting)

    for email in (waiting, signed_in_user.email, "nobody@canary.example"):
        answer = email_verification_api.post("/auth/resend-code", json={"email": email})
        assert (answer.status_code, answer.json()) == (200, {"sent": True})


def test_a_code_for_an_unknown_address_looks_like_a_wrong_code(email_verification_api: Api) -> None:
    waiting = new_email()
    email_verification_api.register(waiting)

    wrong, unknown = (
        email_verification_api.post("/auth/confirm", json={"email": email, "code": "000000"})
        for email in (waiting, "nobody@canary.example")
    )

    check_error(wrong, 400, "invalid_request")
    assert without_request_id(wrong) == without_request_id(unknown)
