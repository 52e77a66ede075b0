"""Accounts on the wire."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from .shapes import Answer, Code, Email, Name, Password, Request, Time, Token


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
