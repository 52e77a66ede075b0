"""All faults that the simulation has to find: name → where, and what is replaced."""

from tests.simulation.planted import (
    accounts,
    catchups,
    costs,
    healing,
    metering,
    money,
    payments,
    totals,
    transcripts,
    words,
)

FAMILIES = {
    "money": money.FAULTS,
    "events of payments": payments.FAULTS,
    "metering": metering.FAULTS,
    "words": words.FAULTS,
    "catch-ups and claims": catchups.FAULTS,
    "costs": costs.FAULTS,
    "totals": totals.FAULTS,
    "accounts and erasure": accounts.FAULTS,
    "search and shares": transcripts.FAULTS,
    "what heals by itself": healing.FAULTS,
}
FAULTS = {name: fault for faults in FAMILIES.values() for name, fault in faults.items()}
