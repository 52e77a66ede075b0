"""The engine in this process answers as Amazon's DynamoDB Local does, to random requests of every kind that we make."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ministack.services import dynamodb

from chalicelib.repositories.table import ItemKey, Tables, Write
from tests.engines import IN_PROCESS, Engine, client
from tests.repositories.engine_differences import KNOWN_DIFFERENCES
from tests.repositories.engine_pair import EnginePair, EnginesDifferError
from tests.repositories.engine_steps import RandomSteps

STEPS = 100
KEY, OTHER, THIRD = (ItemKey("app", "USER#1", sk) for sk in "ABC")
EXPECTED_OUTCOMES = (
    *("get_item: answer", "batch_get_item: answer", "query: answer", "query: all pages", "scan: all pages"),
    *("put_item: ConditionalCheckFailedException", "update_item: ConditionalCheckFailedException"),
    *("delete_item: answer", "batch_write_item: answer", "transact_write_items: answer"),
    *("transact_write_items: TransactionCanceledException", "update_item: ValidationException"),
    *("transact_write_items: IdempotentParameterMismatchException", "get_item: ValidationException"),
)
# By the function of the emulator that is replaced: any condition of a write holds; an old item has a wrong version; a
# number is added twice.
FAULTS: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "_evaluate_condition": lambda real: lambda *args, **slot: real(*args, **slot) if slot else True,
    "_conditional_check_failed": lambda real: lambda data, old: real(data, old and old | {"version": {"N": "7"}}),
    "_apply_add": lambda real: lambda *args: (real(*args), real(*args)),
}


@pytest.fixture
def pair(dynamodb_local: Engine) -> EnginePair:
    return EnginePair(client(dynamodb_local.endpoint_url))


def test_engines_answer_a_sample_of_requests_alike(pair: EnginePair, soak_counts: Counter[str]) -> None:
    """The same sequences in every run; a soak draws others each day."""
    run_sequences(pair, "sample", 1_500, soak_counts)


@pytest.mark.parametrize("engine", [IN_PROCESS, "dynamodb_local"])
@pytest.mark.parametrize(
    "write",
    [
        Write(KEY, drop=[("missing", "a")]),
        Write(KEY, put_in={"n": 1}, drop=[("missing", "a")]),
        Write(KEY, drop=[("text", "a")]),
        Write(KEY, drop=[("map", "missing", "a")]),
        Write(OTHER, drop=[("map", "a")]),
    ],
    ids=["missing map", "beside a change", "not a map", "missing map in a map", "missing item"],
)
def test_removing_below_a_missing_map_is_refused_and_writes_nothing(
    request: pytest.FixtureRequest, engine: str, write: Write
) -> None:
    on = Engine(engine) if engine == IN_PROCESS else request.getfixturevalue(engine)
    item = {"map": {"a": 1}, "text": "a"}
    with on.tables() as names:
        tables = Tables(on.client, *names)
        tables.write(Write(KEY, item=item))

        for send in (lambda: tables.write(write), lambda: tables.transact([Write(THIRD, item={}), write])):
            with pytest.raises(ClientError, match=r"ValidationException|ValidationError"):
                send()
        assert tables.get_many([KEY, OTHER, THIRD]) == [item | KEY.as_item(), None, None]

        tables.write(Write(KEY, drop=[("map", "a"), ("map", "b")]))
        assert tables.get(KEY) == {"map": {}, "text": "a"} | KEY.as_item()


@pytest.mark.soak
def test_engines_answer_50000_requests_alike(pair: EnginePair, soak_counts: Counter[str]) -> None:
    run_sequences(pair, os.environ["SAMPLE_SEED"], 50_000, soak_counts)

    missing = [difference for difference in KNOWN_DIFFERENCES if difference not in pair.differences]
    assert missing == []  # A difference that no longer exists is no longer declared.


@pytest.mark.soak
@pytest.mark.parametrize("function", FAULTS)
def test_a_planted_fault_of_the_engine_is_found(
    function: str, pair: EnginePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynamodb, function, FAULTS[function](getattr(dynamodb, function)))

    found = (run_steps(pair, f"{os.environ['SAMPLE_SEED']}/{number}", range(STEPS)) for number in range(10))

    assert any(found)


def run_sequences(pair: EnginePair, first_seed: str, requests: int, soak_counts: Counter[str]) -> None:
    """Run sequences of random steps, each on fresh tables, until `requests` were compared."""
    number = 0
    while pair.requests < requests:
        seed = f"{first_seed}/{number}"
        difference = run_steps(pair, seed, range(STEPS))
        if difference is not None:
            positions, difference = shrink(pair, seed, list(range(STEPS)), difference)
            pytest.fail(f"sequence {seed!r}, of which steps {positions} suffice; the last request:\n{difference}")
        number += 1
    assert [kind for kind in EXPECTED_OUTCOMES if not pair.outcomes[kind]] == []
    soak_counts["requests to two engines, answered alike"] += pair.requests
    soak_counts["of these, in a way that is declared to differ"] += pair.differences.total()


def run_steps(pair: EnginePair, seed: str, positions: Iterable[int]) -> str | None:
    """How the engines differ in the steps at these positions of a sequence; None if they do not."""
    with pair.tables() as names:
        drawing = RandomSteps(Random(seed), names)
        steps = [drawing.draw() for _ in range(STEPS)]
        try:
            for position in positions:
                pair.run(steps[position])
            pair.compare_items(names)
        except EnginesDifferError as error:
            return str(error)
    return None


def shrink(pair: EnginePair, seed: str, positions: list[int], difference: str) -> tuple[list[int], str]:
    """Fewer steps that still end in a difference, and that difference."""
    size = STEPS // 2
    while size:
        for start in range(len(positions) - size, -1, -size):
            fewer = positions[:start] + positions[start + size :]
            if found := run_steps(pair, seed, fewer):
                positions, difference = fewer, found
        size //= 2
    return positions, difference
