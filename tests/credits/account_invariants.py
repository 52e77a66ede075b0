"""All items of one user, read from the tables, and the money invariants that they have to meet."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from chalicelib.dates import utc_date
from chalicelib.models.ledger import Balance, Entry, Hold, HoldState
from chalicelib.repositories.expressions import Item, deserialize
from chalicelib.repositories.ledger_items import balance_of, entry_from, hold_from
from tests.engines import Engine

DAY_TOTALS = ("credits", "audio_ms", "cost_micro_usd", "entries")


@dataclass(frozen=True)
class Books:
    """`days`: (date, service, name of the total) → total. `app`: sort key → item of the app table."""

    balance: Balance
    entries: list[Entry]
    holds: dict[str, Hold]
    days: dict[tuple[str, str, str], int]
    app: dict[str, Item]

    @classmethod
    def of(cls, engine: Engine, names: tuple[str, str], user_id: str) -> "Books":
        ledger, app = (_items(engine.client, name, user_id) for name in names)
        return cls(
            balance=balance_of(ledger.get("BALANCE")),
            entries=[entry_from(item) for sk, item in ledger.items() if sk.startswith("ENTRY#")],
            holds={item["hold_id"]: hold_from(item) for sk, item in ledger.items() if sk.startswith("HOLD#")},
            days={
                (*sk.split("#")[1:], name): item[name]
                for sk, item in ledger.items()
                if sk.startswith("DAY#")
                for name in DAY_TOTALS
            },
            app=app,
        )

    @property
    def usage(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind == "usage"]

    @property
    def open_holds(self) -> list[Hold]:
        return [hold for hold in self.holds.values() if hold.state is HoldState.OPEN]

    def check(self) -> None:
        """Money invariants 1 to 3, and that entries, holds and day totals agree."""
        assert self.balance.available >= 0
        self.check_totals()

    def check_totals(self) -> None:
        """The same where credits were clawed back, which alone may make the balance negative."""
        with_hold = [entry for entry in self.entries if entry.hold_id]
        balance, booked = self.balance, {entry.hold_id: entry for entry in with_hold}
        assert balance.available + balance.held == sum(entry.credits for entry in self.entries)
        assert balance.held == sum(hold.credits for hold in self.open_holds)
        assert len(booked) == len(with_hold), "a hold was booked twice"
        assert balance.used == -sum(entry.credits for entry in self.usage)
        for hold in self.holds.values():
            assert (hold.state is HoldState.SETTLED) == (hold.hold_id in booked)
            assert 0 <= hold.charged <= hold.credits
            assert hold.charged == -booked[hold.hold_id].credits if hold.hold_id in booked else hold.charged == 0
        assert self.days == self._days()

    def _days(self) -> dict[tuple[str, str, str], int]:
        days: Counter[tuple[str, str, str]] = Counter()
        for entry in self.usage:
            for name, number in zip(DAY_TOTALS, (-entry.credits, entry.audio_ms, entry.cost_micro_usd, 1), strict=True):
                days[utc_date(entry.at), entry.service, name] += number
        return dict(days)


def _items(client: Any, table: str, user_id: str) -> dict[str, Item]:
    found: dict[str, Item] = {}
    start: dict[str, Any] = {}
    while True:
        page = client.query(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"USER#{user_id}"}},
            ConsistentRead=True,
            **start,
        )
        found |= {item["sk"]: item for item in map(deserialize, page["Items"])}
        if "LastEvaluatedKey" not in page:
            return found
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
