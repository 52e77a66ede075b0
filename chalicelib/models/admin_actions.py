"""Actions of administrators."""

from collections.abc import Mapping

from msgspec import Struct


class AdminAction(Struct, frozen=True):
    """What an administrator did to a user, why, and the values before and after.

    The administrator is named by id only: the email address is in the profile, and is deleted with it.
    """

    action_id: str
    at: int
    admin_id: str
    action: str
    user_id: str
    reason: str
    before: Mapping[str, int | bool]
    after: Mapping[str, int | bool]
