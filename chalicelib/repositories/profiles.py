"""Who a user is: one PROFILE item in the app table. Credits and standing are the ledger's."""

from boto3.dynamodb.conditions import Attr
from msgspec.structs import asdict

from ..models.accounts import Profile
from .table import Item, ItemKey, Path, Write


def profile_key(user_id: str) -> ItemKey:
    """Where the profile lives; read it together with the balance."""
    return ItemKey("app", f"USER#{user_id}", "PROFILE")


def profile_put(profile: Profile) -> Write:
    """Write a profile that is not there yet."""
    item = {name: value for name, value in asdict(profile).items() if name != "user_id"}
    return Write(profile_key(profile.user_id), item=item, when=Attr("pk").not_exists())


def profile_granted(profile: Profile) -> Write:
    """The profile once credits that were owed have come, if they were."""
    granted: dict[Path, object] = {
        "free_credits": profile.free_credits,
        "free_credits_reason": "",
        "is_owed_credits": False,
    }
    return Write(profile_key(profile.user_id), put_in=granted, when=Attr("is_owed_credits").eq(True))


def profile_renamed(user_id: str, name: str) -> Write:
    """The profile under another name, if it is still there."""
    return Write(profile_key(user_id), put_in={"name": name}, when=Attr("email").exists())


def profile_with_new_password(user_id: str, has: bool) -> Write:
    """The profile with or without the note that a new password is being set, if it is there and stood otherwise."""
    is_noted = Attr("has_new_password").eq(True)
    when = Attr("email").exists() & (~is_noted if has else is_noted)
    return Write(profile_key(user_id), put_in={"has_new_password": has}, when=when)


def profile(user_id: str, item: Item | None) -> Profile | None:
    """The profile that was read; None if the account never got that far."""
    if item is None:
        return None
    fields = {name: item[name] for name in Profile.__struct_fields__ if name in item and name != "user_id"}
    return Profile(user_id=user_id, **fields)
