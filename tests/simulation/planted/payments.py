"""Faults in what is checked of an event before a payment is booked."""

from tests.simulation.planted.planting import PlantedFault

FULFILMENT = "payments/fulfilment.py"


def _dropped_check(condition: str, reason: str) -> PlantedFault:
    """`condition` refuses an event for this reason; the fault leaves it out."""
    return PlantedFault(FULFILMENT, f'        if {condition}:\n            raise IgnoredError("{reason}")\n', "")


FAULTS = {
    "an event of another mode that is booked": _dropped_check(
        "update is not None and is_live != self.is_live", "another mode"
    ),
    "a checkout of another mode that is booked": _dropped_check(
        "session.is_live != purchase.is_live or session.is_live != self.is_live", "another mode"
    ),
    "a checkout of another stage that is booked": _dropped_check("session.stage != self.stage", "another stage"),
    "a checkout of another amount that is booked": _dropped_check("session.cents != purchase.cents", "another amount"),
    "a checkout of another currency that is booked": _dropped_check(
        "session.currency != purchase.currency", "another currency"
    ),
    "a checkout of another user that is booked": _dropped_check("session.user_id != purchase.user_id", "another user"),
    "money of another mode that goes back": _dropped_check("update.is_live != purchase.is_live", "another mode"),
    "money of another currency that goes back": _dropped_check(
        "update.currency != purchase.currency", "another currency"
    ),
    "a refund of more than was paid": _dropped_check(
        "isinstance(update.fact, RefundFact) and update.cents > purchase.cents", "another amount"
    ),
    "a refund that is asked for by a new key each time": PlantedFault(
        "payments/administration.py", 'f"refund:{action_id}"', 'f"refund:{action_id}:{self.new_ulid()}"'
    ),
    "an event whose signature does not matter": PlantedFault(
        "payments/checkout.py", "gateway.verify_event(raw, signature)", 'gateway.verify_event(raw, "signed-by-stripe")'
    ),
}
