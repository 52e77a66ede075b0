"""Verifies Cognito ID tokens with the pool's public keys, independently of the gateway's authorizer.

Source: Amazon Cognito developer guide, "Verifying JSON web tokens".
"""

import hashlib
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, NamedTuple

from ..errors import UnauthenticatedError, UnauthenticatedReason, UnavailableError
from ..lazy import defer_import
from ..models.accounts import Caller

MAX_TOKEN_CHARACTERS = 8_192
REFETCH_AFTER_SECONDS = 300
INVALID = "A valid sign-in token is needed. Sign in again."
EXPIRED = "This token has expired. Refresh it once, then retry."
LEEWAY_SECONDS = 5
CACHED_TOKENS = 1_000
REQUIRED = ["exp", "iat", "iss", "aud", "sub", "token_use", "auth_time"]

defer_import(
    "cryptography", "x509"
)  # PyJWT imports it, which takes a tenth of a cold start. No key of a pool needs it.


class _Verified(NamedTuple):
    """A verified token. Its signature stays valid; its expiry has to be checked again."""

    caller: Caller
    expires_at: int


class TokenVerifier:
    """Identifies the caller by an ID token.

    `fetch_keys` returns the pool's JWKS, or raises UnavailableError. It is called when there are no keys yet and, at
    most once in five minutes, when a token names an unknown key: so keys may rotate, and anonymous callers cannot make
    us fetch keys again and again.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        fetch_keys: Callable[[], Mapping[str, Any]],
        now: Callable[[], int],
        packaged_keys: Mapping[str, Any] | None = None,
    ):
        self._issuer, self._audience = issuer, audience
        self._fetch_keys, self._now = fetch_keys, now
        self._keys: dict[str, Any] = _by_id(packaged_keys) if packaged_keys else {}
        self._fetched_at: int | None = None
        self._verified: dict[bytes, _Verified] = {}
        self._outage: UnavailableError | None = None
        self._fetching = Lock()

    def caller(self, token: str) -> Caller:
        """The caller whom a valid ID token identifies.

        Raises UnauthenticatedError for any other token, and UnavailableError when the keys cannot be fetched: an outage
        is not the caller's fault.
        """
        if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
            raise _invalid_token("too long", reason="malformed")
        fingerprint = hashlib.sha256(token.encode()).digest()
        cached = self._verified.get(fingerprint)
        if cached and self._now() < cached.expires_at:
            return cached.caller
        caller, expires_at = self._verify(token)
        if len(self._verified) >= CACHED_TOKENS:
            self._verified.clear()
        self._verified[fingerprint] = _Verified(caller, expires_at)
        return caller

    def _verify(self, token: str) -> tuple[Caller, int]:
        import jwt  # Loaded where it is used: public routes start without it.

        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != "RS256":
                raise _invalid_token("algorithm")
            claims = jwt.decode(
                token,
                self._key(header.get("kid")),
                algorithms=["RS256"],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": REQUIRED},
            )
            return _caller(claims), int(claims["exp"])
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            reason = _reason(error)
            message = EXPIRED if reason == "expired" else INVALID
            raise _invalid_token(type(error).__name__, message, reason) from error

    def _key(self, key_id: object) -> Any:
        if not isinstance(key_id, str):
            raise _invalid_token("no key id")
        if key_id not in self._keys:
            with self._fetching:  # Other threads wait: a key that is being fetched is not unknown.
                if key_id not in self._keys and self._may_fetch():
                    self._fetch()
        if key_id not in self._keys:
            if self._outage:  # It may be a new key that we could not fetch.
                raise UnavailableError(self._outage.message) from self._outage
            raise _invalid_token("unknown key")
        return self._keys[key_id]

    def _fetch(self) -> None:
        self._fetched_at, self._outage = self._now(), None
        try:
            keys = _by_id(self._fetch_keys())
            if not keys:  # A pool always has keys; accepting none would sign out every user.
                raise UnavailableError("The sign-in service returned no keys. Retry the request.")
            self._keys = keys
        except UnavailableError as outage:
            self._outage = outage
            if not self._keys:
                self._fetched_at = None  # Without any key no caller can be verified, so the next request fetches again.

    def _may_fetch(self) -> bool:
        return self._fetched_at is None or self._now() - self._fetched_at >= REFETCH_AFTER_SECONDS


def _by_id(jwks: Mapping[str, Any]) -> dict[str, Any]:
    import jwt

    try:
        keys = jwks["keys"]
        return {key["kid"]: jwt.PyJWK(key, algorithm="RS256").key for key in keys if key.get("kty") == "RSA"}
    except (KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
        raise UnavailableError("The sign-in service's keys could not be read. Retry the request.") from error


def _caller(claims: Mapping[str, Any]) -> Caller:
    groups = claims.get("cognito:groups", [])
    if claims["token_use"] != "id":
        raise _invalid_token("token use", "This is not an ID token. Send the `token` of the sign-in response.")
    if not isinstance(claims["auth_time"], int) or not isinstance(claims["sub"], str) or not isinstance(groups, list):
        raise _invalid_token("claims")
    caller = Caller(
        user_id=claims["sub"],
        auth_time_at=claims["auth_time"],
        email=str(claims.get("email", "")),
        groups=tuple(str(group) for group in groups),
        name=str(claims.get("name", "")),
        is_email_verified=claims.get("email_verified") is True,
    )
    for text in (caller.user_id, caller.email, caller.name, *caller.groups):
        text.encode()  # ValueError for half of a surrogate pair, which is not valid text.
    return caller


def _reason(error: Exception) -> UnauthenticatedReason:
    """The reason for a token that PyJWT rejected. It checks the signature before the expiry."""
    import jwt

    if isinstance(error, jwt.ExpiredSignatureError):
        return "expired"
    is_unreadable = isinstance(error, jwt.DecodeError) and not isinstance(error, jwt.InvalidSignatureError)
    return "malformed" if is_unreadable else "wrong_token"


def _invalid_token(
    why: str,
    message: str = INVALID,
    reason: UnauthenticatedReason = "wrong_token",
) -> UnauthenticatedError:
    """One message for nearly every invalid token; `why` is for the log."""
    error = UnauthenticatedError(message, reason)
    error.__notes__ = [why]
    return error
