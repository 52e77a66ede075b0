"""Verifying ID tokens: when keys are fetched, how often, and what an outage of the key server means."""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from threading import Barrier, Event
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from chalicelib.errors import UnauthenticatedError, UnavailableError
from chalicelib.providers.id_tokens import LEEWAY_SECONDS, MAX_TOKEN_CHARACTERS, REFETCH_AFTER_SECONDS, TokenVerifier
from tests.fakes import Clock

ISSUER, AUDIENCE = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool", "client"
OLD, NEW = (rsa.generate_private_key(65537, 2048) for _ in range(2))


class KeyServer:
    """Publishes `keys`, counts fetches, and can be made to fail."""

    def __init__(self, **keys: rsa.RSAPrivateKey):
        self.keys, self.fetches, self.is_out = keys, 0, False

    def __call__(self) -> dict[str, Any]:
        self.fetches += 1
        if self.is_out:
            raise UnavailableError("The key server is unavailable.")
        return jwks(**self.keys)


def jwks(**keys: rsa.RSAPrivateKey) -> dict[str, Any]:
    as_jwk = jwt.algorithms.RSAAlgorithm.to_jwk
    return {"keys": [as_jwk(key.public_key(), as_dict=True) | {"kid": name} for name, key in keys.items()]}


def verifier(server: Callable[[], Any], clock: Clock, packaged: dict[str, Any] | None = None) -> TokenVerifier:
    return TokenVerifier(ISSUER, AUDIENCE, server, clock, packaged)


def token(key: rsa.RSAPrivateKey = OLD, key_id: str = "old", **changes: Any) -> str:
    """An ID token that is valid for a minute; PyJWT compares its times with the machine's clock."""
    at = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "token_use": "id", "email": "ada@example.com"}
    claims |= {"iat": at, "exp": at + 60, "auth_time": at} | changes
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": key_id})


def test_the_keys_are_fetched_once_for_all_valid_tokens(clock: Clock) -> None:
    server = KeyServer(old=OLD)
    token_verifier = verifier(server, clock)

    callers = [token_verifier.caller(token(sub=name)).user_id for name in ("ada", "bo", "cy")]

    assert (callers, server.fetches) == (["ada", "bo", "cy"], 1)


def test_concurrent_requests_wait_while_the_keys_are_fetched(clock: Clock) -> None:
    server, all_started = KeyServer(old=OLD), Barrier(3)
    is_fetching = Event()

    def slow_server() -> dict[str, Any]:
        is_fetching.set()
        assert others_arrived.wait(60)
        return server()

    others_arrived = Event()
    token_verifier = verifier(slow_server, clock)

    def call(name: str) -> str:
        all_started.wait(60)
        return token_verifier.caller(token(sub=name)).user_id

    with ThreadPoolExecutor(3) as executor:
        calls = [executor.submit(call, name) for name in ("ada", "bo", "cy")]
        assert is_fetching.wait(60)
        # Whether a thread waits for a lock cannot be observed; threads that do not wait have been rejected by now.
        finished, _ = wait(calls, timeout=0.2, return_when=FIRST_COMPLETED)
        others_arrived.set()

    assert not finished
    assert sorted(call.result() for call in calls) == ["ada", "bo", "cy"]
    assert server.fetches == 1


def test_packaged_keys_need_no_fetch(clock: Clock) -> None:
    server = KeyServer()

    assert verifier(server, clock, jwks(old=OLD)).caller(token()).user_id == "ada"
    assert server.fetches == 0


def test_unknown_keys_cause_at_most_one_fetch_in_five_minutes(clock: Clock) -> None:
    server = KeyServer(old=OLD)
    token_verifier = verifier(server, clock, jwks(old=OLD))

    for name in ("first", "second", "third"):
        with pytest.raises(UnauthenticatedError):
            token_verifier.caller(token(NEW, name))
    assert server.fetches == 1
    clock.forward(REFETCH_AFTER_SECONDS - 1)
    with pytest.raises(UnauthenticatedError):
        token_verifier.caller(token(NEW, "fourth"))
    assert server.fetches == 1
    clock.forward(1)
    with pytest.raises(UnauthenticatedError):
        token_verifier.caller(token(NEW, "fifth"))
    assert server.fetches == 2


def test_a_rotated_key_is_found_by_the_first_token_that_names_it(clock: Clock) -> None:
    server = KeyServer(old=OLD, new=NEW)
    token_verifier = verifier(server, clock, jwks(old=OLD))

    assert token_verifier.caller(token(NEW, "new")).user_id == "ada"
    assert token_verifier.caller(token()).user_id == "ada"
    assert server.fetches == 1


def test_without_any_key_requests_are_unavailable_and_each_fetches_again(clock: Clock) -> None:
    server = KeyServer(old=OLD)
    server.is_out = True
    token_verifier = verifier(server, clock)

    for _ in range(2):
        with pytest.raises(UnavailableError):
            token_verifier.caller(token())
    server.is_out = False

    assert token_verifier.caller(token()).user_id == "ada"
    assert server.fetches == 3


def test_a_token_of_a_new_key_is_not_rejected_during_an_outage(clock: Clock) -> None:
    server = KeyServer(old=OLD, new=NEW)
    server.is_out = True
    token_verifier = verifier(server, clock, jwks(old=OLD))

    for _ in range(3):
        with pytest.raises(UnavailableError):
            token_verifier.caller(token(NEW, "new"))
        assert token_verifier.caller(token()).user_id == "ada"  # Known keys keep working.
    assert server.fetches == 1

    server.is_out = False
    clock.forward(REFETCH_AFTER_SECONDS)
    assert token_verifier.caller(token(NEW, "new")).user_id == "ada"


@pytest.mark.parametrize(
    "published",
    [
        {},
        [],
        {"keys": None},
        {"keys": []},
        {"keys": [{"kty": "RSA"}]},
        {"keys": [{"kty": "RSA", "kid": "old", "n": "?"}]},
    ],
)
def test_an_invalid_key_set_is_an_outage(clock: Clock, published: Any) -> None:
    with pytest.raises(UnavailableError):
        verifier(lambda: published, clock).caller(token())


def test_an_empty_key_set_does_not_sign_out_users(clock: Clock) -> None:
    token_verifier = verifier(lambda: {"keys": []}, clock, jwks(old=OLD))

    with pytest.raises(UnavailableError):
        token_verifier.caller(token(NEW, "new"))
    assert token_verifier.caller(token()).user_id == "ada"


def test_keys_of_other_types_are_ignored(clock: Clock) -> None:
    published = {"keys": [{"kty": "EC", "kid": "curve"}, *jwks(old=OLD)["keys"]]}

    assert verifier(lambda: published, clock).caller(token()).user_id == "ada"


def test_clocks_may_differ_by_the_leeway(clock: Clock) -> None:
    token_verifier = verifier(KeyServer(old=OLD), clock)
    at = int(time.time())

    assert token_verifier.caller(token(exp=at)).user_id == "ada"
    with pytest.raises(UnauthenticatedError):
        token_verifier.caller(token(exp=at - LEEWAY_SECONDS - 1))


def test_the_caller_has_the_values_of_the_claims(clock: Clock) -> None:
    caller = verifier(KeyServer(old=OLD), clock).caller(token(auth_time=17, **{"cognito:groups": ["admins"]}))

    assert (caller.user_id, caller.auth_time_at, caller.email) == ("ada", 17, "ada@example.com")
    assert caller.groups == ("admins",)


def test_a_token_is_verified_once_until_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, verified, decode = Clock(int(time.time())), [], jwt.decode
    monkeypatch.setattr(
        jwt, "decode", lambda *arguments, **options: verified.append(arguments) or decode(*arguments, **options)
    )
    token_verifier, valid_token = verifier(KeyServer(old=OLD), clock), token()

    assert token_verifier.caller(valid_token) == token_verifier.caller(valid_token)
    assert len(verified) == 1
    clock.forward(60)
    token_verifier.caller(valid_token)
    assert len(verified) == 2


def test_a_cached_token_does_not_validate_a_similar_token() -> None:
    token_verifier, valid_token = verifier(KeyServer(old=OLD), Clock(int(time.time()))), token()
    token_verifier.caller(valid_token)

    for changed in (valid_token[:-4] + "AAAA", valid_token + "A", valid_token.rpartition(".")[0] + "."):
        with pytest.raises(UnauthenticatedError):
            token_verifier.caller(changed)


def test_a_token_that_is_too_long_is_rejected_before_any_fetch(clock: Clock) -> None:
    server = KeyServer(old=OLD)

    with pytest.raises(UnauthenticatedError):
        verifier(server, clock).caller("a" * (MAX_TOKEN_CHARACTERS + 1))
    assert server.fetches == 0


@pytest.mark.parametrize("claim", ["sub", "email", "name"])
def test_half_a_surrogate_pair_in_a_claim_is_rejected(clock: Clock, claim: str) -> None:
    with pytest.raises(UnauthenticatedError):
        verifier(KeyServer(old=OLD), clock).caller(token(**{claim: "a\ud800"}))


@pytest.mark.parametrize("claims", [{"sub": ["ada"]}, {"sub": 7}, {"auth_time": "1"}, {"cognito:groups": "admins"}])
def test_claims_of_the_wrong_type_are_rejected(clock: Clock, claims: dict[str, Any]) -> None:
    with pytest.raises(UnauthenticatedError):
        verifier(KeyServer(old=OLD), clock).caller(token(**claims))
