"""What an entry adds to the totals across all users. Pure rules: order does not matter."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..dates import utc_date
from .ledger import Entry

ACTIVE_USERS = "active"  # in place of a service: the key that counts the users with a use on that day
Amounts = dict[str, int]


@dataclass(frozen=True, order=True)
class AggregateKey:
    """What amounts are totalled by: a UTC day and a service or, for an entry that is not a use, its kind.

    With `provider` and `model`, the key of what one model did for the service. An entry adds its credits and money to
    the key of its service, and what each model did to the key of that model.
    """

    date: str
    service: str
    provider: str = ""
    model: str = ""

    @property
    def is_for_model(self) -> bool:
        return bool(self.provider)


AmountsByKey = dict[AggregateKey, Amounts]


def amounts_by_key(entry: Entry) -> AmountsByKey:
    """The amounts that the entry adds to each key, without zeros.

    `credits` and `cents` are signed as in the entry; `cost_micro_usd` is the cost of the provider or the fee of the
    payment service; `audio_ms` and tokens are usage; `entries` (per service) and `uses` (per model) are counts.
    """
    day = utc_date(entry.at)
    service_amounts = {
        "entries": 1,
        "credits": entry.credits,
        "cents": entry.cents,
        "cost_micro_usd": entry.cost_micro_usd,
        "audio_ms": entry.audio_ms,
        "reported_sessions": 0 if entry.reported_ms is None else 1,
        "reported_ms": entry.reported_ms or 0,
        "reported_of_ms": entry.reported_of_ms,
        "implausible_sessions": 0 if entry.implausible_ms is None else 1,
        "implausible_ms": entry.implausible_ms or 0,
    }
    parts = [{AggregateKey(day, entry.service or entry.kind): _drop_zeros(service_amounts)}]
    for use in entry.uses:
        provider, _, model = use.model.partition("/")
        model_amounts = {
            "uses": 1,
            "cost_micro_usd": use.cost_micro_usd,
            "audio_ms": use.audio_ms,
            "input_tokens": use.input_tokens,
            "output_tokens": use.output_tokens,
        }
        parts.append({AggregateKey(day, entry.service, provider, model or "?"): _drop_zeros(model_amounts)})
    return merge_amounts(*parts)


def add_amounts(parts: Iterable[Amounts]) -> Amounts:
    """The total of each amount."""
    total: Amounts = {}
    for part in parts:
        for name, number in part.items():
            total[name] = total.get(name, 0) + number
    return total


def merge_amounts(*parts: Mapping[AggregateKey, Amounts]) -> AmountsByKey:
    """The total of each amount, key by key."""
    total: AmountsByKey = {}
    for part in parts:
        for key, amounts in part.items():
            total[key] = add_amounts([total.get(key, {}), amounts])
    return total


def _drop_zeros(amounts: Amounts) -> Amounts:
    return {name: number for name, number in amounts.items() if number}
