"""Cognito's errors, mapped to ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from ..errors import (
    AppError,
    EmailTakenError,
    EmailUnverifiedError,
    InvalidCredentialsError,
    InvalidRequestError,
    RateLimitedError,
    UnavailableError,
)
from ..logs.request_facts import request_facts


@contextmanager
def convert_cognito_errors() -> Iterator[None]:
    """Raise an AppError for every error of Cognito, and name outages in the request's log line."""
    try:
        yield
    except ClientError as error:
        app_error = _to_app_error(error)
        if isinstance(app_error, UnavailableError):
            request_facts().notes["aws_error"] = f"cognito: {error_code(error)}"
        raise app_error from error
    except BotoCoreError as error:
        request_facts().notes["aws_error"] = f"cognito: {type(error).__name__}"
        raise UnavailableError("The sign-in service did not respond.") from error


def _to_app_error(error: ClientError) -> AppError:
    match error_code(error):
        case "UsernameExistsException" | "AliasExistsException":
            return EmailTakenError("An account with this email address exists. Sign in.")
        case "InvalidPasswordException":
            return InvalidRequestError("A password has at least 10 characters.", "password")
        case "CodeMismatchException" | "ExpiredCodeException":
            return invalid_code_error()
        case "UserNotConfirmedException":
            return EmailUnverifiedError("Confirm your email address first, with the code that was sent to it.")
        case "NotAuthorizedException" if is_client_secret_wrong(error):
            return UnavailableError("The sign-in service rejected this server.")
        case "NotAuthorizedException" | "UserNotFoundException" | "PasswordResetRequiredException":
            return InvalidCredentialsError("The email address or the password is wrong.")
        case "RefreshTokenReuseException" | "UnsupportedTokenTypeException":
            return InvalidCredentialsError("This refresh token was revoked or has expired. Sign in again.")
        case "InvalidParameterException":
            return InvalidRequestError("The sign-in service rejected the email address or the password.", "email")
        case "TooManyRequestsException" | "LimitExceededException" | "TooManyFailedAttemptsException":
            return RateLimitedError("Too many attempts. Wait 30 seconds, then try again.", retry_after_seconds=30)
        case _:
            return UnavailableError("The sign-in service rejected the request.")


def invalid_code_error() -> InvalidRequestError:
    """The one error for a code that is wrong, expired or of an unknown account."""
    return InvalidRequestError("The code is wrong or has expired. Request a new one.", "code")


def is_client_secret_wrong(error: ClientError) -> bool:
    """Whether our client secret is wrong, which is a fault of the settings and not of the user."""
    return error_code(error) == "NotAuthorizedException" and "secret" in str(error).lower()


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
