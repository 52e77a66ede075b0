"""Writes the prices of docs/pricing.md and docs/api.md from the price file: `.venv/bin/python -m scripts.price_page`.

It replaces each part between `<!-- prices: NAME -->` and `<!-- end -->` and leaves the rest of the pages unchanged.
"""

import re
import textwrap
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec

from chalicelib.pricing.price_files import load
from chalicelib.pricing.price_table import MILLISECONDS_PER_HOUR, MILLISECONDS_PER_MINUTE, Prices
from chalicelib.settings.schema import Settings

DOCS = Path(__file__).parent.parent / "docs"
PAGES = (DOCS / "pricing.md", DOCS / "api.md")
WIDTH = 120  # columns of a line
PART = re.compile(r"(<!-- prices: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
SERVICES = {
    "live": "live, direct or relayed",
    "catchup": "catch-up of a recording, including its summary",
    "catchup_session": "catch-up of a session's saved captions",
    "ask": "a question, answered or not",
}
WORK = {  # examples of work: name → service and length of its audio
    "a question": ("ask", 0),
    "an hour of live audio": ("live", MILLISECONDS_PER_HOUR),
    "catch-up of a recording, the length of one credit": ("catchup", 1),
    "an hour of a recording": ("catchup", MILLISECONDS_PER_HOUR),
    "catch-up of a session, one minute": ("catchup_session", MILLISECONDS_PER_MINUTE),
    "ten hours of a session": ("catchup_session", 10 * MILLISECONDS_PER_HOUR),
}


def page(text: str, prices: Prices) -> str:
    """The page with its parts made from these prices. Raises KeyError for a part that is not in `PARTS`."""
    return PART.sub(lambda part: f"{part[1]}{PARTS[part[2]](prices)}\n{part[3]}", text)


def usd(micro_usd: int | Decimal, places: int = 2) -> str:
    return f"${Decimal(micro_usd) / 1_000_000:,.{places}f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


def _services(prices: Prices) -> str:
    rows = []
    for name, service in prices.services.items():
        by_minute = f"{service.credits_per_minute} per minute, rounded up to a whole credit"
        rows.append(
            [
                f"{SERVICES.get(name, name)} (`{name}`)",
                by_minute if service.credits_per_minute else f"{service.credits}",
            ]
        )
    return f"Version **{prices.version}**, in effect from {prices.effective_from}.\n\n" + table(
        ["service", "credits"], rows
    )


def _packages(prices: Prices) -> str:
    rows = []
    for name, package in prices.packages.items():
        kept = prices.net_micro_usd(package.cents)
        each = f"{Decimal(package.cents) / package.credits:.4f} ¢"
        rows.append([name, f"{package.credits:,}", usd(package.cents * 10_000), each, usd(kept)])
    return table(["package", "credits", "price", "price of a credit", "left after the payment fee"], rows)


def _models(prices: Prices) -> str:
    rows = [
        [f"`{name}`", usd(model.micro_usd_per_hour), str(model.effective_from)] for name, model in prices.models.items()
    ]
    sources = _sources({name: model.source for name, model in prices.models.items()})
    return table(["model", "price of an hour of audio", "known since"], rows) + sources


def _text_models(prices: Prices) -> str:
    rows = [
        [
            f"`{name}`",
            usd(model.micro_usd_per_million_input_tokens),
            usd(model.micro_usd_per_million_output_tokens),
            str(model.effective_from),
        ]
        for name, model in prices.text_models.items()
    ]
    sources = _sources({name: model.source for name, model in prices.text_models.items()})
    return table(["text model", "a million input tokens", "a million output tokens", "known since"], rows) + sources


def _fees(prices: Prices) -> str:
    fees = prices.payment_fees
    share = f"{Decimal(fees.basis_points) / 100:g} % and {usd(fees.fixed_cents * 10_000)}"
    rows = [[share, str(fees.effective_from)]]
    return table(["fee of each payment", "known since"], rows) + "\n\n" + _wrap(f"Source: {fees.source}.")


def _worst(prices: Prices) -> str:
    rows = []
    for called, (service, audio_ms) in WORK.items():
        credits = prices.services[service].credits or prices.credits_for(service, audio_ms)
        brings = min(
            credits * prices.net_micro_usd(package.cents) // package.credits for package in prices.packages.values()
        )
        rows.append([called, usd(brings, 4), usd(prices.worst_cost_micro_usd(service, audio_ms), 4)])
    return table(["work", "revenue at least, after the payment fee", "cost at most"], rows)


def _live_sentence(prices: Prices) -> str:
    return f"Live audio, direct or relayed, costs {_credits(prices.services['live'].credits_per_minute)} per minute."


def _catchup_sentence(prices: Prices) -> str:
    recording, session = (prices.services[name].credits_per_minute for name in ("catchup", "catchup_session"))
    return (
        f"A recording costs {_credits(recording)} per minute, its summary included; "
        f"a session's saved text costs {_credits(session)} per minute."
    )


def _question_sentence(prices: Prices) -> str:
    return (
        f"A question costs {_credits(prices.services['ask'].credits)}, "
        "also when the transcript does not contain the answer."
    )


def _package_list(prices: Prices) -> str:
    rows = [
        [f"`{name}`", f"{_credits(package.credits)} for ${package.cents / 100:.2f}"]
        for name, package in prices.packages.items()
    ]
    return table(["package", "price"], rows)


def _credits(number: int) -> str:
    return f"{number:,} credit{'' if number == 1 else 's'}"


def _sources(sources: dict[str, str]) -> str:
    """A list of the sources, each with the models whose price it gives."""
    models: dict[str, list[str]] = {}
    for name, source in sources.items():
        models.setdefault(source, []).append(f"`{name}`")
    items = [_wrap(f"- {', '.join(names)}: {source}.") for source, names in models.items()]
    return "\n\nSources:\n\n" + "\n".join(items)


def _wrap(text: str) -> str:
    """The text in lines of the page's width, indented as the continuation of a list item where it is one."""
    indent = "  " if text.startswith("- ") else ""
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


PARTS: dict[str, Callable[[Prices], str]] = {
    "services": _services,
    "packages": _packages,
    "models": _models,
    "text_models": _text_models,
    "fees": _fees,
    "worst": _worst,
    "live_sentence": _live_sentence,
    "catchup_sentence": _catchup_sentence,
    "question_sentence": _question_sentence,
    "package_list": _package_list,
}


def default_version() -> str:
    """The version that a stage uses unless PRICE_VERSION is set."""
    (field,) = [field for field in msgspec.structs.fields(Settings) if field.name == "price_version"]
    return str(field.default)


def main() -> None:
    version = default_version()
    for path in PAGES:
        path.write_text(page(path.read_text(encoding="utf-8"), load(version)), encoding="utf-8")
        print(f"docs/{path.name} is written from price version {version}")


if __name__ == "__main__":
    main()
