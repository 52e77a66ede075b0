"""Cognito's errors in our words. The good paths run on a real pool in tests/test_account.py and tests/http."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError
from botocore.stub import Stubber

from chalicelib.errors import AppError
from chalicelib.providers.cognito import Cognito

CALLS: dict[str, tuple[str, Callable[[Cognito], Any]]] = {
    "sign up": ("sign_up", lambda c: c.sign_up("a@b.cd", "the-password", "")),
    "confirm": ("confirm_sign_up", lambda c: c.confirm("a@b.cd", "123456")),
    "resend": ("resend_confirmation_code", lambda c: c.resend_code("a@b.cd")),
    "person": ("admin_get_user", lambda c: c.person("a@b.cd")),
    "sign in": ("admin_initiate_auth", lambda c: c.sign_in("a@b.cd", "the-password")),
    "refresh": ("get_tokens_from_refresh_token", lambda c: c.refresh("the-token")),
    "sign out": ("admin_user_global_sign_out", lambda c: c.sign_out_everywhere("user")),
    "confirm without code": ("admin_update_user_attributes", lambda c: c.confirm_without_code("a@b.cd")),
}
# Ours to mend: they never blame the caller.
OUTAGES = [
    "InternalErrorException",
    "ResourceNotFoundException",
    "AccessDeniedException",
    "UnrecognizedClientException",
]
OUTAGES += ["InvalidLambdaResponseException", "CodeDeliveryFailureException", "ServiceUnavailable", "ExpiredToken"]
TOO_MANY = ["TooManyRequestsException", "LimitExceededException", "TooManyFailedAttemptsException"]


@pytest.fixture
def client() -> Iterator[Any]:
    made = boto3.client(
        "cognito-idp",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield made
    made.close()


def pool(client: Any) -> Cognito:
    return Cognito(client, "us-east-1_pool", "client", "a secret as long as they are")


def failure(client: Any, call: str, code: str) -> AppError:
    operation, act = CALLS[call]
    with Stubber(client) as stubber:
        stubber.add_client_error(operation, code, "the-password was wrong")
        with pytest.raises(AppError) as raised:
            act(pool(client))
    assert "the-password" not in raised.value.message
    return raised.value


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("code", OUTAGES)
def test_a_failing_pool_is_never_the_callers_fault(client: Any, call: str, code: str) -> None:
    assert failure(client, call, code).code == "unavailable"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("code", TOO_MANY)
def test_too_many_attempts_are_told_when_to_come_back(client: Any, call: str, code: str) -> None:
    error = failure(client, call, code)

    assert (error.code, error.details) == ("rate_limited", {"retry_after_seconds": 30})


@pytest.mark.parametrize(
    ("call", "code", "ours"),
    [
        ("sign up", "UsernameExistsException", "email_taken"),
        ("sign up", "InvalidPasswordException", "invalid_request"),
        ("sign up", "InvalidParameterException", "invalid_request"),
        ("confirm", "CodeMismatchException", "invalid_request"),
        ("confirm", "ExpiredCodeException", "invalid_request"),
        ("confirm", "NotAuthorizedException", "invalid_request"),
        ("confirm", "AliasExistsException", "email_taken"),
        ("sign in", "NotAuthorizedException", "invalid_credentials"),
        ("sign in", "UserNotFoundException", "invalid_credentials"),
        ("sign in", "PasswordResetRequiredException", "invalid_credentials"),
        ("sign in", "UserNotConfirmedException", "email_unverified"),
        ("refresh", "NotAuthorizedException", "invalid_credentials"),
        ("refresh", "RefreshTokenReuseException", "invalid_credentials"),
    ],
)
def test_what_the_caller_did_wrong_has_its_name(client: Any, call: str, code: str, ours: str) -> None:
    assert failure(client, call, code).code == ours


@pytest.mark.parametrize("code", ["UserNotFoundException", "InvalidParameterException"])
def test_asking_for_a_code_never_tells_that_nobody_is_there(client: Any, code: str) -> None:
    with Stubber(client) as stubber:
        stubber.add_client_error("resend_confirmation_code", code)
        pool(client).resend_code("a@b.cd")


def test_an_account_that_must_answer_a_challenge_cannot_sign_in(client: Any) -> None:
    with Stubber(client) as stubber:
        stubber.add_response("admin_initiate_auth", {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "s" * 20})
        with pytest.raises(AppError) as raised:
            pool(client).sign_in("a@b.cd", "the-password")
    assert raised.value.code == "invalid_credentials"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("error", [EndpointConnectionError(endpoint_url="x"), ConnectTimeoutError(endpoint_url="x")])
def test_a_pool_that_does_not_answer_is_unavailable(client: Any, call: str, error: Exception) -> None:
    def broken(**_: Any) -> None:
        raise error

    client.meta.events.register("before-send", broken)
    _, act = CALLS[call]
    with pytest.raises(AppError) as raised:
        act(pool(client))
    assert raised.value.code == "unavailable"
