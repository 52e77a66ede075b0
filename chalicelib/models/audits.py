"""Audits: one user's books, what an audit finds wrong, and the progress of an audit."""

from collections.abc import Mapping
from enum import StrEnum
from operator import add

from msgspec import Struct, field
from msgspec.structs import astuple

from .field_kinds import Internal
from .ledger import Balance, DayTotal, Entry, Hold
from .purchases import Purchase
from .usage_figures import UsageFigures


class FindingKind(StrEnum):
    """What can be wrong. docs/operations.md explains each kind and what to do."""

    BALANCE_DIFFERS = "balance_differs"
    HELD_DIFFERS = "held_differs"
    LIFETIME_DIFFERS = "lifetime_differs"
    NEGATIVE_AVAILABLE = "negative_available"
    ENTRY_MISSING = "entry_missing"
    ENTRY_DOUBLED = "entry_doubled"
    GRANT_DOUBLED = "grant_doubled"
    PRICE_VERSION_UNKNOWN = "price_version_unknown"
    PRICE_DIFFERS = "price_differs"
    HOLD_STUCK = "hold_stuck"
    HOLD_INDEX = "hold_index"
    HOLD_OVERCHARGED = "hold_overcharged"
    CHARGE_DIFFERS = "charge_differs"
    COST_DIFFERS = "cost_differs"
    DAY_DIFFERS = "day_differs"
    PAID_NOT_GRANTED = "paid_not_granted"
    GRANTED_NOT_PAID = "granted_not_paid"
    CLAWBACK_DIFFERS = "clawback_differs"
    PURCHASE_DIFFERS = "purchase_differs"
    UNREADABLE = "unreadable"
    TOTALS_DIFFER = "totals_differ"


class Finding(Struct, frozen=True):
    """One problem. `reference`: the item it is about, such as a hold or a purchase."""

    kind: FindingKind
    message: str
    user_id: str = ""
    reference: str = ""


class Books(Struct, frozen=True):
    """Everything the tables hold about one user's credits.

    `index`: hold id → its shard in the index of open holds, for holds that are in it; `shard`: the user's own shard.
    `guards`: sort key of a guard → the entry id it names. `purchases`: by id, including a purchase of another user
    that an entry of this user names.
    """

    user_id: str
    balance: Balance
    entries: tuple[Entry, ...]
    holds: tuple[Hold, ...]
    index: Mapping[str, str]
    shard: str
    days: tuple[DayTotal, ...]
    guards: Mapping[str, str]
    purchases: Mapping[str, Purchase]


class AuditFigures(Struct, frozen=True):
    """Counts of an audit so far. `users_moving`: not checked, because their books changed while they were read."""

    users_checked: int = 0
    users_moving: int = 0
    entries: int = 0
    open_holds: int = 0
    purchases: int = 0
    credits_outstanding: int = 0
    findings_count: int = 0

    def __add__(self, other: "AuditFigures") -> "AuditFigures":
        return AuditFigures(*map(add, astuple(self), astuple(other)))


class AuditState(StrEnum):
    """`failed`: the audit made no progress for too long, so its result proves nothing."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Audit(Struct, frozen=True):
    """An audit and its progress.

    `step` counts its pages; `after` is the key (pk, sk) after which the next page starts, empty at the beginning;
    `has_read_all`: only the totals across all users remain to be compared. `progress_at`: the end of the last page.
    """

    audit_id: Internal[str]
    state: Internal[AuditState]
    started_at: Internal[int]
    progress_at: Internal[int]
    recount: Internal[bool] = False
    step: Internal[int] = 0
    after: Internal[tuple[str, ...]] = ()
    has_read_all: Internal[bool] = False
    worker: Internal[str] = ""
    claimed_until: Internal[int] = 0
    ended_at: Internal[int] = 0
    figures: Internal[AuditFigures] = field(default_factory=AuditFigures)
    usage: Internal[UsageFigures] = field(default_factory=UsageFigures)


class AuditAttributes:
    """What a stored audit has besides the fields of `Audit`; epoch seconds."""

    expires_at: Internal[int]


class FindingsAttributes:
    """The stored findings of a page of an audit; they and `top_users` of the audit name users by id."""

    findings: Internal[list[dict[str, str]]]
    expires_at: Internal[int]


class LatestAudits(Struct, frozen=True):
    """The ids of the running audit and of the last one that ended, and when the last one started. Empty or 0: none."""

    running: str = ""
    last: str = ""
    last_started_at: int = 0
