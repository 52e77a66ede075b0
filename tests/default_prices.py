"""The prices at which a stage sells by default. Only tests of history name a price version."""

from chalicelib.pricing import price_files
from scripts.price_page import default_version

PRICE_VERSION = default_version()
PRICES = price_files.load(PRICE_VERSION)
LIVE_PER_MINUTE = PRICES.services["live"].credits_per_minute
STARTER, POPULAR = PRICES.packages["starter"], PRICES.packages["popular"]
QUESTION_CREDITS = PRICES.services["ask"].credits


def live_credits(seconds: float) -> int:
    """What a live session of this length costs, rounded up to a whole credit."""
    return -(-round(seconds * 1000) * LIVE_PER_MINUTE // 60_000)
