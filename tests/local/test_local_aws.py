"""The resource stack in the emulated AWS: a second deployment changes nothing, data is kept across restarts."""

import base64
import hashlib
import hmac
import json
import stat
import urllib.request

import pytest
from botocore.exceptions import ClientError

from scripts.local.aws import DeployError, LocalAws, deploy

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def settings(aws):
    return aws.settings()


def sign_in(aws, settings, email, password, flow="ADMIN_USER_PASSWORD_AUTH", secret=None):
    secret = secret or settings["COGNITO_CLIENT_SECRET"]
    digest = hmac.new(secret.encode(), (email + settings["COGNITO_CLIENT_ID"]).encode(), hashlib.sha256).digest()
    response = aws.client("cognito-idp").admin_initiate_auth(
        UserPoolId=settings["COGNITO_USER_POOL_ID"],
        ClientId=settings["COGNITO_CLIENT_ID"],
        AuthFlow=flow,
        AuthParameters={"USERNAME": email, "PASSWORD": password, "SECRET_HASH": base64.b64encode(digest).decode()},
    )
    return response["AuthenticationResult"]


def decode_claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_deploying_again_changes_nothing(aws, settings):
    assert aws.settings() == settings


def test_the_error_of_an_invalid_template_has_the_reason(aws, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("Resources: {Pool: {Type: 'AWS::Nothing::Here'}}")

    with pytest.raises(DeployError, match="Nothing"):
        deploy(aws.client("cloudformation"), broken)


def test_the_tables_match_the_data_model(aws, settings):
    ledger = aws.client("dynamodb").describe_table(TableName=settings["LEDGER_TABLE"])["Table"]
    (index,) = ledger["GlobalSecondaryIndexes"]

    assert settings["LEDGER_TABLE"] == "live-transcription-local-ledger"
    assert settings["APP_TABLE"] == "live-transcription-local-app"
    assert [key["AttributeName"] for key in ledger["KeySchema"]] == ["pk", "sk"]
    assert index["IndexName"] == "open_holds"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["open_shard", "sweep_at"]
    assert ledger["LatestStreamArn"] == settings["LEDGER_STREAM_ARN"]
    assert ledger["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"


def test_the_client_accepts_one_flow_and_its_own_secret_only(aws, settings):
    aws.ensure_admin(settings["COGNITO_USER_POOL_ID"], "flows@example.com", PASSWORD)

    assert sign_in(aws, settings, "flows@example.com", PASSWORD)["IdToken"]
    with pytest.raises(ClientError, match="NotAuthorized"):
        sign_in(aws, settings, "flows@example.com", PASSWORD, secret="another")
    with pytest.raises(ClientError, match="AuthFlow"):
        sign_in(aws, settings, "flows@example.com", PASSWORD, flow="USER_PASSWORD_AUTH")


def test_the_administrator_is_in_the_admins_group_and_verified(aws, settings):
    aws.ensure_admin(settings["COGNITO_USER_POOL_ID"], "admin@example.com", "another password")
    aws.ensure_admin(settings["COGNITO_USER_POOL_ID"], "admin@example.com", PASSWORD)

    claims = decode_claims(sign_in(aws, settings, "admin@example.com", PASSWORD)["IdToken"])

    assert claims["cognito:groups"] == ["admins"]
    assert claims["email_verified"] in (True, "true")


def test_tokens_can_be_verified_with_the_published_keys(aws, settings):
    with urllib.request.urlopen(settings["COGNITO_JWKS_URL"], timeout=60) as response:
        keys = json.load(response)["keys"]

    assert {key["alg"] for key in keys} == {"RS256"}


def test_the_aws_account_of_the_user_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-another-account")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    with LocalAws(tmp_path) as aws:
        assert aws.client("dynamodb").list_tables()["TableNames"] == []


def test_kept_state_survives_a_restart_and_is_private(tmp_path):
    with LocalAws(tmp_path / "state", keep_state=True) as first:
        before = first.settings()
        first.ensure_admin(before["COGNITO_USER_POOL_ID"], "ada@example.com", PASSWORD)
        first.client("dynamodb").put_item(TableName=before["APP_TABLE"], Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
        old_claims = decode_claims(sign_in(first, before, "ada@example.com", PASSWORD)["IdToken"])

    with LocalAws(tmp_path / "state", keep_state=True, port=first.port) as second:
        after = second.settings()
        items = second.client("dynamodb").scan(TableName=after["APP_TABLE"])["Items"]
        new_claims = decode_claims(sign_in(second, after, "ada@example.com", PASSWORD)["IdToken"])

    assert after == before
    assert items == [{"pk": {"S": "a"}, "sk": {"S": "b"}}]
    assert new_claims["sub"] == old_claims["sub"]
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
