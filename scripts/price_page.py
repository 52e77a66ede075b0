"""Writes what docs/pricing.md says of a price file into it: `.venv/bin/python -m scripts.price_page`.

The page's own words stay; each part between `<!-- prices: NAME -->` and `<!-- end -->` is made anew.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec

from chalicelib.pricing.price_files import load
from chalicelib.pricing.price_table import MILLISECONDS_PER_HOUR, MILLISECONDS_PER_MINUTE, Prices
from chalicelib.settings.schema import Settings

PAGE = Path(__file__).parent.parent / "docs" / "pricing.md"
PART = re.compile(r"(<!-- prices: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
SERVICES = {
    "live": "live, direct or relayed",
    "catchup": "catch-up of a recording, its summary included",
    "catchup_session": "catch-up of a session's saved words",
    "ask": "a question, answered or not",
}
WORK = {  # what is sold at once: service, audio, and what it is called
    "a question": ("ask", 0),
    "an hour of live audio": ("live", MILLISECONDS_PER_HOUR),
    "catch-up of a recording, one credit's worth": ("catchup", 1),
    "an hour of a recording": ("catchup", MILLISECONDS_PER_HOUR),
    "catch-up of a session, one minute": ("catchup_session", MILLISECONDS_PER_MINUTE),
    "ten hours of a session": ("catchup_session", 10 * MILLISECONDS_PER_HOUR),
}


def page(text: str, prices: Prices) -> str:
    """The page with its parts made from these prices. Raises KeyError for a part that nobody makes."""
    return PART.sub(lambda part: f"{part[1]}{PARTS[part[2]](prices)}\n{part[3]}", text)


def usd(micro_usd: int | Decimal, places: int = 2) -> str:
    return f"${Decimal(micro_usd) / 1_000_000:,.{places}f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


def _services(prices: Prices) -> str:
    rows = []
    for name, one in prices.services.items():
        by_minute = f"{one.credits_per_minute} a minute, a started credit in full"
        rows.append(
            [f"{SERVICES.get(name, name)} (`{name}`)", by_minute if one.credits_per_minute else f"{one.credits}"]
        )
    return f"Version **{prices.version}**, in effect from {prices.effective_from}.\n\n" + table(
        ["service", "credits"], rows
    )


def _packages(prices: Prices) -> str:
    rows = []
    for name, one in prices.packages.items():
        kept = prices.net_micro_usd(one.cents)
        each = f"{Decimal(one.cents) / one.credits:.4f} ¢"
        rows.append([name, f"{one.credits:,}", usd(one.cents * 10_000), each, usd(kept)])
    return table(["package", "credits", "price", "one credit", "left after the payment's fee"], rows)


def _models(prices: Prices) -> str:
    rows = [
        [f"`{name}`", usd(one.micro_usd_per_hour), str(one.effective_from), one.source]
        for name, one in prices.models.items()
    ]
    return table(["model", "an hour of audio", "known from", "source"], rows)


def _text_models(prices: Prices) -> str:
    rows = [
        [
            f"`{name}`",
            usd(one.micro_usd_per_million_input_tokens),
            usd(one.micro_usd_per_million_output_tokens),
            str(one.effective_from),
            one.source,
        ]
        for name, one in prices.text_models.items()
    ]
    return table(["text model", "a million tokens read", "written", "known from", "source"], rows)


def _fees(prices: Prices) -> str:
    fees = prices.payment_fees
    share = f"{Decimal(fees.basis_points) / 100:g} % and {usd(fees.fixed_cents * 10_000)}"
    return table(["of each payment", "known from", "source"], [[share, str(fees.effective_from), fees.source]])


def _worst(prices: Prices) -> str:
    rows = []
    for called, (service, audio_ms) in WORK.items():
        credits = prices.services[service].credits or prices.credits_for(service, audio_ms)
        brings = min(credits * prices.net_micro_usd(one.cents) // one.credits for one in prices.packages.values())
        rows.append([called, usd(brings, 4), usd(prices.worst_cost_micro_usd(service, audio_ms), 4)])
    return table(["work", "brings at least, after the payment's fee", "costs at most"], rows)


PARTS: dict[str, Callable[[Prices], str]] = {
    "services": _services,
    "packages": _packages,
    "models": _models,
    "text_models": _text_models,
    "fees": _fees,
    "worst": _worst,
}


def default_version() -> str:
    """The version that a stage uses unless PRICE_VERSION is set."""
    (field,) = [one for one in msgspec.structs.fields(Settings) if one.name == "price_version"]
    return str(field.default)


def main() -> None:
    version = default_version()
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), load(version)), encoding="utf-8")
    print(f"docs/pricing.md says what version {version} says")


if __name__ == "__main__":
    main()
