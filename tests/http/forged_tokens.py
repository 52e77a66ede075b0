"""Tokens that are wrong in one way: signed with the user pool's own key, which only an emulator lets us have."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from scripts.local.stack import LocalStack
from tests.http.http_client import Person

Claims = dict[str, Any]


@dataclass(frozen=True)
class Forger:
    """Signs what it is told to. `stranger` is a key that the pool does not know."""

    key: rsa.RSAPrivateKey
    key_id: str
    stranger: rsa.RSAPrivateKey

    @classmethod
    def of(cls, stack: LocalStack) -> "Forger":
        # Asked first: a pool makes its keys when they are first wanted.
        published = requests.get(stack.settings["COGNITO_JWKS_URL"], timeout=5).json()["keys"]
        folder = stack.directory / "ministack" / "cognito-pool-keys"
        pem = (folder / f"{stack.settings['COGNITO_USER_POOL_ID']}-id.pem").read_bytes()
        key = serialization.load_pem_private_key(pem, password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        ours = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)["n"]
        (key_id,) = [one["kid"] for one in published if one["n"] == ours]
        return cls(key, key_id, rsa.generate_private_key(65537, 2048))

    def claims(self, person: Person, **changes: Any) -> Claims:
        """The claims of the person's own good token, changed; None takes one out."""
        good: Claims = jwt.decode(person.token, options={"verify_signature": False})
        return {name: value for name, value in (good | changes).items() if value is not None}

    def token(self, person: Person, **changes: Any) -> str:
        """A token that Cognito would have signed, but for these claims."""
        return self.signed(self.claims(person, **changes))

    def signed(self, claims: Claims, key: Any = None, **header: Any) -> str:
        named = {"kid": self.key_id} | header
        return jwt.encode(claims, key or self.key, algorithm="RS256", headers=named)

    def unsigned(self, claims: Claims) -> str:
        return f"{packed({'alg': 'none', 'kid': self.key_id, 'typ': 'JWT'})}.{packed(claims)}."

    def signed_with_public_key_as_secret(self, claims: Claims) -> str:
        """The confusion of algorithms: HS256 with what everybody knows."""
        pem = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        signed = f"{packed({'alg': 'HS256', 'kid': self.key_id, 'typ': 'JWT'})}.{packed(claims)}"
        return f"{signed}.{encoded(hmac.new(pem, signed.encode(), hashlib.sha256).digest())}"


def packed(words: Any) -> str:
    return encoded(json.dumps(words).encode())


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def soon(seconds: int) -> int:
    """Epoch seconds from now."""
    return int(time.time()) + seconds
