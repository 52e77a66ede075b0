"""Cognito's errors, mapped to ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from ..errors import (
    AppError,
    EmailTakenError,
    EmailUnverifiedError,
    InvalidCredentialsError,
    InvalidRequestError,
    MailQuotaError,
    RateLimitedError,
    UnavailableError,
)
from ..logs.request_facts import request_facts

DAILY_LIMIT = re.compile(r"daily (\w+ )?(limit|quota)", re.IGNORECASE)
# Errors that depend on the state of one account. Passed on, each would reveal that the account exists.
CODE_NOT_SENT = {
    "UserNotFoundException",
    "UserNotConfirmedException",
    "InvalidParameterException",  # no verified address
    "NotAuthorizedException",  # its state allows no reset
    "LimitExceededException",  # too many codes for this account; too many calls from us are TooManyRequestsException
    "CodeDeliveryFailureException",
}
CODE_NOT_RESENT = {"UserNotFoundException", "InvalidParameterException", "LimitExceededException"}
CODE_REJECTED = {
    "AliasExistsException",
    "CodeMismatchException",
    "ExpiredCodeException",
    "UserNotFoundException",
    "UserNotConfirmedException",
    "NotAuthorizedException",
    "LimitExceededException",
    "TooManyFailedAttemptsException",
}


@contextmanager
def convert_cognito_errors() -> Iterator[None]:
    """Raise an AppError for every error of Cognito, and name outages in the request's log line."""
    try:
        yield
    except ClientError as error:
        app_error = _to_app_error(error)
        if isinstance(app_error, MailQuotaError):
            request_facts().notes["mail_quota"] = "used up"
        elif isinstance(app_error, UnavailableError):
            request_facts().notes["aws_error"] = f"cognito: {error_code(error)}"
        raise app_error from error
    except BotoCoreError as error:
        request_facts().notes["aws_error"] = f"cognito: {type(error).__name__}"
        raise UnavailableError("The sign-in service did not respond. Retry the request.") from error


def _to_app_error(error: ClientError) -> AppError:
    match error_code(error):
        case _ if is_mail_quota_empty(error):
            return MailQuotaError()
        case "UsernameExistsException" | "AliasExistsException":
            return EmailTakenError("An account with this email address exists. Sign in.")
        case "InvalidPasswordException":
            return InvalidRequestError("A password has at least 10 characters.", "password")
        case "InvalidParameterException" if "'password'" in str(error.response["Error"].get("Message")):
            message = "A password has 10 to 256 characters, and neither begins nor ends with a space."
            return InvalidRequestError(message, "password")
        case "CodeMismatchException" | "ExpiredCodeException":
            return invalid_code_error()
        case "UserNotConfirmedException":
            return EmailUnverifiedError("Confirm your email address first, with the code that was sent to it.")
        case "NotAuthorizedException" if is_client_secret_wrong(error):
            return UnavailableError("The sign-in service rejected this server. Retry the request later.")
        case "NotAuthorizedException" | "UserNotFoundException" | "PasswordResetRequiredException":
            return InvalidCredentialsError(
                "The email address or the password is wrong. Try again, or ask for a code for a new password."
            )
        case "RefreshTokenReuseException" | "UnsupportedTokenTypeException":
            return InvalidCredentialsError("This refresh token was revoked or has expired. Sign in again.")
        case "InvalidParameterException":
            return InvalidRequestError("This email address cannot be used. Give another one.", "email")
        case "TooManyRequestsException" | "LimitExceededException" | "TooManyFailedAttemptsException":
            return RateLimitedError("Too many attempts. Wait 30 seconds, then try again.", retry_after_seconds=30)
        case _:
            return UnavailableError("The sign-in service rejected the request. Retry the request.")


def invalid_code_error() -> InvalidRequestError:
    """The one error for a code that is wrong, expired, used or of an unknown account.

    Used: the answer to who used it may have been lost, and a confirmed account gets no new code.
    """
    return InvalidRequestError("The code is wrong, has expired or was used. Sign in, or request a new one.", "code")


def is_mail_quota_empty(error: ClientError) -> bool:
    """Whether the mails of the day are used up, which has the code of too many requests of one account.

    Cognito says "Exceeded daily email limit for the operation or the account", SES "Daily message quota exceeded".
    """
    is_candidate = error_code(error) in ("LimitExceededException", "CodeDeliveryFailureException")
    return is_candidate and bool(DAILY_LIMIT.search(str(error)))


def is_client_secret_wrong(error: ClientError) -> bool:
    """Whether our client secret is wrong, which is a fault of the settings and not of the user."""
    return error_code(error) == "NotAuthorizedException" and "secret" in str(error).lower()


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
