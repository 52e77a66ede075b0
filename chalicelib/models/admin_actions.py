"""What administrators did."""

from collections.abc import Mapping

from msgspec import Struct


class AdminAction(Struct, frozen=True):
    """What an administrator did to a user, why, and how it stood before and after.

    Who it was is said by id: the address is the profile's, and goes with it.
    """

    action_id: str
    at: int
    admin_id: str
    what: str
    user_id: str
    reason: str
    before: Mapping[str, int | bool]
    after: Mapping[str, int | bool]
