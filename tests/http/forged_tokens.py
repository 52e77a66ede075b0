"""Tokens with one flaw, signed with the user pool's own key, which only an emulator exposes."""

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
    """Signs tokens with the pool's key. `unknown_key` is a key that the pool does not have."""

    key: rsa.RSAPrivateKey
    key_id: str
    unknown_key: rsa.RSAPrivateKey

    @classmethod
    def of(cls, stack: LocalStack) -> "Forger":
        # Requested first: a pool creates its keys at the first request.
        published = requests.get(stack.settings["COGNITO_JWKS_URL"], timeout=60).json()["keys"]
        folder = stack.directory / "ministack" / "cognito-pool-keys"
        pem = (folder / f"{stack.settings['COGNITO_USER_POOL_ID']}-id.pem").read_bytes()
        key = serialization.load_pem_private_key(pem, password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        own_modulus = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)["n"]
        (key_id,) = [key_set["kid"] for key_set in published if key_set["n"] == own_modulus]
        return cls(key, key_id, rsa.generate_private_key(65537, 2048))

    def claims(self, person: Person, **changes: Any) -> Claims:
        """The claims of the person's own valid token with changes; None removes a claim."""
        good: Claims = jwt.decode(person.token, options={"verify_signature": False})
        return {name: value for name, value in (good | changes).items() if value is not None}

    def token(self, person: Person, **changes: Any) -> str:
        """A token as Cognito signs it, except for these claims."""
        return self.sign(self.claims(person, **changes))

    def sign(self, claims: Claims, key: Any = None, **header: Any) -> str:
        named = {"kid": self.key_id} | header
        return jwt.encode(claims, key or self.key, algorithm="RS256", headers=named)

    def sign_with_none(self, claims: Claims) -> str:
        return f"{encode_json({'alg': 'none', 'kid': self.key_id, 'typ': 'JWT'})}.{encode_json(claims)}."

    def signed_with_public_key_as_secret(self, claims: Claims) -> str:
        """Algorithm confusion: HS256 with the public key as the secret."""
        pem = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        signed = f"{encode_json({'alg': 'HS256', 'kid': self.key_id, 'typ': 'JWT'})}.{encode_json(claims)}"
        return f"{signed}.{encode_base64(hmac.new(pem, signed.encode(), hashlib.sha256).digest())}"


def encode_json(words: Any) -> str:
    return encode_base64(json.dumps(words).encode())


def encode_base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def soon(seconds: int) -> int:
    """Epoch seconds from now."""
    return int(time.time()) + seconds
