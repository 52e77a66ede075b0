"""Actions of administrators."""

from collections.abc import Mapping

from msgspec import Struct


class AdminAction(Struct, frozen=True):
    """What an administrator did to a user and why, with the values before and after.

    The administrator and the user are named by id only: an email address is stored in the profile, and erased with it.
    """

    action_id: str
    at: int
    admin_id: str
    what: str
    user_id: str
    reason: str
    before: Mapping[str, int | bool]
    after: Mapping[str, int | bool]
