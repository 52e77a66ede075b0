"""Cognito: who may sign in. Passwords live there and nowhere else.

The client has a secret and allows only the server's own sign-in flow, so nobody signs in past our limits. Addresses are
lower-cased before they get here.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from ..errors import InvalidCredentialsError, InvalidRequestError, UnauthenticatedError
from ..logs.request_log import request_log
from ..models.accounts import Account
from .cognito_errors import code_of, is_our_setting, mapped, wrong_code

# What asking for a code, or using one, answers about one account alone: told on, each would say that there is one.
NOBODY_TO_MAIL = {
    "UserNotFoundException",
    "UserNotConfirmedException",
    "InvalidParameterException",  # no address that is verified
    "NotAuthorizedException",  # its state allows no reset
    "LimitExceededException",  # too many codes for this account; too many calls of ours are TooManyRequestsException
    "CodeDeliveryFailureException",
}
NOT_THE_CODE = {
    "CodeMismatchException",
    "ExpiredCodeException",
    "UserNotFoundException",
    "UserNotConfirmedException",
    "NotAuthorizedException",
    "LimitExceededException",
    "TooManyFailedAttemptsException",
}


@dataclass(frozen=True)
class SignIn:
    """What Cognito gives for a password or a refresh token. `refresh_token` is empty where the old one stays good."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_seconds: int


@dataclass(frozen=True)
class Person:
    """An account as Cognito knows it."""

    user_id: str
    email: str
    name: str


class Cognito:
    """The user pool."""

    def __init__(self, client: Any, user_pool_id: str, client_id: str, client_secret: str):
        self._client, self._pool = client, user_pool_id
        self._client_id, self._client_secret = client_id, client_secret

    def sign_up(self, email: str, password: str, name: str) -> str:
        """The new account's user id. Raises EmailTakenError, or InvalidRequestError for a weak password."""
        attributes = [{"Name": "email", "Value": email}] + ([{"Name": "name", "Value": name}] if name else [])
        with mapped():
            answer = self._client.sign_up(
                **self._client_words(email), Username=email, Password=password, UserAttributes=attributes
            )
        return str(answer["UserSub"])

    def confirm_without_code(self, email: str) -> None:
        """Confirm the account and count its address as verified: for stages that send no mail. Twice is fine."""
        attributes = [{"Name": "email_verified", "Value": "true"}]
        with mapped():
            # The attribute first: once the account is confirmed nobody comes back to this step.
            self._client.admin_update_user_attributes(UserPoolId=self._pool, Username=email, UserAttributes=attributes)
            try:
                self._client.admin_confirm_sign_up(UserPoolId=self._pool, Username=email)
            except ClientError as error:
                if code_of(error) != "NotAuthorizedException":  # "Current status is CONFIRMED"
                    raise

    def confirm(self, email: str, code: str) -> None:
        """Confirm with the code that was mailed. Raises InvalidRequestError for a wrong or old one."""
        with mapped():
            try:
                self._client.confirm_sign_up(**self._client_words(email), Username=email, ConfirmationCode=code)
            except ClientError as error:
                if code_of(error) == "UserNotFoundException":
                    raise wrong_code() from error
                if code_of(error) != "NotAuthorizedException" or is_our_setting(error):
                    raise
                raise InvalidRequestError("This account is confirmed already, or locked: sign in.", "email") from error

    def resend_code(self, email: str) -> None:
        """Mail a new code. Says nothing about whether the account exists."""
        with mapped():
            try:
                self._client.resend_confirmation_code(**self._client_words(email), Username=email)
            except ClientError as error:
                if code_of(error) not in {"UserNotFoundException", "InvalidParameterException"}:
                    raise

    def mail_reset_code(self, email: str) -> None:
        """Mail a code that a new password is set with. Says nothing about whether the account exists."""
        with mapped():
            try:
                self._client.forgot_password(**self._client_words(email), Username=email)
            except ClientError as error:
                if code_of(error) not in NOBODY_TO_MAIL or is_our_setting(error):
                    raise
                if code_of(error) == "CodeDeliveryFailureException":  # An outage that only our log may tell of.
                    request_log().notes["aws_error"] = f"cognito: {code_of(error)}"

    def reset_password(self, email: str, code: str, password: str) -> None:
        """Set a password with the mailed code. Raises InvalidRequestError, also where nobody has the address."""
        with mapped():
            try:
                self._client.confirm_forgot_password(
                    **self._client_words(email), Username=email, ConfirmationCode=code, Password=password
                )
            except ClientError as error:
                if code_of(error) not in NOT_THE_CODE or is_our_setting(error):
                    raise
                raise wrong_code() from error

    def rename(self, user_id: str, name: str) -> None:
        """Call the person so; an empty name is none. Raises UnauthenticatedError where the account is gone."""
        attributes = [{"Name": "name", "Value": name}]
        with mapped():
            try:
                self._client.admin_update_user_attributes(
                    UserPoolId=self._pool, Username=user_id, UserAttributes=attributes
                )
            except ClientError as error:
                if code_of(error) != "UserNotFoundException":
                    raise
                raise UnauthenticatedError("This account was deleted.", "signed_out") from error

    def delete(self, user_id: str) -> None:
        """End the account and all its refresh tokens; its address is free again. Twice is fine."""
        with mapped():
            try:
                self._client.admin_delete_user(UserPoolId=self._pool, Username=user_id)
            except ClientError as error:
                if code_of(error) != "UserNotFoundException":
                    raise

    def person(self, email: str) -> Person:
        """The account of this address. Raises InvalidCredentialsError if there is none."""
        with mapped():
            answer = self._client.admin_get_user(UserPoolId=self._pool, Username=email)
        words = {attribute["Name"]: attribute["Value"] for attribute in answer["UserAttributes"]}
        return Person(words["sub"], words.get("email", email), words.get("name", ""))

    def accounts(self, email: str, user_id: str, limit: int, after: str) -> tuple[list[Account], str]:
        """Accounts whose address begins with `email`, the one with this id, or all; and where the next page starts.

        `email` and `user_id` hold neither quotes nor backslashes. Raises InvalidRequestError for an `after` that is
        over, UnavailableError.
        """
        words: dict[str, Any] = {"Limit": limit}
        if email or user_id:
            words["Filter"] = f'sub = "{user_id}"' if user_id else f'email ^= "{email}"'
        if after:
            words["PaginationToken"] = after
        with mapped():
            try:
                answer = self._client.list_users(UserPoolId=self._pool, **words)
            except ClientError as error:
                if code_of(error) != "InvalidParameterException":
                    raise
                raise InvalidRequestError("The list does not go on from here any more.", "cursor") from error
        return [_account(one) for one in answer["Users"]], str(answer.get("PaginationToken") or "")

    def sign_in(self, email: str, password: str) -> SignIn:
        """Tokens for a password. Raises InvalidCredentialsError, or EmailUnverifiedError where only the code lacks."""
        words = {"USERNAME": email, "PASSWORD": password, "SECRET_HASH": self._secret_hash(email)}
        with mapped():
            answer = self._client.admin_initiate_auth(
                UserPoolId=self._pool,
                ClientId=self._client_id,
                AuthFlow="ADMIN_USER_PASSWORD_AUTH",
                AuthParameters=words,
            )
        return _sign_in(answer)

    def refresh(self, refresh_token: str) -> SignIn:
        """Tokens for a refresh token. Raises InvalidCredentialsError for one that is revoked or over."""
        try:
            with mapped():
                answer = self._client.get_tokens_from_refresh_token(
                    RefreshToken=refresh_token, ClientId=self._client_id, ClientSecret=self._client_secret
                )
        except InvalidCredentialsError as error:
            raise InvalidCredentialsError("This refresh token is no longer good: sign in again.") from error
        return _sign_in(answer)

    def sign_out_everywhere(self, user_id: str) -> None:
        """End all refresh tokens of the account; one that is gone has none."""
        with mapped():
            try:
                self._client.admin_user_global_sign_out(UserPoolId=self._pool, Username=user_id)
            except ClientError as error:
                if code_of(error) != "UserNotFoundException":
                    raise

    def _client_words(self, email: str) -> dict[str, str]:
        return {"ClientId": self._client_id, "SecretHash": self._secret_hash(email)}

    def _secret_hash(self, username: str) -> str:
        """Source: Amazon Cognito developer guide, "Computing secret hash values"."""
        digest = hmac.new(self._client_secret.encode(), (username + self._client_id).encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()


def _account(one: dict[str, Any]) -> Account:
    words = {attribute["Name"]: attribute["Value"] for attribute in one["Attributes"]}
    return Account(
        user_id=words["sub"],
        email=words.get("email", ""),
        name=words.get("name", ""),
        created_at=int(one["UserCreateDate"].timestamp()),
        is_confirmed=one["UserStatus"] != "UNCONFIRMED",
    )


def _sign_in(answer: dict[str, Any]) -> SignIn:
    result = answer.get("AuthenticationResult")
    if not result:  # A challenge, such as a forced new password: this backend offers no flow for it.
        raise InvalidCredentialsError("This account cannot sign in with a password alone.")
    return SignIn(result["IdToken"], result["AccessToken"], result.get("RefreshToken", ""), result["ExpiresIn"])
