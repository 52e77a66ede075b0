"""What an entry adds to the totals of all users. Pure rules; they only add, so the order does not matter."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..dates import utc_date
from .ledger import Entry

Sums = dict[str, int]


@dataclass(frozen=True, order=True)
class Line:
    """A line of totals: a day and a service (or the kind of an entry that used none). With `provider` and `model` it is
    what that model did for the service.

    An entry adds its credits and money to the line of its service, and what each model did to the line of the model.
    """

    date: str
    service: str
    provider: str = ""
    model: str = ""

    @property
    def is_of_model(self) -> bool:
        return bool(self.provider)


def lines_of(entry: Entry) -> dict[Line, Sums]:
    """What the entry adds to each line, without zeros.

    `credits` and `cents` are signed as in the entry; `cost_micro_usd` is what a provider or the payment service
    charged; `audio_ms` and tokens are what was used; `entries` (of a service) and `uses` (of a model) count.
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
    """The parts added up, name by name."""
    total: Sums = {}
    for part in parts:
        for name, number in part.items():
            total[name] = total.get(name, 0) + number
    return total


def _without_zeros(sums: Sums) -> Sums:
    return {name: number for name, number in sums.items() if number}
