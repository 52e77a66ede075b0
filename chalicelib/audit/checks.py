"""What is wrong with one user's books. Pure rules: all that the tables say goes in, findings come out.

Each rule is one of the money invariants of docs/data-model.md, read off the stored items alone: nothing here relies on
the code that wrote them, except on `purchase_value`, which says what a purchase is worth by the facts of its payment.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain

from ..dates import utc_date
from ..models.audits import Books, Finding, FindingKind
from ..models.ledger import DayTotal, Entry, Hold, HoldState
from ..models.purchase_facts import PaymentFacts, PurchaseValue
from ..models.purchases import Purchase

STUCK_AFTER_SECONDS = 900  # the sweep comes every minute
DISPUTE = "dispute"  # a hold of this kind waits for the bank, however long that takes
USAGE, PURCHASE, FREE = "usage", "purchase", "free_credits"
TAKEN_BACK = ("clawback", "clawback_reversed")
OF_PURCHASES = (PURCHASE, *TAKEN_BACK)
LIFETIME = {USAGE: "used"} | dict.fromkeys(OF_PURCHASES, "purchased")  # any other kind: granted
PRICED = (USAGE, PURCHASE)
Found = Iterator[tuple[FindingKind, str, str]]  # kind, reference, message
Valuation = Callable[[PaymentFacts, int, int], PurchaseValue]  # facts, credits, cents


def findings(books: Books, now: int, price_versions: Collection[str], purchase_value: Valuation) -> list[Finding]:
    """Everything that is wrong with the books. `price_versions`: the existing ones.

    `purchase_value`: what a purchase is worth by the facts known of its payment.
    """
    found = chain(
        _balance(books),
        _lifetime(books),
        _negative(books),
        _guards(books),
        _grants(books),
        _price_versions(books, price_versions),
        _open_holds(books, now),
        _ended_holds(books),
        _costs(books),
        _days(books),
        _purchases(books, purchase_value),
        _entries_of_purchases(books),
    )
    return [Finding(kind, message, books.user_id, reference) for kind, reference, message in found]


# The balance


def _balance(books: Books) -> Found:
    """available + held = sum of the entries; held = sum of the open holds."""
    available, held = books.balance.available, books.balance.held
    booked = _credits(books.entries)
    if available + held != booked:
        yield FindingKind.BALANCE_DIFFERS, "", f"{available} available and {held} held; the entries make {booked}"
    holding = sum(hold.credits for hold in _open(books))
    if held != holding:
        yield FindingKind.HELD_DIFFERS, "", f"{held} held; the open holds make {holding}"


def _lifetime(books: Books) -> Found:
    """Granted, purchased and used are the sums of their entries."""
    booked: Counter[str] = Counter()
    for entry in books.entries:
        name = LIFETIME.get(entry.kind, "granted")
        booked[name] += -entry.credits if name == "used" else entry.credits
    for name in ("granted", "purchased", "used"):
        known = getattr(books.balance, name)
        if known != booked[name]:
            yield FindingKind.LIFETIME_DIFFERS, name, f"{known} {name}; the entries make {booked[name]}"


def _negative(books: Books) -> Found:
    """Only what was taken back leaves less than nothing."""
    was_taken = any(entry.credits < 0 and entry.kind != USAGE for entry in books.entries)
    if books.balance.available < 0 and not was_taken:
        yield FindingKind.NEGATIVE_AVAILABLE, "", f"{books.balance.available} available, and nothing was taken back"


# Entries and what they are of


def _guards(books: Books) -> Found:
    """What a guard says was booked is booked."""
    there = {entry.entry_id for entry in books.entries}
    for guard, entry_id in books.guards.items():
        if entry_id not in there:
            yield FindingKind.ENTRY_MISSING, guard, f"the guard names the entry {entry_id}, which is not there"


def _grants(books: Books) -> Found:
    """Free credits come once, each purchase is granted once, and of every other grant a guard knows."""
    if len(_of(books, FREE)) > 1:
        yield FindingKind.GRANT_DOUBLED, FREE, f"free credits were given {len(_of(books, FREE))} times"
    for purchase_id, entries in _grouped(_of(books, PURCHASE), lambda entry: entry.reference).items():
        if len(entries) > 1:
            yield FindingKind.GRANT_DOUBLED, purchase_id, f"the purchase was granted {len(entries)} times"
    named = set(books.guards.values())
    for entry in books.entries:
        if entry.kind not in (USAGE, FREE, *OF_PURCHASES) and entry.entry_id not in named:
            yield FindingKind.GRANT_DOUBLED, entry.entry_id, f"no guard names this {entry.kind}: it may be a second one"


def _price_versions(books: Books, known: Collection[str]) -> Found:
    """Each use and sale names the prices that it was made at."""
    for entry in books.entries:
        if entry.price_version not in known and (entry.price_version or entry.kind in PRICED):
            message = f"booked at price version {entry.price_version!r}, which there is not"
            yield FindingKind.PRICE_VERSION_UNKNOWN, entry.entry_id, message


# Holds


def _open_holds(books: Books, now: int) -> Found:
    """An open hold is in the index, where the sweep finds it, and has not been due for long."""
    for hold in _open(books):
        if books.index.get(hold.hold_id) != books.shard:
            yield FindingKind.HOLD_INDEX, hold.hold_id, "open, and not in the index of open holds"
        if hold.kind != DISPUTE and hold.sweep_at + STUCK_AFTER_SECONDS < now:
            yield FindingKind.HOLD_STUCK, hold.hold_id, f"{hold.credits} held, due at {hold.sweep_at}, and not ended"


def _ended_holds(books: Books) -> Found:
    """A hold that was settled has one entry of what it was charged, which is at most what it held; any other has none.

    An ended hold is in no index.
    """
    booked = _grouped((entry for entry in books.entries if entry.hold_id), lambda entry: entry.hold_id)
    for hold in books.holds:
        entries = booked.pop(hold.hold_id, [])
        if len(entries) > 1:
            yield FindingKind.ENTRY_DOUBLED, hold.hold_id, f"{len(entries)} entries of one hold"
        if hold.state is HoldState.SETTLED and not entries:
            yield FindingKind.ENTRY_MISSING, hold.hold_id, f"settled for {hold.charged}, and there is no entry"
        elif entries and (hold.state is not HoldState.SETTLED or hold.charged != -entries[0].credits):
            message = f"{hold.state} for {hold.charged}; its entry says {-entries[0].credits}"
            yield FindingKind.CHARGE_DIFFERS, hold.hold_id, message
        if hold.charged > hold.credits:
            yield FindingKind.HOLD_OVERCHARGED, hold.hold_id, f"held {hold.credits} and settled for {hold.charged}"
        if hold.state is not HoldState.OPEN and hold.hold_id in books.index:
            yield FindingKind.HOLD_INDEX, hold.hold_id, "ended, and still in the index of open holds"
    for hold_id, entries in booked.items():
        yield FindingKind.CHARGE_DIFFERS, hold_id, f"an entry of {-entries[0].credits}, and there is no such hold"


# Costs and days


def _costs(books: Books) -> Found:
    """What a use cost is what its models cost together."""
    for entry in _of(books, USAGE):
        of_models = sum(use.cost_micro_usd for use in entry.uses)
        if entry.cost_micro_usd != of_models:
            message = f"{entry.cost_micro_usd} micro-USD in all; its models make {of_models}"
            yield FindingKind.COST_DIFFERS, entry.entry_id, message


def _days(books: Books) -> Found:
    """A day's totals of a service are the sums of the day's entries of it."""
    uses = _grouped(_of(books, USAGE), lambda entry: f"{utc_date(entry.at)} {entry.service}")
    kept = {f"{day.date} {day.service}": _figures(day) for day in books.days}
    for day in sorted(uses.keys() | kept.keys()):
        booked, known = _booked(uses.get(day, [])), kept.get(day, (0, 0, 0, 0))
        if booked != known:
            said = "credits, milliseconds, micro-USD and uses"
            yield FindingKind.DAY_DIFFERS, day, f"{said} {known}; the entries make {booked}"


def _figures(day: DayTotal) -> tuple[int, int, int, int]:
    return day.credits, day.audio_ms, day.cost_micro_usd, day.entries


def _booked(uses: Collection[Entry]) -> tuple[int, int, int, int]:
    milliseconds, cost = sum(entry.audio_ms for entry in uses), sum(entry.cost_micro_usd for entry in uses)
    return -_credits(uses), milliseconds, cost, len(uses)


# Purchases


def _purchases(books: Books, purchase_value: Valuation) -> Found:
    """What is booked of a purchase is what its facts are worth, and what the entries and holds say."""
    for one in books.purchases.values():
        if one.user_id != books.user_id:
            continue
        due, booked = purchase_value(one.facts, one.credits, one.cents), one.booked
        if due.granted > booked.granted:
            yield FindingKind.PAID_NOT_GRANTED, one.purchase_id, f"paid; {booked.granted} of {due.granted} granted"
        elif due.granted < booked.granted:
            yield FindingKind.GRANTED_NOT_PAID, one.purchase_id, f"{booked.granted} granted, and it is not paid"
        elif (due.clawed_back, due.returned_cents) != (booked.clawed_back, booked.returned_cents):
            message = (
                f"{booked.clawed_back} taken back for {booked.returned_cents} cents;"
                f" by its facts {due.clawed_back} for {due.returned_cents}"
            )
            yield FindingKind.TAKEN_DIFFERS, one.purchase_id, message
        if said := _unlike_the_ledger(books, one):
            yield FindingKind.PURCHASE_DIFFERS, one.purchase_id, said


def _unlike_the_ledger(books: Books, one: Purchase) -> str:
    """How the ledger differs from what is booked of the purchase; empty where it does not."""
    entries = [entry for entry in books.entries if entry.reference == one.purchase_id]
    sold = [entry for entry in entries if entry.kind == PURCHASE][:1]
    taken = [entry for entry in entries if entry.kind in TAKEN_BACK]
    booked, made = one.booked, (_credits(sold), -_credits(taken))
    if made != (booked.granted, booked.clawed_back):
        return f"{booked.granted} granted and {booked.clawed_back} taken back; the entries make {made[0]} and {made[1]}"
    paid_cents = one.cents if booked.granted else 0
    money = sum(entry.cents for entry in sold), -sum(entry.cents for entry in taken)
    if money != (paid_cents, booked.returned_cents):
        return f"{paid_cents} cents paid, {booked.returned_cents} returned; the entries make {money[0]} and {money[1]}"
    holding = Counter(h.credits for h in _open(books) if h.kind == DISPUTE and h.reference == one.purchase_id)
    said = Counter(held for held in one.booked.holds.values() if held)
    return "" if holding == said else f"disputes hold {sorted(said.elements())}; the holds {sorted(holding.elements())}"


def _entries_of_purchases(books: Books) -> Found:
    """Nothing is granted or taken for a purchase that there is not, or that is another's."""
    for purchase_id in sorted({entry.reference for kind in OF_PURCHASES for entry in _of(books, kind)}):
        one = books.purchases.get(purchase_id)
        if one is None or one.user_id != books.user_id:
            yield FindingKind.GRANTED_NOT_PAID, purchase_id, "booked, and this user has no such purchase"


# Reading the books


def _open(books: Books) -> list[Hold]:
    return [hold for hold in books.holds if hold.state is HoldState.OPEN]


def _of(books: Books, kind: str) -> list[Entry]:
    return [entry for entry in books.entries if entry.kind == kind]


def _credits(entries: Iterable[Entry]) -> int:
    return sum(entry.credits for entry in entries)


def _grouped(entries: Iterable[Entry], key: Callable[[Entry], str]) -> dict[str, list[Entry]]:
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[key(entry)].append(entry)
    return groups
