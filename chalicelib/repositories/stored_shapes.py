"""Every kind of item that is stored for a user: what of it an export contains, and what an erasure keeps.

The classes of a shape declare the attributes of its items, each marked as models/field_kinds.py says. A new attribute
belongs in one of these classes. A new kind of item belongs in `USER_SHAPES`, or it is neither exported nor kept;
an export also needs a section of `ExportContent` for it.
Items about users that are the operator's own are in `OPERATOR_SHAPES`: no erasure reads them, so that all their fields
have to be `Internal`.
Items that hold nothing but ids and times lie outside: a payment's pointer, the list of open purchases, and the
guard of the free credits (whose key is an HMAC of the address).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..models.accounts import Profile
from ..models.admin_actions import ActionRequestAttributes, AdminAction
from ..models.audits import Audit, AuditAttributes, FindingsAttributes
from ..models.catchup import ClaimAttributes, Job, JobAttributes
from ..models.field_kinds import EXPORTED_KINDS, KEPT_KINDS, FieldKind, field_kinds
from ..models.health import HealthAttributes, HealthKind, HealthRecord
from ..models.ledger import Balance, BalanceAttributes, DayTotal, Entry, GuardAttributes, Hold, HoldAttributes
from ..models.purchases import Purchase, PurchaseAttributes, PurchasePointerAttributes
from ..models.sessions import (
    AllowanceAttributes,
    OpenSessionAttributes,
    Reservation,
    Session,
    SessionAttributes,
    SessionRenewalAttributes,
    SessionStartAttributes,
)
from ..models.transcripts import (
    BlockAttributes,
    ChunkAttributes,
    Question,
    Share,
    Summary,
    Transcript,
    TranscriptAttributes,
)
from .deletions import PendingDeletion
from .exports import Export
from .sessions import USE_COST, USE_MS
from .table import Item

KEYS = frozenset({"pk", "sk"})


@dataclass(frozen=True)
class StoredShape:
    """One kind of item.

    `fields`: the classes that declare its attributes. `is_exported`: whether exports contain such items; if not, they
    have no personal field and no record. `is_kept`: whether such an item stays, with its kept attributes, when the
    account is deleted. `dynamic`: attributes whose names begin with a prefix belong to this field.
    """

    fields: tuple[type, ...]
    is_exported: bool = True
    is_kept: bool = False
    dynamic: Mapping[str, str] = field(default_factory=dict)

    def kind(self, attribute: str) -> FieldKind | None:
        """The kind of an attribute; None if it is unmarked or undeclared."""
        name = next((named for prefix, named in self.dynamic.items() if attribute.startswith(prefix)), attribute)
        kinds = (field_kinds(shape).get(name) for shape in self.fields)
        return next((kind for kind in kinds if kind), None)

    def export(self, item: Item) -> dict[str, Any]:
        """The attributes that an export contains."""
        return {name: value for name, value in item.items() if self.kind(name) in EXPORTED_KINDS}

    def attributes_to_erase(self, item: Item) -> list[str]:
        """The attributes that an erasure removes from an item that is kept."""
        return [name for name in item if name not in KEYS and self.kind(name) not in KEPT_KINDS]


PROFILE = StoredShape((Profile,))
SESSION = StoredShape((Session, SessionAttributes), dynamic={USE_MS: "uses", USE_COST: "uses"})
SESSION_START = StoredShape((SessionStartAttributes,))
SESSION_RENEWAL = StoredShape((SessionRenewalAttributes,), is_exported=False)
TRANSCRIPT = StoredShape((Transcript, TranscriptAttributes))
CHUNK = StoredShape((Reservation, ChunkAttributes))
BLOCK = StoredShape((BlockAttributes,))
SUMMARY = StoredShape((Summary,))
QUESTION = StoredShape((Question,))
ALLOWANCE = StoredShape((AllowanceAttributes,))
OPEN_SESSION = StoredShape((OpenSessionAttributes,), is_exported=False)
CLAIM = StoredShape((ClaimAttributes,), is_exported=False)
PENDING_DELETION = StoredShape((PendingDeletion,), is_exported=False)
EXPORT = StoredShape((Export,), is_exported=False)
JOB = StoredShape((Job, JobAttributes), is_kept=True)
PURCHASE = StoredShape((Purchase, PurchaseAttributes), is_kept=True)
PURCHASE_POINTER = StoredShape((PurchasePointerAttributes,), is_exported=False, is_kept=True)
BALANCE = StoredShape((Balance, BalanceAttributes), is_kept=True)
ENTRY = StoredShape((Entry,), is_kept=True)
HOLD = StoredShape((Hold, HoldAttributes), is_kept=True)
DAY = StoredShape((DayTotal,), is_kept=True)
GUARD = StoredShape((GuardAttributes,), is_exported=False, is_kept=True)
ADMIN_ACTION = StoredShape((AdminAction,), is_exported=False, is_kept=True)
ACTION_REQUEST = StoredShape((AdminAction, ActionRequestAttributes), is_exported=False, is_kept=True)
SHARE = StoredShape((Share,), is_exported=False)
AUDIT = StoredShape((Audit, AuditAttributes), is_exported=False, is_kept=True)
HEALTH = StoredShape((HealthRecord, HealthAttributes), is_exported=False, is_kept=True)
FINDINGS = StoredShape((FindingsAttributes,), is_exported=False, is_kept=True)

# By the beginning of the sort key, of the items under `USER#<id>` in either table.
USER_SHAPES: Mapping[str, StoredShape] = {
    "PROFILE": PROFILE,
    "SESSION": SESSION,
    "START": SESSION_START,
    "RENEWAL": SESSION_RENEWAL,
    "OPEN_SESSION": OPEN_SESSION,
    "TRANSCRIPT": TRANSCRIPT,
    "SUMMARY": SUMMARY,
    "QUESTION": QUESTION,
    "ALLOWANCE": ALLOWANCE,
    "CATCHUP": CLAIM,
    "PURCHASE": PURCHASE_POINTER,
    "BALANCE": BALANCE,
    "ENTRY": ENTRY,
    "HOLD": HOLD,
    "DAY": DAY,
    "REF": GUARD,
}
# By partition, of the items elsewhere.
OTHER_SHAPES: Mapping[str, StoredShape] = {
    "JOB": JOB,
    "PURCHASE": PURCHASE,
    "EXPORTS": EXPORT,
    "ERASURES": PENDING_DELETION,
    "SHARED": SHARE,
}
# By partition and the beginning of the sort key. They are kept until they expire, the records of actions forever.
OPERATOR_SHAPES: Mapping[tuple[str, str], StoredShape] = {
    ("ADMIN", "ACT"): ADMIN_ACTION,
    ("ACTION", "DONE"): ACTION_REQUEST,
    ("AUDIT", "AUDIT"): AUDIT,
    ("AUDIT", "FINDINGS"): FINDINGS,
    **{("HEALTH", kind.value): HEALTH for kind in HealthKind},
}
UNKNOWN = StoredShape((), is_exported=False)


def shape_of(item: Item) -> StoredShape:
    """The shape of a stored item; `UNKNOWN`, which exports and keeps nothing, if it is not declared."""
    partition, _, _ = item["pk"].partition("#")
    prefix, _, rest = item["sk"].partition("#")
    if partition != "USER":
        return OTHER_SHAPES.get(partition) or OPERATOR_SHAPES.get((partition, prefix), UNKNOWN)
    if prefix == "SEGMENT":
        return CHUNK if "#C#" in rest else BLOCK
    return USER_SHAPES.get(prefix, UNKNOWN)
