"""What the product takes from its process comes from the run instead: random pauses, tokens, times within a second."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from chalicelib import ids
from chalicelib.repositories import ledger_items, table
from tests.simulation.core import Simulation


@contextmanager
def everything_from_the_seed(simulation: Simulation) -> Iterator[None]:
    """Until the block ends, the product draws from the world's random generator and reads its clock."""
    replaced = [
        (table, "uuid", SimpleNamespace(uuid4=simulation.new_id)),
        (table, "random", simulation.rng),
        (ledger_items, "time", SimpleNamespace(time_ns=lambda: simulation.process_now_ms() * 1_000_000)),
        (ids, "secrets", SimpleNamespace(token_bytes=simulation.rng.randbytes)),
    ]
    with ExitStack() as stack:
        for module, name, instead in replaced:
            stack.enter_context(patch.object(module, name, instead))
        yield
