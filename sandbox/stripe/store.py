"""Every object of the sandbox's Stripe account, by kind and id."""

from sandbox.stripe.errors import missing
from sandbox.stripe.objects import Json


class Books:
    """Objects as they are now, oldest first; line items by session."""

    def __init__(self) -> None:
        self.sessions: dict[str, Json] = {}
        self.line_items: dict[str, list[Json]] = {}
        self.intents: dict[str, Json] = {}
        self.charges: dict[str, Json] = {}
        self.refunds: dict[str, Json] = {}
        self.disputes: dict[str, Json] = {}

    def session(self, id: str) -> Json:
        """Raises RefusalError, like all of these."""
        return _found(self.sessions, "checkout.session", id)

    def intent(self, id: str, param: str = "intent") -> Json:
        return _found(self.intents, "payment_intent", id, param)

    def charge(self, id: str, param: str = "charge") -> Json:
        return _found(self.charges, "charge", id, param)

    def refund(self, id: str) -> Json:
        return _found(self.refunds, "refund", id)

    def dispute(self, id: str) -> Json:
        return _found(self.disputes, "dispute", id)

    def forget(self) -> None:
        for kept in vars(self).values():
            kept.clear()


def _found(kept: dict[str, Json], kind: str, id: str, param: str = "id") -> Json:
    if id not in kept:
        raise missing(kind, id, param)
    return kept[id]
