"""Tables that the money tests of one engine share: every history has users of its own."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.engines import Engine


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[tuple[str, str]]:
    with engine.tables() as made:
        yield made


@pytest.fixture(scope="session")
def tally() -> Iterator[Counter[str]]:
    """What a soak did, printed at its end."""
    counts: Counter[str] = Counter()
    yield counts
    if counts:
        print("\n\nsoak:", ", ".join(f"{number:,} {what}" for what, number in sorted(counts.items())))
