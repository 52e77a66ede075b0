"""Single requests at the limits of DynamoDB and beyond, which `Tables` makes only by a bug or for extreme data."""

from collections.abc import Iterator
from random import Random
from typing import Any

Request = tuple[str, dict[str, Any]]
Values = dict[str, Any]
LARGEST_ITEM_BYTES = 400 * 1024
LONG_KEY_CHARACTERS = 1_000
A_IS_1 = {":a": {"N": "1"}}
NUMBERS = ("0", "-0", "00012", "1.50", "1E+2", "1e125", "9.9e125", "1e126", "1e-130", "1e-131", "9" * 38, "9" * 39)
NUMBERS += ("1" + "0" * 38, "1" * 400, "abc", "", "NaN", "Infinity", "0x1", " 1", "1_000", "+5", ".5", "5.", "1e")
ADDED_NUMBERS = ("0", "-0", "00012", "1.50", "1e126", "abc", "", "NaN", "0x1", " 1", "1_000", "+5")
UPDATES: tuple[tuple[str, Values | None], ...] = (
    *((expression, None) for expression in ("", "SET", "SET a", "SET a = :a", "REMOVE sk", "REMOVE missing")),
    *((expression, None) for expression in ("REMOVE missing.name", "REMOVE version.name")),
    *(
        (expression, A_IS_1)
        for expression in ("SET a = :b", "SET #x = :a", "SET a = :a SET b = :a", "SET a = :a, a = :a")
    ),
    *((expression, A_IS_1) for expression in ("SET a = :a REMOVE a", "SET a = :a ADD a :a", "SET a.b = :a, a = :a")),
    *((expression, A_IS_1) for expression in ("SET pk = :a", "ADD sk :a", "SET state = :a", "SET text = :a")),
    *((expression, A_IS_1) for expression in ("ADD inflight :a", "ADD state1.a :a", "SET version.name = :a")),
    *((expression, A_IS_1) for expression in ("SET missing.name = :a", "SET a = if_not_exists(a, :a)")),
    ("SET a = :a", {}),
    ("SET a = :a, b = :a", A_IS_1 | {":unused": {"N": "1"}}),
    ("SET pk = :a", {":a": {"S": "x"}}),
    ("ADD version :a", {":a": {"S": "x"}}),
    ("ADD version :a", {":a": {"M": {}}}),
)
CONDITIONS: tuple[tuple[str, Values | None], ...] = (
    *((expression, None) for expression in ("", "attribute_exists(", "a = :a", "a IN ()")),
    ("a BETWEEN :a AND :b", {":a": {"N": "5"}, ":b": {"N": "1"}}),
    ("a BETWEEN :a AND :b", {":a": {"N": "5"}, ":b": {"S": "1"}}),
    (":a = :a", A_IS_1),
    ("a < :a", {":a": {"BOOL": True}}),
    ("a = :a", {":a": {"N": "x"}}),
)
VALUES: tuple[Any, ...] = (
    *({"SS": []}, {"SS": ["x", "x"]}, {"NS": ["1", "1.0"]}, {"NULL": False}, {}, {"S": "x", "N": "1"}, {"Z": "x"}),
    *({"M": {"": {"S": "x"}}}, {"BOOL": "x"}, "x", None),
)
INDEX_KEYS = (
    {"open_shard": {"N": "1"}, "sweep_at": {"N": "1"}},
    {"open_shard": {"S": ""}, "sweep_at": {"N": "1"}},
    {"open_shard": {"NULL": True}, "sweep_at": {"N": "1"}},
    {"open_shard": {"S": "OPEN#0"}, "sweep_at": {"S": "1"}},
)


class MalformedRequests:
    """Draws such requests to two tables."""

    def __init__(self, rng: Random, names: tuple[str, str]):
        self._rng, (self._ledger, self._app) = rng, names

    def draw(self) -> Request:
        """A request of a random kind."""
        rng = self._rng
        self._table = rng.choice((self._ledger, self._app))
        self._pk, self._sk = f"USER#{rng.choice(('ada', 'grace'))}", rng.choice(("BALANCE", "HOLD#1", "PROFILE"))
        self._key = {"pk": {"S": self._pk}, "sk": {"S": self._sk}}
        kinds = (self._to_missing_table, self._of_key, self._of_size, self._of_value, self._of_expression)
        return rng.choice(list(rng.choice((*kinds, self._queries, self._batches, self._transactions))()))

    def _to_missing_table(self) -> Iterator[Request]:
        yield from self._by_key("missing-table", self._key)
        yield "batch_get_item", {"RequestItems": {name: {"Keys": [self._key]} for name in ("missing", self._table)}}
        yield self._transaction(self._put(), _put_action("missing-table", self._numbered_key(1)))
        yield "get_item", {"TableName": self._rng.choice(("", "a", "a b")), "Key": self._key}
        yield "get_item", {"Key": self._key}

    def _of_key(self) -> Iterator[Request]:
        pk, sk, long = {"S": self._pk}, {"S": self._sk}, {"S": "x" * self._rng.choice((1024, 1025, 2048, 2049))}
        empty = {"S": ""}
        for key in (
            *({"pk": empty, "sk": sk}, {"pk": pk, "sk": empty}, {"pk": pk}, {"sk": sk}, {}, self._key | {"other": sk}),
            *({"pk": pk, "sk": {"N": "1"}}, {"pk": {"N": "1"}, "sk": sk}, {"pk": pk, "sk": {"NULL": True}}),
            *({"pk": long, "sk": sk}, {"pk": pk, "sk": long}, {"pk": self._pk, "sk": self._sk}),
            *({"pk": {"S": 5}, "sk": sk}, {"pk": {"S": None}, "sk": sk}),
        ):
            yield from self._by_key(self._table, key)

    def _by_key(self, table: str, key: dict[str, Any]) -> Iterator[Request]:
        """Every request about this key."""
        named, update = (
            {"TableName": table},
            {"UpdateExpression": "ADD version :a", "ExpressionAttributeValues": A_IS_1},
        )
        yield "get_item", named | {"Key": key}
        yield "put_item", named | {"Item": key}
        yield "delete_item", named | {"Key": key}
        yield "update_item", named | {"Key": key} | update
        yield "batch_get_item", {"RequestItems": {table: {"Keys": [key]}}}
        yield "batch_write_item", {"RequestItems": {table: [{"DeleteRequest": {"Key": key}}]}}
        if {"pk", "sk"} <= key.keys() and len(repr(key)) < LONG_KEY_CHARACTERS:
            yield self._transaction(_put_action(table, key))
            yield self._transaction({"Delete": named | {"Key": key}})
            yield self._transaction({"Update": named | {"Key": key} | update})
        yield _query(table, "pk = :p AND sk = :s", {f":{name[0]}": key.get(name, {"S": "x"}) for name in ("pk", "sk")})
        yield _query(table, "pk = :p", {":p": {"S": self._pk}}, ExclusiveStartKey=key)
        if len(repr(key)) < LONG_KEY_CHARACTERS:  # What follows a valid key in a scan is each engine's own.
            yield "scan", named | {"ExclusiveStartKey": key, "Limit": 1}

    def _of_size(self) -> Iterator[Request]:
        """Items of about the largest size, with a key of their own: of all attributes, only `text` is changed."""
        key = {"pk": {"S": "USER#large"}, "sk": {"S": "BALANCE"}}
        names_and_keys = len("pk" + "sk" + "text" + "USER#large" + "BALANCE")
        text, longer = (
            {"S": "x" * (LARGEST_ITEM_BYTES - names_and_keys + self._rng.choice(extra))}
            for extra in ((-1, 0, 1, 50), (-1, 1, 50))
        )
        values = {"ExpressionAttributeNames": {"#t": "text"}, "ExpressionAttributeValues": {":t": longer}}
        update = {"TableName": self._table, "Key": key, "UpdateExpression": "SET #t = :t"} | values
        yield self._put_item(text=text, **key)
        yield self._transaction(_put_action(self._table, key | {"text": text}))
        yield "update_item", update
        yield self._transaction({"Update": update})

    def _of_value(self) -> Iterator[Request]:
        rng = self._rng
        nested: Any = {"S": "x"}
        for _ in range(rng.choice((29, 30, 31, 32, 33))):
            nested = rng.choice(({"L": [nested]}, {"M": {"a": nested}}))
        for value in (nested, *VALUES):
            yield self._put_item(a=value)
            yield self._transaction(_put_action(self._table, self._key | {"a": value}))
        yield self._put_item(**{rng.choice(("", "x" * 300)): {"S": "x"}})
        for attributes in INDEX_KEYS:
            yield "put_item", {"TableName": self._ledger, "Item": self._key | attributes}
            put = _put_action(self._ledger, self._key | attributes)
            yield self._transaction(self._refused_put(), put)
        number, other = {"N": rng.choice(NUMBERS)}, {"pk": {"S": "USER#numbers"}, "sk": {"S": "BALANCE"}}
        yield self._put_item(a=number, **other)  # boto3 reads no number of more than 38 digits.
        yield self._update("SET a = :a", {":a": number}, Key=other)
        yield self._update("ADD credits :a", {":a": {"N": rng.choice(ADDED_NUMBERS)}})

    def _of_expression(self) -> Iterator[Request]:
        for expression, values in UPDATES:
            yield self._update(expression, values)
        yield self._update("SET a = :a", A_IS_1, ExpressionAttributeNames={"#unused": "x"})
        for condition, values in CONDITIONS:
            extra = {} if values is None else {"ExpressionAttributeValues": values}
            put = {"TableName": self._table, "Item": self._key, "ConditionExpression": condition} | extra
            yield (
                "put_item",
                put | {"ReturnValuesOnConditionCheckFailure": self._rng.choice(("ALL_OLD", "NONE", "ALL"))},
            )
        yield "scan", {"TableName": self._table, "FilterExpression": "a = :a"}
        yield (
            "scan",
            {"TableName": self._table, "FilterExpression": "attribute_exists(a)", "ExpressionAttributeValues": {}},
        )

    def _queries(self) -> Iterator[Request]:
        table, pk = self._table, {":p": {"S": self._pk}}
        for expression in ("sk = :p", "pk > :p", "pk = :p OR sk = :p", "pk = :p AND pk = :p"):
            yield _query(table, expression, pk)
        for value in ({"S": ""}, {"N": "1"}):
            yield _query(table, "pk = :p AND begins_with(sk, :s)", pk | {":s": value})
        yield _query(table, "pk = :p AND sk BETWEEN :a AND :b", pk | {":a": {"S": "b"}, ":b": {"S": "a"}})
        yield _query(table, "pk = :p AND other = :s", pk | {":s": {"S": "x"}})
        yield _query(table, "pk = :p", pk | {":unused": {"S": "x"}})
        yield _query(table, "pk = :p", pk, Limit=self._rng.choice((0, -1, "5", 1.5, 10**6)))
        yield _query(table, "pk = :p", pk, IndexName="missing")
        yield _query(table, "pk = :p", pk, ExclusiveStartKey={"pk": {"S": "another"}, "sk": {"S": "x"}})
        start = {"pk": {"S": self._pk}, "sk": {"S": "A"}}
        yield _query(table, "pk = :p AND sk > :s", pk | {":s": {"S": "M"}}, ExclusiveStartKey=start)
        yield "query", {"TableName": table}
        yield "scan", {"TableName": table, "Limit": 0}
        for value in ({"S": "OPEN#0"}, {"S": ""}, {"N": "1"}):
            is_consistent = self._rng.random() < 0.5
            values = {":p": value}
            yield _query(self._ledger, "open_shard = :p", values, IndexName="open_holds", ConsistentRead=is_consistent)
        values = {":p": {"S": "OPEN#0"}, ":s": {"S": "5"}}
        yield _query(self._ledger, "open_shard = :p AND sweep_at < :s", values, IndexName="open_holds")

    def _batches(self) -> Iterator[Request]:
        reads, writes = self._rng.choice((99, 100, 101)), self._rng.choice((24, 25, 26))
        keys = [self._numbered_key(number) for number in range(reads)]
        deletes = [{"DeleteRequest": {"Key": key}} for key in keys[:writes]]
        for batch in ({}, *({self._table: {"Keys": some}} for some in ([], [self._key] * 2, keys))):
            yield "batch_get_item", {"RequestItems": batch}
        yield "batch_get_item", {"RequestItems": {self._ledger: {"Keys": keys[:50]}, self._app: {"Keys": keys[50:]}}}
        for batch in ({}, *({self._table: some} for some in ([], [{}], deletes[:1] * 2, deletes))):
            yield "batch_write_item", {"RequestItems": batch}
        yield "batch_write_item", {"RequestItems": {self._ledger: deletes[:12], self._app: deletes[12:]}}

    def _transactions(self) -> Iterator[Request]:
        rng, table = self._rng, self._table
        put, delete = self._put(), {"Delete": {"TableName": table, "Key": self._key}}
        numbered = [_put_action(table, self._numbered_key(number)) for number in range(rng.choice((99, 100, 101)))]
        for actions in ([], [{}], [put | delete], [put, put], [put, delete], numbered):
            yield self._transaction(*actions)
        text = {"text": {"S": "x" * 399_000}}
        yield self._transaction(
            *(_put_action(table, self._numbered_key(n) | text) for n in range(rng.choice((2, 10, 11))))
        )
        returned = rng.choice(("ALL_OLD", "NONE"))
        is_new = {"ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": returned}
        yield self._transaction({"Put": put["Put"] | is_new})
        yield self._transaction({"Put": put["Put"] | {"ConditionExpression": "attribute_exists("}}, numbered[0])
        for token in ("", "x" * 37, 5):
            yield "transact_write_items", {"TransactItems": [put], "ClientRequestToken": token}
        yield self._transaction({"Update": {"TableName": table, "Key": self._key}})
        for expression in ("ADD pk :a", "SET state = :a", "ADD a :a", "SET missing.name = :a"):
            update = {"TableName": table, "Key": self._key, "UpdateExpression": expression}
            for values in (A_IS_1, {":a": {"S": "x"}}):
                yield self._transaction(self._refused_put(), {"Update": update | {"ExpressionAttributeValues": values}})

    def _transaction(self, *actions: dict[str, Any]) -> Request:
        token = f"{self._ledger}-{self._rng.getrandbits(40):x}"  # botocore would make one up.
        return "transact_write_items", {"TransactItems": list(actions), "ClientRequestToken": token}

    def _numbered_key(self, number: int) -> dict[str, Any]:
        return {"pk": {"S": "USER#many"}, "sk": {"S": f"ENTRY#{number}"}}

    def _put(self) -> dict[str, Any]:
        return _put_action(self._table, self._key)

    def _refused_put(self) -> dict[str, Any]:
        put = _put_action(self._table, self._numbered_key(0))
        return {"Put": put["Put"] | {"ConditionExpression": "attribute_exists(missing)"}}

    def _put_item(self, **attributes: Any) -> Request:
        return "put_item", {"TableName": self._table, "Item": self._key | attributes}

    def _update(self, expression: str, values: Values | None, **extra: Any) -> Request:
        request = {"TableName": self._table, "Key": self._key, "UpdateExpression": expression}
        return "update_item", request | ({} if values is None else {"ExpressionAttributeValues": values}) | extra


def _query(table: str, expression: str, values: Values, **extra: Any) -> Request:
    request = {"TableName": table, "KeyConditionExpression": expression, "ExpressionAttributeValues": values}
    return "query", request | extra


def _put_action(table: str, item: dict[str, Any]) -> dict[str, Any]:
    return {"Put": {"TableName": table, "Item": item}}
