"""The checks of one user's books. Pure rules: everything the tables hold goes in, findings come out.

Each check is one of the money invariants of docs/data-model.md, read from the stored items alone. Nothing here relies
on the code that wrote them, except on `purchase_value`: what the facts about a payment entitle the user to.
report.py compares the totals across all users.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain

from ..dates import utc_date
from ..errors import quantity
from ..models.audits import Books, Finding, FindingKind
from ..models.ledger import DayTotal, Entry, Hold, HoldKind, HoldState
from ..models.purchase_facts import PaymentFacts, PurchaseValue
from ..models.purchases import Purchase
from ..pricing.price_table import Prices
from .price_checks import price_problems

STUCK_AFTER_SECONDS = 900  # the sweep runs every minute
USAGE, PURCHASE, FREE = "usage", "purchase", "free_credits"
CLAWBACK_KINDS = ("clawback", "clawback_reversed")
PURCHASE_KINDS = (PURCHASE, *CLAWBACK_KINDS)
LIFETIME_TOTALS = {USAGE: "used"} | dict.fromkeys(PURCHASE_KINDS, "purchased")  # any other kind: granted
PRICED_KINDS = (USAGE, PURCHASE)
Problems = Iterator[tuple[FindingKind, str, str]]  # kind, reference, message
Valuation = Callable[[PaymentFacts, int, int], PurchaseValue]  # facts, credits, cents


def findings(books: Books, now: int, price_tables: Mapping[str, Prices], purchase_value: Valuation) -> list[Finding]:
    """Everything that is wrong with the books. `price_tables`: those that exist, by version.

    `purchase_value`: what the facts about its payment entitle the buyer of a purchase to.
    """
    problems = chain(
        _check_balance(books),
        _check_lifetime_totals(books),
        _check_negative_available(books),
        _check_guards(books),
        _check_grants(books),
        _check_price_versions(books, price_tables),
        _check_prices(books, price_tables),
        _check_open_holds(books, now),
        _check_charges(books),
        _check_costs(books),
        _check_days(books),
        _check_purchases(books, purchase_value),
        _check_purchase_references(books),
        _check_open_disputes(books),
    )
    return [Finding(kind, message, books.user_id, reference) for kind, reference, message in problems]


# The balance


def _check_balance(books: Books) -> Problems:
    """available + held = sum of the entries; held = sum of the open holds."""
    available, held = books.balance.available, books.balance.held
    by_entries = _credits(books.entries)
    if available + held != by_entries:
        message = f"{available:,} available and {held:,} held, but the entries add up to {by_entries:,}."
        yield FindingKind.BALANCE_DIFFERS, "", message
    by_holds = sum(hold.credits for hold in _open_holds(books))
    if held != by_holds:
        yield FindingKind.HELD_DIFFERS, "", f"{held:,} held, but the open holds add up to {by_holds:,}."


def _check_lifetime_totals(books: Books) -> Problems:
    """Granted, purchased and used each equal the sum of their entries."""
    by_entries: Counter[str] = Counter()
    for entry in books.entries:
        name = LIFETIME_TOTALS.get(entry.kind, "granted")
        by_entries[name] += -entry.credits if name == "used" else entry.credits
    for name in ("granted", "purchased", "used"):
        total = getattr(books.balance, name)
        if total != by_entries[name]:
            message = f"{total:,} {name}, but the entries add up to {by_entries[name]:,}."
            yield FindingKind.LIFETIME_DIFFERS, name, message


def _check_negative_available(books: Books) -> Problems:
    """Only a claw-back may take the available credits below zero."""
    has_clawback = any(entry.credits < 0 and entry.kind != USAGE for entry in books.entries)
    if books.balance.available < 0 and not has_clawback:
        message = f"{books.balance.available:,} available, but no credits were taken back."
        yield FindingKind.NEGATIVE_AVAILABLE, "", message


# Entries


def _check_guards(books: Books) -> Problems:
    """Each guard names an entry that exists."""
    entry_ids = {entry.entry_id for entry in books.entries}
    for guard, entry_id in books.guards.items():
        if entry_id not in entry_ids:
            yield FindingKind.ENTRY_MISSING, guard, f"The guard names the entry {entry_id}, which does not exist."


def _check_grants(books: Books) -> Problems:
    """Free credits and each purchase are granted once; a guard names every other grant."""
    free_grants = len(_entries_of(books, FREE))
    if free_grants > 1:
        yield FindingKind.GRANT_DOUBLED, FREE, f"Free credits were granted {free_grants} times."
    for purchase_id, entries in _group(_entries_of(books, PURCHASE), lambda entry: entry.reference).items():
        if len(entries) > 1:
            yield FindingKind.GRANT_DOUBLED, purchase_id, f"The purchase was granted {len(entries)} times."
    guarded = set(books.guards.values())
    for entry in books.entries:
        if entry.kind not in (USAGE, FREE, *PURCHASE_KINDS) and entry.entry_id not in guarded:
            message = f"No guard names this {entry.kind}: it may be a duplicate."
            yield FindingKind.GRANT_DOUBLED, entry.entry_id, message


def _check_price_versions(books: Books, price_versions: Collection[str]) -> Problems:
    """Each use and each sale names the price version that it was booked at."""
    for entry in books.entries:
        if entry.price_version not in price_versions and (entry.price_version or entry.kind in PRICED_KINDS):
            message = f"Booked at price version {entry.price_version!r}, which does not exist."
            yield FindingKind.PRICE_VERSION_UNKNOWN, entry.entry_id, message


def _check_prices(books: Books, price_tables: Mapping[str, Prices]) -> Problems:
    """What was used and sold has the prices of the version that it was booked at."""
    for reference, message in price_problems(books, price_tables):
        yield FindingKind.PRICE_DIFFERS, reference, message


# Holds


def _check_open_holds(books: Books, now: int) -> Problems:
    """An open hold is in the index that the sweep reads, and is not long overdue."""
    for hold in _open_holds(books):
        if books.index.get(hold.hold_id) != books.shard:
            yield FindingKind.HOLD_INDEX, hold.hold_id, "The hold is open but not in the index of open holds."
        # A dispute's hold stays open until the bank decides.
        if hold.kind != HoldKind.DISPUTE and hold.sweep_at + STUCK_AFTER_SECONDS < now:
            message = f"{quantity(hold.credits, 'credit')} held, due to be swept at {hold.sweep_at}, and still open."
            yield FindingKind.HOLD_STUCK, hold.hold_id, message


def _check_charges(books: Books) -> Problems:
    """A settled hold has one entry of its charge, which is at most what it held; other holds have none.

    Only open holds are in the index.
    """
    entries_by_hold = _group((entry for entry in books.entries if entry.hold_id), lambda entry: entry.hold_id)
    for hold in books.holds:
        entries = entries_by_hold.pop(hold.hold_id, [])
        if len(entries) > 1:
            yield FindingKind.ENTRY_DOUBLED, hold.hold_id, f"The hold has {len(entries)} entries."
        if hold.state is HoldState.SETTLED and not entries:
            message = f"The hold was settled for {hold.charged:,}, but has no entry."
            yield FindingKind.ENTRY_MISSING, hold.hold_id, message
        elif entries and (hold.state is not HoldState.SETTLED or hold.charged != -entries[0].credits):
            message = f"The hold is {hold.state} for {hold.charged:,}, but its entry is for {-entries[0].credits:,}."
            yield FindingKind.CHARGE_DIFFERS, hold.hold_id, message
        if hold.charged > hold.credits:
            message = f"The hold held {hold.credits:,}, but was settled for {hold.charged:,}."
            yield FindingKind.HOLD_OVERCHARGED, hold.hold_id, message
        if hold.state is not HoldState.OPEN and hold.hold_id in books.index:
            yield FindingKind.HOLD_INDEX, hold.hold_id, "The hold has ended but is still in the index of open holds."
    for hold_id, entries in entries_by_hold.items():
        message = f"An entry for {-entries[0].credits:,} names this hold, which does not exist."
        yield FindingKind.CHARGE_DIFFERS, hold_id, message


# Costs and days


def _check_costs(books: Books) -> Problems:
    """The cost of a use is the sum of the costs of its models."""
    for entry in _entries_of(books, USAGE):
        by_models = sum(use.cost_micro_usd for use in entry.uses)
        if entry.cost_micro_usd != by_models:
            message = f"The entry costs {entry.cost_micro_usd:,} micro-USD, but its models add up to {by_models:,}."
            yield FindingKind.COST_DIFFERS, entry.entry_id, message


def _check_days(books: Books) -> Problems:
    """The totals of a day and service equal the sum of its entries."""
    uses = _group(_entries_of(books, USAGE), lambda entry: f"{utc_date(entry.at)} {entry.service}")
    stored = {f"{day.date} {day.service}": _day_figures(day) for day in books.days}
    for day in sorted(uses.keys() | stored.keys()):
        by_entries, in_totals = _entry_figures(uses.get(day, [])), stored.get(day, (0, 0, 0, 0))
        if by_entries != in_totals:
            message = (
                f"Credits, milliseconds, micro-USD and uses are {in_totals}, but the entries add up to {by_entries}."
            )
            yield FindingKind.DAY_DIFFERS, day, message


def _day_figures(day: DayTotal) -> tuple[int, int, int, int]:
    return day.credits, day.audio_ms, day.cost_micro_usd, day.entries


def _entry_figures(uses: Collection[Entry]) -> tuple[int, int, int, int]:
    milliseconds, cost = sum(entry.audio_ms for entry in uses), sum(entry.cost_micro_usd for entry in uses)
    return -_credits(uses), milliseconds, cost, len(uses)


# Purchases


def _check_purchases(books: Books, purchase_value: Valuation) -> Problems:
    """What is booked for a purchase is what its facts entitle to, and what the entries and holds say."""
    for purchase in books.purchases.values():
        if purchase.user_id != books.user_id:
            continue
        due, booked = purchase_value(purchase.facts, purchase.credits, purchase.cents), purchase.booked
        if due.granted > booked.granted:
            message = f"The purchase is paid, but only {booked.granted:,} of {due.granted:,} were granted."
            yield FindingKind.PAID_NOT_GRANTED, purchase.purchase_id, message
        elif due.granted < booked.granted:
            message = f"{quantity(booked.granted, 'credit')} granted, but the purchase is not paid."
            yield FindingKind.GRANTED_NOT_PAID, purchase.purchase_id, message
        elif (due.clawed_back, due.returned_cents) != (booked.clawed_back, booked.returned_cents):
            message = (
                f"{booked.clawed_back:,} taken back for {booked.returned_cents:,} cents, but by the payment's facts"
                f" {due.clawed_back:,} are due for {due.returned_cents:,} cents."
            )
            yield FindingKind.CLAWBACK_DIFFERS, purchase.purchase_id, message
        if message := _ledger_difference(books, purchase):
            yield FindingKind.PURCHASE_DIFFERS, purchase.purchase_id, message


def _ledger_difference(books: Books, purchase: Purchase) -> str:
    """How the ledger differs from what is booked for the purchase; empty if it does not."""
    entries = [entry for entry in books.entries if entry.reference == purchase.purchase_id]
    sale = [entry for entry in entries if entry.kind == PURCHASE][:1]
    clawbacks = [entry for entry in entries if entry.kind in CLAWBACK_KINDS]
    booked = purchase.booked
    granted, returned = _credits(sale), -_credits(clawbacks)
    if (granted, returned) != (booked.granted, booked.clawed_back):
        return (
            f"{booked.granted:,} granted and {booked.clawed_back:,} taken back,"
            f" but the entries add up to {granted:,} and {returned:,}."
        )
    paid_cents = purchase.cents if booked.granted else 0
    sale_cents, returned_cents = sum(entry.cents for entry in sale), -sum(entry.cents for entry in clawbacks)
    if (sale_cents, returned_cents) != (paid_cents, booked.returned_cents):
        return (
            f"{paid_cents:,} cents paid and {booked.returned_cents:,} returned,"
            f" but the entries add up to {sale_cents:,} and {returned_cents:,}."
        )
    by_holds = Counter(
        hold.credits
        for hold in _open_holds(books)
        if hold.kind == HoldKind.DISPUTE and hold.reference == purchase.purchase_id
    )
    by_disputes = Counter(credits for credits in booked.holds.values() if credits)
    if by_holds == by_disputes:
        return ""
    return f"The disputes hold {sorted(by_disputes.elements())}, but the open holds are {sorted(by_holds.elements())}."


def _check_purchase_references(books: Books) -> Problems:
    """Credits are granted or taken back only for a purchase of this user."""
    for purchase_id in sorted({entry.reference for kind in PURCHASE_KINDS for entry in _entries_of(books, kind)}):
        purchase = books.purchases.get(purchase_id)
        if purchase is None or purchase.user_id != books.user_id:
            yield FindingKind.GRANTED_NOT_PAID, purchase_id, "Credits are booked, but the user has no such purchase."


def _check_open_disputes(books: Books) -> Problems:
    """The balance counts the disputes that are open."""
    own = [purchase for purchase in books.purchases.values() if purchase.user_id == books.user_id]
    counted, found = books.balance.open_disputes, sum(len(purchase.booked.holds) for purchase in own)
    if counted != found:
        message = f"The balance counts {quantity(counted, 'open dispute')}, but the purchases have {found:,}."
        yield FindingKind.PURCHASE_DIFFERS, "open_disputes", message


# Reading the books


def _open_holds(books: Books) -> list[Hold]:
    return [hold for hold in books.holds if hold.state is HoldState.OPEN]


def _entries_of(books: Books, kind: str) -> list[Entry]:
    return [entry for entry in books.entries if entry.kind == kind]


def _credits(entries: Iterable[Entry]) -> int:
    return sum(entry.credits for entry in entries)


def _group(entries: Iterable[Entry], key: Callable[[Entry], str]) -> dict[str, list[Entry]]:
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[key(entry)].append(entry)
    return groups
