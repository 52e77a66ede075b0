"""Two price lists that take turns, so that prices change while sessions and catch-ups are under way."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import msgspec

from chalicelib.pricing import price_files
from tests.default_prices import PRICE_VERSION, PRICES
from tests.simulation.faults import MINUTE_MS

DEARER_VERSION = f"{PRICE_VERSION}-dearer"
DEARER_PER_MINUTE = {"live": 13, "catchup": 14, "catchup_session": 3}
VERSIONS = (PRICE_VERSION, DEARER_VERSION)
CHANGED_EVERY_MS = 90 * MINUTE_MS


@contextmanager
def two_price_lists() -> Iterator[None]:
    """Until the block ends, the package has a second price file, whose prices by the minute are higher."""
    raw = msgspec.to_builtins(PRICES) | {"version": DEARER_VERSION}
    for service, credits in DEARER_PER_MINUTE.items():
        raw["services"][service]["credits_per_minute"] = credits
    with tempfile.TemporaryDirectory() as directory:
        for version, content in {PRICE_VERSION: msgspec.to_builtins(PRICES), DEARER_VERSION: raw}.items():
            (Path(directory) / f"{version}.json").write_bytes(msgspec.json.encode(content))
        with patch.object(price_files, "PRICES_DIRECTORY", Path(directory)):
            yield


def version_at(now_ms: int) -> str:
    """The price list by which new sessions are sold at this time."""
    return VERSIONS[now_ms // CHANGED_EVERY_MS % len(VERSIONS)]


def price(version: str, service: str, milliseconds: int) -> int:
    """The credits for so much time at the prices of this version, rounded up."""
    per_minute = DEARER_PER_MINUTE if version == DEARER_VERSION else _USUAL_PER_MINUTE
    return credits_for(milliseconds, per_minute[service])


def credits_for(milliseconds: int, per_minute: int) -> int:
    """The credits for so much time, rounded up."""
    return -(-milliseconds * per_minute // MINUTE_MS)


_USUAL_PER_MINUTE = {service: PRICES.services[service].credits_per_minute for service in DEARER_PER_MINUTE}
