"""Audits: the records of one user's credits, the findings, and the progress of an audit."""

from collections.abc import Mapping
from enum import StrEnum
from operator import add

from msgspec import Struct, field
from msgspec.structs import astuple

from .ledger import Balance, DayTotal, Entry, Hold
from .purchases import Purchase


class FindingKind(StrEnum):
    """What can be wrong; docs/operations.md explains each and what to do."""

    BALANCE_DIFFERS = "balance_differs"
    HELD_DIFFERS = "held_differs"
    LIFETIME_DIFFERS = "lifetime_differs"
    NEGATIVE_AVAILABLE = "negative_available"
    ENTRY_MISSING = "entry_missing"
    ENTRY_DOUBLED = "entry_doubled"
    GRANT_DOUBLED = "grant_doubled"
    PRICE_VERSION_UNKNOWN = "price_version_unknown"
    HOLD_STUCK = "hold_stuck"
    HOLD_INDEX = "hold_index"
    HOLD_OVERCHARGED = "hold_overcharged"
    CHARGE_DIFFERS = "charge_differs"
    COST_DIFFERS = "cost_differs"
    DAY_DIFFERS = "day_differs"
    PAID_NOT_GRANTED = "paid_not_granted"
    GRANTED_NOT_PAID = "granted_not_paid"
    TAKEN_DIFFERS = "taken_differs"
    PURCHASE_DIFFERS = "purchase_differs"
    UNREADABLE = "unreadable"
    TOTALS_DIFFER = "totals_differ"


class Finding(Struct, frozen=True):
    """A problem that an audit found. `reference`: what of the user it is about, such as a hold or a purchase."""

    kind: FindingKind
    message: str
    user_id: str = ""
    reference: str = ""


class Books(Struct, frozen=True):
    """Everything stored about one user's credits.

    `index`: hold → its shard in the index of open holds, if it is in the index; `shard`: the shard of this user.
    `guards`: guard → the entry that it names. `purchases`: by id, with those of other users that an entry names.
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


class HeavyUse(Struct, frozen=True):
    """The use and payments of one user in the last thirty days."""

    user_id: str
    credits: int
    cost_micro_usd: int
    cents: int


class AuditFigures(Struct, frozen=True):
    """What an audit has counted. `active_…`: users with use in that time before it started."""

    users_judged: int = 0
    users_moving: int = 0
    entries: int = 0
    open_holds: int = 0
    purchases: int = 0
    credits_outstanding: int = 0
    findings_count: int = 0
    active_day: int = 0
    active_week: int = 0
    active_month: int = 0

    def __add__(self, other: "AuditFigures") -> "AuditFigures":
        return AuditFigures(*map(add, astuple(self), astuple(other)))


class AuditState(StrEnum):
    """`failed`: it proved nothing, because it made no progress for too long."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Audit(Struct, frozen=True):
    """The progress of an audit.

    `step` counts its pages; `after` is the key (pk, sk) after which the next page starts, empty at the beginning;
    `has_read_all`: only the totals of all users have to be compared. `moved_at`: when the last page was completed.
    """

    audit_id: str
    state: AuditState
    started_at: int
    moved_at: int
    recount: bool = False
    step: int = 0
    after: tuple[str, ...] = ()
    has_read_all: bool = False
    worker: str = ""
    claimed_until: int = 0
    ended_at: int = 0
    figures: AuditFigures = field(default_factory=AuditFigures)
    heaviest: tuple[HeavyUse, ...] = ()


class KnownAudits(Struct, frozen=True):
    """The running audit, the last ended one, and the start of the last one. Empty or zero if there is none."""

    running: str = ""
    last: str = ""
    begun_at: int = 0
