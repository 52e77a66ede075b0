"""Accounts on the wire."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from .shapes import Answer, Code, Email, Name, NewName, Password, Request, Time, Token, one_of


class Register(Request):
    email: Email
    password: Password
    name: Name = ""


class Confirm(Request):
    email: Email
    code: Code


class ResendCode(Request):
    email: Email


class Login(Request):
    email: Email
    password: Annotated[str, Meta(min_length=1, max_length=256)]


class Refresh(Request):
    refresh_token: Token


class ForgotPassword(Request):
    email: Email


class ResetPassword(Request):
    email: Email
    code: Code
    password: Password


class UpdateUser(Request):
    """What of a profile may be changed; an empty name takes it away."""

    name: NewName


class Nothing(Request):
    """A body that may be left out, or be `{}`."""


class CreditSummary(Answer):
    available: int
    held: int


class User(Answer):
    user_id: str
    email: str
    created_at: Time
    credits: CreditSummary
    name: str = ""
    groups: list[str] = []


class Tokens(Answer):
    token: str
    access_token: str
    expires_in: int
    token_type: str
    refresh_token: str | UnsetType = UNSET


class Registered(Answer):
    user: User
    confirmation_required: bool
    free_credits: int
    free_credits_reason: str = ""
    token: str | UnsetType = UNSET
    access_token: str | UnsetType = UNSET
    refresh_token: str | UnsetType = UNSET
    expires_in: int | UnsetType = UNSET
    token_type: str | UnsetType = UNSET


class Confirmed(Answer):
    confirmed: bool
    free_credits: int
    free_credits_reason: str = ""


class CodeSent(Answer):
    sent: bool


class LoggedIn(Answer):
    token: str
    access_token: str
    expires_in: int
    token_type: str
    user: User
    refresh_token: str | UnsetType = UNSET


class LoggedOut(Answer):
    signed_out: bool


class PasswordReset(Answer):
    reset: bool


class AccountDeleted(Answer):
    """The account is refused from now on; `job_id` names what erases it, for questions to the owner."""

    deleted: bool
    job_id: str


class AccountExport(Answer):
    """`status`: running, done or failed. When done, `url` opens the file until `url_expires_at`; ask again for another
    address, until `available_until`."""

    export_id: str
    status: Annotated[str, one_of("running", "done", "failed")]
    created_at: Time
    bytes: int | UnsetType = UNSET
    url: str | UnsetType = UNSET
    url_expires_at: Time | UnsetType = UNSET
    available_until: Time | UnsetType = UNSET
