"""The Cognito user pool: accounts, passwords, codes and tokens. Passwords are stored nowhere else.

The pool's client has a secret and allows only the server's sign-in flow, so nobody can sign in past our rate limits.
Email addresses are lower-cased before they get here.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from ..errors import InvalidCredentialsError, InvalidRequestError, UnauthenticatedError
from ..logs.request_facts import request_facts
from ..models.accounts import Account
from .cognito_errors import (
    CODE_NOT_RESENT,
    CODE_NOT_SENT,
    CODE_REJECTED,
    convert_cognito_errors,
    error_code,
    invalid_code_error,
    is_client_secret_wrong,
    is_mail_quota_empty,
)


@dataclass(frozen=True)
class SignIn:
    """The tokens of a sign-in. `refresh_token` is empty where the previous one stays valid."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_seconds: int


@dataclass(frozen=True)
class Person:
    """The user of an account. Without a password, its sign-up was not finished."""

    user_id: str
    email: str
    name: str
    is_confirmed: bool = True
    has_password: bool = True


class Cognito:
    """The user pool. Every call raises UnavailableError when Cognito fails, RateLimitedError when it throttles."""

    def __init__(self, client: Any, user_pool_id: str, client_id: str, client_secret: str):
        self._client, self._pool = client, user_pool_id
        self._client_id, self._client_secret = client_id, client_secret

    def sign_up(self, email: str, password: str, name: str) -> str:
        """Create an account and email a code. Returns its user id.

        Raises EmailTakenError, InvalidRequestError (password), MailQuotaError; then the account may exist.
        """
        attributes = _new_attributes(email, name)
        with convert_cognito_errors():
            response = self._client.sign_up(
                **self._client_parameters(email), Username=email, Password=password, UserAttributes=attributes
            )
        return str(response["UserSub"])

    def create_user(self, email: str, name: str, temporary_password: str) -> str:
        """Create a confirmed account with a password that opens nothing, and email nothing. Returns its user id.

        Raises EmailTakenError.
        """
        attributes = [*_new_attributes(email, name), {"Name": "email_verified", "Value": "true"}]
        with convert_cognito_errors():
            response = self._client.admin_create_user(
                UserPoolId=self._pool,
                Username=email,
                UserAttributes=attributes,
                TemporaryPassword=temporary_password,
                MessageAction="SUPPRESS",
            )
        return _attributes(response["User"]["Attributes"])["sub"]

    def set_password(self, username: str, password: str) -> None:
        """Set the password of a user id or an email address, and confirm the account. Raises InvalidRequestError."""
        with convert_cognito_errors():
            self._client.admin_set_user_password(
                UserPoolId=self._pool, Username=username, Password=password, Permanent=True
            )

    def confirm_without_code(self, email: str) -> None:
        """Confirm the account and mark its address as verified, on stages that send no email. May run twice."""
        attributes = [{"Name": "email_verified", "Value": "true"}]
        with convert_cognito_errors():
            # The attribute first: a confirmed account never runs this step again.
            self._client.admin_update_user_attributes(UserPoolId=self._pool, Username=email, UserAttributes=attributes)
            try:
                self._client.admin_confirm_sign_up(UserPoolId=self._pool, Username=email)
            except ClientError as error:
                if error_code(error) != "NotAuthorizedException":  # "Current status is CONFIRMED"
                    raise

    def confirm(self, email: str, code: str) -> None:
        """Confirm the account with an emailed code.

        Raises InvalidRequestError, alike for a wrong or expired code, a confirmed account, and an unknown address.
        """
        with convert_cognito_errors():
            try:
                self._client.confirm_sign_up(**self._client_parameters(email), Username=email, ConfirmationCode=code)
            except ClientError as error:
                if error_code(error) not in CODE_REJECTED or is_client_secret_wrong(error):
                    raise
                raise invalid_code_error() from error

    def resend_code(self, email: str) -> bool:
        """Email a new code, if the account is to be confirmed; return whether it may have been sent."""
        with convert_cognito_errors():
            try:
                self._client.resend_confirmation_code(**self._client_parameters(email), Username=email)
            except ClientError as error:
                if error_code(error) not in CODE_NOT_RESENT or is_mail_quota_empty(error):
                    raise
                return False
        return True

    def send_reset_code(self, email: str) -> bool:
        """Email a code for setting a new password, if the account exists; return whether it may have been sent."""
        with convert_cognito_errors():
            try:
                self._client.forgot_password(**self._client_parameters(email), Username=email)
            except ClientError as error:
                is_hidden = error_code(error) in CODE_NOT_SENT and not is_mail_quota_empty(error)
                if not is_hidden or is_client_secret_wrong(error):
                    raise
                if error_code(error) == "CodeDeliveryFailureException":  # Only our log may show this outage.
                    request_facts().notes["aws_error"] = f"cognito: {error_code(error)}"
                return False
        return True

    def reset_password(self, email: str, code: str, password: str) -> None:
        """Set a new password with an emailed code. Raises InvalidRequestError, also for an unknown address."""
        with convert_cognito_errors():
            try:
                self._client.confirm_forgot_password(
                    **self._client_parameters(email), Username=email, ConfirmationCode=code, Password=password
                )
            except ClientError as error:
                if error_code(error) not in CODE_REJECTED or is_client_secret_wrong(error):
                    raise
                raise invalid_code_error() from error

    def rename(self, user_id: str, name: str) -> None:
        """Set the user's name; empty removes it. Raises UnauthenticatedError if the account was deleted."""
        attributes = [{"Name": "name", "Value": name}]
        with convert_cognito_errors():
            try:
                self._client.admin_update_user_attributes(
                    UserPoolId=self._pool, Username=user_id, UserAttributes=attributes
                )
            except ClientError as error:
                if error_code(error) != "UserNotFoundException":
                    raise
                raise UnauthenticatedError(
                    "This account was deleted. Register again to use the service.", "signed_out"
                ) from error

    def delete(self, user_id: str) -> None:
        """Delete the account and its refresh tokens; its address becomes available again. May run twice."""
        with convert_cognito_errors():
            try:
                self._client.admin_delete_user(UserPoolId=self._pool, Username=user_id)
            except ClientError as error:
                if error_code(error) != "UserNotFoundException":
                    raise

    def person(self, email: str) -> Person:
        """The user with this address. Raises InvalidCredentialsError if there is none."""
        with convert_cognito_errors():
            response = self._client.admin_get_user(UserPoolId=self._pool, Username=email)
        attributes, status = _attributes(response["UserAttributes"]), response["UserStatus"]
        return Person(
            attributes["sub"],
            attributes.get("email", email),
            attributes.get("name", ""),
            is_confirmed=status != "UNCONFIRMED",
            has_password=status != "FORCE_CHANGE_PASSWORD",
        )

    def groups(self, user_id: str) -> list[str]:
        """The groups of the user; none of a deleted one."""
        with convert_cognito_errors():
            try:
                response = self._client.admin_list_groups_for_user(UserPoolId=self._pool, Username=user_id)
            except ClientError as error:
                if error_code(error) != "UserNotFoundException":
                    raise
                return []
        return [group["GroupName"] for group in response["Groups"]]

    def accounts(self, email: str, user_id: str, limit: int, after: str) -> tuple[list[Account], str]:
        """A page of accounts, and the `after` of the next page.

        Lists the accounts whose address begins with `email`, the account with `user_id`, or all. `email` and `user_id`
        contain neither quotes nor backslashes. Raises InvalidRequestError if `after` has expired.
        """
        parameters: dict[str, Any] = {"Limit": limit}
        if email or user_id:
            parameters["Filter"] = f'sub = "{user_id}"' if user_id else f'email ^= "{email}"'
        if after:
            parameters["PaginationToken"] = after
        with convert_cognito_errors():
            try:
                response = self._client.list_users(UserPoolId=self._pool, **parameters)
            except ClientError as error:
                if error_code(error) != "InvalidParameterException":
                    raise
                raise InvalidRequestError("This cursor has expired. Start from the first page.", "cursor") from error
        return [_to_account(user) for user in response["Users"]], str(response.get("PaginationToken") or "")

    def sign_in(self, email: str, password: str) -> SignIn:
        """Tokens for a password. Raises InvalidCredentialsError, or EmailUnverifiedError before confirmation."""
        return _to_sign_in(self._try_password(email, password))

    def is_temporary_password(self, email: str, password: str) -> bool:
        """Whether the account was created with this password, less than a week ago, and got no other since."""
        try:
            return self._try_password(email, password).get("ChallengeName") == "NEW_PASSWORD_REQUIRED"
        except InvalidCredentialsError:
            return False

    def refresh(self, refresh_token: str) -> SignIn:
        """Tokens for a refresh token. Raises InvalidCredentialsError if it was revoked or has expired."""
        try:
            with convert_cognito_errors():
                response = self._client.get_tokens_from_refresh_token(
                    RefreshToken=refresh_token, ClientId=self._client_id, ClientSecret=self._client_secret
                )
        except InvalidCredentialsError as error:
            raise InvalidCredentialsError("This refresh token was revoked or has expired. Sign in again.") from error
        return _to_sign_in(response)

    def sign_out_everywhere(self, user_id: str) -> None:
        """Revoke all refresh tokens of the account. A deleted account has none."""
        with convert_cognito_errors():
            try:
                self._client.admin_user_global_sign_out(UserPoolId=self._pool, Username=user_id)
            except ClientError as error:
                if error_code(error) != "UserNotFoundException":
                    raise

    def _try_password(self, email: str, password: str) -> dict[str, Any]:
        credentials = {"USERNAME": email, "PASSWORD": password, "SECRET_HASH": self._secret_hash(email)}
        with convert_cognito_errors():
            return self._client.admin_initiate_auth(  # type: ignore[no-any-return]
                UserPoolId=self._pool,
                ClientId=self._client_id,
                AuthFlow="ADMIN_USER_PASSWORD_AUTH",
                AuthParameters=credentials,
            )

    def _client_parameters(self, email: str) -> dict[str, str]:
        return {"ClientId": self._client_id, "SecretHash": self._secret_hash(email)}

    def _secret_hash(self, username: str) -> str:
        """Source: Amazon Cognito developer guide, "Computing secret hash values"."""
        digest = hmac.new(self._client_secret.encode(), (username + self._client_id).encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()


def _new_attributes(email: str, name: str) -> list[dict[str, str]]:
    return [{"Name": "email", "Value": email}] + ([{"Name": "name", "Value": name}] if name else [])


def _attributes(items: list[dict[str, str]]) -> dict[str, str]:
    return {item["Name"]: item["Value"] for item in items}


def _to_account(user: dict[str, Any]) -> Account:
    attributes = _attributes(user["Attributes"])
    return Account(
        user_id=attributes["sub"],
        email=attributes.get("email", ""),
        name=attributes.get("name", ""),
        created_at=int(user["UserCreateDate"].timestamp()),
        is_confirmed=user["UserStatus"] != "UNCONFIRMED",
    )


def _to_sign_in(response: dict[str, Any]) -> SignIn:
    result = response.get("AuthenticationResult")
    if not result:  # A challenge, such as a forced new password: this backend offers no flow for it.
        raise InvalidCredentialsError("This account cannot sign in with a password alone. Reset the password.")
    return SignIn(result["IdToken"], result["AccessToken"], result.get("RefreshToken", ""), result["ExpiresIn"])
