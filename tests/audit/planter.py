"""Plants one problem into correct books, for the tests of what an audit finds."""

from collections.abc import Callable
from typing import Any

from chalicelib.models.audits import FindingKind
from chalicelib.repositories.expressions import Item
from chalicelib.repositories.ledger_items import balance_key, hold_key, user_pk
from chalicelib.repositories.table import ItemKey, Write
from tests.audit.audit_env import AuditedUsers, AuditEnv

References = list[str]  # of the findings, all of one kind and one user
PLANTS: list[tuple[FindingKind, Callable[["Planter"], References]]] = []


class Planter:
    """Writes wrong values into the tables, past the repositories."""

    def __init__(self, audit_env: AuditEnv, users: AuditedUsers):
        self.env, self.users = audit_env, users
        self.tables = audit_env.backend.tables
        self.ada = users.ada.user_id

    def add_to_balance(self, **amounts: int) -> None:
        self.tables.write(Write(balance_key(self.ada), add=amounts))

    def set_values(self, key: ItemKey, **values: Any) -> None:
        self.tables.write(Write(key, put_in=values))

    def put(self, key: ItemKey, item: Item) -> None:
        self.tables.write(Write(key, item={name: value for name, value in item.items() if name not in ("pk", "sk")}))

    def ledger_key(self, sk: str) -> ItemKey:
        return ItemKey("ledger", user_pk(self.ada), sk)

    def items(self, prefix: str, **values: Any) -> list[Item]:
        found, _ = self.tables.query("ledger", user_pk(self.ada), prefix)
        return [item for item in found if all(item.get(name) == value for name, value in values.items())]

    def hold(self, **values: Any) -> Item:
        return self.items("HOLD#", **values)[0]

    def charged_hold(self) -> Item:
        return next(hold for hold in self.items("HOLD#", state="settled") if hold["charged"])

    def hold_key(self, hold: Item) -> ItemKey:
        return hold_key(self.ada, hold["hold_id"])

    def entry(self, **values: Any) -> Item:
        return self.items("ENTRY#", **values)[0]


def problem(kind: FindingKind) -> Callable[[Any], Any]:
    """Registers a planted problem with the kind of finding that the audit must report for it."""

    def register(plant: Any) -> Any:
        PLANTS.append((kind, plant))
        return plant

    return register
