"""All faults that the simulation has to find: name → where, and what is replaced."""

from tests.simulation.planted import accounts, catchups, costs, metering, money, totals, words

FAMILIES = {
    "money": money.FAULTS,
    "metering": metering.FAULTS,
    "words": words.FAULTS,
    "catch-ups and claims": catchups.FAULTS,
    "costs": costs.FAULTS,
    "totals": totals.FAULTS,
    "accounts and erasure": accounts.FAULTS,
}
FAULTS = {name: fault for faults in FAMILIES.values() for name, fault in faults.items()}
