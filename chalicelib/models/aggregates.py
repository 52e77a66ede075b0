"""What a movement adds to the sums over all users. Pure rules: adding is all there is, so order plays no part."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..dates import utc_date
from .ledger import Entry

Sums = dict[str, int]


@dataclass(frozen=True, order=True)
class Line:
    """What sums are kept of: a day and a service (or, where nothing was used, a kind of movement); with `provider` and
    `model`, what that model did for the service.

    A movement adds its credits and money to its service's line, and what each model did to the model's line.
    """

    date: str
    service: str
    provider: str = ""
    model: str = ""

    @property
    def is_of_model(self) -> bool:
        return bool(self.provider)


def lines_of(entry: Entry) -> dict[Line, Sums]:
    """What the entry adds, line by line; figures of zero are left out.

    `credits` and `cents` are signed as in the entry; `cost_micro_usd` is what a provider or the payment service took;
    `audio_ms` and tokens are what was used; `entries` (of a service) and `uses` (of a model) count.
    """
    day = utc_date(entry.at)
    of_service = {
        "entries": 1,
        "credits": entry.credits,
        "cents": entry.cents,
        "cost_micro_usd": entry.cost_micro_usd,
        "audio_ms": entry.audio_ms,
        "reported_sessions": 0 if entry.reported_ms is None else 1,
        "reported_ms": entry.reported_ms or 0,
        "reported_of_ms": entry.reported_of_ms,
    }
    found = {Line(day, entry.service or entry.kind): _without_zeros(of_service)}
    for use in entry.uses:
        provider, _, model = use.model.partition("/")
        of_model = {
            "uses": 1,
            "cost_micro_usd": use.cost_micro_usd,
            "audio_ms": use.audio_ms,
            "input_tokens": use.input_tokens,
            "output_tokens": use.output_tokens,
        }
        line = Line(day, entry.service, provider, model or "?")
        found[line] = together([found.get(line, {}), _without_zeros(of_model)])
    return found


def together(parts: Iterable[Sums]) -> Sums:
    """The sums of all parts."""
    total: Sums = {}
    for part in parts:
        for name, number in part.items():
            total[name] = total.get(name, 0) + number
    return total


def _without_zeros(sums: Sums) -> Sums:
    return {name: number for name, number in sums.items() if number}
