"""Every object of the sandbox's Stripe account, by kind and id."""

from sandbox.stripe.errors import missing
from sandbox.stripe.objects import Json


class Store:
    """The current objects, oldest first; line items by session."""

    def __init__(self) -> None:
        self.sessions: dict[str, Json] = {}
        self.line_items: dict[str, list[Json]] = {}
        self.intents: dict[str, Json] = {}
        self.charges: dict[str, Json] = {}
        self.refunds: dict[str, Json] = {}
        self.disputes: dict[str, Json] = {}

    def get_session(self, id: str) -> Json:
        """Raises StripeApiError for an unknown id, like all of these."""
        return _get(self.sessions, "checkout.session", id)

    def get_intent(self, id: str, param: str = "intent") -> Json:
        return _get(self.intents, "payment_intent", id, param)

    def get_charge(self, id: str, param: str = "charge") -> Json:
        return _get(self.charges, "charge", id, param)

    def get_refund(self, id: str) -> Json:
        return _get(self.refunds, "refund", id)

    def get_dispute(self, id: str) -> Json:
        return _get(self.disputes, "dispute", id)

    def reset(self) -> None:
        for objects in vars(self).values():
            objects.clear()


def _get(objects: dict[str, Json], kind: str, id: str, param: str = "id") -> Json:
    if id not in objects:
        raise missing(kind, id, param)
    return objects[id]
