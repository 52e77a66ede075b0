"""Bookings of work that a provider has done: only this process knows of it, so they are tried several times."""

from collections.abc import Callable
from typing import TypeVar

from ..errors import UnavailableError
from ..logs.request_facts import request_facts

TRIES = 3
Booked = TypeVar("Booked")


def retry_booking(book: Callable[[], Booked], cost_micro_usd: int) -> Booked:
    """What `book` returns; it is tried again where the tables are unavailable.

    A try whose answer was lost may have been written, so `book` has to find that out. `cost_micro_usd`: what the log
    line shows as not booked where the last try fails, too. Raises UnavailableError then.
    """
    for _ in range(TRIES - 1):
        try:
            return book()
        except UnavailableError:
            continue
    try:
        return book()
    except UnavailableError:
        if cost_micro_usd:
            request_facts().notes["unbooked_micro_usd"] = cost_micro_usd
        raise
