"""Authentication: every bad token gets the same 401 on every route, and an outage is a 503."""

from collections.abc import Callable
from typing import Any

import boto3
import jwt
import pytest

from scripts.local.aws import CREDENTIALS, REGION
from scripts.local.stack import LocalStack
from tests.fakes import Backend
from tests.http.forged_tokens import Forger, encode_base64, encode_json, soon
from tests.http.http_client import (
    ADMIN_ROUTES,
    GOOD_REQUESTS,
    PASSWORD,
    Api,
    Person,
    authenticated_routes,
    call_every_authenticated_route,
    check_error,
)

REQUIRED = ("exp", "iat", "iss", "aud", "sub", "token_use", "auth_time")
ANOTHER_POOL = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_another"

MALFORMED: dict[str, str | bytes | None] = {
    "none": None,
    "empty": "",
    "no scheme": "5a1de7d4",
    "another scheme": "Basic YWRhOnBhc3N3b3Jk",
    "scheme alone": "Bearer",
    "scheme and a blank": "Bearer ",
    "garbage": "Bearer garbage",
    "three letters": "Bearer a.b.c",
    "two dots": "Bearer ..",
    "five parts": "Bearer a.b.c.d.e",
    "not base64": "Bearer !!!.???.###",
    "a header that is a list": f"Bearer {encode_json([1])}.{encode_json({})}.AA",
    "a header that is no JSON": "Bearer eyJhbGciOiJS.e30.AA",
    "a key id that is a number": f"Bearer {encode_json({'alg': 'RS256', 'kid': 7})}.{encode_json({})}.AA",
    "a header nested too deeply": f"Bearer {encode_base64(b'[' * 5_000)}.e30.AA",
    "not ASCII": "Bearer é.ü.ß".encode(),
    "20 kB": "Bearer " + "a" * 20_000,
}

Forgery = Callable[[Forger, Person], str]


def omit_claim(claim: str) -> Forgery:
    return lambda forger, person: forger.token(person, **{claim: None})


def replace_claims(token: str, claims: dict[str, Any]) -> str:
    """The token with other claims and its old signature."""
    header, _, signature = token.split(".")
    return f"{header}.{encode_json(jwt.decode(token, options={'verify_signature': False}) | claims)}.{signature}"


FORGED: dict[str, Forgery] = {
    "alg none": lambda f, p: f.sign_with_none(f.claims(p)),
    "HS256 with the public key as secret": lambda f, p: f.signed_with_public_key_as_secret(f.claims(p)),
    "another key under the known id": lambda f, p: f.sign(f.claims(p), f.unknown_key),
    "another key that comes in its header": lambda f, p: f.sign(
        f.claims(p), f.unknown_key, jwk=jwt.algorithms.RSAAlgorithm.to_jwk(f.unknown_key.public_key(), as_dict=True)
    ),
    "an unknown key id": lambda f, p: f.sign(f.claims(p), kid="unknown"),
    "no key id": lambda f, p: jwt.encode(f.claims(p), f.key, algorithm="RS256"),
    "groups spoofed without the pool's key": lambda f, p: f.sign(
        f.claims(p, **{"cognito:groups": ["admins"]}), f.unknown_key
    ),
    "groups spoofed in a good token": lambda f, p: replace_claims(p.token, {"cognito:groups": ["admins"]}),
    "wrong issuer": lambda f, p: f.token(p, iss="https://issuer.example"),
    "another pool as issuer": lambda f, p: f.token(p, iss=ANOTHER_POOL),
    "wrong audience": lambda f, p: f.token(p, aud="another-client"),
    "expired": lambda f, p: f.token(p, exp=soon(-60)),
    "not yet valid": lambda f, p: f.token(p, nbf=soon(600)),
    "issued in the future": lambda f, p: f.token(p, iat=soon(600)),
    "an access token": lambda f, p: p.access_token,
    "a refresh token": lambda f, p: p.refresh_token,
    "token_use access under the ID key": lambda f, p: f.token(p, token_use="access"),
    "an expiry that is a word": lambda f, p: f.token(p, exp="never"),
    "a sign-in time that is a word": lambda f, p: f.token(p, auth_time="yesterday"),
    "groups that are a word": lambda f, p: f.token(p, **{"cognito:groups": "admins"}),
    "signed well, but 20 kB": lambda f, p: f.token(p, name="x" * 15_000),
    "an end cut off": lambda f, p: p.token[:-10],
} | {f"no {name}": omit_claim(name) for name in REQUIRED}


def test_every_authenticated_route_has_a_request() -> None:
    assert sorted(authenticated_routes()) == sorted(GOOD_REQUESTS)


def test_a_token_of_the_forger_without_a_flaw_is_accepted(api: Api, signed_in_user: Person, forger: Forger) -> None:
    answer = api.get("/credits/balance", forger.token(signed_in_user))

    assert answer.status_code == 200
    assert api.get("/credits/balance", headers={"Authorization": f"bearer  {signed_in_user.token}"}).status_code == 200


@pytest.mark.parametrize("authorization", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_token_is_401_everywhere(api: Api, authorization: str | bytes | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}

    call_every_authenticated_route(api, headers, lambda answer: check_error(answer, 401, "unauthenticated"))


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_401_everywhere(api: Api, signed_in_user: Person, forger: Forger, forge: Forgery) -> None:
    headers = {"Authorization": f"Bearer {forge(forger, signed_in_user)}"}

    call_every_authenticated_route(api, headers, lambda answer: check_error(answer, 401, "unauthenticated"))


def test_a_signed_out_token_is_401_everywhere_and_a_new_sign_in_works(api: Api, person: Person) -> None:
    assert person.post("/auth/logout").json() == {"signed_out": True}

    headers = {"Authorization": f"Bearer {person.token}"}
    refused = lambda answer: check_error(answer, 401, "unauthenticated")  # noqa: E731
    call_every_authenticated_route(api, headers, refused, but=ADMIN_ROUTES)
    again = api.login(person.email).json()["token"]
    assert api.get("/credits/balance", again).status_code == 200


def test_a_real_token_of_another_pool_or_another_client_is_401(
    api: Api, signed_in_user: Person, stack: LocalStack
) -> None:
    cognito = boto3.client(
        "cognito-idp",
        endpoint_url=stack.settings["AWS_ENDPOINT_URL"],
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    own_pool = stack.settings["COGNITO_USER_POOL_ID"]
    other = cognito.create_user_pool(PoolName="other", UsernameAttributes=["email"])["UserPool"]["Id"]
    cognito.admin_create_user(UserPoolId=other, Username=signed_in_user.email, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(
        UserPoolId=other, Username=signed_in_user.email, Password=f"{PASSWORD}A1!", Permanent=True
    )

    for pool, password in ((other, f"{PASSWORD}A1!"), (own_pool, PASSWORD)):
        flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
        made = cognito.create_user_pool_client(UserPoolId=pool, ClientName="other", ExplicitAuthFlows=flows)
        credentials = {"USERNAME": signed_in_user.email, "PASSWORD": password}
        signed_in = cognito.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=made["UserPoolClient"]["ClientId"],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters=credentials,
        )
        headers = {"Authorization": f"Bearer {signed_in['AuthenticationResult']['IdToken']}"}
        call_every_authenticated_route(api, headers, lambda answer: check_error(answer, 401, "unauthenticated"))
    cognito.close()


def test_a_blocked_account_is_403_with_a_valid_token(api: Api, person: Person, books: Backend) -> None:
    books.ledger.set_blocked(person.user_id, True)

    headers = {"Authorization": f"Bearer {person.token}"}
    refused = lambda answer: check_error(answer, 403, "account_blocked")  # noqa: E731
    call_every_authenticated_route(api, headers, refused, but=ADMIN_ROUTES)
    check_error(api.login(person.email), 403, "account_blocked")
    check_error(api.post("/auth/refresh", json={"refresh_token": person.refresh_token}), 403, "account_blocked")
    books.ledger.set_blocked(person.user_id, False)
    assert person.get("/credits/balance").status_code == 200


def test_a_deleted_account_is_401_everywhere_at_once(api: Api, person: Person) -> None:
    assert person.delete("/auth/user").status_code == 202

    headers = {"Authorization": f"Bearer {person.token}"}
    refused = lambda answer: check_error(answer, 401, "unauthenticated")  # noqa: E731
    call_every_authenticated_route(api, headers, refused, but=ADMIN_ROUTES)
    # Either code is correct: the job may have revoked the refresh token already.
    assert api.post("/auth/refresh", json={"refresh_token": person.refresh_token}).status_code == 401


def test_keys_that_could_not_be_fetched_are_503_not_401(api_without_keys: Api, signed_in_user: Person) -> None:
    headers = {"Authorization": f"Bearer {signed_in_user.token}"}

    call_every_authenticated_route(api_without_keys, headers, lambda answer: check_error(answer, 503, "unavailable"))
    check_error(api_without_keys.login(signed_in_user.email), 503, "unavailable")
    assert api_without_keys.get("/health").status_code == 200
