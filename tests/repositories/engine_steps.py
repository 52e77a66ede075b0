"""Random calls of `Tables`, with keys, items and conditions like those of our repositories, and malformed requests."""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from chalicelib.repositories.conditions import Attr, Condition
from chalicelib.repositories.expressions import filter_condition, key_condition
from chalicelib.repositories.table import Item, ItemKey, Path, TableName, Tables, Write
from tests.repositories.engine_malformed import MalformedRequests
from tests.repositories.engine_pair import EnginePair

Step = Callable[[EnginePair], object]

USERS = ("USER#ada", "USER#grace", "USER#zoë")
ATTEMPTS = ("a1", "a2", "a3")
SORT_KEYS: dict[TableName, tuple[str, ...]] = {
    "ledger": (
        *("BALANCE", "HOLD#1", "HOLD#2", "HOLD#3", "ENTRY#01A", "ENTRY#01B", "ENTRY#01C", "REF#purchase#1"),
        *("DAY#2026-11-01#stream", "DAY#2026-11-02#catchup", "DAY#2026-11-02#stream"),
    ),
    "app": (
        *("PROFILE", "SESSION#1", "SESSION#2", "TRANSCRIPT#t", "CATCHUP#x"),
        *("SEGMENT#t#C#0000000001", "SEGMENT#t#C#0000000002", "SEGMENT#t#S#b"),
    ),
}
OTHER_KEYS = (
    *(ItemKey("ledger", "FREE#9f", "GUARD"), ItemKey("app", "JOB#1", "JOB"), ItemKey("app", "EXPORTS", "ada")),
    *(ItemKey("app", "LIMIT#spend#60/minute#ada", "TAT"), ItemKey("app", "AUDITS", "LATEST")),
)
PREFIXES = ("", "HOLD#", "ENTRY#", "DAY#", "SEGMENT#t#C#", "S", "BALANCE", "ENTRY#01", "\u007f")
INTEGERS = (0, 1, -1, 5, 50, 1_795_400_000, -(10**15), 2**53 + 1)
COUNTS = ("available", "held", "credits", "version", "use_ms:universal.2", "count")
INDEX_KEYS = ("open_shard", "sweep_at")
LARGE_TEXT = "ä" * 130_000  # Four such items are more than a page of 1 MB.


class RandomSteps:
    """Draws steps for two tables; all that is random is drawn before the step runs, so that it runs alike again."""

    def __init__(self, rng: Random, names: tuple[str, str]):
        self._rng, self._names = rng, names
        self._malformed = MalformedRequests(rng, names)
        self._values: dict[str, Callable[[], Any]] = {
            **dict.fromkeys(COUNTS, self._integer),
            "version": partial(rng.randrange, 3),
            "state": partial(rng.choice, ("open", "settled", "released", "active", "")),
            "worker": partial(rng.choice, ("", "w1", "w2")),
            "attempt": partial(rng.choice, ATTEMPTS),
            "blocked": partial(rng.choice, (True, False)),
            "inflight": self._inflight,
            "uses": lambda: [{"model": "m", "ms": self._integer(), "cost": 5} for _ in range(rng.randrange(3))],
            "covered_ms": lambda: [[0, self._integer()], []],
            "text": partial(rng.choice, ("", "héé", "\u0000", "a.b", "x" * 2000, "😀")),
            "answer": lambda: None,
            "audio": partial(rng.choice, (b"", b"\x00\xff", b"wav")),
            "tags": lambda: set(rng.choice(({"x", "y"}, {1, 2}, {"x"}))),
            "open_shard": partial(rng.choice, ("OPEN#0", "OPEN#1")),
            "sweep_at": partial(rng.randrange, 6),
        }

    def draw(self) -> Step:
        """A step of a random kind; each makes about one request."""
        kinds = (
            *((self._write, 30), (self._transact, 20), (self._get, 8), (self._get_many, 6), (self._query, 10)),
            *((self._query_all, 2), (self._query_index, 6), (self._scan, 3), (self._delete_many, 3)),
            *((self._malform, 20), (self._repeat, 4), (self._fill_pages, 0.3)),
        )
        (kind,) = self._rng.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])
        return kind()

    def _call(self, method: str, *args: Any, **kwargs: Any) -> Step:
        return lambda pair: getattr(Tables(pair, *self._names), method)(*args, **kwargs)

    def _list(self, method: str, *args: Any, **kwargs: Any) -> Step:
        return lambda pair: list(getattr(Tables(pair, *self._names), method)(*args, **kwargs))

    # Reads

    def _get(self) -> Step:
        return self._call("get", self._key())

    def _get_many(self) -> Step:
        return self._call("get_many", self._keys(30))

    def _query(self) -> Step:
        rng, key = self._rng, self._key()
        between = tuple(sorted(rng.choices(SORT_KEYS[key.table], k=2))) if rng.random() < 0.25 else None
        page = {"limit": rng.choice((None, 1, 2, 5, 100)), "after": rng.choice((None, key.sk))}
        order = {"newest_first": rng.random() < 0.5, "between": between}
        return self._call("query", key.table, key.pk, rng.choice(PREFIXES), **page, **order)

    def _query_all(self) -> Step:
        key = self._key()
        return self._list("query_all", key.table, key.pk, self._rng.choice(PREFIXES))

    def _query_index(self) -> Step:
        condition: Condition = Attr("open_shard").eq(f"OPEN#{self._rng.randrange(2)}")
        sweep_at = Attr("sweep_at")
        if self._rng.random() < 0.7:
            condition &= self._rng.choice((sweep_at.lte, sweep_at.gt, sweep_at.eq))(self._rng.randrange(6))
        return self._list("query_index", "open_holds", condition)

    def _scan(self) -> Step:
        rng = self._rng
        request = {"TableName": rng.choice(self._names), "ConsistentRead": True, "Limit": rng.choice((1, 2, 7, 100))}
        scan = request | filter_condition(self._condition()), rng.choice((-1, 0, 1))
        return lambda pair: pair.compare_pages("scan", *scan)

    # Writes

    def _write(self) -> Step:
        return self._call("write", self._random_write(self._key()))

    def _transact(self) -> Step:
        return self._call("transact", [self._random_write(key) for key in dict.fromkeys(self._keys(5))])

    def _delete_many(self) -> Step:
        return self._call("delete_many", self._keys(5))

    def _malform(self) -> Step:
        method, request = self._malformed.draw()
        return lambda pair: getattr(pair, method)(**request)

    def _repeat(self) -> Step:
        """A transaction whose token may have been sent before, with this body or another."""
        rng, ledger = self._rng, self._names[0]
        hold = {"pk": {"S": "USER#ada"}, "sk": {"S": "HOLD#1"}, "credits": {"N": rng.choice(("5", "6"))}}
        put = {"TableName": ledger, "Item": hold, "ConditionExpression": "attribute_not_exists(pk)"}
        change = {"UpdateExpression": "ADD held :a", "ExpressionAttributeValues": {":a": {"N": "5"}}}
        update = {"TableName": ledger, "Key": {"pk": {"S": "USER#ada"}, "sk": {"S": "BALANCE"}}} | change
        actions = [{"Put": put | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}, {"Update": update}]
        token = f"{ledger}-{rng.randrange(3)}"
        return lambda pair: pair.transact_write_items(TransactItems=actions, ClientRequestToken=token)

    def _fill_pages(self) -> Step:
        """More items than a page of a query holds, read forwards and backwards."""
        keys = [ItemKey("app", "USER#ada", f"SEGMENT#t#S#{number}") for number in range(5)]
        condition = key_condition(Attr("pk").eq("USER#ada") & Attr("sk").begins_with("SEGMENT#t#S#"))

        def run(pair: EnginePair) -> None:
            tables = Tables(pair, *self._names)
            for key in keys:
                tables.write(Write(key, item={"text": LARGE_TEXT}))
            for forward in (True, False):
                pair.compare_pages("query", {"TableName": self._names[1], "ScanIndexForward": forward} | condition)
            tables.get_many(keys)
            tables.delete_many(keys)

        return run

    def _random_write(self, key: ItemKey) -> Write:
        when = self._condition() if self._rng.random() < 0.6 else None
        kind = self._rng.random()
        if kind < 0.4:
            return Write(key, item=self._item(9), when=when)
        if kind < 0.5:
            return Write(key, delete=True, when=when)
        put_in: dict[Path, Any] = {**self._item(3)}
        add = {name: self._integer() for name in self._sample(COUNTS, 3) if name not in put_in}
        drop: list[Path] = [name for name in self._item(2) if name not in put_in and name not in add]
        if "inflight" not in put_in and "inflight" not in drop:
            first, second = self._rng.sample(ATTEMPTS, 2)
            if self._rng.random() < 0.25:
                put_in["inflight", first] = [self._integer(), 5]
            if self._rng.random() < 0.25:
                drop.append(("inflight", second))
        return Write(key, put_in=put_in, add=add or {} if put_in or drop else {"version": 1}, drop=drop, when=when)

    # Keys, values and conditions

    def _key(self) -> ItemKey:
        if self._rng.random() < 0.15:
            return self._rng.choice(OTHER_KEYS)
        table: TableName = self._rng.choice(("ledger", "app"))
        return ItemKey(table, self._rng.choice(USERS), self._rng.choice(SORT_KEYS[table]))

    def _keys(self, most: int) -> list[ItemKey]:
        return [self._key() for _ in range(self._rng.randint(1, most))]

    def _sample(self, names: tuple[str, ...], most: int) -> list[str]:
        return self._rng.sample(names, self._rng.randint(0, most))

    def _integer(self) -> int:
        return self._rng.choice(INTEGERS)

    def _inflight(self) -> dict[str, list[int]]:
        return {attempt: [self._integer(), 5] for attempt in self._sample(ATTEMPTS, 2)}

    def _item(self, most: int) -> Item:
        return {name: self._value(name) for name in self._sample(tuple(self._values), most)}

    def _value(self, name: str) -> Any:
        """A value of the attribute; rarely, one of another attribute, of another type."""
        if self._rng.random() < 0.03 and name not in INDEX_KEYS:
            name = self._rng.choice(list(self._values))
        return self._values[name]()

    def _condition(self, depth: int = 0) -> Condition:
        kind = self._rng.random() + depth / 4
        if kind < 0.2:
            return self._condition(depth + 1) & self._condition(depth + 1)
        if kind < 0.4:
            return self._condition(depth + 1) | self._condition(depth + 1)
        if kind < 0.47:
            return ~self._condition(depth + 1)
        if self._rng.random() < 0.15:
            has_sort_key = Attr("sk").is_in(["BALANCE", "GUARD"])
            return self._rng.choice((Attr("pk").exists(), Attr("pk").not_exists(), has_sort_key))
        return self._comparison(self._rng.choice(list(self._values)))

    def _comparison(self, name: str) -> Condition:
        rng, value, other = self._rng, self._value(name), self._value(name)
        if name == "inflight" and rng.random() < 0.7:
            attr = Attr(f"inflight.{rng.choice(ATTEMPTS)}")
            return rng.choice((attr.exists, attr.not_exists))()
        attr = Attr(name)  # A dot makes a path, as in `use_ms:universal.2`.
        conditions = [
            *[attr.eq(value)] * 4,
            attr.exists(),
            attr.not_exists(),
            attr.ne(value),
            attr.is_in([value, other]),
        ]
        if type(value) in (int, str):
            conditions += [attr.lt(value), attr.lte(value), attr.gt(value), attr.gte(value)]
        if type(value) is type(other) is int:
            conditions.append(attr.is_between(min(value, other), max(value, other)))
        return rng.choice(conditions)
