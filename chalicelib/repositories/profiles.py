"""The profile of a user: one PROFILE item in the app table. Credits and standing are in the ledger."""

from collections.abc import Iterable, Sequence

from msgspec.structs import asdict

from ..models.accounts import Profile
from .conditions import Attr
from .table import Item, ItemKey, Path, Tables, Write


def profile_key(user_id: str) -> ItemKey:
    """Where the profile is stored; read it together with the balance."""
    return ItemKey("app", f"USER#{user_id}", "PROFILE")


def create_profile(profile: Profile) -> Write:
    """Store a profile, if there is none."""
    item = {name: value for name, value in asdict(profile).items() if name != "user_id"}
    return Write(profile_key(profile.user_id), item=item, when=Attr("pk").not_exists())


def record_owed_credits(profile: Profile) -> Write:
    """Record that owed free credits were granted, if they were still owed."""
    changes: dict[Path, object] = {
        "free_credits": profile.free_credits,
        "free_credits_reason": "",
        "is_owed_credits": False,
    }
    return Write(profile_key(profile.user_id), put_in=changes, when=Attr("is_owed_credits").eq(True))


def rename_profile(user_id: str, name: str) -> Write:
    """Change the name, if the profile is still there."""
    return Write(profile_key(user_id), put_in={"name": name}, when=Attr("email").exists())


def set_has_new_password(user_id: str, value: bool) -> Write:
    """Note or clear that a new password is being set, if there is a profile and the note has another value."""
    is_noted = Attr("has_new_password").eq(True)
    when = Attr("email").exists() & (~is_noted if value else is_noted)
    return Write(profile_key(user_id), put_in={"has_new_password": value}, when=when)


def profile_from(user_id: str, item: Item | None) -> Profile | None:
    """The profile stored in `item`; None if the account never had one."""
    if item is None:
        return None
    fields = {name: item[name] for name in Profile.__struct_fields__ if name in item and name != "user_id"}
    return Profile(user_id=user_id, **fields)


def load_emails(
    tables: Tables, user_ids: Iterable[str], extra_keys: Sequence[ItemKey] = ()
) -> tuple[dict[str, str], list[Item | None]]:
    """The email addresses by user id, and the items of `extra_keys`, in one read of at most 100 items.

    A user without a profile, such as a deleted one, is named by the id.
    """
    ids = sorted(set(user_ids))
    keys = [*map(profile_key, ids), *extra_keys]
    items = tables.get_many(keys) if keys else []
    emails = {user_id: str(item["email"]) if item else user_id for user_id, item in zip(ids, items, strict=False)}
    return emails, items[len(ids) :]
