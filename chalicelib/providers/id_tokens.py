"""Cognito ID tokens: verified here against the pool's public keys, whatever a gateway in front has checked.

Source: Amazon Cognito developer guide, "Verifying JSON web tokens".
"""

import hashlib
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, NamedTuple

from ..errors import UnauthenticatedError, UnauthenticatedReason, UnavailableError
from ..models.accounts import Caller

MAX_TOKEN_CHARACTERS = 8_192
REFETCH_AFTER_SECONDS = 300
LEEWAY_SECONDS = 5
REMEMBERED_TOKENS = 1_000
REQUIRED = ["exp", "iat", "iss", "aud", "sub", "token_use", "auth_time"]


class _Verified(NamedTuple):
    """A token that was good: its signature stays so, its time does not."""

    caller: Caller
    expires_at: int


class TokenVerifier:
    """Who an ID token speaks for.

    `fetch_keys` returns the pool's JWKS, or raises UnavailableError. It is asked when there are no keys yet and, at
    most once in five minutes, when a token names a key that is not known: so that rotation works and strangers cannot
    make us fetch.
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
        """The person behind a good ID token.

        Raises UnauthenticatedError for anything else, and UnavailableError when the keys cannot be had: an outage is
        not the caller's fault.
        """
        if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
            raise _refused("too long", reason="malformed")
        fingerprint = hashlib.sha256(token.encode()).digest()
        remembered = self._verified.get(fingerprint)
        if remembered and self._now() < remembered.expires_at:
            return remembered.caller
        caller, expires_at = self._verify(token)
        if len(self._verified) >= REMEMBERED_TOKENS:
            self._verified.clear()
        self._verified[fingerprint] = _Verified(caller, expires_at)
        return caller

    def _verify(self, token: str) -> tuple[Caller, int]:
        import jwt  # Loaded where it is used: public routes start without it.

        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != "RS256":
                raise _refused("algorithm")
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
            raise _refused(type(error).__name__, reason=_reason(error)) from error

    def _key(self, key_id: object) -> Any:
        if not isinstance(key_id, str):
            raise _refused("no key id")
        if key_id not in self._keys:
            with self._fetching:  # Who comes meanwhile waits: a key that is on its way is not an unknown one.
                if key_id not in self._keys and self._may_fetch():
                    self._fetch()
        if key_id not in self._keys:
            if self._outage:  # The key may be a new one that we could not fetch.
                raise UnavailableError(self._outage.message) from self._outage
            raise _refused("unknown key")
        return self._keys[key_id]

    def _fetch(self) -> None:
        self._fetched_at, self._outage = self._now(), None
        try:
            keys = _by_id(self._fetch_keys())
            if not keys:  # A pool always has keys: to believe this would sign everybody out.
                raise UnavailableError("The sign-in service names no keys.")
            self._keys = keys
        except UnavailableError as outage:
            self._outage = outage
            if not self._keys:
                self._fetched_at = None  # Without any key nobody gets in: try again at the next request.

    def _may_fetch(self) -> bool:
        return self._fetched_at is None or self._now() - self._fetched_at >= REFETCH_AFTER_SECONDS


def _by_id(jwks: Mapping[str, Any]) -> dict[str, Any]:
    import jwt

    try:
        keys = jwks["keys"]
        return {key["kid"]: jwt.PyJWK(key, algorithm="RS256").key for key in keys if key.get("kty") == "RSA"}
    except (KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
        raise UnavailableError("The sign-in service's keys cannot be read.") from error


def _caller(claims: Mapping[str, Any]) -> Caller:
    groups = claims.get("cognito:groups", [])
    if claims["token_use"] != "id":
        raise _refused("token use", "This is no ID token: send the `token` of the sign-in.")
    if not isinstance(claims["auth_time"], int) or not isinstance(claims["sub"], str) or not isinstance(groups, list):
        raise _refused("claims")
    found = Caller(
        user_id=claims["sub"],
        auth_time_at=claims["auth_time"],
        email=str(claims.get("email", "")),
        groups=tuple(str(group) for group in groups),
        name=str(claims.get("name", "")),
        is_email_verified=claims.get("email_verified") is True,
    )
    for word in (found.user_id, found.email, found.name, *found.groups):
        word.encode()  # ValueError: half a character is no text.
    return found


def _reason(error: Exception) -> UnauthenticatedReason:
    """What a client can do about a token that PyJWT refused. The signature is checked before the expiry."""
    import jwt

    if isinstance(error, jwt.ExpiredSignatureError):
        return "expired"
    is_unreadable = isinstance(error, jwt.DecodeError) and not isinstance(error, jwt.InvalidSignatureError)
    return "malformed" if is_unreadable else "wrong_token"


def _refused(
    why: str,
    message: str = "A valid sign-in token is needed. Sign in again.",
    reason: UnauthenticatedReason = "wrong_token",
) -> UnauthenticatedError:
    """One message for nearly every invalid token; `why` is for the log."""
    error = UnauthenticatedError(message, reason)
    error.__notes__ = [why]
    return error
