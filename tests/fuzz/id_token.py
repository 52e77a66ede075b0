"""ID tokens. An accepted token is signed by the key of the pool, has all required claims, and is valid now.

The last byte selects what is random: the whole header `Authorization`; or, with a valid signature, both parts of the
token, one per line, or one value of them.
"""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from chalicelib.errors import UnauthenticatedError
from chalicelib.http import request as web
from chalicelib.providers.id_tokens import LEEWAY_SECONDS, REMEMBERED_TOKENS, TokenVerifier
from tests.fuzz.calls import make_request
from tests.fuzz.document_holes import VALUES, fill_hole, with_holes

MOST_BYTES = 2_048
ISSUER, AUDIENCE, KEY_ID = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool", "client", "ours"
KEY = rsa.generate_private_key(65537, 2_048)
WORDS = [
    *(f'"{word}"'.encode() for word in ("alg", "kid", "typ", "crit", "b64", "jwk", "zip", "iss", "aud", "sub", "exp")),
    *(
        f'"{word}"'.encode()
        for word in ("iat", "nbf", "jti", "auth_time", "token_use", "id", "access", "cognito:groups")
    ),
    *(b'"RS256"', b'"HS256"', b'"none"', b"RS384", b"Bearer ", b"null", b"true", b"[]", b"{}", b"[[[["),
    *(b"1e400", b"-1e400", b"Infinity", b"NaN", b"9" * 30, b"-1", b"0.5", b"\\ud800", b"\\u0000"),
    *(ISSUER.encode(), AUDIENCE.encode(), KEY_ID.encode()),
]
SIGN, VALUE = 128, 192


def jwks() -> dict[str, Any]:
    public: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    return {"keys": [public | {"kid": KEY_ID}]}


def encode_part(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def sign(header: bytes, claims: bytes) -> str:
    content = encode_part(header) + b"." + encode_part(claims)
    return (content + b"." + encode_part(KEY.sign(content, padding.PKCS1v15(), hashes.SHA256()))).decode()


HEADER = json.dumps({"alg": "RS256", "kid": KEY_ID, "typ": "JWT"}).encode()
AT = int(time.time())
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "ada",
    "token_use": "id",
    "email": "ada@example.com",
    "email_verified": True,
    "cognito:groups": ["admins"],
    "iat": AT,
    "auth_time": AT,
    "exp": AT + 1_000_000,
}
HEADERS_WITH_HOLES = with_holes(json.loads(HEADER) | {"crit": ["b64"], "b64": True})
CLAIMS_WITH_HOLES = with_holes(CLAIMS | {"nbf": AT, "name": "Ada"})
VALID_TOKEN = sign(HEADER, json.dumps(CLAIMS).encode())
FOREIGN_TOKEN = jwt.encode(CLAIMS, rsa.generate_private_key(65537, 2_048), algorithm="RS256", headers={"kid": KEY_ID})
VERIFIER = TokenVerifier(ISSUER, AUDIENCE, jwks, lambda: int(time.time()), jwks())


def seeds() -> Iterator[bytes]:
    _, claims, signature = VALID_TOKEN.split(".")
    unsigned = encode_part(b'{"alg": "none", "kid": "ours"}').decode()
    for token in (VALID_TOKEN, FOREIGN_TOKEN, f"{unsigned}.{claims}.", f"{unsigned}.{claims}.{signature}", "a.b.c", ""):
        yield f"Bearer {token}".encode() + b"\x00"
    for changes in (
        {},
        {"token_use": "access"},
        {"exp": AT - 60},
        {"aud": [AUDIENCE, "more"]},
        {"nbf": AT},
        {"sub": 1},
    ):
        yield HEADER + b"\n" + json.dumps(CLAIMS | changes).encode() + bytes([SIGN])
    for header in ({"alg": "RS256", "kid": KEY_ID, "crit": ["b64"], "b64": False}, {"alg": "HS256", "kid": KEY_ID}):
        yield json.dumps(header).encode() + b"\n" + json.dumps(CLAIMS).encode() + bytes([SIGN])
    for index in range(len(HEADERS_WITH_HOLES) + len(CLAIMS_WITH_HOLES)):
        for value in VALUES:
            yield value + bytes([VALUE + index])


def run_input(data: bytes) -> None:
    if not data:
        return
    header, _, claims = data[:-1].partition(b"\n")
    is_signed = data[-1] >= SIGN
    if data[-1] >= VALUE:
        header, claims = _with_value(data[-1] - VALUE, data[:-1])
    sent = f"Bearer {sign(header, claims)}" if is_signed else data[:-1].decode("latin-1")
    try:
        caller = web.caller(make_request(headers={"authorization": sent}), VERIFIER)
    except UnauthenticatedError:
        return
    finally:
        assert len(VERIFIER._verified) <= REMEMBERED_TOKENS
    if not is_signed:
        assert sent.split()[1].rpartition(".")[0] == VALID_TOKEN.rpartition(".")[0]
        return
    header_fields, fields = json.loads(header), json.loads(claims)
    assert (header_fields["alg"], header_fields["kid"]) == ("RS256", KEY_ID)
    assert fields["iss"] == ISSUER
    assert fields["aud"] == AUDIENCE or AUDIENCE in fields["aud"]
    assert fields["token_use"] == "id"
    assert float(fields["exp"]) > time.time() - LEEWAY_SECONDS - 1
    assert float(fields["iat"]) < time.time() + LEEWAY_SECONDS + 1
    assert caller.user_id == fields["sub"]
    assert caller.groups == tuple(map(str, fields.get("cognito:groups", [])))


def _with_value(index: int, value: bytes) -> tuple[bytes, bytes]:
    """The header and claims of a valid token, with one value replaced."""
    index %= len(HEADERS_WITH_HOLES) + len(CLAIMS_WITH_HOLES)
    if index < len(HEADERS_WITH_HOLES):
        return fill_hole(HEADERS_WITH_HOLES[index], value), json.dumps(CLAIMS).encode()
    return HEADER, fill_hole(CLAIMS_WITH_HOLES[index - len(HEADERS_WITH_HOLES)], value)
