"""Writes the bill into docs/operations.md: `.venv/bin/python -m benchmarks.bill_page`.

It replaces each part between `<!-- bill: NAME -->` and `<!-- end -->` and leaves the rest of the page unchanged.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.bill import (
    DASHBOARD,
    FREE_DASHBOARDS,
    HOURS,
    PRICES,
    REST_BUDGET_USD,
    STREAMED_BUDGET_USD,
    Line,
    cache_usd,
    measure_in_own_process,
    rest_bill,
    stage_parameters,
    streamed_bill,
    total_usd,
)
from benchmarks.billed_use import BilledUse

PAGE = Path(__file__).parent.parent / "docs" / "operations.md"
PART = re.compile(r"(<!-- bill: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
ASSUMED = {
    "read": "a read of DynamoDB",
    "write": "a write, or a message to SQS",
    "transaction": "a transaction",
    "provider_call": "a call of a provider",
    "own_work": "the own work of a request",
}
# What the examples are about: hours in a month, and the stage whose cache and tracing they have.
EXAMPLES = {
    "a team of 20 that tries it, 5 hours each": (100, "dev"),
    "100 listeners, 20 hours each": (2_000, "prod"),
    "2,500 listeners, 20 hours each": (50_000, "prod"),
}


def page(text: str, use: BilledUse) -> str:
    """The page with its parts made from what was counted. Raises KeyError for a part that is not in `PARTS`."""
    return PART.sub(lambda part: f"{part[1]}{PARTS[part[2]](use)}\n{part[3]}", text)


def _prices(_: BilledUse) -> str:
    rows = [
        [row["name"], f"${row['usd']}", f"{row['per']:,}", f"[{urlsplit(row['source']).path}]({row['source']})"]
        for row in PRICES["usd"].values()
    ]
    assumed = "\n".join(f"- {ASSUMED[name]}: {milliseconds} ms" for name, milliseconds in PRICES["assumed_ms"].items())
    return (
        f"List prices of {PRICES['region']}, read on {PRICES['read_on']}, without any free tier:\n\n"
        f"{_table(['item', 'USD', 'per', 'source'], rows)}\n\n"
        f"The times that Lambda bills are assumed, not measured:\n\n{assumed}"
    )


def _streamed_part(use: BilledUse) -> str:
    lines = streamed_bill(use.hour)
    variants = {
        "leases renewed 60 seconds before their end": streamed_bill(use.hour_renewed_early),
        "words saved every 15 seconds": streamed_bill(use.hour_saved_often),
        "one request in twenty traced (`Tracing: Active`)": streamed_bill(use.hour, is_traced=True),
    }
    rows = [[name, _usd(total_usd(each), 2)] for name, each in variants.items()]
    return (
        f"{_bill(lines, 3)}\n\n"
        f"The budget is {_usd(STREAMED_BUDGET_USD, 2)}; a save takes {use.hour.largest_save_units:g} write units.\n\n"
        f"{_table([f'the same {HOURS:,} hours, but with', 'USD'], rows)}"
    )


def _rest(use: BilledUse) -> str:
    lines = rest_bill(use)
    without_dashboard = total_usd([line for line in lines if line.item != DASHBOARD])
    return (
        f"{_bill(lines, 2)}\n\n"
        f"The budget is {_usd(REST_BUDGET_USD, 2)}.\n"
        f"The first {FREE_DASHBOARDS} dashboards of an account are free: then it is {_usd(without_dashboard, 2)}."
    )


def _formula(use: BilledUse) -> str:
    rest, rate = total_usd(rest_bill(use)), total_usd(streamed_bill(use.hour))
    return (
        "```\n"
        f"USD a month = {rest:.2f} + {rate / HOURS:.5f} × streamed hours + {cache_usd('0.5'):.2f} with the cache "
        f"(+ {_traces_usd(use) / HOURS:.5f} × streamed hours with tracing)\n"
        "```"
    )


def _examples(use: BilledUse) -> str:
    rate, rest = total_usd(streamed_bill(use.hour)) / HOURS, total_usd(rest_bill(use))
    rows = []
    for name, (hours, stage) in EXAMPLES.items():
        parameters = stage_parameters()[stage]
        cache = cache_usd(parameters.get("CacheGigabytes", "none"))
        traces = _traces_usd(use) / HOURS * hours if parameters.get("Tracing") == "Active" else Decimal(0)
        total = rest + rate * hours + traces + cache
        cells = [rest, rate * hours + traces, cache, total]
        rows.append([name, f"`{stage}`", f"{hours:,}", *(_usd(usd, 2) for usd in cells)])
    return _table(["example", "stage", "hours", "at rest", "use", "cache", "USD a month"], rows)


def _traces_usd(use: BilledUse) -> Decimal:
    """Of 1,000 streamed hours."""
    return total_usd(streamed_bill(use.hour, is_traced=True)) - total_usd(streamed_bill(use.hour))


def _bill(lines: Sequence[Line], places: int) -> str:
    rows = [[line.item, _quantity(line.quantity), _usd(line.usd, places)] for line in lines]
    return _table(["item", "quantity", "USD"], [*rows, ["**together**", "", f"**{_usd(total_usd(lines), places)}**"]])


def _quantity(number: Decimal) -> str:
    return f"{number:,.0f}" if number == number.to_integral() or number > HOURS else f"{number:,.2f}"


def _usd(usd: Decimal, places: int) -> str:
    return f"${usd:,.{places}f}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


PARTS: dict[str, Callable[[BilledUse], str]] = {
    "formula": _formula,
    "examples": _examples,
    "streamed": _streamed_part,
    "rest": _rest,
    "prices": _prices,
}

if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), measure_in_own_process()), encoding="utf-8")
