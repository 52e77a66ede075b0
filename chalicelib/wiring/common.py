"""What most use cases share: ledger, tables, prices, clock, ids and cursors."""

import time
import uuid
from collections.abc import Callable
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from ..cursors import Cursors
from ..ids import ulid
from ..lazy import lazy
from ..pricing import price_files
from ..repositories.ledger import Ledger
from ..repositories.table import Tables
from .aws import secret, settings, tables

if TYPE_CHECKING:
    from ..repositories.aggregates import Aggregates


class Common(msgspec.Struct, frozen=True):
    """The collaborators that use cases have under the same field names."""

    ledger: Ledger
    tables: Tables
    prices: price_files.Prices
    now: Callable[[], int]  # epoch seconds, UTC
    new_id: Callable[[], str]
    new_ulid: Callable[[], str]

    def of(self, use_case: type) -> dict[str, Any]:
        """The shared collaborators that the use case has as fields."""
        return {field.name: getattr(self, field.name) for field in fields(use_case) if hasattr(self, field.name)}


@lru_cache
def common() -> Common:
    return Common(ledger(), tables(), price_files.load(settings().price_version), now, new_id, new_ulid)


def now() -> int:
    return int(time.time())


def new_id() -> str:
    return str(uuid.uuid4())


def new_ulid() -> str:
    return ulid(time.time_ns() // 1_000_000)


@lru_cache
def ledger() -> Ledger:
    return Ledger(tables())


@lru_cache
def aggregates() -> "Aggregates":
    from ..repositories.aggregates import Aggregates

    return Aggregates(tables())


@lru_cache
def cursors() -> Cursors:
    return lazy(lambda: Cursors(secret("identity_hmac_key")))
