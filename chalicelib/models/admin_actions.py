"""Actions of administrators."""

from collections.abc import Mapping

from msgspec import Struct

from .field_kinds import Internal


class AdminAction(Struct, frozen=True):
    """What an administrator did to a user, why, and the values before and after.

    The administrator is named by id only: the email address is in the profile, and is deleted with it.
    The record outlives the account that it is about. `reference`: the purchase, of a refund.
    """

    action_id: Internal[str]
    at: Internal[int]
    admin_id: Internal[str]
    action: Internal[str]
    user_id: Internal[str]
    reason: Internal[str]
    before: Internal[Mapping[str, int | bool]]
    after: Internal[Mapping[str, int | bool]]
    reference: Internal[str] = ""


class ActionRequestAttributes:
    """What the stored result of a request has besides the action. `expires_at`: epoch seconds.

    `cents`: what was asked of the payment system, of a refund; `refund_…`, `is_refused`: what it answered.
    """

    body_hash: Internal[str]
    expires_at: Internal[int]
    cents: Internal[int]
    refund_id: Internal[str]
    refund_state: Internal[int]
    refund_cents: Internal[int]
    is_refused: Internal[bool]
