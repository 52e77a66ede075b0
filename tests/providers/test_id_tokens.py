"""Checking ID tokens: what is asked of the key server, how often, and what an outage means."""

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
    """Publishes `keys`, counts who asks, and can be out of order."""

    def __init__(self, **keys: rsa.RSAPrivateKey):
        self.keys, self.asked, self.is_out = keys, 0, False

    def __call__(self) -> dict[str, Any]:
        self.asked += 1
        if self.is_out:
            raise UnavailableError("The key server is out.")
        return jwks(**self.keys)


def jwks(**keys: rsa.RSAPrivateKey) -> dict[str, Any]:
    as_jwk = jwt.algorithms.RSAAlgorithm.to_jwk
    return {"keys": [as_jwk(key.public_key(), as_dict=True) | {"kid": name} for name, key in keys.items()]}


def verifier(server: Callable[[], Any], clock: Clock, packaged: dict[str, Any] | None = None) -> TokenVerifier:
    return TokenVerifier(ISSUER, AUDIENCE, server, clock, packaged)


def token(key: rsa.RSAPrivateKey = OLD, key_id: str = "old", **changes: Any) -> str:
    """An ID token that is good for a minute; the library compares its times with the machine's own clock."""
    at = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "token_use": "id", "email": "ada@example.com"}
    claims |= {"iat": at, "exp": at + 60, "auth_time": at} | changes
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": key_id})


def test_the_keys_are_fetched_once_for_all_good_tokens(clock: Clock) -> None:
    server = KeyServer(old=OLD)
    checking = verifier(server, clock)

    callers = [checking.caller(token(sub=name)).user_id for name in ("ada", "bo", "cy")]

    assert (callers, server.asked) == (["ada", "bo", "cy"], 1)


def test_who_comes_while_the_keys_are_fetched_waits_for_them(clock: Clock) -> None:
    server, all_began = KeyServer(old=OLD), Barrier(3)
    asked = Event()

    def slow_server() -> dict[str, Any]:
        asked.set()
        assert others_came.wait(5)
        return server()

    others_came = Event()
    checking = verifier(slow_server, clock)

    def call(name: str) -> str:
        all_began.wait(5)
        return checking.caller(token(sub=name)).user_id

    with ThreadPoolExecutor(3) as people:
        answers = [people.submit(call, name) for name in ("ada", "bo", "cy")]
        assert asked.wait(5)
        # Nothing tells that a thread waits for a lock; those that would not wait have been refused by now.
        finished, _ = wait(answers, timeout=0.2, return_when=FIRST_COMPLETED)
        others_came.set()

    assert not finished
    assert sorted(answer.result() for answer in answers) == ["ada", "bo", "cy"]
    assert server.asked == 1


def test_packaged_keys_need_no_fetch(clock: Clock) -> None:
    server = KeyServer()

    assert verifier(server, clock, jwks(old=OLD)).caller(token()).user_id == "ada"
    assert server.asked == 0


def test_an_unknown_key_is_asked_for_at_most_once_in_five_minutes(clock: Clock) -> None:
    server = KeyServer(old=OLD)
    checking = verifier(server, clock, jwks(old=OLD))

    for name in ("first", "second", "third"):
        with pytest.raises(UnauthenticatedError):
            checking.caller(token(NEW, name))
    assert server.asked == 1
    clock.forward(REFETCH_AFTER_SECONDS - 1)
    with pytest.raises(UnauthenticatedError):
        checking.caller(token(NEW, "fourth"))
    assert server.asked == 1
    clock.forward(1)
    with pytest.raises(UnauthenticatedError):
        checking.caller(token(NEW, "fifth"))
    assert server.asked == 2


def test_a_rotated_key_is_found_by_the_first_token_that_names_it(clock: Clock) -> None:
    server = KeyServer(old=OLD, new=NEW)
    checking = verifier(server, clock, jwks(old=OLD))

    assert checking.caller(token(NEW, "new")).user_id == "ada"
    assert checking.caller(token()).user_id == "ada"
    assert server.asked == 1


def test_without_any_key_an_outage_is_said_and_every_request_tries_again(clock: Clock) -> None:
    server = KeyServer(old=OLD)
    server.is_out = True
    checking = verifier(server, clock)

    for _ in range(2):
        with pytest.raises(UnavailableError):
            checking.caller(token())
    server.is_out = False

    assert checking.caller(token()).user_id == "ada"
    assert server.asked == 3


def test_an_outage_never_makes_a_new_keys_token_the_callers_fault(clock: Clock) -> None:
    server = KeyServer(old=OLD, new=NEW)
    server.is_out = True
    checking = verifier(server, clock, jwks(old=OLD))

    for _ in range(3):
        with pytest.raises(UnavailableError):
            checking.caller(token(NEW, "new"))
        assert checking.caller(token()).user_id == "ada"  # Known keys go on working.
    assert server.asked == 1

    server.is_out = False
    clock.forward(REFETCH_AFTER_SECONDS)
    assert checking.caller(token(NEW, "new")).user_id == "ada"


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        [],
        {"keys": None},
        {"keys": []},
        {"keys": [{"kty": "RSA"}]},
        {"keys": [{"kty": "RSA", "kid": "old", "n": "?"}]},
    ],
)
def test_a_key_set_that_cannot_be_read_is_an_outage(clock: Clock, nonsense: Any) -> None:
    with pytest.raises(UnavailableError):
        verifier(lambda: nonsense, clock).caller(token())


def test_an_empty_key_set_signs_nobody_out(clock: Clock) -> None:
    checking = verifier(lambda: {"keys": []}, clock, jwks(old=OLD))

    with pytest.raises(UnavailableError):
        checking.caller(token(NEW, "new"))
    assert checking.caller(token()).user_id == "ada"


def test_keys_of_other_kinds_are_passed_over(clock: Clock) -> None:
    published = {"keys": [{"kty": "EC", "kid": "curve"}, *jwks(old=OLD)["keys"]]}

    assert verifier(lambda: published, clock).caller(token()).user_id == "ada"


def test_clocks_may_differ_by_the_leeway_and_no_more(clock: Clock) -> None:
    checking = verifier(KeyServer(old=OLD), clock)
    at = int(time.time())

    assert checking.caller(token(exp=at)).user_id == "ada"
    with pytest.raises(UnauthenticatedError):
        checking.caller(token(exp=at - LEEWAY_SECONDS - 1))


def test_the_caller_is_what_the_claims_say(clock: Clock) -> None:
    caller = verifier(KeyServer(old=OLD), clock).caller(token(auth_time=17, **{"cognito:groups": ["admins"]}))

    assert (caller.user_id, caller.auth_time_at, caller.email) == ("ada", 17, "ada@example.com")
    assert caller.groups == ("admins",)


def test_a_token_is_verified_once_until_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, verified, decode = Clock(int(time.time())), [], jwt.decode
    monkeypatch.setattr(jwt, "decode", lambda *words, **options: verified.append(words) or decode(*words, **options))
    checking, good = verifier(KeyServer(old=OLD), clock), token()

    assert checking.caller(good) == checking.caller(good)
    assert len(verified) == 1
    clock.forward(60)
    checking.caller(good)
    assert len(verified) == 2


def test_a_token_that_was_good_lends_nothing_to_one_like_it() -> None:
    checking, good = verifier(KeyServer(old=OLD), Clock(int(time.time()))), token()
    checking.caller(good)

    for bad in (good[:-4] + "AAAA", good + "A", good.rpartition(".")[0] + "."):
        with pytest.raises(UnauthenticatedError):
            checking.caller(bad)


def test_a_huge_token_is_refused_before_any_key_is_fetched(clock: Clock) -> None:
    server = KeyServer(old=OLD)

    with pytest.raises(UnauthenticatedError):
        verifier(server, clock).caller("a" * (MAX_TOKEN_CHARACTERS + 1))
    assert server.asked == 0


@pytest.mark.parametrize("claim", ["sub", "email", "name"])
def test_half_a_character_in_a_claim_is_refused(clock: Clock, claim: str) -> None:
    with pytest.raises(UnauthenticatedError):
        verifier(KeyServer(old=OLD), clock).caller(token(**{claim: "a\ud800"}))


@pytest.mark.parametrize("claims", [{"sub": ["ada"]}, {"sub": 7}, {"auth_time": "1"}, {"cognito:groups": "admins"}])
def test_claims_of_the_wrong_type_are_refused(clock: Clock, claims: dict[str, Any]) -> None:
    with pytest.raises(UnauthenticatedError):
        verifier(KeyServer(old=OLD), clock).caller(token(**claims))
