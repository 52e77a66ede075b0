"""Signature Version 4 of a POST to an AWS service that speaks JSON, with the day's signing key kept.

Source: AWS IAM user guide, "Create a signed AWS API request". Tests hold it to botocore's `SigV4Auth`.
"""

import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

ALGORITHM = "AWS4-HMAC-SHA256"
KEYS_KEPT = 16  # One a day, service and secret; credentials change every few hours.


class Credentials(NamedTuple):
    """An access key; `token` is empty where it is for good."""

    access_key: str
    secret_key: str
    token: str


def sign(
    headers: Mapping[str, str], body: bytes, *, region: str, service: str, at: str, credentials: Credentials
) -> str:
    """The value of `Authorization` for a POST to `/` with these headers, all of which are signed.

    `headers`: with `Host` and `X-Amz-Date`, and `X-Amz-Security-Token` where the credentials have one. `at`: the value
    of `X-Amz-Date`, such as 20261130T120000Z.
    """
    signed = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    names = ";".join(name for name, _ in signed)
    lines = "".join(f"{name}:{value}\n" for name, value in signed)
    canonical_request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{at[:8]}/{region}/{service}/aws4_request"
    request_hash = hashlib.sha256(canonical_request.encode()).hexdigest()
    key = _signing_key(credentials.secret_key, at[:8], region, service)
    signature = hmac.digest(key, f"{ALGORITHM}\n{at}\n{scope}\n{request_hash}".encode(), "sha256").hex()
    return f"{ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"


@lru_cache(KEYS_KEPT)
def _signing_key(secret_key: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for step in (day, region, service, "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    return key
