"""Faults in the ledger, in purchases and in what is given away."""

from tests.simulation.planted.planting import PlantedFault

FAULTS = {
    "a hold without a look at the balance": PlantedFault(
        "repositories/ledger.py", 'return Attr("available").gte(needed) & is_in_good', "return is_in_good"
    ),
    "a hold that can end twice": PlantedFault(
        "repositories/ledger_items.py",
        'when=Attr("state").eq(HoldState.OPEN.value) & Attr("credits").eq(hold.credits),',
        'when=Attr("credits").eq(hold.credits),',
    ),
    "a settlement that is added to its day twice": PlantedFault(
        "repositories/ledger_items.py",
        '            "credits": charge.credits,\n',
        '            "credits": 2 * charge.credits,\n',
    ),
    "a settlement that is not added to its day": PlantedFault(
        "repositories/ledger_items.py",
        "return [entry_put(user_id, entry), day]",
        "return [entry_put(user_id, entry)]",
    ),
    "a claw-back that rounds up": PlantedFault(
        "payments/refunds_and_disputes.py",
        "return credits * min(part_cents, cents) // cents",
        "return -(-credits * min(part_cents, cents) // cents)",
    ),
    "a refund that is booked again with the next one": PlantedFault(
        "payments/refunds_and_disputes.py", "value.clawed_back - booked.clawed_back", "value.clawed_back"
    ),
    "a purchase updated whatever its version": PlantedFault(
        "repositories/purchases.py",
        'is_unchanged = Attr("version").eq(before.version)',
        'is_unchanged = Attr("pk").exists()',
    ),
    "a purchase that stays on the list when it ends": PlantedFault(
        "repositories/purchases.py", "        writes.append(Write(open_key(after), delete=True))", "        pass"
    ),
    "a won dispute whose hold stays": PlantedFault(
        "repositories/purchases.py",
        "        if held:\n            writes.append(end_hold",
        "        if charged:\n            writes.append(end_hold",
    ),
    "a grant without its guard": PlantedFault(
        "repositories/ledger.py",
        'Write(guard.key, item=guard_item, when=Attr("pk").not_exists())',
        "Write(guard.key, item=guard_item)",
    ),
    "a cap on free credits that is not claimed": PlantedFault(
        "repositories/daily_caps.py",
        '| Attr("count").lte(ceiling - amount)',
        '| Attr("count").exists()',
    ),
}
