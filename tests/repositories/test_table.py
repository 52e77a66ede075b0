"""Reads and conditional writes, and the outcome of each failure of the database."""

from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.errors import UnavailableError
from chalicelib.logs.request_facts import collect_request_facts
from chalicelib.repositories.conditions import Attr
from chalicelib.repositories.table import CONFLICT_TRIES, ItemKey, Tables, Write, WriteRefusedError
from tests.engines import Engine
from tests.fault_injection import OUTAGES, TRANSIENT, Fault, FaultInjector, fail_call, no_faults

KEY, OTHER = ItemKey("ledger", "USER#1", "A"), ItemKey("app", "USER#1", "B")
MISSING = Attr("pk").not_exists()


@pytest.fixture(autouse=True)
def sdk_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))


@pytest.fixture
def names(engine: Engine):
    with engine.tables() as made:
        yield made


def test_items_are_read_as_they_were_written(tables: Tables) -> None:
    item = {"n": 12, "text": "ä\u0000", "flag": True, "parts": [["a", 1, -5]], "big": 10**30}
    tables.write(Write(KEY, item=item))

    assert tables.get(KEY) == item | KEY.as_item()
    assert tables.get(OTHER) is None
    assert tables.get_many([OTHER, KEY]) == [None, item | KEY.as_item()]


def test_a_key_may_be_named_twice_in_one_batch(tables: Tables) -> None:
    """DynamoDB refuses a batch that names a key twice."""
    tables.write(Write(KEY, item={"n": 1}))
    stored = {"n": 1} | KEY.as_item()

    assert tables.get_many([KEY, KEY]) == [stored, stored]
    assert tables.get_many([OTHER, KEY, OTHER, KEY]) == [None, stored, None, stored]
    tables.delete_many([KEY, OTHER, KEY])
    assert tables.get_many([KEY] * 3) == [None] * 3


@pytest.mark.parametrize(
    "changes",
    [
        {"put_in": {"a": 1}, "drop": ["a"]},
        {"put_in": {"a": 1}, "add": {"a": 1}},
        {"add": {"a": 1}, "drop": ["a"]},
        {"drop": ["a", "a"]},
        {"put_in": {"a": {}, ("a", "b"): 1}},
        {"put_in": {("a", "b"): 1}, "drop": [("a", "b")]},
        {"put_in": {("a", "b", "c"): 1, "d": 1}, "drop": [("a", "b")]},
    ],
    ids=str,
)
def test_an_update_that_changes_a_path_twice_is_not_sent(tables: Tables, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="changes both"):
        tables.write(Write(KEY, **changes))

    assert tables.get(KEY) is None


def test_paths_beside_each_other_may_be_changed_at_once(tables: Tables) -> None:
    tables.write(Write(KEY, item={"a": {"b": 1, "bc": 1}, "ab": 1}))

    tables.write(Write(KEY, put_in={("a", "b"): 2, "a.b": 3}, add={"ab": 1}, drop=[("a", "bc")]))

    assert tables.get(KEY) == {"a": {"b": 2}, "a.b": 3, "ab": 2} | KEY.as_item()


def test_a_scan_passes_every_item_once_and_returns_those_that_match(tables: Tables) -> None:
    keys = [ItemKey("ledger", f"USER#{n}", sk) for n in range(7) for sk in ("BALANCE", "ENTRY#1", "ENTRY#2")]
    for key in keys:
        tables.write(Write(key, item={"n": 1}))

    found, after, pages = [], (), 0
    while after is not None:
        items, after = tables.scan("ledger", Attr("sk").eq("BALANCE"), limit=4, after=after)
        found += [item["pk"] for item in items]
        pages += 1

    assert sorted(found) == [f"USER#{n}" for n in range(7)]
    assert pages >= 21 / 4


def test_a_scan_by_a_condition_without_a_value_returns_what_matches(tables: Tables) -> None:
    tables.write(Write(KEY, item={"n": 1}))
    tables.write(Write(ItemKey("ledger", "USER#2", "A"), item={}))

    assert tables.scan("ledger", Attr("n").exists(), limit=10) == ([{"n": 1} | KEY.as_item()], None)


def test_a_scan_continues_after_an_item_that_it_returned(tables: Tables) -> None:
    for n in range(5):
        tables.write(Write(ItemKey("ledger", f"USER#{n}", "BALANCE"), item={"n": n}))
    first, _ = tables.scan("ledger", Attr("sk").eq("BALANCE"), limit=10)

    rest, last = tables.scan("ledger", Attr("sk").eq("BALANCE"), limit=10, after=(first[1]["pk"], first[1]["sk"]))

    assert (rest, last) == (first[2:], None)


def test_an_empty_prefix_finds_all_items(tables: Tables) -> None:
    for sk in ("A", "B#1", "C"):
        tables.write(Write(ItemKey("app", "USER#1", sk), item={}))

    items, last = tables.query("app", "USER#1", "")

    assert ([item["sk"] for item in items], last) == (["A", "B#1", "C"], None)


def test_a_refused_write_shows_the_current_item(tables: Tables) -> None:
    tables.write(Write(KEY, item={"n": 1}))

    with pytest.raises(WriteRefusedError) as refused:
        tables.write(Write(KEY, item={"n": 2}, when=MISSING))
    assert refused.value.refused == {0: {"n": 1} | KEY.as_item()}

    with pytest.raises(WriteRefusedError) as refused:
        tables.transact([Write(OTHER, add={"n": 1}), Write(KEY, delete=True, when=Attr("n").eq(7))])
    assert refused.value.refused == {1: {"n": 1} | KEY.as_item()}
    assert tables.get(OTHER) is None


def test_a_refused_write_of_a_missing_item_shows_an_empty_item(tables: Tables) -> None:
    with pytest.raises(WriteRefusedError) as refused:
        tables.write(Write(KEY, put_in={"n": 2}, when=Attr("n").eq(1)))

    assert refused.value.refused == {0: {}}


def test_adding_counts_from_zero_and_dropping_deletes(tables: Tables) -> None:
    tables.write(Write(KEY, add={"n": 5}, put_in={"word": "x"}))
    tables.write(Write(KEY, add={"n": -7}, drop=("word", "never there")))

    assert tables.get(KEY) == {"n": -2} | KEY.as_item()


def test_a_query_pages_in_both_directions(tables: Tables) -> None:
    for n in range(5):
        tables.write(Write(ItemKey("app", "USER#1", f"T#{n}"), item={"n": n}))
        tables.write(Write(ItemKey("app", "USER#1", f"U#{n}"), item={"n": 100 + n}))

    page, after = tables.query("app", "USER#1", "T#", limit=3, newest_first=True)
    rest, end = tables.query("app", "USER#1", "T#", limit=3, newest_first=True, after=after)

    assert [item["n"] for item in page + rest] == [4, 3, 2, 1, 0]
    assert end is None


def test_all_pages_of_a_query_are_read_when_they_are_needed(engine: Engine, names: tuple[str, str]) -> None:
    fault_injector = FaultInjector()
    tables = fault_injector.tables(engine, names)
    text = "x" * 300_000  # One page of a query holds at most 1 MB.
    for n in range(7):
        tables.write(Write(ItemKey("app", "USER#1", f"T#{n}"), item={"n": n, "text": text}))
    fault_injector.use_plan(no_faults)

    found = [next(items := tables.query_all("app", "USER#1", "T#"))]
    assert fault_injector.calls == ["Query"]
    found += items

    assert [item["n"] for item in found] == list(range(7))
    assert fault_injector.calls in (["Query"] * 2, ["Query"] * 3)  # The engines cut pages differently.
    pages = list(tables.query_pages("app", "USER#1", between=("T#1", "T#2")))
    assert [[item["n"] for item in page] for page in pages] == [[1, 2]]


@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda fault: fault.name)
def test_a_transient_fault_is_retried_and_written_once(fault: Fault, engine: Engine, names: tuple[str, str]) -> None:
    fault_injector = FaultInjector(plan=fail_call(0, fault))
    tables = fault_injector.tables(engine, names, attempts=3)

    tables.transact([Write(KEY, add={"n": 1}, when=MISSING), Write(OTHER, add={"n": 1})])

    assert len(fault_injector.calls) == 2
    assert [item and item["n"] for item in tables.get_many([KEY, OTHER])] == [1, 1]


@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda fault: fault.name)
def test_a_lasting_fault_is_unavailable_and_nothing_is_written(
    fault: Fault, engine: Engine, names: tuple[str, str]
) -> None:
    fault_injector = FaultInjector(plan=lambda *_: fault)
    tables = fault_injector.tables(engine, names, attempts=3)

    with pytest.raises(UnavailableError) as unavailable:
        tables.transact([Write(KEY, add={"n": 1}, when=MISSING), Write(OTHER, add={"n": 1})])

    assert unavailable.value.details["retry_after_seconds"] > 0
    tried = len(fault_injector.calls)
    assert 3 <= tried <= 3 * CONFLICT_TRIES
    fault_injector.use_plan(lambda *_: None)
    written = [item and item["n"] for item in tables.get_many([KEY, OTHER])]
    assert written == ([1, 1] if fault is Fault.LOST else [None, None])


@pytest.mark.parametrize(
    ("fault", "note"),
    [
        (Fault.THROTTLED_INSIDE, "transact_write_items: ProvisionedThroughputExceeded"),
        (Fault.THROTTLED, "transact_write_items: ThrottlingException"),
        (Fault.UNSENT, "transact_write_items: ConnectionClosedError"),
        (Fault.CONFLICT, None),  # caused by the user's own requests: the infrastructure works
    ],
)
def test_the_log_line_names_the_failing_infrastructure(
    fault: Fault, note: str | None, engine: Engine, names: tuple[str, str]
) -> None:
    tables = FaultInjector(plan=lambda *_: fault).tables(engine, names, attempts=3)

    with collect_request_facts() as log, pytest.raises(UnavailableError):
        tables.transact([Write(KEY, add={"n": 1}), Write(OTHER, add={"n": 1})])

    assert log.notes.get("aws_error") == note


@pytest.mark.parametrize("fault", [*OUTAGES, Fault.THROTTLED, Fault.SERVER_ERROR], ids=lambda fault: fault.name)
def test_a_failed_read_is_unavailable_and_never_an_empty_result(
    fault: Fault, engine: Engine, names: tuple[str, str]
) -> None:
    fault_injector = FaultInjector()
    tables = fault_injector.tables(engine, names, attempts=3)
    tables.write(Write(KEY, item={"n": 1}))
    fault_injector.use_plan(lambda *_: fault)

    for read in (
        lambda: tables.get(KEY),
        lambda: tables.get_many([KEY]),
        lambda: tables.query("ledger", "USER#1", "A"),
    ):
        with pytest.raises(UnavailableError):
            read()
