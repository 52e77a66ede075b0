"""An account's credits, what holds them, and what moved them."""

from enum import StrEnum

from msgspec import Struct


class Balance(Struct, frozen=True):
    """An account's credits. `available` may be spent, `held` is promised to open holds; version moves at each write."""

    available: int = 0
    held: int = 0
    granted: int = 0
    purchased: int = 0
    used: int = 0
    version: int = 0
    blocked: bool = False
    deleted: bool = False
    signed_out_at: int = 0


class HoldState(StrEnum):
    """A hold ends exactly once."""

    OPEN = "open"
    SETTLED = "settled"
    RELEASED = "released"


class Hold(Struct, frozen=True):
    """Credits promised to one piece of work. Abandoned, it is swept at `sweep_at`."""

    user_id: str
    hold_id: str
    credits: int
    kind: str
    reference: str
    sweep_at: int
    state: HoldState = HoldState.OPEN
    charged: int = 0
    made_at: int = 0  # known of one that was read


class ModelUse(Struct, frozen=True):
    """What one provider model ("provider/model") did for a charge: audio it heard, or tokens it read and wrote."""

    model: str
    audio_ms: int
    cost_micro_usd: int
    input_tokens: int = 0
    output_tokens: int = 0


class Charge(Struct, frozen=True):
    """What a settlement takes and why: it becomes the entry and the day's totals.

    `told_ms`, `told_of_ms`: see `Entry`.
    """

    credits: int
    service: str
    reference: str
    audio_ms: int
    price_version: str
    uses: tuple[ModelUse, ...] = ()
    reported_ms: int | None = None
    reported_of_ms: int = 0

    @property
    def cost_micro_usd(self) -> int:
        return sum(use.cost_micro_usd for use in self.uses)

    @property
    def is_empty(self) -> bool:
        """Nothing was used and nothing was spent, so there is nothing to book."""
        return self.credits == self.audio_ms == self.cost_micro_usd == 0


class Entry(Struct, frozen=True):
    """One movement of credits; never changed. `credits` is signed: grants and purchases above zero, use below.

    `cents`: the money that came with it, US cents, signed likewise. `cost_micro_usd`: what a provider took, or the
    payment service. `told_ms`, at the stop of a live session: how long the client says that the provider's sockets
    were open, beside `told_of_ms`, what we billed of the whole session.
    """

    entry_id: str
    kind: str
    credits: int
    at: int
    service: str = ""
    reference: str = ""
    hold_id: str = ""
    held: int = 0
    audio_ms: int = 0
    price_version: str = ""
    cost_micro_usd: int = 0
    uses: tuple[ModelUse, ...] = ()
    reason: str = ""
    cents: int = 0
    reported_ms: int | None = None
    reported_of_ms: int = 0


class DayTotal(Struct, frozen=True):
    """What a user used of one service on one UTC day. `credits` is above zero; `entries` counts settlements."""

    date: str
    service: str
    credits: int
    audio_ms: int
    cost_micro_usd: int
    entries: int
