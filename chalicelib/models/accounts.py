"""The caller of a request, and the profile of a user."""

from msgspec import Struct

from .field_kinds import Internal, Personal, Record


class Caller(Struct, frozen=True):
    """The user that a verified ID token identifies. `auth_time_at`: when the user last entered the password."""

    user_id: str
    auth_time_at: int
    email: str
    groups: tuple[str, ...] = ()
    name: str = ""
    is_email_verified: bool = False


class Profile(Struct, frozen=True):
    """The profile of a user. `free_credits_reason` says why there were no free credits, if there were none.

    `is_owed_credits`: a cap refused them for now; a later sign-in tries again. `has_new_password`: a password is being
    set with a mailed code, and the sign-ins made with the old password have not been ended yet.
    """

    user_id: Internal[str]
    email: Personal[str]
    name: Personal[str]
    created_at: Record[int]
    free_credits: Record[int] = 0
    free_credits_reason: Record[str] = ""
    is_owed_credits: Record[bool] = False
    has_new_password: Record[bool] = False


class Account(Struct, frozen=True):
    """An account in the user pool."""

    user_id: str
    email: str
    name: str
    created_at: int
    is_confirmed: bool
