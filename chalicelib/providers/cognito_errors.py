"""Cognito's errors in our words."""

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
from ..logs.request_log import request_log


@contextmanager
def mapped() -> Iterator[None]:
    """Cognito's errors in our words."""
    try:
        yield
    except ClientError as error:
        ours = _in_our_words(error)
        if isinstance(ours, UnavailableError):
            request_log().notes["aws_error"] = f"cognito: {code_of(error)}"
        raise ours from error
    except BotoCoreError as error:
        request_log().notes["aws_error"] = f"cognito: {type(error).__name__}"
        raise UnavailableError("The sign-in service did not answer.") from error


def _in_our_words(error: ClientError) -> AppError:
    match code_of(error):
        case "UsernameExistsException" | "AliasExistsException":
            return EmailTakenError("An account with this email exists: sign in.")
        case "InvalidPasswordException":
            return InvalidRequestError("The password needs at least 10 characters.", "password")
        case "CodeMismatchException" | "ExpiredCodeException":
            return wrong_code()
        case "UserNotConfirmedException":
            return EmailUnverifiedError("Confirm your email first: a code was sent to it.")
        case "NotAuthorizedException" if is_our_setting(error):
            return UnavailableError("The sign-in service does not know this server.")  # Our setting, not the password.
        case "NotAuthorizedException" | "UserNotFoundException" | "PasswordResetRequiredException":
            return InvalidCredentialsError("The email or password is wrong.")
        case "RefreshTokenReuseException" | "UnsupportedTokenTypeException":
            return InvalidCredentialsError("This refresh token is no longer good: sign in again.")
        case "InvalidParameterException":
            return InvalidRequestError("The sign-in service does not take these words.", "email")
        case "TooManyRequestsException" | "LimitExceededException" | "TooManyFailedAttemptsException":
            return RateLimitedError("Too many attempts: wait a little.", retry_after_seconds=30)
        case _:
            return UnavailableError("The sign-in service refused the request.")


def wrong_code() -> InvalidRequestError:
    return InvalidRequestError("The code is wrong or too old: ask for a new one.", "code")


def is_our_setting(error: ClientError) -> bool:
    """Whether the client's secret is wrong, which is nothing that a user did."""
    return code_of(error) == "NotAuthorizedException" and "secret" in str(error).lower()


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
