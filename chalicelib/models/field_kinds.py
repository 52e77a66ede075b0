"""What a stored field is: whether an export contains it, and whether it stays when the account is deleted.

Every class that describes a stored item marks its fields:

    title: Personal[str]        the user's own data: exported, erased with the account
    credits: Record[int]        accounting: exported, kept in the items that an erasure keeps
    body_hash: Internal[str]    ours alone: never exported, kept in the items that an erasure keeps
    claim: str                  unmarked: neither exported nor kept

Export and erasure derive from these markers (repositories/stored_shapes.py), so that a new field needs no other list.
A marker covers everything inside its field. Where that is a struct, an export leaves out the struct's unmarked fields.
"""

from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, TypeVar, get_type_hints

import msgspec

T = TypeVar("T")


class FieldKind(Enum):
    """The marker of a field."""

    PERSONAL = "personal"
    RECORD = "record"
    INTERNAL = "internal"


Personal = Annotated[T, FieldKind.PERSONAL]
Record = Annotated[T, FieldKind.RECORD]
Internal = Annotated[T, FieldKind.INTERNAL]

EXPORTED_KINDS = frozenset({FieldKind.PERSONAL, FieldKind.RECORD})
KEPT_KINDS = frozenset({FieldKind.RECORD, FieldKind.INTERNAL})


@lru_cache
def field_kinds(shape: type) -> Mapping[str, FieldKind]:
    """The kind of each marked field of a class, inherited fields included."""
    found: dict[str, FieldKind] = {}
    for name, hint in get_type_hints(shape, include_extras=True).items():
        for marker in getattr(hint, "__metadata__", ()):
            if isinstance(marker, FieldKind):
                found[name] = marker
    return found


def export_struct(struct: msgspec.Struct) -> dict[str, Any]:
    """The exported fields of a struct as plain values; likewise of the structs in them."""
    kinds = field_kinds(type(struct))
    names = (name for name in struct.__struct_fields__ if kinds.get(name) in EXPORTED_KINDS)
    return {name: _plain(getattr(struct, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return export_struct(value)
    return [_plain(element) for element in value] if isinstance(value, (tuple, list)) else msgspec.to_builtins(value)
