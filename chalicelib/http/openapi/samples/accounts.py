"""Examples of the shapes of the section Accounts."""

from typing import Any

from .... import contract
from .ids import ENDED, JOB, STARTED, USER

user = contract.User(
    user_id=USER,
    email="ada@example.com",
    created_at=STARTED,
    credits=contract.CreditSummary(available=200, held=0),
    name="Ada",
)
tokens: dict[str, Any] = {
    "token": "header.claims.signature",
    "access_token": "h.c.s",
    "refresh_token": "long-lived",
    "expires_in": 3600,
}

EXAMPLES = [
    contract.Register(email="ada@example.com", password="correct horse battery", name="Ada"),
    contract.Registered(user=user, confirmation_required=False, free_credits=200, token_type="Bearer", **tokens),
    contract.Confirm(email="ada@example.com", code="482913", password="correct horse battery"),
    contract.Confirmed(confirmed=True, free_credits=200),
    contract.ResendCode(email="ada@example.com"),
    contract.CodeSent(sent=True),
    contract.Login(email="ada@example.com", password="correct horse battery"),
    contract.LoggedIn(token_type="Bearer", user=user, **tokens),
    contract.Refresh(refresh_token="long-lived"),
    contract.Tokens(token_type="Bearer", **tokens),
    contract.EmptyBody(),
    contract.LoggedOut(signed_out=True),
    contract.ForgotPassword(email="ada@example.com"),
    contract.ResetPassword(email="ada@example.com", code="482913", password="another long password"),
    contract.PasswordReset(reset=True),
    contract.UpdateUser(name="Ada"),
    contract.AccountDeleted(deleted=True, job_id=JOB),
    contract.AccountExport(
        export_id=JOB,
        status="done",
        created_at=STARTED,
        bytes=48_200,
        url="https://s3.amazonaws.com/exports",
        url_expires_at=ENDED,
        available_until="2026-12-01T09:00:00Z",
    ),
    user,
]
