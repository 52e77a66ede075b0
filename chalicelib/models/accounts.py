"""Who calls, and who a user is."""

from msgspec import Struct


class Caller(Struct, frozen=True):
    """Who a verified ID token speaks for. `auth_time_at`: when the person last typed the password."""

    user_id: str
    auth_time_at: int
    email: str
    groups: tuple[str, ...] = ()
    name: str = ""
    is_email_verified: bool = False


class Profile(Struct, frozen=True):
    """What we know of a person. `free_credits_reason` says why there were none, if there were none.

    `is_owed_credits`: only for now, because of a cap; a later sign-in tries again. `has_new_password`: one is being set
    with a mailed code, and the sign-ins of the old one have not been ended yet.
    """

    user_id: str
    email: str
    name: str
    created_at: int
    free_credits: int = 0
    free_credits_reason: str = ""
    is_owed_credits: bool = False
    has_new_password: bool = False


class Account(Struct, frozen=True):
    """An account as the user pool knows it."""

    user_id: str
    email: str
    name: str
    created_at: int
    is_confirmed: bool
