"""Signatures, beside those of botocore."""

import datetime
from typing import Any

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given, settings, strategies as st

from chalicelib.providers.aws_signature import Credentials, sign

VISIBLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40).filter(str.strip)
CREDENTIALS = st.builds(Credentials, st.from_regex(r"\A[A-Z0-9]{16,20}\Z"), VISIBLE, st.just("") | VISIBLE)
MOMENTS = st.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2099, 1, 1))
SERVICES = st.sampled_from(["dynamodb", "kms", "sqs", "cognito-idp"])
REGIONS = st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1"])


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    service, region = draw(SERVICES), draw(REGIONS)
    headers = {"Host": f"{service}.{region}.amazonaws.com", "X-Amz-Target": draw(VALUES)}
    return {"service": service, "region": region, "headers": headers, "body": draw(st.binary(max_size=300))}


def check_signatures(monkeypatch: pytest.MonkeyPatch, examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(requests(), CREDENTIALS, MOMENTS)
    def check(request: dict[str, Any], credentials: Credentials, at: datetime.datetime) -> None:
        service, region, headers, body = (request[name] for name in ("service", "region", "headers", "body"))
        monkeypatch.setattr(auth, "get_current_datetime", lambda: at)
        botocores = AWSRequest("POST", f"https://{headers['Host']}/", headers=headers, data=body)
        token = credentials.token or None
        auth.SigV4Auth(BotocoreCredentials(*credentials[:2], token), service, region).add_auth(botocores)

        stamp = at.strftime("%Y%m%dT%H%M%SZ")
        signed = headers | {"X-Amz-Date": stamp} | ({"X-Amz-Security-Token": token} if token else {})
        own = sign(signed, body, region=region, service=service, at=stamp, credentials=credentials)
        assert own == botocores.headers["Authorization"]

    check()


def test_requests_are_signed_as_by_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    check_signatures(monkeypatch, 400)


@pytest.mark.soak
def test_many_requests_are_signed_as_by_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    check_signatures(monkeypatch, 10_000)
