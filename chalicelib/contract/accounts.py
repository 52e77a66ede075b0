"""Accounts: sign-up, sign-in, the profile, deletion and export."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from .base import (
    Code,
    CurrentPassword,
    Email,
    Name,
    OrNull,
    Password,
    RequestShape,
    ResponseShape,
    Time,
    Token,
    one_of,
)


class CreditSummary(ResponseShape, kw_only=True):
    available: int
    held: int


class User(ResponseShape, kw_only=True):
    user_id: str
    email: str
    created_at: Time
    credits: CreditSummary
    name: str = ""
    groups: list[str] = []


class Register(RequestShape, kw_only=True):
    email: Email
    password: Password
    name: OrNull[Name] = ""


class Registered(ResponseShape, kw_only=True):
    user: User
    confirmation_required: bool
    free_credits: int
    free_credits_reason: str = ""
    token: str | UnsetType = UNSET
    access_token: str | UnsetType = UNSET
    refresh_token: str | UnsetType = UNSET
    expires_in: int | UnsetType = UNSET
    token_type: str | UnsetType = UNSET


class Confirm(RequestShape, kw_only=True):
    """`password`: of the account from now on. Always send the one that the user chose: otherwise that of the sign-up
    opens the account only if sign-up and code come from one network, because others may have registered the address."""

    email: Email
    code: Code
    password: Password | None = None


class Confirmed(ResponseShape, kw_only=True):
    """`password_required`: no password opens the account yet, because none came with the code. Send the same code again
    with one, within 15 minutes, or set one with a code of `POST /auth/forgot-password`."""

    confirmed: bool
    free_credits: int
    free_credits_reason: str = ""
    password_required: bool = False


class ResendCode(RequestShape, kw_only=True):
    email: Email


class CodeSent(ResponseShape, kw_only=True):
    sent: bool


class Login(RequestShape, kw_only=True):
    email: Email
    password: CurrentPassword


class LoggedIn(ResponseShape, kw_only=True):
    token: str
    access_token: str
    expires_in: int
    token_type: str
    user: User
    refresh_token: str | UnsetType = UNSET


class Refresh(RequestShape, kw_only=True):
    refresh_token: Token


class Tokens(ResponseShape, kw_only=True):
    token: str
    access_token: str
    expires_in: int
    token_type: str
    refresh_token: str | UnsetType = UNSET


class LoggedOut(ResponseShape, kw_only=True):
    signed_out: bool


class ForgotPassword(RequestShape, kw_only=True):
    email: Email


class ResetPassword(RequestShape, kw_only=True):
    email: Email
    code: Code
    password: Password


class PasswordReset(ResponseShape, kw_only=True):
    reset: bool


class UpdateUser(RequestShape, kw_only=True):
    """The changes to a profile. An empty name, or null, removes the name."""

    name: OrNull[Name]

    def __post_init__(self) -> None:
        self.name = self.name or ""
        super().__post_init__()


class AccountDeleted(ResponseShape, kw_only=True):
    """Every call of the account is refused from now on. `job_id` names the job that erases its data."""

    deleted: bool
    job_id: str


class AccountExport(ResponseShape, kw_only=True):
    """An export. When it is `done`, `url` downloads the file until `url_expires_at`; request the export again for a new
    address, until `available_until`."""

    export_id: str
    status: Annotated[str, one_of("running", "done", "failed")]
    created_at: Time
    bytes: int | UnsetType = UNSET
    url: str | UnsetType = UNSET
    url_expires_at: Time | UnsetType = UNSET
    available_until: Time | UnsetType = UNSET
