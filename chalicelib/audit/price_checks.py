"""Checks each use and each sale against the price version that it names. Pure rules."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from ..models.audits import Books
from ..models.ledger import Entry
from ..models.purchases import Purchase
from ..pricing.price_table import Package, Prices

Problem = tuple[str, str]  # reference, message
LIVE = "live"


def price_problems(books: Books, price_tables: Mapping[str, Prices]) -> Iterator[Problem]:
    """Every use and sale that costs other credits, or brings other money, than its prices say.

    `price_tables`: by version. Entries of an unknown version, and of a service that it lacks, are left to other checks.
    """
    work: dict[tuple[str, str, str], dict[str, Entry]] = defaultdict(dict)
    for entry in books.entries:
        if entry.kind == "purchase":
            yield from _sale_problems(entry, books.purchases.get(entry.reference), price_tables)
        elif entry.kind == "usage":
            # An entry that is booked twice is another problem.
            part = entry.hold_id or entry.entry_id
            work[entry.price_version, entry.service, _work_id(entry)][part] = entry
    for (version, service, _), parts in work.items():
        found = price_tables.get(version)
        if found is None or service not in found.services:
            continue
        booked = -sum(entry.credits for entry in parts.values())
        due = credits_due(found, service, list(parts.values()))
        if booked != due:
            reference = next(iter(parts.values())).reference
            yield reference, f"{booked:,} booked for {service}, but by the prices of {version} {due:,} are due."


def _work_id(use: Entry) -> str:
    """The piece of work to which the use belongs; each is rounded up by itself.

    After its transcript was deleted, another session may have the same id. Its transcript is another one, after which
    the holds of its leases are named.
    """
    transcript_id, _, _ = use.hold_id.rpartition(":")
    return transcript_id if use.service == LIVE and transcript_id else use.reference


def _sale_problems(sale: Entry, purchase: Purchase | None, price_tables: Mapping[str, Prices]) -> Iterator[Problem]:
    """Another check holds the sale against its purchase; this one holds the purchase against the packages."""
    prices = price_tables.get(sale.price_version)
    if prices and purchase and Package(purchase.credits, purchase.cents) != prices.packages.get(purchase.package_id):
        message = f"{purchase.credits:,} sold for {purchase.cents:,} cents, which is no package of {prices.version}."
        yield sale.reference, message


def credits_due(prices: Prices, service: str, parts: list[Entry]) -> int:
    """What this piece of work costs. `parts`: its entries, one for each lease of a session.

    Work that failed is booked with its cost at 0 credits. Only a part of a session may have used time and cost nothing:
    the whole session is rounded up once.
    """
    charged = parts if service == LIVE else [entry for entry in parts if entry.credits]
    if prices.services[service].credits:
        return prices.services[service].credits * len(charged)
    return prices.credits_for(service, sum(entry.audio_ms for entry in charged))
