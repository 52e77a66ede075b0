"""The credits of an account: its balance, its holds and its entries."""

from enum import StrEnum

from msgspec import Struct

from .field_kinds import Internal, Record


class Balance(Struct, frozen=True):
    """The credits of an account. `available` can be spent, `held` is reserved by open holds.

    Every write increments `version`. `open_disputes` counts the disputes of its payments that no bank has decided.
    """

    available: Record[int] = 0
    held: Record[int] = 0
    granted: Record[int] = 0
    purchased: Record[int] = 0
    used: Record[int] = 0
    version: Internal[int] = 0
    blocked: Record[bool] = False
    deleted: Record[bool] = False
    signed_out_at: Record[int] = 0
    open_disputes: Record[int] = 0

    @property
    def is_buyer(self) -> bool:
        """Whether the account bought credits that it still has or used, and disputes none of its payments."""
        return self.purchased > 0 and self.open_disputes == 0


class BalanceAttributes:
    """What the stored balance of a deleted account has besides the fields of `Balance`; epoch seconds."""

    deleted_at: Record[int]
    erased_at: Record[int]


class GuardAttributes:
    """A stored guard, which keeps a grant from being booked twice."""

    user_id: Internal[str]
    entry_id: Internal[str]
    at: Internal[int]


class HoldKind(StrEnum):
    """The work that a hold pays for, as stored."""

    STREAM = "stream"
    CATCHUP = "catchup"
    QUESTION = "ask"
    DISPUTE = "dispute"


class HoldState(StrEnum):
    """A hold ends exactly once."""

    OPEN = "open"
    SETTLED = "settled"
    RELEASED = "released"


class Hold(Struct, frozen=True):
    """Credits reserved for one piece of work. The sweep ends it at `sweep_at` if nothing else did."""

    user_id: Internal[str]
    hold_id: Record[str]
    credits: Record[int]
    kind: Record[str]
    reference: Record[str]
    sweep_at: Internal[int]
    state: Record[HoldState] = HoldState.OPEN
    charged: Record[int] = 0
    made_at: Record[int] = 0  # set when it was read from the table


class HoldAttributes:
    """What a stored hold has besides the fields of `Hold`. `open_shard` is its place in the index of open holds."""

    open_shard: Internal[str]
    ended_at: Record[int]


class ModelUse(Struct, frozen=True):
    """What a model ("provider/model") did for a charge: the audio or the tokens that it processed."""

    model: Record[str]
    audio_ms: Record[int]
    cost_micro_usd: Record[int]
    input_tokens: Record[int] = 0
    output_tokens: Record[int] = 0


class Charge(Struct, frozen=True):
    """What a settlement charges: it becomes the entry and part of the day's totals.

    `reported_ms`, `reported_of_ms`, `implausible_ms`: see `Entry`.
    """

    credits: int
    service: str
    reference: str
    audio_ms: int
    price_version: str
    uses: tuple[ModelUse, ...] = ()
    reported_ms: int | None = None
    reported_of_ms: int = 0
    implausible_ms: int | None = None

    @property
    def cost_micro_usd(self) -> int:
        return sum(use.cost_micro_usd for use in self.uses)

    @property
    def is_empty(self) -> bool:
        """Nothing was used, spent or reported, so there is nothing to book."""
        return self.credits == self.audio_ms == self.cost_micro_usd == 0 and not self.has_report

    @property
    def has_report(self) -> bool:
        return self.reported_ms is not None or self.implausible_ms is not None


class Entry(Struct, frozen=True):
    """One movement of credits; never changed. `credits` is signed: positive for grants and purchases, negative for use.

    `cents`: the money of the movement in US cents, signed likewise. `cost_micro_usd`: what a provider or the payment
    service charged for it. `reported_ms`, at the stop of a live session: how long the provider's sockets were open
    according to the client; `reported_of_ms`: what was billed of the whole session. Where the session was not open for
    so long, its report is `implausible_ms` instead.
    """

    entry_id: Record[str]
    kind: Record[str]
    credits: Record[int]
    at: Record[int]
    service: Record[str] = ""
    reference: Record[str] = ""
    hold_id: Record[str] = ""
    held: Record[int] = 0
    audio_ms: Record[int] = 0
    price_version: Record[str] = ""
    cost_micro_usd: Record[int] = 0
    uses: Record[tuple[ModelUse, ...]] = ()
    reason: Record[str] = ""
    cents: Record[int] = 0
    reported_ms: Record[int | None] = None
    reported_of_ms: Record[int] = 0
    implausible_ms: Record[int | None] = None


class DayTotal(Struct, frozen=True):
    """A user's use of one service on one UTC day. `credits` is positive; `entries` counts settlements."""

    date: Record[str]
    service: Record[str]
    credits: Record[int]
    audio_ms: Record[int]
    cost_micro_usd: Record[int]
    entries: Record[int]
