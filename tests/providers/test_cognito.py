"""How Cognito's errors are mapped. tests/accounts/test_accounts.py and tests/http cover successful calls on a pool."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError
from botocore.stub import Stubber

from chalicelib.errors import AppError, InvalidRequestError, MailQuotaError, UnavailableError
from chalicelib.logs.request_facts import collect_request_facts
from chalicelib.providers.cognito import CODE_NOT_RESENT, CODE_NOT_SENT, CODE_REJECTED, Cognito

CALLS: dict[str, tuple[str, Callable[[Cognito], Any]]] = {
    "create": ("admin_create_user", lambda c: c.create_user("a@b.cd", "Ada", "temporary-password")),
    "set password": ("admin_set_user_password", lambda c: c.set_password("user", "the-password")),
    "sign up": ("sign_up", lambda c: c.sign_up("a@b.cd", "the-password", "")),
    "confirm": ("confirm_sign_up", lambda c: c.confirm("a@b.cd", "123456")),
    "resend": ("resend_confirmation_code", lambda c: c.resend_code("a@b.cd")),
    "person": ("admin_get_user", lambda c: c.person("a@b.cd")),
    "sign in": ("admin_initiate_auth", lambda c: c.sign_in("a@b.cd", "the-password")),
    "refresh": ("get_tokens_from_refresh_token", lambda c: c.refresh("the-token")),
    "sign out": ("admin_user_global_sign_out", lambda c: c.sign_out_everywhere("user")),
    "reset password": ("confirm_forgot_password", lambda c: c.reset_password("a@b.cd", "123456", "the-password")),
    "rename": ("admin_update_user_attributes", lambda c: c.rename("user", "Ada")),
    "groups": ("admin_list_groups_for_user", lambda c: c.groups("user")),
    "delete": ("admin_delete_user", lambda c: c.delete("user")),
    "send a reset code": ("forgot_password", lambda c: c.send_reset_code("a@b.cd")),
    "confirm without code": ("admin_update_user_attributes", lambda c: c.confirm_without_code("a@b.cd")),
}
# Outages, which are never the caller's fault.
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
    cognito = boto3.client(
        "cognito-idp",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield cognito
    cognito.close()


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


# Each of these errors depends on one account, and would reveal that the account exists.
HIDDEN = {
    ("resend", "LimitExceededException"),
    ("confirm", "LimitExceededException"),
    ("confirm", "TooManyFailedAttemptsException"),
    ("send a reset code", "LimitExceededException"),
    ("send a reset code", "CodeDeliveryFailureException"),
    ("reset password", "LimitExceededException"),
    ("reset password", "TooManyFailedAttemptsException"),
}


def calls_with(codes: list[str]) -> list[tuple[str, str]]:
    return [(call, code) for call in CALLS for code in codes if (call, code) not in HIDDEN]


@pytest.mark.parametrize(("call", "code"), calls_with(OUTAGES))
def test_a_failing_pool_is_never_the_callers_fault(client: Any, call: str, code: str) -> None:
    assert failure(client, call, code).code == "unavailable"


@pytest.mark.parametrize(("call", "code"), calls_with(TOO_MANY))
def test_too_many_attempts_are_answered_with_a_retry_time(client: Any, call: str, code: str) -> None:
    error = failure(client, call, code)

    assert (error.code, error.details) == ("rate_limited", {"retry_after_seconds": 30})


@pytest.mark.parametrize(
    ("call", "code", "expected"),
    [
        ("sign up", "UsernameExistsException", "email_taken"),
        ("create", "UsernameExistsException", "email_taken"),
        ("set password", "InvalidPasswordException", "invalid_request"),
        ("sign up", "InvalidPasswordException", "invalid_request"),
        ("sign up", "InvalidParameterException", "invalid_request"),
        ("confirm", "CodeMismatchException", "invalid_request"),
        ("confirm", "ExpiredCodeException", "invalid_request"),
        ("confirm", "NotAuthorizedException", "invalid_request"),
        ("confirm", "UserNotFoundException", "invalid_request"),
        ("confirm", "AliasExistsException", "invalid_request"),
        ("sign in", "NotAuthorizedException", "invalid_credentials"),
        ("sign in", "UserNotFoundException", "invalid_credentials"),
        ("sign in", "PasswordResetRequiredException", "invalid_credentials"),
        ("sign in", "UserNotConfirmedException", "email_unverified"),
        ("reset password", "InvalidPasswordException", "invalid_request"),
        ("rename", "UserNotFoundException", "unauthenticated"),
        ("refresh", "NotAuthorizedException", "invalid_credentials"),
        ("refresh", "RefreshTokenReuseException", "invalid_credentials"),
    ],
)
def test_a_mistake_of_the_caller_is_mapped_to_an_error_code(client: Any, call: str, code: str, expected: str) -> None:
    assert failure(client, call, code).code == expected


@pytest.mark.parametrize("code", sorted(CODE_NOT_RESENT))
def test_resending_a_code_does_not_reveal_whether_the_account_exists(client: Any, code: str) -> None:
    with Stubber(client) as stubber:
        stubber.add_client_error("resend_confirmation_code", code)
        assert pool(client).resend_code("a@b.cd") is False


@pytest.mark.parametrize("code", sorted(CODE_NOT_SENT))
def test_a_forgotten_password_does_not_reveal_whether_the_account_exists(client: Any, code: str) -> None:
    with Stubber(client) as stubber, collect_request_facts() as request_facts:
        stubber.add_client_error("forgot_password", code)
        assert pool(client).send_reset_code("a@b.cd") is False

    assert ("aws_error" in request_facts.notes) == (code == "CodeDeliveryFailureException")


@pytest.mark.parametrize("call", ["reset password", "confirm"])
def test_a_rejected_code_has_one_message_whether_or_not_the_account_exists(client: Any, call: str) -> None:
    errors = {str(failure(client, call, code).__dict__) for code in CODE_REJECTED}

    assert len(errors) == 1
    assert failure(client, call, "CodeMismatchException").details == {"field": "code"}


DAILY_LIMITS = [
    ("LimitExceededException", "Exceeded daily email limit for the operation or the account. If a higher limit is"
     " required, please configure your user pool to use your own Amazon SES configuration for sending email."),
    ("LimitExceededException", "Exceeded daily email limit for the operation or the account."),
    ("LimitExceededException", "Exceeded daily limit for the operation or the account."),
    ("CodeDeliveryFailureException", "Throttling: Daily message quota exceeded."),
]  # fmt: skip


@pytest.mark.parametrize(("code", "message"), DAILY_LIMITS)
@pytest.mark.parametrize("call", ["sign up", "resend", "send a reset code"])
def test_an_empty_mail_quota_is_503_with_an_alarm(client: Any, call: str, code: str, message: str) -> None:
    operation, act = CALLS[call]
    with Stubber(client) as stubber, collect_request_facts() as facts:
        stubber.add_client_error(operation, code, message)
        with pytest.raises(MailQuotaError) as raised:
            act(pool(client))

    assert (raised.value.code, raised.value.details) == ("unavailable", {"retry_after_seconds": 3_600})
    assert facts.notes == {"mail_quota": "used up"}


def test_too_many_attempts_for_one_account_are_no_empty_quota(client: Any) -> None:
    with Stubber(client) as stubber, collect_request_facts() as facts:
        stubber.add_client_error(
            "forgot_password", "LimitExceededException", "Attempt limit exceeded, please try later"
        )
        assert pool(client).send_reset_code("a@b.cd") is False
    assert facts.notes == {}


@pytest.mark.parametrize("call", ["sign up", "reset password", "set password"])
def test_a_password_that_breaks_the_pools_pattern_names_its_field(client: Any, call: str) -> None:
    operation, act = CALLS[call]
    message = "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must satisfy"
    with Stubber(client) as stubber:
        stubber.add_client_error(operation, "InvalidParameterException", message)
        with pytest.raises(InvalidRequestError) as raised:
            act(pool(client))
    assert raised.value.details == {"field": "password"}


KEYED = ["sign up", "confirm", "resend", "sign in", "refresh", "reset password", "send a reset code"]


@pytest.mark.parametrize("call", KEYED)
def test_a_wrong_client_secret_is_an_outage(client: Any, call: str) -> None:
    operation, act = CALLS[call]
    with Stubber(client) as stubber:
        stubber.add_client_error(operation, "NotAuthorizedException", "Unable to verify secret hash for client")
        with pytest.raises(UnavailableError):
            act(pool(client))


@pytest.mark.parametrize("call", ["delete", "sign out"])
def test_deleting_or_signing_out_a_deleted_account_succeeds(client: Any, call: str) -> None:
    operation, act = CALLS[call]
    with Stubber(client) as stubber:
        stubber.add_client_error(operation, "UserNotFoundException")
        act(pool(client))


def test_an_account_with_a_pending_challenge_cannot_sign_in(client: Any) -> None:
    with Stubber(client) as stubber:
        stubber.add_response("admin_initiate_auth", {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "s" * 20})
        with pytest.raises(AppError) as raised:
            pool(client).sign_in("a@b.cd", "the-password")
    assert raised.value.code == "invalid_credentials"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("error", [EndpointConnectionError(endpoint_url="x"), ConnectTimeoutError(endpoint_url="x")])
def test_a_pool_that_does_not_respond_is_unavailable(client: Any, call: str, error: Exception) -> None:
    def broken(**_: Any) -> None:
        raise error

    client.meta.events.register("before-send", broken)
    _, act = CALLS[call]
    with pytest.raises(AppError) as raised:
        act(pool(client))
    assert raised.value.code == "unavailable"
