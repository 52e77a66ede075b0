"""Audits: what is known of one user's credits, what is found wrong, and how far an audit is."""

from collections.abc import Mapping
from enum import StrEnum
from operator import add

from msgspec import Struct, field
from msgspec.structs import astuple

from .ledger import Balance, DayTotal, Entry, Hold
from .purchases import Purchase


class FindingKind(StrEnum):
    """What can be wrong; docs/operations.md says what each means and what to do."""

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
    """One thing that is not as it should be. `reference`: what of the user, such as a hold or a purchase."""

    kind: FindingKind
    message: str
    user_id: str = ""
    reference: str = ""


class Books(Struct, frozen=True):
    """All that the tables say of one user's credits.

    `index`: hold → the shard of the open holds' index that it is in, if it is in any; `shard`: the one of this user.
    `guards`: guard → the entry that it says was booked. `purchases`: by id, also
    another user's where an entry of this user names one.
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
    """What one user used and paid in the last thirty days."""

    user_id: str
    credits: int
    cost_micro_usd: int
    cents: int


class AuditFigures(Struct, frozen=True):
    """What an audit counted so far. `active_…`: users with a use in that time before it began."""

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
    """`failed`: nothing was proven; it got no further for too long."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Audit(Struct, frozen=True):
    """An audit as far as it is.

    `step` counts its pages; `after` is the key (pk, sk) that the next one goes on after, empty at the beginning;
    `has_read_all`: only the sums over all users are left to be compared. `moved_at`: when the last page was done.
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
    """Which audit runs, which ended last, when the last one began. Empty and zero: none."""

    running: str = ""
    last: str = ""
    begun_at: int = 0
