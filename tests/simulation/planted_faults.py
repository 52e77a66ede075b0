"""Faults in money code that the simulation has to find: name → where, and what is replaced."""

from tests.simulation.planting import PlantedFault

FAULTS = {
    "a hold without a look at the balance": PlantedFault(
        "repositories/ledger.py", 'return Attr("available").gte(needed) & is_in_good', "return is_in_good"
    ),
    "a hold that can end twice": PlantedFault(
        "repositories/ledger_items.py",
        'when=Attr("state").eq(HoldState.OPEN.value) & Attr("credits").eq(hold.credits),',
        'when=Attr("credits").eq(hold.credits),',
    ),
    "a claw-back that rounds up": PlantedFault(
        "payments/purchase_state.py",
        "return credits * min(part_cents, cents) // cents",
        "return -(-credits * min(part_cents, cents) // cents)",
    ),
    "a purchase updated whatever its version": PlantedFault(
        "repositories/purchases.py",
        'is_unchanged = Attr("version").eq(before.version)',
        'is_unchanged = Attr("pk").exists()',
    ),
    "a chunk that is not reserved inside its lease": PlantedFault(
        "repositories/sessions.py", '& Attr("free_ms").gte(needed_ms)', '& Attr("free_ms").exists()'
    ),
    "entries counted twice": PlantedFault(
        "repositories/aggregates.py",
        'item={"at": entry.at}, when=is_new) for user_id',
        'item={"at": entry.at}) for user_id',
    ),
    "a cap on free credits that is not claimed": PlantedFault(
        "repositories/daily_caps.py",
        '| Attr("count").lte(ceiling - amount)',
        '| Attr("count").exists()',
    ),
}
